"""Flags and segments of ours in the form in which LaunchDarkly's SDKs are sent them.

Its rules are lists of comparisons that all hold: what is said with `any` becomes several rules, and what needs more
(layers, time windows, a negated condition) is left out and noted. Variations have no names there. An attribute without
a kind is that of a user.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any, Final

from shared.domain.flags.model import (
    BY_KEY,
    WHOLE,
    All,
    AnyOf,
    Attribute,
    Clause,
    Condition,
    Flag,
    Hashing,
    InSegment,
    Members,
    Operator,
    Segment,
    SegmentRule,
    Serve,
    Split,
)
from shared.domain.flags.operators import NUMBER_OPERATORS
from shared.domain.names import FlagKey, VariantName
from shared.wire.flags.json_logic import Unsayable
from shared.wire.flags.launchdarkly_clauses import OPERATORS, SEGMENT_MATCH
from shared.wire.flags.notes import Exported, Fate, Note

_NAMES: Final = {ours: theirs for theirs, ours in OPERATORS.items()}
_MOST_RULES: Final = 100
"""So many rules one of ours may become."""
_USER: Final = "user"

Words = list[dict[str, Any]]
"""Clauses that all hold."""


def export_launchdarkly(flags: Iterable[Flag], segments: Iterable[Segment] = ()) -> Exported:
    """Return the document, and what it does not carry."""
    listed = {flag.key: flag for flag in flags}
    writings = [_FlagWriting(flag, listed) for flag in listed.values()]
    groups = [_SegmentWriting(segment) for segment in segments]
    document: dict[str, object] = {
        "flags": {str(each.flag.key): each.document() for each in writings},
        "segments": {str(each.segment.key): each.document() for each in groups},
    }
    notes = (note for each in (*writings, *groups) for note in each.notes)
    return Exported(document, tuple(dict.fromkeys(notes)))


class _Writing:
    """A flag or a segment that is being written."""

    is_segment = False

    def __init__(self, key: str) -> None:
        self.key = key
        self.notes: list[Note] = []
        self.salt: str | None = None

    def lost(self, words: str, fate: Fate = Fate.SERVES) -> None:
        self.notes.append(Note(self.key, fate, words, self.is_segment))

    def changed(self, words: str) -> None:
        self.lost(words, Fate.CHANGED)

    def clauses(self, condition: Condition) -> Iterator[Words]:
        """Yield the lists of clauses of which one has to hold as a whole. Raises `Unsayable`."""
        match condition:
            case Clause():
                yield from self._clause(condition)
            case InSegment(keys, negated):
                yield [{"op": SEGMENT_MATCH, "attribute": "", "values": list(keys), "negate": negated}]
            case All(conditions):
                for parts in product(*(tuple(self.clauses(each)) for each in conditions)):
                    yield [clause for part in parts for clause in part]
            case AnyOf(conditions):
                for each in conditions:
                    yield from self.clauses(each)
            case _:
                raise Unsayable(f"{_WORDS.get(type(condition).__name__, 'a negated condition')}")

    def _clause(self, clause: Clause) -> Iterator[Words]:
        if clause.ignores_case:
            raise Unsayable("a comparison that ignores case")
        values, operator = list(clause.values), clause.operator
        if operator in NUMBER_OPERATORS and not clause.strict:
            self.changed("a text that reads as a number is none")
            values = [float(each) if isinstance(each, str) else each for each in values]
        if clause.lenient:
            self.changed("a version with a leading v, or that is a number, is none")
        if operator in _EITHER:
            if clause.negated:
                raise Unsayable(f"the operator {operator}, negated")
            for part in _EITHER[operator]:
                yield [{**self.place(clause.attribute), "op": part, "values": values, "negate": False}]
            return
        name = "in" if operator is Operator.EQUAL else _NAMES.get(operator)
        if name is None:
            raise Unsayable(f"the operator {operator}")
        yield [{**self.place(clause.attribute), "op": name, "values": values, "negate": clause.negated}]

    def place(self, attribute: Attribute) -> dict[str, Any]:
        """Return the members that say where something is found."""
        if "" in attribute.path:
            raise Unsayable("an attribute with an empty name")
        return {"contextKind": attribute.kind or _USER, "attribute": reference(attribute)}

    def bucketing(self, split: Split) -> dict[str, Any]:
        """Return the members that place users, and learn the salt."""
        placing: dict[str, Any] = {"contextKind": split.by.kind or _USER}
        if "" in split.by.path:  # named all the same, it would make the flag a broken one there
            self.lost("an attribute has no empty name there", Fate.DIVIDED)
        elif reference(split.by) != "key":
            placing["bucketBy"] = reference(split.by)
        if split.hashing is not Hashing.LAUNCHDARKLY:
            self.lost(f"LaunchDarkly does not hash as {split.hashing} does", Fate.DIVIDED)
            return placing
        own, dot, salt = split.seed.partition(f"{self.key}.")
        if not own and dot and self.salt in (None, salt):
            self.salt = salt
        elif split.seed.isdecimal():
            placing["seed"] = int(split.seed)
        else:
            self.lost("its seed is no number, and not that of the other splits", Fate.DIVIDED)
        return placing

    def alternatives(self, condition: Condition, what: str) -> list[Words]:
        """Return the lists of clauses; none, with a note, where there is no equal."""
        try:
            found = list(self.clauses(condition))
        except Unsayable as why:
            self.lost(f"{what}: {why}")
            return []
        if len(found) > _MOST_RULES:
            self.lost(f"{what}, which would become {len(found)} rules")
            return []
        return found


class _FlagWriting(_Writing):
    def __init__(self, flag: Flag, listed: Mapping[FlagKey, Flag]) -> None:
        super().__init__(flag.key)
        self.flag = flag
        self.listed = listed
        self.names = [variant.name for variant in flag.variants]

    def document(self) -> dict[str, Any]:
        flag = self.flag
        self._note_others()
        targets = [each for each in flag.targets if each.by == BY_KEY or reference(each.by) == "key"]
        for each in flag.targets:
            if each not in targets:
                self.lost(f"a target of {each.variant} by another attribute than the key")
        rules = [written for rule in flag.rules for written in self._rules(rule.id, rule.condition, rule.serve)]
        return {
            "key": flag.key,
            "version": 1,
            "on": flag.enabled and not flag.killed,
            "variations": [variant.value for variant in flag.variants],
            "offVariation": self.names.index(flag.off),
            "fallthrough": self._serve(flag.default, "the default") or {"variation": self.names.index(flag.off)},
            "prerequisites": [
                written for each in flag.prerequisites for written in self._need(each.flag, each.variants)
            ],
            "targets": [self._target(each.variant, each.values) for each in targets if not each.by.kind],
            "contextTargets": [
                {"contextKind": each.by.kind, **self._target(each.variant, each.values)}
                for each in targets
                if each.by.kind
            ],
            "rules": rules,
            "salt": self.salt or "",
        }

    def _note_others(self) -> None:
        flag = self.flag
        for name in ("description", "owner", "tags", "expires", "metadata"):
            if getattr(flag, name):
                self.lost(f"the field {name}", Fate.LOST)
        for name in ("schedule", "regions"):
            if getattr(flag, name):
                self.lost(f"the field {name}")
        self.changed("variations have no names there")

    def _target(self, variant: VariantName, values: tuple[str, ...]) -> dict[str, Any]:
        return {"variation": self.names.index(variant), "values": list(values)}

    def _need(self, key: FlagKey, variants: tuple[VariantName, ...]) -> Iterator[dict[str, Any]]:
        known = [variant.name for variant in self.listed[key].variants] if key in self.listed else []
        if len(variants) == 1 and variants[0] in known:
            yield {"key": key, "variation": known.index(variants[0])}
        else:
            self.lost(f"that {key} must be on, for it has to be in the document and serve one variant")

    def _rules(self, name: str, condition: Condition, serve: Serve) -> Iterator[dict[str, Any]]:
        served = self._serve(serve, f"the rule {name}")
        if served is None:
            return
        found = self.alternatives(condition, f"the rule {name}")
        for number, clauses in enumerate(found, 1):
            yield {"id": name if len(found) == 1 else f"{name}-{number}", "clauses": clauses, **served}

    def _serve(self, serve: Serve, what: str) -> dict[str, Any] | None:
        if not isinstance(serve, Split):
            return {"variation": self.names.index(serve)}
        if any(share.variant is None for share in serve.shares):
            self.lost(f"{what}, which passes users on")
            return None
        if sum(share.weight for share in serve.shares) != WHOLE and serve.hashing is not Hashing.LAUNCHDARKLY:
            self.lost(f"{what}, whose weights are not of {WHOLE}")
            return None
        variations = [
            {"variation": self.names.index(share.variant), "weight": share.weight}
            for share in serve.shares
            if share.variant is not None
        ]
        return {"rollout": {"variations": variations, **self.bucketing(serve)}}


class _SegmentWriting(_Writing):
    is_segment = True

    def __init__(self, segment: Segment) -> None:
        super().__init__(segment.key)
        self.segment = segment

    def document(self) -> dict[str, Any]:
        segment = self.segment
        if segment.description:
            self.lost("the field description", Fate.LOST)
        rules = [written for number, rule in enumerate(segment.rules, 1) for written in self._rules(number, rule)]
        document: dict[str, Any] = {"key": segment.key, "version": 1, "rules": rules, "salt": self.salt or ""}
        for name, listed in (("included", segment.included), ("excluded", segment.excluded)):
            document[name] = [value for each in listed if _is_key(each) and not each.by.kind for value in each.values]
            document[f"{name}Contexts"] = [
                {"contextKind": each.by.kind, "values": list(each.values)}
                for each in listed
                if _is_key(each) and each.by.kind
            ]
            if not all(map(_is_key, listed)):
                self.lost(f"who is {name} by another attribute than the key")
        return document

    def _rules(self, number: int, rule: SegmentRule) -> Iterator[dict[str, Any]]:
        placing: dict[str, Any] = {}
        if rule.share is not None:
            placing = self.bucketing(rule.share)
            placing["rolloutContextKind"] = placing.pop("contextKind")
            placing["weight"] = rule.share.shares[0].weight
        for clauses in self.alternatives(rule.condition, f"rule {number}"):
            yield {"id": f"rule-{number}", "clauses": clauses, **placing}


_EITHER: Final = {
    Operator.SEMVER_AT_MOST: ("semVerLessThan", "semVerEqual"),
    Operator.SEMVER_AT_LEAST: ("semVerGreaterThan", "semVerEqual"),
}
_WORDS: Final = {"InLayer": "a part of a layer", "During": "a time window"}


def _is_key(members: Members) -> bool:
    return reference(members.by) == "key"


def reference(attribute: Attribute) -> str:
    """Return the name or the pointer of an attribute there."""
    if attribute.path in (BY_KEY.path, ("key",)):
        return "key"
    first = attribute.path[0]
    if len(attribute.path) == 1 and not first.startswith("/"):
        return first
    return "".join(f"/{each.replace('~', '~0').replace('/', '~1')}" for each in attribute.path)
