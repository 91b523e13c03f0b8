"""Flags of flagd: its JSON documents in, flags of ours out. Who got a variant there gets it here.

Targeting is one expression there and a list of rules here: an `if` becomes rules one below the other, `fractional` a
split that keeps flagd's own way of hashing. What computes with attributes has no equal: such a flag is refused.
flagd's versions hash in three ways; the document does not say which served it, so the caller does.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Final

from shared.domain.errors import InvalidError, Problem
from shared.domain.flags.buckets import line_of
from shared.domain.flags.model import (
    BY_KEY,
    Attribute,
    Clause,
    Condition,
    Flag,
    FlagType,
    Hashing,
    Json,
    Not,
    Operator,
    Rule,
    Serve,
    Share,
    Split,
    Variant,
)
from shared.domain.names import FlagKey, VariantName
from shared.wire.findings import shown
from shared.wire.flags.code_default import with_code_default
from shared.wire.flags.document import flag_document, read_flag
from shared.wire.flags.json_logic import (
    ALWAYS,
    BOOLEAN_OPERATORS,
    FLAG_KEY,
    NEVER,
    TEXT_OPERATORS,
    Constant,
    Logic,
    Unsayable,
    Variable,
    both,
    operation,
)
from shared.wire.flags.notes import Fate, Imported, Note, Refused
from shared.wire.flags.splits import MOST_WEIGHT
from shared.wire.source import Source

WAYS: Final = {"1": Hashing.FLAGD_1, "2": Hashing.FLAGD_2, "3": Hashing.FLAGD_3}
"""The ways of hashing by the version of `fractional`. 3: CBOR (2026), 2: the sum of the weights, 1: whole percents."""
_FLAG: Final = frozenset({"key", "state", "variants", "defaultVariant", "targeting", "metadata", "source", "selector"})
_MARKS: Final = frozenset({"state", "defaultVariant", "targeting"})
"""Members that no other product's flags have: another's document is not to be taken for one of these."""
_MOST_PARTS: Final = 20_000
"""So many parts a flag's targeting may have when all references are followed."""
_KEY_AS_ATTRIBUTE: Final = replace(BY_KEY, kind="user")
"""The targeting key, but not as what the third way hashes together with the flag's key: put together into one text."""


def import_flagd(document: Any, *, hashing: Hashing = Hashing.FLAGD_3) -> Imported:
    """Return the flags of a document. Raises `InvalidError` where it is none; a flag that cannot be said is refused."""
    listed = _flags(document)
    evaluators, metadata = (_member(document, name) for name in ("$evaluators", "metadata"))
    flags: list[Flag] = []
    notes: list[Note] = []
    refused: list[Refused] = []
    if metadata:
        notes.append(Note("", Fate.LOST, f"metadata of the flag set: {', '.join(metadata)}"))
    for key, value in listed:
        try:
            flag, told = _Reading(key, value, evaluators, hashing).flag()
            flags.append(read_flag(Source(flag_document(flag))))
            notes += told
        except Unsayable as why:
            refused.append(Refused(key, Problem("targeting", str(why))))
        except InvalidError as error:
            refused += [Refused(key, problem) for problem in error.problems]
    return Imported(tuple(flags), (), tuple(notes), tuple(refused))


def _flags(document: Any) -> list[tuple[str, Any]]:
    flags = document.get("flags") if isinstance(document, dict) else None
    if isinstance(flags, dict):
        return _recognised(list(flags.items()))
    if isinstance(flags, list) and all(isinstance(each, dict) and isinstance(each.get("key"), str) for each in flags):
        return _recognised([(each["key"], each) for each in flags])
    raise InvalidError(Problem("flags", f"found {shown(flags)}; allowed is an object of flags, or a list with keys"))


