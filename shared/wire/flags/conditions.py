"""Conditions in documents of flags: comparisons, segments, layers, time windows, and what combines them."""

from collections.abc import Callable
from typing import Any, Final, assert_never

from shared.domain.flags.instants import instant_of
from shared.domain.flags.json_values import number_read
from shared.domain.flags.model import (
    BY_KEY,
    EVERYBODY,
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
from shared.domain.flags.operators import VERSION_OPERATORS
from shared.domain.flags.semver import version_of
from shared.domain.names import SegmentKey
from shared.wire.findings import Part, found
from shared.wire.flags.members import (
    LONGEST_TEXT,
    SEGMENT_KEY,
    attribute,
    attribute_document,
    boolean,
    entries,
    is_object,
    key,
    name,
    one_of,
    percentage,
    percentage_of,
    require,
    unique,
    values,
)
from shared.wire.flags.periods import PERIOD, period_document, read_period

DEEPEST: Final = 20
"""How deep conditions, and the values of variants, may lie in one another."""

TEXT_OPERATORS: Final = frozenset({Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.CONTAINS, Operator.MATCHES})
CASE_OPERATORS: Final = TEXT_OPERATORS | {Operator.IN}
NUMBER_OPERATORS: Final = frozenset(
    {Operator.EQUAL, Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST}
)
TIME_OPERATORS: Final = frozenset({Operator.BEFORE, Operator.AFTER})

_CLAUSE: Final = ("attribute", "op", "values", "not", "ignoreCase", "strict", "lenient")


def read_condition(part: Part, depth: int = 1) -> Condition:
    """Read a condition. Everybody meets one that was wrong, so that reading can go on."""
    if depth > DEEPEST:
        part.refuse(f"conditions nest deeper than {DEEPEST} levels")
        return EVERYBODY
    if not isinstance(part.value, dict):
        part.refuse(f"{found(part.path, part.value)}allowed is a condition, an object")
        return EVERYBODY
    for member, read in _READERS.items():
        if member in part.value:
            return read(part, depth)
    if not part.value:
        part.refuse('found an object without entries; allowed is a condition, or {"all": []} for everybody')
        return EVERYBODY
    is_object(part, ("attribute", "segment", "layer", "from", "until", "all", "any", "not"))
    return EVERYBODY


def _read_clause(part: Part, _depth: int) -> Condition:
    is_object(part, _CLAUSE)
    require(part.child("attribute"))
    place = attribute(part.child("attribute"))
    operator = Operator.IN
    if require(part.child("op")):
        operator = Operator(one_of(part.child("op"), list(Operator), Operator.IN))
    ignores = boolean(part.child("ignoreCase"), default=False)
    if ignores and operator not in CASE_OPERATORS:
        part.child("ignoreCase").refuse(f"goes with in, starts-with, ends-with, contains and matches, not {operator}")
    strict = boolean(part.child("strict"), default=False)
    if strict and operator not in NUMBER_OPERATORS:
        part.child("strict").refuse(f"goes with =, <, <=, > and >=, not {operator}")
    lenient = boolean(part.child("lenient"), default=False)
    if lenient and operator not in VERSION_OPERATORS:
        part.child("lenient").refuse(f"goes with what compares semantic versions, not {operator}")
    compared: tuple[Json, ...] = ()
    if operator is Operator.IS_SET:
        if part.child("values").exists:
            part.child("values").refuse("is-set takes no values")
    elif require(part.child("values")) and part.child("op").is_sound:
        compared = tuple(_read_value(each, operator) for each in values(part.child("values")))
    return Clause(
        attribute=place,
        operator=operator,
        values=compared,
        negated=boolean(part.child("not"), default=False),
        ignores_case=ignores,
        strict=strict,
        lenient=lenient,
    )


def _read_value(part: Part, operator: Operator) -> Json:
    allowed = _allowed(part.value, operator)
    if allowed:
        part.refuse(f"{found(part.path, part.value)}allowed with {operator} is {allowed}")
    if depth_of(part.value) > DEEPEST:
        part.refuse(f"nests deeper than {DEEPEST} levels")
    value: Json = part.value
    return value


def _allowed(value: Any, operator: Operator) -> str:
    """Return what the operator compares with, where this is something else."""
    if operator in TEXT_OPERATORS:
        is_fit = isinstance(value, str) and len(value) <= LONGEST_TEXT
        return "" if is_fit else f"a text of at most {LONGEST_TEXT} characters"
    if operator in NUMBER_OPERATORS:
        return "" if number_read(value) is not None else "a number"
    if operator in TIME_OPERATORS:
        return "" if instant_of(value) is not None else "an RFC 3339 time or milliseconds since 1970"
    if operator is Operator.IN:
        return "" if not isinstance(value, str) or len(value) <= LONGEST_TEXT else "a shorter text"
    if operator is Operator.IN_NETWORK:
        return "" if network_of(value) is not None else "a network such as 10.0.0.0/8, or an address"
    return "" if version_of(value) is not None else "a semantic version such as 2.1.0"


def _read_segments(part: Part, _depth: int) -> Condition:
    is_object(part, ("segment", "not"))
    named = part.child("segment")
    listed = entries(named, at_least=0) if isinstance(named.value, list) else (named,)
    unique(listed)
    segments = tuple(SegmentKey(key(each, SEGMENT_KEY)) for each in listed)
    return InSegment(segments, negated=boolean(part.child("not"), default=False))


def _read_layer(part: Part, _depth: int) -> Condition:
    is_object(part, ("layer", "from", "to", "by"))
    since, until = part.child("from"), part.child("to")
    low = percentage(since) if since.exists else 0
    high = percentage(until) if require(until) else 0
    if until.exists and since.is_sound and until.is_sound and high <= low:
        until.refuse(f"{found(until.path, until.value)}allowed is above from")
    return InLayer(layer=name(part.child("layer")), since=low, until=high, by=attribute(part.child("by")))


def _read_period(part: Part, _depth: int) -> Condition:
    is_object(part, PERIOD)
    return read_period(part)


def _read_all(part: Part, depth: int) -> Condition:
    is_object(part, ("all",))
    return All(_read_parts(part.child("all"), depth))


def _read_any(part: Part, depth: int) -> Condition:
    is_object(part, ("any",))
    return AnyOf(_read_parts(part.child("any"), depth))


def _read_parts(part: Part, depth: int) -> tuple[Condition, ...]:
    return tuple(read_condition(each, depth + 1) for each in entries(part, at_least=0))


def _read_not(part: Part, depth: int) -> Condition:
    is_object(part, ("not",))
    return Not(read_condition(part.child("not"), depth + 1))


_READERS: Final[dict[str, Callable[[Part, int], Condition]]] = {
    "attribute": _read_clause,
    "op": _read_clause,
    "segment": _read_segments,
    "layer": _read_layer,
    "from": _read_period,
    "until": _read_period,
    "all": _read_all,
    "any": _read_any,
    "not": _read_not,
}
"""What a condition is follows from the first of these that it has."""


def depth_of(value: Any) -> int:
    """Return how deep lists and objects lie in one another; 0 for anything else."""
    deepest, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        deepest += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return deepest


def condition_document(condition: Condition) -> dict[str, Any]:
    """Return what `read_condition` reads."""
    match condition:
        case Clause():
            return _clause_document(condition)
        case InSegment(segments, negated):
            written = segments[0] if len(segments) == 1 else list(segments)
            return {"segment": written} | ({"not": True} if negated else {})
        case InLayer():
            by = {"by": attribute_document(condition.by)} if condition.by != BY_KEY else {}
            since, until = percentage_of(condition.since), percentage_of(condition.until)
            return {"layer": condition.layer, "from": since, "to": until, **by}
        case During():
            return period_document(condition)
        case All(conditions):
            return {"all": [condition_document(each) for each in conditions]}
        case AnyOf(conditions):
            return {"any": [condition_document(each) for each in conditions]}
        case Not(inner):
            return {"not": condition_document(inner)}
        case _:
            assert_never(condition)


def _clause_document(clause: Clause) -> dict[str, Any]:
    document: dict[str, Any] = {"attribute": attribute_document(clause.attribute), "op": clause.operator.value}
    if clause.operator is not Operator.IS_SET:
        document["values"] = list(clause.values)
    if clause.negated:
        document["not"] = True
    if clause.ignores_case:
        document["ignoreCase"] = True
    if clause.strict:
        document["strict"] = True
    if clause.lenient:
        document["lenient"] = True
    return document
