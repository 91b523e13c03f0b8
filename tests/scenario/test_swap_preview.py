"""Swaps with preview end to end on the virtual clock: verified first, and cancelled on every way back."""

from datetime import timedelta

import pytest

from shared.domain.errors import RejectedError, TryLaterError, UnansweredError
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import Place
from tests.scenario.kills import KilledError
from tests.scenario.world import SPEC, World

CANARY = SPEC.replace("slot: candidate", "slot: candidate, swapWithPreview: true, health: {passes: 2, every: 10s}")
SWITCH = (
    CANARY[: CANARY.index("strategy:")]
    + """
strategy:
  blueGreen:
    preview: {gate: {name: testers, timeout: 4h}}
    bake: {min: 2m, max: 30m}
"""
    + CANARY[CANARY.index("metrics:") :]
)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, CANARY)


def pending(world):
    return world.site.read_preview(world.target)


def asked(world, *methods):
    """Return which of these calls came, in order."""
    return [call.method for call in world.site.calls if call.method in methods]


def until_prepared(world):
    world.run_until(lambda: pending(world) is Preview.PENDING)
    world.settle()


def is_back(world):
    return (pending(world), world.share(), world.production()) == (Preview.NONE, 0, "1")


def test_the_slot_is_prepared_looked_at_and_only_then_swapped(world):
    rollout = world.deploy("2")
    until_prepared(world)
    prepared_at = world.clock.now()

    assert world.run_to_end(rollout) == "succeeded"
    swap = next(call for call in world.site.calls if call.method == "begin_swap")
    assert swap.at - prepared_at >= timedelta(seconds=20)
    assert asked(world, "apply_preview", "begin_swap", "reset_preview") == ["apply_preview", "begin_swap"]
    assert (world.production(), pending(world)) == ("2", Preview.NONE)


def test_a_version_that_fails_with_productions_settings_never_reaches_production(world):
    world.respec(deadlines=type(world.spec.deadlines)(progress=timedelta(minutes=10)))
    rollout = world.deploy("2", healthy_prepared=False)

    assert world.run_to_end(rollout) == "failed"
    assert is_back(world)
    assert "SwapBegun" not in world.happened(rollout)


def test_testers_and_whoever_approves_meet_the_candidate_with_productions_settings(tmp_path):
    world = World(tmp_path, SWITCH)
    rollout = world.deploy("2")
    world.run_until(lambda: world.rollout(rollout)["gate"] == "testers")

    assert pending(world) is Preview.PENDING
    world.override("approve")
    assert world.run_to_end(rollout) == "succeeded"


@pytest.mark.parametrize("doing", ["prepared", "swapping", "in production"])
@pytest.mark.parametrize("action", ["rollback", "alert"])
def test_every_way_back_ends_with_nothing_pending_and_nobody_at_the_candidate(world, doing, action):
    rollout = world.deploy("2")
    until_prepared(world)
    if doing != "prepared":
        world.run_until(lambda: "SwapBegun" in world.happened(rollout))
    if doing == "in production":
        world.run_until(lambda: world.production() == "2")
    if action == "alert":
        world.alert()
    else:
        world.override("rollback")

    assert world.run_to_end(rollout) == "rolled-back"
    assert is_back(world)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("method", ["apply_preview", "reset_preview", "begin_swap"])
def test_a_worker_that_dies_at_a_call_harms_nothing(world, method, after):
    do, calls = getattr(world.site, method), []

    def killing(target):
        calls.append(method)
        if len(calls) == 1 and not after:
            raise KilledError(method)
        result = do(target)
        if len(calls) == 1:
            raise KilledError(method)
        return result

    setattr(world.site, method, killing)
    rollout = world.deploy("2")
    if method == "reset_preview":
        until_prepared(world)
        world.override("rollback")

    ended = world.run_to_end(rollout)

    assert any(isinstance(failure, KilledError) for failure in world.failures)
    if method == "reset_preview":
        assert (ended, is_back(world)) == ("rolled-back", True)
    else:
        assert (ended, world.production(), pending(world)) == ("succeeded", "2", Preview.NONE)
        assert asked(world, "begin_swap") == ["begin_swap"]


