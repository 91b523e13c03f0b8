"""Figures of a team's own, by KQL of its own.

A query may use `since`, `until`, `length`, `candidate`, `stable` and `role`, which are declared before it, and must
bring the columns `TimeGenerated` (when, best the start of a window), `version` (whose: as telemetry names the arms)
and `value`. Rows of one arm and window add up for a counter, and for a gauge their mean counts.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.adapters.log_analytics.arm_names import ArmNames, Side
from shared.adapters.log_analytics.logs_reader import LogsReader
from shared.adapters.log_analytics.numbers import is_count, moment, number
from shared.domain.analysis.measurement import Value
from shared.domain.rollout.measuring import ValueKind, ValueQuery
from shared.ports.metrics_source import WindowQuestion

COLUMNS = ("TimeGenerated", "version", "value")

Figures = Mapping[tuple[Side, datetime], float]


@dataclass(frozen=True, slots=True)
class ValueRead:
    """What one figure came to, by arm and window."""

    query: ValueQuery
    values: Figures
    of: Figures | None

    def value(self, side: Side, start: datetime) -> Value | None:
        """Return the figure, or None where it is not told. A counter without a row is 0 where its `of` has one."""
        key = (side, start)
        of = None if self.of is None else self.of.get(key)
        if self.of is not None and of is None:
            return None
        value = self.values.get(key)
        if value is None:
            if self.query.kind is not ValueKind.COUNTER:
                return None
            value = 0.0
        sound = math.isfinite(value) if self.query.kind is ValueKind.GAUGE else is_count(value)
        if not sound or (of is not None and not is_count(of)):
            return None
        return Value(name=self.query.name, value=value * self.query.unit.factor, of=of)


def read_value(reader: LogsReader, names: ArmNames, query: ValueQuery, compile_: Callable[[str], str]) -> ValueRead:
    """Ask for a figure, and for what it is of. Raises `TryLaterError` or `RejectedError`, naming the field."""
    mean = query.kind is ValueKind.GAUGE
    of = query.of if query.kind is ValueKind.COUNTER else ""
    return ValueRead(
        query,
        _read(reader, names, compile_(query.query), f"metrics.values.{query.name}.query", mean=mean),
        _read(reader, names, compile_(of), f"metrics.values.{query.name}.of", mean=False) if of else None,
    )


def _read(reader: LogsReader, names: ArmNames, text: str, field: str, *, mean: bool) -> Figures:
    found: dict[tuple[Side, datetime], list[float]] = {}
    for row in reader.rows(text, COLUMNS, field):
        at, side = moment(row["TimeGenerated"]), names.side_of(str(row["version"] or ""))
        value = number(row["value"])
        start = None if at is None else _start_of(reader.question, at)
        if start is not None and side is not None and value is not None:
            found.setdefault((side, start), []).append(value)
    return {key: sum(values) / (len(values) if mean else 1) for key, values in found.items()}


def _start_of(question: WindowQuestion, at: datetime) -> datetime | None:
    if not question.since <= at < question.until:
        return None
    return question.since + (at - question.since) // question.length * question.length
