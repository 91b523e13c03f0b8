"""A candidate that has just begun may be cold, for a while, and only if it looks like it."""

from datetime import timedelta

import pytest

from shared.domain.analysis.coldness import follow, looks_warm
from shared.domain.analysis.judgement import Verdict
from shared.domain.analysis.sequence import begin_step
from tests.unit.domain.analysis.worlds import (
    COLD_TIMES,
    ERRORS,
    SHARE,
    SLOWER_TIMES,
    TAILS,
    USUAL_TIMES,
    before,
    begun,
    judging,
    lasting,
    measured,
    served,
    told,
)
from tests.unit.domain.specs import MINUTE, NOON

GUARDS = (ERRORS, TAILS, SHARE)


def stable(requests):
    return served(requests, 0.01 * requests, times=USUAL_TIMES)


def cold(requests):
    """Three points more errors, and three tenths of the requests take eight times as long."""
    return served(requests, 0.04 * requests, times=COLD_TIMES)


def started(minutes, *, per_minute=3_000, then=None, length=MINUTE, lasts=20):
    """The candidate is cold for so many minutes, then as good as stable or what is said."""
    part = length / MINUTE
    n_c, n_s = 0.1 * per_minute * part, 0.9 * per_minute * part
    return [
        measured(n, cold(n_c) if n * length < minutes * MINUTE else then or stable(n_c), stable(n_s), length=length)
        for n in range(round(lasts / part))
    ]


def judgements(windows, *, per_minute=3_000, length=MINUTE, **more):
    config = judging(*GUARDS, length=length, **more)
    return told(begun(config, before(stable(per_minute))), config, windows)[1]


@pytest.mark.parametrize("per_minute", [300, 3_000, 30_000])
@pytest.mark.parametrize("length", [timedelta(seconds=15), MINUTE])
@pytest.mark.parametrize("minutes", [1, 2, 4])
def test_a_cold_start_is_not_taken_back_and_goes_on_afterwards(per_minute, length, minutes):
    windows = started(minutes, per_minute=per_minute, length=length, lasts=30)
    found = judgements(windows, per_minute=round(per_minute), length=length)
    assert Verdict.DEGRADED not in [each.verdict for each in found]
    assert found[-1].verdict is Verdict.HEALTHY or per_minute == 300


def test_while_it_looks_cold_the_weight_is_held_and_the_judgement_says_why():
    found = judgements(started(3))
    for each in found[:3]:
        assert each.verdict is Verdict.UNDECIDED
        assert "cold" in each.holds
        assert "cold" in each.because()
        assert not each.lacks_traffic
    assert all("cold" not in each.holds for each in found[5:])


def test_time_in_which_it_looked_cold_is_no_time_in_which_the_weight_was_watched():
    config = judging(*GUARDS)
    state, _ = told(begun(config, before(stable(3_000))), config, started(3, lasts=3))
    assert state.watched == timedelta(0)


def test_a_candidate_that_stays_cold_is_taken_back():
    found = judgements(started(60, lasts=60))
    assert Verdict.DEGRADED in [each.verdict for each in found]


def test_what_still_looks_cold_after_the_warm_up_is_not_forgiven():
    short = judgements(started(12, lasts=12), warm_up=2 * MINUTE)
    long = judgements(started(12, lasts=12), warm_up=20 * MINUTE)
    assert Verdict.DEGRADED in [each.verdict for each in short]
    assert Verdict.DEGRADED not in [each.verdict for each in long]


def test_a_candidate_that_is_slower_for_everybody_is_not_cold():
    slow = [measured(n, served(300, 3, times=SLOWER_TIMES), stable(2_700)) for n in range(5)]
    found = judgements(slow)
    assert found[-1].verdict is Verdict.DEGRADED
    assert all("cold" not in each.holds for each in found)


def test_a_candidate_that_only_fails_is_not_cold():
    failing = [measured(n, served(300, 30, times=USUAL_TIMES), stable(2_700)) for n in range(8)]
    found = judgements(failing)
    assert found[-1].verdict is Verdict.DEGRADED
    assert all("cold" not in each.holds for each in found)


def test_a_candidate_that_fails_as_a_whole_is_not_let_warm_up():
    broken = [measured(0, served(300, 300, times=COLD_TIMES), stable(2_700))]
    assert judgements(broken)[0].verdict is Verdict.DEGRADED


def test_new_instances_after_a_rise_of_the_weight_may_be_cold_too():
    config = judging(*GUARDS)
    state, _ = told(begun(config, before(stable(3_000))), config, started(0, lasts=12))
    risen = begin_step(state, NOON + 12 * MINUTE, weight=25_000, next_weight=50_000)
    _, found = told(risen, config, lasting(range(12, 14), cold(750), stable(2_250)))
    assert [each.verdict for each in found] == [Verdict.UNDECIDED] * 2
    assert "cold" in found[0].holds
    _, late = told(risen, config, lasting(range(20, 32), cold(750), stable(2_250)))
    assert Verdict.DEGRADED in [each.verdict for each in late]


def test_without_a_histogram_it_is_the_average_that_looks_cold():
    def average(requests, ms, rate=0.01):
        return served(requests, rate * requests, latency_ms=ms)

    config = judging(ERRORS)
    state = begun(config, before(average(3_000, 80.0)))
    for ms, is_cold in ((80.0, False), (120.0, False), (320.0, True)):
        after, _ = told(state, config, lasting(range(1), average(300, ms, 0.04), average(2_700, 80.0)))
        assert after.cold is is_cold


def test_without_any_response_times_nothing_looks_cold():
    config = judging(ERRORS)
    after, _ = told(
        begun(config, before(served(3_000, 30))), config, lasting(range(1), served(300, 12), served(2_700, 27))
    )
    assert not after.cold


def failing_from_the_first_minute(times):
    """Fifteen points more errors, in instances whose response times are these."""
    return [measured(n, served(3_000, 480, times=times), stable(27_000)) for n in range(2)]


def test_what_fails_in_warm_instances_is_taken_back_after_two_minutes():
    found = judgements(failing_from_the_first_minute(USUAL_TIMES), per_minute=30_000)
    assert [each.verdict for each in found] == [Verdict.UNDECIDED, Verdict.DEGRADED]


def test_where_nothing_says_that_the_instances_are_warm_failures_of_the_first_two_minutes_do_not_decide():
    config = judging(ERRORS)
    state = begun(config, before(stable(30_000)))

    def verdicts(times):
        failing = [measured(n, served(3_000, 180, times=times), stable(27_000)) for n in range(3)]
        return [each.verdict for each in told(state, config, failing)[1]]

    assert verdicts(None) == [Verdict.UNDECIDED, Verdict.UNDECIDED, Verdict.DEGRADED]
    assert verdicts(USUAL_TIMES)[:2] == [Verdict.UNDECIDED, Verdict.DEGRADED]


def test_a_handful_of_requests_does_not_say_that_the_instances_are_warm():
    def warm(requests):
        candidate, history = (
            served(requests, times=USUAL_TIMES),
            begun(judging(*GUARDS), before(stable(3_000))).baseline,
        )
        shape = follow((0.0, 0.0, 0.0), candidate, history, 1.0)
        return looks_warm(shape, candidate, stable(2_700), history)

    assert [warm(requests) for requests in (0, 30, 100, 300)] == [False, False, True, True]


def test_cold_instances_do_not_look_warm():
    history = begun(judging(*GUARDS), before(stable(3_000))).baseline
    shape = follow((0.0, 0.0, 0.0), cold(300), history, 1.0)
    assert not looks_warm(shape, cold(300), stable(2_700), history)
