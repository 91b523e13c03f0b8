"""What a flag is looked at among: the other flags, the segments, and who makes searches of patterns."""

from collections.abc import Mapping

from shared.domain.flags.model import Flag, Segment
from shared.domain.flags.nesting import Nesting
from shared.domain.flags.operators import Regexes, Search
from shared.domain.names import FlagKey, SegmentKey


class Surroundings:
    """Everything of one environment. A pattern is made into a search once, however many clauses have it."""

    def __init__(self, flags: Mapping[FlagKey, Flag], segments: Mapping[SegmentKey, Segment], regexes: Regexes) -> None:
        self.flags = flags
        self.segments = segments
        self.nesting = Nesting(flags, segments)
        self.faults: dict[SegmentKey, str | None] = {}
        """Why a segment cannot be asked, of those that were looked at."""
        self._regexes = regexes
        self._searches: dict[str, Search | ValueError] = {}

    def search(self, pattern: str) -> Search:
        """Return the search of the pattern. Raises ValueError that says why there is none."""
        if pattern not in self._searches:
            self._searches[pattern] = self._made(pattern)
        search = self._searches[pattern]
        if isinstance(search, ValueError):
            raise search
        return search

    def _made(self, pattern: str) -> Search | ValueError:
        try:
            return self._regexes(pattern)
        except ValueError as error:
            return error
