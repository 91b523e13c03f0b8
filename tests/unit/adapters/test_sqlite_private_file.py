"""Files of SQLite's are for their owner alone, whatever the umask lets others do."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from shared.adapters.sqlite.broker import SqliteBroker
from shared.adapters.sqlite.broker_file import BrokerFile
from shared.adapters.sqlite.database import Database
from shared.bootstrap import embedded_broker
from shared.domain.errors import TryLaterError


@pytest.fixture(autouse=True)
def generous():
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder):
    return {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}


def test_the_store_and_what_stands_beside_it_are_for_their_owner_alone(tmp_path):
    database = Database(tmp_path / "store.db")
    with database.writing() as connection:
        connection.execute("CREATE TABLE a (b)")

    assert modes(tmp_path) == dict.fromkeys(("store.db", "store.db-wal", "store.db-shm"), 0o600)


def test_the_queue_and_what_stands_beside_it_are_for_their_owner_alone(tmp_path):
    SqliteBroker(tmp_path / "queue.db", now=lambda: datetime.now(UTC))

    assert modes(tmp_path) == dict.fromkeys(("queue.db", "queue.db-wal", "queue.db-shm"), 0o600)


def test_a_file_that_is_there_keeps_the_mode_that_somebody_gave_it(tmp_path):
    (tmp_path / "store.db").touch(0o640)
    database = Database(tmp_path / "store.db")
    with database.writing() as connection:
        connection.execute("CREATE TABLE a (b)")

    assert set(modes(tmp_path).values()) == {0o640}


def test_threads_that_use_a_new_file_at_once_use_one(tmp_path):
    for number in range(20):
        database = Database(tmp_path / f"{number}.db")

        def put(value, database=database):
            with database.writing() as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS a (b)")
                connection.execute("INSERT INTO a VALUES (?)", (value,))

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(put, range(8)))
        with database.reading() as connection:
            assert connection.execute("SELECT count(*) FROM a").fetchone() == (8,)
        database.close()
    assert {name for name in modes(tmp_path) if name.startswith(".")} == set()


def test_a_folder_that_is_made_for_them_is_for_its_owner_alone(tmp_path):
    broker = embedded_broker(tmp_path / "data")
    broker.close()
    embedded_broker.cache_clear()

    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


@pytest.mark.parametrize("use", [lambda path: Database(path).reading().__enter__(), BrokerFile])
def test_a_name_that_no_file_can_have_is_told_with_what_to_do(tmp_path, use):
    with pytest.raises(TryLaterError, match="writable for this process"):
        use(tmp_path / f"{'n' * 300}.db")
