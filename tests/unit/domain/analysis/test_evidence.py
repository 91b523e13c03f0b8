"""What is said of each guard: sentences with the numbers in them, and the numbers for machines."""

import pytest

from shared.domain.analysis.guards import Metric, Ratio, Worse
from shared.domain.analysis.judgement import Judgement, Verdict
from tests.unit.domain.analysis.worlds import (
    DECLINED,
    ERRORS,
    OBJECTIVE,
    ORDERS,
    SHARE,
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
)
from tests.unit.domain.measurements import ERROR

PAST = before(served(3_000, 27))


def after(windows, *, guard=ERRORS, past=PAST, **more) -> Judgement:
    config = judging(guard, **more)
    return last(begun(config, past), config, windows)


def test_a_sentence_says_evidence_rates_tolerance_requests_windows_and_what_would_be_visible():
    windows = [
        *lasting(range(1), served(402, 12), served(3_611, 32)),
        *lasting(range(1, 2), served(400, 13), served(3_602, 33)),
        *lasting(range(2, 3), served(402, 12), served(3_602, 32)),
    ]
    judgement = after(windows)
    said = evidence_on("errors", judgement)
    assert said.says.startswith(f"errors: evidence {said.odds:,.0f} : 1 against; ")
    for figure in (
        "candidate 3.07 % errors",
        "stable 0.897 %",
        "tolerated 1.17 %",
        "1,204 candidate requests",
        "3rd window",
        f"smallest regression visible so far: {said.smallest_visible:.3g}x",
    ):
        assert figure in said.says
    assert judgement.because() == said.says or judgement.holds


def test_the_numbers_are_there_for_machines_too():
    said = evidence_on("errors", after(lasting(range(3), served(400, 12), served(3_600, 36))))
    assert said.value == pytest.approx(0.03)
    assert said.reference == pytest.approx(0.01)
    assert said.limit == pytest.approx(1.25 * 0.01 + 0.0005)
    assert said.requests == 1_200
    assert said.windows == 3
    assert said.interval[0] < 0.02 < said.interval[1]
    assert said.smallest_visible > 1.25
    assert said.p_value == pytest.approx(1 / said.odds, rel=1e-3)


@pytest.mark.parametrize(
    ("guard", "past", "sides", "figures"),
    [
        (
            TAILS,
            before(served(3_000, times=USUAL_TIMES)),
            (served(300, times=USUAL_TIMES), served(2_700, times=USUAL_TIMES)),
            ("slower than", " ms, stable"),
        ),
        (
            DECLINED,
            before(served(3_000, declined=60)),
            (served(300, declined=12), served(2_700, declined=54)),
            ("candidate 4 % declined", "stable 2 %", "tolerated 2.55 %"),
        ),
        (
            ORDERS,
            before(served(3_000, orders=150)),
            (served(300, orders=9), served(2_700, orders=135)),
            ("candidate 3 % orders", "stable 5 %", "tolerated 3.95 %", "900 candidate requests"),
        ),
        (OBJECTIVE, PAST, (served(300, 3), served(2_700, 27)), ("candidate 1 % errors", "tolerated 2 %")),
    ],
    ids=["tails", "declined", "orders", "objective"],
)
def test_each_kind_of_guard_says_what_it_counts(guard, past, sides, figures):
    said = evidence_on(guard.name, after(lasting(range(3), *sides), guard=guard, past=past)).says
    for figure in figures:
        assert figure in said


def test_an_objective_names_no_stable_for_it_does_not_compare():
    said = evidence_on("objective", after(lasting(range(3), served(300, 3), served(2_700, 27)), guard=OBJECTIVE))
    assert said.reference is None
    assert said.interval is None
    assert "stable" not in said.says


def test_where_less_is_worse_the_interval_is_the_candidates_less_stables_all_the_same():
    orders = lasting(range(3), served(300, orders=9), served(2_700, orders=135))
    said = evidence_on("orders", after(orders, guard=ORDERS, past=before(served(3_000, orders=150))))
    assert said.interval[0] < 0.03 - 0.05 < said.interval[1]
    assert said.interval[0] + said.interval[1] == pytest.approx(2 * (0.03 - 0.05), abs=1e-4)


@pytest.mark.parametrize(
    ("number", "word"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (13, "13th"), (21, "21st"), (112, "112th")],
)
def test_windows_are_counted_as_people_count(number, word):
    assert f"{word} window" in after(lasting(range(number), served(300, 3), served(2_700, 27))).evidence[0].says


def test_evidence_beyond_all_doubt_is_not_written_out():
    says = after(lasting(range(20), served(300, 90), served(2_700, 27))).evidence[0].says
    assert "evidence over 1,000,000 : 1 against" in says


def test_before_anything_is_visible_it_says_so():
    assert "no regression would be visible yet" in after(lasting(range(1), served(3), served(27))).evidence[0].says


def test_the_p_value_rests_on_the_most_evidence_there_ever_was():
    config = judging(guarded("errors", Metric.ERROR_RATE, Ratio()))
    state, judgements = told(begun(config, PAST), config, lasting(range(2), served(300, 9), served(2_700, 27)))
    _, later = told(state, config, lasting(range(2, 30), served(300, 3), served(2_700, 27)))
    highest = max(evidence_on("errors", each).odds for each in judgements)
    assert evidence_on("errors", later[-1]).odds < highest
    assert evidence_on("errors", later[-1]).p_value == pytest.approx(min(1.0, 1 / highest), rel=1e-3)


def test_a_judgement_says_why_by_the_guards_that_share_its_verdict():
    judgement = after(lasting(range(8), served(300, 60), served(2_700, 27)))
    assert judgement.verdict is Verdict.DEGRADED
    assert judgement.because().startswith(judgement.evidence[0].says)


def test_what_is_lacking_is_said_in_the_words_of_the_source():
    judgement = after(lasting(range(1), ERROR, served(2_700, 27)))
    assert judgement.because() == "errors: 503"


def test_what_cannot_be_a_measurement_is_shown():
    says = after(lasting(range(1), served(5, 6), served(2_700, 27))).because()
    assert "not a measurement: 5 requests, 6 failures" in says


def test_a_guard_that_bets_alone_has_the_odds_of_the_judgement_in_its_evidence():
    judgement = after(lasting(range(3), served(300, 9, declined=12), served(2_700, 27, declined=54)), guard=DECLINED)
    assert judgement.odds == pytest.approx(judgement.evidence[0].odds)


def test_the_share_says_how_many_of_how_many():
    judgement = after(lasting(range(4), served(300, 3), served(2_700, 27)), guard=SHARE)
    said = evidence_on("share", judgement)
    assert said.limit == pytest.approx(0.1)
    assert said.value == pytest.approx(0.1)
    assert f"{said.requests:,.0f} of {10 * said.requests:,.0f}" in said.says


def test_a_level_says_which_way_is_bad():
    score = guarded("score", Metric.GAUGE, Ratio(worse=Worse.LOWER), of="score")
    said = after(lasting(range(5), served(300, score=60), served(2_700, score=70)), guard=score).evidence[0].says
    assert "candidate 60, stable 70" in said
    assert "tolerated at least 56" in said
