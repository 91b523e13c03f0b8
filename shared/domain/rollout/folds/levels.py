"""What a target is asked for next: a weight, a preview and an audience, each with a count of its own."""

from dataclasses import replace

from shared.domain.rollout.audience import RequestMark
from shared.domain.rollout.state import Side, TargetState
from shared.domain.rollout.weight import Weight


def new_level(target: TargetState, wanted: Weight, side: Side) -> TargetState:
    """Ask for a weight and a side; what was asked for before is late from now on."""
    return replace(target, wanted=wanted, wanted_side=side, generation=target.generation + 1)


def prepared(target: TargetState, *, prepares: bool) -> TargetState:
    """Ask for a swap with preview, or for its end; where neither is news, nothing is to be done."""
    if target.prepares is prepares:
        return target
    return replace(target, prepares=prepares, preparing_level=target.preparing_level + 1, passes=0)


def for_audience(target: TargetState, mark: RequestMark | None) -> TargetState:
    """Ask for an audience; where there never was one and none is wanted, nothing is to be done."""
    if mark is None and not target.had_audience:
        return target
    return replace(target, audience=mark, audience_level=target.audience_level + 1)
