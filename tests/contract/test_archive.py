"""What every archive promises: all that is kept is read, in order, and stands elsewhere as it stood here."""

import threading
import time
import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest

from shared.adapters.azure_tables.archive import TableArchive
from shared.adapters.azure_tables.flag_usage import TableFlagUsage
from shared.adapters.azure_tables.observations import TableObservations
from shared.adapters.azure_tables.rollout_store import TableRolloutStore
from shared.adapters.azure_tables.table import Table
from shared.adapters.sqlite.archive import SqliteArchive
from shared.adapters.sqlite.archived_tables import TABLES
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.flag_snapshots import SqliteFlagSnapshots
from shared.adapters.sqlite.flag_usage import SqliteFlagUsage
from shared.adapters.sqlite.observations import SqliteObservations
from shared.adapters.sqlite.open_markers import SqliteOpenMarkers
from shared.adapters.sqlite.rollout_store import SqliteRolloutStore
from shared.adapters.sqlite.view_index import SqliteViewIndex
from shared.domain.analysis.measurement import Sample
from shared.domain.archive import CHARACTERS_A_CHUNK
from shared.domain.base_lines import BaseLine
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.names import ApplicationName, EnvironmentName, FlagKey, TargetName, Version
from shared.domain.observations import ClosedWindow, Observation, Spot
from shared.ports.archive import Entry, Kind
from shared.ports.observations import KeptBaseLine
from shared.ports.rollout_store import Change, HistoryEntry, InboxEntry, OutboxEntry, Record
from tests.contract.conftest import QUICK

NOON = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
KEYS = ("application:shop", "claim:/subscriptions/a/b", "flag:production/new-checkout")
ODD = "a\ud800b \x00 🚀 \\ ü"
WINDOW = timedelta(seconds=15)
SPOT = Spot(application=ApplicationName("shop"), target=TargetName("web"), length=WINDOW)


def store_of(backing):
    return SqliteRolloutStore(backing) if isinstance(backing, Database) else TableRolloutStore(backing)


def archive_of(backing):
    return SqliteArchive(backing) if isinstance(backing, Database) else TableArchive(backing)


def observations_of(backing):
    return SqliteObservations(backing) if isinstance(backing, Database) else TableObservations(backing)


def usage_of(backing):
    return SqliteFlagUsage(backing) if isinstance(backing, Database) else TableFlagUsage(backing)


@pytest.fixture
def archive(backing):
    return archive_of(backing)


@pytest.fixture(params=["sqlite", "azure_tables"])
def elsewhere(request, tmp_path):
    """Another empty store, of the same kind and of the other."""
    if request.param == "sqlite":
        database = Database(tmp_path / "elsewhere.db")
        yield database
        database.close()
    else:
        azurite = request.getfixturevalue("azurite")
        table = Table.from_connection_string(azurite.connection_string, name=f"t{uuid.uuid4().hex}", patience=QUICK)
        yield table
        table.close()


def everything(archive) -> list[Entry]:
    found, chunk = [], archive.read(None)
    while True:
        found += chunk.entries
        if chunk.next is None:
            return found
        chunk = archive.read(chunk.next)


def sorted_entries(entries):
    return sorted(entries, key=lambda entry: (entry.kind, entry.place, entry.name))


def fact(number: int) -> InboxEntry:
    return InboxEntry(f"command {number}", f"fact {number} {ODD}", NOON + timedelta(seconds=number))


def fill(backing) -> None:
    """Put something of every kind into the store: one aggregate with all that it may have, two with less."""
    store = store_of(backing)
    for number in range(3):
        store.accept(KEYS[0], f"command {number}", f"answer {number} {ODD}", fact(number))
    store.accept(KEYS[0], "known already", "answer", None)
    store.commit(
        Change(
            key=KEYS[0],
            etag=None,
            document=f"state {ODD}" + "x" * 100_000,
            history=(HistoryEntry(1, f"first {ODD}"), HistoryEntry(2, "second")),
            opened=(OutboxEntry("e1", "effect"), OutboxEntry("e/2 ü", ODD)),
            consumed=(fact(0),),
            records=(Record("shop-0123456789ab", ODD), Record("revision 1", "")),
        )
    )
    store.commit(Change(key=KEYS[1], etag=None, document="claim"))
    store.accept(KEYS[2], "not decided yet", "answer", fact(9))
    fill_beside(backing)


