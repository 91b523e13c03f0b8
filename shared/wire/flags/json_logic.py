"""Conditions in JsonLogic, as flagd's documents have them, turned into conditions of ours.

JsonLogic computes values and asks afterwards whether one is true. What only compares attributes with constants has an
equal here, with the coercion that JavaScript defines for it: `"1" == 1`, and nothing counts as 0 where something is
greater or less. What computes with attributes has none, and `Unsayable` says which part that is.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from shared.domain.flags.model import (
    REGION,
    All,
    AnyOf,
    Attribute,
    Clause,
    Condition,
    During,
    Json,
    Not,
    Operator,
)
from shared.domain.flags.semver import version_of
from shared.wire.findings import shown

ALWAYS: Final = All(())
NEVER: Final = AnyOf(())
FLAG_KEY: Final = "$flagd.flagKey"
TIMESTAMP: Final = "$flagd.timestamp"
_FALSY: Final = (False, 0, "")
_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ORDERS: Final = {
    "<": Operator.LESS,
    "<=": Operator.AT_MOST,
    ">": Operator.GREATER,
    ">=": Operator.AT_LEAST,
}
_VERSION_ORDERS: Final = {
    "=": Operator.SEMVER_EQUAL,
    "<": Operator.SEMVER_LESS,
    "<=": Operator.SEMVER_AT_MOST,
    ">": Operator.SEMVER_GREATER,
    ">=": Operator.SEMVER_AT_LEAST,
}
_VERSION_WORDS: Final = (*_VERSION_ORDERS, "!=", "^", "~")
_AFFIXES: Final = {"starts_with": Operator.STARTS_WITH, "ends_with": Operator.ENDS_WITH}
BOOLEAN_OPERATORS: Final = frozenset(
    {"==", "===", "!=", "!==", "<", "<=", ">", ">=", "!", "!!", "in", "some", "none", *_AFFIXES, "sem_ver"}
)
"""Those whose value is true or false, or null, which counts as false."""
TEXT_OPERATORS: Final = frozenset({*_AFFIXES, "sem_ver"})
"""Those whose value is null where there is no text, or no version, to look at."""


FRACTIONAL: Final = "fractional"
_MOST_PARTS: Final = 20_000
"""So many parts a condition may have."""
_COMPUTED: Final = frozenset({"and", "or", "if", "missing", "missing_some", FRACTIONAL})
"""Those whose value is no constant and no attribute either, and which a condition can ask all the same."""


class Unsayable(Exception):  # noqa: N818 - it is caught by who asks whether something can be said
    """What JsonLogic says here has no equal among our conditions."""


@dataclass(frozen=True, slots=True)
class Variable:
    """An attribute, and what counts where the context has none."""

    attribute: Attribute
    default: Json = None


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is the same for everybody."""

    value: Any


class Timestamp:
    """The time of the evaluation, in whole seconds since 1970."""


Operand = Variable | Constant | Timestamp


def operation(expression: Any) -> tuple[str, list[Any]] | None:
    """Return the operator and the arguments of an operation; None for a constant."""
    if not isinstance(expression, dict):
        return None
    if len(expression) != 1:
        raise Unsayable(f"an object with {len(expression)} members is no operation")
    [(operator, arguments)] = expression.items()
    return operator, arguments if isinstance(arguments, list) else [arguments]


