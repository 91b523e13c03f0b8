"""A document as it was read: its value, and where in the text each part of it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]
"""The keys and positions that lead to a part of a document."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The line of a value, counted from 1, and those of the values in it."""

    line: int
    inside: Mapping[str | int, "Lines"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """What a text says: only dict, list, str, int, float, bool and None, without NaN and infinity."""

    value: Any
    lines: Lines | None = None
    """None where the format has no lines that people count, such as JSON."""

    def line_of(self, path: Path) -> int | None:
        """Return the line of the value at `path`, or of the nearest thing around it."""
        lines = self.lines
        for key in path:
            if lines is None or key not in lines.inside:
                break
            lines = lines.inside[key]
        return lines.line if lines is not None else None
