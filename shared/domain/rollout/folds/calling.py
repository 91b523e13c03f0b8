"""What is known of a hook's call: begun, heard of, ended, or in doubt."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.domain.rollout import events as e
from shared.domain.rollout.effects import CallHook
from shared.domain.rollout.folds.folding import on_live, on_rollout
from shared.domain.rollout.hooks import HookState
from shared.domain.rollout.spec import IN_PLAN
from shared.domain.rollout.state import Application, HookRun, Rollout

LONGEST_WHY: Final = 500


def hook_begun(state: Application, event: e.HookBegun) -> Application:
    """A hook of the plan is its step's; one after the end is a duty of the application."""
    if event.run.hook.at in IN_PLAN:
        # From here on it may have happened: nothing goes back past it unless the other side says that it failed.
        passing = event.run.hook.name if event.run.hook.no_return else ""
        return on_rollout(state, event.rollout, lambda r: replace(r, hook=event.run, no_return=r.no_return or passing))
    return replace(state, duties=(*state.duties, event.run))


def hook_heard(run: HookRun, event: e.HookHeard) -> HookRun:
    """Only what there is a token for can be asked for: anything else calls back, or has not answered yet."""
    token = run.token if event.token is None else event.token
    return replace(
        run,
        status=event.status,
        token=token,
        in_doubt_since=run.in_doubt_since or event.in_doubt_since,
        look_at=event.look_at if token else None,
    )


def hook_ended(state: Application, event: e.HookEnded) -> Application:
    """A hook of the plan stays with its step, which goes on or back by it; one after the end is done with."""
    without = replace(state, duties=tuple(run for run in state.duties if run.call_id != event.call_id))

    def over(rollout: Rollout) -> Rollout:
        if rollout.hook is None or rollout.hook.call_id != event.call_id:
            return rollout
        run = replace(rollout.hook, status=event.status, look_at=None)
        failed = event.status.state is HookState.FAILED and rollout.no_return == run.hook.name
        return replace(rollout, hook=run, no_return="" if failed else rollout.no_return, look_at=event.at)

    return on_live(without, over)


def on_call(state: Application, call_id: str, change: Callable[[HookRun], HookRun]) -> Application:
    """Change the run with this id, wherever it is kept."""
    duties = tuple(change(run) if run.call_id == call_id else run for run in state.duties)

    def changed(rollout: Rollout) -> Rollout:
        run = rollout.hook
        return replace(rollout, hook=change(run)) if run is not None and run.call_id == call_id else rollout

    return on_live(replace(state, duties=duties), changed)


def call_failed(state: Application, effect: CallHook, why: str) -> Application:
    """Keep what came of the last attempt where people look, until something is heard of the call."""

    def failed(run: HookRun) -> HookRun:
        status = run.status if run.is_over else replace(run.status, detail=why[:LONGEST_WHY])
        return replace(run, status=status, failed_attempts=run.failed_attempts + 1)

    return on_call(state, effect.call_id, failed)


def doubted(state: Application, effect: CallHook, begun: datetime) -> Application:
    """Remember since when a hook's call may have been made without an answer that was heard."""
    return on_call(state, effect.call_id, lambda run: replace(run, in_doubt_since=run.in_doubt_since or begun))
