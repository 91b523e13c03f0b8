"""Which command makes sense when: one table for the door (409 at once) and for the turn (refused in history)."""

from shared.domain.names import RolloutId, Version
from shared.domain.rollout.commands import Action, Override
from shared.domain.rollout.spec import WhenBusy
from shared.domain.rollout.state import Application, Doing, Phase, Rollout

ADVANCING = frozenset({Action.PROMOTE, Action.SKIP, Action.APPROVE})
BEFORE_PROMOTION = frozenset({Phase.PROGRESSING, Phase.WAITING, Phase.PAUSED})
RETRYABLE = frozenset({Phase.FAILED, Phase.ROLLED_BACK, Phase.ABORTED})


def refusal(state: Application, action: Action, step: int | None = None) -> str | None:
    """Say why a person's command cannot be done now, or None when it can. `step` is the step that the person saw."""
    if step is not None and state.live is not None and state.live.step != step:
        at = f"at step {state.live.step} by now" if state.live.step >= 0 else "still in its preflight"
        return f"the rollout is {at}, not at {step}"
    match action:
        case Action.FREEZE:
            return "it is frozen already" if state.frozen else None
        case Action.UNFREEZE:
            return None if state.frozen else "it is not frozen"
        case Action.RETRY:
            return _refuse_retry(state)
        case Action.ROLLBACK if state.live is None and (state.pending is None or _refuse_return(state) is None):
            # One that only waits has begun nothing: it gives way, as it would to a newer deployment.
            return _refuse_return(state)
        case Action.ABORT if state.live is None and state.pending is not None:
            return None
        case Action.SKIP if state.live is None and state.pending is not None and state.pending.held_by:
            return _frozen_in_words(state) if state.freezes(state.pending) else None
        case _ if state.live is None and state.pending is not None:
            return _pending_in_words(state, state.pending)
        case _ if state.live is None:
            return "no rollout is live"
    if state.freezes(state.live) and action in ADVANCING:
        return _frozen_in_words(state)
    if action is Action.SKIP and step is None and _asks_for_approval(state.live):
        return (
            f"it waits at a gate, which is approved or rejected: to skip it all the same, say `step` {state.live.step}"
        )
    return _refuse_live(state.live, action)


def _frozen_in_words(state: Application) -> str:
    reason = state.frozen.reason if state.frozen is not None else ""
    return f"it is frozen ({reason or 'no reason given'}): unfreeze first"


def _pending_in_words(state: Application, pending: Rollout) -> str:
    if pending.held_by and not state.freezes(pending):
        return f"rollout {pending.id} is pending: {pending.held_by}; skip begins it all the same, abort ends it"
    return f"rollout {pending.id} is pending: only abort ends it"


def _asks_for_approval(live: Rollout) -> bool:
    """Whether it waits at a gate: a person who means the step before may not know yet that it was entered."""
    return live.doing is Doing.AWAITING_APPROVAL and not live.approved


def _refuse_live(live: Rollout, action: Action) -> str | None:
    doing, phase = live.doing, live.phase
    if phase is Phase.ROLLING_BACK:
        return f"rollout {live.id} is rolling back and nothing stops that"
    match action:
        case Action.PAUSE:
            if phase is Phase.PAUSED:
                return "it is paused already"
            if doing in (Doing.SWAPPING, Doing.CLEARING):
                return "a swap is under way and cannot be paused: use rollback"
            if doing is Doing.RELEASING:
                return "its promotion is ending and cannot be paused: use rollback"
            return None
        case Action.RESUME:
            return None if phase is Phase.PAUSED else f"it is not paused but {phase}"
        case Action.PROMOTE | Action.SKIP:
            return _refuse_advance(live, action)
        case Action.ABORT | Action.REJECT if live.no_return:
            return f"hook {live.no_return} has passed the point of no return: go on, or use rollback if you must"
        case Action.ABORT:
            begun = live.has_begun_promotion
            return "promotion has begun: use rollback" if begun else None
        case Action.ROLLBACK:
            return f"rollout {live.id} is going back to {live.version} already" if live.returns else None
        case Action.APPROVE | Action.REJECT:
            if doing is Doing.AWAITING_APPROVAL and live.approved:
                return "the gate was approved already"
            return None if doing is Doing.AWAITING_APPROVAL else "it does not wait at a gate"
        case _:
            return f"{action} does not apply"


