"""The strategy of a release spec: weights that rise, or a switch; bakes that can be judged, gates."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from shared.domain.rollout.measuring import Measuring
from shared.domain.rollout.spec import AbTest, Bake, BlueGreen, Canary, CanaryStep, Descent, Gate, Outcome, Strategy
from shared.domain.rollout.weight import NONE, Weight
from shared.wire.durations import LONGEST, format_duration, parse_duration
from shared.wire.findings import Part, found
from shared.wire.quantities import format_weight, parse_weight
from shared.wire.spec_experiment import read_experiment
from shared.wire.spec_measuring import is_window_known, refuse_duration

DEFAULT_BAKE: Final = Bake(minimum=timedelta(minutes=1), maximum=timedelta(minutes=30))
"""A step is passed on evidence, so its least time may be short."""
DEFAULT_PROMOTION_BAKE: Final = Bake(minimum=timedelta(minutes=20), maximum=timedelta(minutes=60))
"""What shows late only, shows after the promotion."""
LONGEST_PER_SHORTEST: Final = 3
FIRST_WEIGHTS: Final = tuple(Weight(percent * 1000) for percent in (1, 5, 20, 50))
"""Where a spec says the smallest regression to see instead of weights."""
DEFAULT_GATE_TIMEOUT: Final = timedelta(days=1)

_DEFAULT_BAKE: Final = ("strategy", "canary", "bake")


STEPS_AT_MOST: Final = 50
DEFAULT_DESCENT: Final = timedelta(minutes=1)


def read_strategy(part: Part, measuring: Measuring) -> Strategy:
    """Read `strategy`, which is one of its members."""
    if part.child("blueGreen").exists:
        return _read_blue_green(part.child("blueGreen"), measuring)
    if part.child("experiment").exists:
        return read_experiment(
            part.child("experiment"), measuring, lambda bake: _read_own_bake(bake, DEFAULT_PROMOTION_BAKE, measuring)
        )
    return read_canary(part.child("canary"), measuring)


def _read_blue_green(part: Part, measuring: Measuring) -> BlueGreen:
    preview = part.child("preview")
    bake = preview.child("bake")
    return BlueGreen(
        bake=_read_own_bake(part.child("bake"), DEFAULT_PROMOTION_BAKE, measuring),
        preview_bake=_read_own_bake(bake, DEFAULT_BAKE, measuring) if bake.exists else None,
        preview_gate=_read_gate(preview.child("gate")),
    )


def read_canary(part: Part, measuring: Measuring) -> Canary:
    """Read `strategy.canary`. What a step's bake does not say, the canary's own bake says.

    A canary without steps, which the schema takes only beside a smallest regression, gets four.
    """
    bake = _read_own_bake(part.child("bake"), DEFAULT_BAKE, measuring)
    steps = part.child("steps").children()
    _refuse_falling(steps)
    promotion = part.child("promotion")
    grown = tuple(CanaryStep(weight=weight, bake=bake) for weight in _read_growth(part))
    given = tuple(_read_step(step, bake, measuring) for step in steps)
    given = given or grown
    return Canary(
        steps=given or tuple(CanaryStep(weight=weight, bake=bake) for weight in FIRST_WEIGHTS),
        promotion_bake=_read_bake(promotion.child("bake"), bake, measuring)
        if part.child("bake").exists
        else _read_own_bake(promotion.child("bake"), DEFAULT_PROMOTION_BAKE, measuring),
        promotion_gate=_read_gate(promotion.child("gate")),
        descent=_read_descent(part.child("rollback")),
    )


def _read_descent(part: Part) -> Descent | None:
    if not part.exists:
        return None
    steps = part.child("steps").children()
    weights = tuple(step.read(parse_weight, NONE) for step in steps)
    for step, weight, before in zip(steps[1:], weights[1:], weights, strict=False):
        if step.is_sound and weight >= before:
            step.refuse(f"{found(step.path, step.value)}allowed is less than the {_percent(before)} before it")
    return Descent(weights=weights, every=part.child("every").read(parse_duration, DEFAULT_DESCENT))


def _read_growth(part: Part) -> tuple[Weight, ...]:
    """Return the weights that grow by a rule; none where there is no rule."""
    linear, exponential = part.child("linear"), part.child("exponential")
    others = [each for each in (part.child("steps"), linear, exponential) if each.exists]
    for each in others[1:]:
        each.refuse("allowed is one of steps, linear and exponential")
    if linear.exists:
        step = linear.child("step").read(parse_weight, NONE)
        start = linear.child("start").read(parse_weight, step)
        return _growing(linear, start, lambda weight: weight + step)
    if exponential.exists:
        factor = exponential.child("factor").read(float, 2.0)
        return _growing(
            exponential, exponential.child("start").read(parse_weight, NONE), lambda weight: weight * factor
        )
    return ()


def _growing(part: Part, start: Weight, grow: Callable[[float], float]) -> tuple[Weight, ...]:
    """Return the weights up to `max`, which comes last whether or not a step leads to it."""
    last = part.child("max").read(parse_weight, NONE)
    if not part.is_sound or start == NONE:
        return ()
    if last < start:
        part.child("max").refuse(f"{found(part.child('max').path, _percent(last))}allowed is at least the first weight")
    weights: list[Weight] = []
    weight = float(start)
    while round(weight) < last and len(weights) < STEPS_AT_MOST and grow(weight) > weight:
        weights.append(Weight(round(weight)))
        weight = grow(weight)
    if len(weights) >= STEPS_AT_MOST:
        part.refuse(
            f"comes to {STEPS_AT_MOST} weights or more below {_percent(last)}; allowed is a larger step or factor"
        )
    return tuple(dict.fromkeys((*weights, last)))


def longest_bake(strategy: Strategy) -> timedelta:
    """Return how long the slowest step may bake."""
    return max(bake.maximum for bake in _bakes(strategy))


def _bakes(strategy: Strategy) -> Iterator[Bake]:
    match strategy:
        case Canary():
            yield from (step.bake for step in strategy.steps)
            yield strategy.promotion_bake
        case AbTest():
            yield strategy.promotion_bake
        case BlueGreen():
            yield strategy.bake
            if strategy.preview_bake is not None:
                yield strategy.preview_bake


def _read_step(part: Part, bake: Bake, measuring: Measuring) -> CanaryStep:
    return CanaryStep(
        weight=_weight_of(part).read(parse_weight, NONE),
        bake=_read_bake(part.child("bake"), bake, measuring),
        gate=_read_gate(part.child("gate")),
    )


def _weight_of(step: Part) -> Part:
    return step.child("weight") if isinstance(step.value, dict) else step


def _refuse_falling(steps: tuple[Part, ...]) -> None:
    highest = NONE
    for step in steps:
        part = _weight_of(step)
        weight = part.read(parse_weight, NONE)
        if not (part.exists and part.is_sound):
            continue
        if weight <= highest:
            part.refuse(f"{found(part.path, part.value)}allowed is more than the {_percent(highest)} before it")
        highest = max(weight, highest)


def _percent(weight: Weight) -> str:
    return f"{format_weight(weight)}%"


def _read_own_bake(part: Part, default: Bake, measuring: Measuring) -> Bake:
    """Read a bake that no other one stands behind. Its longest time fits to its least where it says that only."""
    minimum = part.child("min").read(parse_duration, max(default.minimum, measuring.window))
    maximum = max(default.maximum, min(LONGEST_PER_SHORTEST * minimum, LONGEST))
    return _read_bake(part, Bake(minimum=minimum, maximum=maximum), measuring)


def _read_bake(part: Part, default: Bake, measuring: Measuring) -> Bake:
    bake = Bake(
        minimum=part.child("min").read(parse_duration, default.minimum),
        maximum=part.child("max").read(parse_duration, default.maximum),
        otherwise=part.child("otherwise").read(Outcome, default.otherwise),
    )
    if part.exists and part.is_sound and not part.findings.concern(_DEFAULT_BAKE):
        _refuse_unjudgeable(part, bake, measuring)
    return bake


def _refuse_unjudgeable(part: Part, bake: Bake, measuring: Measuring) -> None:
    shortest, longest = part.child("min"), part.child("max")
    if bake.maximum <= bake.minimum:
        refuse_duration(longest, bake.maximum, f"allowed is more than min, {format_duration(bake.minimum)}")
    if not is_window_known(part):
        return
    window, first_seen = measuring.window, measuring.window + measuring.lag
    if bake.minimum < window:
        refuse_duration(shortest, bake.minimum, f"allowed is at least one window, {format_duration(window)}")
    if bake.minimum < bake.maximum < first_seen:
        refuse_duration(
            longest,
            bake.maximum,
            f"allowed is at least {format_duration(first_seen)}: before a window and its lag are over "
            "there is nothing to judge",
        )


def _read_gate(part: Part) -> Gate | None:
    if not part.exists:
        return None
    return Gate(
        name=part.child("name").read(str, ""),
        timeout=part.child("timeout").read(parse_duration, DEFAULT_GATE_TIMEOUT),
        otherwise=part.child("otherwise").read(Outcome, Outcome.ROLLBACK),
    )
