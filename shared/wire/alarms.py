"""Scheduled wake-ups as every aggregate keeps them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Alarm:
    """A scheduled wake-up that a commit asked for; its message carries the fence."""

    fence: str
    at: datetime
