"""What became of the flags of another product's document: those that were read, and what could not be carried."""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.errors import Problem
from shared.domain.flags.model import Flag, Segment


class Fate(StrEnum):
    """What became of something that has no equal on the other side."""

    LOST = "not carried"
    """It has an effect there that it does not have here."""
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
