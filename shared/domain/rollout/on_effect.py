"""What an effect answered: close its row, take in what was seen, go on or try again."""

from dataclasses import replace
from datetime import timedelta

from shared.domain.rollout import events as e
from shared.domain.rollout.commands import (
    AudienceWasSet,
    EffectDone,
    EffectFailed,
    EffectOutcome,
    EffectWaits,
    HookAnswered,
    PreviewWasSet,
    SwapNotNeeded,
    SwapWasBegun,
    TrafficWasPinned,
    WeightWasSet,
)
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.effects import CallHook, Effect, LevelEffect, Notify, PinTraffic
from shared.domain.rollout.on_hook import decide_answer, refuse_call
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.state import Doing, OpenEffect, Phase, Rollout, TargetState
from shared.domain.rollout.steps import fail, go_on, verify_side
from shared.domain.rollout.timing import NOTIFY_ATTEMPTS, PIN_ATTEMPTS, STUCK_AFTER, backoff
from shared.domain.rollout.weight import NONE, ROUNDING, to_percent


def decide_outcome(draft: Draft, outcome: EffectOutcome) -> None:
    """Take in an outcome. One for a row that is closed already is late and changes nothing."""
    row = draft.state.open_effect(outcome.effect)
    if row is None:
        return
    if isinstance(outcome, EffectFailed):
        _failed(draft, row, outcome)
        return
    if isinstance(outcome, EffectWaits):
        due = draft.now + timedelta(seconds=outcome.seconds)
        draft.record(e.EffectPutOff(at=draft.now, effect=row.id, due=due, why=outcome.why, failed=False))
        return
    found = _place_of(draft, row.effect)
    if found is not None and isinstance(outcome, WeightWasSet) and _is_unheeded(*found, outcome):
        asked, found_share = to_percent(found[1].share()), to_percent(outcome.share)
        why = f"the router sends {found_share:g} % after it was told to send {asked:g} %"
        _failed(draft, row, EffectFailed(row.id, why))
        return
    if found is not None and isinstance(outcome, AudienceWasSet) and _is_another_audience(found[1], outcome):
        _failed(draft, row, EffectFailed(row.id, "the router sends other marked requests than it was told to"))
        return
    if found is not None and isinstance(outcome, PreviewWasSet) and _is_another_preview(found[1], outcome):
        what = "has no swap with preview after it was told to begin one" if found[1].prepares else "keeps its preview"
        _failed(draft, row, EffectFailed(row.id, f"the site {what}"))
        return
    draft.record(e.EffectClosed(at=draft.now, effect=row.id))
    if isinstance(outcome, TrafficWasPinned) and isinstance(row.effect, PinTraffic):
        _pinned(draft, row.effect, outcome.says or "its traffic goes to versions by name", pinned=True)
    if isinstance(outcome, HookAnswered) and isinstance(row.effect, CallHook):
        decide_answer(draft, outcome, row.effect.call_id)
    if found is None:
        return
    rollout, target = found
    if rollout.stuck is not None and not isinstance(outcome, SwapWasBegun):
        draft.record(e.StuckCleared(at=draft.now, rollout=rollout.id))
    _take_in(draft, rollout, target, outcome)


def _take_in(draft: Draft, rollout: Rollout, target: TargetState, outcome: EffectOutcome) -> None:
    now, name = draft.now, target.name
    match outcome:
        case WeightWasSet(share=share, generation=level) if level == target.generation:
            draft.record(e.WeightObserved(at=now, rollout=rollout.id, target=name, share=share, generation=level))
            go_on(draft)
        case AudienceWasSet(mark=mark, level=level) if level == target.audience_level:
            draft.record(e.AudienceObserved(at=now, rollout=rollout.id, target=name, mark=mark, level=level))
            go_on(draft)
        case PreviewWasSet(preview=preview, level=level) if level == target.preparing_level:
            draft.record(e.PreviewObserved(at=now, rollout=rollout.id, target=name, preview=preview, level=level))
            go_on(draft)
        case SwapWasBegun(token=token):
            draft.record(e.SwapBegun(at=now, rollout=rollout.id, target=name, token=token))
        case SwapNotNeeded() if outcome.generation == target.generation:
            verify_side(draft, rollout, target)
        case WeightWasSet() | AudienceWasSet() | PreviewWasSet() | SwapNotNeeded() | HookAnswered():
            return
        case TrafficWasPinned() | EffectDone() | EffectFailed() | EffectWaits():
            return


