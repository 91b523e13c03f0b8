"""What the SQLite store keeps when its process is killed, shares with another, and says when its file is unwell."""

import random
import shutil
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.rollout_store import SqliteRolloutStore
from shared.adapters.sqlite.trouble import DamagedFileError
from shared.domain.errors import TryLaterError
from shared.ports.rollout_store import Change
from tests import sqlite_writer
from tests.sqlite_writer import KEY, PADDING, next_change

ROOT = Path(__file__).parent.parent.parent
QUICK = timedelta(seconds=0.3)


def start(work, file: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.sqlite_writer", work.__name__, str(file)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=60)
    return out.split("\n")[:-1]


def stored_count(store: SqliteRolloutStore) -> int:
    """Return up to where the aggregate has counted, after seeing that each part of it says the same."""
    loaded = store.load(KEY)
    if loaded.document is None:
        return 0
    count = int(loaded.document.split()[0])
    history = store.history(KEY, after=0, up_to=10**6, limit=10**6)
    assert [entry.sequence for entry in history] == list(range(1, count + 1))
    assert [entry.id for entry in loaded.outbox] == [f"effect-{count}"]
    assert store.record(KEY, f"record-{count}") == PADDING
    assert store.record(KEY, f"record-{count + 1}") is None
    return count


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "slipway.db"


@pytest.fixture
def store(file):
    database = Database(file, patience=QUICK)
    yield SqliteRolloutStore(database)
    database.close()


def test_killed_in_the_middle_of_commits_each_change_is_there_whole_or_not_at_all(file, store):
    chance = random.Random(4711)
    acknowledged = 0
    for _ in range(6):
        process = start(sqlite_writer.commit_for_ever, file)
        assert process.stdout
        assert process.stdout.readline()
        time.sleep(chance.uniform(0.01, 0.15))
        process.kill()
        lines = finish(process)
        last = int(lines[-1]) if lines else 0
        count = stored_count(store)
        assert count in (max(last, acknowledged + 1), max(last, acknowledged + 1) + 1)
        acknowledged = count
    assert acknowledged > 12


def test_killed_right_after_a_commit_the_change_is_there(file, store):
    for count in (1, 2, 3):
        finish(start(sqlite_writer.die_right_after_a_commit, file))
        assert stored_count(store) == count


def test_killed_right_after_an_acceptance_the_fact_is_there_and_known(file, store):
    finish(start(sqlite_writer.die_right_after_an_acceptance, file))
    assert [entry.command_id for entry in store.load(KEY).inbox] == ["command"]
    assert store.answer(KEY, "command") == "answer"


def test_two_processes_at_once_lose_nothing_and_count_nothing_twice(file, store):
    writers = [start(sqlite_writer.count_beside_another, file) for _ in range(2)]
    outcomes = [finish(writer) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert stored_count(store) == 2 * sqlite_writer.ROUNDS
    for mine, theirs in zip(*outcomes, strict=True):
        assert {mine, theirs} == {"True", "False"}


def test_a_full_disk_means_try_later_and_the_store_works_again_afterwards(file, store):
    assert finish(start(sqlite_writer.fill_the_disk, file)) == ["TryLaterError", "works again"]
    assert stored_count(store) > 1


def test_a_file_that_is_locked_for_long_means_try_later_in_bounded_time(file, store):
    store.commit(next_change(store))
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(TryLaterError, match="locked"):
        store.commit(next_change(store))
    assert time.monotonic() - began < 2
    assert stored_count(store) == 1
    holder.execute("ROLLBACK")
    holder.close()
    store.commit(next_change(store))
    assert stored_count(store) == 2


def test_a_folder_out_of_reach_means_try_later_until_it_is_there(tmp_path):
    folder = tmp_path / "data"
    store = SqliteRolloutStore(Database(folder / "slipway.db"))
    with pytest.raises(TryLaterError, match="unable to open"):
        store.load(KEY)
    folder.mkdir()
    store.commit(next_change(store))
    shutil.rmtree(folder)
    with pytest.raises(TryLaterError, match="unable to open"):
        store.commit(Change(key=KEY, etag=None, document="x"))


def test_a_file_put_in_the_place_of_the_old_one_is_the_one_that_is_used(file, store, tmp_path):
    store.commit(next_change(store))
    other = Database(tmp_path / "backup.db")
    backup = SqliteRolloutStore(other)
    for _ in range(3):
        backup.commit(next_change(backup))
    other.close()
    for suffix in ("-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    (tmp_path / "backup.db").rename(file)
    assert stored_count(store) == 3


def test_a_damaged_file_is_named_with_what_to_do(file, store):
    for _ in range(5):
        store.commit(next_change(store))
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"slipway\.db is damaged.*put a backup in its place"):
        SqliteRolloutStore(Database(file)).load(KEY)


def test_a_file_that_is_no_database_is_said_to_be_damaged(tmp_path):
    file = tmp_path / "slipway.db"
    file.write_text("hello " * 1000)
    with pytest.raises(DamagedFileError):
        SqliteRolloutStore(Database(file)).load(KEY)
    assert file.read_text().startswith("hello")


def test_a_commit_is_on_disk_when_it_returns(file, store):
    store.load(KEY)
    with Database(file).reading() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_large_old_aggregate_costs_as_many_statements_as_a_small_young_one(file):
    database = Database(file)
    store = SqliteRolloutStore(database)
    statements: list[str] = []
    store.commit(next_change(store))
    with database.reading() as connection:
        connection.set_trace_callback(statements.append)
    statements.clear()
    store.commit(next_change(store))
    young = len(statements)
    for _ in range(500):
        store.commit(next_change(store))
    statements.clear()
    store.commit(next_change(store))
    assert len(statements) == young > 5
