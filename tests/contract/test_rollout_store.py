"""What every rollout store promises, on SQLite and on Azure Table Storage (its emulator)."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.azure_tables.rollout_store import TableRolloutStore
from shared.adapters.memory.rollout_store import MemoryRolloutStore
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.rollout_store import SqliteRolloutStore
from shared.domain.errors import RejectedError, VersionConflictError
from shared.ports.rollout_store import (
    Change,
    HistoryEntry,
    InboxEntry,
    Loaded,
    OutboxEntry,
    Receipt,
    Record,
)

KEY = "application:shop"
NOON = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
ODD_TEXTS = {
    "emoji": "🚀 ü 中",
    "emoji at every seam": "x" + "🚀" * 70_000,
    "a lone surrogate": "a\ud800b",
    "NUL and control characters": "a\x00b\x01\x1f\x7f\x85",
    "a leading backslash": '\\"quoted"',
    "line ends and blanks": " \r\n\ttext \n",
    "nothing": "",
    "noncharacters": "\ufffe\uffff",
    "quotes": 'it\'s "so"',
}


@pytest.fixture
def store(twinned):
    if twinned is None:
        return MemoryRolloutStore()
    return SqliteRolloutStore(twinned) if isinstance(twinned, Database) else TableRolloutStore(twinned)


def fact(number: int, document: str = "{}") -> InboxEntry:
    return InboxEntry(f"command-{number}", document, NOON + timedelta(seconds=number))


def accept(store, entry: InboxEntry, key: str = KEY) -> Receipt:
    return store.accept(key, entry.command_id, f"answer to {entry.command_id}", entry)


def first_commit(store, **changes) -> str:
    return store.commit(Change(key=KEY, etag=None, document="first", **changes))


def test_an_aggregate_that_never_was_loads_as_nothing(store):
    assert store.load(KEY) == Loaded(KEY, None, None)


def test_what_is_committed_is_loaded(store):
    etag = first_commit(store)
    assert store.load(KEY) == Loaded(KEY, etag, "first")


def test_each_commit_gives_a_new_etag(store):
    first = first_commit(store)
    second = store.commit(Change(key=KEY, etag=first, document="second"))
    assert second != first
    assert store.load(KEY) == Loaded(KEY, second, "second")


def test_a_commit_on_an_old_etag_conflicts_and_writes_nothing(store):
    old = first_commit(store)
    new = store.commit(Change(key=KEY, etag=old, document="second"))
    with pytest.raises(VersionConflictError):
        store.commit(Change(key=KEY, etag=old, document="third", history=(HistoryEntry(1, "x"),)))
    assert store.load(KEY) == Loaded(KEY, new, "second")
    assert store.history(KEY, after=0, up_to=9, limit=9) == ()


def test_a_first_commit_on_an_aggregate_that_exists_conflicts(store):
    etag = first_commit(store)
    with pytest.raises(VersionConflictError):
        store.commit(Change(key=KEY, etag=None, document="another first"))
    assert store.load(KEY) == Loaded(KEY, etag, "first")


def test_a_commit_with_an_etag_on_an_aggregate_that_never_was_conflicts(store):
    etag = first_commit(store)
    with pytest.raises(VersionConflictError):
        store.commit(Change(key="application:other", etag=etag, document="x"))
    assert store.load("application:other").document is None


@pytest.mark.parametrize("exists", [False, True], ids=["first commit", "later commit"])
def test_of_two_writers_at_once_one_wins(store, exists):
    etag = first_commit(store) if exists else None

    def write(writer: int) -> str | None:
        history = (HistoryEntry(1, f"by {writer}"),)
        try:
            return store.commit(Change(key=KEY, etag=etag, document=f"by {writer}", history=history))
        except VersionConflictError:
            return None

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(write, range(8)))

    winners = [writer for writer, outcome in enumerate(outcomes) if outcome]
    assert len(winners) == 1
    loaded = store.load(KEY)
    assert (loaded.etag, loaded.document) == (outcomes[winners[0]], f"by {winners[0]}")
    assert store.history(KEY, after=0, up_to=9, limit=9) == (HistoryEntry(1, f"by {winners[0]}"),)


def test_an_accepted_fact_waits_in_the_inbox(store):
    assert accept(store, fact(1, "document")) == Receipt(first=True, answer="answer to command-1")
    assert store.load(KEY) == Loaded(KEY, None, None, inbox=(fact(1, "document"),))


def test_accepting_a_command_twice_stores_it_once_and_gives_the_first_answer(store):
    store.accept(KEY, "command-1", "first answer", fact(1, "first"))
    again = store.accept(KEY, "command-1", "second answer", replace(fact(1, "second"), accepted=NOON))
    assert again == Receipt(first=False, answer="first answer")
    assert store.load(KEY).inbox == (fact(1, "first"),)


def test_a_command_is_known_still_when_its_fact_was_decided(store):
    accept(store, fact(1))
    first_commit(store, consumed=(fact(1),))
    assert accept(store, fact(1)) == Receipt(first=False, answer="answer to command-1")
    assert store.load(KEY).inbox == ()


def test_a_command_accepted_by_eight_at_once_is_stored_once(store):
    def take(writer: int) -> Receipt:
        entry = InboxEntry("command", f"by {writer}", NOON + timedelta(microseconds=writer))
        return store.accept(KEY, "command", f"by {writer}", entry)

    with ThreadPoolExecutor(8) as threads:
        receipts = list(threads.map(take, range(8)))

    firsts = [receipt.answer for receipt in receipts if receipt.first]
    assert len(firsts) == 1
    assert {receipt.answer for receipt in receipts} == set(firsts)
    assert [entry.document for entry in store.load(KEY).inbox] == firsts


def test_the_same_command_id_on_another_aggregate_is_another_command(store):
    accept(store, fact(1))
    assert accept(store, fact(1), key="application:other").first


def test_an_answer_without_a_fact_leaves_the_inbox_alone(store):
    assert store.accept(KEY, "command", "nothing to do", None) == Receipt(first=True, answer="nothing to do")
    assert store.accept(KEY, "command", "else", fact(1)) == Receipt(first=False, answer="nothing to do")
    assert store.load(KEY).inbox == ()


def test_the_archive_knows_what_a_command_was_answered(store):
    accept(store, fact(1))
    assert store.answer(KEY, "command-1") == "answer to command-1"
    assert store.answer(KEY, "command-2") is None


def test_accepting_does_not_conflict_with_a_commit(store):
    etag = first_commit(store)
    accept(store, fact(1))
    after = store.commit(Change(key=KEY, etag=etag, document="second"))
    assert store.load(KEY) == Loaded(KEY, after, "second", inbox=(fact(1),))


def test_the_inbox_is_in_the_order_of_acceptance(store):
    for number in (3, 1, 2):
        accept(store, fact(number))
    assert store.load(KEY).inbox == (fact(1), fact(2), fact(3))


def test_a_load_brings_the_oldest_twenty_facts(store):
    for number in range(45):
        accept(store, fact(number))
    etag = first_commit(store, opened=(OutboxEntry("effect", "{}"),))
    loaded = store.load(KEY)
    assert loaded.inbox == tuple(fact(number) for number in range(20))
    assert (loaded.etag, loaded.outbox) == (etag, (OutboxEntry("effect", "{}"),))


def test_a_load_brings_a_whole_outbox_longer_than_a_page(store):
    opened = tuple(OutboxEntry(f"effect-{number:02}", f"{number}") for number in range(60))
    first_commit(store, opened=opened)
    accept(store, fact(1))
    loaded = store.load(KEY)
    assert loaded.outbox == opened
    assert loaded.inbox == (fact(1),)


def test_a_change_is_there_whole(store):
    accept(store, fact(1))
    accept(store, fact(2))
    etag = first_commit(store, opened=(OutboxEntry("a", "1"), OutboxEntry("b", "2")))
    after = store.commit(
        Change(
            key=KEY,
            etag=etag,
            document="second",
            history=(HistoryEntry(1, "e1"), HistoryEntry(2, "e2")),
            opened=(OutboxEntry("c", "3"),),
            closed=("a",),
            consumed=(fact(1),),
            records=(Record("rollout-1", "ended"),),
        )
    )
    assert store.load(KEY) == Loaded(
        KEY, after, "second", inbox=(fact(2),), outbox=(OutboxEntry("b", "2"), OutboxEntry("c", "3"))
    )
    assert store.history(KEY, after=0, up_to=9, limit=9) == (HistoryEntry(1, "e1"), HistoryEntry(2, "e2"))
    assert store.record(KEY, "rollout-1") == "ended"


MISFITS = {
    "an old etag": {"etag": "of the first commit"},
    "a history number that is taken": {"history": (HistoryEntry(2, "new"), HistoryEntry(1, "clash"))},
    "a closed effect that is gone": {"closed": ("b", "never opened")},
    "a consumed fact that is gone": {"consumed": (fact(1), fact(9))},
}


@pytest.mark.parametrize("misfit", MISFITS.values(), ids=MISFITS)
def test_a_change_that_does_not_fit_writes_nothing_at_all(store, misfit):
    accept(store, fact(1))
    old = first_commit(store, opened=(OutboxEntry("b", "2"),))
    etag = store.commit(Change(key=KEY, etag=old, document="second", history=(HistoryEntry(1, "e1"),)))
    before = store.load(KEY)
    change = Change(
        key=KEY,
        etag=etag,
        document="third",
        history=(HistoryEntry(2, "new"),),
        opened=(OutboxEntry("c", "3"),),
        closed=("b",),
        consumed=(fact(1),),
        records=(Record("rollout-1", "ended"),),
    )
    misfit = misfit | ({"etag": old} if "etag" in misfit else {})

    with pytest.raises(VersionConflictError):
        store.commit(replace(change, **misfit))

    assert store.load(KEY) == before
    assert store.history(KEY, after=0, up_to=9, limit=9) == (HistoryEntry(1, "e1"),)
    assert store.record(KEY, "rollout-1") is None


def test_an_effect_closed_and_opened_again_in_one_change_is_open(store):
    etag = first_commit(store, opened=(OutboxEntry("a", "old"),))
    store.commit(Change(key=KEY, etag=etag, document="x", closed=("a", "a"), opened=(OutboxEntry("a", "new"),)))
    assert store.load(KEY).outbox == (OutboxEntry("a", "new"),)


def test_a_fact_named_twice_as_consumed_is_consumed_once(store):
    accept(store, fact(1))
    first_commit(store, consumed=(fact(1), fact(1)))
    assert store.load(KEY).inbox == ()


def test_a_record_written_again_is_replaced(store):
    etag = first_commit(store, records=(Record("r", "old"),))
    store.commit(Change(key=KEY, etag=etag, document="x", records=(Record("r", "new"),)))
    assert store.record(KEY, "r") == "new"
    assert store.record(KEY, "other") is None


def test_history_is_read_in_pages(store):
    etag = None
    for start in (1, 51, 101):
        entries = tuple(HistoryEntry(number, f"e{number}") for number in range(start, start + 50))
        etag = store.commit(Change(key=KEY, etag=etag, document="x", history=entries))

    def sequences(after: int, up_to: int, limit: int) -> list[int]:
        return [entry.sequence for entry in store.history(KEY, after=after, up_to=up_to, limit=limit)]

    assert sequences(0, 150, 40) == list(range(1, 41))
    assert sequences(40, 150, 40) == list(range(41, 81))
    assert sequences(140, 1000, 40) == list(range(141, 151))
    assert sequences(95, 99, 40) == [96, 97, 98, 99]
    assert sequences(150, 1000, 40) == []
    assert sequences(0, 150, 0) == []


def test_answers_older_than_asked_are_forgotten_ten_at_a_time_oldest_first(store):
    for number in range(14):
        accept(store, fact(number))
    etag = first_commit(store, consumed=tuple(fact(number) for number in range(14)))

    def remembered() -> list[int]:
        return [number for number in range(14) if store.answer(KEY, f"command-{number}")]

    before = NOON + timedelta(seconds=12)
    etag = store.commit(Change(key=KEY, etag=etag, document="x", forget_before=before))
    assert remembered() == [10, 11, 12, 13]
    etag = store.commit(Change(key=KEY, etag=etag, document="x", forget_before=before))
    assert remembered() == [12, 13]
    store.commit(Change(key=KEY, etag=etag, document="x", forget_before=before))
    assert remembered() == [12, 13]
    assert accept(store, fact(3)).first


def test_forgetting_never_makes_a_change_too_large(store):
    for number in range(6):
        accept(store, fact(number))
    history = tuple(HistoryEntry(number, "e") for number in range(1, 96))
    first_commit(store, history=history, forget_before=NOON + timedelta(days=1))
    assert len(store.history(KEY, after=0, up_to=200, limit=200)) == 95


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_any_text_comes_back_unchanged(store, text):
    entry = InboxEntry(f"command {text[:20]}", text, NOON)
    store.accept(KEY, entry.command_id, text, entry)
    first_commit(store, history=(HistoryEntry(1, text),), opened=(OutboxEntry("o", text),))
    etag = store.load(KEY).etag
    store.commit(Change(key=KEY, etag=etag, document=text, records=(Record("r", text),)))
    loaded = store.load(KEY)
    assert loaded.document == text
    assert loaded.inbox == (entry,)
    assert loaded.outbox == (OutboxEntry("o", text),)
    assert store.history(KEY, after=0, up_to=1, limit=1) == (HistoryEntry(1, text),)
    assert store.record(KEY, "r") == text
    assert store.answer(KEY, entry.command_id) == text


@pytest.mark.parametrize("key", ["a/b\\c#d?e", "100 % + 'x'", "ключ 🚀", "a\x00\n", "!002f", "|a|", "A", "\ud800"])
def test_any_key_and_id_works_and_none_is_mistaken_for_another(store, key):
    first_commit(store)
    store.commit(Change(key=key, etag=None, document=key, opened=(OutboxEntry(key, "o"),), records=(Record(key, "r"),)))
    accept(store, InboxEntry(key, "i", NOON), key=key)
    loaded = store.load(key)
    assert (loaded.key, loaded.document, loaded.outbox) == (key, key, (OutboxEntry(key, "o"),))
    assert loaded.inbox == (InboxEntry(key, "i", NOON),)
    assert store.record(key, key) == "r"
    assert store.load(key.lower() + "/").document is None
    assert store.load(KEY).document == "first"


LIMITS = {
    "100 rows": {"history": tuple(HistoryEntry(number, "e") for number in range(1, 101))},
    "1 MiB": {"document": "x" * 530_000},
    "1 MiB in UTF-16": {"document": "🚀" * 265_000},
    "4 MiB": {"records": tuple(Record(f"r{number}", "x" * 500_000) for number in range(9))},
    "1 KiB": {"records": (Record("r" * 513, "x"),)},
    "int64": {"history": (HistoryEntry(2**63, "e"),)},
    "appears twice": {"history": (HistoryEntry(1, "a"), HistoryEntry(1, "b"))},
}


@pytest.mark.parametrize(("limit", "change"), LIMITS.items(), ids=LIMITS)
def test_a_change_over_a_limit_of_the_service_is_rejected_by_its_name(store, limit, change):
    with pytest.raises(RejectedError, match=limit):
        store.commit(replace(Change(key=KEY, etag=None, document="x"), **change))
    assert store.load(KEY) == Loaded(KEY, None, None)


def test_a_fact_over_a_limit_is_rejected_and_its_command_stays_unknown(store):
    with pytest.raises(RejectedError, match="1 MiB"):
        accept(store, fact(1, "x" * 530_000))
    assert accept(store, fact(1)).first


def test_a_change_just_under_the_limits_is_stored(store):
    history = tuple(HistoryEntry(number, "e" * 30_000) for number in range(1, 100))
    document = "x" * 500_000  # the emulator counts the escapes of JSON too, so no "ü" here
    records = tuple(Record(f"r{number}", document) for number in range(3))
    with pytest.raises(RejectedError, match="4 MiB"):
        first_commit(store, history=history[:-3], records=records)
    etag = first_commit(store, history=history)
    store.commit(Change(key=KEY, etag=etag, document=document))
    assert store.load(KEY).document == document


def long_state() -> str:
    return json.dumps({f"field-{number}": f"value {number} " + "v" * 180 for number in range(1000)})


def test_a_long_life_with_a_large_state_works(store):
    state = long_state()
    assert len(state) > 200_000
    etag = None
    for start in range(1, 501, 50):
        history = tuple(HistoryEntry(number, f'{{"event": {number}}}') for number in range(start, start + 50))
        etag = store.commit(Change(key=KEY, etag=etag, document=state, history=history))
    assert store.load(KEY) == Loaded(KEY, etag, state)
    assert store.history(KEY, after=499, up_to=500, limit=5) == (HistoryEntry(500, '{"event": 500}'),)
