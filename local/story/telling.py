"""What all stories have in common: chapters that are told one after the other, and a table at the end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rich.console import RenderableType

from local.story.differs import StoryDiffersError
from local.story.seen import Happened, Served


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of a story. `tell` raises `StoryDiffersError` or `NoAnswerError` as soon as it goes otherwise."""

    name: str
    tell: Callable[[], None]


class Told(Protocol):
    """A story on a running stack."""

    def chapters(self) -> tuple[Chapter, ...]:
        """Return the chapters in their order."""

    def closing(self) -> RenderableType:
        """Return all that was measured so far, for the terminal."""


def expect(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - it reads as a sentence
    """Raise `StoryDiffersError` unless it holds."""
    if not holds:
        raise StoryDiffersError(otherwise)


def first(history: tuple[Happened, ...], kind: str) -> Happened:
    """Return the first line of a kind. Raises `StoryDiffersError` when there is none."""
    for line in history:
        if line.type == kind:
            return line
    raise StoryDiffersError(f"the history should have a {kind}, but has none")


def last(history: tuple[Happened, ...], kind: str) -> Happened:
    """Return the last line of a kind. Raises `StoryDiffersError` when there is none."""
    return first(history[::-1], kind)


def milliseconds(at: datetime, since: datetime) -> float:
    """Return the time between two moments."""
    return (at - since).total_seconds() * 1000


def in_words(error_rate: float) -> str:
    """Say which part of its checkouts a version fails."""
    return "one checkout in five" if error_rate == 0.2 else f"{100 * error_rate:g} % of its checkouts"


def by_version(served: Mapping[str, Served]) -> str:
    """Say how many requests each version served."""
    return ", ".join(f"version {version} served {met.requests}" for version, met in sorted(served.items())) or "nobody"
