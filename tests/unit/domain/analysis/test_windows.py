"""The analysis as a fold: which windows count, how often, and for what."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analysis.guards import GuardConfig, Metric
from shared.domain.analysis.judgement import Verdict
from shared.domain.analysis.sequence import AnalysisState, step
from shared.domain.analysis.state import LATENESS
from tests.unit.domain.analysis.worlds import ERRORS, STEADY, before, begun, judging, lasting, measured, served, told
from tests.unit.domain.measurements import ERROR, NO_DATA, at_most, compared, judged, met, since, verdict, window
from tests.unit.domain.specs import MINUTE, NOON

GUARDS = (at_most(0.05), replace(compared(1.5, slack=0.01, over=3), name="compared"))
CONFIG = GuardConfig(window=MINUTE, guards=GUARDS)
LATE = LATENESS // MINUTE
"""So many minutes late a window may be."""
SAMPLES = st.one_of(
    st.just(NO_DATA), st.builds(met, st.integers(0, 1_000)), st.integers(0, 100).map(lambda f: met(100, f))
)


def told_of(windows, state=None):
    return told(state or since(0), CONFIG, windows)


def whole(minute, failures=1):
    return window(minute, met(100, failures), met(900, 9))


def test_a_straddling_window_may_condemn():
    assert verdict(at_most(0.05), window(0, met(100, 50)), state=since(0.5)) is Verdict.DEGRADED


def test_a_straddling_window_does_not_acquit():
    assert verdict(at_most(0.05), window(0, met(1_000)), state=since(0.5)) is Verdict.UNDECIDED


def test_a_window_from_before_the_weight_may_condemn_and_not_acquit():
    earlier = (window(0, met(1_000)), window(1, met(1_000)))
    assert verdict(at_most(0.05), *earlier, state=since(5)) is Verdict.UNDECIDED
    assert verdict(at_most(0.05), window(0, met(1_000, 900)), window(1, met(10)), state=since(1)) is Verdict.DEGRADED


def test_a_window_at_another_weight_is_evidence_against_and_not_for():
    state = begun(judging(ERRORS), before(served(3_000, 30)), at=NOON + 5 * MINUTE)
    good, _ = told(state, judging(ERRORS), lasting(range(4), served(3_000, 30), served(27_000, 270)))
    assert good.watched == timedelta(0)
    assert good.comparisons[0].advance is None
    bad, judgements = told(state, judging(ERRORS), lasting(range(4), served(300, 90), served(2_700, 27)))
    assert judgements[-1].verdict is Verdict.DEGRADED
    assert bad.watched == timedelta(0)


def test_good_windows_from_before_do_not_dilute_bad_ones_at_the_present_weight():
    earlier = [window(minute, met(10_000)) for minute in range(4)]
    assert verdict(at_most(0.05), *earlier, window(4, met(100, 20)), state=since(4)) is Verdict.DEGRADED


def test_a_new_weight_asks_for_fresh_windows():
    state, judgement = judged(since(0), (at_most(0.05),), window(0, met(1_000)))
    assert judgement is not None
    assert judgement.verdict is Verdict.HEALTHY
    assert verdict(at_most(0.05), window(1, met(1_000)), state=since(1.5, state)) is Verdict.UNDECIDED
    assert verdict(at_most(0.05), window(2, met(1_000)), state=since(1.5, state)) is Verdict.HEALTHY


def test_a_window_counts_once_whatever_it_says_later():
    state, _ = told_of([whole(0), whole(1)])
    for again in (whole(0, 100), window(1, met(100, 100)), window(1, NO_DATA), whole(1)):
        assert step(state, again, CONFIG) == (state, None, ())


@pytest.mark.parametrize("arms", [(NO_DATA, met(900, 9)), (met(100), NO_DATA), (ERROR, ERROR), (met(-1), met(900, 9))])
def test_a_window_that_is_not_complete_in_both_versions_does_not_count_and_may_come_again_whole(arms):
    state, (judgement,) = told_of([window(0, *arms)])
    assert judgement is not None
    assert (state.windows, state.comparisons) == (0, ())
    after, (judgement,) = told_of([whole(0)], state)
    assert judgement is not None
    assert after.windows == 1
    assert after.comparisons == told_of([whole(0)])[0].comparisons


def test_the_first_complete_delivery_is_final():
    first, _ = told_of([window(0, NO_DATA, met(900, 9)), whole(0), whole(0, 100), window(0, NO_DATA)])
    assert first.comparisons == told_of([whole(0)])[0].comparisons


@pytest.mark.parametrize("late", range(1, LATE))
def test_a_window_that_comes_late_counts_within_the_horizon(late):
    state, _ = told_of([whole(0), *(whole(minute) for minute in range(2, 2 + late))])
    after, (judgement,) = told_of([whole(1)], state)
    assert judgement is not None
    assert after.windows == state.windows + 1
    assert step(after, whole(1, 100), CONFIG) == (after, None, ())


def test_a_window_that_comes_later_than_the_horizon_never_counts():
    state, _ = told_of([whole(0), *(whole(minute) for minute in range(2, 20))])
    for minute in (0, 1, 2):
        assert step(state, whole(minute, 100), CONFIG) == (state, None, ())


def test_the_horizon_is_as_many_windows_where_they_are_long():
    length = timedelta(minutes=5)
    config = judging(ERRORS, length=length)
    arms = served(100, 1), served(900, 9)
    state, _ = told(begun(config), config, [measured(n, *arms, length=length) for n in (0, 2, 3, 4, 5)])
    after, _ = told(state, config, [measured(1, *arms, length=length)])
    assert after.windows == state.windows + 1


def test_a_late_window_is_no_newer_than_the_newest():
    state, _ = told_of([whole(0), whole(3)])
    after, _ = told_of([whole(1)], state)
    assert after.newest == state.newest == whole(3).end


def test_the_mark_below_which_nothing_need_be_read_never_falls_and_lags_by_the_horizon_at_most():
    state, marks = since(0), []
    for minute in (0, 1, 3, 2, 5, 6, 7, 8, 9, 12, 11, 10, 13, 30):
        state, _ = told_of([whole(minute)], state)
        assert state.seen_until is not None
        assert state.newest - state.seen_until <= LATENESS
        assert all(at > state.seen_until for at in state.seen)
        marks.append(state.seen_until)
    assert marks == sorted(marks)


@STEADY
@given(st.permutations(range(1, LATE)), st.lists(st.integers(0, 4), min_size=LATE, max_size=LATE))
def test_the_order_of_windows_matters_little(order, failures):
    config = judging(ERRORS)
    state, _ = told(begun(config, before(served(3_000, 30))), config, [measured(0, served(300, 3), served(2_700, 27))])
    found = []
    for numbers in (range(1, LATE), order):
        windows = [measured(n, served(300, failures[n]), served(2_700, 27)) for n in numbers]
        after, judgements = told(state, config, windows)
        assert after.windows == LATE
        found.append((judgements[-1].odds, after.comparisons[0].counts))
    assert found[0][1] == found[1][1]
    assert found[1][0] == pytest.approx(found[0][0], rel=0.3)


def test_after_promotion_no_window_of_before_is_looked_at():
    state, _ = told_of([whole(0)])
    promoted = since(1, state, promoted=True)
    assert promoted.recent == ()


def test_a_second_promoted_step_keeps_the_windows_of_the_first():
    state, _ = judged(since(0, promoted=True), (at_most(0.05),), window(0, met(100)))
    assert since(1, state, promoted=True).recent == state.recent


def test_without_guards_nothing_is_ever_healthy():
    assert verdict((), window(0, met(1_000))) is Verdict.UNDECIDED


@STEADY
@given(st.lists(SAMPLES, max_size=40), st.lists(SAMPLES, max_size=40))
def test_what_is_remembered_is_bounded_by_the_longest_guard(candidates, stables):
    windows = [window(at, c, s) for at, (c, s) in enumerate(zip(candidates, stables, strict=False))]
    state, _ = told_of(windows)
    assert len(state.recent) <= 5
    assert len(state.seen) <= LATE
    complete = [each for each in windows if NO_DATA not in (each.candidate, each.stable)]
    assert state.windows == len(complete)
    assert state.newest == (complete[-1].end if complete else None)


@STEADY
@given(st.lists(SAMPLES, min_size=1, max_size=12), st.data())
def test_repeats_and_revisions_change_no_verdict(candidates, data):
    windows = [window(at, sample, met(500, 5)) for at, sample in enumerate(candidates) if sample != NO_DATA]
    once, judgements = told_of(windows)
    state: AnalysisState = since(0)
    said = []
    for at, each in enumerate(windows):
        state, heard, _ = step(state, each, CONFIG)
        said.append(heard)
        earlier = windows[data.draw(st.integers(0, at))]
        revised = replace(earlier, candidate=met(1_000, data.draw(st.integers(0, 1_000))))
        assert step(state, revised, CONFIG) == (state, None, ())
    assert state == once
    assert said == judgements


@STEADY
@given(st.lists(SAMPLES, max_size=10), st.floats(0, 10))
def test_healthy_needs_a_good_newest_window_at_the_present_weight(candidates, minutes):
    windows = [window(at, sample, met(500, 5)) for at, sample in enumerate(candidates)]
    state = since(minutes)
    for each in windows:
        state, judgement, _ = step(state, each, CONFIG)
        assert judgement is not None
        if judgement.verdict is Verdict.HEALTHY:
            assert each.candidate != NO_DATA
            assert each.candidate.requests > 0
            assert each.start >= state.good_since
            assert sum(w.candidate.requests for w in state.recent if w.candidate != NO_DATA) >= 20


def test_a_latency_guard_is_judged_on_its_own_windows():
    slow, fast = window(0, met(100, 0, 900.0)), [window(minute, met(100, 0, 10.0)) for minute in range(1, 4)]
    assert verdict(at_most(100.0, Metric.LATENCY, over=3), slow, *fast[:2]) is Verdict.DEGRADED
    assert verdict(at_most(100.0, Metric.LATENCY, over=3), slow, *fast) is Verdict.HEALTHY
