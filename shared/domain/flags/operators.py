"""What each operator means, said as plainly as it can be.

`explain` asks these one by one; `matchers` says the same in a form that is quick. A test holds them to each other.
"""

from collections.abc import Callable
from typing import TypeAlias, assert_never

from shared.domain.flags.instants import instant_of
from shared.domain.flags.json_values import number_of, number_read, same
from shared.domain.flags.model import Clause, Json, Operator
from shared.domain.flags.networks import address_of, network_of
from shared.domain.flags.semver import Version, lenient_version_of, version_of

Search: TypeAlias = Callable[[str], bool]
"""Whether a text holds what a regular expression describes."""
Regexes: TypeAlias = Callable[[str], Search]
"""Makes the search of a pattern. Raises ValueError that says why there is none."""

TEXT_OPERATORS = frozenset({Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.CONTAINS, Operator.MATCHES})
CASE_OPERATORS = TEXT_OPERATORS | {Operator.IN}
NUMBER_OPERATORS = frozenset({Operator.EQUAL, Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST})
TIME_OPERATORS = frozenset({Operator.BEFORE, Operator.AFTER})
VERSION_OPERATORS = frozenset(
    {
        Operator.SEMVER_EQUAL,
        Operator.SEMVER_LESS,
        Operator.SEMVER_AT_MOST,
        Operator.SEMVER_GREATER,
        Operator.SEMVER_AT_LEAST,
    }
)


def holds(clause: Clause, value: Json, regexes: Regexes) -> bool:
    """Whether the clause is true of what a context has; None: it has nothing there."""
    if clause.operator is Operator.IS_SET:
        return (value is not None) is not clause.negated
    if value is None:
        return False
    elements = value if isinstance(value, list) else [value]
    fits_any = any(fits(clause, element, wanted, regexes) for element in elements for wanted in clause.values)
    return fits_any is not clause.negated


def fits(clause: Clause, value: Json, wanted: Json, regexes: Regexes) -> bool:
    """Whether one value of a context fits one value of the clause. What cannot be compared does not fit."""
    match clause.operator:
        case Operator.IN:
            return same(_plain(value, clause), _plain(wanted, clause))
        case Operator.STARTS_WITH | Operator.ENDS_WITH | Operator.CONTAINS | Operator.MATCHES:
            if not isinstance(value, str) or not isinstance(wanted, str):
                return False
            return _text_fits(clause, value, wanted, regexes)
        case Operator.EQUAL | Operator.LESS | Operator.AT_MOST | Operator.GREATER | Operator.AT_LEAST:
            read = number_of if clause.strict else number_read
            return _ordered(clause.operator, read(value), read(wanted))
        case Operator.BEFORE | Operator.AFTER:
            return _ordered(clause.operator, instant_of(value), instant_of(wanted))
        case (
            Operator.SEMVER_EQUAL
            | Operator.SEMVER_LESS
            | Operator.SEMVER_AT_MOST
            | Operator.SEMVER_GREATER
            | Operator.SEMVER_AT_LEAST
        ):
            version = lenient_version_of if clause.lenient else version_of
            return _ordered(clause.operator, version(value), version(wanted))
        case Operator.IN_NETWORK:
            address, network = address_of(value), network_of(wanted)
            return address is not None and network is not None and network.holds(address)
        case Operator.IS_SET:
            return True
        case _:
            assert_never(clause.operator)


def pattern_of(wanted: str, clause: Clause) -> str:
    """Return the pattern to search for."""
    return f"(?i){wanted}" if clause.ignores_case else wanted


def _text_fits(clause: Clause, value: str, wanted: str, regexes: Regexes) -> bool:
    if clause.operator is Operator.MATCHES:
        return regexes(pattern_of(wanted, clause))(value)
    text, part = (value.lower(), wanted.lower()) if clause.ignores_case else (value, wanted)
    if clause.operator is Operator.STARTS_WITH:
        return text.startswith(part)
    return text.endswith(part) if clause.operator is Operator.ENDS_WITH else part in text


def _plain(value: Json, clause: Clause) -> Json:
    return value.lower() if clause.ignores_case and isinstance(value, str) else value


def _ordered(operator: Operator, one: float | Version | None, other: float | Version | None) -> bool:
    """Both are of one kind: numbers, instants or versions."""
    if one is None or other is None:
        return False
    match operator:
        case Operator.EQUAL | Operator.SEMVER_EQUAL:
            return one == other
        case Operator.LESS | Operator.BEFORE | Operator.SEMVER_LESS:
            return one < other  # type: ignore[operator]
        case Operator.AT_MOST | Operator.SEMVER_AT_MOST:
            return one <= other  # type: ignore[operator]
        case Operator.GREATER | Operator.AFTER | Operator.SEMVER_GREATER:
            return one > other  # type: ignore[operator]
        case _:
            return one >= other  # type: ignore[operator]
