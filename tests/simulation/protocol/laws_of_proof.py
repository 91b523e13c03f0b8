"""The laws of proof: nobody is sent further than what was seen to go well allows, or than a person said."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.domain.rollout import events as e
from shared.domain.rollout.plan import AwaitApproval, Compare, Promote, Shift, Step
from shared.domain.rollout.state import Phase, Side, TargetState
from shared.domain.rollout.weight import ALL, NONE, Weight
from tests.simulation.protocol.recipes import ERRORS_AT_MOST, GUARD

if TYPE_CHECKING:
    from tests.simulation.protocol import seen
    from tests.simulation.protocol.watch import Watch

NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Proof:
    """What the law's own book says of a rollout: it does not read what the rules hold to be proven."""

    passed: set[int] = field(default_factory=set)
    """The steps that passed, and those that a person went past."""
    began: datetime | None = None
    """When its newest bake began; a pause moves the clock of the rules, and not what was measured."""

    def allows(self, plan: tuple[Step, ...]) -> Weight:
        """Return the largest share that may be sent: that of the steps that passed, and of the one after them."""
        bearing = [(number, weight) for number, step in enumerate(plan) if (weight := _weight(step)) is not None]
        newest = max((number for number, _ in bearing if number in self.passed), default=-1)
        following = next((weight for number, weight in bearing if number > newest), NONE)
        return max(following, *(weight for number, weight in bearing if number in self.passed), NONE)


def no_weight_is_above_what_was_proven(watch: "Watch", step: "seen.Step") -> None:
    for event in step.events:
        _write_down(watch, step, event)
    live = step.new.live
    if live is None:
        return
    allowed = watch.proofs.setdefault(live.id, Proof()).allows(live.plan)
    for target in live.targets:
        reach = _reach(target)
        if reach > allowed:
            told = f"{live.id} {target.name}: {reach} wanted, {allowed} proven"
            watch.fail("no weight is above what was proven", told)
        if target.proven > allowed:
            told = f"{live.id} {target.name}: {target.proven} is held to be proven, {allowed} is"
            watch.fail("only proof raises what is proven", told)


def nobody_is_sent_there_anew_on_the_way_back(watch: "Watch", step: "seen.Step") -> None:
    old, new = step.old.live, step.new.live
    if old is None or new is None or old.id != new.id or new.phase is not Phase.ROLLING_BACK:
        return
    for target in new.targets:
        before = old.target(target.name)
        if before is not None and target.wanted > before.wanted and target.side is Side.STABLE:
            told = f"{new.id} {target.name}: {before.wanted}, then {target.wanted}"
            watch.fail("nobody is sent there anew on the way back", told)


def only_healthy_advances(watch: "Watch", step: "seen.Step") -> None:
    """A step that passed has been measured: what its bake saw lately keeps within the spec's guard at each target."""
    live = step.old.live
    for event in step.events:
        if not isinstance(event, e.StepPassed) or live is None or live.spec is None or live.returns:
            continue
        proof = watch.proofs.get(live.id)
        since = proof.began if proof is not None else None
        for target in live.spec.targets:
            read = watch.windows.get((target.resource.lower(), target.name), {})
            own = [window for window in read.values() if since is not None and window.start >= since]
            newest = max((window.start for window in own), default=NEVER)
            lately = [window for window in own if window.start > newest - GUARD.over]
            failures, requests = sum(each.failures for each in lately), sum(each.requests for each in lately)
            if requests < 1 or failures > ERRORS_AT_MOST * requests:
                told = f"{live.id} step {event.step} passed; {failures:g} of {requests:g} failed at {target.name}"
                watch.fail("only healthy advances", f"{told} since {newest - GUARD.over:%H:%M}; bake: {since}")


def steps_are_passed_one_by_one(watch: "Watch", step: "seen.Step") -> None:
    live = step.old.live
    at = live.step if live is not None else -1
    rollout = live.id if live is not None else None
    for event in step.events:
        if isinstance(event, e.RolloutStarted):
            at, rollout = -1, event.rollout
        if isinstance(event, e.StepEntered):
            if event.rollout != rollout or (event.step != at + 1 and not event.by):
                watch.fail("steps are passed one by one", f"{event.rollout} entered {event.step} after {at}")
            at = event.step


def a_step_is_left_by_its_proof(watch: "Watch", step: "seen.Step") -> None:
    live = step.old.live
    passed = {event.step for event in step.events if isinstance(event, e.StepPassed)}
    for event in step.events:
        if not isinstance(event, e.StepEntered) or event.by or event.step == 0 or live is None or live.returns:
            continue
        if live.id != event.rollout or live.step < 0 or live.step != event.step - 1:
            continue
        before = live.plan[live.step]
        if isinstance(before, Shift | Promote) and live.step not in passed:
            watch.fail("a step is left by its proof", f"{live.id} left {live.step} for {event.step} unproven")
        if isinstance(before, AwaitApproval) and not live.approved:
            watch.fail("a step is left by its proof", f"{live.id} left the gate {before.gate.name} unapproved")


def _write_down(watch: "Watch", step: "seen.Step", event: e.Event) -> None:
    """Keep the book of one rollout."""
    live = step.new.live or step.old.live
    if live is None or getattr(event, "rollout", None) != live.id:
        return
    proof = watch.proofs.setdefault(live.id, Proof())
    match event:
        case e.StepPassed() | e.BakeSkipped():
            proof.passed.add(event.step)
        case e.BakeStarted():
            proof.began = event.at
        case e.ExperimentEnded():
            proof.passed.add(live.step)
        case e.StepEntered() if event.by:
            proof.passed.update(range(event.step))
        case _:
            pass


def _weight(step: Step) -> Weight | None:
    """Return the share that a step sends to the candidate, or None where it moves nobody."""
    match step:
        case Shift() | Compare():
            return step.weight
        case Promote():
            return ALL
        case _:
            return None


def _reach(target: TargetState) -> Weight:
    """Return the share of users who are to meet the candidate: a swap to it brings it to everyone."""
    return ALL if target.wanted_side is Side.CANDIDATE else target.wanted
