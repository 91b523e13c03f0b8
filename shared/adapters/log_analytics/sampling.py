"""Samples of both arms out of the rows that `windows_query` brings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median_high

from shared.adapters.log_analytics.arm_names import Side
from shared.adapters.log_analytics.logs_reader import Row
from shared.adapters.log_analytics.numbers import is_count, moment, number
from shared.adapters.log_analytics.queries import EDGES_MS
from shared.domain.analysis.measurement import Histogram, Lack, Missing, Sample

COLUMNS = (
    "Start",
    "Arm",
    "Requests",
    "Failures",
    "Timed",
    "Busy",
    *(f"At{edge}" for edge in EDGES_MS),
    "Lateness",
    "Now",
)
_LONGEST_WAIT = timedelta(minutes=5)
_NO_CLOCK = datetime(1970, 1, 1, tzinfo=UTC)
"""A service's clock that says less is none."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a look brought."""

    samples: Mapping[tuple[Side, datetime], Sample | Missing]
    settled: datetime | None
    """Rows of what happened after this may still come; None: nothing is known of that."""

    def sample(self, side: Side, start: datetime, end: datetime) -> Sample | Missing:
        """Return what an arm met in `[start, end)`. No row is no data: telemetry that is lost looks the same."""
        if self.settled is not None and end > self.settled:
            return Missing(
                Lack.NO_DATA, f"rows of this window may still come: those before {self.settled:%H:%M:%S} have"
            )
        return self.samples.get((side, start)) or Missing(Lack.NO_DATA, f"no row of the {side} arm in this window")


def count(rows: Sequence[Row]) -> Counted:
    """Return what the rows tell. Rows that are of no arm only tell how late rows come."""
    samples: dict[tuple[Side, datetime], Sample | Missing] = {}
    for row in rows:
        start, arm = moment(row["Start"]), row["Arm"]
        if start is not None and arm in tuple(Side):
            key = (Side(arm), start)
            samples[key] = (
                _sample(row) if key not in samples else Missing(Lack.ERROR, "two rows for one window and arm")
            )
    return Counted(samples, _settled(rows))


def _settled(rows: Sequence[Row]) -> datetime | None:
    """Return until when rows have come: by the service's own clock, less how late they usually come."""
    nows = [now for row in rows if (now := moment(row["Now"])) is not None and now > _NO_CLOCK]
    late = [seconds for row in rows if (seconds := number(row["Lateness"])) is not None and is_count(seconds)]
    if not nows:
        return None
    return nows[0] - min(timedelta(seconds=min(median_high(late), 1e6)) if late else timedelta(0), _LONGEST_WAIT)


def _sample(row: Row) -> Sample | Missing:
    requests, failures, timed = (number(row[name]) or 0.0 for name in ("Requests", "Failures", "Timed"))
    busy = number(row["Busy"]) or 0.0
    if not all(is_count(figure) for figure in (requests, failures, timed, busy)):
        return Missing(Lack.ERROR, f"{requests} requests, {failures} failures and {busy} ms are no measurement")
    if failures > requests or timed > requests:
        return Missing(Lack.ERROR, f"{failures:g} failures and {timed:g} times of only {requests:g} requests")
    histogram = _histogram(row, timed)
    if isinstance(histogram, Missing):
        return histogram
    return Sample(requests=requests, failures=failures, latency_ms=busy / timed if timed else None, histogram=histogram)


def _histogram(row: Row, timed: float) -> Histogram | Missing | None:
    """Return the requests by response time; None where none has one."""
    if not timed:
        return None
    below = [0.0, *(number(row[f"At{edge}"]) or 0.0 for edge in EDGES_MS), timed]
    counts = tuple(upper - lower for lower, upper in pairwise(below))
    if not all(is_count(figure) for figure in counts):
        return Missing(Lack.ERROR, "response times whose counts fall")
    return Histogram(tuple(float(edge) for edge in EDGES_MS), counts)