@dataclass(frozen=True, slots=True)
class Logic:
    """Reads the conditions of one flag."""

    flag_key: str
    element_of: Attribute | None = None
    """The list that the variable without a name is an element of."""
    remarks: dict[str, None] = field(default_factory=dict)
    """What is not quite the same here, each said once."""
    shares: Callable[[list[Any], Callable[[Any], bool]], Condition] | None = None
    """Returns when the share that somebody has of a `fractional` yields what passes a test."""

    def operand(self, expression: Any) -> Operand | None:
        """Return what is compared; None for an operation that yields true or false."""
        read = operation(expression)
        if isinstance(expression, list):
            return Constant([self._constant(each) for each in expression])
        if read is None:
            return Constant(expression)
        operator, arguments = read
        if operator == "var":
            return self.variable(arguments)
        if operator == "cat":
            return Constant("".join(_text(self._constant(each)) for each in arguments))
        if operator in BOOLEAN_OPERATORS or operator in _COMPUTED:
            return None
        raise Unsayable(f"{shown(operator)} computes a value, and a condition only compares")

    def variable(self, arguments: list[Any]) -> Operand:
        """Return what `var` reads."""
        name = arguments[0] if arguments else ""
        default = arguments[1] if len(arguments) > 1 else None
        if isinstance(name, dict) or isinstance(default, dict | list):
            raise Unsayable("the name or the default of a variable is computed")
        if name in ("", None):
            if self.element_of is None:
                raise Unsayable("the whole context is no attribute")
            return Variable(self.element_of)
        if name == FLAG_KEY:
            return Constant(self.flag_key)
        if name == TIMESTAMP:
            return Timestamp()
        path = tuple(str(name).split("."))
        if path[0] == "$flagd":
            return Constant(default)
        if path == (REGION,):
            self.remark("a context without a region has that of the app that answers")
        return Variable(Attribute(path), default)

    def remark(self, words: str) -> None:
        """Note what is not quite the same."""
        self.remarks[words] = None

    def _constant(self, expression: Any) -> Any:
        operand = self.operand(expression)
        if not isinstance(operand, Constant):
            raise Unsayable("a text or a list that is put together of attributes")
        return operand.value

    def condition(self, expression: Any) -> Condition:
        """Return when the value of this is true, as JavaScript counts. Raises `Unsayable`."""
        match self.operand(expression):
            case Constant(value):
                return ALWAYS if is_true(value) else NEVER
            case Timestamp():
                return ALWAYS
            case Variable() as variable:
                present = All((_is_set(variable), Not(_in(variable, _FALSY))))
                return _where_missing(variable, present, missing=is_true(variable.default))
        operator, arguments = operation(expression) or ("", [])
        return self._operation(operator, arguments)

    def _operation(self, operator: str, arguments: list[Any]) -> Condition:
        match operator:
            case "and" | "or" if arguments:
                parts = [self.condition(each) for each in arguments]
                return both(parts) if operator == "and" else either(parts)
            case "!" | "!!":
                inner = self.condition(arguments[0] if arguments else None)
                return inner if operator == "!!" else negation(inner)
            case "if":
                return self._if(arguments)
            case "==" | "===":
                return self._equal(arguments, strict=operator == "===")
            case "!=" | "!==":
                return negation(self._equal(arguments, strict=operator == "!=="))
            case "<" | "<=" | ">" | ">=":
                return self._order(operator, arguments)
            case "in":
                return self._in(arguments)
            case "missing":
                return either(self._missing(each) for each in _names(arguments))
            case "missing_some":
                return self._missing_some(arguments)
            case "starts_with" | "ends_with":
                return self._affix(operator, arguments)
            case "sem_ver":
                return self._version(arguments)
            case "some" | "none":
                return self._some(operator, arguments)
            case "fractional":
                return self._share(arguments, is_true)
        raise Unsayable(f"{shown(operator)} is not an operator that a condition has an equal of")

    def _if(self, arguments: list[Any]) -> Condition:
        if len(arguments) < 2:
            return self.condition(arguments[0]) if arguments else NEVER
        asked, then, *otherwise = arguments
        condition = self.condition(asked)
        met, unmet = self.condition(then), self._if(otherwise)
        return divided(condition, met, unmet)

    def _pair(self, arguments: list[Any], operator: str) -> tuple[Operand, Operand]:
        if len(arguments) != 2:
            raise Unsayable(f"{operator} with {len(arguments)} arguments")
        left, right = (self.operand(each) for each in arguments)
        if left is None or right is None:
            raise Unsayable(f"{operator} compares what another operation yields")
        return left, right

    def _share(self, arguments: list[Any], fits: Callable[[Any], bool]) -> Condition:
        if self.shares is None or self.element_of is not None:
            raise Unsayable(f"{FRACTIONAL} of an element of a list")
        return self.shares(arguments, fits)

    def _yields(self, expression: Any, fits: Callable[[Any], bool]) -> Condition:
        """Return when an expression that chooses among constants yields one that passes a test."""
        match operation(expression):
            case ("fractional", arguments):
                return self._share(arguments, fits)
            case ("if", []):
                return _always(fits(None))
            case ("if", [only]):
                return self._yields(only, fits)
            case ("if", [asked, then, *otherwise]):
                condition, rest = self.condition(asked), {"if": otherwise}
                met, unmet = self._yields(then, fits), self._yields(rest, fits)
                return divided(condition, met, unmet)
        match self.operand(expression):
            case Constant(value):
                return _always(fits(value))
        raise Unsayable("what another operation yields is compared, and it is no constant")

    def _chosen(self, one: Any, other: Any, fits: Callable[[Any, Any], bool]) -> Condition | None:
        """Return when what an expression chooses passes a test with a constant; None where nothing is chosen."""
        read = operation(one)
        if read is None or read[0] not in ("if", FRACTIONAL):
            return None
        match self.operand(other):
            case Constant(value):
                return self._yields(one, lambda chosen: fits(chosen, value))
        return None

    def _equal(self, arguments: list[Any], *, strict: bool) -> Condition:
        for one, other in (arguments, arguments[::-1]) if len(arguments) == 2 else ():
            chosen = self._chosen(one, other, lambda yielded, value: are_equal(yielded, value, strict=strict))
            if chosen is not None:
                return chosen
        left, right = self._pair(arguments, "===" if strict else "==")
        match left, right:
            case Constant(one), Constant(other):
                return _always(are_equal(one, other, strict=strict))
            case (Variable() as variable, Constant(value)) | (Constant(value), Variable() as variable):
                if isinstance(value, list | dict):
                    raise Unsayable("a list is compared with an attribute")
                present = NEVER if value is None else _equals(variable, value, strict=strict)
                return _where_missing(variable, present, missing=are_equal(variable.default, value, strict=strict))
            case (Timestamp(), Constant(value)) | (Constant(value), Timestamp()):
                return both([_at("<=", value), _at(">=", value)])
        raise Unsayable("two attributes are compared with each other")

    def _order(self, operator: str, arguments: list[Any]) -> Condition:
        if len(arguments) == 3 and operator in ("<", "<="):
            return both(self._order(operator, list(pair)) for pair in pairwise(arguments))
        left, right = self._pair(arguments, operator)
        match left, right:
            case Constant(one), Constant(other):
                return _always(_is_ordered(operator, one, other))
            case Variable() as variable, Constant(bound):
                return self._ordered(variable, operator, bound)
            case Constant(bound), Variable() as variable:
                return self._ordered(variable, _FLIPPED[operator], bound)
            case Timestamp(), Constant(bound):
                return _at(operator, bound)
            case Constant(bound), Timestamp():
                return _at(_FLIPPED[operator], bound)
        raise Unsayable("two attributes are compared with each other")

    def _ordered(self, variable: Variable, operator: str, bound: Any) -> Condition:
        number = _number(bound)
        if isinstance(bound, str) and not math.isnan(number):
            self.remark("two texts that are numbers are compared as numbers, not letter by letter")
        elif not isinstance(bound, int | float) or isinstance(bound, bool):
            raise Unsayable(f"an attribute is ordered against {shown(bound)}, which is no number")
        self.remark("what is true or false, and a text without characters, is no number to be greater or less")
        present = _clause(variable, _ORDERS[operator], (bound,))
        return _where_missing(variable, present, missing=_is_ordered(operator, variable.default, bound))

    def _in(self, arguments: list[Any]) -> Condition:
        chosen = self._chosen(arguments[0], arguments[1], _is_in) if len(arguments) == 2 else None
        if chosen is not None:
            return chosen
        needle, hay = self._pair(arguments, "in")
        match needle, hay:
            case Constant(one), Constant(other):
                return _always(_is_in(one, other))
            case Variable() as variable, Constant(list() as values):
                if any(isinstance(each, list | dict) for each in values):
                    raise Unsayable("an attribute is looked for among lists")
                known = tuple(each for each in values if each is not None)
                present = _in(variable, known) if known else NEVER
                return _where_missing(variable, present, missing=_is_in(variable.default, values))
            case Constant(str() as part), Variable() as variable:
                self.remark("of a list an element that contains the text is enough, it need not be the text")
                present = _clause(variable, Operator.CONTAINS, (part,))
                return _where_missing(variable, present, missing=_is_in(part, variable.default))
            case Constant(int() | float() | bool() as value), Variable() as variable:
                self.remark("an attribute that is the value itself counts as a list of it")
                return _where_missing(variable, _in(variable, (value,)), missing=_is_in(value, variable.default))
        raise Unsayable("an attribute is looked for in a text or in another attribute")

    def _missing(self, name: Any) -> Condition:
        match self.variable([name]):
            case Variable() as variable:
                return either([negation(_is_set(variable)), _in(variable, ("",))])
            case Constant(value):
                return _always(value in (None, ""))
        return NEVER

    def _missing_some(self, arguments: list[Any]) -> Condition:
        match arguments:
            case [int() as needed, list() as names] if not isinstance(needed, bool):
                missing = [self._missing(each) for each in names]
                if needed <= 0:
                    return NEVER
                if needed == 1:
                    return both(missing) if missing else NEVER
                if needed >= len(names):
                    return either(missing) if needed == len(names) else _always(bool(names))
        raise Unsayable("missing_some of more than one and less than all names")

    def _affix(self, operator: str, arguments: list[Any]) -> Condition:
        if len(arguments) != 2:
            return NEVER
        whole, part = self._pair(arguments, operator)
        match whole, part:
            case Constant(one), Constant(other):
                return _always(_has_affix(operator, one, other))
            case Variable() as variable, Constant(text):
                present = _clause(variable, _AFFIXES[operator], (text,)) if isinstance(text, str) else NEVER
                return _where_missing(variable, present, missing=_has_affix(operator, variable.default, text))
        raise Unsayable(f"{operator} with a text that is an attribute")

    def _version(self, arguments: list[Any]) -> Condition:
        if len(arguments) != 3 or not isinstance(arguments[1], str):
            return NEVER
        left, right = self._pair([arguments[0], arguments[2]], "sem_ver")
        match left, right:
            case Variable(default=None) as variable, Constant(bound):
                return version_condition(variable.attribute, arguments[1], bound)
        raise Unsayable("sem_ver that does not compare an attribute with a version")

    def readable(self, expression: Any) -> Condition:
        """Return when an operator of `TEXT_OPERATORS` yields true or false, and not null."""
        operator, arguments = operation(expression) or ("", [])
        if operator == "sem_ver":
            is_fit = len(arguments) == 3 and arguments[1] in _VERSION_WORDS
            is_fit = is_fit and self._version([arguments[0], "=", arguments[2]]) != NEVER
            return self._version([arguments[0], ">=", "0.0.0-0"]) if is_fit else NEVER
        if len(arguments) != 2:
            return NEVER
        whole, part = self._pair(arguments, operator)
        match whole, part:
            case Variable() as variable, Constant(str()):
                present = _clause(variable, Operator.CONTAINS, ("",))
                return _where_missing(variable, present, missing=isinstance(variable.default, str))
            case Constant(str()), Constant(str()):
                return ALWAYS
        return NEVER

    def _some(self, operator: str, arguments: list[Any]) -> Condition:
        if len(arguments) != 2 or self.element_of is not None:
            raise Unsayable(f"{operator} within another")
        match self.operand(arguments[0]):
            case Variable(default=None) as variable:
                inside = Logic(self.flag_key, variable.attribute, self.remarks).condition(arguments[1])
            case _:
                raise Unsayable(f"{operator} of what is no attribute")
        if not _is_of_elements(inside):
            raise Unsayable(f"{operator} that asks more of an element than to be one of some values")
        self.remark("an attribute that is no list counts as a list of one")
        return inside if operator == "some" else negation(inside)