def _refuse_advance(live: Rollout, action: Action) -> str | None:
    if live.has_begun_promotion and not (action is Action.SKIP and live.doing is Doing.BAKING):
        return "promotion has begun already"
    if live.doing is Doing.PREFLIGHT and not (action is Action.SKIP and live.held_by):
        passes = "; skip passes the window" if live.held_by else ""
        return f"preflight has not passed yet: {live.reason or 'it is being checked'}{passes}"
    if action is Action.SKIP and live.doing is Doing.SHIFTING:
        return "traffic is being shifted: wait until it has arrived"
    return None


def _refuse_retry(state: Application) -> str | None:
    busy = state.live or state.pending
    if busy is not None:
        return f"rollout {busy.id} is {busy.phase}"
    if state.last is None:
        return "there is no rollout to retry"
    if state.last.phase not in RETRYABLE:
        return f"the last rollout, {state.last.rollout}, {state.last.phase}: there is nothing to retry"
    return None


def _refuse_return(state: Application) -> str | None:
    """Whatever was tried since and taken back, the version that serves is what a rollback takes away."""
    serving, warm = state.serving, state.warm
    if state.way_back is not None:
        return None
    if serving is None:
        return "no rollout is live, and none has succeeded: there is nothing to take back"
    if serving.before is None:
        return f"rollout {serving.rollout}, which brought {serving.version}, knows no version from before it"
    if serving.returned:
        return f"{serving.version} is what you went back to: deploy {serving.before} by name to bring it again"
    overwritten = warm is not None and warm.version == serving.before and warm.overwritten
    since = f", for its place was seen to serve {overwritten}" if overwritten else ""
    by_name = "deploy it by name, and it goes the way of every version"
    return f"version {serving.before} is not kept warm any more{since}: {by_name}"


def begins_rollout(state: Application, override: Override) -> bool:
    """Whether this override, allowed now, begins a rollout of its own."""
    return override.action is Action.RETRY or (override.action is Action.ROLLBACK and state.live is None)


def version_begun(state: Application, action: Action) -> Version | None:
    """Return the version that a retry or a rollback after the end brings, or None when there is none."""
    if action is Action.ROLLBACK:
        gone = state.serving.before if state.serving is not None else None
        return state.way_back.version if state.way_back is not None else gone
    return state.last.version if state.last is not None else None


def origin_begun(state: Application, action: Action) -> RolloutId | None:
    """Return the rollout that a retry tries again, or that a rollback after the end takes back."""
    if action is Action.ROLLBACK:
        return state.way_back.rollout if state.way_back is not None else None
    return state.last.rollout if state.last is not None else None


def changed_meaning(state: Application, override: Override) -> str | None:
    """Say why this override, allowed now, is not what the person was told any more, or None when it is."""
    if not override.begins or state.live is None or begins_rollout(state, override):
        return None
    return f"it was to begin a rollout, and rollout {state.live.id} is live by now"


def may_be_superseded(live: Rollout) -> bool:
    """Whether a newer deployment may send everyone back to the stable version, to begin from there."""
    return live.phase in BEFORE_PROMOTION and not live.has_begun_promotion and not live.no_return


def deployment_refusal(state: Application, version: Version) -> str | None:
    """Say why a deployment of this version cannot be taken now, or None when it can start or wait its turn."""
    if state.spec is None:
        return "the application has no release spec"
    if bringing(state, version) is not None:
        return f"version {version} is what {bringing(state, version)} brings"
    if state.live is not None and state.spec.when_busy is WhenBusy.REJECT:
        return f"rollout {state.live.id} is {state.live.phase}, and the spec says whenBusy: reject"
    return None


def bringing(state: Application, version: Version) -> RolloutId | None:
    """Return the rollout that brings, or brought, this version to production, if one does."""
    for rollout in (state.live, state.pending):
        if rollout is not None and rollout.version == version and rollout.phase is not Phase.ROLLING_BACK:
            return rollout.id
    if state.live is None and state.pending is None and state.serving is not None and state.serving.version == version:
        return state.serving.rollout
    return None


def admission_refusal(state: Application, version: Version | None = None) -> str | None:
    """Say why CI should not overwrite a candidate's place now (with `version`), or None when it may."""
    if state.spec is None:
        return "the application has no release spec"
    if state.frozen is not None:
        return f"it is frozen: {state.frozen.reason or 'no reason given'}"
    if state.pending is not None:
        return f"rollout {state.pending.id} of version {state.pending.version} waits its turn"
    if state.live is None:
        return None
    supersedes = state.spec.when_busy is WhenBusy.SUPERSEDE and state.live.version != version
    if supersedes and may_be_superseded(state.live):
        return None
    return f"rollout {state.live.id} of version {state.live.version} is {state.live.phase}"
