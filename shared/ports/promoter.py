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

    def read_swap(self, target: Target, token: str | None) -> SwapStatus:
        """Return how far the swap is; with token None, whether any swap of the target is running.

        A token that the platform has forgotten reads as if there were none. `DONE` says only that nothing
        runs: what was achieved is verified by the version that production serves.
        """
        ...
