"""Time has passed: look at what there is to see, and decide on it."""

from collections.abc import Iterator
from datetime import datetime

from shared.domain.rollout import events as e
from shared.domain.rollout.aftercare import decide_aftercare
from shared.domain.rollout.calls import begin_contracts, is_held, running
from shared.domain.rollout.commands import Tick
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.needs import MEASURED, is_due
from shared.domain.rollout.on_hook import decide_hooks
from shared.domain.rollout.preflight import decide_preflight
from shared.domain.rollout.readings import Readings
from shared.domain.rollout.settle import decide_settled
from shared.domain.rollout.state import Application, Doing, OpenEffect, Phase, Rollout
from shared.domain.rollout.steps import descend, fail, time_out
from shared.domain.rollout.swap import decide_swap
from shared.domain.rollout.timing import CALL_LIMIT, REMINDER, SWAP_LIMIT
from shared.domain.rollout.watch import decide_news, decide_shifting, decide_watch
from shared.domain.spans import span_in_words

OVERDUE_AS_A_WHOLE = frozenset(
    {Doing.PREFLIGHT, Doing.PREPARING, Doing.SHIFTING, Doing.SWAPPING, Doing.CLEARING, Doing.RELEASING}
)
"""What has only the progress deadline; a bake and a gate have their own, and see what was measured first."""


def decide_tick(draft: Draft, command: Tick, readings: Readings) -> None:
    """Do whatever is due. A tick that comes early, late or twice finds nothing due and changes nothing."""
    _remind(draft)
    decide_hooks(draft, readings)
    _end_warmth(draft)
    live = draft.state.live
    if live is None and draft.state.aftercare is not None:
        decide_aftercare(draft, draft.state.aftercare, readings)
    if live is None or live.spec is None or _overdue(draft, live):
        return
    if not is_due(live, command, draft.now):
        return
    if command.news and live.doing in MEASURED and not readings.is_check:
        decide_news(draft, live, live.spec, readings)
        return
    match live.doing:
        case Doing.PREFLIGHT:
            decide_preflight(draft, live, readings)
        case Doing.BAKING | Doing.AWAITING_APPROVAL | Doing.DECIDING | Doing.RUNNING_HOOK | Doing.AWAITING_RELEASE:
            decide_watch(draft, live, live.spec, readings)
        case Doing.PREPARING | Doing.SHIFTING | Doing.CLEARING | Doing.RELEASING:
            decide_shifting(draft, live, live.spec, readings)
        case Doing.SWAPPING | Doing.SWAPPING_BACK:
            decide_swap(draft, live, readings)
        case Doing.SETTLING:
            decide_settled(draft, live, readings)
        case Doing.ZEROING if live.descend_at is not None:
            descend(draft, live, live.descend_at)
        case _:
            draft.record(e.Looked(at=draft.now, rollout=live.id, look_at=draft.now + REMINDER))


def next_wake(state: Application) -> datetime | None:
    """Return when the application next has something to do by itself, or None when only news can wake it."""
    times = [claimable_at(row) for row in state.effects]
    look = next_look(state)
    return min((*times, *((look,) if look else ())), default=None)


def claimable_at(row: OpenEffect) -> datetime:
    """Return when a worker that did not open the row may perform it."""
    return row.due if row.begun is None else row.begun + CALL_LIMIT


def next_look(state: Application) -> datetime | None:
    """Return when a tick next has something to decide."""
    times: list[datetime] = []
    if state.frozen is not None:
        times.append(state.frozen.remind_at)
    if state.live is not None:
        times.extend(_wakes_of(state.live))
    elif state.aftercare is not None:
        times.append(state.aftercare.look_at)
    if state.warm is not None and not state.brings_back_warm:
        times.append(state.warm.until)
    pending = state.pending
    if state.live is None and pending is not None and not state.freezes(pending):
        times += [at for at in (pending.look_at or pending.opens_at,) if at is not None]
    for run in running(state):
        times += [run.look_at] if run.look_at is not None and run.token else []
        times += [run.deadline] if not is_held(state, run) else []
    return min(times, default=None)


def _wakes_of(live: Rollout) -> Iterator[datetime]:
    if live.look_at is not None:
        yield live.look_at
    if live.paused is not None:
        yield live.paused.remind_at
    if live.deadline is not None and live.held_since is None and _has_whole_deadline(live):
        yield live.deadline


def _has_whole_deadline(live: Rollout) -> bool:
    passes_gate = live.doing is Doing.AWAITING_APPROVAL and live.approved
    return live.doing in OVERDUE_AS_A_WHOLE or live.phase is Phase.ROLLING_BACK or passes_gate or live.is_let_on


def _remind(draft: Draft) -> None:
    now, frozen, live = draft.now, draft.state.frozen, draft.state.live
    if frozen is not None and frozen.remind_at <= now:
        draft.record(e.FreezeReminded(at=now, remind_at=now + REMINDER))
    if live is not None and live.paused is not None and live.paused.remind_at <= now:
        draft.record(e.PauseReminded(at=now, rollout=live.id, remind_at=now + REMINDER))


def _end_warmth(draft: Draft) -> None:
    """Say that the version before is not kept any more, and begin what was to wait for that."""
    warm = draft.state.warm
    if warm is None or warm.until > draft.now or draft.state.brings_back_warm:
        return
    draft.record(e.WarmthEnded(at=draft.now, rollout=warm.rollout, version=warm.version))
    begin_contracts(draft, warm)


def _overdue(draft: Draft, live: Rollout) -> bool:
    """Act on the deadline of the whole, if it passed; return whether that decided the tick."""
    if live.deadline is None or live.deadline > draft.now or live.held_since or not _has_whole_deadline(live):
        return False
    if live.phase is Phase.ROLLING_BACK:
        why = f"it is still {live.doing} after {span_in_words(SWAP_LIMIT)}"
        draft.record(e.StuckFlagged(at=draft.now, rollout=live.id, why=why))
        return False
    if live.doing is Doing.PREFLIGHT:
        fail(draft, live, live.reason or "preflight did not pass in time")
        return True
    assert live.spec is not None
    time_out(draft, live, live.spec.deadlines.otherwise, f"no progress in time while {live.doing}")
    return draft.state.live is None or draft.state.live.phase is not live.phase
