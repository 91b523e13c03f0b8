"""Whose turn it is to change the flags of an environment."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """Who is about to commit a change that was found right among all the other flags and segments."""

    key: str
    """The aggregate, of a flag or a segment."""
    name: str
    """The key of the flag or the segment itself."""
    version: int
    """How many commits it had when it was looked at: with the next one, whoever makes it, the turn is over."""
    at: datetime
