"""What a strategy compiles to: a flat list of steps, each with all that it needs to run."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.experiments.experiment import Goal
from shared.domain.rollout.audience import MarkedUsers
from shared.domain.rollout.membership import PROMOTION, START
from shared.domain.rollout.membership import Stage as ReleaseStage
from shared.domain.rollout.spec import (
    AbTest,
    Bake,
    BlueGreen,
    Canary,
    ExperimentEnds,
    Gate,
    Hook,
    Outcome,
    Promotes,
    Spec,
    Stage,
    Strategy,
)
from shared.domain.rollout.weight import ALL, NONE, Weight


@dataclass(frozen=True, slots=True)
class AwaitApproval:
    """Wait until a person approves."""

    gate: Gate


@dataclass(frozen=True, slots=True)
class RunHook:
    """Call a hook and wait for what it comes to."""

    hook: Hook


@dataclass(frozen=True, slots=True)
class AwaitRelease:
    """Wait until the release of several applications opens this stage."""

    stage: ReleaseStage


@dataclass(frozen=True, slots=True)
class Prepare:
    """Put production's settings on the slots that ask for a preview, and see the candidate well with them."""

    least: timedelta
    """How long the looks that must find it well take."""
    most: timedelta
    otherwise: Outcome
    """What happens when they are not well by then."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Send a share of the users to the candidate and judge it there; at no share, on what testers send it."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """Let both versions serve side by side until an experiment is over; guards watch the candidate meanwhile."""

    weight: Weight
    goal: Goal
    ends: ExperimentEnds
    promotes: Promotes
    audience: MarkedUsers | None = None


Step = AwaitApproval | RunHook | AwaitRelease | Prepare | Shift | Compare | Promote
Bakes = Shift | Promote
"""The steps that are passed when the candidate was judged healthy for long enough."""


def compile_plan(spec: Spec, *, staged: bool = False) -> tuple[Step, ...]:
    """Return the plan of a spec's strategy, with its hooks; `staged` as a member of a release follows it."""
    match spec.strategy:
        case Canary() as canary:
            steps = compile_canary(canary, spec.judging.hold_back)
        case BlueGreen() as blue_green:
            steps = compile_blue_green(blue_green)
        case AbTest() as ab_test:
            steps = compile_ab_test(ab_test, spec.judging.hold_back)
    return with_hooks(prepared(steps, spec), spec.hooks, staged=staged)


def prepared(steps: tuple[Step, ...], spec: Spec) -> tuple[Step, ...]:
    """Return a strategy's plan with the preparation of a swap with preview, where any slot asks for one.

    It comes before the promotion; where no user meets the candidate before that, at the start, so that testers and
    whoever approves see it as it will be in production.
    """
    checks = [target.health for target in spec.targets if target.swap_with_preview]
    if not checks:
        return steps
    deadlines = spec.deadlines
    step = Prepare(max(check.every * check.passes for check in checks), deadlines.progress, deadlines.otherwise)
    promotion = next((at for at, each in enumerate(steps) if isinstance(each, Promote)), 0)
    at = promotion if any(brings_users(each) for each in steps) else 0
    return (*steps[:at], step, *steps[at:])


def with_hooks(steps: tuple[Step, ...], hooks: tuple[Hook, ...], *, staged: bool = False) -> tuple[Step, ...]:
    """Return the plan with each hook where it is called, behind the gates that come before the same step.

    A member of a release waits for it at the start, and before each weight and the promotion: behind their gates, since
    people take their time, and before their hooks, since what those do may not be undone. Where nothing lies between
    the start and the first weight, one wait is enough.
    """
    first = (*_at(hooks, Stage.EXPAND), *_at(hooks, Stage.BEFORE_ROLLOUT))
    hooked = tuple(_released_first(tuple(_hooked(steps, hooks, staged=staged))))
    starts = staged and (bool(first) or not isinstance(hooked[0], AwaitRelease))
    return (*((AwaitRelease(START),) if starts else ()), *first, *hooked)


def without_hooks(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the plan as its strategy made it."""
    return tuple(step for step in steps if not isinstance(step, RunHook | AwaitRelease | Prepare))


def _hooked(steps: tuple[Step, ...], hooks: tuple[Hook, ...], *, staged: bool) -> Iterator[Step]:
    weights = 0
    for step in steps:
        if isinstance(step, Promote) or brings_users(step):
            weights += 1
            if staged:
                yield AwaitRelease(PROMOTION if isinstance(step, Promote) else ReleaseStage(weights))
            yield from _at(hooks, Stage.BEFORE_INCREASE)
        if isinstance(step, Promote):
            yield from _at(hooks, Stage.BEFORE_PROMOTION)
        yield step


def _released_first(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Yield the steps with each wait for a release before a preparation that it would follow.

    A prepared site refuses other changes: it does not wait so for others.
    """
    for before, step, after in zip((None, *steps), steps, (*steps[1:], None), strict=False):
        if isinstance(step, Prepare) and isinstance(after, AwaitRelease):
            yield after
        elif isinstance(step, AwaitRelease) and isinstance(before, Prepare):
            yield before
        else:
            yield step


def _at(hooks: tuple[Hook, ...], stage: Stage) -> Iterator[RunHook]:
    return (RunHook(hook) for hook in hooks if hook.at is stage)


def compile_canary(canary: Canary, hold_back: Weight = NONE) -> tuple[Step, ...]:
    """Return the plan of a canary: each weight behind its gate, then promotion behind its own, with a hold-back."""
    return (*_canary_steps(canary), Promote(canary.promotion_bake, hold_back=hold_back))


def compile_blue_green(blue_green: BlueGreen) -> tuple[Step, ...]:
    """Return the plan of a switch: what is seen before any user comes, a gate, then everyone at once."""
    preview = (Shift(NONE, blue_green.preview_bake),) if blue_green.preview_bake is not None else ()
    gate = (AwaitApproval(blue_green.preview_gate),) if blue_green.preview_gate is not None else ()
    return (*preview, *gate, Promote(blue_green.bake))


def compile_ab_test(ab_test: AbTest, hold_back: Weight = NONE) -> tuple[Step, ...]:
    """Return the plan of an experiment: both versions side by side, then the promotion of a winner."""
    compare = Compare(
        weight=ab_test.weight,
        goal=ab_test.goal,
        ends=ab_test.ends,
        promotes=ab_test.promotes,
        audience=ab_test.audience,
    )
    return (compare, Promote(ab_test.promotion_bake, hold_back=hold_back))


def acts(step: Step) -> bool:
    """Whether something outside is changed or called by entering a step: it does not only wait."""
    return not isinstance(step, AwaitApproval | AwaitRelease)


def brings_users(step: Step) -> bool:
    """Whether a step before the promotion sends users to the candidate."""
    if isinstance(step, Compare):
        return step.weight > NONE or step.audience is not None
    return isinstance(step, Shift) and step.weight > NONE


def compile_return(strategy: Strategy) -> tuple[Step, ...]:
    """Return the plan of a rollback after success: the old version was proven before, so it is promoted at once."""
    return (Promote(last_bake(strategy), proven=True),)


def last_bake(strategy: Strategy) -> Bake:
    """Return the bake after the promotion."""
    return strategy.bake if isinstance(strategy, BlueGreen) else strategy.promotion_bake


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
            case Shift() | Compare():
                return step.weight
            case Promote():
                return ALL
            case AwaitApproval() | RunHook() | AwaitRelease() | Prepare():
                continue
    return ALL