def _names(arguments: list[Any]) -> list[Any]:
    return arguments[0] if arguments and isinstance(arguments[0], list) else arguments


def _is_of_elements(condition: Condition) -> bool:
    match condition:
        case Clause(negated=negated):
            return not negated
        case AnyOf(conditions):
            return all(map(_is_of_elements, conditions))
    return False


def version_condition(attribute: Attribute, operator: str, bound: Any) -> Condition:
    """Return the condition of `sem_ver`, which no value meets that is no version."""
    version = version_of(_padded(str(bound)))
    if version is None:
        return NEVER
    major, minor, named = version[0], version[1], _padded(str(bound))

    def clause(word: str, version: str = named) -> Condition:
        return Clause(attribute=attribute, operator=_VERSION_ORDERS[word], values=(version,), lenient=True)

    if operator in _VERSION_ORDERS:
        return clause(operator)
    if operator == "!=":
        return both([clause(">=", "0.0.0-0"), negation(clause("="))])
    if operator == "^":
        return both([clause(">=", f"{major}.0.0-0"), clause("<", f"{major + 1}.0.0-0")])
    if operator == "~":
        return both([clause(">=", f"{major}.{minor}.0-0"), clause("<", f"{major}.{minor + 1}.0-0")])
    return NEVER


def _padded(text: str) -> str:
    return text[1:] if text[:1] in ("v", "V") else text