def fill_beside(backing) -> None:
    observations, usage = observations_of(backing), usage_of(backing)
    for spot in (SPOT, replace(SPOT, target=TargetName("other"))):
        told = Observation(
            application=spot.application,
            target=spot.target,
            version=Version("2"),
            start=NOON.replace(microsecond=0),
            length=WINDOW,
            sender="a",
            sample=Sample(requests=10.0, failures=1.0),
        )
        base = KeptBaseLine(version=Version("2"), sender="a", base=BaseLine(until=NOON), etag=None)
        observations.add(spot, [told], base)
        observations.open(spot, told.start)
        observations.close(spot, ClosedWindow(start=told.start, length=WINDOW, samples=((Version("2"), told.sample),)))
    for environment in ("production", "test"):
        usage.mark(EnvironmentName(environment), FlagKey("new-checkout"), date(2026, 5, 4))
        usage.mark(EnvironmentName(environment), FlagKey("/" * 120), date(2026, 5, 3))
    letters = [Entry(Kind.LETTER, "", f"letter {number} ü", f"said {ODD}") for number in range(3)]
    archive_of(backing).write(letters)


def test_an_empty_store_has_no_entries_and_no_keys(archive):
    assert everything(archive) == []
    assert archive.keys(after="", limit=10) == ()


def test_each_entry_is_read_once_with_its_text_as_it_was(backing, archive):
    fill(backing)
    found = everything(archive)

    assert len({(entry.kind, entry.place, entry.name) for entry in found}) == len(found)
    counts = {kind: sum(1 for entry in found if entry.kind is kind) for kind in Kind}
    assert counts == {
        Kind.STATE: 2,
        Kind.HISTORY: 2,
        Kind.OUTBOX: 2,
        Kind.INBOX: 3,
        Kind.ANSWER: 5,
        Kind.RECORD: 2,
        Kind.LETTER: 3,
        Kind.OBSERVATION: 6,
        Kind.BASE_LINE: 2,
        Kind.USAGE: 4,
    }
    assert Entry(Kind.INBOX, KEYS[0], "command 1", f"fact 1 {ODD}", NOON + timedelta(seconds=1)) in found
    assert Entry(Kind.ANSWER, KEYS[0], "command 0", f"answer 0 {ODD}", NOON) in found
    assert Entry(Kind.OUTBOX, KEYS[0], "e/2 ü", ODD) in found
    assert Entry(Kind.HISTORY, KEYS[0], "2", "second") in found
    assert Entry(Kind.RECORD, KEYS[0], "shop-0123456789ab", ODD) in found
    assert Entry(Kind.LETTER, "", "letter 1 ü", f"said {ODD}") in found
    assert [entry.place for entry in found if entry.kind is Kind.STATE] == list(KEYS[:2])


def test_what_is_written_elsewhere_is_there_what_it_was_here(backing, archive, elsewhere):
    fill(backing)
    other = archive_of(elsewhere)
    other.write(everything(archive))

    assert sorted_entries(everything(other)) == sorted_entries(everything(archive))
    here, there = store_of(backing), store_of(elsewhere)
    for key in KEYS:
        assert replace(there.load(key), etag=None) == replace(here.load(key), etag=None)
    assert there.answer(KEYS[0], "command 0") == f"answer 0 {ODD}"
    assert there.record(KEYS[0], "shop-0123456789ab") == ODD
    assert there.history(KEYS[0], after=0, up_to=9, limit=9) == here.history(KEYS[0], after=0, up_to=9, limit=9)
    until = NOON + timedelta(hours=1)
    seen, told = observations_of(backing), observations_of(elsewhere)
    assert told.told(SPOT, NOON - WINDOW, until) == seen.told(SPOT, NOON - WINDOW, until)
    assert told.closed(SPOT, NOON - WINDOW, until) == seen.closed(SPOT, NOON - WINDOW, until)
    base = seen.base_line(SPOT, Version("2"), "a")
    assert replace(told.base_line(SPOT, Version("2"), "a"), etag=None) == replace(base, etag=None)
    flags = (FlagKey("new-checkout"), FlagKey("/" * 120))
    days = usage_of(elsewhere).last_days(EnvironmentName("test"), flags)
    assert days == usage_of(backing).last_days(EnvironmentName("test"), flags) != {}


