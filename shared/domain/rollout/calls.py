"""The calls of hooks: which are under way, and how one begins."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from shared.domain.names import RolloutId, Version
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.events import HookBegun
from shared.domain.rollout.plan import RunHook
from shared.domain.rollout.readings import Need, ReadHook
from shared.domain.rollout.spec import Hook, Stage
from shared.domain.rollout.state import Application, HookRun, Rollout, Warm

LOOKED_AT_ONCE: Final = 3


def running(state: Application) -> Iterator[HookRun]:
    """Yield each call that is not over."""
    in_plan = (state.live.hook,) if state.live is not None and state.live.hook is not None else ()
    return (run for run in (*in_plan, *state.duties) if not run.is_over)


def is_held(state: Application, run: HookRun) -> bool:
    """Whether the clocks of the step that waits for a call stand still; what is called after the end has its own."""
    live = state.live
    waits = live is not None and live.hook is not None and live.hook.call_id == run.call_id
    return waits and live is not None and live.held_since is not None


def to_look_at(state: Application, now: datetime) -> Iterator[Need]:
    """Yield calls whose time to be looked at has come: some at a time, so that there is time to look at users too."""
    due = (run for run in running(state) if run.token and run.look_at is not None and run.look_at <= now)
    return (ReadHook(run.hook.call, run.token or "", run.call_id) for run in islice(due, LOOKED_AT_ONCE))


def begin_hook(draft: Draft, live: Rollout) -> None:
    """Say that the hook of the present step is to be called."""
    step = live.plan[live.step]
    if isinstance(step, RunHook):
        _begin(draft, live.id, live.version, step.hook, live.step)


def begin_after(draft: Draft, over: Rollout, stage: Stage) -> None:
    """Say that the hooks of a stage after the end are to be called."""
    for hook in over.spec.hooks if over.spec else ():
        if hook.at is stage:
            _begin(draft, over.id, over.version, hook, len(over.plan))


def begin_contracts(draft: Draft, warm: Warm) -> None:
    """Say that what only the version before needed is to be taken away."""
    for hook in warm.contracts:
        _begin(draft, warm.rollout, warm.serving, hook, warm.steps)


def _begin(draft: Draft, rollout: RolloutId, version: Version, hook: Hook, step: int) -> None:
    run = HookRun(
        hook=hook,
        call_id=f"{rollout}.{step}.{hook.name}",
        rollout=rollout,
        version=version,
        step=step,
        since=draft.now,
        deadline=draft.now + hook.timeout,
    )
    draft.record(HookBegun(at=draft.now, rollout=rollout, run=run))
