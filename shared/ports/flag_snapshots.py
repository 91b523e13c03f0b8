"""What an environment's flags are served from: chunks that are written once, and one head that names those in force.

The head also says whose turn it is to change them, for whoever changes one was looked at among all the others.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.flags.turns import Turn
from shared.domain.names import EnvironmentName


@dataclass(frozen=True, slots=True)
class Head:
    """Which chunks are in force: slots in the order of their names, each with the name of its chunk."""

    etag: str | None
    """None: nothing was published yet."""
    chunks: tuple[tuple[str, str], ...] = ()
    turn: Turn | None = None
    """None: it is anybody's."""


class FlagSnapshots(Protocol):
    """Keeps a snapshot for each environment. A chunk is named by its content: under one name stands one text, always.

    Every method raises `TryLaterError` when the store is unwell.
    """

    def read_head(self, environment: EnvironmentName) -> Head:
        """Return the head, in one point read; an empty one where nothing was published."""
        ...

    def move_head(self, environment: EnvironmentName, head: Head) -> str:
        """Put these chunks, and this turn, in force if the head is still the one with `head.etag`; return its new etag.

        Raises `VersionConflictError` when somebody else moved it: nothing was written, or, after an answer that was
        lost, it was moved by this very call. Read it again.
        """
        ...

    def read_chunk(self, environment: EnvironmentName, name: str) -> str | None:
        """Return the chunk's text, in one read; None where it was never written, or was pruned."""
        ...

    def write_chunk(self, environment: EnvironmentName, name: str, document: str, now: datetime) -> None:
        """Write the chunk. Safe to repeat: it is as if it were written at the last time.

        Raises `RejectedError`, naming the limit, when the real service could not take it.
        """
        ...

    def prune(self, environment: EnvironmentName, keep: Collection[str], before: datetime, *, at_most: int) -> int:
        """Forget chunks that are none of `keep` and were written before a time; return how many.

        Looks at the oldest few only, `at_most` beside those of `keep`: what is left goes the next time.
        """
        ...
