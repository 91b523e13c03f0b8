"""Exchanging what two places serve: a long operation that is begun, watched and verified."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared.domain.rollout.preview import Preview
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

    def apply_preview(self, target: Target) -> None:
        """Put production's settings on the candidate's place, which restarts with them. Safe to repeat.

        The next `begin_swap` only exchanges. Until then the platform may refuse changes of the site's settings, and of
        its traffic rules. Raises `TryLaterError` also while another swap, or its preview, is pending: nothing was done.
        """
        ...

    def reset_preview(self, target: Target) -> None:
        """Give the candidate's place its own settings back, if its preview is pending. It restarts with them."""
        ...

    def read_preview(self, target: Target) -> Preview:
        """Return which swap with preview is pending."""
        ...

    def read_staying(self, target: Target) -> tuple[str, ...]:
        """Return the names, never the values, of the settings that stay with their place in a swap and differ."""
        ...
