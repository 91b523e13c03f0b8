"""What users met, in windows of time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shared.domain.analysis.measurement import Missing, Sample
from shared.domain.rollout.spec import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceWindow:
    """One window `[start, end)` of a target: what each of its places served."""

    start: datetime
    end: datetime
    production: Sample | Missing
    candidate: Sample | Missing


class MetricsSource(Protocol):
    """Reads counts of requests, failures and response times for both places of a target."""

    def read_windows(
        self, target: Target, since: datetime, until: datetime, length: timedelta
    ) -> tuple[PlaceWindow, ...]:
        """Return each window of `length` from `since` to `until`, ascending, gap-free.

        Both times are multiples of `length` since the epoch. A window that the source knows nothing of
        has `Missing` samples. Raises `TryLaterError` when the source is unwell, after at most 20 seconds, and
        `RejectedError` when it refuses for good (unknown metric, no access).
        """
        ...
