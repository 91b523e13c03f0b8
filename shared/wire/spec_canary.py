"""The canary of a release spec: weights that rise, bakes that can be judged, gates."""

from datetime import timedelta
from typing import Final

from shared.domain.rollout.spec import Bake, Canary, CanaryStep, Gate, Measuring, Outcome
from shared.domain.rollout.weight import NONE, Weight
from shared.wire.durations import LONGEST, format_duration, parse_duration
from shared.wire.findings import Part, found
from shared.wire.quantities import format_weight, parse_weight
from shared.wire.spec_measuring import is_window_known, refuse_duration

SHORTEST_DEFAULT_BAKE: Final = timedelta(minutes=5)
LONGEST_PER_SHORTEST: Final = 6
DEFAULT_GATE_TIMEOUT: Final = timedelta(days=1)

_DEFAULT_BAKE: Final = ("strategy", "canary", "bake")


def read_canary(part: Part, measuring: Measuring) -> Canary:
    """Read `strategy.canary`. What a step's bake does not say, the canary's own bake says."""
    bake = _read_default_bake(part.child("bake"), measuring)
    steps = part.child("steps").children()
    _refuse_falling(steps)
    promotion = part.child("promotion")
    return Canary(
        steps=tuple(_read_step(step, bake, measuring) for step in steps),
        promotion_bake=_read_bake(promotion.child("bake"), bake, measuring),
        promotion_gate=_read_gate(promotion.child("gate")),
    )


def longest_bake(canary: Canary) -> timedelta:
    """Return how long the slowest step may bake."""
    return max(bake.maximum for bake in (*(step.bake for step in canary.steps), canary.promotion_bake))


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


def _read_default_bake(part: Part, measuring: Measuring) -> Bake:
    shortest = max(SHORTEST_DEFAULT_BAKE, measuring.window)
    minimum = part.child("min").read(parse_duration, shortest)
    default = Bake(minimum=minimum, maximum=min(LONGEST_PER_SHORTEST * minimum, LONGEST))
    return _read_bake(part, default, measuring)


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