def _recognised(listed: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return the flags. Raises `InvalidError` for those of another product, and where there are none."""
    if not any(isinstance(value, dict) and _MARKS & value.keys() for _, value in listed):
        marks = ", ".join(sorted(_MARKS))
        raise InvalidError(Problem("flags", f"this is no document of flagd: no flag has any of {marks}"))
    return listed


def _member(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name) or {}
    if not isinstance(value, dict):
        raise InvalidError(Problem(name, f"found {shown(value)}; allowed is an object"))
    return value


@dataclass(frozen=True, slots=True)
class _Span:
    """A part of the line of one `fractional`, from 0 to 1."""

    by: Attribute
    seed: str
    since: Fraction
    until: Fraction


@dataclass(frozen=True, slots=True)
class _Leaf:
    """What is served to whom, among those whom no leaf before it took."""

    conditions: tuple[Condition, ...]
    serve: Serve | None
    """None: what the flag has by default."""


@dataclass(slots=True)
class _Reading:
    key: str
    value: Any
    evaluators: dict[str, Any]
    hashing: Hashing
    logic: Logic = field(init=False)
    names: tuple[str, ...] = ()

    def flag(self) -> tuple[Flag, list[Note]]:
        self._check()
        self.logic = Logic(self.key)
        self.names = tuple(self.value["variants"])
        notes = self._notes()
        variants = tuple(Variant(VariantName(name), value) for name, value in self.value["variants"].items())
        flag_type = _type_of(self.value["variants"].values())
        default, is_on = self.value.get("defaultVariant") or None, self.value["state"] == "ENABLED"
        if default is not None and default not in self.names:
            raise InvalidError(Problem("defaultVariant", f"found {shown(default)}, which is no variant of this flag"))
        if default is None or not is_on:
            variants, fallback = with_code_default(variants)
        served = VariantName(default) if default is not None else fallback
        targeting = self._resolved(self.value.get("targeting") or {}, ())
        leaves = _without_trailing(self._leaves(targeting, (), None)) if targeting else []
        flag = Flag(
            key=FlagKey(self.key),
            type=flag_type,
            variants=variants,
            default=served,
            off=served if is_on else fallback,
            enabled=is_on,
            rules=tuple(
                Rule(
                    id=f"targeting-{number}",
                    condition=both(leaf.conditions),
                    serve=_with_default(leaf.serve, served),
                )
                for number, leaf in enumerate(leaves, 1)
            ),
            description=str(self._metadata().get("description", "")),
            owner=str(self._metadata().get("owner", "")),
        )
        notes += [Note(self.key, Fate.CHANGED, words) for words in self.logic.remarks]
        return flag, notes

    def _check(self) -> None:
        value = self.value
        if not isinstance(value, dict):
            raise InvalidError(Problem("", f"found {shown(value)}; allowed is an object"))
        if value.get("state") not in ("ENABLED", "DISABLED"):
            raise InvalidError(Problem("state", f"found {shown(value.get('state'))}; allowed is ENABLED or DISABLED"))
        if not isinstance(value.get("variants"), dict) or not value["variants"]:
            raise InvalidError(Problem("variants", "is missing or empty; allowed is an object of values"))
        for name in ("targeting", "metadata"):
            if not isinstance(value.get(name) or {}, dict):
                raise InvalidError(Problem(name, f"found {shown(value[name])}; allowed is an object"))
        if not isinstance(value.get("defaultVariant"), str | None):
            found = shown(value["defaultVariant"])
            raise InvalidError(Problem("defaultVariant", f"found {found}; allowed is the name of a variant or null"))

    def _metadata(self) -> dict[str, Any]:
        return self.value.get("metadata") or {}

    def _notes(self) -> list[Note]:
        notes = [Note(self.key, Fate.LOST, f"the field {name}") for name in self.value if name not in _FLAG]
        notes += [
            Note(self.key, Fate.LOST, f"the metadata {name}")
            for name, value in self._metadata().items()
            if name not in ("description", "owner") or not isinstance(value, str)
        ]
        return notes

    def _resolved(self, expression: Any, within: tuple[str, ...]) -> Any:
        """Return the expression with every reference replaced by what it names."""
        resolved = self._followed(expression, within)
        if len(json.dumps(resolved)) > _MOST_PARTS * 10:
            raise Unsayable("with all references followed it is too long")
        return resolved

    def _followed(self, expression: Any, within: tuple[str, ...]) -> Any:
        if isinstance(expression, list):
            return [self._followed(each, within) for each in expression]
        if not isinstance(expression, dict):
            return expression
        if set(expression) == {"$ref"}:
            name = expression["$ref"]
            if not isinstance(name, str) or name not in self.evaluators:
                raise Unsayable(f"$ref names {shown(name)}, which is not among the $evaluators")
            if name in within or len(within) > 10:
                raise Unsayable(f"the evaluator {shown(name)} refers to itself")
            return self._resolved(self.evaluators[name], (*within, name))
        return {key: self._followed(each, within) for key, each in expression.items()}

    def _leaves(self, expression: Any, conditions: tuple[Condition, ...], span: _Span | None) -> Iterator[_Leaf]:
        """Yield what an expression serves, so that everybody who meets the conditions is taken by one of them."""
        read = operation(expression)
        if read is None:
            yield self._leaf(expression, conditions, span)
            return
        operator, arguments = read
        if operator == "if":
            yield from self._if(arguments, conditions, span)
        elif operator in ("and", "or") and arguments:
            yield from self._and_or(operator, arguments, conditions, span)
        elif operator == "fractional":
            yield from self._fractional(arguments, conditions, span)
        elif operator in TEXT_OPERATORS:
            yield from self._of_text(expression, conditions, span)
        elif operator in BOOLEAN_OPERATORS:
            yield from self._branch(self.logic.condition(expression), "true", "false", conditions, span)
        else:
            match self.logic.operand(expression):
                case Constant(value):
                    yield self._leaf(value, conditions, span)
                case _:
                    raise Unsayable(f"{shown(operator)} computes the variant, and a rule names it")

    def _of_text(self, expression: Any, conditions: tuple[Condition, ...], span: _Span | None) -> Iterator[_Leaf]:
        """Yield what is served where an operator of texts is the variant: what is no text, or version, yields null."""
        holds, readable = self.logic.condition(expression), self.logic.readable(expression)
        if holds != NEVER:
            yield self._leaf("true", (*conditions, holds), span)
        if readable != NEVER:
            yield self._leaf("false", (*conditions, readable), span)
        yield self._leaf(None, conditions, span)

    def _branch(
        self, condition: Condition, then: Any, otherwise: Any, conditions: tuple[Condition, ...], span: _Span | None
    ) -> Iterator[_Leaf]:
        if condition != NEVER:
            yield from self._leaves(then, (*conditions, condition), span)
        if condition != ALWAYS:
            yield from self._leaves(otherwise, conditions, span)

    def _if(self, arguments: list[Any], conditions: tuple[Condition, ...], span: _Span | None) -> Iterator[_Leaf]:
        if len(arguments) < 2:
            yield from self._leaves(arguments[0] if arguments else None, conditions, span)
            return
        asked, then, *otherwise = arguments
        yield from self._branch(self.logic.condition(asked), then, {"if": otherwise}, conditions, span)

    def _and_or(
        self, operator: str, arguments: list[Any], conditions: tuple[Condition, ...], span: _Span | None
    ) -> Iterator[_Leaf]:
        first, *others = arguments
        if not others:
            yield from self._leaves(first, conditions, span)
            return
        read = operation(first)
        if read is not None and read[0] not in BOOLEAN_OPERATORS:
            raise Unsayable(f"{operator} computes the variant of what is not true or false")
        condition = self.logic.condition(first)
        decided = first if read is None else operator == "or"
        rest = {operator: others}
        then, otherwise = (decided, rest) if operator == "or" else (rest, decided)
        yield from self._branch(condition, then, otherwise, conditions, span)

    def _leaf(self, value: Any, conditions: tuple[Condition, ...], span: _Span | None) -> _Leaf:
        variant = self._variant(value)
        return _Leaf(conditions, variant if span is None else self._split(span, variant or _DEFAULT))

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

    def _fractional(
        self, arguments: list[Any], conditions: tuple[Condition, ...], outer: _Span | None
    ) -> Iterator[_Leaf]:
        constant = self._constant_key(arguments)
        by, seed, listed = self._placing(arguments) if constant is None else (_KEY_AS_ATTRIBUTE, "", arguments[1:])
        weights = [_weight(each) for each in listed]
        total = sum(weights)
        if total > MOST_WEIGHT:
            raise Unsayable(f"the weights of fractional sum to {total}; allowed are at most {MOST_WEIGHT}")
        if constant is not None and total:
            yield from self._leaves(listed[self._place(constant, weights)][0], conditions, outer)
            return
        whole = _Span(by, seed, Fraction(0), Fraction(1))
        if outer is not None and (outer.by, outer.seed) != (by, seed):
            raise Unsayable("a fractional within another divides users by something else")
        if total == 0:
            yield self._leaf(None, conditions, outer)
            return
        if outer is not None:
            yield from self._nested(listed, weights, conditions, outer)
            return
        # Who has nothing to be divided by is in no share there; here it would be an error, or the next rule's.
        missing = Not(Clause(attribute=by, operator=Operator.IS_SET))
        yield _Leaf((*conditions, missing), None)
        inner = {json.dumps(each[0], sort_keys=True): each[0] for each in listed if isinstance(each[0], dict)}
        if len(inner) > 1:
            yield from self._nested(listed, weights, conditions, whole)
            return
        shares = tuple(Share(self._served(each[0]), weight) for each, weight in zip(listed, weights, strict=True))
        yield _Leaf(conditions, Split(shares=shares, seed=seed, by=by, hashing=self.hashing))
        for rest in inner.values():
            yield from self._leaves(rest, conditions, None)

    def _served(self, value: Any) -> VariantName | None:
        """Return what a share serves; None where that is asked below."""
        return None if isinstance(value, dict) else self._variant(value) or _DEFAULT

    def _nested(
        self, listed: list[Any], weights: list[int], conditions: tuple[Condition, ...], outer: _Span
    ) -> Iterator[_Leaf]:
        before, total = 0, sum(weights)
        for each, weight in zip(listed, weights, strict=True):
            since = max(outer.since, Fraction(before, total))
            before += weight
            until = min(outer.until, Fraction(before, total))
            if since < until:
                yield from self._leaves(each[0], conditions, replace(outer, since=since, until=until))

    def _constant_key(self, arguments: list[Any]) -> str | None:
        """Return the text that everybody is divided by, which puts all into one share; None where there is none."""
        if not arguments or isinstance(arguments[0], list):
            return None
        operand = self.logic.operand(arguments[0]) if not _has_variables(arguments[0]) else None
        return operand.value if isinstance(operand, Constant) and isinstance(operand.value, str) else None

    def _place(self, text: str, weights: list[int]) -> int:
        shares = tuple(Share(_DEFAULT, weight) for weight in weights)
        line = line_of(Split(shares=shares, seed="", by=_KEY_AS_ATTRIBUTE, hashing=self.hashing))
        return line.share_at(line.place_of(text))

    def _placing(self, arguments: list[Any]) -> tuple[Attribute, str, list[Any]]:
        """Return what places users, the seed, and the shares."""
        if not arguments or isinstance(arguments[0], list):
            return BY_KEY, self.key, arguments
        read = operation(arguments[0])
        parts = read[1] if read is not None and read[0] == "cat" else [arguments[0]]
        operands = [self.logic.operand(each) for each in parts]
        if not operands or not isinstance(operands[-1], Variable) or operands[-1].default is not None:
            raise Unsayable("what fractional divides users by is not an attribute, perhaps behind texts")
        self.logic.remark("what fractional divides users by is a text or a whole number; anything else has no share")
        seed = "".join(_constant_text(each) for each in operands[:-1])
        by = operands[-1].attribute
        if read is not None and read[0] == "cat":
            self.logic.remark("who lacks the attribute that fractional divides users by gets the default variant")
        if seed and by == BY_KEY:
            by = _KEY_AS_ATTRIBUTE
        return by, seed, arguments[1:]


_DEFAULT: Final = VariantName("")
"""Stands for the default variant until it is known, since no variant has this name."""


def _with_default(serve: Serve | None, default: VariantName) -> Serve:
    if isinstance(serve, Split):
        named = (Share(default if share.variant == _DEFAULT else share.variant, share.weight) for share in serve.shares)
        return replace(serve, shares=tuple(named))
    return default if serve is None else serve


def _without_trailing(leaves: Iterator[_Leaf]) -> list[_Leaf]:
    """Return the leaves without the last ones that serve what is served anyway."""
    kept = list(leaves)
    while kept and kept[-1].serve is None:
        kept.pop()
    return kept


def _has_variables(expression: Any) -> bool:
    if isinstance(expression, dict):
        named = expression.get("var")
        name = named[0] if isinstance(named, list) and named else named
        return ("var" in expression and name != FLAG_KEY) or any(map(_has_variables, expression.values()))
    return isinstance(expression, list) and any(map(_has_variables, expression))


def _constant_text(operand: Any) -> str:
    if not isinstance(operand, Constant) or isinstance(operand.value, bool | list | dict | float | None):
        raise Unsayable("what fractional divides users by is put together of several attributes")
    return str(operand.value)


def _weight(share: Any) -> int:
    match share:
        case [_]:
            return 1
        case [_, int() as weight] if not isinstance(weight, bool):
            return max(0, weight)
        case [_, {}]:
            raise Unsayable("a weight of fractional is computed")
    raise Unsayable(f"a share of fractional is {shown(share)}; allowed is a variant and a whole weight")


def _type_of(values: Any) -> FlagType:
    kinds = {_kind(value) for value in values} - {None}
    if kinds <= {FlagType.INTEGER, FlagType.NUMBER} and kinds:
        return FlagType.NUMBER if FlagType.NUMBER in kinds else FlagType.INTEGER
    if len(kinds) != 1:
        raise InvalidError(Problem("variants", "the values are of several types; a flag has one"))
    [kind] = kinds
    return kind or FlagType.OBJECT


def _kind(value: Json) -> FlagType | None:
    match value:
        case None:
            return None
        case bool():
            return FlagType.BOOLEAN
        case str():
            return FlagType.STRING
        case int():
            return FlagType.INTEGER
        case float():
            return FlagType.NUMBER
        case _:
            return FlagType.OBJECT
