"""The analysis as a fold: which windows count, how often, and for what."""

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analysis.guards import GuardConfig, Metric
from shared.domain.analysis.judgement import Verdict
from shared.domain.analysis.sequence import AnalysisState, step
from tests.unit.domain.measurements import NO_DATA, at_most, compared, judged, met, since, verdict, window
from tests.unit.domain.specs import MINUTE

GUARDS = (at_most(0.05), compared(1.5, slack=0.01, over=3))
CONFIG = GuardConfig(window=MINUTE, guards=GUARDS)
SAMPLES = st.one_of(
    st.just(NO_DATA), st.builds(met, st.integers(0, 1_000)), st.integers(0, 100).map(lambda f: met(100, f))
)


def test_a_straddling_window_may_condemn():
    assert verdict(at_most(0.05), window(0, met(100, 50)), state=since(0.5)) is Verdict.DEGRADED


def test_a_straddling_window_does_not_acquit():
    assert verdict(at_most(0.05), window(0, met(1_000)), state=since(0.5)) is Verdict.UNDECIDED


def test_a_window_from_before_the_weight_may_condemn_and_not_acquit():
    earlier = (window(0, met(1_000)), window(1, met(1_000)))
    assert verdict(at_most(0.05), *earlier, state=since(5)) is Verdict.UNDECIDED
    assert verdict(at_most(0.05), window(0, met(1_000, 900)), window(1, met(10)), state=since(1)) is Verdict.DEGRADED


def test_good_windows_from_before_do_not_dilute_bad_ones_at_the_present_weight():
    before = [window(minute, met(10_000)) for minute in range(4)]
    assert verdict(at_most(0.05), *before, window(4, met(100, 20)), state=since(4)) is Verdict.DEGRADED


def test_a_new_weight_asks_for_fresh_windows():
    state, judgement = judged(since(0), (at_most(0.05),), window(0, met(1_000)))
    assert judgement is not None
    assert judgement.verdict is Verdict.HEALTHY
    assert verdict(at_most(0.05), window(1, met(1_000)), state=since(1.5, state)) is Verdict.UNDECIDED
    assert verdict(at_most(0.05), window(2, met(1_000)), state=since(1.5, state)) is Verdict.HEALTHY


def test_a_window_counts_once_whatever_it_says_later():
    state, _ = judged(since(0), GUARDS, window(0, met(100), met(100)), window(1, met(100), met(100)))
    for again in (window(0, met(100, 100), met(100)), window(1, met(100, 100)), window(1, NO_DATA)):
        assert step(state, again, CONFIG) == (state, None, ())


def test_a_window_that_comes_late_does_not_count():
    state, _ = judged(since(0), GUARDS, window(3, met(100), met(100)))
    assert step(state, window(2, met(100, 100)), CONFIG) == (state, None, ())


def test_the_stable_version_is_pooled_over_the_whole_rollout():
    state, _ = judged(since(0), GUARDS, *(window(minute, met(100), met(100, 1, 10.0)) for minute in range(20)))
    assert state.baseline == met(2_000, 20, 10.0)


def test_after_promotion_no_window_of_before_is_looked_at():
    state, _ = judged(since(0), GUARDS, window(0, met(100), met(100)))
    promoted = since(1, state, promoted=True)
    assert promoted.recent == ()
    assert since(2, promoted, promoted=True) == since(2, since(2, promoted, promoted=True), promoted=True)


def test_a_second_promoted_step_keeps_the_windows_of_the_first():
    state, _ = judged(since(0, promoted=True), (at_most(0.05),), window(0, met(100)))
    assert since(1, state, promoted=True).recent == state.recent


def test_without_guards_nothing_is_ever_healthy():
    assert verdict((), window(0, met(1_000))) is Verdict.UNDECIDED


@given(st.lists(SAMPLES, max_size=40), st.lists(SAMPLES, max_size=40))
def test_what_is_remembered_is_bounded_by_the_longest_guard(candidates, stables):
    windows = [window(at, c, s) for at, (c, s) in enumerate(zip(candidates, stables, strict=False))]
    state, _ = judged(since(0), GUARDS, *windows)
    assert len(state.recent) <= 5
    assert state.seen_until == (windows[-1].end if windows else None)


@given(st.lists(SAMPLES, min_size=1, max_size=12), st.data())
def test_repeats_and_revisions_change_no_verdict(candidates, data):
    windows = [window(at, sample, met(500, 5)) for at, sample in enumerate(candidates)]
    once, judgement = judged(since(0), GUARDS, *windows)
    noisy = [
        again
        for at, each in enumerate(windows)
        for again in (each, window(data.draw(st.integers(0, at)), met(1_000, data.draw(st.integers(0, 1_000)))))
    ]
    state: AnalysisState = since(0)
    said = None
    for each in noisy:
        state, heard, _ = step(state, each, CONFIG)
        said = heard or said
    assert state == once
    assert said == judgement


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
