"""Samples of one arm out of its series."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.adapters.azure_monitor.series import Series
from shared.domain.analysis.measurement import Lack, Missing, Sample, Value
from shared.domain.rollout.measuring import Unit, ValueKind, ValueQuery


@dataclass(frozen=True, slots=True)
class ValueSeries:
    """A figure of the team's own."""

    query: ValueQuery
    value: Series
    of: Series | None


@dataclass(frozen=True, slots=True)
class ArmSeries:
    """What one arm's users met, window by window."""

    requests: Series
    failures: Series
    latency: Series | None
    latency_unit: Unit
    values: tuple[ValueSeries, ...] = ()


def sample_at(start: datetime, arm: ArmSeries) -> Sample | Missing:
    """Return what the arm met in the window from `start`.

    Failures without a value are none, but only where requests have a value: a counter of errors has no value before
    the first error.
    """
    asked, failed = arm.requests.at(start), arm.failures.at(start)
    if asked is None:
        return _nothing(arm.requests)
    failed = 0.0 if failed is None else failed
    if not _is_count(asked) or not _is_count(failed):
        return Missing(Lack.ERROR, f"{asked} requests and {failed} failures are not two counts")
    if failed > asked:
        return Missing(Lack.ERROR, f"{failed:g} failures are more than {asked:g} requests")
    took = arm.latency.at(start) if arm.latency else None
    if took is not None and not _is_count(took):
        return Missing(Lack.ERROR, f"{took} is not a response time")
    return Sample(
        requests=asked,
        failures=failed,
        latency_ms=None if took is None or not asked else took * arm.latency_unit.factor,
        values=tuple(value for series in arm.values for value in _value(start, series)),
    )


def _value(start: datetime, series: ValueSeries) -> Iterator[Value]:
    """Yield the figure, or nothing where it cannot be told. A counter without a value is 0, as failures are."""
    is_counter = series.query.kind is ValueKind.COUNTER
    of = series.of.at(start) if series.of else None
    if series.of is not None and (of is None or not _is_count(of)):
        return
    value = series.value.at(start)
    if value is None and is_counter:
        value = 0.0
    if value is None or not math.isfinite(value) or (is_counter and value < 0):
        return
    yield Value(name=series.query.name, value=value * series.query.unit.factor, of=of)


def _nothing(requests: Series) -> Missing:
    strays = f"; {requests.misplaced} values on no window's start were dropped" if requests.misplaced else ""
    return Missing(Lack.NO_DATA, f"no value of requests for this window{strays}")


def _is_count(value: float) -> bool:
    return math.isfinite(value) and value >= 0
