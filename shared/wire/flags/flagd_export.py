"""Flags of ours as a document of flagd.

What flagd cannot say is left out and noted: it has no layers, regular expressions, recurring windows, regions or kinds
of contexts. A prerequisite that is in the document too is asked by its own targeting. A split keeps its users where its
hashing is flagd's own.

Targeting that yields null stands for the default variant there. Where a flag serves the code's own default to some and
a variant to the rest, it has no default variant, and its targeting names one for everybody else.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from shared.domain.errors import Problem
from shared.domain.flags.buckets import share_of_the_unplaced
from shared.domain.flags.model import (
    BY_KEY,
    Attribute,
    Clause,
    Flag,
    Hashing,
    Operator,
    Prerequisite,
    Rule,
    Segment,
    Serve,
    Split,
)
from shared.domain.names import FlagKey, SegmentKey, VariantName
from shared.wire.flags.json_logic import Unsayable
from shared.wire.flags.logic_export import LogicWriter, as_rule, joined
from shared.wire.flags.members import time_text
from shared.wire.flags.notes import Exported, Fate, Note, Refused

SCHEMA: Final = "https://flagd.dev/schema/v0/flags.json"
_FLAGD: Final = frozenset({Hashing.FLAGD_1, Hashing.FLAGD_2, Hashing.FLAGD_3})
_LONGEST: Final = 256 * 1024
"""Of one flag's targeting: shares that pass users on repeat what stands below them."""


def export_flagd(flags: Iterable[Flag], segments: Iterable[Segment] = ()) -> Exported:
    """Return the document, and what it does not carry."""
    notes: list[Note] = []
    refused: list[Refused] = []
    listed = {flag.key: flag for flag in flags}
    known = {segment.key: segment for segment in segments}
    evaluators: dict[str, Any] = {}
    written = {}
    for flag in listed.values():
        if all(variant.value is None for variant in flag.variants):
            refused.append(Refused(flag.key, Problem("variants", "it has no value but the code's own")))
            continue
        if any(isinstance(variant.value, list) for variant in flag.variants):
            refused.append(Refused(flag.key, Problem("variants", "a value of it is a list, which flagd does not take")))
            continue
        writing = _Writing(flag, listed, known, evaluators)
        written[str(flag.key)] = writing.document()
        notes += writing.notes
    document: dict[str, object] = {"$schema": SCHEMA, "flags": written}
    if evaluators:
        document["$evaluators"] = evaluators
    return Exported(document, tuple(dict.fromkeys(notes)), tuple(refused))


