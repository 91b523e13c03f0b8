"""A process of its own that writes to a SQLite store: `python -m tests.sqlite_writer WHAT FILE`.

It prints a line for each write that the store acknowledged, so that a test can kill it and compare.
"""

import os
import resource
import signal
import sys
from datetime import UTC, datetime, timedelta

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.rollout_store import SqliteRolloutStore
from shared.domain.errors import TryLaterError, VersionConflictError
from shared.ports.rollout_store import Change, HistoryEntry, InboxEntry, OutboxEntry, Record

KEY = "application:shop"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
ROUNDS = 40
PADDING = "x" * 20_000
"""Makes a change span several pages of the file, so that a kill can fall between them."""


def next_change(store: SqliteRolloutStore) -> Change:
    """Return a change that counts one up, everywhere at once: state, history, outbox, record."""
    loaded = store.load(KEY)
    number = int((loaded.document or "0").split()[0]) + 1
    return Change(
        key=KEY,
        etag=loaded.etag,
        document=f"{number} {PADDING}",
        history=(HistoryEntry(number, PADDING),),
        opened=(OutboxEntry(f"effect-{number}", PADDING),),
        closed=tuple(entry.id for entry in loaded.outbox),
        records=(Record(f"record-{number}", PADDING),),
    )


def say(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def commit_for_ever(store: SqliteRolloutStore) -> None:
    while True:
        change = next_change(store)
        store.commit(change)
        say(change.history[0].sequence)


def die_right_after_a_commit(store: SqliteRolloutStore) -> None:
    store.commit(next_change(store))
    os.kill(os.getpid(), signal.SIGKILL)


def die_right_after_an_acceptance(store: SqliteRolloutStore) -> None:
    store.accept(KEY, "command", "answer", InboxEntry("command", "{}", NOON))
    os.kill(os.getpid(), signal.SIGKILL)


def count_beside_another(store: SqliteRolloutStore) -> None:
    """Count `ROUNDS` up and accept as many facts, while another process does the same."""
    for number in range(ROUNDS):
        entry = InboxEntry(f"command-{number}", f"by {os.getpid()}", NOON + timedelta(seconds=number))
        say(store.accept("application:inbox", entry.command_id, "", entry).first)
        committed = False
        while not committed:
            try:
                store.commit(next_change(store))
                committed = True
            except VersionConflictError:
                continue


def fill_the_disk(store: SqliteRolloutStore) -> None:
    """Let no file grow any further, and tell what the store says then and after."""
    store.commit(next_change(store))
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    try:
        while True:
            store.commit(next_change(store))
    except TryLaterError as error:
        say(type(error).__name__)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    store.commit(next_change(store))
    say("works again")


WORK = {
    work.__name__: work
    for work in (
        commit_for_ever,
        die_right_after_a_commit,
        die_right_after_an_acceptance,
        count_beside_another,
        fill_the_disk,
    )
}

if __name__ == "__main__":
    WORK[sys.argv[1]](SqliteRolloutStore(Database(sys.argv[2])))