def test_what_was_written_elsewhere_is_worked_on_as_if_it_had_always_been_there(backing, archive, elsewhere):
    fill(backing)
    archive_of(elsewhere).write(everything(archive))
    store = store_of(elsewhere)
    loaded = store.load(KEYS[0])

    assert store.accept(KEYS[0], "command 1", "another answer", fact(1)).first is False
    store.commit(
        Change(
            key=KEYS[0],
            etag=loaded.etag,
            document="after",
            history=(HistoryEntry(3, "third"),),
            closed=tuple(entry.id for entry in loaded.outbox),
            consumed=loaded.inbox,
            forget_before=NOON + timedelta(seconds=1),
        )
    )

    after = store.load(KEYS[0])
    assert (after.document, after.inbox, after.outbox) == ("after", (), ())
    assert store.answer(KEYS[0], "command 0") is None, "it was old enough to be forgotten"
    assert store.answer(KEYS[0], "command 1") == f"answer 1 {ODD}"


def test_writing_the_same_twice_is_writing_it_once(backing, archive, elsewhere):
    fill(backing)
    entries = everything(archive)
    other = archive_of(elsewhere)
    other.write(entries[:7])
    other.write(entries)
    other.write([*entries, *entries[:3]])

    assert sorted_entries(everything(other)) == sorted_entries(entries)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.INBOX])
def test_another_entry_in_its_place_is_refused_and_stays(backing, archive, kind):
    fill(backing)
    entries = everything(archive)
    standing = next(entry for entry in entries if entry.kind is kind)

    with pytest.raises(RejectedError, match="something else stands there"):
        archive.write([replace(standing, text="2026-01-01")])

    assert everything(archive) == entries


def test_an_entry_that_no_store_could_take_is_refused(archive):
    with pytest.raises(RejectedError, match="1 MiB"):
        archive.write([Entry(Kind.STATE, KEYS[0], "", "x" * 530_000)])
    with pytest.raises(RejectedError, match="numbered"):
        archive.write([Entry(Kind.HISTORY, KEYS[0], "first", "x")])


def test_what_is_long_comes_in_chunks_and_whole(archive):
    lines = [Entry(Kind.HISTORY, KEYS[0], str(number), f"line {number}") for number in range(1, 1103)]
    records = [Entry(Kind.RECORD, KEYS[0], f"record {number}", "x") for number in range(45)]
    letters = [Entry(Kind.LETTER, "", f"letter {number}", "x") for number in range(501)]
    spots = [
        Entry(Kind.OBSERVATION, f"o|shop|{spot}", f"c|{number:019d}|000015", "[]")
        for spot in ("a", "b")
        for number in range(500)
    ]
    state = [Entry(Kind.STATE, KEYS[0], "", "state"), Entry(Kind.STATE, KEYS[1], "", "claim")]
    given = [*lines, *records, *letters, *spots, *state]
    for at in range(0, len(given), 500):
        archive.write(given[at : at + 500])

    chunk = archive.read(None)
    sizes, found = [], []
    while chunk is not None:
        sizes.append(len(chunk.entries))
        found += chunk.entries
        chunk = archive.read(chunk.next) if chunk.next is not None else None

    assert max(sizes) <= 510
    assert sorted_entries(found) == sorted_entries(given)
    assert [entry.name for entry in found if entry.kind is Kind.HISTORY] == [str(n) for n in range(1, 1103)]


@pytest.mark.parametrize("kind", [Kind.HISTORY, Kind.RECORD, Kind.LETTER])
def test_a_chunk_of_few_that_are_long_is_not_much_longer_than_one_of_them(archive, kind):
    place = "" if kind is Kind.LETTER else KEYS[0]
    given = [Entry(kind, place, str(number), f"{number}" + "x" * 240_000) for number in range(1, 13)]
    for entry in given:
        archive.write([entry])

    chunk = archive.read(None)
    longest, found = 0, []
    while chunk is not None:
        longest = max(longest, sum(len(entry.text) for entry in chunk.entries))
        found += chunk.entries
        chunk = archive.read(chunk.next) if chunk.next is not None else None

    assert longest < CHARACTERS_A_CHUNK + 300_000
    assert sorted_entries(found) == sorted_entries(given)


def test_keys_come_in_pages_in_the_order_in_which_aggregates_are_read(backing, archive):
    fill(backing)
    assert archive.keys(after="", limit=2) == KEYS[:2]
    assert archive.keys(after=KEYS[1], limit=2) == KEYS[2:]
    assert archive.keys(after=KEYS[2], limit=2) == ()


