"""What the Azure stores do when the service, the network or the operator misbehaves."""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.azure_tables.open_markers import TableOpenMarkers
from shared.adapters.azure_tables.patience import Patience
from shared.adapters.azure_tables.rollout_store import TableRolloutStore
from shared.adapters.azure_tables.table import Table
from shared.adapters.azure_tables.view_index import TableViewIndex
from shared.domain.errors import RejectedError, TryLaterError, VersionConflictError
from shared.ports.rollout_store import Change, HistoryEntry, InboxEntry, OutboxEntry, Receipt
from shared.ports.view_index import IndexRow
from tests.azurite import KEY as ACCOUNT_KEY
from tests.azurite import Azurite, connection_string_for
from tests.faulty_proxy import (
    FaultyProxy,
    answer,
    cut_the_reply,
    faulty_proxy,
    lose_the_reply,
    lose_the_request,
    stall,
)

KEY = "application:shop"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
FACT = InboxEntry("command-1", "{}", NOON)
QUICK = Patience(connect=0.5, read=0.5, pause=0.02, total=2)
LOSSES = {"lost": lose_the_reply, "cut": cut_the_reply, "late": stall(1.0)}


@pytest.fixture
def proxy(azurite: Azurite) -> Iterator[FaultyProxy]:
    with faulty_proxy(azurite.port) as proxy:
        yield proxy


@pytest.fixture
def name() -> str:
    return f"t{uuid.uuid4().hex}"


@pytest.fixture
def table(proxy: FaultyProxy, name: str) -> Iterator[Table]:
    table = Table.from_connection_string(connection_string_for(proxy.port), name=name, patience=QUICK)
    yield table
    table.close()


@pytest.fixture
def store(table: Table) -> TableRolloutStore:
    return TableRolloutStore(table)


@pytest.fixture
def calm(azurite: Azurite, name: str) -> Iterator[TableRolloutStore]:
    """The same table, reached without the proxy."""
    table = Table.from_connection_string(azurite.connection_string, name=name)
    yield TableRolloutStore(table)
    table.close()


def change(etag: str | None, document: str = "x", sequence: int = 1) -> Change:
    return Change(key=KEY, etag=etag, document=document, history=(HistoryEntry(sequence, document),))


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_first_commit_whose_reply_was_lost_is_known_as_our_own(store, calm, proxy, loss):
    calm.load(KEY)
    proxy.plan(loss)
    etag = store.commit(change(None))
    assert calm.load(KEY).etag == etag
    assert len(calm.history(KEY, after=0, up_to=9, limit=9)) == 1


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_later_commit_whose_reply_was_lost_is_known_as_our_own(store, calm, proxy, loss):
    first = calm.commit(change(None))
    proxy.plan(loss)
    etag = store.commit(change(first, "second", 2))
    assert (calm.load(KEY).etag, calm.load(KEY).document) == (etag, "second")
    assert len(calm.history(KEY, after=0, up_to=9, limit=9)) == 2


def test_a_commit_whose_request_was_lost_is_sent_again(store, calm, proxy):
    calm.load(KEY)
    proxy.plan(lose_the_request, lose_the_request)
    assert calm.load(KEY).etag is None
    assert store.commit(change(None)) == calm.load(KEY).etag


def test_a_commit_of_another_between_our_attempts_is_a_conflict(store, calm, proxy):
    first = calm.commit(change(None))

    def somebody_else_commits(forward):
        calm.commit(change(first, "theirs", 2))
        return lose_the_request(forward)

    proxy.plan(somebody_else_commits)
    with pytest.raises(VersionConflictError):
        store.commit(change(first, "ours", 2))
    assert calm.load(KEY).document == "theirs"


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_an_acceptance_whose_reply_was_lost_was_the_first(store, calm, proxy, loss):
    calm.load(KEY)
    proxy.plan(loss)
    assert store.accept(KEY, "command-1", "answer", FACT) == Receipt(first=True, answer="answer")
    assert calm.load(KEY).inbox == (FACT,)
    assert store.accept(KEY, "command-1", "other", FACT) == Receipt(first=False, answer="answer")


def test_a_load_whose_reply_was_lost_is_asked_again(store, calm, proxy):
    calm.commit(change(None, "there"))
    proxy.plan(lose_the_reply, cut_the_reply)
    assert store.load(KEY).document == "there"


def test_markers_and_views_outlive_lost_replies(table, calm, proxy):
    calm.load(KEY)
    markers, index = TableOpenMarkers(table), TableViewIndex(table)
    proxy.plan(lose_the_reply)
    markers.open(KEY, NOON)
    (marker,) = markers.overdue(NOON, limit=5)
    proxy.plan(lose_the_reply)
    markers.close(KEY, marker.token)
    assert markers.overdue(NOON, limit=5) == ()
    for version in (1, 2):
        proxy.plan(lambda forward: forward(), lose_the_reply)
        index.put("v", "g", IndexRow("k", version, str(version)))
    assert index.page("v", "g", after=None, limit=5).rows == (IndexRow("k", 2, "2"),)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_service_is_asked_again_and_then_left_alone_for_a_while(store, calm, proxy, status):
    calm.load(KEY)
    proxy.plan(answer(status))
    assert store.commit(change(None)) == calm.load(KEY).etag
    proxy.requests.clear()
    proxy.plan(*[answer(status)] * 3)
    with pytest.raises(TryLaterError, match=str(status)):
        store.load(KEY)
    assert len(proxy.requests) == 3