def both(conditions: Iterable[Condition]) -> Condition:
    """Return that each of them holds, without what says nothing."""
    parts: list[Condition] = []
    for each in conditions:
        if each == NEVER:
            return NEVER
        parts += each.conditions if isinstance(each, All) else (each,)
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def either(conditions: Iterable[Condition]) -> Condition:
    """Return that one of them holds, without what says nothing."""
    parts: list[Condition] = []
    for each in conditions:
        if each == ALWAYS:
            return ALWAYS
        parts += each.conditions if isinstance(each, AnyOf) else (each,)
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def negation(condition: Condition) -> Condition:
    """Return that it does not hold."""
    match condition:
        case Not(inner):
            return inner
        case All(()):
            return NEVER
        case AnyOf(()):
            return ALWAYS
    return Not(condition)


def divided(asked: Condition, met: Condition, unmet: Condition) -> Condition:
    """Return that one of them holds where it is asked for, and the other elsewhere.

    What is asked stands in that twice, so a few that lie in one another double it each: `Unsayable` is raised in time.
    """
    condition = either([both([asked, met]), both([negation(asked), unmet])])
    if _parts_of(condition) > _MOST_PARTS:
        raise Unsayable("with all that it depends on it is too long")
    return condition


def _parts_of(condition: Condition) -> int:
    match condition:
        case Not(inner):
            return 1 + _parts_of(inner)
        case All(conditions) | AnyOf(conditions):
            return 1 + sum(map(_parts_of, conditions))
    return 1


