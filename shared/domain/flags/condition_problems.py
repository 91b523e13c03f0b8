"""What is wrong with a condition among the segments of its environment."""

from collections.abc import Callable, Iterator
from typing import assert_never

from shared.domain.flags.calendar import window_of
from shared.domain.flags.findings import Finding, attribute_findings
from shared.domain.flags.instants import instant_of
from shared.domain.flags.json_values import number_read
from shared.domain.flags.model import (
    WHOLE,
    All,
    AnyOf,
    Clause,
    Condition,
    During,
    InLayer,
    InSegment,
    Json,
    Not,
    Operator,
)
from shared.domain.flags.networks import network_of
from shared.domain.flags.operators import (
    NUMBER_OPERATORS,
    TEXT_OPERATORS,
    TIME_OPERATORS,
    VERSION_OPERATORS,
    pattern_of,
)
from shared.domain.flags.semver import version_of
from shared.domain.flags.surroundings import Surroundings
from shared.domain.names import SegmentKey

FaultOf = Callable[[SegmentKey], str | None]
"""Why a segment cannot be asked, None where it can."""


def condition_findings(condition: Condition, path: str, among: Surroundings, fault_of: FaultOf) -> Iterator[Finding]:
    """Return what is wrong with a condition of a depth that was checked before."""
    match condition:
        case Clause():
            yield from _of_clause(condition, path, among)
        case InSegment(segments):
            for index, key in enumerate(segments):
                if fault := fault_of(key):
                    yield Finding(f"{path}.segment[{index}]" if len(segments) > 1 else f"{path}.segment", fault)
        case InLayer():
            yield from _of_layer(condition, path)
        case During():
            yield from window_findings(condition, path)
        case All(conditions) | AnyOf(conditions):
            word = "all" if isinstance(condition, All) else "any"
            for index, each in enumerate(conditions):
                yield from condition_findings(each, f"{path}.{word}[{index}]", among, fault_of)
        case Not(inner):
            yield from condition_findings(inner, f"{path}.not", among, fault_of)
        case _:
            assert_never(condition)


def window_findings(during: During, path: str) -> Iterator[Finding]:
    """Return what is wrong with a time window."""
    try:
        window_of(during)
    except ValueError as error:
        yield Finding(path, f"the window {error}")


def _of_layer(layer: InLayer, path: str) -> Iterator[Finding]:
    yield from attribute_findings(layer.by, f"{path}.by")
    if not 0 <= layer.since < layer.until <= WHOLE:
        yield Finding(path, f"is no part of a layer; allowed is 0 <= from < to <= 100 %, in 1/{WHOLE:,}")


def _of_clause(clause: Clause, path: str, among: Surroundings) -> Iterator[Finding]:
    yield from attribute_findings(clause.attribute, f"{path}.attribute")
    if clause.operator is Operator.IS_SET and clause.values:
        yield Finding(f"{path}.values", "is-set takes no values", breaks=False)
    for index, value in enumerate(clause.values):
        where = f"{path}.values[{index}]"
        allowed = _allowed(clause.operator, value)
        if allowed:
            yield Finding(where, f"cannot be compared: allowed with {clause.operator} is {allowed}", breaks=False)
        elif clause.operator is Operator.MATCHES and isinstance(value, str):
            try:
                among.search(pattern_of(value, clause))
            except ValueError as error:
                yield Finding(where, f"is no regular expression in RE2's syntax: {error}")


def _allowed(operator: Operator, value: Json) -> str:
    """Return what the operator compares with, where this is something else."""
    if operator in TEXT_OPERATORS:
        return "" if isinstance(value, str) else "a text"
    if operator in NUMBER_OPERATORS:
        return "a number" if number_read(value) is None else ""
    if operator in TIME_OPERATORS:
        return "an RFC 3339 time or milliseconds since 1970" if instant_of(value) is None else ""
    if operator in VERSION_OPERATORS:
        return "a semantic version such as 2.1.0" if version_of(value) is None else ""
    if operator is Operator.IN_NETWORK:
        return "a network such as 10.0.0.0/8, or an address" if network_of(value) is None else ""
    return ""
