"""Conditions and segments, made once into functions that are quick to ask."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeGuard, assert_never

from shared.domain.flags.attributes import Context, is_plain, part_of_kind, reader
from shared.domain.flags.buckets import key_of, line_of
from shared.domain.flags.calendar import Window, window_of
from shared.domain.flags.json_values import bucket_key
from shared.domain.flags.layers import layer_place
from shared.domain.flags.matchers import Matcher, matcher
from shared.domain.flags.model import (
    All,
    AnyOf,
    Clause,
    Condition,
    During,
    Hashing,
    InLayer,
    InSegment,
    Json,
    Members,
    Not,
    Operator,
    Segment,
    SegmentRule,
    Split,
)
from shared.domain.flags.surroundings import Surroundings
from shared.domain.names import SegmentKey

Test: TypeAlias = Callable[[Context, float, str], bool]
"""Whether a condition holds for a context, at a time in seconds since 1970, in the region of the app that answers."""


@dataclass(frozen=True, slots=True)
class SegmentTest:
    """The test of a segment, good for every flag that asks for it."""

    test: Test
    windows: frozenset[Window]


class Conditions:
    """Makes the tests of one flag, or of one segment, and remembers which time windows they look at."""

    def __init__(self, among: Surroundings, segments: dict[SegmentKey, SegmentTest]) -> None:
        """Segments that were made already are taken from `segments`, and those that are made now are put there."""
        self.windows: set[Window] = set()
        self._among = among
        self._segments = segments

    def test_of(self, condition: Condition) -> Test:
        """Return the test of a condition in which no fault was found."""
        match condition:
            case Clause():
                return _clause(condition, self._among)
            case InSegment(segments, negated):
                inside = any_of([self._segment(key) for key in segments])
                return negation(inside) if negated else inside
            case InLayer():
                return _layer(condition)
            case During():
                window = self.window(condition)
                return lambda _context, now, _region: window.holds(now)
            case All(conditions):
                return all_of([self.test_of(each) for each in conditions])
            case AnyOf(conditions):
                return any_of([self.test_of(each) for each in conditions])
            case Not(inner):
                return negation(self.test_of(inner))
            case _:
                assert_never(condition)

    def window(self, during: During) -> Window:
        """Return the window, and remember it."""
        window = window_of(during)
        self.windows.add(window)
        return window

    def _segment(self, key: SegmentKey) -> Test:
        found = self._segments.get(key)
        if found is None:
            inner = Conditions(self._among, self._segments)
            test = inner._made(self._among.segments[key])
            found = self._segments[key] = SegmentTest(test, frozenset(inner.windows))
        self.windows |= found.windows
        return found.test

    def _made(self, segment: Segment) -> Test:
        included = any_of([_members(each) for each in segment.included])
        excluded = any_of([_members(each) for each in segment.excluded])
        rules = any_of([self._rule(each) for each in segment.rules])
        if not segment.included and not segment.excluded:
            return rules

        def inside(context: Context, now: float, region: str) -> bool:
            if included(context, now, region):
                return True
            return not excluded(context, now, region) and rules(context, now, region)

        return inside

    def _rule(self, rule: SegmentRule) -> Test:
        condition = self.test_of(rule.condition)
        return condition if rule.share is None else all_of([condition, _share(rule.share)])


def all_of(tests: Sequence[Test]) -> Test:
    """Return whether each holds; with none it does."""
    match tests:
        case []:
            return lambda _context, _now, _region: True
        case [only]:
            return only
        case [one, other]:
            return lambda context, now, region: one(context, now, region) and other(context, now, region)

    def test(context: Context, now: float, region: str) -> bool:
        for each in tests:  # noqa: SIM110 - a generator costs as much as a test
            if not each(context, now, region):
                return False
        return True

    return test


def any_of(tests: Sequence[Test]) -> Test:
    """Return whether one holds; with none it does not."""
    match tests:
        case []:
            return lambda _context, _now, _region: False
        case [only]:
            return only
        case [one, other]:
            return lambda context, now, region: one(context, now, region) or other(context, now, region)

    def test(context: Context, now: float, region: str) -> bool:
        for each in tests:  # noqa: SIM110 - a generator costs as much as a test
            if each(context, now, region):
                return True
        return False

    return test


def negation(inner: Test) -> Test:
    """Return whether it does not hold."""
    return lambda context, now, region: not inner(context, now, region)


def _clause(clause: Clause, among: Surroundings) -> Test:
    wanted, is_simple = not clause.negated, is_plain(clause.attribute) and not clause.negated
    if is_simple and clause.operator in _QUICK and not clause.ignores_case and _all_texts(clause.values):
        return _text_clause(clause.attribute.path[0], clause.operator, clause.values)
    read = reader(clause.attribute)
    if clause.operator is Operator.IS_SET:
        return lambda context, _now, region: (read(context, region) is not None) is wanted
    fits = matcher(clause, among.search)
    if is_simple:
        return _plain_clause(clause.attribute.path[0], fits)

    def test(context: Context, _now: float, region: str) -> bool:
        value = read(context, region)
        if value is None:
            return False
        found = any(map(fits, value)) if isinstance(value, list) else fits(value)
        return found is wanted

    return test


def _plain_clause(name: str, fits: Matcher) -> Test:
    """Return the test of what most clauses are: one name, not negated."""

    def test(context: Context, _now: float, _region: str) -> bool:
        value = context.get(name)
        if isinstance(value, list):
            return any(map(fits, value))
        return value is not None and fits(value)

    return test


_QUICK = (Operator.IN, Operator.STARTS_WITH, Operator.ENDS_WITH)


def _all_texts(values: Sequence[Json]) -> TypeGuard[Sequence[str]]:
    return all(isinstance(each, str) for each in values)


def _text_clause(name: str, operator: Operator, texts: Sequence[str]) -> Test:
    """Return the test in one step for a text; these three are what most flags ask for."""
    if operator is Operator.IN:
        names = frozenset(texts)

        def member(context: Context, _now: float, _region: str) -> bool:
            value = context.get(name)
            if isinstance(value, str):
                return value in names
            return isinstance(value, list) and any(isinstance(each, str) and each in names for each in value)

        return member
    affixes = tuple(texts)
    if operator is Operator.STARTS_WITH:

        def start(context: Context, _now: float, _region: str) -> bool:
            value = context.get(name)
            if isinstance(value, str):
                return value.startswith(affixes)
            return isinstance(value, list) and any(isinstance(each, str) and each.startswith(affixes) for each in value)

        return start

    def end(context: Context, _now: float, _region: str) -> bool:
        value = context.get(name)
        if isinstance(value, str):
            return value.endswith(affixes)
        return isinstance(value, list) and any(isinstance(each, str) and each.endswith(affixes) for each in value)

    return end


def _layer(layer: InLayer) -> Test:
    read, place, since, until = reader(layer.by), layer_place(layer.layer), layer.since, layer.until

    def test(context: Context, _now: float, region: str) -> bool:
        key = bucket_key(read(context, region))
        return key is not None and since <= place(key) < until

    return test


def _members(members: Members) -> Test:
    read, names = reader(members.by), frozenset(members.values)
    return lambda context, _now, region: any(text in names for text in texts_of(read(context, region)))


def texts_of(value: Json) -> Iterable[str]:
    """Return the names that individuals are found by: a text, or the texts of a list."""
    if isinstance(value, str):
        return (value,)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else ()


def _share(split: Split) -> Test:
    """Return whether a user has a share with a variant. Nobody does without what places them, save as LaunchDarkly
    has it: it places those who lack the attribute at 0, and leaves out those who lack the kind."""
    read, line, find = reader(split.by), line_of(split), key_of(split)
    inside = tuple(share.variant is not None for share in split.shares)
    kind = split.by.kind

    def test(context: Context, _now: float, region: str) -> bool:
        key = find(read(context, region))
        if key is not None:
            return inside[line.share_at(line.place_of(key))]
        if split.hashing is not Hashing.LAUNCHDARKLY or (kind is not None and part_of_kind(context, kind) is None):
            return False
        return inside[line.share_at(0)]

    return test
