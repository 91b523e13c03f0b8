"""What a fact asks for outside: effects, each with the time when it is due."""

from collections.abc import Iterator
from datetime import timedelta

from shared.domain.names import RolloutId
from shared.domain.rollout import events as e
from shared.domain.rollout.effects import (
    BeginSwap,
    CallHook,
    Effect,
    LetGo,
    Notify,
    PinTraffic,
    PublishViews,
    SetAudience,
    SetPreview,
    SetWeight,
    TellRelease,
)
from shared.domain.rollout.hooks import HookState
from shared.domain.rollout.plan import AwaitApproval, AwaitRelease, Compare, Prepare, Promote, RunHook, Shift
from shared.domain.rollout.reporting import reports
from shared.domain.rollout.spec import Spec, Topic
from shared.domain.rollout.state import Application, Phase, Rollout, TargetState
from shared.domain.rollout.timing import SWAP_LOOK
from shared.domain.rollout.weight import to_percent

NOW = timedelta(0)
Planned = tuple[Effect, timedelta]

END_TOPICS = {
    Phase.SUCCEEDED: Topic.SUCCEEDED,
    Phase.ROLLED_BACK: Topic.ROLLED_BACK,
    Phase.ABORTED: Topic.ABORTED,
    Phase.FAILED: Topic.FAILED,
}


def react(before: Application, after: Application, event: e.Event) -> tuple[Planned, ...]:
    """Return the effects of one event, each with its delay, in the order in which they are to be done."""
    if isinstance(event, e.ReleaseTold):
        return tuple((Notify(each, event.topic, event.member, event.text), NOW) for each in event.notifications)
    told = tuple((TellRelease(release, report), NOW) for release, report in reports(before, after, event))
    if isinstance(event, e.SILENT):
        return told
    return (
        *_levels(after, event),
        *_let_go(before, event),
        *told,
        *_tidings(before, after, event),
        (PublishViews(), NOW),
    )


def _levels(after: Application, event: e.Event) -> Iterator[Planned]:
    rollout = after.live
    if isinstance(event, e.DriftFound):
        yield SetWeight(event.rollout, event.target), NOW
    if isinstance(event, e.SpecAccepted):
        follow = (target for target in event.spec.targets if target.kind.may_follow_newest)
        yield from ((PinTraffic(target.name), NOW) for target in follow)
    if isinstance(event, e.HookBegun):
        yield CallHook(event.run.call_id), NOW
    if rollout is None:
        return
    match event:
        case e.StepEntered():
            yield from _step_levels(rollout, event)
            yield from _audiences(rollout)
            yield from _previews(rollout)
        case e.RollbackBegun():
            yield from _audiences(rollout)
            for each in rollout.targets:
                yield SetWeight(rollout.id, each.name), NOW
                if each.swap_begun:
                    yield BeginSwap(rollout.id, each.name), NOW
            yield from _previews(rollout)
        case e.Descended():
            for each in rollout.targets:
                yield SetWeight(rollout.id, each.name), NOW
        case e.SideVerified():
            yield SetWeight(rollout.id, event.target), NOW
            yield from _previews(rollout)
            target = rollout.target(event.target)
            if target and target.side is not target.wanted_side:
                yield BeginSwap(rollout.id, event.target), NOW
        case e.SwapFailed():
            yield BeginSwap(rollout.id, event.target), SWAP_LOOK
        case e.HoldBackEnded():
            yield SetWeight(rollout.id, event.target), NOW
        case e.AudienceMoved():
            yield SetAudience(rollout.id, event.target), NOW
        case e.PreviewMoved():
            yield SetPreview(rollout.id, event.target), NOW
        case _:
            return


def _let_go(before: Application, event: e.Event) -> Iterator[Planned]:
    """Yield what lets others write again what a rollout kept from them, whichever way it ended."""
    live = before.live
    if not isinstance(event, e.RolloutEnded) or live is None or live.id != event.rollout or live.spec is None:
        return
    for target in live.spec.targets:
        if target.kind.is_held:
            state = live.target(target.name)
            yield LetGo(live.id, target.name, target.resource, state.wanted if state else None), NOW


def _step_levels(rollout: Rollout, event: e.StepEntered) -> Iterator[Planned]:
    match rollout.plan[event.step]:
        case Shift() | Compare():
            yield from ((SetWeight(rollout.id, target.name), NOW) for target in _by_wave(rollout))
        case Promote():
            for target in _by_wave(rollout):
                level = BeginSwap if target.swaps else SetWeight
                yield level(rollout.id, target.name), NOW
        case AwaitApproval() | RunHook() | AwaitRelease() | Prepare():
            return


