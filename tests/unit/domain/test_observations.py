"""When a window of pushed numbers is closed, and what all senders said together."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analysis.measurement import Histogram, Sample, Value
from shared.domain.analysis.state import LATENESS, LATENESS_WINDOWS
from shared.domain.names import ApplicationName, TargetName, Version
from shared.domain.observations import (
    Observation,
    close_window,
    grace_ends,
    is_closed,
    is_complete,
    lateness,
    merged,
    time_refusal,
)
from shared.domain.rollout.measuring import Unit, ValueKind, ValueQuery

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
WINDOW = timedelta(seconds=15)
ORDERS = ValueQuery(name="orders", kind=ValueKind.COUNTER)
MEMORY = ValueQuery(name="memory", kind=ValueKind.GAUGE)


def saw(
    sender: str = "a",
    version: str = "1",
    requests: float = 100,
    failures: float = 0,
    *,
    start: datetime = NOON,
    part: str = "",
    is_last: bool = True,
    series: str = "",
    **numbers,
) -> Observation:
    return Observation(
        application=ApplicationName("shop"),
        target=TargetName("web"),
        version=Version(version),
        start=start,
        length=WINDOW,
        sender=sender,
        sample=Sample(requests=requests, failures=failures, **numbers),
        part=part,
        is_last=is_last,
        series=tuple(series.split()),
    )


def together(*rows: Observation, values: tuple[ValueQuery, ...] = (), version: str = "1") -> Sample | None:
    return close_window(NOON, WINDOW, rows, values).of(Version(version))


def test_a_window_is_complete_when_each_sender_of_the_one_before_has_reported():
    before = [saw("a"), saw("b")]

    assert not is_complete(before, [saw("a")])
    assert is_complete(before, [saw("b"), saw("a")])
    assert is_complete(before, [saw("a"), saw("b"), saw("newcomer")])


def test_a_sender_that_tells_of_two_versions_is_awaited_for_both():
    before = [saw("a", "1"), saw("a", "2")]

    assert not is_complete(before, [saw("a", "1")])
    assert is_complete(before, [saw("a", "1"), saw("a", "2")])


def test_after_a_window_that_nobody_reported_nobody_knows_who_is_awaited():
    assert not is_complete([], [saw("a")])


def test_a_sender_that_reports_in_parts_is_awaited_until_its_last_one():
    before = [saw("a", part="1")]

    assert not is_complete(before, [saw("a", part="1", is_last=False)])
    assert is_complete(before, [saw("a", part="1", is_last=False), saw("a", part="2")])


def test_a_report_in_two_requests_is_awaited_until_the_second():
    before = [saw("a", part="1", series="200"), saw("a", part="2", series="500")]
    first, second = saw("a", part="3", series="200"), saw("a", part="4", series="500")

    assert not is_complete(before, [first])
    assert not is_complete(before, [second])
    assert is_complete(before, [first, second])
    assert is_complete(before, [saw("a", part="3", series="200 404 500")])


def test_a_part_of_a_window_that_overtook_another_one_is_not_the_last():
    before = [saw("a", part="1", series="200", is_last=False), saw("a", part="2", series="200")]

    assert not is_complete(before, [saw("a", part="4", series="200")])
    assert is_complete(before, [saw("a", part="4", series="200"), saw("a", part="3", series="200", is_last=False)])


def test_a_sender_of_series_that_is_new_leaves_a_window_to_its_grace():
    before, rows = [saw("a")], [saw("a"), saw("b", series="200")]

    assert not is_complete(before, rows)
    assert is_closed(NOON, WINDOW, before, rows, NOON + 2 * WINDOW)
    assert not is_complete(before, [saw("a"), saw("a", "2", series="200")])


def test_one_window_of_grace_closes_it_whoever_is_missing():
    before, rows = [saw("a"), saw("b")], [saw("a")]

    assert grace_ends(NOON, WINDOW) == NOON + 2 * WINDOW
    assert not is_closed(NOON, WINDOW, before, rows, NOON + 2 * WINDOW - timedelta(microseconds=1))
    assert is_closed(NOON, WINDOW, before, rows, NOON + 2 * WINDOW)
    assert is_closed(NOON, WINDOW, before, [*rows, saw("b")], NOON + WINDOW)


@pytest.mark.parametrize(
    ("ends_after", "says"),
    [
        (timedelta(0), None),
        (WINDOW, None),
        (WINDOW + timedelta(seconds=1), "at most one window ahead"),
        (-LATENESS, None),
        (-LATENESS - timedelta(seconds=1), "within 360 s or not at all"),
    ],
)
def test_a_report_far_ahead_or_far_behind_is_refused(ends_after, says):
    why = time_refusal(NOON + ends_after - WINDOW, WINDOW, NOON)

    assert (why is None) if says is None else (says in why)


def test_long_windows_may_be_six_windows_late():
    hour = timedelta(hours=1)

    assert time_refusal(NOON - 7 * hour, hour, NOON) is None
    assert time_refusal(NOON - 8 * hour, hour, NOON) is not None


@pytest.mark.parametrize("length", [WINDOW, timedelta(hours=1)])
def test_a_report_is_taken_as_long_as_its_window_can_count_and_no_longer(length):
    assert lateness(length) == max(LATENESS, LATENESS_WINDOWS * length)


def test_counts_of_all_senders_add_up_by_version():
    closed = close_window(NOON, WINDOW, [saw("a", "2", 10, 1), saw("b", "1", 90, 2), saw("a", "1", 30, 1)], ())

    assert [(version, sample.requests, sample.failures) for version, sample in closed.samples] == [
        ("1", 120, 3),
        ("2", 10, 1),
    ]


def test_a_version_that_nobody_reported_has_no_sample_and_no_zero():
    assert together(saw("a", "1"), version="2") is None


def test_a_report_of_zero_requests_is_data():
    assert together(saw("a", "1", 0)) == Sample(requests=0, failures=0)


def test_everything_but_one_version_adds_up_too():
    closed = close_window(NOON, WINDOW, [saw("a", "1", 10), saw("a", "2", 20), saw("a", "3", 30)], ())

    assert closed.of_others(Version("3"), ()) == Sample(requests=30, failures=0)
    assert close_window(NOON, WINDOW, [saw("a", "3")], ()).of_others(Version("3"), ()) is None


def test_the_average_latency_is_weighted_by_the_requests_that_were_timed():
    sample = together(
        saw("a", requests=100, latency_ms=10.0),
        saw("b", requests=300, latency_ms=50.0),
        saw("c", requests=600),
    )

    assert sample is not None
    assert sample.latency_ms == pytest.approx(40)


def test_histograms_come_together_on_the_edges_that_all_have():
    both = merged([Histogram((5.0, 10.0, 25.0), (1, 2, 3, 4)), Histogram((10.0, 25.0, 50.0), (10, 20, 30, 40))])

    assert both == Histogram((10.0, 25.0), (1 + 2 + 10, 3 + 20, 4 + 30 + 40))


def test_histograms_without_a_common_edge_do_not_come_together():
    assert merged([Histogram((5.0,), (1, 2)), Histogram((6.0,), (1, 2))]) is None


def test_there_is_no_histogram_when_one_sender_with_requests_has_none():
    histogram = Histogram((5.0,), (60, 40))
    with_one = saw("a", requests=100, histogram=histogram)

    assert together(with_one, saw("b", requests=1)).histogram is None
    assert together(with_one, saw("b", requests=0)).histogram == histogram


edges = st.lists(st.integers(1, 20).map(float), min_size=1, max_size=8, unique=True).map(lambda e: tuple(sorted(e)))


@st.composite
def histograms(draw):
    bounds = draw(edges)
    return Histogram(
        bounds, tuple(draw(st.lists(st.integers(0, 9), min_size=len(bounds) + 1, max_size=len(bounds) + 1)))
    )


@given(st.lists(histograms(), min_size=1, max_size=4))
def test_no_request_is_lost_or_moved_over_an_edge_when_histograms_come_together(several):
    found = merged(several)

    if found is None:
        assert set.intersection(*(set(each.edges) for each in several)) == set()
        return
    assert found.is_plausible
    assert found.total == sum(each.total for each in several)
    for edge in found.edges:
        assert found.above(edge) == sum(each.above(edge) for each in several)


def test_counters_add_up_and_so_do_their_opportunities():
    rows = [
        saw("a", values=(Value(name="orders", value=3, of=10),)),
        saw("b", values=(Value(name="orders", value=5, of=20),)),
    ]

    assert together(*rows, values=(ORDERS,)).values == (Value(name="orders", value=8, of=30),)


def test_a_counter_of_all_requests_stays_one():
    rows = [saw("a", values=(Value(name="orders", value=3),)), saw("b", values=(Value(name="orders", value=5),))]

    assert together(*rows, values=(ORDERS,)).values == (Value(name="orders", value=8),)


def test_a_counter_that_some_senders_do_not_tell_is_of_the_requests_of_those_who_do():
    rows = [saw("a", requests=40, values=(Value(name="orders", value=3),)), saw("b", requests=1000)]

    assert together(*rows, values=(ORDERS,)).values == (Value(name="orders", value=3, of=40),)


def test_gauges_are_averaged_by_requests_and_come_in_our_unit():
    percent = ValueQuery(name="memory", kind=ValueKind.GAUGE, unit=Unit.PERCENT)
    rows = [
        saw("a", requests=100, values=(Value(name="memory", value=20),)),
        saw("b", requests=300, values=(Value(name="memory", value=60),)),
    ]

    assert together(*rows, values=(percent,)).values == (Value(name="memory", value=pytest.approx(0.5)),)


def test_gauges_of_idle_senders_are_averaged_as_they_are():
    rows = [
        saw("a", requests=0, values=(Value(name="memory", value=20),)),
        saw("b", requests=0, values=(Value(name="memory", value=60),)),
    ]

    assert together(*rows, values=(MEMORY,)).values == (Value(name="memory", value=40),)


def test_figures_that_the_spec_does_not_name_stay_out():
    assert together(saw("a", values=(Value(name="other", value=1),)), values=(ORDERS,)).values == ()


@given(st.permutations([saw(sender, part=part, requests=7, latency_ms=0.1) for sender in "abc" for part in "12"]))
def test_the_order_of_reports_changes_nothing(rows):
    assert together(*rows) == together(*(saw(s, part=p, requests=7, latency_ms=0.1) for s in "abc" for p in "12"))


def test_windows_follow_each_other_without_a_gap():
    starts = [saw(start=NOON + index * WINDOW) for index in range(3)]

    assert all(one.end == next_one.start for one, next_one in pairwise(starts))
