"""Looking at a place the way a user would."""

from dataclasses import dataclass
from typing import Protocol

from shared.domain.names import Version
from shared.domain.rollout.spec import Place, Target


@dataclass(frozen=True, slots=True)
class Health:
    """What a health check found; `detail` says what was asked and answered."""

    healthy: bool
    detail: str


class PlaceProbe(Protocol):
    """Reads a place over its own host name, never through a back door.

    Raises `TryLaterError` when the place cannot be asked (no answer, an answer that names no version),
    after at most 10 seconds.
    """

    def read_version(self, target: Target, place: Place) -> Version:
        """Return the version that the place serves right now."""
        ...

    def read_health(self, target: Target, place: Place) -> Health:
        """Ask the place's health page once."""
        ...
