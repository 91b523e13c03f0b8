"""Exchanging what two places serve: a long operation that is begun, watched and verified."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared.domain.rollout.spec import Target


class SwapState(StrEnum):
    """How far a swap is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SwapStatus:
    """What the platform says of a swap; `why` explains a failure."""

    state: SwapState
    why: str = ""


class Promoter(Protocol):
    """Swaps the candidate place with production. Errors as `TrafficRouter`'s."""

    def begin_swap(self, target: Target) -> str:
        """Begin a swap and return a token to watch it by.

        Raises `TryLaterError` also when a swap of this target is running already: nothing was begun.
        """
        ...

    def read_swap(self, target: Target, token: str) -> SwapStatus:
        """Return how far the swap is. A token that the platform has forgotten reads `DONE`: verify by version."""
        ...
