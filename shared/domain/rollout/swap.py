"""Watching a swap: a long operation whose proof is the version that production serves."""

from datetime import timedelta

from shared.domain.names import Version
from shared.domain.rollout import events as e
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.guarding import stand_guard
from shared.domain.rollout.readings import Readings, Trouble
from shared.domain.rollout.spec import Place
from shared.domain.rollout.state import Phase, Rollout, Side, TargetState
from shared.domain.rollout.steps import fail_replaced, verify_side
from shared.domain.rollout.timing import HELD_LOOK, SWAP_LOOK


def decide_swap(draft: Draft, live: Rollout, readings: Readings) -> None:
    """Take in what each target's swap has come to; look again while any is running."""
    doing = live.doing
    if live.phase is Phase.PROMOTING and _is_replaced(draft, live, readings):
        return
    if live.phase is Phase.PROMOTING and live.spec is not None and stand_guard(draft, live, live.spec, readings):
        return
    for target in live.targets:
        if target.swap_token is not None:
            _decide_target(draft, live, target, target.swap_token, readings)
    after = draft.state.live
    if after is not None and after.doing is doing and after.look_at is not None and after.look_at <= draft.now:
        draft.record(e.Looked(at=draft.now, rollout=live.id, look_at=draft.now + _until_next_look(after)))


def _until_next_look(live: Rollout) -> timedelta:
    """A swap that runs is over soon; one that was not begun has an outbox row to wake for it, and is only watched."""
    runs = any(target.swap_token is not None for target in live.targets)
    return SWAP_LOOK if runs and live.stuck is None else HELD_LOOK


def _is_replaced(draft: Draft, live: Rollout, readings: Readings) -> bool:
    """Whether what was swapped, or is to be swapped, is neither of the two versions: then it is taken back at once."""
    for target in live.targets:
        found = _found(target, readings)
        if isinstance(found, Trouble) or found in (live.version, target.stable_version):
            continue
        fail_replaced(draft, live, target.name, Version(found))
        return not live.no_return
    return False


def _found(target: TargetState, readings: Readings) -> str | Trouble:
    """Return the version in the place that the swap brings, or brought, the candidate to users from."""
    if target.swap_token is None:
        return readings.version(target.name, Place.CANDIDATE)
    swap = readings.swap(target.name, target.swap_token)
    if isinstance(swap, Trouble) or swap.running:
        return Trouble("a swap is running")
    return readings.version(target.name, Place.PRODUCTION)


def _decide_target(draft: Draft, live: Rollout, target: TargetState, token: str, readings: Readings) -> None:
    swap = readings.swap(target.name, token)
    serves = readings.version(target.name, Place.PRODUCTION)
    if isinstance(swap, Trouble) or swap.running or isinstance(serves, Trouble):
        return
    wanted = live.version if target.wanted_side is Side.CANDIDATE else target.stable_version
    if serves == wanted:
        verify_side(draft, live, target)
        return
    why = swap.failed or f"a swap ended and production serves {serves}, not {wanted}"
    draft.record(e.SwapFailed(at=draft.now, rollout=live.id, target=target.name, why=why))
