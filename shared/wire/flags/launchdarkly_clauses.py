"""LaunchDarkly's clauses: what it compares with what, and what of that can never be true.

There a value that cannot be compared (a text among numbers, no pattern, no version) fits nobody, and so does a segment
that is not there. Here such a flag would be refused; so these are left out, which changes nothing for anybody.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.domain.flags.instants import instant_of
from shared.domain.flags.json_values import number_of
from shared.domain.flags.model import EVERYBODY, All, Clause, Condition, InSegment, Json, Operator
from shared.domain.flags.operators import NUMBER_OPERATORS, TEXT_OPERATORS, TIME_OPERATORS, Regexes
from shared.domain.flags.semver import version_of
from shared.domain.names import SegmentKey
from shared.wire.findings import shown
from shared.wire.flags.launchdarkly_members import attribute, boolean, listed, objects, text
from shared.wire.flags.notes import Fate, Note

OPERATORS: Final[Mapping[str, Operator]] = {
    "in": Operator.IN,
    "startsWith": Operator.STARTS_WITH,
    "endsWith": Operator.ENDS_WITH,
    "contains": Operator.CONTAINS,
    "matches": Operator.MATCHES,
    "lessThan": Operator.LESS,
    "lessThanOrEqual": Operator.AT_MOST,
    "greaterThan": Operator.GREATER,
    "greaterThanOrEqual": Operator.AT_LEAST,
    "before": Operator.BEFORE,
    "after": Operator.AFTER,
    "semVerEqual": Operator.SEMVER_EQUAL,
    "semVerLessThan": Operator.SEMVER_LESS,
    "semVerGreaterThan": Operator.SEMVER_GREATER,
}
SEGMENT_MATCH: Final = "segmentMatch"


@dataclass(frozen=True, slots=True)
class Reading:
    """A flag or a segment that is being read, and what is told of it."""

    key: str
    segments: frozenset[str]
    """Those of the document."""
    regexes: Regexes | None
    notes: list[Note] = field(default_factory=list)

    def tell(self, fate: Fate, words: str) -> None:
        """Note what is not the same here."""
        self.notes.append(Note(self.key, fate, words))


def condition_of(rule: Mapping[str, Any], path: str, reading: Reading) -> Condition:
    """Return what all clauses of a rule say together."""
    clauses = [_clause(clause, where, reading) for where, clause in objects(rule, "clauses", path)]
    if not clauses:
        return EVERYBODY
    return clauses[0] if len(clauses) == 1 else All(tuple(clauses))


def _clause(clause: Mapping[str, Any], path: str, reading: Reading) -> Condition:
    operator, negated = text(clause, "op", path), boolean(clause, "negate", path)
    values = listed(clause, "values", path)
    if operator == SEGMENT_MATCH:
        return InSegment(_segments(values, path, reading), negated)
    kind = text(clause, "contextKind", path) or None
    place = attribute(text(clause, "attribute", path), kind, f"{path}.attribute")
    if operator not in OPERATORS:
        reading.tell(Fate.CHANGED, f"{path}: the operator {shown(operator)} is unknown; it fits nobody, there and here")
        return Clause(attribute=place, operator=Operator.IN, values=(), negated=negated)
    ours = OPERATORS[operator]
    return Clause(
        attribute=place,
        operator=ours,
        values=_comparable(ours, values, path, reading),
        negated=negated,
        strict=ours in NUMBER_OPERATORS,
    )


def _segments(values: Sequence[Any], path: str, reading: Reading) -> tuple[SegmentKey, ...]:
    kept = tuple(SegmentKey(each) for each in values if isinstance(each, str) and each in reading.segments)
    lost = [shown(each) for each in values if each not in kept]
    if lost:
        reading.tell(
            Fate.CHANGED, f"{path}: no segment {', '.join(lost)} came with it; nobody is in one, there and here"
        )
    return kept


def _comparable(operator: Operator, values: Sequence[Json], path: str, reading: Reading) -> tuple[Json, ...]:
    fits = _comparison(operator, reading)
    kept = tuple(each for each in values if fits(each))
    if len(kept) < len(values):
        lost = ", ".join(shown(each) for each in values if not fits(each))
        reading.tell(Fate.CHANGED, f"{path}: {operator} compares with no {lost}; that fits nobody, there and here")
    return kept


def _comparison(operator: Operator, reading: Reading) -> Callable[[Json], bool]:
    if operator is Operator.MATCHES:
        return lambda value: isinstance(value, str) and _is_pattern(value, reading.regexes)
    if operator in TEXT_OPERATORS:
        return lambda value: isinstance(value, str)
    if operator in NUMBER_OPERATORS:
        return lambda value: number_of(value) is not None
    if operator in TIME_OPERATORS:
        return lambda value: instant_of(value) is not None
    return (lambda _: True) if operator is Operator.IN else (lambda value: version_of(value) is not None)


def _is_pattern(pattern: str, regexes: Regexes | None) -> bool:
    if regexes is None:
        return True
    try:
        regexes(pattern)
    except ValueError:
        return False
    return True
