"""flagd's targeting, one expression, as what is served to whom, one below the other.

An `if` becomes two of them, `fractional` a split that keeps flagd's own way of hashing. An attribute that names the
variant becomes a comparison for each. What computes with attributes has no equal.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Final

from shared.domain.flags.model import Attribute, Clause, Condition, Hashing, Json, Not, Operator, Serve, Share, Split
from shared.domain.names import VariantName
from shared.wire.findings import shown
from shared.wire.flags.flagd_fractional import Division, Fractionals, Settled
from shared.wire.flags.json_logic import (
    ALWAYS,
    BOOLEAN_OPERATORS,
    FRACTIONAL,
    NEVER,
    TEXT_OPERATORS,
    Constant,
    Logic,
    Unsayable,
    Variable,
    operation,
)
from shared.wire.flags.splits import MOST_WEIGHT

DEFAULT: Final = VariantName("")
"""Stands for the default variant until it is known, since no variant has this name."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What is served to whom, among those whom no leaf before it took."""

    conditions: tuple[Condition, ...]
    serve: Serve | None
    """None: what the flag has by default."""


@dataclass(frozen=True, slots=True)
class _Span:
    """A part of the line of one `fractional`, from 0 to 1."""

    by: Attribute
    seed: str
    since: Fraction
    until: Fraction


@dataclass(frozen=True, slots=True)
class _Among:
    """Whom an expression is asked for: those who meet the conditions and stand in this part of a line."""

    conditions: tuple[Condition, ...] = ()
    span: _Span | None = None

    def who(self, condition: Condition) -> "_Among":
        """Return those of them who meet a condition too."""
        return self if condition == ALWAYS else replace(self, conditions=(*self.conditions, condition))


