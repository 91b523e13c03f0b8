"""Points of time series as observations: which window they belong to, and what is never guessed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analysis.measurement import Histogram, Value
from shared.domain.names import ApplicationName, TargetName, Version
from shared.domain.points import SERIES_NAMED_AT_MOST, Counted, Cut, Kind, LeftOut, Point, Report, cut, sound, wanted
from shared.domain.rollout.measuring import ValueKind, ValueQuery

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
REPORT = Report(application=ApplicationName("shop"), target=None, version=Version("2"), sender="pod-1", points=())


def point(
    start: datetime | None = NOON,
    end: datetime = NOON + MINUTE,
    count: float = 10,
    *,
    series: str = "s",
    metric: str = "http.server.request.duration",
    kind: Kind = Kind.REQUESTS,
    failed: bool = False,
    rank: int = 0,
    total_ms: float | None = None,
    histogram: Histogram | None = None,
) -> Point:
    counted = Counted(count=count, total_ms=total_ms, histogram=histogram)
    return Point(
        series=series,
        metric=metric,
        kind=kind,
        rank=rank,
        start=start,
        end=end,
        counted=counted,
        is_failure=failed,
    )


def cut_up(*points: Point, values: tuple[ValueQuery, ...] = ()) -> tuple[tuple[Cut, ...], tuple[LeftOut, ...]]:
    return cut(REPORT, TargetName("web"), points, MINUTE, values)


def only(*points: Point, values: tuple[ValueQuery, ...] = ()):
    (found,), left_out = cut_up(*points, values=values)
    assert left_out == ()
    return found.observation


@pytest.mark.parametrize(
    ("start", "end", "window"),
    [
        (0, 60, 0),
        (15, 30, 0),
        (45, 75, 60),
        (59, 119, 60),
        (60, 60.000001, 60),
        (-30, 30, 0),
    ],
)
def test_a_point_belongs_to_the_window_that_holds_its_end(start, end, window):
    found = only(point(NOON + start * SECOND, NOON + end * SECOND))

    assert (found.start, found.length) == (NOON + window * SECOND, MINUTE)
    assert (found.version, found.sender, found.target, found.sample.requests) == ("2", "pod-1", "web", 10)


def test_a_point_that_spans_more_than_a_window_is_left_out_and_the_others_are_not():
    cuts, left_out = cut_up(
        point(NOON - SECOND, NOON + MINUTE, series="late"), point(NOON, NOON + MINUTE, series="good")
    )

    assert [found.observation.sample.requests for found in cuts] == [10]
    assert [(each.points, "spans" in each.why or "span 61 s" in each.why) for each in left_out] == [(1, True)]


@pytest.mark.parametrize(
    ("start", "says"), [(None, "without startTimeUnixNano"), (NOON + 2 * MINUTE, "end before they start")]
)
def test_a_point_whose_time_is_not_known_is_left_out(start, says):
    cuts, (left_out,) = cut_up(point(start))

    assert cuts == ()
    assert says in left_out.why


@pytest.mark.parametrize(
    ("start", "end", "is_last"),
    [(0, 60, True), (0, 15, False), (30, 45, False), (45, 60, True), (37, 52, True), (7, 37, True), (-53, 7, True)],
)
def test_a_sender_has_said_all_of_a_window_when_its_next_point_would_end_beyond(start, end, is_last):
    assert only(point(NOON + start * SECOND, NOON + end * SECOND)).is_last is is_last


def test_points_told_together_make_one_observation():
    found = only(
        point(count=90, series="ok", total_ms=900.0),
        point(count=10, series="bad", failed=True, total_ms=1100.0),
    )

    assert (found.sample.requests, found.sample.failures, found.sample.latency_ms) == (100, 10, pytest.approx(20))


def test_histograms_told_together_add_up():
    found = only(
        point(count=3, series="a", histogram=Histogram((5.0, 10.0), (1, 1, 1))),
        point(count=3, series="b", histogram=Histogram((5.0, 10.0), (3, 0, 0))),
    )

    assert found.sample.histogram == Histogram((5.0, 10.0), (4, 1, 1))


def test_points_of_several_moments_are_parts_of_their_windows():
    cuts, _ = cut_up(*(point(NOON + k * 15 * SECOND, NOON + (k + 1) * 15 * SECOND) for k in range(5)))

    assert [found.observation.start for found in cuts] == [NOON] * 4 + [NOON + MINUTE]
    assert [found.observation.is_last for found in cuts] == [False, False, False, True, False]
    assert len({found.observation.part for found in cuts}) == 5


def test_the_same_points_are_the_same_part_and_other_series_of_the_same_moment_another():
    again = only(point(series="b"), point(series="a")).part

    assert only(point(series="a"), point(series="b")).part == again
    assert only(point(series="c")).part != again


def test_an_observation_names_the_series_that_it_is_made_of():
    assert only(point(series="b"), point(series="a"), point(series="a")).series == ("a", "b")


def test_very_many_series_have_one_name_together_and_with_one_more_of_them_another():
    many = [point(series=f"{number}") for number in range(SERIES_NAMED_AT_MOST + 2)]

    assert len(only(*many).series) == 1
    assert only(*many).series != only(*many[1:]).series


@pytest.mark.parametrize("figure", [float("nan"), float("inf"), float("-inf"), 1e308, -1e308])
@pytest.mark.parametrize("kind", list(Kind))
def test_a_figure_that_cannot_be_reckoned_with_is_left_out_and_names_its_metric(kind, figure):
    good = point(metric="paid", kind=kind)

    points, (left_out,) = sound([good, point(metric="memory", kind=kind, count=figure)])

    assert (points, left_out.points) == ((good,), 1)
    assert left_out.why.startswith("memory has points")


def test_a_counter_below_zero_is_left_out_and_a_level_is_not():
    level, counter = (point(metric="queue", kind=kind, count=-3) for kind in (Kind.LEVEL, Kind.SUM))

    assert sound([level]) == ((level,), ())
    assert sound([counter]) == ((), (LeftOut(1, "queue has points below zero: it is a counter"),))


def test_of_several_metrics_that_count_the_same_requests_one_counts():
    found = only(point(count=10), point(count=11, rank=3, metric="http.server.request.count", series="t"))

    assert found.sample.requests == 10


def test_figures_of_the_teams_own_are_taken_along():
    values = (
        ValueQuery(name="orders", kind=ValueKind.COUNTER),
        ValueQuery(name="memory", kind=ValueKind.GAUGE),
        ValueQuery(name="absent", kind=ValueKind.GAUGE),
    )
    found = only(
        point(),
        point(count=3, metric="orders", kind=Kind.SUM, series="o1"),
        point(count=4, metric="orders", kind=Kind.SUM, series="o2"),
        point(None, count=20, metric="memory", kind=Kind.LEVEL, series="m1"),
        point(None, count=40, metric="memory", kind=Kind.LEVEL, series="m2"),
        values=values,
    )

    assert found.sample.values == (Value(name="orders", value=7), Value(name="memory", value=30))


def test_figures_by_themselves_are_no_observation_and_never_zero_requests():
    orders = ValueQuery(name="orders", kind=ValueKind.COUNTER)

    assert cut_up(point(metric="orders", kind=Kind.SUM), values=(orders,)) == ((), ())


def test_a_metric_that_nobody_asked_for_is_not_wanted():
    orders = ValueQuery(name="orders", kind=ValueKind.COUNTER)
    points = (point(), point(metric="orders", kind=Kind.SUM), point(metric="threads", kind=Kind.LEVEL))

    assert wanted(points, (orders,)) == points[:2]
    assert wanted(points, ()) == points[:1]


@given(st.lists(st.tuples(st.integers(-200, 200), st.integers(0, 90), st.integers(0, 50)), max_size=20))
def test_each_request_is_counted_in_one_window_or_left_out(spans):
    points = [
        point(NOON + at * SECOND, NOON + (at + span) * SECOND, count, series=f"{index}")
        for index, (at, span, count) in enumerate(spans)
    ]

    cuts, left_out = cut_up(*points)

    counted = sum(found.observation.sample.requests for found in cuts)
    assert counted == sum(count for _, span, count in spans if span <= 60)
    assert sum(each.points for each in left_out) == sum(span > 60 for _, span, _ in spans)
    for found in cuts:
        assert found.observation.sample.is_plausible
        assert (found.observation.start - NOON) % MINUTE == timedelta(0)
