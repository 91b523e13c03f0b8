"""Conditions of ours as JsonLogic, which flagd reads."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.domain.flags.model import (
    TARGETING_KEY,
    All,
    AnyOf,
    Attribute,
    Clause,
    Condition,
    During,
    InLayer,
    InSegment,
    Json,
    Members,
    Not,
    Operator,
    Segment,
    SegmentRule,
)
from shared.domain.names import SegmentKey
from shared.wire.flags.json_logic import TIMESTAMP, Unsayable
from shared.wire.flags.splits import IN

OUT: Final = "out"
_ORDERS: Final = {
    Operator.LESS: "<",
    Operator.AT_MOST: "<=",
    Operator.GREATER: ">",
    Operator.AT_LEAST: ">=",
}
_VERSIONS: Final = {
    Operator.SEMVER_EQUAL: "=",
    Operator.SEMVER_LESS: "<",
    Operator.SEMVER_AT_MOST: "<=",
    Operator.SEMVER_GREATER: ">",
    Operator.SEMVER_AT_LEAST: ">=",
}
_AFFIXES: Final = {Operator.STARTS_WITH: "starts_with", Operator.ENDS_WITH: "ends_with"}


@dataclass(frozen=True, slots=True)
class LogicWriter:
    """Writes the conditions of the flags of one document, and the segments that they name."""

    segments: Mapping[SegmentKey, Segment]
    fractional: Callable[[Any, list[tuple[Any, int]]], Any]
    """Writes a split with what each of its shares yields."""
    evaluators: dict[str, Any] = field(default_factory=dict)
    """What the conditions refer to; each stands before those that it refers to."""
    remarks: dict[str, None] = field(default_factory=dict)
    """What is not quite the same there, each said once."""
    _within: list[SegmentKey] = field(default_factory=list)
    """The segments that are being written, the outer ones first."""

    def condition(self, condition: Condition) -> Any:
        """Return the JsonLogic. Raises `Unsayable`."""
        match condition:
            case Clause():
                return self._clause(condition)
            case InSegment(segments, negated):
                inside = joined("or", [self._segment(key) for key in segments])
                return {"!": [inside]} if negated else inside
            case InLayer():
                raise Unsayable("a part of a layer")
            case During():
                return _during(condition)
            case All(conditions):
                return joined("and", [self.condition(each) for each in conditions])
            case AnyOf(conditions):
                return joined("or", [self.condition(each) for each in conditions])
            case Not(inner):
                return {"!": [self.condition(inner)]}

    def variable(self, attribute: Attribute) -> dict[str, Any]:
        """Return what reads an attribute."""
        if any("." in name or not name for name in attribute.path):
            raise Unsayable(f"the attribute {'/'.join(attribute.path)}, for a dot leads into an object there")
        if attribute.kind is not None and attribute.path != (TARGETING_KEY,):
            self.remarks[f"the kind {attribute.kind} of an attribute is not asked for"] = None
        return {"var": ".".join(attribute.path)}

    def members(self, members: Members) -> Any:
        """Return whether somebody is one of these."""
        return {"in": [self.variable(members.by), list(members.values)]}

    def _clause(self, clause: Clause) -> Any:
        variable = self.variable(clause.attribute)
        is_set = {"!=": [variable, None]}
        if clause.operator is Operator.IS_SET:
            return {"==": [variable, None]} if clause.negated else is_set
        if clause.ignores_case:
            raise Unsayable("a comparison that ignores case")
        if clause.operator is Operator.IN:
            compared = self._in(variable, clause.values)
        else:
            compared = joined("or", [self._compared(clause, variable, value) for value in clause.values])
        if clause.negated:
            return {"and": [is_set, {"!": [compared]}]}
        return {"and": [is_set, compared]} if clause.operator in _ORDERS else compared

    def _in(self, variable: Any, values: tuple[Json, ...]) -> Any:
        if any(isinstance(value, list | dict) for value in values):
            raise Unsayable("a comparison with a list or an object")
        known = [value for value in values if value is not None]
        return {"in": [variable, known]}

    def _compared(self, clause: Clause, variable: Any, value: Json) -> Any:
        if clause.operator in _AFFIXES:
            return {_AFFIXES[clause.operator]: [variable, value]}
        if clause.operator is Operator.CONTAINS:
            return {"in": [value, variable]}
        if clause.operator in _VERSIONS:
            if not clause.lenient:
                self.remarks["with a leading v a version is one there, and so is a number"] = None
            return {"sem_ver": [variable, _VERSIONS[clause.operator], _full_version(str(value))]}
        if clause.operator is not Operator.EQUAL and clause.operator not in _ORDERS:
            raise Unsayable(f"the operator {clause.operator}")
        number = float(value) if isinstance(value, str) else value
        if clause.operator is Operator.EQUAL:
            return {"===" if clause.strict else "==": [variable, number]}
        if clause.strict:
            self.remarks[f"a text that reads as a number is one with {clause.operator}"] = None
        return {_ORDERS[clause.operator]: [variable, number]}

    def _segment(self, key: SegmentKey) -> Any:
        name = f"segment-{key}"
        if key not in self.segments:
            raise Unsayable(f"the segment {key}, which is not there")
        if key in self._within:
            raise Unsayable(f"the segment {key}, which is in itself")
        self._within.append(key)
        try:
            written = self._membership(self.segments[key])
        finally:
            self._within.pop()
        return self.evaluator(name, written)

    def evaluator(self, name: str, written: Any) -> dict[str, str]:
        """Keep an expression by a name, and return what refers to it."""
        # Again at the end, so that it stands behind whatever refers to it.
        inner = {each: self.evaluators.pop(each) for each in _references(written) if each in self.evaluators}
        self.evaluators.pop(name, None)
        self.evaluators[name] = written
        self.evaluators.update(inner)
        return {"$ref": name}

    def _membership(self, segment: Segment) -> Any:
        rules = joined("or", [self._rule(rule) for rule in segment.rules])
        if segment.excluded:
            excluded = joined("or", [self.members(each) for each in segment.excluded])
            rules = {"and": [{"!": [excluded]}, rules]}
        return as_rule(joined("or", [*(self.members(each) for each in segment.included), rules]))

    def _rule(self, rule: SegmentRule) -> Any:
        condition = self.condition(rule.condition)
        if rule.share is None:
            return condition
        split = rule.share
        parts = [(IN if share.variant is not None else OUT, share.weight) for share in split.shares]
        return {"and": [condition, {"==": [self.fractional(split, parts), IN]}]}


def _references(expression: Any) -> list[str]:
    if isinstance(expression, dict):
        named = [expression["$ref"]] if set(expression) == {"$ref"} else []
        return named + [each for value in expression.values() for each in _references(value)]
    return [each for value in expression for each in _references(value)] if isinstance(expression, list) else []


def joined(operator: str, parts: list[Any]) -> Any:
    """Return `and` or `or` of the parts, which may be none."""
    if not parts:
        return operator == "and"
    return parts[0] if len(parts) == 1 else {operator: parts}


def as_rule(expression: Any) -> Any:
    """Return the expression as an operation, which is what a document takes at its top."""
    return expression if isinstance(expression, dict) else {"!!": [expression]}


def _during(during: During) -> Any:
    if during.recurrence is not None:
        raise Unsayable("a time window that comes again")
    bounds = []
    if during.since is not None:
        bounds.append({">=": [{"var": TIMESTAMP}, math.ceil(during.since.timestamp())]})
    if during.until is not None:
        bounds.append({"<": [{"var": TIMESTAMP}, math.ceil(during.until.timestamp())]})
    return joined("and", bounds)


def _full_version(text: str) -> str:
    """Return the version with all three numbers."""
    end = next((at for at, letter in enumerate(text) if letter in "-+"), len(text))
    numbers = text[:end].split(".")
    return ".".join([*numbers, *["0"] * (3 - len(numbers))]) + text[end:]
