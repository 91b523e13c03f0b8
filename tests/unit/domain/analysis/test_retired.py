"""After stable has lost all its traffic, the candidate is held against what was learnt of it."""

import pytest

from shared.domain.analysis.guards import Metric, Ratio
from shared.domain.analysis.judgement import Verdict
from shared.domain.analysis.sequence import begin_step
from tests.unit.domain.analysis.worlds import (
    DECLINED,
    ERRORS,
    MEMORY,
    OBJECTIVE,
    SLOWER_TIMES,
    TAILS,
    USUAL_TIMES,
    before,
    begun,
    evidence_on,
    guarded,
    judging,
    last,
    lasting,
    served,
    told,
    verdicts,
)
from tests.unit.domain.measurements import NO_DATA
from tests.unit.domain.specs import MINUTE, NOON


def whole(requests, **other):
    usual = {"times": USUAL_TIMES, "declined": 0.02 * requests, "memory": 70.0}
    failures = other.pop("failures", 0.01 * requests)
    return served(requests, failures, **usual | other)


PAST = before(whole(3_000))
COMPARING = (ERRORS, TAILS, DECLINED, MEMORY)
NAMES = {"ids": lambda guard: guard.name}


def retired(config, *, watched=10):
    """The state after a promotion, with what was met before it."""
    state, judgements = told(begun(config, PAST), config, lasting(range(watched), whole(300), whole(2_700)))
    assert Verdict.DEGRADED not in [each.verdict for each in judgements]
    return begin_step(state, NOON + watched * MINUTE, weight=100_000, stable_retired=True)


@pytest.mark.parametrize("guard", COMPARING, **NAMES)
@pytest.mark.parametrize("stable", [NO_DATA, served(0)])
def test_a_candidate_as_good_as_stable_was_passes_without_a_stable(guard, stable):
    config = judging(guard)
    found = verdicts(retired(config), config, lasting(range(10, 60), whole(3_000), stable))
    assert found[-1] is Verdict.HEALTHY
    assert Verdict.DEGRADED not in found


BAD = [
    (ERRORS, {"failures": 90.0}),
    (TAILS, {"times": SLOWER_TIMES}),
    (DECLINED, {"declined": 150.0}),
    (MEMORY, {"memory": 140.0}),
    (OBJECTIVE, {"failures": 120.0}),
]


@pytest.mark.parametrize(("guard", "bad"), BAD, ids=lambda each: getattr(each, "name", ""))
def test_a_candidate_worse_than_stable_was_is_taken_back(guard, bad):
    config = judging(guard)
    found = verdicts(retired(config), config, lasting(range(10, 60), whole(3_000, **bad), NO_DATA))
    assert Verdict.DEGRADED in found


def test_what_the_old_place_meets_afterwards_does_not_matter():
    config = judging(ERRORS)
    windows = [lasting(range(10, 30), whole(3_000), old) for old in (NO_DATA, whole(3_000), served(3_000, 3_000))]
    found = [told(retired(config), config, each) for each in windows]
    assert [judgement.odds for judgement in found[0][1]] == [judgement.odds for judgement in found[2][1]]
    assert found[0][0].comparisons == found[1][0].comparisons == found[2][0].comparisons
    assert found[0][0].baseline == found[2][0].baseline


def test_a_total_failure_after_the_promotion_is_taken_back():
    config = judging(ERRORS)
    found = verdicts(retired(config), config, lasting(range(10, 15), served(3_000, 3_000), NO_DATA))
    assert Verdict.DEGRADED in found


def test_stable_as_it_was_in_the_rollout_counts_more_than_as_it_was_before():
    config = judging(guarded("errors", Metric.ERROR_RATE, Ratio(maximum=1.5, slack=0.0)))
    risen = lasting(range(120), served(300, 6), served(2_700, 54))
    state, _ = told(begun(config, before(served(3_000, 30))), config, risen)
    promoted = begin_step(state, NOON + 120 * MINUTE, weight=100_000, stable_retired=True)
    found = verdicts(promoted, config, lasting(range(120, 150), served(3_000, 60), NO_DATA))
    assert Verdict.DEGRADED not in found


@pytest.mark.parametrize("guard", [ERRORS, DECLINED, MEMORY], **NAMES)
def test_without_anything_learnt_nothing_is_passed(guard):
    config = judging(guard)
    state = begin_step(begun(config), NOON, weight=100_000, stable_retired=True)
    found = verdicts(state, config, lasting(range(3), served(0), NO_DATA))
    assert Verdict.HEALTHY not in found


def test_the_evidence_names_what_it_was_compared_with():
    config = judging(ERRORS)
    said = evidence_on("errors", last(retired(config), config, lasting([10], whole(3_000), NO_DATA)))
    assert said.reference == pytest.approx(0.01, rel=0.01)
    assert said.limit == pytest.approx(1.25 * 0.01 + 0.0005, rel=0.01)
