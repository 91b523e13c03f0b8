"""flagd's `fractional`: by what users are divided, and into which shares.

It is one value among others in an expression: a variant, or something that a condition asks. Where a condition asks for
it, the share becomes a segment of ours, whose members are those with a place on the line before an edge.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from shared.domain.flags.buckets import key_of, line_of
from shared.domain.flags.model import (
    BY_KEY,
    EVERYBODY,
    Attribute,
    Clause,
    Condition,
    Hashing,
    InSegment,
    Operator,
    Segment,
    SegmentRule,
    Share,
    Split,
)
from shared.domain.names import SegmentKey, VariantName
from shared.wire.findings import shown
from shared.wire.flags.json_logic import (
    ALWAYS,
    FLAG_KEY,
    NEVER,
    Constant,
    Logic,
    Unsayable,
    Variable,
    both,
    divided,
    either,
    negation,
    operation,
)
from shared.wire.flags.splits import IN, MOST_WEIGHT

KEY_AS_ATTRIBUTE: Final = replace(BY_KEY, kind="user")
"""The targeting key, but not as what the third way hashes together with the flag's key: put together into one text."""
_ANY: Final = VariantName("any")
_MOST_BRANCHES: Final = 500
"""So many weights of one flag may depend on a condition, counted once for each way to get there."""

Shared = list[Any]
"""A share as it is written: what it yields, and perhaps its weight."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What everybody gets, since nothing divides them."""

    value: Any


@dataclass(frozen=True, slots=True)
class Division:
    """Who gets what by their place on a line."""

    by: Attribute
    seed: str
    shares: tuple[tuple[Any, int], ...]
    """What each yields, and its weight."""
    hashing: Hashing

    @property
    def total(self) -> int:
        """The weight of everybody."""
        return sum(weight for _, weight in self.shares)

    @property
    def placed(self) -> Condition:
        """Return who has a place; all others are yielded null."""
        if self.seed or self.hashing is Hashing.FLAGD_3:
            return Clause(attribute=self.by, operator=Operator.IS_SET)
        return Clause(attribute=self.by, operator=Operator.CONTAINS, values=("",))  # a text, whatever stands in it


