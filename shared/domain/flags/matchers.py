"""The operators in a form that is quick: made once for a clause, called on every evaluation.

Values are prepared when the matcher is made: texts in a set, the least or greatest of several numbers, versions read.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeAlias, TypeVar

from shared.domain.flags.instants import instant_of
from shared.domain.flags.json_values import hashable, levels_of, number_of, number_read
from shared.domain.flags.model import Clause, Json, Operator
from shared.domain.flags.networks import address_of, network_of
from shared.domain.flags.operators import NUMBER_OPERATORS, TIME_OPERATORS, Regexes, pattern_of
from shared.domain.flags.semver import lenient_version_of, version_of

Matcher: TypeAlias = Callable[[Json], bool]
"""Whether one value of a context, which is not null and no list, fits any value of the clause."""
T = TypeVar("T")


def matcher(clause: Clause, regexes: Regexes) -> Matcher:
    """Return the matcher of a clause that is not `is-set`. Raises ValueError for a pattern that is none."""
    if clause.operator is Operator.IN:
        return _member(clause)
    texts = [value for value in clause.values if isinstance(value, str)]
    match clause.operator:
        case Operator.STARTS_WITH | Operator.ENDS_WITH | Operator.CONTAINS:
            return _affix(clause, texts)
        case Operator.MATCHES:
            return _pattern(clause, texts, regexes)
        case Operator.IN_NETWORK:
            return _in_network(texts)
    if clause.operator in NUMBER_OPERATORS:
        return _ordered(clause, number_of if clause.strict else number_read)
    if clause.operator in TIME_OPERATORS:
        return _ordered(clause, instant_of)
    return _ordered(clause, lenient_version_of if clause.lenient else version_of)


def _in_network(texts: list[str]) -> Matcher:
    networks = [network for text in texts if (network := network_of(text)) is not None]

    def match(value: Json) -> bool:
        address = address_of(value)
        return address is not None and any(network.holds(address) for network in networks)

    return match


def _member(clause: Clause) -> Matcher:
    texts = frozenset(_lowered(value, clause) for value in clause.values if isinstance(value, str))
    numbers = frozenset(number for value in clause.values if (number := number_of(value)) is not None)
    rest = [value for value in clause.values if not isinstance(value, str) and number_of(value) is None]
    levels = max(map(levels_of, rest), default=0)
    others = frozenset(hashable(value, levels) for value in rest)

    def match(value: Json) -> bool:
        if isinstance(value, str):
            return _lowered(value, clause) in texts
        number = number_of(value)
        return number in numbers if number is not None else bool(others) and hashable(value, levels) in others

    if clause.ignores_case or numbers or others:
        return match
    return lambda value: isinstance(value, str) and value in texts


def _pattern(clause: Clause, texts: list[str], regexes: Regexes) -> Matcher:
    """Search once for all patterns, where one can say them all: a context may hold a long list of texts."""
    searches = [regexes(pattern_of(text, clause)) for text in texts]
    if len(texts) > 1 and not any(_QUOTE in text for text in texts):
        with suppress(ValueError):  # together they are too long, or two have a group of the same name
            searches = [regexes(pattern_of("|".join(f"(?:{text})" for text in texts), clause))]
    match searches:
        case [search]:
            return lambda value: isinstance(value, str) and search(value)
    return lambda value: isinstance(value, str) and any(search(value) for search in searches)


_QUOTE = "\\Q"
"""What follows stands for itself, which a bracket that is put around a pattern must not."""


def _lowered(text: str, clause: Clause) -> str:
    return text.lower() if clause.ignores_case else text


def _affix(clause: Clause, texts: list[str]) -> Matcher:
    parts = tuple(_lowered(text, clause) for text in texts)
    if clause.operator is Operator.CONTAINS:

        def match(text: str) -> bool:
            for part in parts:  # noqa: SIM110 - a generator costs more than all the rest
                if part in text:
                    return True
            return False

    elif clause.operator is Operator.STARTS_WITH:

        def match(text: str) -> bool:
            return text.startswith(parts)
    else:

        def match(text: str) -> bool:
            return text.endswith(parts)

    if clause.ignores_case:
        return lambda value: isinstance(value, str) and match(value.lower())
    return lambda value: isinstance(value, str) and match(value)


def _ordered(clause: Clause, read: Callable[[Json], T | None]) -> Matcher:
    """Compare with the one value that is the easiest to fit, where there is an order."""
    bounds = [bound for value in clause.values if (bound := read(value)) is not None]
    if not bounds:
        return lambda _: False
    match clause.operator:
        case Operator.EQUAL | Operator.SEMVER_EQUAL:
            return _read_then(read, lambda value: value in bounds)
        case Operator.LESS | Operator.BEFORE | Operator.SEMVER_LESS:
            greatest = _greatest(bounds)
            return _read_then(read, lambda value: value < greatest)  # type: ignore[operator]
        case Operator.AT_MOST | Operator.SEMVER_AT_MOST:
            greatest = _greatest(bounds)
            return _read_then(read, lambda value: value <= greatest)  # type: ignore[operator]
        case Operator.GREATER | Operator.AFTER | Operator.SEMVER_GREATER:
            least = _least(bounds)
            return _read_then(read, lambda value: value > least)  # type: ignore[operator]
        case _:
            least = _least(bounds)
            return _read_then(read, lambda value: value >= least)  # type: ignore[operator]


def _read_then(read: Callable[[Json], T | None], compare: Callable[[T], bool]) -> Matcher:
    def match(value: Json) -> bool:
        comparable = read(value)
        return comparable is not None and compare(comparable)

    return match


def _greatest(bounds: Iterable[T]) -> T:
    return max(bounds)  # type: ignore[type-var]


def _least(bounds: Iterable[T]) -> T:
    return min(bounds)  # type: ignore[type-var]
