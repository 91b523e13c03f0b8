"""The report of an experiment as JSON."""

import json
from datetime import UTC, datetime

import pytest

from shared.domain.analysis.measurement import Sample, Value
from shared.domain.experiments.experiment import ArmCounts, Better, Counter, Experiment, Failures, Goal
from shared.domain.experiments.report import report
from shared.wire.experiment_view import experiment_view

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
EXPERIMENT = Experiment(
    goal=Goal(name="sales", measure=Counter("paid"), better=Better.HIGHER),
    others=(Goal(name="failures", measure=Failures(), better=Better.LOWER),),
    share=0.5,
)


def view_of(candidate: Sample, stable: Sample) -> dict[str, object]:
    arms = ArmCounts("candidate", candidate), ArmCounts("stable", stable)
    view = experiment_view(report(EXPERIMENT, arms, NOON))
    json.dumps(view, allow_nan=False)
    return view


def counted(requests: float, paid: float, failures: float = 0) -> Sample:
    return Sample(requests=requests, failures=failures, values=(Value(name="paid", value=paid),))


def test_a_report_is_shown_with_its_numbers_and_in_words():
    view = view_of(counted(20_000, 1_250, 20), counted(20_000, 1_000))
    goal, [failures] = view["goal"], view["others"]

    assert (view["at"], view["winner"], view["requests"]) == ("2026-06-01T12:00:00+00:00", "candidate", 40_000)
    assert view["words"].startswith("candidate wins by sales: +1.25 points")
    assert view["split"]["planned"] == view["split"]["observed"] == 0.5
    assert view["split"]["mismatch"] is False
    assert (goal["name"], goal["better"], goal["favours"], goal["lack"]) == ("sales", "higher", "candidate", None)
    assert goal["candidate"] == {"events": 1_250, "of": 20_000, "share": 0.0625}
    assert goal["difference"]["estimate"] == pytest.approx(0.0125)
    assert 0 < goal["difference"]["low"] < 0.0125 < goal["difference"]["high"]
    assert goal["relative"]["estimate"] == pytest.approx(0.25)
    assert goal["visible"] > 0
    assert failures["relative"]["high"] is None


def test_what_was_not_measured_is_null():
    idle = view_of(Sample(requests=0, failures=0), counted(0, 0))
    assert (idle["winner"], idle["split"]["observed"]) == (None, None)
    assert idle["goal"]["stable"] == {"events": 0, "of": 0, "share": None}

    view = view_of(Sample(requests=10, failures=0), counted(10, 0))
    assert view["winner"] is None
    assert view["goal"]["candidate"] is None
    assert view["goal"]["difference"] is None
    assert view["goal"]["lack"] == "the candidate's counts do not tell a counter paid"
