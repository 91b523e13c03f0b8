"""What users met, in windows of time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shared.domain.analysis.measurement import Window
from shared.domain.names import ApplicationName, Version
from shared.domain.rollout.measuring import Source, ValueQuery
from shared.domain.rollout.spec import Place, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One side of the comparison: the version whose users are counted, and the place that it sits at."""

    version: Version | None
    """None: whatever is not the other arm's version."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowQuestion:
    """Which windows of which versions are asked for. `since` and `until` are multiples of `length` since the epoch."""

    application: ApplicationName
    target: Target
    source: Source
    candidate: Arm
    stable: Arm
    since: datetime
    until: datetime
    length: timedelta
    values: tuple[ValueQuery, ...] = ()

    def starts(self) -> tuple[datetime, ...]:
        """Return the start of each window, ascending."""
        return tuple(self.since + self.length * index for index in range((self.until - self.since) // self.length))


class MetricsSource(Protocol):
    """Reads what both versions' users met, with one query for all guards where the source can."""

    def read_windows(self, question: WindowQuestion) -> tuple[Window, ...]:
        """Return each window that was asked for, ascending, gap-free.

        A window that the source knows nothing of has `Missing` samples. A sample that turns out to be of another
        version than the arm's is `Missing` with `Lack.ERROR`. Raises `TryLaterError` when the source is unwell, after
        at most 20 seconds, and `RejectedError` when it refuses for good (unknown metric, no access, a wrong query).
        """
        ...

    def find_faults(self, question: WindowQuestion) -> tuple[str, ...]:
        """Return what is wrong with the source's settings, each in one sentence that names the field; none: nothing.

        A metric or table that does not exist; a filter for failures that matched nothing over the whole time asked for
        while the same series without the filter has other values of that dimension. Raises as `read_windows`.
        """
        ...
