"""Cumulative counters as increases: what a first point says, what a restart says, and what is counted twice never."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analysis.measurement import Histogram
from shared.domain.base_lines import SERIES_AT_MOST, BaseLine, Increases, increases
from shared.domain.points import Counted, Kind, Point

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BOOT = NOON - timedelta(hours=3)
WINDOW = timedelta(seconds=15)


def point(
    count: float,
    windows: float = 0,
    *,
    series: str = "s",
    start: datetime | None = BOOT,
    total_ms: float | None = None,
    histogram: Histogram | None = None,
    metric: str = "http.server.request.duration",
) -> Point:
    return Point(
        series=series,
        metric=metric,
        kind=Kind.REQUESTS if metric.startswith("http.") else Kind.SUM,
        start=start,
        end=NOON + windows * WINDOW,
        counted=Counted(count=count, total_ms=total_ms, histogram=histogram),
        is_cumulative=True,
    )


def after(base: BaseLine | None, *points: Point) -> Increases:
    return increases(base, points, WINDOW)


def base(*points: Point) -> BaseLine | None:
    return after(None, *points).base


def counts(found: Increases) -> list[tuple[float, datetime | None, datetime]]:
    return [(each.counted.count, each.start, each.end) for each in found.points]


def test_the_first_point_of_a_sender_is_a_base_line_and_nothing_else():
    found = after(None, point(1_000_000))

    assert found.points == ()
    assert found.base is not None


def test_the_next_one_counts_what_came_since():
    found = after(base(point(1_000)), point(1_030, 1))

    assert counts(found) == [(30, NOON, NOON + WINDOW)]
    assert not found.points[0].is_cumulative


def test_a_counter_that_stood_still_says_zero_requests():
    assert counts(after(base(point(1_000)), point(1_000, 1))) == [(0, NOON, NOON + WINDOW)]


def test_a_repeated_point_counts_once():
    first = after(base(point(1_000)), point(1_030, 1))
    again = after(first.base, point(1_030, 1))

    assert (again.points, again.repeated, again.base) == ((), 1, first.base)


def test_a_point_that_was_overtaken_counts_for_nothing_because_the_later_one_told_it():
    overtaking = after(base(point(1_000)), point(1_060, 2))
    overtaken = after(overtaking.base, point(1_030, 1))

    assert counts(overtaking) == [(60, NOON, NOON + 2 * WINDOW)]
    assert (overtaken.points, overtaken.repeated) == ((), 1)


def test_a_restarted_counter_counts_in_full_since_its_start():
    restarted = NOON + WINDOW / 3

    found = after(base(point(1_000)), point(12, 1, start=restarted))

    assert counts(found) == [(12, restarted, NOON + WINDOW)]


def test_a_count_that_fell_began_anew():
    assert counts(after(base(point(1_000)), point(12, 1))) == [(12, NOON, NOON + WINDOW)]
    assert counts(after(base(point(1_000)), point(12, 1, start=BOOT + WINDOW))) == [(12, NOON, NOON + WINDOW)]


def test_a_start_that_moved_without_a_restart_is_a_new_base_line():
    found = after(base(point(1_000)), point(1_030, 1, start=BOOT + WINDOW))

    assert found.points == ()
    assert counts(after(found.base, point(1_040, 2, start=BOOT + WINDOW))) == [(10, NOON + WINDOW, NOON + 2 * WINDOW)]


def test_the_first_failures_of_a_known_sender_count_in_full():
    found = after(base(point(1_000)), point(1_030, 1), point(7, 1, series="500"))

    assert sorted(counts(found)) == [(7, NOON, NOON + WINDOW), (30, NOON, NOON + WINDOW)]


def test_the_first_series_of_a_metric_that_nobody_asked_for_until_now_is_a_base_line():
    paid = [point(count, index, series="paid", metric="paid") for index, count in ((1, 120_000), (2, 120_007))]

    asked = after(base(point(1_000)), point(2_000, 1), paid[0])
    later = after(asked.base, point(3_000, 2), paid[1], point(5, 2, series="paid by card", metric="paid"))

    assert counts(asked) == [(1_000, NOON, NOON + WINDOW)]
    assert sorted(each.counted.count for each in later.points) == [5, 7, 1_000]


def test_the_first_series_of_a_metric_are_base_lines_also_when_they_come_in_two_requests():
    first = after(base(point(1_000)), point(2_000, 1), point(120_000, 1, series="card", metric="paid"))

    assert after(first.base, point(90_000, 1, series="cash", metric="paid")).points == ()


def test_a_series_that_is_new_when_a_metric_is_asked_for_again_after_long_is_a_base_line():
    before = base(point(1_000), point(10, series="card", metric="paid"))
    unasked = after(after(before, point(2_000, 1)).base, point(3_000, 2))

    assert after(unasked.base, point(90_000, 3, series="cash", metric="paid")).points == ()


def test_a_new_series_after_a_long_silence_is_a_base_line():
    found = after(base(point(1_000)), point(1_030, 3), point(7, 3, series="500"))

    assert [each.series for each in found.points] == ["s"]


def test_a_series_that_began_since_the_sender_was_last_heard_counts_however_long_that_is():
    found = after(base(point(1_000)), point(7, 3, series="500", start=NOON + WINDOW))

    assert counts(found) == [(7, NOON + WINDOW, NOON + 3 * WINDOW)]


def test_the_points_of_one_moment_may_come_in_two_requests():
    before = base(point(1_000), point(500, series="t"))
    first = after(before, point(1_030, 1))
    second = after(first.base, point(510, 1, series="t"), point(3, 1, series="500"))

    assert counts(first) == [(30, NOON, NOON + WINDOW)]
    assert sorted(counts(second)) == [(3, NOON, NOON + WINDOW), (10, NOON, NOON + WINDOW)]


def test_the_first_points_of_a_sender_may_come_in_two_requests():
    first = after(None, point(1_000))

    assert after(first.base, point(500, series="t")).points == ()


def test_times_and_histograms_are_differences_too():
    before = point(10, total_ms=100.0, histogram=Histogram((5.0, 10.0), (5, 3, 2)))
    now = point(16, 1, total_ms=190.0, histogram=Histogram((5.0, 10.0), (5, 6, 5)))

    (found,) = after(base(before), now).points

    assert found.counted == Counted(count=6, total_ms=90.0, histogram=Histogram((5.0, 10.0), (0, 3, 3)))


def test_a_histogram_whose_edges_grew_coarser_is_compared_on_the_edges_left():
    before = point(10, histogram=Histogram((5.0, 10.0, 20.0), (4, 3, 2, 1)))
    now = point(12, 1, histogram=Histogram((10.0,), (8, 4)))

    (found,) = after(base(before), now).points

    assert found.counted.histogram == Histogram((10.0,), (1, 1))


def test_points_that_are_not_cumulative_pass_as_they_are():
    delta = replace(point(5), is_cumulative=False)

    assert after(None, delta) == Increases(base=None, points=(delta,))


def test_the_series_of_a_sender_that_are_remembered_are_bounded():
    found = after(None, *(point(1, series=f"{number}") for number in range(SERIES_AT_MOST + 3)))

    assert found.base is not None
    assert len(found.base.series) == SERIES_AT_MOST
    assert [each.points for each in found.left_out] == [3]


def test_the_numbers_of_a_sender_that_are_remembered_are_bounded():
    histogram = Histogram(tuple(map(float, range(999))), (1.0,) * 1000)
    found = after(None, *(point(1, series=f"{number}", histogram=histogram) for number in range(25)))

    assert found.base is not None
    assert len(found.base.series) == 19


@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=2, max_size=12),
    st.lists(st.integers(0, 11), max_size=8),
)
def test_nothing_is_counted_twice_however_often_and_in_whatever_order_points_come(steps, repeats):
    """Each step counts some requests; a restart (True) begins at zero just after the point before."""
    told, count, start, since_first = [], 0, BOOT, 0
    for index, (more, restarts) in enumerate(steps):
        if restarts and index:
            count, start = 0, NOON + (index - 1) * WINDOW
        count += more
        since_first += more if index else 0
        told.append(point(count, index, start=start))

    state, counted = None, 0.0
    for each in [*told, *(told[index] for index in repeats if index < len(told))]:
        found = after(state, each)
        state, counted = found.base, counted + sum(one.counted.count for one in found.points)

    assert counted == since_first


@given(st.permutations(range(6)))
def test_points_out_of_order_never_count_more_than_there_was(order):
    state, counted = None, 0.0
    for index in order:
        found = after(state, point(100 + 10 * index, index))
        state, counted = found.base, counted + sum(one.counted.count for one in found.points)

    assert counted <= 50