def _always(holds: bool) -> Condition:  # noqa: FBT001 - the value itself
    return ALWAYS if holds else NEVER


def _where_missing(variable: Variable, present: Condition, *, missing: bool) -> Condition:
    """Return a condition that is false without the attribute, with what counts there."""
    return either([present, Not(_is_set(variable))]) if missing else present


def _is_set(variable: Variable) -> Condition:
    return Clause(attribute=variable.attribute, operator=Operator.IS_SET)


def _clause(variable: Variable, operator: Operator, values: tuple[Json, ...]) -> Condition:
    return Clause(attribute=variable.attribute, operator=operator, values=values)


def _in(variable: Variable, values: tuple[Json, ...]) -> Condition:
    return _clause(variable, Operator.IN, values)


def _equals(variable: Variable, value: Json, *, strict: bool) -> Condition:
    if strict:
        return _in(variable, (value,))
    number = _number(value)
    if isinstance(value, str):
        if math.isnan(number):
            return _in(variable, (value,))
        return _in(variable, (value, _plain(number), *_booleans(number)))
    if isinstance(value, bool):
        return either([_in(variable, (value,)), _clause(variable, Operator.EQUAL, (int(value),))])
    equal = _clause(variable, Operator.EQUAL, (value,))
    return either([equal, _in(variable, _booleans(number))]) if _booleans(number) else equal


def _booleans(number: float) -> tuple[bool, ...]:
    return (bool(number),) if number in (0, 1) else ()


def _plain(number: float) -> int | float:
    return int(number) if number.is_integer() else number


def _at(operator: str, bound: Any) -> Condition:
    """Return when the time in whole seconds is so."""
    number = _number(bound)
    if not isinstance(bound, int | float) or isinstance(bound, bool):
        raise Unsayable(f"the time is compared with {shown(bound)}")
    edge = math.floor(number) + 1 if operator in ("<=", ">") else math.ceil(number)
    try:
        moment = datetime.fromtimestamp(edge, UTC)
    except (ValueError, OverflowError, OSError):
        return _always((edge > 0) == (operator in ("<", "<=")))
    return During(until=moment) if operator in ("<", "<=") else During(since=moment)


def is_true(value: Any) -> bool:
    """Whether a constant counts as true."""
    return bool(value) or isinstance(value, dict)


def _number(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, str) and not value.strip():
        return math.nan
    if isinstance(value, str | int | float):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return math.nan
        return number if math.isfinite(number) else math.nan
    return math.nan


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)


def are_equal(one: Any, other: Any, *, strict: bool) -> bool:
    """Whether two constants are equal, as JavaScript counts."""
    if type(one) is type(other):
        return bool(one == other) and not isinstance(one, list | dict)
    is_number = [isinstance(each, int | float) and not isinstance(each, bool) for each in (one, other)]
    if strict or one is None or other is None:
        return all(is_number) and one == other
    return _number(one) == _number(other)


_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


def _is_ordered(operator: str, one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return _COMPARE[operator](one, other)
    return _COMPARE[operator](_number(one), _number(other))


def _is_in(needle: Any, hay: Any) -> bool:
    if isinstance(hay, str):
        return isinstance(needle, str) and needle in hay
    listed: Sequence[Any] = hay if isinstance(hay, list) else ()
    return any(are_equal(needle, each, strict=True) for each in listed)


def _has_affix(operator: str, whole: Any, part: Any) -> bool:
    if not isinstance(whole, str) or not isinstance(part, str):
        return False
    return whole.startswith(part) if operator == "starts_with" else whole.endswith(part)