class Mover:
    """Each move takes what was accepted, writes a line and swaps the outbox row; the state says how far it is."""

    def __init__(self, store) -> None:
        self._store = store
        self.number = 0
        self._etag = None

    def move(self) -> None:
        self.number += 1
        number = self.number
        self._store.accept(KEYS[0], f"command {number}", "answer", fact(number))
        self._etag = self._store.commit(
            Change(
                key=KEYS[0],
                etag=self._etag,
                document=str(number),
                history=(HistoryEntry(number, "line"),),
                opened=(OutboxEntry(f"e{number}", "effect"),),
                closed=(f"e{number - 1}",) if number > 1 else (),
                consumed=(fact(number),),
            )
        )
        self.accept()

    def accept(self) -> None:
        """Something is accepted, and is never decided."""
        command = f"early {uuid.uuid4()}"
        self._store.accept(KEYS[0], command, "answer", InboxEntry(command, "{}", NOON))


def assert_of_one_moment(entries) -> int:
    """Fail unless these belong together; return how far the state is."""
    named = {kind: [entry.name for entry in entries if entry.kind is kind] for kind in Kind}
    (number,) = (int(entry.text) for entry in entries if entry.kind is Kind.STATE)
    answered, consumed = set(named[Kind.ANSWER]), {f"command {each}" for each in range(1, number + 1)}
    inbox = set(named[Kind.INBOX])
    assert named[Kind.HISTORY] == [str(each) for each in range(1, number + 1)]
    assert named[Kind.OUTBOX] == [f"e{number}"]
    assert inbox | consumed == answered, "what was answered is decided or waits to be, and comes in no second time"
    return number


def test_an_aggregate_that_moves_meanwhile_is_read_as_it_stood_at_one_moment(backing, archive):
    mover, stop, seen = Mover(store_of(backing)), threading.Event(), set()
    mover.move()

    def move_on() -> None:
        while not stop.is_set():
            mover.move()
            stop.wait(0.002 if mover.number % 20 else 0.3)

    thread, ends = threading.Thread(target=move_on), time.monotonic() + 20
    thread.start()
    try:
        while len(seen) <= 5 and time.monotonic() < ends:
            with suppress(TryLaterError):
                seen.add(assert_of_one_moment(everything(archive)))
    finally:
        stop.set()
        thread.join()
    assert len(seen) > 5, "it moved"


class InterruptedTable:
    """A table where something happens right after its n-th read."""

    def __init__(self, table, number: int, happens) -> None:
        self._table = table
        self._left = number
        self._happens = happens

    def find(self, *keys):
        return self._after(self._table.find(*keys))

    def between(self, *keys, a_page: int):
        return self._after(list(self._table.between(*keys, a_page=a_page)))

    def rows(self, *query, a_page: int):
        return iter(self._after(list(islice(self._table.rows(*query, a_page=a_page), a_page))))

    def _after(self, found):
        self._left -= 1
        if self._left == 0:
            self._happens()
        return found


@pytest.mark.parametrize("happens", ["move", "accept"])
@pytest.mark.parametrize("number", range(1, 9))
def test_whenever_it_moves_a_table_is_read_as_it_stood_at_one_moment(table, happens, number):
    mover = Mover(TableRolloutStore(table))
    for _ in range(3):
        mover.move()
    interrupted = TableArchive(InterruptedTable(table, number, getattr(mover, happens)))

    assert assert_of_one_moment(everything(interrupted)) >= 3


def test_an_aggregate_that_never_rests_is_left_for_later(table):
    mover = Mover(TableRolloutStore(table))
    mover.move()

    class Restless(InterruptedTable):
        def _after(self, found):
            mover.move()
            return found

    with pytest.raises(TryLaterError, match="application:shop changes faster than it can be read"):
        everything(TableArchive(Restless(table, 0, mover.move)))


def test_every_table_of_the_file_is_archived_or_made_anew(database):
    made_anew = {"open_markers", "view_rows", "flag_heads", "flag_chunks", "flag_turns"}
    SqliteArchive(database)
    for keeper in (SqliteOpenMarkers, SqliteViewIndex, SqliteFlagSnapshots):
        keeper(database)
    with database.reading() as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()

    tables = {name for (name,) in rows}
    assert tables - made_anew == {table.table for table in TABLES.values()}
