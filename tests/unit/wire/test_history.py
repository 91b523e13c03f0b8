"""Lines of history as the API shows them."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from shared.domain.analysis.judgement import Evidence, Judgement, Verdict
from shared.domain.names import CommandId, RolloutId, TargetName, Version
from shared.domain.rollout.events import (
    SILENT,
    ApplicationFrozen,
    CommandRefused,
    DriftFound,
    Event,
    PreflightPassed,
    RollbackBegun,
    RolloutStarted,
    SpecAccepted,
    StepPassed,
    WeightObserved,
)
from shared.domain.rollout.plan import compile_canary
from shared.domain.rollout.state import Ending, Phase
from shared.domain.rollout.weight import Weight
from shared.wire.documents import read_event, write_event
from shared.wire.history import event_view, history_line
from shared.wire.spec import parse_spec
from shared.wire.spec_rendering import render_spec
from tests.unit.wire.spec_documents import SMALLEST, body_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROLLOUT = RolloutId("shop-0123456789ab")
WEB = TargetName("web")
SPEC = parse_spec(body_of(SMALLEST))
GOOD = Judgement(verdict=Verdict.HEALTHY, evidence=(Evidence(guard="errors", verdict=Verdict.HEALTHY, says="fine"),))


def test_a_line_is_numbered_and_says_what_happened_and_when():
    event = CommandRefused(at=NOON, rollout=ROLLOUT, command=CommandId("c1"), action="pause", reason="it is over")

    line = history_line(7, write_event(event))

    assert line.rollout == ROLLOUT
    assert line.view == {
        "sequence": 7,
        "type": "CommandRefused",
        "at": "2026-11-23T12:00:00Z",
        "rollout": ROLLOUT,
        "command": "c1",
        "action": "pause",
        "reason": "it is over",
    }


def test_a_line_about_the_whole_application_names_no_rollout():
    event = ApplicationFrozen(at=NOON, by="alice", reason="", remind_at=NOON + timedelta(days=1))

    assert history_line(1, write_event(event)).rollout is None


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (
            WeightObserved(at=NOON, rollout=ROLLOUT, target=WEB, share=Weight(12_500), generation=25_000),
            {"share": 12.5, "generation": 25_000},
        ),
        (
            DriftFound(at=NOON, rollout=ROLLOUT, target=WEB, found=Weight(7), wanted=Weight(100_000)),
            {"found": 0.007, "wanted": 100},
        ),
        (
            StepPassed(at=NOON, rollout=ROLLOUT, step=3, proven=Weight(25_000), judgements=((WEB, GOOD),)),
            {"proven": 25, "step": 3},
        ),
    ],
)
def test_weights_are_percentages_and_other_numbers_stay(event, shown):
    assert shown.items() <= event_view(event).items()


def test_what_is_kept_a_target_is_an_object_by_its_name():
    passed = StepPassed(at=NOON, rollout=ROLLOUT, step=0, proven=Weight(0), judgements=((WEB, GOOD),))
    preflight = PreflightPassed(at=NOON, rollout=ROLLOUT, stable=((WEB, Version("1")),))

    assert event_view(passed)["judgements"]["web"]["verdict"] == "healthy"
    assert event_view(passed)["judgements"]["web"]["evidence"][0]["says"] == "fine"
    assert event_view(preflight)["stable"] == {"web": "1"}


def test_a_spec_and_a_plan_look_as_they_do_elsewhere():
    started = RolloutStarted(at=NOON, rollout=ROLLOUT, spec=SPEC, plan=compile_canary(SPEC.strategy))

    view = event_view(started)

    assert view["spec"] == event_view(SpecAccepted(at=NOON, spec=SPEC, by="a"))["spec"] == render_spec(SPEC)
    assert [step["weight"] for step in view["plan"]] == [5, 25, 50, 100]
    assert view["plan"][0]["bake_min_seconds"] == 60


@pytest.mark.parametrize(
    "event",
    [
        RolloutStarted(at=NOON, rollout=ROLLOUT, spec=SPEC, plan=compile_canary(SPEC.strategy)),
        SpecAccepted(at=NOON, spec=SPEC, by="a"),
        StepPassed(at=NOON, rollout=ROLLOUT, step=0, proven=Weight(0), judgements=((WEB, GOOD),)),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_stored_event_comes_back_as_it_was(event):
    assert read_event(write_event(event)) == event


def test_an_ending_says_where_it_leads_and_why():
    event = RollbackBegun(at=NOON, rollout=ROLLOUT, ending=Ending(phase=Phase.ROLLED_BACK, reason="too many errors"))

    assert event_view(event)["ending"] == {"phase": "rolled-back", "reason": "too many errors"}


def test_no_recorded_event_has_a_field_of_its_own_called_type_or_sequence():
    recorded = set(get_args(Event)) - set(SILENT)

    assert all(not {"type", "sequence"} & set(kind.__dataclass_fields__) for kind in recorded)
