"""One metric's values by window start, out of what Azure Monitor answered, and samples out of such series."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.domain.analysis.measurement import Lack, Missing, Sample


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one metric at one place. `None`, or no entry, where the source had nothing for a window."""

    values: Mapping[datetime, float | None]
    misplaced: int = 0
    """How many values lay on no window start, and were dropped: they belong to no window that was asked for."""


def collect(points: Iterable[tuple[datetime, float | None]], starts: frozenset[datetime]) -> Series:
    """Return the series of the points that lie on one of `starts`. Raises ValueError for two values in one window."""
    values: dict[datetime, float | None] = {}
    misplaced = 0
    for at, value in points:
        if at not in starts:
            misplaced += 1
        elif values.get(at) is not None and value is not None:
            raise ValueError(f"two values for the window from {at:%H:%M:%S}")
        else:
            values[at] = value if value is not None else values.get(at)
    return Series(values, misplaced)


def sample_at(start: datetime, requests: Series, failures: Series, seconds: Series) -> Sample | Missing:
    """Return what one place met in the window from `start`; `seconds` is its average response time.

    Failures without a value are none, but only where requests have a value: a counter of errors has no value
    before the first error.
    """
    asked, failed = requests.values.get(start), failures.values.get(start)
    if asked is None:
        return _nothing(requests)
    failed = 0.0 if failed is None else failed
    if not _is_count(asked) or not _is_count(failed):
        return Missing(Lack.ERROR, f"Requests {asked} and Http5xx {failed} are not two counts")
    if failed > asked:
        return Missing(Lack.ERROR, f"Http5xx {failed:g} is more than Requests {asked:g}")
    took = seconds.values.get(start)
    if took is not None and not _is_count(took):
        return Missing(Lack.ERROR, f"HttpResponseTime {took} is not a time")
    return Sample(requests=asked, failures=failed, latency_ms=None if took is None or not asked else took * 1000)


def _nothing(requests: Series) -> Missing:
    strays = f"; {requests.misplaced} values on no window's start were dropped" if requests.misplaced else ""
    return Missing(Lack.NO_DATA, f"Requests has no value for this window{strays}")


def _is_count(value: float) -> bool:
    return math.isfinite(value) and value >= 0
