"""What a plan says before anything runs is what a rollout on the virtual clock then does."""

from datetime import datetime, timedelta

import pytest

from shared.domain.rollout.calendar import ReleaseAction, WindowKind
from shared.domain.rollout.forecast import forecast
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.spec import Outcome, Stage
from tests.scenario.test_blue_green import PREVIEW, SWITCH, spec
from tests.scenario.test_by_weight import APP_TARGET, WEB_TARGET
from tests.scenario.test_hooks import DONE, hook
from tests.scenario.world import NOON, SPEC, World
from tests.unit.domain.test_forecast import a_window

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SWAP = timedelta(seconds=95)
"""What the world's swaps take, and a look at them: a forecast leaves that out."""
MOMENT = timedelta(seconds=1)
"""A source's windows are looked for a little after they are due."""
GATED = SPEC.replace("steps: [5, 25, 50]", "steps: [5, {weight: 25, gate: {name: qa, timeout: 20m}}, 50]")
CAREFUL = SPEC.replace("slot: candidate}", "slot: candidate, health: {passes: 4, every: 30s}}")
LONG_WINDOWS = SPEC.replace("window: 1m", "window: 5m").replace("min: 2m, max: 30m", "min: 5m, max: 1h")
SEEN_FIRST = PREVIEW.replace("      bake: {min: 3m, max: 30m}\n", "")
ON_APP = SPEC.replace(WEB_TARGET, APP_TARGET)


def entered(world, rollout) -> list[datetime]:
    return [datetime.fromisoformat(line["at"]) for line in world.events(rollout) if line["type"] == "StepEntered"]


def ended(world, rollout) -> datetime:
    return datetime.fromisoformat(world.rollout(rollout)["ended"])


def approve_after(world, rollout, wait: timedelta) -> None:
    world.run_until(lambda: world.phase(rollout) == "waiting")
    world.run_for(wait)
    world.override("approve")


def assert_as_foretold(world, rollout, plan, late: timedelta) -> None:
    """Each step begins within its bounds, and the last one ends so; `late` is what the last one's swap takes.

    A step goes on until the next one begins, which a release window may hold up.
    """
    begins = entered(world, rollout)
    assert len(begins) == len(plan.steps)
    for each, began in zip(plan.steps, begins, strict=True):
        assert each.begins.earliest <= began <= each.begins.latest
    for each, over in zip(plan.steps, begins[1:], strict=False):
        assert each.ends.earliest <= over
    assert plan.ends.earliest <= ended(world, rollout) <= plan.ends.latest + late


@pytest.mark.parametrize(
    "text",
    [SPEC, CAREFUL, ON_APP, spec(SWITCH), spec(SWITCH, APP_TARGET), LONG_WINDOWS],
    ids=["canary", "careful", "app", "switch", "switch-by-weight", "long-windows"],
)
def test_a_healthy_rollout_keeps_within_its_forecast(tmp_path, text):
    world = World(tmp_path, text)
    plan = forecast(world.spec, world.clock.time)
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "succeeded"

    assert_as_foretold(world, rollout, plan, SWAP if world.target.kind.swaps else MOMENT)


@pytest.mark.parametrize("text", [GATED, spec(SEEN_FIRST)], ids=["canary", "switch"])
@pytest.mark.parametrize("wait", [timedelta(0), 15 * MINUTE], ids=["at-once", "later"])
def test_one_that_waits_for_a_person_does_too(tmp_path, text, wait):
    world = World(tmp_path, text)
    plan = forecast(world.spec, world.clock.time)
    rollout = world.deploy("2")
    approve_after(world, rollout, wait)

    assert world.run_to_end(rollout) == "succeeded"

    assert_as_foretold(world, rollout, plan, SWAP)


def test_one_that_waits_for_hooks_does_too(world):
    world.respec(hooks=(hook("expand", "expand"), hook("before-increase", "load")))
    plan = forecast(world.spec, world.clock.time)
    rollout = world.deploy("2")
    world.run_for(5 * MINUTE)
    world.hooks.answer_at_once(DONE)
    world.hooks.finish(world.hooks.called[0].call_id, DONE)

    assert world.run_to_end(rollout) == "succeeded"

    assert_as_foretold(world, rollout, plan, SWAP)


@pytest.mark.parametrize("action", ReleaseAction)
@pytest.mark.parametrize("kind", WindowKind)
def test_one_that_waits_for_release_windows_does_too(world, action, kind):
    """Denied for the first hour, or allowed from the second one on only."""
    hours = (timedelta(0), HOUR) if kind is WindowKind.DENY else (HOUR, 9 * HOUR)
    world.respec(calendar=(a_window(kind, *hours, action),))
    plan = forecast(world.spec, world.clock.time)
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "succeeded"

    assert_as_foretold(world, rollout, plan, SWAP)
    assert plan.ends.earliest - NOON > HOUR


def test_a_switch_without_a_preview_is_held_as_its_forecast_says(tmp_path):
    world = World(tmp_path, spec(SWITCH))
    world.respec(calendar=(a_window(WindowKind.DENY, timedelta(0), HOUR, ReleaseAction.PROMOTE),))
    plan = forecast(world.spec, world.clock.time)
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "succeeded"

    assert_as_foretold(world, rollout, plan, SWAP)


def test_the_earliest_is_when_a_step_is_over_whose_guards_know_at_once(tmp_path):
    world = World(
        tmp_path, SPEC.replace("  - {name: compared", "#  - {name: compared").replace("over: 5m, ", "over: 1m, ")
    )
    world.site.send(world.target, 2_000.0)
    plan = forecast(world.spec, world.clock.time)
    rollout = world.deploy("2")

    world.run_until(lambda: len(entered(world, rollout)) == 2)

    assert timedelta(0) <= entered(world, rollout)[1] - plan.steps[0].ends.earliest <= MOMENT


def test_the_latest_is_when_a_gate_that_nobody_opens_is_over(tmp_path):
    world = World(tmp_path, GATED)
    plan = forecast(world.spec, world.clock.time)
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "failed"

    gate = plan.steps[1]
    lasted = ended(world, rollout) - entered(world, rollout)[1]
    assert gate.ends.latest - gate.begins.latest <= lasted <= gate.ends.latest - gate.begins.latest + MINUTE


def test_the_latest_is_when_a_hook_that_never_answers_is_over(world):
    world.respec(hooks=(hook(Stage.EXPAND, "expand", timeout=7 * MINUTE, otherwise=Outcome.PAUSE),))
    world.hooks.answer_at_once(HookStatus(HookState.RUNNING))
    plan = forecast(world.spec, world.clock.time)
    rollout = world.deploy("2")

    world.run_until(lambda: world.phase(rollout) == "paused")

    expand = plan.steps[0]
    lasted = world.clock.time - entered(world, rollout)[0]
    assert expand.ends.latest - expand.begins.latest <= lasted <= 8 * MINUTE


def test_the_latest_is_when_a_bake_without_a_verdict_is_over(world):
    plan = forecast(world.spec, world.clock.time)
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() > 0)
    world.site.fail("read_windows")

    assert world.run_to_end(rollout) == "failed"

    shift = plan.steps[0]
    lasted = ended(world, rollout) - entered(world, rollout)[0]
    assert shift.ends.latest - shift.begins.latest <= lasted <= 31 * MINUTE
