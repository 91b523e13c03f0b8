"""The report of an experiment: who wins, by how much, what could be seen, and when it is over."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import binom

from shared.domain.analysis.measurement import Histogram, Sample, Value
from shared.domain.errors import InvalidError
from shared.domain.experiments.experiment import (
    Arm,
    ArmCounts,
    Better,
    Counter,
    Ended,
    Ends,
    Experiment,
    Failures,
    Goal,
    SlowerThan,
)
from shared.domain.experiments.report import ExperimentReport, ended, report
from shared.domain.experiments.words import in_words
from tests.unit.domain.experiments.trials import looks

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SALES = Goal(name="sales", measure=Counter("paid"), better=Better.HIGHER)
FAILURES = Goal(name="failures", measure=Failures(), better=Better.LOWER)
SLOW = Goal(name="slow", measure=SlowerThan(300.0), better=Better.LOWER)
HALVES = Experiment(goal=SALES, share=0.5)


def counted(requests: float, paid: float, failures: float = 0, of: float | None = None, **more) -> Sample:
    return Sample(requests=requests, failures=failures, values=(Value(name="paid", value=paid, of=of),), **more)


def arms(candidate: Sample, stable: Sample) -> tuple[ArmCounts, ...]:
    return ArmCounts("candidate", candidate), ArmCounts("stable", stable)


def stands(candidate: Sample, stable: Sample, experiment: Experiment = HALVES) -> ExperimentReport:
    return report(experiment, arms(candidate, stable), NOON)


def test_an_effect_that_is_not_told_from_none_has_no_winner_and_says_what_would_be_seen():
    found = stands(counted(1_204, 120), counted(1_198, 116))

    assert found.winner is None
    assert in_words(found) == (
        "no evidence yet: 1,204 and 1,198 requests; effect +0.3 points (-3.6 to +4.2); "
        "an effect of 6.1 points would be seen by now"
    )


def test_the_candidate_wins_when_more_is_better_and_it_has_more():
    found = stands(counted(20_000, 1_250), counted(20_000, 1_000))

    assert found.winner is Arm.CANDIDATE
    assert in_words(found) == (
        "candidate wins by sales: +1.25 points (+0.52 to +1.98), relatively +25 % (+10 to +42); "
        "20,000 and 20,000 requests"
    )


def test_the_stable_version_wins_when_less_is_better_and_the_candidate_has_more():
    failing = Experiment(goal=FAILURES, share=0.5)

    found = stands(counted(20_000, 0, 1_250), counted(20_000, 0, 1_000), failing)

    assert found.winner is Arm.STABLE
    assert found.goal.difference.low > 0


@pytest.mark.parametrize("better", Better)
@pytest.mark.parametrize("more", Arm)
def test_the_winner_is_the_arm_that_the_goal_calls_better(better, more):
    goal = Goal(name="sales", measure=Counter("paid"), better=better)
    many, few = counted(20_000, 1_250), counted(20_000, 1_000)

    found = stands(*((many, few) if more is Arm.CANDIDATE else (few, many)), Experiment(goal=goal, share=0.5))

    assert (found.winner is more) is (better is Better.HIGHER)


def test_a_split_that_is_not_as_planned_voids_the_verdict():
    found = stands(counted(22_000, 1_500), counted(18_000, 800))

    assert found.goal.favours is Arm.CANDIDATE
    assert found.winner is None
    assert in_words(found) == (
        "no verdict: 55 % of 40,000 requests went to the candidate where 50 % were planned, "
        "so the arms cannot be compared"
    )


def test_what_else_changed_is_said_beside_the_verdict_and_decides_nothing():
    both = Experiment(goal=SALES, others=(FAILURES,), share=0.5)

    found = stands(counted(20_000, 1_250, 400), counted(20_000, 1_000, 100), both)

    assert found.winner is Arm.CANDIDATE
    assert [effect.favours for effect in found.others] == [Arm.STABLE]
    assert "; the candidate is worse by failures: +1.5" in in_words(found)


def test_a_counter_of_its_own_opportunities_is_a_share_of_them():
    goal = Goal(name="paid orders", measure=Counter("paid"), better=Better.HIGHER, of="orders")

    found = stands(counted(9_000, 400, of=800), counted(9_000, 300, of=810), Experiment(goal=goal, share=0.5))

    assert found.goal.candidate.share == 0.5
    assert found.winner is Arm.CANDIDATE
    assert in_words(found).endswith("800 and 810 orders")


def test_slow_requests_are_counted_in_the_histogram():
    fast, slow = Histogram((100.0, 300.0), (9_000, 900, 100)), Histogram((100.0, 300.0), (9_000, 600, 400))
    slower = Experiment(goal=SLOW, share=0.5)

    found = stands(counted(10_000, 0, histogram=slow), counted(10_000, 0, histogram=fast), slower)

    assert (found.goal.candidate.events, found.goal.stable.events) == (400, 100)
    assert found.winner is Arm.STABLE


@pytest.mark.parametrize(
    ("goal", "candidate", "stable", "lack"),
    [
        (
            SALES,
            Sample(requests=0, failures=0, values=(Value(name="paid", value=0),)),
            counted(9, 1),
            "candidate had no",
        ),
        (SALES, counted(9, 1), Sample(requests=9, failures=0), "the stable's counts do not tell a counter paid"),
        (SALES, counted(9, 12), counted(9, 1), "the candidate counts 12 of 9: no share"),
        (SALES, counted(9, -1), counted(9, 1), "the candidate counts -1 of 9: no share"),
        (SLOW, counted(9, 1), counted(9, 1), "how many were slower than 300 ms"),
        (
            SLOW,
            counted(9, 1, histogram=Histogram((250.0,), (5, 4))),
            counted(9, 1, histogram=Histogram((250.0,), (5, 4))),
            "no edge of the histogram is there",
        ),
    ],
)
def test_what_was_not_measured_is_no_evidence_and_says_why(goal, candidate, stable, lack):
    found = stands(candidate, stable, Experiment(goal=goal, share=0.5))

    assert lack in found.goal.lack
    assert (found.winner, found.goal.difference, found.goal.relative) == (None, None, None)
    assert in_words(found).startswith(f"no evidence yet: {found.goal.lack}")


def test_the_scarcer_arm_says_how_sure_one_may_be_whichever_it_is():
    few, many = counted(1_000, 60), counted(9_000, 450)

    scarce = stands(few, many, Experiment(goal=SALES, share=0.1)).goal.difference
    common = stands(many, few, Experiment(goal=SALES, share=0.9)).goal.difference

    assert (common.low, common.high) == pytest.approx((-scarce.high, -scarce.low))


def test_before_the_first_request_there_is_no_evidence():
    found = stands(counted(0, 0), counted(0, 0))

    assert (found.winner, found.split.observed) == (None, None)
    assert in_words(found) == "no evidence yet: the candidate had no requests yet"


def test_a_single_request_each_is_no_evidence_of_anything():
    found = stands(counted(1, 1), counted(1, 0))

    assert found.winner is None
    assert in_words(found).endswith("no effect would be seen by now")


def test_a_billion_requests_are_reckoned_with():
    found = stands(counted(1e9, 100_300_000), counted(1e9, 1e8))

    assert found.winner is Arm.CANDIDATE
    assert "+0.0300 points (+0.0" in in_words(found)


def test_counts_that_come_in_clusters_are_less_evidence():
    rough = Goal(name="sales", measure=Counter("paid"), better=Better.HIGHER, dispersion=4.0)
    counts = counted(20_000, 1_250), counted(20_000, 1_000)

    found = stands(*counts, Experiment(goal=rough, share=0.5))

    assert found.winner is None
    assert found.goal.difference.low < stands(*counts).goal.difference.low
    assert found.goal.visible > stands(*counts).goal.visible


@pytest.mark.parametrize("count", [0, 1, 3, 4])
def test_other_than_two_arms_are_refused(count):
    given = tuple(ArmCounts(name, counted(9, 1)) for name in ("candidate", "stable", "blue", "green")[:count])

    with pytest.raises(InvalidError) as refusal:
        report(HALVES, given, NOON)

    assert refusal.value.problems[0].path == "arms"
    if count > 2:
        assert f"found {count} (candidate, stable, blue" in str(refusal.value)
        assert "a chance winner is more likely" in str(refusal.value)


def test_two_arms_of_the_same_name_are_refused():
    with pytest.raises(InvalidError, match="one candidate, one stable"):
        report(HALVES, (ArmCounts("stable", counted(9, 1)), ArmCounts("stable", counted(9, 1))), NOON)


@pytest.mark.parametrize("requests", [float("nan"), float("inf"), -1.0])
def test_counts_that_cannot_be_are_refused(requests):
    with pytest.raises(InvalidError) as refusal:
        report(HALVES, arms(counted(9, 1), counted(requests, 1)), NOON)

    assert [problem.path for problem in refusal.value.problems] == ["arms.stable"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"share": 0.0}, "share"),
        ({"share": 1.0}, "share"),
        ({"share": float("nan")}, "share"),
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": 0.6}, "alpha"),
        ({"split_tolerance": 1.0}, "split_tolerance"),
        ({"split_dispersion": 0.5}, "split_dispersion"),
        (
            {"goal": Goal(name="sales", measure=Counter("paid"), better=Better.HIGHER, dispersion=0.9)},
            "sales.dispersion",
        ),
    ],
)
def test_an_experiment_that_could_not_be_reckoned_is_refused(change, path):
    with pytest.raises(InvalidError) as refusal:
        Experiment(**({"goal": SALES, "share": 0.5} | change))

    assert [problem.path for problem in refusal.value.problems] == [path]


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        (Ends(), None),
        (Ends(at=NOON + HOUR), None),
        (Ends(at=NOON), Ended.TIME),
        (Ends(requests=40_001), None),
        (Ends(requests=40_000), Ended.REQUESTS),
        (Ends(when_decided=True), Ended.DECIDED),
        (Ends(at=NOON + HOUR, requests=40_000), Ended.REQUESTS),
        (Ends(at=NOON, requests=50_000), Ended.TIME),
    ],
)
def test_an_experiment_is_over_by_time_by_requests_or_when_it_is_decided(ends, reason):
    assert ended(stands(counted(20_000, 1_250), counted(20_000, 1_000)), ends) is reason


def test_a_verdict_that_is_void_ends_nothing():
    assert ended(stands(counted(22_000, 1_500), counted(18_000, 800)), Ends(when_decided=True)) is None


def test_an_experiment_without_an_effect_hardly_ever_names_a_winner_however_often_one_asks():
    runs, rng = 60, np.random.default_rng(12)

    named = sum(
        any(
            stands(counted(c.of, c.events), counted(s.of, s.events)).winner is not None
            for c, s in looks(rng, (0.05, 0.05), 0.5, first=500, last=50_000, count=12)
        )
        for _ in range(runs)
    )

    assert named <= binom.ppf(0.999, runs, 0.05)


def test_the_surest_winner_stays_one_with_more_of_the_same():
    winners = [stands(counted(n, 0.06 * n), counted(n, 0.05 * n)).winner for n in (300, 1_000, 100_000, 1_000_000)]

    assert winners == [None, None, Arm.CANDIDATE, Arm.CANDIDATE]