@dataclass(slots=True)
class Targeting:
    """Reads the targeting of one flag."""

    names: tuple[str, ...]
    """Of the flag's variants."""
    hashing: Hashing
    logic: Logic
    fractionals: Fractionals = field(init=False)

    def __post_init__(self) -> None:
        self.fractionals = Fractionals(self.logic.flag_key, self.hashing, self.logic)
        self.logic = self.fractionals.logic = replace(self.logic, shares=self.fractionals.condition)

    def leaves(self, expression: Any) -> list[Leaf]:
        """Return what the expression serves, without what is served anyway. Raises `Unsayable`."""
        kept = list(self._leaves(expression, _Among()))
        while kept and kept[-1].serve is None:
            kept.pop()
        return kept

    def _leaves(self, expression: Any, among: _Among) -> Iterator[Leaf]:
        """Yield what is served, so that everybody among whom it is asked is taken by one leaf."""
        read = operation(expression)
        if read is None:
            yield self._leaf(expression, among)
            return
        operator, arguments = read
        if operator == "if":
            yield from self._if(arguments, among)
        elif operator in ("and", "or") and arguments:
            yield from self._and_or(operator, arguments, among)
        elif operator == FRACTIONAL:
            yield from self._fractional(arguments, among)
        elif operator in TEXT_OPERATORS:
            yield from self._of_text(expression, among)
        elif operator in BOOLEAN_OPERATORS:
            yield from self._branch(self.logic.condition(expression), "true", "false", among)
        else:
            match self.logic.operand(expression):
                case Constant(value):
                    yield self._leaf(value, among)
                case Variable() as variable:
                    yield from self._named_by(variable, among)
                case _:
                    raise Unsayable(f"{shown(operator)} computes the variant, and a rule names it")

    def _named_by(self, variable: Variable, among: _Among) -> Iterator[Leaf]:
        """Yield each variant to those whose attribute names it."""
        self.logic.remark("who names a variant that is none gets the default, and no error")
        for name in self.names:
            values: tuple[Json, ...] = (name, name == "true") if name in ("true", "false") else (name,)
            named = Clause(attribute=variable.attribute, operator=Operator.IN, values=values)
            yield self._leaf(name, among.who(named))
        if variable.default is not None:
            missing = Not(Clause(attribute=variable.attribute, operator=Operator.IS_SET))
            yield self._leaf(variable.default, among.who(missing))
        yield self._leaf(None, among)

    def _of_text(self, expression: Any, among: _Among) -> Iterator[Leaf]:
        """Yield what is served where an operator of texts is the variant: what is no text, or version, yields null."""
        holds, readable = self.logic.condition(expression), self.logic.readable(expression)
        if holds != NEVER:
            yield self._leaf("true", among.who(holds))
        if readable != NEVER:
            yield self._leaf("false", among.who(readable))
        yield self._leaf(None, among)

    def _branch(self, condition: Condition, then: Any, otherwise: Any, among: _Among) -> Iterator[Leaf]:
        if condition != NEVER:
            yield from self._leaves(then, among.who(condition))
        if condition != ALWAYS:
            yield from self._leaves(otherwise, among)

    def _if(self, arguments: list[Any], among: _Among) -> Iterator[Leaf]:
        if len(arguments) < 2:
            yield from self._leaves(arguments[0] if arguments else None, among)
            return
        asked, then, *otherwise = arguments
        yield from self._branch(self.logic.condition(asked), then, {"if": otherwise}, among)

    def _and_or(self, operator: str, arguments: list[Any], among: _Among) -> Iterator[Leaf]:
        first, *others = arguments
        if not others:
            yield from self._leaves(first, among)
            return
        read = operation(first)
        if read is not None and read[0] not in BOOLEAN_OPERATORS:
            raise Unsayable(f"{operator} computes the variant of what is not true or false")
        condition = self.logic.condition(first)
        decided = first if read is None else operator == "or"
        rest = {operator: others}
        then, otherwise = (decided, rest) if operator == "or" else (rest, decided)
        yield from self._branch(condition, then, otherwise, among)

    def _leaf(self, value: Any, among: _Among) -> Leaf:
        variant = self._variant(value)
        if among.span is None:
            return Leaf(among.conditions, variant)
        return Leaf(among.conditions, self._split(among.span, variant or DEFAULT))

    def _variant(self, value: Any) -> VariantName | None:
        if value is None:
            return None
        name = str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else shown(value)
        if isinstance(value, list | dict) or name not in self.names:
            raise Unsayable(f"it serves {shown(value)}, which is no variant of this flag")
        return VariantName(name)

    def _split(self, span: _Span, variant: VariantName) -> Split:
        """Return what serves this part of the line, and passes on who stands before and behind it."""
        shares = ((None, span.since), (variant, span.until - span.since), (None, 1 - span.until))
        total = math.lcm(*(size.denominator for _, size in shares))
        if total > MOST_WEIGHT:
            raise Unsayable("the weights of nested fractionals have no common measure")
        weighed = tuple(Share(served, int(size * total)) for served, size in shares if size)
        return Split(shares=weighed, seed=span.seed, by=span.by, hashing=self.hashing)

    def _fractional(self, arguments: list[Any], among: _Among) -> Iterator[Leaf]:
        branch = self.fractionals.branch(arguments)
        if branch is not None:
            asked, held, unheld = branch
            yield from self._branch(asked, {FRACTIONAL: held}, {FRACTIONAL: unheld}, among)
            return
        match self.fractionals.read(arguments):
            case Settled(value):
                yield from self._leaves(value, among)
            case Division() as division:
                yield from self._divided(division, among)

    def _divided(self, division: Division, among: _Among) -> Iterator[Leaf]:
        outer = among.span
        if outer is not None:
            if (outer.by, outer.seed) != (division.by, division.seed):
                raise Unsayable("a fractional within another divides users by something else")
            yield from self._nested(division, outer, among)
            return
        # Who has nothing to be divided by is in no share there; here it would be an error, or the next rule's.
        placed = among.who(division.placed)
        inner = {json.dumps(value, sort_keys=True): value for value, _ in division.shares if isinstance(value, dict)}
        if len(inner) > 1:
            whole = _Span(division.by, division.seed, Fraction(0), Fraction(1))
            yield from self._nested(division, whole, placed)
        else:
            shares = tuple(Share(self._served(value), weight) for value, weight in division.shares)
            split = Split(shares=shares, seed=division.seed, by=division.by, hashing=self.hashing)
            yield Leaf(placed.conditions, split)
            for rest in inner.values():
                yield from self._leaves(rest, placed)
        yield Leaf(among.conditions, None)

    def _served(self, value: Any) -> VariantName | None:
        """Return what a share serves; None where that is asked below."""
        return None if isinstance(value, dict) else self._variant(value) or DEFAULT

    def _nested(self, division: Division, outer: _Span, among: _Among) -> Iterator[Leaf]:
        before, total = 0, division.total
        for value, weight in division.shares:
            since = max(outer.since, Fraction(before, total))
            before += weight
            until = min(outer.until, Fraction(before, total))
            if since < until:
                yield from self._leaves(value, replace(among, span=replace(outer, since=since, until=until)))
