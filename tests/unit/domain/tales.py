"""Whole rollouts, good and bad, told to their end: for what must hold of every history."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.domain.analysis.guards import Guard, Metric, Threshold
from shared.domain.analysis.measurement import Sample
from shared.domain.names import CommandId, RolloutId, TargetName
from shared.domain.rollout.audience import MarkedUsers
from shared.domain.rollout.calendar import Once, ReleaseAction, ReleaseWindow, TimeZone, WindowKind
from shared.domain.rollout.commands import AcceptSpec, EffectFailed, EffectWaits, TakeBack
from shared.domain.rollout.effects import BeginSwap, Notify, PinTraffic, SetWeight
from shared.domain.rollout.hooks import ContainerAppsJob, HookState, HookStatus, Webhook
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import AlertAction, CanaryStep, Descent, Hook, Outcome, Stage, WhenBusy
from shared.domain.rollout.state import Doing
from shared.domain.rollout.weight import Weight
from tests.unit.domain.members import member_taken_back, member_that_remains, member_that_tells_of_its_release
from tests.unit.domain.outside import BAD, GOOD
from tests.unit.domain.specs import (
    APP,
    BAKE,
    BETA,
    COMPARED,
    ERRORS,
    FLAG,
    HOUR,
    MINUTE,
    WEBHOOK,
    ab_test,
    canary,
    quiet_until,
    spec,
    with_previews,
)
from tests.unit.domain.states import Story, alert, at_gate, baking, override, promoted, started, succeeded, swap_begun

TAKE_BACK = TakeBack(
    id=CommandId("flag:production/flag killed in 7 shop-1"),
    rollout=RolloutId("shop-1"),
    reason="flag production/flag: the flag was killed by alice: it hurts",
    by="alice",
)


def promoted_step_by_step() -> Story:
    return succeeded(spec(notifications=(WEBHOOK,)))


def degraded_and_taken_back() -> Story:
    story = baking()
    story.site.users_meet = BAD
    return _ended(story)


def swapped_back_after_promotion() -> Story:
    story = promoted()
    story.site.users_meet = BAD
    return _ended(story)


def paused_frozen_and_promoted_by_a_person() -> Story:
    story = baking().override("pause").wait(HOUR)
    story.override("freeze").wait(25 * HOUR).tick().override("pause")
    story.override("unfreeze").override("resume").override("promote").settle()
    return _ended(story)


def stopped_by_an_alert() -> Story:
    story = at_gate(spec(on_alert=AlertAction.ROLLBACK))
    story.tell(alert(fired=False))
    story.tell(alert())
    return _ended(story)


def replaced_by_ci() -> Story:
    story = baking().wait(5 * MINUTE)
    story.site.candidate = "9"
    return _ended(story.tick())


def superseded_by_a_newer_one() -> Story:
    story = baking(spec(when_busy=WhenBusy.SUPERSEDE)).deploy("3", 2).deploy("4", 3).deploy("4", 4)
    return story.go_until(lambda: story.state.live is not None and story.live.id == "shop-3")


def swap_failed_and_stuck() -> Story:
    story = swap_begun(spec(notifications=(WEBHOOK,)))
    story.site.fail_swap("the slot did not warm up")
    story.wait(timedelta(seconds=3)).tick()
    for _ in range(5):
        story.tell(EffectFailed(story.row(BeginSwap).id, "409 Conflict", retry_after=2.5))
    story.tell(EffectWaits(story.row(BeginSwap).id, "a swap is running", 3))
    return _ended(story)


def moved_by_hand() -> Story:
    story = baking().wait(2 * MINUTE)
    story.site.share = 80_000
    return _ended(story.tick().settle().override("abort"))


def paused_at_a_deadline_and_dropped_a_tiding() -> Story:
    story = started(spec(otherwise=Outcome.PAUSE, notifications=(WEBHOOK,)))
    story.tell(EffectFailed(story.row(Notify).id, "410 Gone", for_good=True))
    story.go_to(Doing.BAKING)
    story.site.trouble = "503"
    story.go_until(lambda: story.live.paused is not None)
    story.wait(25 * HOUR).tick()
    story.site.trouble = None
    return _ended(story.override("resume").override("rollback"))


def returned_after_success() -> Story:
    story = succeeded().override("rollback", 7)
    return _ended(story)


def counted_after_the_end() -> Story:
    """The users whom a cookie still pins are counted, once that can be read."""
    story = _ended(baking().override("rollback"))
    story.site.trouble = "503"
    story.look()
    story.site.trouble = None
    return story.look()


def held_for_want_of_requests_and_vouched_for() -> Story:
    """Too few requests at 5 %, a guard that only notifies, and a person who ends the bake after promotion."""
    loud = Guard(name="slow", metric=Metric.LATENCY, test=Threshold(maximum=10), over=5 * MINUTE, notify_only=True)
    short = replace(canary().steps[0], bake=replace(BAKE, maximum=6 * MINUTE))
    strategy = replace(canary(), steps=(short, *canary().steps[1:]))
    story = baking(spec(strategy=strategy, guards=(ERRORS, COMPARED, loud), notifications=(WEBHOOK,)))
    story.site.users_meet = Sample(requests=2, failures=0, latency_ms=50)
    story.go_until(lambda: story.live.bake_until is not None)
    story.site.users_meet = GOOD
    story.go_to(Doing.AWAITING_APPROVAL).override("promote").go_to(Doing.BAKING)
    return _ended(story.override("skip"))


def migrated_and_contracted() -> Story:
    """A hook that takes time before the first user, and one when the version before is not kept any more."""
    call = Webhook(url="https://hooks.example/migrate", secret_setting="SLIPWAY_SECRET_MIGRATE")
    expand = Hook(name="expand", at=Stage.EXPAND, call=call)
    contract = Hook(name="contract", at=Stage.CONTRACT, call=ContainerAppsJob(resource="/subscriptions/s/jobs/drop"))
    story = Story(spec(hooks=(expand, contract)))
    story.outside.hook = HookStatus(HookState.RUNNING, progress="1 of 2")
    story.deploy().go_to(Doing.RUNNING_HOOK).tick().settle()
    story.outside.hook = HookStatus(HookState.SUCCEEDED, "2 of 2")
    story.wait(timedelta(seconds=15)).tick().go_to(Doing.AWAITING_APPROVAL).override("approve")
    _ended(story)
    return story.wait(2 * HOUR).tick().settle()


def waited_for_a_window() -> Story:
    """No weight rises before twenty past twelve."""
    times = Once(datetime(2026, 11, 23), datetime(2026, 11, 23, 12, 20))  # noqa: DTZ001 - what a clock on the wall shows
    quiet = ReleaseWindow(
        name="quiet", kind=WindowKind.DENY, times=times, zone=TimeZone("Etc/UTC", UTC), actions=(ReleaseAction.ADVANCE,)
    )
    story = baking(spec(calendar=(quiet,), strategy=replace(canary(), steps=tuple(map(_ungated, canary().steps)))))
    story.go_until(lambda: story.live.held_by != "")
    return _ended(story)


def begun_against_the_calendar() -> Story:
    """A person has it begin in a closed window, and later looks in vain for the version before in its place."""
    story = Story(spec(calendar=(quiet_until(14, ReleaseAction.START),))).deploy().override("skip")
    story.go_to(Doing.AWAITING_APPROVAL).override("approve")
    _ended(story)
    story.site.candidate = "9"
    return _ended(story.override("rollback", 7))


def _ungated(step: CanaryStep) -> CanaryStep:
    return replace(step, gate=None)


def taken_back_little_by_little() -> Story:
    """From half of the users to a tenth, and then to nobody."""
    strategy = replace(canary(), descent=Descent(weights=(Weight(10_000),), every=MINUTE))
    story = at_gate(spec(strategy=strategy)).override("approve").go_to(Doing.BAKING)
    return _ended(story.override("rollback"))


def compared_with_an_audience_and_promoted() -> Story:
    """An experiment whose audience somebody takes away for a while; the candidate fails less often, and wins."""
    story = Story(spec(strategy=ab_test(audience=MarkedUsers(mark=BETA)), targets=("route",))).deploy()
    route = story.outside.site(TargetName("route"))
    route.stable_meets = Sample(requests=1_000, failures=20, latency_ms=50)
    story.go_to(Doing.BAKING)
    route.audience = None
    story.look()
    return _ended(story)


def seen_with_productions_settings() -> Story:
    """A swap with preview that somebody cancels once; what production has is put on the slot again, and swapped."""
    story = at_gate(with_previews(spec())).override("approve").go_to(Doing.PREPARING).settle()
    story.site.preview = Preview.NONE
    return _ended(story.wait(timedelta(seconds=5)).tick())


def held_half_way() -> Story:
    """Not at its end: a rollout of two targets whose swaps are under way, frozen, and one that waits."""
    story = Story(spec(targets=("web", "west")))
    for name in ("web", "west"):
        story.outside.site(name).candidate = "2"
    story.deploy().go_to(Doing.AWAITING_APPROVAL).override("approve").go_to(Doing.SWAPPING).settle()
    story.tell(override("freeze"))
    return story.deploy("3", 2)


def lost_and_claimed() -> Story:
    """Not at its end: a rollback settles while a lost worker's call may still land."""
    story = started().tick()
    lost = story.row(SetWeight)
    story.override("rollback")
    story.perform(next(row for row in story.rows() if row.id != lost.id))
    return story.wait(timedelta(seconds=5)).tick()