def _pinned(draft: Draft, effect: PinTraffic, says: str, *, pinned: bool) -> None:
    """Say what was found of a target, unless the spec does not name it any more."""
    spec = draft.state.spec
    if spec is not None and any(target.name == effect.target for target in spec.targets):
        draft.record(e.TargetPinned(at=draft.now, target=effect.target, pinned=pinned, says=says))


def _is_unheeded(rollout: Rollout, target: TargetState, outcome: WeightWasSet) -> bool:
    """Whether the router sends another share than it was told to: routers round, but never nothing up.

    On the way back less is as good: what was decided to be sent may never have been.
    """
    wanted = target.share()
    if rollout.phase is Phase.ROLLING_BACK and outcome.share < wanted:
        return False
    off = abs(outcome.share - wanted)
    return outcome.generation == target.generation and off > (NONE if wanted == NONE else ROUNDING)


def _is_another_audience(target: TargetState, outcome: AudienceWasSet) -> bool:
    return outcome.level == target.audience_level and outcome.mark != target.audience


def _is_another_preview(target: TargetState, outcome: PreviewWasSet) -> bool:
    """Whether the site says otherwise than it was told; the swap of other places is nothing to put right."""
    is_pending = outcome.preview is Preview.PENDING
    return outcome.level == target.preparing_level and is_pending is not target.prepares


def _place_of(draft: Draft, effect: Effect) -> tuple[Rollout, TargetState] | None:
    """Return the live rollout and target that a level effect is about, if they are still there."""
    live = draft.state.live
    if live is None or not isinstance(effect, LevelEffect) or effect.rollout != live.id:
        return None
    target = live.target(effect.target)
    return (live, target) if target else None


def _failed(draft: Draft, row: OpenEffect, outcome: EffectFailed) -> None:
    if isinstance(row.effect, Notify) and (outcome.for_good or row.attempt + 1 >= NOTIFY_ATTEMPTS):
        draft.record(e.EffectClosed(at=draft.now, effect=row.id))
        name = row.effect.notification.name
        draft.record(
            e.NotificationDropped(at=draft.now, rollout=row.effect.rollout, notification=name, why=outcome.why)
        )
        return
    if isinstance(row.effect, PinTraffic) and (outcome.for_good or row.attempt + 1 >= PIN_ATTEMPTS):
        draft.record(e.EffectClosed(at=draft.now, effect=row.id))
        _pinned(draft, row.effect, outcome.why, pinned=False)
        return
    run = draft.state.call(row.effect.call_id) if isinstance(row.effect, CallHook) else None
    if isinstance(row.effect, CallHook) and (run is None or run.is_over or outcome.for_good):
        draft.record(e.EffectClosed(at=draft.now, effect=row.id))
        if run is not None and not run.is_over:
            refuse_call(draft, run, outcome.why)
        return
    due = draft.now + backoff(row.attempt, outcome.retry_after)
    draft.record(e.EffectPutOff(at=draft.now, effect=row.id, due=due, why=outcome.why, in_doubt=outcome.in_doubt))
    found = _place_of(draft, row.effect)
    if found is not None:
        _escalate(draft, found[0], row, outcome)


def _escalate(draft: Draft, rollout: Rollout, row: OpenEffect, outcome: EffectFailed) -> None:
    """Forward, what will never work ends the rollout; backward, and at its end, a person is called and it tries on."""
    if outcome.for_good and rollout.phase is Phase.ROLLING_BACK and rollout.step < 0 and rollout.ending is not None:
        # It never got past its preflight, so it sent nobody anywhere: what refuses for good cannot be waited for.
        why = f"{rollout.ending.reason}; nobody was sent to it; the target refused: {outcome.why}"
        ending = replace(rollout.ending, reason=why)
        draft.record(e.RolloutEnded(at=draft.now, rollout=rollout.id, ending=ending))
    elif outcome.for_good and rollout.phase is not Phase.ROLLING_BACK and rollout.doing is not Doing.RELEASING:
        fail(draft, rollout, f"the target refused: {outcome.why}")
    elif rollout.stuck is None and (outcome.for_good or row.attempt + 1 >= STUCK_AFTER):
        draft.record(e.StuckFlagged(at=draft.now, rollout=rollout.id, why=outcome.why))