def test_a_rollback_while_a_worker_is_lost_cancels_the_preview_that_lands_late(world):
    """The worker's call lands only after the preview was cancelled: the last look before the end finds it."""
    do = world.site.apply_preview

    def lost(target):
        world.site.apply_preview = do
        raise KilledError(target.name)

    world.site.apply_preview = lost
    rollout = world.deploy("2")
    world.run_until(lambda: any(isinstance(failure, KilledError) for failure in world.failures))
    world.override("rollback")
    world.run_until(lambda: world.rollout(rollout)["doing"] == "letting begun calls end")
    world.site.preview_by_hand(world.target, Preview.PENDING)

    assert world.run_to_end(rollout) == "rolled-back"
    assert is_back(world)


@pytest.mark.parametrize("method", ["apply_preview", "read_preview", "reset_preview"])
@pytest.mark.parametrize("error", [TryLaterError("503"), UnansweredError("no answer")], ids=["refused", "unanswered"])
@pytest.mark.parametrize("applied", [False, True], ids=["not done", "done"])
def test_trouble_that_passes_is_waited_for(world, method, error, applied):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 50)
    world.site.fail(method, error, times=3, applied=applied)
    if method == "reset_preview":
        until_prepared(world)
        world.override("rollback")

    assert world.run_to_end(rollout) == ("rolled-back" if method == "reset_preview" else "succeeded")
    assert pending(world) is Preview.NONE


def test_a_site_that_refuses_for_good_is_taken_back_with_its_reason(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 50)
    world.site.fail("apply_preview", RejectedError("site authentication is enabled: leave out swapWithPreview"))

    assert world.run_to_end(rollout) == "failed"
    assert "leave out swapWithPreview" in world.rollout(rollout)["reason"]
    assert is_back(world)


def test_a_rollback_whose_preview_cannot_be_cancelled_calls_a_person_and_tries_on(world):
    rollout = world.deploy("2")
    until_prepared(world)
    world.site.fail("reset_preview")
    world.override("rollback")
    world.run_until(lambda: world.rollout(rollout)["stuck"])
    assert world.rollout(rollout)["ended"] is None

    world.site.mend()

    assert world.run_to_end(rollout) == "rolled-back"
    assert is_back(world)


def test_somebodys_swap_with_preview_is_left_alone_and_the_fix_is_said(world):
    world.site.preview_by_hand(world.target, Preview.FOREIGN)
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "failed"
    assert "finish it, or cancel it" in world.rollout(rollout)["reason"]
    assert asked(world, "apply_preview", "reset_preview") == []


def test_names_of_settings_that_stay_stand_in_history_and_hold_nothing_up(world):
    world.site.staying = ("DATABASE",)
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)

    first = next(line for line in world.events(rollout) if line["type"] == "StepEntered")
    assert "settings that differ and stay with their slot: DATABASE" in str(first)


def test_settings_that_cannot_be_compared_hold_nothing_up(world):
    world.site.fail("read_staying", RejectedError("HTTP 403, AuthorizationFailed"))
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "succeeded"
    first = next(line for line in world.events(rollout) if line["type"] == "StepEntered")
    assert "is not known: HTTP 403" in str(first)


def test_the_way_back_after_success_swaps_at_once(world):
    world.run_to_end(world.deploy("2"))
    world.site.calls.clear()
    back = world.override("rollback")

    assert world.run_to_end(back) == "succeeded"
    assert asked(world, "apply_preview", "begin_swap") == ["begin_swap"]
    assert world.site.read_version(world.target, Place.PRODUCTION) == "1"


def test_a_preview_that_lands_after_it_was_seen_to_be_gone_keeps_nobody_at_the_candidate(world):
    rollout = world.deploy("2")
    until_prepared(world)
    world.override("rollback")
    world.site.fail("set_share", times=1)
    world.run_until(lambda: pending(world) is Preview.NONE)
    assert world.share() > 0

    world.site.preview_by_hand(world.target, Preview.PENDING)
    resets = asked(world, "reset_preview")
    assert world.run_to_end(rollout) == "rolled-back"
    assert is_back(world)
    assert len(asked(world, "reset_preview")) == len(resets) + 1
