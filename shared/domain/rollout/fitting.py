"""Fitting a plan to the traffic: weights that can be judged at all, and weights that see what is to be seen."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from math import ceil

from shared.domain.analysis.guards import GuardConfig, Metric
from shared.domain.analysis.parts import Baseline
from shared.domain.analysis.ramp import ramp_for
from shared.domain.rollout.plan import AwaitApproval, Shift, Step
from shared.domain.rollout.spec import Judging, LowTraffic
from shared.domain.rollout.weight import ALL, ROUNDING, Weight

ENOUGH_REQUESTS = 30
"""A bigger first step gets at least so many requests in its least dwell."""


def fitted(
    plan: tuple[Step, ...], judging: Judging, config: GuardConfig, baselines: tuple[Baseline, ...]
) -> tuple[Step, ...]:
    """Return the plan that fits what was learnt of each target before; the same one where nothing has to change.

    The target with the least traffic decides. Where no traffic was seen, there is nothing to fit a plan to.
    """
    least = min((b for b in baselines if b.requests_per_second > 0), key=lambda b: b.requests_per_second, default=None)
    if least is None or not any(isinstance(step, Shift) for step in plan):
        return plan
    if judging.smallest_regression is not None:
        rate = _usual_errors(least, config)
        ramp = ramp_for(judging.smallest_regression, rate, least.requests_per_second, config)
        return _with_weights(plan, tuple(map(Weight, ramp.weights)), ramp.dwell)
    if judging.low_traffic is LowTraffic.BIGGER_FIRST_STEP:
        return _with_bigger_first_step(plan, least.requests_per_second)
    return plan


def _usual_errors(baseline: Baseline, config: GuardConfig) -> float:
    """Return stable's usual error rate; 0 where no guard looks at errors."""
    errors = (guard.name for guard in config.guards if guard.metric is Metric.ERROR_RATE)
    parts = (baseline.rate(name) for name in errors)
    return next((part.dispersion.usual for part in parts if part is not None), 0.0)


def _with_weights(plan: tuple[Step, ...], weights: tuple[Weight, ...], dwell: timedelta) -> tuple[Step, ...]:
    """Return the plan with other weights, the first of which lasts for `dwell` at least.

    A gate stays before the first weight that reaches the one that it stood before.
    """
    waiting = list(_gated(plan))
    steps: list[Step] = []
    for weight in weights:
        while waiting and waiting[0][1].weight <= weight:
            steps += waiting.pop(0)[0]
        steps.append(replace(_nearest(plan, weight), weight=weight))
    for gates, _ in waiting:
        steps += gates
    first = next(index for index, step in enumerate(steps) if isinstance(step, Shift))
    steps[first] = _with_dwell(steps[first], dwell)
    return (*steps, *_promotion(plan))


def _gated(plan: tuple[Step, ...]) -> Iterator[tuple[tuple[AwaitApproval, ...], Shift]]:
    """Yield each weight with the gates before it."""
    gates: tuple[AwaitApproval, ...] = ()
    for step in plan:
        match step:
            case AwaitApproval():
                gates = (*gates, step)
            case Shift():
                yield gates, step
                gates = ()


def _promotion(plan: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return what comes after the last weight."""
    last = max(index for index, step in enumerate(plan) if isinstance(step, Shift))
    return plan[last + 1 :]


def _nearest(plan: tuple[Step, ...], weight: Weight) -> Shift:
    """Return the spec's step whose bake a weight gets: the first one that reaches it, or the last."""
    shifts = [step for step in plan if isinstance(step, Shift)]
    return next((shift for shift in shifts if shift.weight >= weight), shifts[-1])


def _with_dwell(step: Step, dwell: timedelta) -> Step:
    """Let a weight bake for at least `dwell`, and for as long again before its time is over."""
    if not isinstance(step, Shift) or step.bake.minimum >= dwell:
        return step
    twice = dwell + min(dwell, timedelta.max - dwell)
    bake = replace(step.bake, minimum=dwell, maximum=max(step.bake.maximum, twice))
    return replace(step, bake=bake)


def _with_bigger_first_step(plan: tuple[Step, ...], requests_per_second: float) -> tuple[Step, ...]:
    """Return the plan without weights that get too few requests: the least that gets enough comes first.

    It never goes above the last weight of the plan before promotion.
    """
    shifts = [step for step in plan if isinstance(step, Shift)]
    seconds = shifts[0].bake.minimum.total_seconds()
    requests = requests_per_second * seconds
    needed = min(ALL, ALL * ENOUGH_REQUESTS / requests) if requests else float(ALL if seconds else 0)
    least = Weight(min(shifts[-1].weight, ceil(needed / ROUNDING) * ROUNDING))
    if shifts[0].weight >= least:
        return plan
    kept = tuple(dict.fromkeys((least, *(shift.weight for shift in shifts if shift.weight > least))))
    return _with_weights(plan, kept, timedelta(0))