def _by_wave(rollout: Rollout) -> list[TargetState]:
    """Return the targets in the order in which they are moved: lower waves first."""
    waves = {target.name: target.wave for target in rollout.spec.targets} if rollout.spec else {}
    return sorted(rollout.targets, key=lambda target: waves.get(target.name, 1))


def _audiences(rollout: Rollout) -> Iterator[Planned]:
    """Yield what brings each audience that is not seen to be as wanted."""
    for target in rollout.targets:
        if target.audience_reached != target.audience_level:
            yield SetAudience(rollout.id, target.name), NOW


def _previews(rollout: Rollout) -> Iterator[Planned]:
    """Yield what brings each swap with preview that is not seen to be as wanted."""
    for target in rollout.targets:
        if not target.has_preview_as_wanted:
            yield SetPreview(rollout.id, target.name), NOW


def _tidings(before: Application, after: Application, event: e.Event) -> Iterator[Planned]:
    """Yield a notification for each webhook that wants to hear of this."""
    told = _topic_and_text(after, event)
    if told is None:
        return
    topic, text = told
    rollout_id: RolloutId | None = getattr(event, "rollout", None)
    if topic is Topic.DRIFT and _is_being_told(before, topic, rollout_id):
        # Many targets moved at once are one piece of news, and one transaction has no room for one of each.
        return
    spec = _spec_of(before, after, rollout_id)
    for notification in spec.notifications if spec else ():
        if topic in notification.topics:
            yield Notify(notification, topic, rollout_id, text), NOW


def _is_being_told(state: Application, topic: Topic, rollout: RolloutId | None) -> bool:
    told = (row.effect for row in state.effects if isinstance(row.effect, Notify))
    return any(notify.topic is topic and notify.rollout == rollout for notify in told)


def _spec_of(before: Application, after: Application, rollout_id: RolloutId | None) -> Spec | None:
    rollout = rollout_id and (after.rollout(rollout_id) or before.rollout(rollout_id))
    return rollout.spec if rollout and rollout.spec else after.spec


def _topic_and_text(after: Application, event: e.Event) -> tuple[Topic, str] | None:
    name = after.name
    match event:
        case e.RolloutStarted():
            return Topic.STARTED, f"{name}: rollout {event.rollout} started"
        case e.StepEntered():
            asks = after.live is not None and isinstance(after.live.plan[event.step], AwaitApproval)
            gate = after.live.gate_deadline if after.live is not None and asks else None
            return (
                (Topic.WAITING, f"{name}: {event.rollout} waits for approval until {gate:%F %T} UTC") if gate else None
            )
        case e.RolloutPaused():
            return Topic.PAUSED, f"{name}: {event.rollout} was paused by {event.by}: {event.reason}"
        case e.BakeExtended():
            return Topic.WAITING, f"{name}: {event.rollout}: {event.why}"
        case e.ExperimentEnded():
            return Topic.WAITING, f"{name}: the experiment of {event.rollout} is over: {event.says}"
        case e.AudienceMoved():
            return Topic.DRIFT, f"{name}: somebody changed the audience of {event.target}; it is put right"
        case e.PreviewMoved():
            return Topic.DRIFT, f"{name}: somebody changed the swap with preview of {event.target}; it is put right"
        case e.ConcernRaised():
            return Topic.CONCERN, f"{name}: {event.rollout} goes on, but look at {event.target}: {event.says}"
        case e.RolloutHeld():
            return Topic.WAITING, f"{name}: {event.rollout} waits: {event.why}"
        case e.PauseReminded():
            return Topic.PAUSED, f"{name}: {event.rollout} is still paused"
        case e.ApplicationFrozen():
            return Topic.PAUSED, f"{name} was frozen by {event.by}: {event.reason}"
        case e.TargetPinned() if not event.pinned:
            return Topic.CONCERN, f"{name}: {event.target} may send users to a version that nobody judged: {event.says}"
        case e.FreezeReminded():
            return Topic.PAUSED, f"{name} is still frozen"
        case e.StuckFlagged():
            return Topic.STUCK, f"{name}: {event.rollout} is stuck: {event.why}"
        case e.HookEnded() if event.status.state is not HookState.SUCCEEDED:
            return (
                Topic.STUCK,
                f"{name}: hook {event.hook} of {event.rollout} {event.status.state}: {event.status.detail}",
            )
        case e.NotTakenBack():
            release = event.membership.release
            return Topic.STUCK, f"{name}: release {release} cannot take {event.rollout} back: {event.reason}"
        case e.DriftFound():
            found, wanted = to_percent(event.found), to_percent(event.wanted)
            return Topic.DRIFT, f"{name}: somebody moved {event.target} to {found:g} %; it goes back to {wanted:g} %"
        case e.RolloutEnded():
            return END_TOPICS[
                event.ending.phase
            ], f"{name}: {event.rollout} {event.ending.phase}: {event.ending.reason}"
        case _:
            return None
