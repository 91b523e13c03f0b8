"""How much one window may do, and that two may do it."""

import pytest

from shared.domain.analysis.judgement import Verdict
from tests.unit.domain.analysis.worlds import (
    BOTH,
    DECLINED,
    ERRORS,
    ORDERS,
    SIX,
    SLOWER_TIMES,
    TAILS,
    USUAL_TIMES,
    before,
    begun,
    evidence_on,
    judging,
    last,
    lasting,
    served,
    told,
    verdicts,
)
from tests.unit.domain.specs import MINUTE, NOON

PAST = before(served(3_000, 30))
LATER = {"at": NOON - 10 * MINUTE}
"""The first users came ten minutes ago: it is no cold start."""


def failing(share, *, first=0, windows=1, requests=300):
    return lasting(range(first, first + windows), served(requests, share * requests), served(2_700, 27))


@pytest.mark.parametrize("guard", [ERRORS, BOTH], ids=lambda guard: guard.name)
@pytest.mark.parametrize("requests", [30, 300, 30_000])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.49])
def test_below_fifty_points_of_excess_one_window_never_takes_back_and_a_few_do(guard, requests, share):
    config = judging(guard)
    found = verdicts(begun(config, PAST, **LATER), config, failing(share, windows=12, requests=requests))
    assert found[0] is not Verdict.DEGRADED
    assert Verdict.DEGRADED in found


@pytest.mark.parametrize("requests", [300, 30_000])
def test_where_it_is_clear_the_second_window_takes_back(requests):
    config = judging(ERRORS)
    found = verdicts(begun(config, PAST, **LATER), config, failing(0.45, windows=2, requests=requests))
    assert found == [Verdict.UNDECIDED, Verdict.DEGRADED]


@pytest.mark.parametrize("share", [0.6, 0.8, 1.0])
@pytest.mark.parametrize("requests", [30, 300, 30_000])
@pytest.mark.parametrize("at", [NOON, NOON - 10 * MINUTE], ids=["at-once", "later"])
def test_from_fifty_points_of_excess_on_one_window_takes_back(share, requests, at):
    config = judging(ERRORS)
    judgement = last(begun(config, PAST, at=at), config, failing(share, requests=requests))
    assert judgement.verdict is Verdict.DEGRADED
    said = evidence_on("outage", judgement)
    assert f"{share * requests:,.0f} of {requests:,.0f} candidate requests failed" in said.says
    assert "outage" in judgement.because()


def test_the_excess_is_what_is_beyond_stables_own_failures():
    config = judging(ERRORS)
    state = begun(config, before(served(3_000, 900)), **LATER)
    windows = lasting(range(2), served(300, 210), served(2_700, 810))
    assert verdicts(state, config, windows[:1])[0] is not Verdict.DEGRADED


def test_a_handful_of_failures_is_no_outage():
    config = judging(ERRORS)
    assert last(begun(config, PAST, **LATER), config, failing(1.0, requests=1)).verdict is not Verdict.DEGRADED


@pytest.mark.parametrize("healthy", [3, 60, 600])
def test_after_good_windows_a_total_failure_is_taken_back_within_five(healthy):
    config = judging(ERRORS)
    state, _ = told(begun(config, PAST), config, failing(0.01, windows=healthy))
    assert Verdict.DEGRADED in verdicts(state, config, failing(1.0, first=healthy, windows=5))


@pytest.mark.parametrize(
    ("guard", "bad"),
    [
        (TAILS, {"times": SLOWER_TIMES}),
        (DECLINED, {"declined": 3_000.0}),
        (ORDERS, {"orders": 0.0}),
    ],
    ids=["tails", "more declined", "fewer orders"],
)
def test_one_window_of_any_one_figure_never_takes_back_and_two_can(guard, bad):
    def whole(requests, **other):
        return served(
            requests, **{"times": USUAL_TIMES, "declined": 0.02 * requests, "orders": 0.05 * requests} | other
        )

    config = judging(guard)
    state = begun(config, before(whole(30_000)), **LATER)
    found = verdicts(state, config, lasting(range(3), whole(3_000, **bad), whole(27_000)))
    assert found[0] is not Verdict.DEGRADED
    assert found[-1] is Verdict.DEGRADED


def test_six_good_guards_take_nothing_back():
    def whole(requests):
        return served(requests, 0.01 * requests, times=USUAL_TIMES, declined=0.02 * requests, orders=0.05 * requests)

    config = judging(*SIX)
    found = verdicts(begun(config, before(whole(3_000))), config, lasting(range(60), whole(300), whole(2_700)))
    assert Verdict.DEGRADED not in found
    assert found[-1] is Verdict.HEALTHY
