"""What a strategy compiles to: a flat list of steps, each with all that it needs to run."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.rollout.spec import Bake, Canary, Gate
from shared.domain.rollout.weight import ALL, NONE, Weight


@dataclass(frozen=True, slots=True)
class AwaitApproval:
    """Wait until a person approves."""

    gate: Gate


@dataclass(frozen=True, slots=True)
class Shift:
    """Send a share of the users to the candidate and judge it there."""

    weight: Weight
    bake: Bake


@dataclass(frozen=True, slots=True)
class Promote:
    """Make the candidate serve everyone from the production place, and judge it there."""

    bake: Bake
    proven: bool = False
    """Whether an earlier rollout proved the version in production: then it is there as soon as it is verified."""
    hold_back: Weight = NONE
    """The share that stays with the stable version meanwhile, to compare with."""


Step = AwaitApproval | Shift | Promote


def compile_canary(canary: Canary, hold_back: Weight = NONE) -> tuple[Step, ...]:
    """Return the plan of a canary: each weight behind its gate, then promotion behind its own, with a hold-back."""
    return (*_canary_steps(canary), Promote(canary.promotion_bake, hold_back=hold_back))


def compile_return(canary: Canary) -> tuple[Step, ...]:
    """Return the plan of a rollback after success: the old version was proven before, so it is promoted at once."""
    return (Promote(canary.promotion_bake, proven=True),)


def _canary_steps(canary: Canary) -> Iterator[Step]:
    for step in canary.steps:
        if step.gate is not None:
            yield AwaitApproval(step.gate)
        yield Shift(step.weight, step.bake)
    if canary.promotion_gate is not None:
        yield AwaitApproval(canary.promotion_gate)


def weight_after(plan: tuple[Step, ...], index: int) -> Weight:
    """Return the weight that the next shift or promotion after `index` will ask for."""
    for step in plan[index + 1 :]:
        match step:
            case Shift():
                return step.weight
            case Promote():
                return ALL
            case AwaitApproval():
                continue
    return ALL
