"""The canary of a release spec: weights that rise, bakes that can be judged, gates."""

from datetime import timedelta
from typing import Final

from shared.domain.rollout.measuring import Measuring
from shared.domain.rollout.spec import Bake, Canary, CanaryStep, Gate, Outcome
from shared.domain.rollout.weight import NONE, Weight
from shared.wire.durations import LONGEST, format_duration, parse_duration
from shared.wire.findings import Part, found
from shared.wire.quantities import format_weight, parse_weight
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


def read_canary(part: Part, measuring: Measuring) -> Canary:
    """Read `strategy.canary`. What a step's bake does not say, the canary's own bake says.

    A canary without steps, which the schema takes only beside a smallest regression, gets four.
    """
    bake = _read_own_bake(part.child("bake"), DEFAULT_BAKE, measuring)
    steps = part.child("steps").children()
    _refuse_falling(steps)
    promotion = part.child("promotion")
    given = tuple(_read_step(step, bake, measuring) for step in steps)
    return Canary(
        steps=given or tuple(CanaryStep(weight=weight, bake=bake) for weight in FIRST_WEIGHTS),
        promotion_bake=_read_bake(promotion.child("bake"), bake, measuring)
        if part.child("bake").exists
        else _read_own_bake(promotion.child("bake"), DEFAULT_PROMOTION_BAKE, measuring),
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
