"""Hooks: called under one id however often it takes, looked at, and over once."""

from shared.domain.names import RolloutId
from shared.domain.rollout import events as e
from shared.domain.rollout.calls import begin_hook, is_held, running
from shared.domain.rollout.commands import HookAnswered, HookReport
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.readings import Readings, Trouble
from shared.domain.rollout.spec import Outcome
from shared.domain.rollout.state import HookRun, Rollout
from shared.domain.rollout.steps import enter_step, time_out
from shared.domain.rollout.timing import HOOK_LOOK
from shared.domain.rollout.windows import held_before, note_held
from shared.domain.spans import span_in_words


def decide_hooks(draft: Draft, readings: Readings) -> None:
    """Take in how calls stand; what takes too long has failed. One ends at a time, the others at the next look.

    Each end may be told to ten webhooks, and what is decided at once is one transaction of at most 100 rows.
    """
    over: list[tuple[HookRun, HookStatus]] = []
    for run in tuple(running(draft.state)):
        seen = readings.hook(run.call_id)
        if isinstance(seen, HookStatus) and seen.state is not HookState.RUNNING:
            over.append((run, seen))
        elif isinstance(seen, HookStatus):
            draft.record(_heard(draft, run, seen))
        elif isinstance(seen, Trouble):
            status = HookStatus(HookState.RUNNING, f"cannot be looked at: {seen.why}", run.status.progress)
            draft.record(_heard(draft, run, status))
    late = (run for run in running(draft.state) if run.deadline <= draft.now and not is_held(draft.state, run))
    for run, status in (*over, *((run, _too_late(run)) for run in late))[:1]:
        _end(draft, run, status)


def _too_late(run: HookRun) -> HookStatus:
    """Say what a call is that takes too long: failed; where nothing could be undone any more, nobody can tell."""
    may_have_passed = run.hook.no_return and (run.token is not None or run.in_doubt_since is not None)
    state = HookState.UNKNOWN if may_have_passed else HookState.FAILED
    return HookStatus(state, f"not done within {span_in_words(run.hook.timeout)}{_so_far(run)}")


def _so_far(run: HookRun) -> str:
    """Say how often calling came to nothing, and what was heard last."""
    failed = run.failed_attempts
    tried = "" if not failed else f", {failed} attempt{'s' if failed > 1 else ''} to call it came to nothing"
    return f"{tried}{run.status.detail and ': ' + run.status.detail}"


def decide_answer(draft: Draft, outcome: HookAnswered, call_id: str) -> None:
    """Take in what the other side said when it was called."""
    run = draft.state.call(call_id)
    if run is not None and not run.is_over:
        _take_in(draft, run, outcome.status, outcome.token)


def decide_report(draft: Draft, report: HookReport) -> None:
    """Take in what was called back. A call that is over, or that nobody made, changes nothing."""
    run = draft.state.call(report.call_id)
    if run is None or run.is_over:
        known = draft.state.live
        about: RolloutId | None = run.rollout if run else known.id if known else None
        why = "the call is over" if run else "no such call is under way"
        draft.record(e.CommandRefused(at=draft.now, rollout=about, command=report.id, action="hook report", reason=why))
        return
    _take_in(draft, run, report.status)


def _take_in(draft: Draft, run: HookRun, status: HookStatus, token: str | None = None) -> None:
    if status.state is HookState.RUNNING:
        draft.record(_heard(draft, run, status, token))
    else:
        _end(draft, run, status)


def _heard(draft: Draft, run: HookRun, status: HookStatus, token: str | None = None) -> e.HookHeard:
    return e.HookHeard(at=draft.now, call_id=run.call_id, status=status, token=token, look_at=draft.now + HOOK_LOOK)


def _end(draft: Draft, run: HookRun, status: HookStatus, by: str = "") -> None:
    draft.record(
        e.HookEnded(
            at=draft.now,
            rollout=run.rollout,
            call_id=run.call_id,
            hook=run.hook.name,
            stage=run.hook.at,
            status=status,
            by=by,
        )
    )


def refuse_call(draft: Draft, run: HookRun, why: str) -> None:
    """Take in that the other side will never do it, and that nothing was begun."""
    _end(draft, run, HookStatus(HookState.FAILED, why))


def moved_on(draft: Draft, live: Rollout) -> bool:
    """Go on, or back, by what the hook of this step came to; return whether the rollout is somewhere else now."""
    run = live.hook
    if run is None:
        begin_hook(draft, live)
        return False
    if not run.is_over or live.held_since is not None:
        return False
    match run.status.state:
        case HookState.SUCCEEDED:
            holder = held_before(draft, live, live.step + 1)
            if holder is not None:
                note_held(draft, live, holder)
                return False
            enter_step(draft, live, live.step + 1, f"hook {run.hook.name} succeeded")
            return True
        case HookState.FAILED:
            time_out(draft, live, run.hook.otherwise, f"hook {run.hook.name} failed: {run.status.detail}")
            return run.hook.otherwise is Outcome.ROLLBACK
        case HookState.UNKNOWN | HookState.RUNNING:
            why = f"nobody can tell what became of hook {run.hook.name}: {run.status.detail}"
            fix = "look there, then skip it if it was done, or resume to call again"
            time_out(draft, live, Outcome.PAUSE, f"{why}; {fix}")
            return False