def killed_by_the_switch_of_its_flag() -> Story:
    """A variant of a flag is rolled out, and somebody kills the flag."""
    story = Story(spec(targets=(FLAG,))).deploy()
    story.outside.site(FLAG).candidate = "2"
    story.go_until(lambda: story.live.doing is Doing.BAKING)
    story.tell(replace(TAKE_BACK, rollout=story.live.id))
    return _ended(story)


def pinned_when_its_spec_came() -> Story:
    story = Story()
    story.tell(AcceptSpec(spec=spec(targets=(APP,), notifications=(WEBHOOK,)), by="team"))
    story.tell(EffectFailed(story.row(PinTraffic).id, "an update is under way"))
    story.wait(MINUTE).settle()
    story.outside.site(APP).candidate = "2"
    return story.deploy().override("abort").settle()


def _ended(story: Story) -> Story:
    story.go_to_end()
    return story.settle()


TALES: dict[str, Callable[[], Story]] = {
    tale.__name__.replace("_", "-"): tale
    for tale in (
        promoted_step_by_step,
        degraded_and_taken_back,
        swapped_back_after_promotion,
        paused_frozen_and_promoted_by_a_person,
        stopped_by_an_alert,
        replaced_by_ci,
        superseded_by_a_newer_one,
        swap_failed_and_stuck,
        moved_by_hand,
        paused_at_a_deadline_and_dropped_a_tiding,
        returned_after_success,
        counted_after_the_end,
        held_for_want_of_requests_and_vouched_for,
        compared_with_an_audience_and_promoted,
        seen_with_productions_settings,
        held_half_way,
        migrated_and_contracted,
        waited_for_a_window,
        begun_against_the_calendar,
        taken_back_little_by_little,
        lost_and_claimed,
        killed_by_the_switch_of_its_flag,
        pinned_when_its_spec_came,
        member_taken_back,
        member_that_remains,
        member_that_tells_of_its_release,
    )
}
