"""How deep flags and segments need one another: never in a circle, and never so deep that a machine gives up."""

from collections.abc import Iterable, Mapping

from shared.domain.flags.model import All, AnyOf, Condition, Flag, InSegment, Not, Segment
from shared.domain.names import FlagKey, SegmentKey

MOST_LEVELS = 20
"""How deep conditions may lie in one another, those of segments counted in, and how long a chain of prerequisites may
be."""


class Nesting:
    """Measures flags and segments that know each other; what was measured once is remembered."""

    def __init__(self, flags: Mapping[FlagKey, Flag], segments: Mapping[SegmentKey, Segment]) -> None:
        self._flags = flags
        self._segments = segments
        self._of_segments: dict[SegmentKey, int] = {}
        self._of_flags: dict[FlagKey, int] = {}

    def check_condition(self, condition: Condition) -> None:
        """Raise ValueError that says so where it lies too deep, or a segment in it needs itself."""
        self._condition(condition, (), MOST_LEVELS)

    def check_segment(self, segment: Segment) -> None:
        """Raise ValueError that says so where the segment lies too deep or needs itself."""
        for rule in segment.rules:
            self._condition(rule.condition, (segment.key,), MOST_LEVELS)

    def check_prerequisites(self, flag: Flag) -> None:
        """Raise ValueError that says so where the chain of prerequisites is too long or is a circle."""
        for prerequisite in flag.prerequisites:
            self._flag(prerequisite.flag, (flag.key,), MOST_LEVELS)

    def _condition(self, condition: Condition, trail: tuple[SegmentKey, ...], left: int) -> int:
        """Return how many levels the condition has."""
        _check_left(left, "conditions and segments nest")
        match condition:
            case All(conditions) | AnyOf(conditions):
                return 1 + max((self._condition(each, trail, left - 1) for each in conditions), default=0)
            case Not(inner):
                return 1 + self._condition(inner, trail, left - 1)
            case InSegment(segments):
                return 1 + max((self._segment(each, trail, left - 1) for each in segments), default=0)
            case _:
                return 1

    def _segment(self, key: SegmentKey, trail: tuple[SegmentKey, ...], left: int) -> int:
        _check_circle(key, trail, "segments")
        levels = self._of_segments.get(key)
        if levels is None:
            segment = self._segments.get(key)
            rules = segment.rules if segment else ()
            levels = max((self._condition(rule.condition, (*trail, key), left) for rule in rules), default=0)
            self._of_segments[key] = levels
        _check_left(left - levels + 1, "conditions and segments nest")
        return levels

    def _flag(self, key: FlagKey, trail: tuple[FlagKey, ...], left: int) -> int:
        _check_circle(key, trail, "prerequisites")
        _check_left(left, "prerequisites nest")
        levels = self._of_flags.get(key)
        if levels is None:
            flag = self._flags.get(key)
            needed = flag.prerequisites if flag else ()
            levels = 1 + max((self._flag(each.flag, (*trail, key), left - 1) for each in needed), default=0)
            self._of_flags[key] = levels
        _check_left(left - levels + 1, "prerequisites nest")
        return levels


def _check_left(left: int, what: str) -> None:
    if left <= 0:
        raise ValueError(f"{what} deeper than {MOST_LEVELS} levels")


def _check_circle(key: str, trail: Iterable[str], what: str) -> None:
    names = list(trail)
    if key in names:
        circle = " -> ".join([*names[names.index(key) :], key])
        raise ValueError(f"the {what} need one another in a circle: {circle}")
