"""What a seeded defect is, and the list of them all."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

Patch = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Defect:
    """A mistake in one room, by the name that its seed is kept under."""

    name: str
    room: str
    mistake: str
    """What was done wrong, in a sentence."""
    patch: Patch


DEFECTS: dict[str, Defect] = {}


def defect(name: str, room: str, mistake: str) -> Callable[[Patch], Patch]:
    """Add the decorated patch to the list."""

    def add(patch: Patch) -> Patch:
        DEFECTS[name] = Defect(name, room, mistake, patch)
        return patch

    return add


def every_defect() -> tuple[Defect, ...]:
    """Return all of them, in the order of their rooms."""
    from tests.simulation.protocol.defects import (
        in_calendar,
        in_driving,
        in_flags,
        in_keeping,
        in_moving,
        in_pushing,
        in_rules,
    )

    assert in_calendar
    assert in_driving
    assert in_flags
    assert in_keeping
    assert in_moving
    assert in_pushing
    assert in_rules
    return tuple(DEFECTS.values())
