"""What became of the flags of another product's document: those that were read, and what could not be carried."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.domain.errors import Problem
from shared.domain.flags.model import Flag, Segment


class Fate(StrEnum):
    """What became of something that has no equal on the other side."""

    SERVES = "serves differently"
    """Somebody would be served something else there: a rule, a schedule, a prerequisite that is not asked, say."""
    LOST = "not carried"
    """It has an effect on the one side that it does not have on the other; what is written of ours serves the same."""
    DIVIDED = "divided anew"
    """As many users get each variant there, but not the same ones."""
    CHANGED = "said otherwise"
    """Users get the same, in the cases that the note names or in all of them."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that is not the same on the other side."""

    subject: str
    """The key of the flag or the segment; empty for the whole document."""
    fate: Fate
    words: str
    """What it is, and what was done about it."""
    is_segment: bool = False

    def __str__(self) -> str:
        return f"{self.subject}: {self.fate}: {self.words}" if self.subject else f"{self.fate}: {self.words}"


@dataclass(frozen=True, slots=True)
class Refused:
    """A flag or a segment that was not taken; the others were."""

    subject: str
    problem: Problem
    is_segment: bool = False

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of reading another product's document."""

    flags: tuple[Flag, ...] = ()
    segments: tuple[Segment, ...] = ()
    notes: tuple[Note, ...] = ()
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of writing another product's document."""

    document: dict[str, object]
    notes: tuple[Note, ...] = ()
    refused: tuple[Refused, ...] = ()
    """What is not in the document: it cannot be said there, or not so that it serves the same."""


_MOST: Final = 2
_LONGEST: Final = 110


def in_short(losses: Sequence[str]) -> str:
    """Return the first of these, and how many more there are: a line that leaves room for what to do about them."""
    told = [words if len(words) <= _LONGEST else f"{words[: _LONGEST - 3]}..." for words in losses[:_MOST]]
    more = len(losses) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")
