"""What every store of pushed observations promises."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.azure_tables.observations import TableObservations
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.observations import SqliteObservations
from shared.domain.analysis.measurement import Histogram, Sample, Value
from shared.domain.base_lines import SERIES_AT_MOST, BaseLine, Heard, SeriesSeen, increases
from shared.domain.errors import VersionConflictError
from shared.domain.names import ApplicationName, TargetName, Version
from shared.domain.observations import ClosedWindow, Observation, Spot
from shared.domain.points import Counted, Kind, Point
from shared.ports.observations import ROWS_AT_MOST, KeptBaseLine
from tests.simulation.protocol.pushed import MemoryObservations

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
WINDOW = timedelta(seconds=15)
SPOT = Spot(application=ApplicationName("shop"), target=TargetName("web"), length=WINDOW)
FULL = Sample(
    requests=120.0,
    failures=3.0,
    latency_ms=20.5,
    histogram=Histogram((5.0, 10.0), (100.0, 15.0, 5.0)),
    values=(Value(name="orders", value=12.0, of=40.0), Value(name="memory", value=-0.5)),
)
BASE = BaseLine(
    until=NOON,
    before=NOON - WINDOW,
    series=(
        ("a", SeriesSeen(NOON - 9 * WINDOW, NOON, Counted(count=9.0, total_ms=90.0, histogram=FULL.histogram))),
        ("b", SeriesSeen(None, NOON, Counted(count=1.0))),
    ),
    metrics=(("orders", Heard(NOON, None)), ("paid", Heard(NOON, NOON - WINDOW))),
)


@pytest.fixture
def store(twinned):
    if twinned is None:
        return MemoryObservations()
    return SqliteObservations(twinned) if isinstance(twinned, Database) else TableObservations(twinned)


def saw(
    sender: str = "a", version: str = "1", windows: int = 0, requests: float = 10, spot: Spot = SPOT, **more
) -> Observation:
    return Observation(
        application=spot.application,
        target=spot.target,
        version=Version(version),
        start=NOON + windows * spot.length,
        length=spot.length,
        sender=sender,
        sample=more.pop("sample", Sample(requests=requests, failures=0.0)),
        **more,
    )


def closed(windows: int, requests: float = 10) -> ClosedWindow:
    samples = ((Version("1"), Sample(requests=requests, failures=0.0)),)
    return ClosedWindow(start=NOON + windows * WINDOW, length=WINDOW, samples=samples)


def base_line(base: BaseLine = BASE, etag: str | None = None, sender: str = "pod-1") -> KeptBaseLine:
    return KeptBaseLine(version=Version("1"), sender=sender, base=base, etag=etag)


def told(store, windows: int = 0, count: int = 1, spot: Spot = SPOT) -> set[tuple[str, str, str, float]]:
    since = NOON + windows * spot.length
    rows = store.told(spot, since, since + count * spot.length).rows
    return {(row.sender, row.version, row.part, row.sample.requests) for row in rows}


def test_nothing_was_told_at_first(store):
    assert store.told(SPOT, NOON, NOON + WINDOW).rows == ()
    assert store.told(SPOT, NOON, NOON + WINDOW).opened == frozenset()
    assert store.closed(SPOT, NOON, NOON + WINDOW) == ()
    assert store.base_line(SPOT, Version("1"), "pod-1") is None


def test_an_observation_comes_back_as_it_was_told(store):
    observation = saw("ü/#?🚀", "sha256:1+2", sample=FULL, part="12:00:05 s", is_last=False, series=("s", "t"))

    assert store.add(SPOT, [observation]) == (True,)
    assert store.told(SPOT, NOON, NOON + WINDOW).rows == (observation,)


def test_what_was_told_first_stands(store):
    assert store.add(SPOT, [saw(requests=10)]) == (True,)
    assert store.add(SPOT, [saw(requests=99)]) == (False,)
    assert told(store) == {("a", "1", "", 10)}


def test_the_same_observation_twice_at_once_is_new_once(store):
    assert store.add(SPOT, [saw(requests=10), saw(requests=10), saw("b")]) == (True, False, True)
    assert told(store) == {("a", "1", "", 10), ("b", "1", "", 10)}


def test_of_many_some_may_be_repeats(store):
    store.add(SPOT, [saw(f"s{number}") for number in range(0, 40, 2)])

    new = store.add(SPOT, [saw(f"s{number}") for number in range(40)])

    assert new == tuple(number % 2 == 1 for number in range(40))
    assert len(told(store)) == 40


def test_sender_version_window_and_part_tell_observations_apart(store):
    several = [saw(), saw("b"), saw(version="2"), saw(part="x"), saw(windows=1)]

    assert store.add(SPOT, several) == (True,) * 5
    assert len(store.told(SPOT, NOON, NOON + 2 * WINDOW).rows) == 5


def test_as_many_as_allowed_go_in_at_once(store):
    several = [saw(f"s{number}", sample=FULL) for number in range(ROWS_AT_MOST)]

    assert store.add(SPOT, several, base_line()) == (True,) * ROWS_AT_MOST


def test_only_the_windows_asked_for_are_read(store):
    store.add(SPOT, [saw(windows=number) for number in range(-2, 4)])
    for number in range(-2, 4):
        store.open(SPOT, NOON + number * WINDOW)

    found = store.told(SPOT, NOON, NOON + 2 * WINDOW)

    assert sorted(row.start for row in found.rows) == [NOON, NOON + WINDOW]
    assert found.opened == {NOON, NOON + WINDOW}


def test_applications_targets_and_lengths_are_kept_apart(store):
    others = [
        replace(SPOT, application=ApplicationName("shop2")),
        replace(SPOT, target=TargetName("web2")),
        replace(SPOT, length=timedelta(minutes=1)),
    ]
    for spot in (SPOT, *others):
        assert store.add(spot, [saw(spot=spot)]) == (True,)
        assert store.open(spot, NOON)
        assert store.close(spot, ClosedWindow(start=NOON, length=spot.length, samples=()))

    for spot in (SPOT, *others):
        assert len(told(store, spot=spot)) == 1
        assert len(store.closed(spot, NOON, NOON + spot.length)) == 1


def test_a_window_is_opened_once_and_closed_once(store):
    assert store.open(SPOT, NOON)
    assert not store.open(SPOT, NOON)
    assert store.close(SPOT, closed(0, requests=10))
    assert not store.close(SPOT, closed(0, requests=99))

    assert store.closed(SPOT, NOON, NOON + WINDOW) == (closed(0, requests=10),)


def test_of_many_at_once_one_opens_the_window_and_one_closes_it(store):
    with ThreadPoolExecutor(8) as threads:
        opened = list(threads.map(lambda _: store.open(SPOT, NOON), range(8)))
        ended = list(threads.map(lambda number: store.close(SPOT, closed(0, number)), range(8)))

    assert (sum(opened), sum(ended)) == (1, 1)


def test_many_senders_at_once_are_all_kept(store):
    with ThreadPoolExecutor(8) as threads:
        new = list(threads.map(lambda number: store.add(SPOT, [saw(f"s{number % 20}")]), range(40)))

    assert sum(flag for (flag,) in new) == 20
    assert len(told(store)) == 20


def test_closed_windows_come_ascending_with_all_their_numbers(store):
    full = ClosedWindow(
        start=NOON + WINDOW,
        length=WINDOW,
        samples=((Version("1"), FULL), (Version("2"), Sample(requests=0.0, failures=0.0))),
    )
    store.close(SPOT, closed(2))
    store.close(SPOT, full)
    store.close(SPOT, closed(-1))

    assert store.closed(SPOT, NOON, NOON + 9 * WINDOW) == (full, closed(2))


def test_a_base_line_is_kept_with_the_observations(store):
    assert store.add(SPOT, [saw()], base_line()) == (True,)

    kept = store.base_line(SPOT, Version("1"), "pod-1")
    assert kept.base == BASE
    assert store.base_line(SPOT, Version("2"), "pod-1") is None
    assert store.base_line(SPOT, Version("1"), "pod-2") is None


def test_a_base_line_by_itself_may_move(store):
    store.add(SPOT, [], base_line())
    kept = store.base_line(SPOT, Version("1"), "pod-1")
    moved = replace(BASE, until=NOON + WINDOW, before=NOON)

    assert store.add(SPOT, [], base_line(moved, kept.etag)) == ()
    assert store.base_line(SPOT, Version("1"), "pod-1").base == moved


def test_nothing_is_kept_when_the_base_line_moved_meanwhile(store):
    store.add(SPOT, [], base_line())
    kept = store.base_line(SPOT, Version("1"), "pod-1")
    store.add(SPOT, [], base_line(replace(BASE, until=NOON + WINDOW), kept.etag))

    for stale in (kept.etag, None):
        with pytest.raises(VersionConflictError):
            store.add(SPOT, [saw()], base_line(replace(BASE, until=NOON + 2 * WINDOW), stale))
    assert told(store) == set()
    assert store.base_line(SPOT, Version("1"), "pod-1").base.until == NOON + WINDOW


def test_a_base_line_moves_also_where_the_observation_was_there(store):
    store.add(SPOT, [saw()])

    assert store.add(SPOT, [saw(), saw("b")], base_line()) == (False, True)
    assert store.base_line(SPOT, Version("1"), "pod-1").base == BASE


def test_of_two_that_move_a_base_line_at_once_one_is_told_so(store):
    store.add(SPOT, [], base_line())
    kept = store.base_line(SPOT, Version("1"), "pod-1")

    def move(number: int) -> bool:
        try:
            store.add(SPOT, [saw(f"s{number}")], base_line(replace(BASE, until=NOON + number * WINDOW), kept.etag))
        except VersionConflictError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(move, range(1, 5))) == 1
    assert len(told(store)) == 1


def test_the_greatest_base_line_fits(store):
    edges = tuple(number / 3 for number in range(1, 101))
    histogram = Histogram(edges, tuple(float(10**14 + number) for number in range(101)))
    points = [
        Point(
            series=f"{number:016x}",
            metric="http.server.request.duration",
            kind=Kind.REQUESTS,
            start=NOON - timedelta(days=9),
            end=NOON,
            counted=Counted(count=1e14, total_ms=1e14 / 3, histogram=histogram if number < 190 else None),
            is_cumulative=True,
        )
        for number in range(SERIES_AT_MOST + 5)
    ]
    greatest = increases(None, points, WINDOW).base

    store.add(SPOT, [saw()], base_line(greatest))

    assert len(greatest.series) == SERIES_AT_MOST
    assert store.base_line(SPOT, Version("1"), "pod-1").base == greatest


def test_what_is_old_is_forgotten_and_the_rest_stays(store):
    store.add(SPOT, [saw(windows=number) for number in range(6)])
    for number in range(6):
        store.open(SPOT, NOON + number * WINDOW)
        store.close(SPOT, closed(number))
    for number in range(6):
        store.add(SPOT, [], base_line(replace(BASE, until=NOON + number * WINDOW), sender=f"pod-{number}"))

    store.prune(SPOT, told_before=NOON + 4 * WINDOW, closed_before=NOON + 2 * WINDOW, at_most=300)
    store.prune(SPOT, told_before=NOON + 4 * WINDOW, closed_before=NOON + 2 * WINDOW, at_most=300)

    left = store.told(SPOT, NOON, NOON + 9 * WINDOW)
    assert sorted(row.start for row in left.rows) == [NOON + 4 * WINDOW, NOON + 5 * WINDOW]
    assert left.opened == {NOON + 4 * WINDOW, NOON + 5 * WINDOW}
    assert [window.start for window in store.closed(SPOT, NOON, NOON + 9 * WINDOW)] == [
        NOON + number * WINDOW for number in range(2, 6)
    ]
    assert [store.base_line(SPOT, Version("1"), f"pod-{number}") is not None for number in range(6)] == [
        False,
        False,
        False,
        False,
        True,
        True,
    ]


def test_forgetting_goes_on_the_next_time_where_there_is_much(store):
    for window in range(8):
        store.add(SPOT, [saw(f"s{number}", windows=window) for number in range(99)])

    for _ in range(4):
        store.prune(SPOT, told_before=NOON + 8 * WINDOW, closed_before=NOON, at_most=300)

    assert told(store, count=9) == set()


def test_no_more_is_forgotten_at_once_than_is_asked_for(store):
    for window in range(2):
        store.add(SPOT, [saw(f"s{number}", windows=window) for number in range(99)])
    for number in range(9):
        store.add(SPOT, [], base_line(sender=f"pod-{number}"))

    store.prune(SPOT, told_before=NOON + 9 * WINDOW, closed_before=NOON, at_most=5)

    assert len(store.told(SPOT, NOON, NOON + 2 * WINDOW).rows) == 198 - 5
    assert sum(store.base_line(SPOT, Version("1"), f"pod-{number}") is not None for number in range(9)) == 4
