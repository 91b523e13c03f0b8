"""What the Azure store of observations does when replies are lost: nothing counts twice, and somebody is the first."""

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.adapters.azure_tables.observations import TableObservations
from shared.adapters.azure_tables.patience import Patience
from shared.adapters.azure_tables.table import Table
from shared.domain.errors import TryLaterError, VersionConflictError
from shared.domain.names import Version
from tests.azurite import Azurite, connection_string_for
from tests.contract.test_observations import BASE, NOON, SPOT, WINDOW, base_line, closed, saw, told
from tests.faulty_proxy import FaultyProxy, answer, cut_the_reply, faulty_proxy, lose_the_reply, lose_the_request

QUICK = Patience(connect=0.5, read=0.5, pause=0.02, total=2)
LOSSES = {"lost": lose_the_reply, "cut": cut_the_reply}


@pytest.fixture
def proxy(azurite: Azurite) -> Iterator[FaultyProxy]:
    with faulty_proxy(azurite.port) as proxy:
        yield proxy


@pytest.fixture
def store(proxy: FaultyProxy) -> Iterator[TableObservations]:
    """A store whose table is there already."""
    table = Table.from_connection_string(connection_string_for(proxy.port), name=f"t{uuid.uuid4().hex}", patience=QUICK)
    store = TableObservations(table)
    store.told(SPOT, NOON, NOON + WINDOW)
    store.add(SPOT, [saw("before", windows=-9)])
    yield store
    table.close()


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_an_observation_whose_reply_was_lost_is_there_once(store, proxy, loss):
    proxy.plan(loss)

    store.add(SPOT, [saw(), saw("b")])

    assert told(store) == {("a", "1", "", 10), ("b", "1", "", 10)}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_who_opened_or_closed_a_window_knows_it_also_when_the_reply_was_lost(store, proxy, loss):
    proxy.plan(loss)
    assert store.open(SPOT, NOON)
    proxy.plan(loss)
    assert store.close(SPOT, closed(0))

    assert not store.open(SPOT, NOON)
    assert not store.close(SPOT, closed(0, requests=99))


def test_a_base_line_that_moved_though_its_reply_was_lost_is_a_conflict_and_a_second_look_finds_it(store, proxy):
    store.add(SPOT, [], base_line())
    kept = store.base_line(SPOT, Version("1"), "pod-1")
    moved = replace(BASE, until=NOON + WINDOW)
    proxy.plan(lose_the_reply)

    with pytest.raises(VersionConflictError):
        store.add(SPOT, [saw()], base_line(moved, kept.etag))

    assert store.base_line(SPOT, Version("1"), "pod-1").base == moved
    assert told(store) == {("a", "1", "", 10)}


def test_a_request_that_never_arrived_is_sent_again(store, proxy):
    proxy.plan(lose_the_request)

    assert store.add(SPOT, [saw()]) == (True,)


def test_a_service_that_is_busy_is_told_as_try_later(store, proxy):
    proxy.plan(*[answer(503)] * 9)

    with pytest.raises(TryLaterError):
        store.add(SPOT, [saw()])