def test_a_service_that_asks_for_a_long_pause_gets_it_from_the_caller(store, proxy):
    proxy.plan(answer(503, Retry_After="7"))
    with pytest.raises(TryLaterError) as caught:
        store.load(KEY)
    assert caught.value.after_seconds == 7
    assert len(proxy.requests) == 1


def test_a_service_that_asks_for_a_short_pause_gets_it_here(store, calm, proxy):
    calm.load(KEY)
    proxy.plan(answer(429, Retry_After="0.1"))
    assert store.load(KEY).document is None


def test_a_service_that_never_answers_is_given_up_in_bounded_time(store, proxy):
    proxy.plan(*[stall(1.0)] * 3)
    began = time.monotonic()
    with pytest.raises(TryLaterError):
        store.commit(change(None))
    assert time.monotonic() - began < QUICK.total + QUICK.read + 0.5


def test_a_store_that_is_down_says_try_later_and_works_again_afterwards(tmp_path, name, azurite):
    emulator = Azurite(tmp_path)
    table = Table.from_connection_string(emulator.connection_string, name=name, patience=QUICK)
    store = TableRolloutStore(table)
    emulator.start()
    try:
        etag = store.commit(change(None))
        emulator.stop()
        for call in (
            lambda: store.load(KEY),
            lambda: store.commit(change(etag, "second", 2)),
            lambda: store.accept(KEY, "command-1", "answer", FACT),
        ):
            began = time.monotonic()
            with pytest.raises(TryLaterError):
                call()
            assert time.monotonic() - began < QUICK.total + QUICK.connect
        emulator.start()
        store.commit(change(store.load(KEY).etag, "second", 2))
        assert store.load(KEY).document == "second"
    finally:
        emulator.stop()
        table.close()


def test_a_wrong_key_says_what_to_mend_and_dooms_no_command(azurite, name):
    wrong = azurite.connection_string.replace(ACCOUNT_KEY, ACCOUNT_KEY.replace("Eby8", "AAAA"))
    table = Table.from_connection_string(wrong, name=name, patience=QUICK)
    for call in (
        lambda: TableRolloutStore(table).load(KEY),
        lambda: TableRolloutStore(table).commit(change(None)),
    ):
        with pytest.raises(TryLaterError, match="role Storage Table Data Contributor") as caught:
            call()
        assert caught.value.after_seconds == 60
    table.close()


def test_what_the_service_refuses_for_good_is_rejected(store, calm, proxy):
    calm.load(KEY)
    proxy.plan(answer(400))
    with pytest.raises(RejectedError):
        store.commit(change(None))


def test_errors_never_quote_a_shared_access_signature(proxy, name):
    from azure.core.credentials import AzureSasCredential

    endpoint = f"http://127.0.0.1:{proxy.port}/devstoreaccount1"
    table = Table.from_endpoint(endpoint, AzureSasCredential("sig=secret"), name=name, patience=QUICK)
    proxy.plan(*[lose_the_request] * 3)
    with pytest.raises(TryLaterError) as caught:
        TableRolloutStore(table).load(KEY)
    assert "secret" not in str(caught.value)
    table.close()


def test_a_missing_table_is_made_once_by_many_at_once(azurite, name):
    table = Table.from_connection_string(azurite.connection_string, name=name, patience=QUICK)
    store = TableRolloutStore(table)
    with ThreadPoolExecutor(4) as threads:
        keys = [f"application:{number}" for number in range(8)]
        list(threads.map(lambda key: store.commit(Change(key=key, etag=None, document="x")), keys))
    assert all(store.load(key).document == "x" for key in keys)
    table.close()


def test_a_large_old_aggregate_costs_as_many_requests_as_a_small_young_one(store, calm, proxy):
    small = count_requests_of_one_round(store, proxy, "application:small", None, "x", 1)
    etag = None
    large = "v" * 200_000
    for start in range(1, 501, 50):
        history = tuple(HistoryEntry(number, "{}") for number in range(start, start + 50))
        etag = calm.commit(Change(key=KEY, etag=etag, document=large, history=history))
    assert count_requests_of_one_round(store, proxy, KEY, etag, large, 501) == small == [1, 1, 1]


def count_requests_of_one_round(store, proxy, key, etag, document, sequence) -> list[int]:
    """Return the requests of an acceptance, a load and a commit, after a first use made the table."""
    store.load("application:none")
    counts = []
    for call in (
        lambda: store.accept(key, "command-1", "answer", FACT),
        lambda: store.load(key),
        lambda: store.commit(
            Change(
                key=key,
                etag=etag,
                document=document,
                history=(HistoryEntry(sequence, "{}"),),
                consumed=(FACT,),
                opened=(OutboxEntry("a", "{}"),),
            )
        ),
    ):
        proxy.requests.clear()
        call()
        counts.append(len(proxy.requests))
    return counts


def test_a_load_of_a_flooded_inbox_is_one_request(store, calm, proxy):
    for number in range(60):
        calm.accept(
            KEY, f"command-{number}", "", InboxEntry(f"command-{number}", "{}", NOON + number * timedelta(seconds=1))
        )
    proxy.requests.clear()
    assert len(store.load(KEY).inbox) == 20
    assert len(proxy.requests) == 1


def test_forgetting_old_answers_costs_one_request_more(store, calm, proxy):
    calm.accept(KEY, "command-1", "answer", None)
    proxy.requests.clear()
    store.commit(Change(key=KEY, etag=None, document="x", forget_before=NOON))
    assert len(proxy.requests) == 2
