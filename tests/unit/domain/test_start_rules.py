"""Deployments, preflight, and which version waits, starts or gives way."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.names import ApplicationName, RolloutId, Version
from shared.domain.rollout import events as e
from shared.domain.rollout.calendar import ReleaseAction
from shared.domain.rollout.commands import AcceptSpec, EffectFailed, Tick
from shared.domain.rollout.effects import SetWeight
from shared.domain.rollout.needs import needs
from shared.domain.rollout.on_tick import next_look
from shared.domain.rollout.permissions import admission_refusal, bringing, deployment_refusal, refusal
from shared.domain.rollout.plan import AwaitApproval, Promote, Shift, compile_canary, weight_after
from shared.domain.rollout.readings import ReadClaim, ReadWindows, Trouble
from shared.domain.rollout.spec import Outcome, WhenBusy
from shared.domain.rollout.state import Doing, Phase, Serving
from shared.domain.rollout.weight import ALL, from_percent, rest, to_percent
from tests.unit.domain.measurements import met
from tests.unit.domain.specs import HOUR, MINUTE, canary, quiet_until, spec
from tests.unit.domain.states import (
    Story,
    at_gate,
    baking,
    deploy,
    override,
    promoted,
    ready,
    shifting,
    started,
    succeeded,
)


def test_a_canarys_plan_is_each_weight_behind_its_gate_and_then_promotion():
    kinds = [type(step) for step in compile_canary(canary(first_gate=True))]
    assert kinds == [AwaitApproval, Shift, AwaitApproval, Shift, Promote]


def test_the_weight_after_a_step_is_that_of_the_next_shift_or_promotion():
    plan = compile_canary(canary(first_gate=True))
    assert [weight_after(plan, step) for step in range(-1, 5)] == [5_000, 5_000, 50_000, 50_000, ALL, ALL]


@pytest.mark.parametrize(("percent", "weight"), [(0, 0), (0.001, 1), (12.5, 12_500), (99.9996, 100_000), (100, ALL)])
def test_a_percentage_becomes_the_nearest_weight(percent, weight):
    assert from_percent(percent) == weight
    assert to_percent(rest(from_percent(percent))) == pytest.approx(100 - percent, abs=0.001)


@pytest.mark.parametrize("percent", [-0.001, 100.001, float("nan"), float("inf")])
def test_what_is_no_percentage_is_no_weight(percent):
    with pytest.raises(ValueError):
        from_percent(percent)


def test_two_candidates_are_never_live_at_once():
    story = baking().deploy("3", 2)
    assert (story.live.version, story.state.pending.version) == ("2", "3")
    assert story.state.pending.phase is Phase.PENDING


def test_the_newest_that_waits_wins_and_the_older_ends_superseded():
    story = baking().deploy("3", 2).deploy("4", 3)
    (older,) = story.archived
    assert (older.id, older.phase, older.reason) == ("shop-2", Phase.ABORTED, "superseded by shop-3")
    assert story.state.pending.id == "shop-3"


def test_a_superseded_rollout_is_taken_back_before_the_newer_one_starts():
    story = baking(spec(when_busy=WhenBusy.SUPERSEDE)).deploy("3", 2)
    assert (story.live.id, story.live.phase) == ("shop-1", Phase.ROLLING_BACK)

    story.go_until(lambda: story.state.live is not None and story.live.id == "shop-2")

    assert (story.archived[-1].reason, story.site.share) == ("superseded by shop-2", 0)


def test_a_rollout_whose_promotion_began_is_not_superseded():
    story = promoted(spec(when_busy=WhenBusy.SUPERSEDE)).deploy("3", 2)
    assert (story.live.phase, story.state.pending.id) == (Phase.PROMOTING, "shop-2")


def test_what_waits_starts_by_itself_when_the_live_one_ended():
    story = baking().deploy("3", 2)
    story.site.candidate = "2"
    story.override("rollback").go_until(lambda: story.live.id == "shop-2")
    assert story.live.doing is Doing.PREFLIGHT


def test_a_rollout_keeps_the_spec_that_it_started_with():
    story = baking()
    story.tell(AcceptSpec(spec=spec(otherwise=Outcome.PAUSE), by="team"))
    assert story.live.spec.deadlines.otherwise is Outcome.ROLLBACK
    assert story.state.spec_revision == 2


def test_the_version_that_is_live_already_is_refused_with_the_rollout_that_brought_it():
    story = succeeded()
    assert bringing(story.state, Version("2")) == "shop-1"
    story.tell(deploy("2", 5))
    assert story.archived[-1].reason == "version 2 is what shop-1 brings"
    assert story.archived[-1].phase is Phase.ABORTED


def test_a_version_that_is_being_taken_back_can_be_deployed_again():
    story = baking().override("rollback").deploy("2", 2)
    assert story.state.pending.id == "shop-2"


def test_a_deployment_without_a_spec_is_refused():
    story = Story()
    story.tell(deploy("2"))
    assert (story.state.live, story.state.pending, story.archived[0].reason) == (
        None,
        None,
        "the application has no release spec",
    )


@pytest.mark.parametrize(
    ("obstacle", "says"),
    [
        ({"candidate": "1.9"}, "the candidate's place serves 1.9, not 2"),
        ({"healthy": False}, "not healthy: 503"),
        ({"swapping": "foreign"}, "somebody's swap is running"),
        ({"trouble": "502"}, "production cannot be read: 502"),
        ({"share": 20_000}, "traffic was already sent to the candidate's place"),
        ({"other": Trouble("503")}, "whether another application has it cannot be read: 503"),
    ],
)
def test_preflight_waits_for_what_is_in_the_way_and_says_it(obstacle, says):
    story = started()
    for name, value in obstacle.items():
        setattr(story.site, name, value)
    story.tick()

    assert story.live.doing is Doing.PREFLIGHT
    assert says in story.live.reason
    assert story.web.wanted == 0


def test_what_another_application_releases_on_too_ends_failed_and_is_left_as_it_stands():
    story = started()
    story.site.other, story.site.share = ApplicationName("kiosk"), 20_000
    story.tick()

    (over,) = story.archived
    assert (over.phase, story.site.share) == (Phase.FAILED, 20_000)
    assert "the application kiosk has the same resource" in over.reason
    assert not story.named(e.RollbackBegun)
    assert not story.named(e.DriftFound)


def test_a_return_asks_for_no_other_application_so_that_nothing_holds_it():
    story = succeeded()
    story.site.other = Trouble("503")
    story.override("rollback", 2)
    assert not any(isinstance(need, ReadClaim) for need in needs(story.state, Tick(), story.now))

    story.look()
    assert story.live.doing is Doing.SWAPPING


def test_a_weight_that_stood_before_preflight_is_taken_back_first():
    story = started()
    story.site.share = 20_000
    story.tick()
    (drift,) = story.named(e.DriftFound)
    assert (drift.found, drift.wanted) == (20_000, 0)

    story.settle()
    assert story.site.share == 0
    story.look()

    assert story.live.doing is Doing.SHIFTING


def test_preflight_measures_what_the_stable_version_met_lately():
    story = Story(spec()).wait(HOUR).deploy().tick()
    baseline = story.web.analysis.baseline
    assert (baseline.minutes, baseline.pooled) == (60, met(60_000, 60, 50.0))
    assert story.named(e.PreflightPassed)[0].learned == (("web", baseline),)


def test_what_was_measured_before_production_last_changed_hands_is_no_baseline():
    story = ready(succeeded().deploy("3", 2))
    swapped = story.state.production_since
    (asked,) = [need for need in needs(story.state, Tick(), story.now) if isinstance(need, ReadWindows)]
    assert timedelta(0) <= asked.since - swapped < MINUTE


def test_a_rollout_that_no_freeze_holds_is_woken_for_its_window_in_a_freeze_and_no_other_is():
    waiting = Story(spec(calendar=(quiet_until(15, ReleaseAction.START),))).deploy().override("freeze").state
    assert waiting.pending is not None
    looks_at = waiting.pending.look_at

    assert next_look(waiting) != looks_at
    despite = replace(waiting, pending=replace(waiting.pending, despite_freeze=True))
    assert next_look(despite) == looks_at


@pytest.mark.parametrize("hold", ["pause", "freeze"])
def test_a_held_preflight_sends_nobody_and_does_not_run_out(hold):
    story = started().override(hold)
    for _ in range(3):
        story.wait(HOUR).tick()
    assert (story.live.doing, story.web.wanted) == (Doing.PREFLIGHT, 0)
    assert "it is held" in story.live.reason

    story.override({"pause": "resume", "freeze": "unfreeze"}[hold]).tick()

    assert story.live.doing is Doing.SHIFTING


@pytest.mark.parametrize("hold", ["pause", "freeze"])
def test_a_held_preflight_is_looked_at_once_a_minute_and_not_every_few_seconds(hold):
    story = started().override(hold).tick().wait(MINUTE).tick()
    assert next_look(story.state) == story.now + MINUTE


def test_a_version_that_production_serves_already_succeeds_without_a_swap():
    story = started()
    story.site.production = "2"
    story.tick()
    assert (story.archived[0].phase, story.outside.swaps) == (Phase.SUCCEEDED, 0)
    assert "it served everyone before it was announced" in story.archived[0].reason
    assert story.archived[0].reason.endswith("was not judged")
    assert refusal(story.state, override("rollback").action) is not None


def test_a_version_that_was_released_from_here_is_not_said_to_be_unjudged():
    story = started()
    story.state = replace(story.state, serving=Serving(version=Version("2"), rollout=RolloutId("shop-0")))
    story.site.production = "2"
    story.tick()
    assert story.archived[0].reason == "production serves 2 already"


def test_a_target_that_refuses_for_good_ends_the_rollout_failed():
    story = shifting()
    story.tell(EffectFailed(story.row(SetWeight).id, "403 Forbidden", for_good=True))
    assert story.go_to_end().reason == "the target refused: 403 Forbidden"


def test_a_command_for_a_step_that_passed_is_refused():
    story = at_gate()
    story.tell(override("approve", step=0))
    assert story.named(e.CommandRefused)[0].reason == "the rollout is at step 1 by now, not at 0"
    story.tell(override("approve", step=1))
    assert story.live.approved


def test_a_command_for_a_step_of_a_rollout_that_is_in_its_preflight_says_so():
    assert refusal(started().state, override("skip").action, 0) == "the rollout is still in its preflight, not at 0"


@pytest.mark.parametrize(
    ("reach", "when_busy", "admitted"),
    [
        (lambda s: Story(s), WhenBusy.QUEUE, True),
        (baking, WhenBusy.QUEUE, False),
        (baking, WhenBusy.REJECT, False),
        (baking, WhenBusy.SUPERSEDE, True),
        (promoted, WhenBusy.SUPERSEDE, False),
        (lambda s: Story(s).override("freeze"), WhenBusy.SUPERSEDE, False),
        (lambda s: baking(s).deploy("3", 2), WhenBusy.SUPERSEDE, False),
        (lambda s: promoted(s).override("pause"), WhenBusy.SUPERSEDE, False),
    ],
)
def test_ci_may_overwrite_the_candidates_place_only_where_nobody_is_sent_to_what_is_there(reach, when_busy, admitted):
    assert (admission_refusal(reach(spec(when_busy=when_busy)).state) is None) is admitted


def test_without_a_spec_ci_is_told_so():
    assert admission_refusal(Story().state) == "the application has no release spec"
    assert deployment_refusal(Story().state, Version("2")) == "the application has no release spec"


def test_skip_and_promote_go_above_what_is_proven_and_nothing_else_does():
    story = baking().override("skip")
    story.tell(override("skip", step=story.live.step))
    assert (story.web.wanted, story.web.proven) == (50_000, 5_000)
    story.settle().override("promote")
    assert (story.live.phase, story.web.wanted) == (Phase.PROMOTING, 50_000)


def test_a_skip_leaves_the_next_steps_gate_to_a_person():
    story = baking().override("skip").wait(MINUTE).tick()
    assert (story.live.doing, story.web.wanted) == (Doing.AWAITING_APPROVAL, 5_000)


@pytest.mark.parametrize(
    ("action", "phase", "reason"),
    [
        ("abort", Phase.ABORTED, "aborted by alice: as agreed"),
        ("rollback", Phase.ROLLED_BACK, "rolled back by alice: as agreed"),
    ],
)
def test_a_person_who_takes_a_release_back_is_named_with_the_reason(action, phase, reason):
    ended = baking().override(action).go_to_end()
    assert (ended.phase, ended.reason) == (phase, reason)


def test_a_rejected_gate_ends_the_rollout_aborted():
    ended = at_gate().override("reject").go_to_end()
    assert (ended.phase, ended.reason) == (Phase.ABORTED, "gate sign-off rejected by alice: as agreed")
