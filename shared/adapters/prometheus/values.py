"""Figures of a team's own, asked of Prometheus.

A query is one of three things:

- **A selector of counters or gauges**, such as `checkouts_total{app="shop"}`. A counter is counted as requests are, by
  the source's version label; a gauge is its mean over the window and over all series of the version.
- **A selector that names `$version` itself**, such as `queue_length{deployment="shop-$version"}`: the same, without the
  version label.
- **An expression.** A counter's tells how many there were in the window that ends now, so it has `[$window]` in it:
  `increase(checkouts_total{version="$version"}[$window])`; all series of its answer add up. A gauge's is averaged over
  the window and over its series, unless it has `$window` in it and so does that itself.

`shared.adapters.prometheus.filling` tells how `$version` and `$window` are filled in.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from math import isfinite

from shared.adapters.prometheus.counting import tagged
from shared.adapters.prometheus.filling import Filling, fill, names_version, names_window
from shared.adapters.prometheus.parts import Parts
from shared.adapters.prometheus.plan import ArmName, Plan
from shared.adapters.prometheus.promql_text import duration
from shared.adapters.prometheus.selector import Selector, parse_selector
from shared.domain.analysis.measurement import Value
from shared.domain.errors import RejectedError
from shared.domain.names import Version
from shared.domain.rollout.measuring import ValueKind, ValueQuery

_MOMENT = timedelta(milliseconds=1)
_ANY = Filling(Version("1"), timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class Figure:
    """One query of a value."""

    field: str
    """Where it stands in the spec."""
    tag: str
    query: str
    kind: ValueKind

    @property
    def is_selector(self) -> bool:
        """Whether it names series, and does not compute with them."""
        return selector_of(self.query, _ANY) is not None

    @property
    def is_by_label(self) -> bool:
        """Whether the source's version label tells the arms apart."""
        return self.is_selector and not names_version(self.query)

    def tag_of(self, arm: ArmName) -> str:
        """Return the part of the answer that is the arm's."""
        return self.tag if self.is_by_label else f"{self.tag} {arm}"


def figures_of(values: tuple[ValueQuery, ...]) -> tuple[Figure, ...]:
    """Return all queries. Raises `RejectedError` for one that cannot be asked."""
    return tuple(_checked(figure) for index, value in enumerate(values) for figure in _figures_of(index, value))


def parts_to_count(figure: Figure, plan: Plan) -> Iterator[str]:
    """Yield what a figure that is a selector adds to the question that is asked for all steps."""
    if figure.is_by_label:
        selector = plan.of_versions(parse_selector(figure.query))
        if figure.kind is ValueKind.COUNTER:
            yield tagged(figure.tag, plan.counting.by_version("sum", plan.counting.growth(selector)))
        else:
            yield tagged(figure.tag, plan.counting.by_version("sum", _mean(selector, plan)))
            yield tagged(f"{figure.tag} series", plan.counting.by_version("count", _mean(selector, plan)))
    elif figure.is_selector:
        for arm in ArmName:
            filled = selector_of(figure.query, plan.filling(arm))
            if filled is not None and figure.kind is ValueKind.COUNTER:
                yield tagged(figure.tag_of(arm), f"sum({plan.counting.growth(filled)})")
            elif filled is not None:
                yield tagged(figure.tag_of(arm), f"avg({_mean(filled, plan)})")


def expression_of(figure: Figure, plan: Plan) -> str:
    """Return the question about a figure that is an expression, for the ends of windows; nothing for other figures."""
    if figure.is_selector:
        return ""
    parts = []
    for arm in ArmName:
        filled = fill(figure.query, plan.filling(arm))
        if filled is None:
            continue
        # A remark at its end must not swallow what follows.
        body = f"\n{filled}\n"
        if figure.kind is ValueKind.COUNTER:
            parts.append(tagged(figure.tag_of(arm), f"sum({body})"))
        elif names_window(figure.query):
            parts.append(tagged(figure.tag_of(arm), f"avg({body})"))
        else:
            # Not the window's first moment too: it is the last one of the window before.
            span = f"[{duration(plan.grid.window - _MOMENT)}:{duration(plan.grid.step)}]"
            parts.append(tagged(figure.tag_of(arm), f"avg(avg_over_time(({body}){span}))"))
    return " or ".join(parts)


def value_of(index: int, value: ValueQuery, requests: float, read: "FigureReader") -> Value | None:
    """Return the value in one window of one arm; None where there is nothing that can be one.

    A counter that has no series beside opportunities (or, without them, requests) that were counted is 0.
    """
    own, *others = _figures_of(index, value)
    found = read.figure(own)
    if own.kind is ValueKind.GAUGE:
        usable = found is not None and isfinite(found)
        return Value(name=value.name, value=found * value.unit.factor) if found is not None and usable else None
    of = read.figure(others[0]) if others else requests
    counted = 0.0 if found is None else found
    if of is None or not all(isfinite(each) and each >= 0 for each in (of, counted)):
        return None
    return Value(name=value.name, value=counted * value.unit.factor, of=of if others else None)


@dataclass(frozen=True, slots=True)
class FigureReader:
    """Reads figures of one arm in one window."""

    plan: Plan
    counted: Parts
    at_ends: Parts
    arm: ArmName
    index: int

    def figure(self, figure: Figure) -> float | None:
        """Return what was answered, or None."""
        tag, index = figure.tag_of(self.arm), self.index
        if not figure.is_selector:
            return self.at_ends.at_end(tag, index)
        side = self.plan.side(self.arm) if figure.is_by_label else None
        if figure.kind is ValueKind.COUNTER:
            return self.counted.total(tag, index, side)
        level = self.counted.at_end(tag, index, side)
        if level is None or side is None:
            return level
        series = self.counted.at_end(f"{tag} series", index, side)
        return level / series if series else None


def selector_of(query: str, filling: Filling) -> Selector | None:
    """Return the selector that a query is once it is filled in, or None where it is none."""
    try:
        filled = fill(query, filling)
        return parse_selector(filled) if filled is not None else None
    except ValueError:
        return None


def _figures_of(index: int, value: ValueQuery) -> tuple[Figure, ...]:
    own = Figure(f"metrics.values[{value.name}].query", f"value{index}", value.query, value.kind)
    return (own, replace(own, field=f"{own.field[:-6]}.of", tag=f"of{index}", query=value.of)) if value.of else (own,)


def _checked(figure: Figure) -> Figure:
    try:
        names_version(figure.query)
    except ValueError as error:
        raise RejectedError(f"{figure.field}: {error}") from error
    if figure.kind is ValueKind.COUNTER and not figure.is_selector and not names_window(figure.query):
        raise RejectedError(f"{figure.field}: a counter is a selector, or an expression that counts over [$window]")
    return figure


def _mean(selector: Selector, plan: Plan) -> str:
    return f"avg_over_time({selector}[{duration(plan.grid.window)}])"
