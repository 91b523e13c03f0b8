"""Flags that are distributed to a place in memory, which may be unwell."""

from collections.abc import Callable, Iterable

from shared.domain.flags.model import Flag, Segment
from shared.domain.names import FlagKey


class MemoryFlagDistribution:
    """Keeps each flag as it was brought here, with the segments of that time."""

    name = "a place in memory"

    def __init__(self) -> None:
        self.flags: dict[FlagKey, Flag | None] = {}
        self.segments: dict[FlagKey, tuple[Segment, ...]] = {}
        self.brought: list[Flag | None] = []
        self.notes: tuple[str, ...] = ()
        self.troubles: list[Exception] = []
        """Each is raised once, in their order."""
        self.before: Callable[[], None] = lambda: None
        """Called when a flag is about to be written."""

    def bring_up(self, key: FlagKey, flag: Flag | None, segments: Iterable[Segment]) -> tuple[str, ...]:
        """Keep the flag, or raise the next trouble."""
        self.before()
        if self.troubles:
            raise self.troubles.pop(0)
        self.brought.append(flag)
        self.flags[key] = flag
        self.segments[key] = tuple(segments)
        return self.notes