@dataclass(slots=True)
class Fractionals:
    """Reads the `fractional`s of one flag."""

    key: str
    hashing: Hashing
    logic: Logic
    segments: dict[Split, Segment] = field(default_factory=dict)
    """Those that conditions ask for, by what divides users in them."""
    branches: int = 0

    def read(self, arguments: list[Any]) -> Division | Settled:
        """Return what the arguments say. Raises `Unsayable`."""
        constant = self._constant(arguments)
        by, seed, listed = self._placing(arguments) if constant is None else (KEY_AS_ATTRIBUTE, "", arguments[1:])
        shares = tuple((each[0], weight) for each, weight in zip(listed, map(_weight, listed), strict=True))
        division = Division(by, seed, shares, self.hashing)
        if division.total > MOST_WEIGHT:
            raise Unsayable(f"the weights of fractional sum to {division.total}; allowed are at most {MOST_WEIGHT}")
        if division.total == 0:
            return Settled(None)
        if constant is None:
            return division
        line_split = self._split(division, tuple(Share(_ANY, weight) for _, weight in shares))
        key, line = key_of(line_split)(constant.value), line_of(line_split)
        return Settled(None if key is None else shares[line.share_at(line.place_of(key))][0])

    def branch(self, arguments: list[Any]) -> tuple[Condition, list[Any], list[Any]] | None:
        """Return the condition that the first such weight depends on, and the arguments where it holds and where not.

        None: no weight depends on anything.
        """
        for index, share in enumerate(arguments):
            if not isinstance(share, list) or len(share) != 2 or not isinstance(share[1], dict):
                continue
            operator, parts = operation(share[1]) or ("", [])
            if operator != "if" or len(parts) < 2:
                raise Unsayable("a weight of fractional is computed")
            self.branches += 1
            if self.branches > _MOST_BRANCHES:
                raise Unsayable("too many weights of fractional depend on conditions")
            asked, then, *otherwise = parts
            rest = {"if": otherwise} if len(otherwise) > 1 else otherwise[0] if otherwise else None
            before, after = arguments[:index], arguments[index + 1 :]
            held, unheld = ([*before, [share[0], weight], *after] for weight in (then, rest))
            return self.logic.condition(asked), held, unheld
        return None

    def condition(self, arguments: list[Any], fits: Callable[[Any], bool]) -> Condition:
        """Return who gets of this `fractional` what passes the test. Raises `Unsayable`."""
        branch = self.branch(arguments)
        if branch is not None:
            asked, held, unheld = branch
            met, unmet = self.condition(held, fits), self.condition(unheld, fits)
            return divided(asked, met, unmet)
        match self.read(arguments):
            case Settled(value):
                return ALWAYS if fits(self._yielded(value)) else NEVER
            case Division() as division:
                spans = self._spans(division, fits)
                inside = either(
                    both([self._before(division, until), negation(self._before(division, since))])
                    for since, until in spans
                )
                return either([inside, negation(division.placed)]) if fits(None) else inside

    def _yielded(self, value: Any) -> Any:
        operand = self.logic.operand(value)
        if not isinstance(operand, Constant):
            raise Unsayable("a share of fractional in a condition is computed")
        return operand.value

    def _spans(self, division: Division, fits: Callable[[Any], bool]) -> Iterator[tuple[int, int]]:
        """Yield where the shares that pass the test begin and end, neighbours as one."""
        since: int | None = None
        reached = 0
        for value, weight in division.shares:
            if not fits(self._yielded(value)):
                if since is not None and weight:
                    yield since, reached
                    since = None
            elif since is None and weight:
                since = reached
            reached += weight
        if since is not None:
            yield since, reached

    def _before(self, division: Division, edge: int) -> Condition:
        """Return who stands before an edge of the line."""
        if edge in (0, division.total):
            return division.placed if edge else NEVER
        split = self._split(division, (Share(IN, edge), Share(None, division.total - edge)))
        if split not in self.segments:
            name = SegmentKey(f"{self.key.replace('/', '.')}.fractional-{len(self.segments) + 1}")
            self.segments[split] = Segment(key=name, rules=(SegmentRule(condition=EVERYBODY, share=split),))
        return InSegment((self.segments[split].key,))

    def _split(self, division: Division, shares: tuple[Share, ...]) -> Split:
        return Split(shares=shares, seed=division.seed, by=division.by, hashing=self.hashing)

    def _constant(self, arguments: list[Any]) -> Constant | None:
        """Return what everybody is divided by, which puts all into one share; None where users differ."""
        if not arguments or isinstance(arguments[0], list) or _has_variables(arguments[0]):
            return None
        operand = self.logic.operand(arguments[0])
        return operand if isinstance(operand, Constant) else None

    def _placing(self, arguments: list[Any]) -> tuple[Attribute, str, list[Any]]:
        """Return what places users, the seed, and the shares."""
        if not arguments or isinstance(arguments[0], list):
            return BY_KEY, self.key, arguments
        read = operation(arguments[0])
        is_text = read is not None and read[0] == "cat"
        parts = read[1] if read is not None and is_text else [arguments[0]]
        operands = [self.logic.operand(each) for each in parts]
        if not operands or not isinstance(operands[-1], Variable) or operands[-1].default is not None:
            raise Unsayable("what fractional divides users by is not an attribute, perhaps behind texts")
        if is_text:
            self.logic.remark("what fractional puts together is a text or a whole number; anything else has no share")
        seed = "".join(_constant_text(each) for each in operands[:-1])
        by = operands[-1].attribute
        if is_text:
            self.logic.remark("who lacks the attribute that fractional divides users by gets the default variant")
        if seed and by == BY_KEY:
            by = KEY_AS_ATTRIBUTE
        return by, seed, arguments[1:]


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
    raise Unsayable(f"a share of fractional is {shown(share)}; allowed is a variant and a whole weight")