class _Writing:
    """One flag that is being written."""

    def __init__(
        self,
        flag: Flag,
        listed: Mapping[FlagKey, Flag],
        segments: Mapping[SegmentKey, Segment],
        evaluators: dict[str, Any],
        within: tuple[FlagKey, ...] = (),
    ) -> None:
        """Write a flag of those `listed`, or what one of them needs: then `within` names who needs it."""
        self.flag = flag
        self.listed = listed
        self.within = within
        self.logic = LogicWriter(segments, self._of_segment, evaluators)
        self.notes: list[Note] = []
        self._null = {variant.name for variant in flag.variants if variant.value is None}
        self._names_all = bool(self._null & _served_above(flag)) and _unplaced(flag) not in self._null

    def document(self) -> dict[str, Any]:
        flag = self.flag
        is_on = flag.enabled and not flag.killed
        variants = {variant.name: variant.value for variant in flag.variants if variant.value is not None}
        if not is_on:
            self._note_off()
        served = _unplaced(flag) if is_on else flag.off
        is_disabled = not is_on and flag.off in self._null
        if is_disabled and not isinstance(flag.default, Split):
            served = flag.default
        document: dict[str, Any] = {"state": "DISABLED" if is_disabled else "ENABLED", "variants": variants}
        if served not in self._null and not (is_on and self._names_all):
            document["defaultVariant"] = served
        targeting = self._targeting(served) if is_on else None
        if targeting is not None:
            document["targeting"] = as_rule({"if": [targeting]} if not isinstance(targeting, dict) else targeting)
        metadata = self._metadata()
        return document | ({"metadata": metadata} if metadata else {})

    def _lost(self, words: str, fate: Fate = Fate.SERVES) -> None:
        self.notes.append(Note(self.flag.key, fate, words))

    def _changed(self, words: str) -> None:
        self.notes.append(Note(self.flag.key, Fate.CHANGED, words))

    def _note_off(self) -> None:
        flag = self.flag
        if flag.rules or flag.targets or flag.schedule or flag.prerequisites or isinstance(flag.default, Split):
            self._lost("it is off, so what it would serve when it is on again is left out", Fate.LOST)

    def _metadata(self) -> dict[str, Any]:
        flag = self.flag
        expires = time_text(flag.expires) if flag.expires is not None else ""
        told = {"description": flag.description, "owner": flag.owner, "tags": ", ".join(flag.tags), "expires": expires}
        return dict(flag.metadata) | {name: value for name, value in told.items() if value}

    def _targeting(self, served: VariantName) -> Any:
        flag = self.flag
        if flag.regions:
            self._lost(f"what the regions {', '.join(name for name, _ in flag.regions)} do otherwise")
        rest = self._chosen(served)
        if flag.schedule is not None:
            try:
                rest = {"if": [self.logic.condition(flag.schedule), self._or(rest, served), self._variant(flag.off)]}
            except Unsayable as why:
                self._lost(f"the schedule: {why}")
        for words in self.logic.remarks:
            self._changed(words)
        if len(json.dumps(rest)) > _LONGEST:
            self._lost("its rules, for they are too long when each share repeats what stands below it")
            return None
        return rest

    def _chosen(self, served: VariantName) -> Any:
        """Return what is served within the schedule; None is the variant that is served by default."""
        flag = self.flag
        last = served if self._names_all else None
        rest = last if flag.default == served else self._default(last)
        for rule in reversed(flag.rules):
            rest = self._rule(rule, rest)
        for target in reversed(flag.targets):
            try:
                asked = {"in": [self.logic.variable(target.by), list(target.values)]}
                rest = {"if": [asked, self._variant(target.variant), rest]}
            except Unsayable as why:
                self._lost(f"a target of {target.variant}: {why}")
        needs = list(self._needs())
        if not needs:
            return rest
        return {"if": [joined("and", needs), self._or(rest, served), self._variant(flag.off)]}

    def _needs(self) -> Iterator[Any]:
        """Yield when each prerequisite is met."""
        for each in self.flag.prerequisites:
            try:
                yield self._need(each)
            except Unsayable as why:
                self._lost(f"that {each.flag} must be on: {why}")

    def _need(self, prerequisite: Prerequisite) -> Any:
        key = prerequisite.flag
        if key not in self.listed:
            raise Unsayable("it is not in the document")
        if key in self.within or key == self.flag.key:
            raise Unsayable("it needs itself")
        within = (*self.within, self.flag.key)
        needed = _Writing(self.listed[key], self.listed, self.logic.segments, self.logic.evaluators, within)
        return needed.serves(frozenset(prerequisite.variants))

    def serves(self, wanted: frozenset[VariantName]) -> Any:
        """Return when this flag is on itself and serves one of these. Raises `Unsayable`."""
        flag = self.flag
        if not flag.enabled or flag.killed:
            return False
        served = _unplaced(flag)
        if self._names_all or self._null & {served, flag.off, *wanted}:
            raise Unsayable("it serves the code's own default")
        if flag.regions:
            raise Unsayable("regions decide about it")
        chosen = self._chosen(served)
        lost = next((note.words for note in self.notes if note.fate in (Fate.SERVES, Fate.DIVIDED)), None)
        if lost is not None:
            raise Unsayable(f"not carried of it is {lost}")
        if len(json.dumps(chosen)) > _LONGEST:
            raise Unsayable("its rules are too long")
        inside = True if flag.schedule is None else self.logic.condition(flag.schedule)
        if chosen is None:
            return inside if served in wanted else False
        ref = self.logic.evaluator(f"flag-{flag.key}", as_rule({"if": [chosen]} if isinstance(chosen, str) else chosen))
        others = [variant.name for variant in flag.variants if variant.name not in wanted]
        # Null is the variant that is served by default.
        is_met = {"!": [{"in": [ref, others]}]} if served in wanted else {"in": [ref, sorted(wanted)]}
        return is_met if inside is True else {"and": [inside, is_met]}

    def _default(self, last: VariantName | None) -> Any:
        try:
            return self._serve(self.flag.default, last)
        except Unsayable as why:
            self._lost(f"the default, in whose place the off variant stands: {why}")
            return last

    def _or(self, expression: Any, served: VariantName) -> Any:
        return self._variant(served) if expression is None else expression

    def _rule(self, rule: Rule, rest: Any) -> Any:
        try:
            condition = self.logic.condition(rule.condition)
            served = self._serve(rule.serve, rest)
        except Unsayable as why:
            self._lost(f"the rule {rule.id}: {why}")
            return rest
        return served if condition is True else {"if": [condition, served, rest]}

    def _variant(self, name: VariantName) -> str | None:
        return None if name in self._null else name

    def _serve(self, serve: Serve, rest: Any) -> Any:
        if not isinstance(serve, Split):
            return self._variant(serve)
        parts = [(rest if each.variant is None else self._variant(each.variant), each.weight) for each in serve.shares]
        divided = self._fractional(serve, parts)
        if rest is None or serve.by == BY_KEY:
            return divided
        is_set = Clause(attribute=serve.by, operator=Operator.IS_SET)
        return {"if": [self.logic.condition(is_set), divided, rest]}

    def _fractional(self, split: Split, parts: list[tuple[Any, int]]) -> Any:
        self._note_hashing(split)
        is_own = split.by == BY_KEY and split.seed == self.flag.key
        if self.within and is_own:
            if split.hashing not in (Hashing.FLAGD_1, Hashing.FLAGD_2):
                raise Unsayable("its users are divided by its own key")
            is_own = False  # the same text, put together by hand
        placing = [] if is_own else [self._placing(split)]
        return {"fractional": [*placing, *([each, weight] for each, weight in parts)]}

    def _of_segment(self, split: Split, parts: list[tuple[Any, int]]) -> Any:
        """A segment is divided alike in every flag, so never by a flag's own key."""
        self._note_hashing(split)
        return {"fractional": [self._placing(split), *([each, weight] for each, weight in parts)]}

    def _note_hashing(self, split: Split) -> None:
        if split.hashing not in _FLAGD:
            self._lost(f"flagd does not hash as {split.hashing} does", Fate.DIVIDED)
        elif split.hashing is not Hashing.FLAGD_3:
            self._changed(f"users stay where they are with a flagd that hashes as {split.hashing}, and with no other")

    def _placing(self, split: Split) -> dict[str, Any]:
        """Return what users are divided by."""
        if split.hashing is Hashing.FLAGD_3 and split.by == BY_KEY and split.seed:
            self._lost("flagd hashes the targeting key with the flag's own key alone", Fate.DIVIDED)
        variable = self.logic.variable(Attribute(split.by.path))
        return {"cat": [split.seed, variable]} if split.seed else variable


def _served_above(flag: Flag) -> set[VariantName]:
    """Return what may be served to who does not get to the default."""
    serves = [rule.serve for rule in flag.rules] + ([flag.default] if isinstance(flag.default, Split) else [])
    served = {target.variant for target in flag.targets}
    served |= {serve for serve in serves if not isinstance(serve, Split)}
    shares = [share.variant for serve in serves if isinstance(serve, Split) for share in serve.shares]
    served |= {variant for variant in shares if variant is not None}
    return served | ({flag.off} if flag.schedule or flag.prerequisites else set())


def _unplaced(flag: Flag) -> VariantName:
    """Return what who has no place on the line of the default gets, or everybody where the default is one variant."""
    if not isinstance(flag.default, Split):
        return flag.default
    if flag.default.by == BY_KEY or not flag.default.shares:
        return flag.off
    return flag.default.shares[share_of_the_unplaced(flag.default)].variant or flag.off
