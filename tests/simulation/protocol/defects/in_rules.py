"""Mistakes in the rules themselves: what advances, what is proven, what an end is."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from shared.domain.analysis.measurement import Missing, Sample
from shared.domain.rollout import decide as deciding
from shared.domain.rollout import events as e
from shared.domain.rollout import evolve, moving_on, needs, on_override, settle
from shared.domain.rollout.folds import entering, outbox
from shared.domain.rollout.plan import Promote
from shared.domain.rollout.readings import Readings
from shared.domain.rollout.state import Phase, TargetState
from shared.domain.rollout.weight import ALL
from tests.simulation.protocol.defects.defect import defect
from tests.simulation.protocol.defects.in_driving import together
from tests.simulation.protocol.patching import replaced

Patched = AbstractContextManager[object]


@defect("no data advances", "domain", "a window without values counts as a good one")
def _no_data_advances() -> Patched:
    real = Readings.windows

    def windows(self: Readings, target: Any) -> Any:
        found = real(self, target)
        if not isinstance(found, tuple):
            return found
        good = Sample(requests=1_000, failures=0)
        return tuple(replace(w, candidate=good) if isinstance(w.candidate, Missing) else w for w in found)

    return replaced(Readings, "windows", windows)


@defect("an undecided bake passes", "domain", "whatever is not degraded is healthy")
def _undecided_passes() -> Patched:
    return replaced(moving_on, "_is_healthy", lambda draft, live, spec, least: True)


@defect("pause ignored", "domain", "a rollout that is paused moves on when it is judged healthy")
def _pause_ignored() -> Patched:
    real = evolve.rollout_paused if hasattr(evolve, "rollout_paused") else None
    assert real is not None

    def paused(rollout: Any, event: Any) -> Any:
        return replace(real(rollout, event), held_since=None)

    return replaced(evolve, "rollout_paused", paused)


@defect("weight over what was proven", "domain", "a step sends a tenth more users than the judgement allowed")
def _over_proven() -> Patched:
    real = entering._shifted

    def shifted(target: TargetState, weight: Any, at: Any) -> TargetState:
        return real(target, min(ALL, type(weight)(weight + weight // 10)), at)

    return replaced(entering, "_shifted", shifted)


@defect("rollback ends before zero is seen", "domain", "a rollback is over when the routers were told")
def _ends_before_zero() -> Patched:
    def settled(draft: Any, live: Any, readings: Any) -> None:
        settle.end(draft, live)

    from shared.domain.rollout import on_tick

    return together(
        replaced(on_tick, "decide_settled", settled), replaced(TargetState, "is_back", property(lambda self: True))
    )


@defect("calls under way not waited for", "domain", "a rollback ends while a call that was begun may still land")
def _not_waited_for() -> Patched:
    def quiet(state: Any, live: Any) -> None:
        """Nothing is under way."""

    return together(replaced(settle, "quiet_at", quiet), replaced(needs, "quiet_at", quiet))


@defect("a lost worker's call forgotten", "domain", "a row that changes hands leaves no trace of the first one's call")
def _lost_call_forgotten() -> Patched:
    return replaced(outbox, "_in_doubt", lambda state, begun, at: state)


@defect("two at once", "domain", "a rollout that waits its turn does not wait for the live one to end")
def _two_at_once() -> Patched:
    real = deciding.start_pending

    def start(draft: Any) -> None:
        if draft.state.live is not None and draft.state.live.phase is Phase.ROLLING_BACK:
            pending, spec = draft.state.pending, draft.state.spec
            if pending is not None and spec is not None:
                from shared.domain.rollout.plan import compile_plan

                plan = compile_plan(spec)
                draft.record(e.RolloutStarted(at=draft.now, rollout=pending.id, spec=spec, plan=plan))
            return
        real(draft)

    return replaced(deciding, "start_pending", start)


@defect("a gate approved twice", "domain", "an approval is taken whether the gate was approved or not")
def _approved_twice() -> Patched:
    real = on_override.refusal

    def refusal(state: Any, action: Any, step: Any = None) -> Any:
        why = real(state, action, step)
        return None if why == "the gate was approved already" else why

    from shared.application import accept

    return together(replaced(on_override, "refusal", refusal), replaced(accept, "refusal", refusal))


@defect("promotion without its own proof", "domain", "the last step before the promotion is passed with the one before")
def _steps_skipped() -> Patched:
    real = moving_on._pass_step

    def passed(draft: Any, live: Any, current: Any) -> None:
        real(draft, live, current)
        after = draft.state.live
        if after is not None and not isinstance(current, Promote) and after.step + 1 < len(after.plan):
            moving_on.enter_step(draft, after, after.step + 1, "both at once")

    return replaced(moving_on, "_pass_step", passed)


@defect("success before the router says so", "domain", "a promotion ends when everyone was to be sent there")
def _success_too_soon() -> Patched:
    settled = property(lambda self: True)
    return together(
        replaced(settle, "quiet_at", lambda state, live: None), replaced(TargetState, "is_settled", settled)
    )


@defect("refused in silence", "domain", "a command that cannot be done any more leaves no line in history")
def _refused_in_silence() -> Patched:
    def refuse(draft: Any, command: Any, why_not: str) -> None:
        """Say nothing."""

    return replaced(on_override, "_refuse", refuse)
