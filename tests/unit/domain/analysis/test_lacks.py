"""Nothing is passed for lack of data, and nobody is condemned for it."""

import math
from dataclasses import replace

import pytest

from shared.domain.analysis.guards import Metric, Ratio
from shared.domain.analysis.judgement import Verdict
from shared.domain.analysis.measurement import Histogram
from tests.unit.domain.analysis.worlds import (
    BOTH,
    DECLINED,
    ERRORS,
    MEMORY,
    OBJECTIVE,
    ORDERS,
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
from tests.unit.domain.measurements import ERROR, NO_DATA

EVERY = [ERRORS, TAILS, DECLINED, ORDERS, MEMORY, OBJECTIVE, BOTH]
COMPARING = [each for each in EVERY if each is not OBJECTIVE]
FIGURES = {"declined": 0.02, "orders": 0.05}


def whole(requests):
    return served(
        requests,
        0.01 * requests,
        times=USUAL_TIMES,
        latency_ms=80.0,
        memory=70.0,
        **{name: share * requests for name, share in FIGURES.items()},
    )


PAST = before(whole(3_000))
STABLE = whole(2_700)
NAMES = {"ids": lambda guard: guard.name}


def said(guard, candidate, stable=STABLE, *, windows=30):
    return verdicts(begun(judging(guard), PAST), judging(guard), lasting(range(windows), candidate, stable))


@pytest.mark.parametrize("guard", EVERY, **NAMES)
def test_a_candidate_as_good_as_stable_passes_once_there_is_enough_of_it(guard):
    found = said(guard, whole(300))
    assert found[-1] is Verdict.HEALTHY
    assert Verdict.DEGRADED not in found


@pytest.mark.parametrize("guard", EVERY, **NAMES)
@pytest.mark.parametrize(("lack", "says"), [(NO_DATA, Verdict.NO_DATA), (ERROR, Verdict.ERROR)])
def test_a_candidate_that_nobody_measures_neither_passes_nor_fails(guard, lack, says):
    assert set(said(guard, lack)) == {says}


@pytest.mark.parametrize("guard", COMPARING, **NAMES)
@pytest.mark.parametrize(("lack", "says"), [(NO_DATA, Verdict.NO_DATA), (ERROR, Verdict.ERROR)])
def test_where_stable_is_lacking_nothing_can_be_compared(guard, lack, says):
    assert set(said(guard, whole(300), lack)) == {says}


def test_a_guard_that_does_not_compare_needs_no_stable():
    assert said(OBJECTIVE, whole(300), NO_DATA)[-1] is Verdict.HEALTHY


@pytest.mark.parametrize("guard", EVERY, **NAMES)
def test_zero_requests_never_pass(guard):
    zero = served(0, times=USUAL_TIMES, declined=0, orders=0, memory=70.0)
    assert Verdict.HEALTHY not in said(guard, zero)
    assert Verdict.DEGRADED not in said(guard, zero)


@pytest.mark.parametrize("guard", EVERY, **NAMES)
@pytest.mark.parametrize("gap", [NO_DATA, ERROR, served(0)])
def test_good_windows_of_before_never_stand_in_for_a_newest_one_that_says_nothing(guard, gap):
    config = judging(guard)
    state, judgements = told(begun(config, PAST), config, lasting(range(30), whole(300), STABLE))
    assert judgements[-1].verdict is Verdict.HEALTHY
    assert last(state, config, lasting([30], gap, STABLE)).verdict in (Verdict.NO_DATA, Verdict.ERROR)


@pytest.mark.parametrize("guard", COMPARING, **NAMES)
def test_a_stable_version_without_requests_says_nothing_of_the_candidate(guard):
    assert Verdict.DEGRADED not in said(guard, whole(300), replace(whole(0), latency_ms=None))


@pytest.mark.parametrize("guard", [TAILS, DECLINED, ORDERS, MEMORY], **NAMES)
def test_a_figure_that_only_the_candidate_lacks_is_not_passed(guard):
    without = served(300, 3)
    assert set(said(guard, without)) <= {Verdict.NO_DATA, Verdict.UNDECIDED}


@pytest.mark.parametrize(
    "histogram",
    [
        Histogram((70.0, 150.0), (100.0, 100.0, 100.0)),
        Histogram((70.0, 150.0), (0.0, 0.0, 0.0)),
        None,
    ],
)
def test_a_histogram_without_stables_edges_is_not_passed(histogram):
    found = said(TAILS, replace(whole(300), histogram=histogram))
    assert set(found) <= {Verdict.NO_DATA, Verdict.UNDECIDED}


def test_a_histogram_of_nothing_is_not_passed():
    empty = served(300, times=[0.0] * len(USUAL_TIMES))
    assert Verdict.HEALTHY not in said(TAILS, empty)


def test_a_guard_of_what_no_source_has_says_so():
    unknown = guarded("unknown", Metric.COUNTER, Ratio(), of="unheard")
    config = judging(unknown)
    judgement = last(begun(config), config, lasting(range(5), served(300, 3), served(2_700, 27)))
    assert judgement.verdict is not Verdict.HEALTHY
    assert evidence_on("unknown", judgement).value is None


@pytest.mark.parametrize("bad", [served(math.nan), served(math.inf), served(-1), served(5, 6), served(5, -1)])
def test_what_cannot_be_a_measurement_is_an_error_and_does_not_count(bad):
    config = judging(ERRORS)
    state = begun(config, PAST)
    for arms in ((bad, STABLE), (whole(300), bad)):
        after, (judgement,) = told(state, config, lasting([0], *arms))
        assert judgement.verdict is Verdict.ERROR
        assert after.windows == 0


@pytest.mark.parametrize("percent", [0.5, 1, 10])
def test_a_few_requests_are_lack_of_traffic_and_not_a_pass(percent):
    config = judging(ERRORS)
    few = lasting(range(20), served(1), served(100 / percent - 1))
    judgement = last(begun(config, before(served(300, 3)), percent=percent), config, few[:3])
    assert judgement.verdict is Verdict.UNDECIDED
    assert judgement.lacks_traffic


def test_a_silent_candidate_of_which_nearly_nothing_is_expected_lacks_traffic():
    config = judging(ERRORS)
    state = begun(config, before(served(30)), percent=5)
    assert last(state, config, lasting([0], NO_DATA, served(30))).lacks_traffic
    assert not last(state, config, lasting([0], NO_DATA, served(3_000))).lacks_traffic
    assert last(state, config, lasting([0], served(0), served(30))).lacks_traffic


def test_evidence_that_decides_is_not_undone_by_a_gap():
    config = judging(ERRORS)
    state, judgements = told(begun(config, PAST), config, lasting(range(8), served(300, 60), served(2_700, 27)))
    assert judgements[-1].verdict is Verdict.DEGRADED
    for gap in (NO_DATA, ERROR, served(0)):
        assert last(state, config, lasting([8], gap, STABLE)).verdict is Verdict.DEGRADED
