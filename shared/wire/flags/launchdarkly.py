"""Flags and segments of LaunchDarkly, in the form in which its SDKs are sent them; flags of ours out.

Who got a variation there gets it here: rollouts keep LaunchDarkly's way of hashing, and conditions its contexts of many
kinds. What its SDKs find malformed when a flag is asked is refused here when it is read. Variations have no names
there: those of a boolean flag are called `true` and `false`, others `variation-0`, `variation-1`...
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from shared.domain.errors import InvalidError, Problem
from shared.domain.flags.model import (
    All,
    Condition,
    Flag,
    FlagType,
    Hashing,
    InSegment,
    Json,
    Prerequisite,
    Rule,
    Segment,
    Serve,
    Share,
    Split,
    Target,
    Variant,
)
from shared.domain.flags.operators import Regexes
from shared.domain.names import FlagKey, VariantName
from shared.wire.findings import shown
from shared.wire.flags.code_default import with_code_default
from shared.wire.flags.launchdarkly_clauses import Reading, condition_of
from shared.wire.flags.launchdarkly_members import (
    USER,
    attribute,
    boolean,
    key_of,
    kind_of,
    listed,
    objects,
    refuse,
    text,
    texts,
    whole,
)
from shared.wire.flags.launchdarkly_segments import segment_of
from shared.wire.flags.notes import Fate, Imported, Note, Refused

T = TypeVar("T", Flag, Segment)
_UNCARRIED: Final = (
    "clientSide",
    "clientSideAvailability",
    "debugEventsUntilDate",
    "excludeFromSummaries",
    "migration",
    "samplingRatio",
    "trackEvents",
    "trackEventsFallthrough",
)
"""What concerns its events, its client SDKs and its migrations, and has no effect on who gets what."""
_MARKS_OF_FLAG: Final = frozenset({"variations", "fallthrough", "offVariation", "on", "salt", "version", "deleted"})
_MARKS_OF_SEGMENT: Final = frozenset(
    {"salt", "version", "includedContexts", "excludedContexts", "unbounded", "deleted"}
)
"""Members that no other product's flags and segments have: another's document is not to be taken for one of these."""


def import_launchdarkly(document: Any, *, regexes: Regexes | None = None) -> Imported:
    """Return the flags and segments of `{"flags": {...}, "segments": {...}}`, by key or in lists.

    With `regexes`, patterns that are none are left out, as its SDKs leave them out. Raises `InvalidError` where it is
    no such document, or an empty one; a flag or a segment that is malformed is refused, and so is what asks a refused
    segment.
    """
    if not isinstance(document, dict):
        raise refuse("", f"found {shown(document)}; allowed is an object with flags and segments")
    _recognise(document)
    listed_flags, listed_segments = _entries(document, "flags"), _entries(document, "segments")
    keys = frozenset(listed_segments)
    notes: list[Note] = []
    refused: list[Refused] = []

    def read_all(
        entries: Mapping[str, Any], read: Callable[[Mapping[str, Any], Reading], T], *, are_segments: bool
    ) -> dict[str, T]:
        found = {}
        for key, value in entries.items():
            reading = Reading(key, keys, regexes)
            try:
                found[key] = read(value, reading)
                notes.extend(reading.notes)
            except InvalidError as error:
                refused.extend(Refused(key, problem, are_segments) for problem in error.problems)
        return found

    segments = read_all(listed_segments, segment_of, are_segments=True)
    names = {key: _variants(value) for key, value in listed_flags.items()}
    flags = read_all(
        listed_flags, lambda value, reading: _Flag(_recognised(value), reading, names).flag(), are_segments=False
    )
    refused.extend(_leave_out(segments, flags, keys))
    return Imported(tuple(flags.values()), tuple(segments.values()), tuple(notes), tuple(refused))


def _recognise(document: Mapping[str, Any]) -> None:
    """Raise `InvalidError` for the document of another product, and for one that holds nothing."""
    if "_links" in document and ("items" in document or "environments" in document):
        raise refuse(
            "",
            "this is the REST API's form; take the SDK data: GET https://sdk.launchdarkly.com/sdk/latest-all with an "
            "SDK key as Authorization",
        )
    if not any(_is_marked(document, *each) for each in (("flags", _MARKS_OF_FLAG), ("segments", _MARKS_OF_SEGMENT))):
        marks = ", ".join(sorted(_MARKS_OF_FLAG - {"deleted"}))
        raise refuse("", f"this is no LaunchDarkly SDK data: no flag in flags has any of {marks}")


def _is_marked(document: Mapping[str, Any], name: str, marks: frozenset[str]) -> bool:
    found = document.get(name)
    values = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    return any(isinstance(each, dict) and marks & each.keys() for each in values)


def _recognised(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the flag. Raises `InvalidError` for one that is another product's, among others that are not."""
    if not _MARKS_OF_FLAG & value.keys():
        raise refuse("variations", "is missing: this is no flag of LaunchDarkly")
    return value


def _entries(document: Mapping[str, Any], name: str) -> dict[str, Mapping[str, Any]]:
    """Return what is not deleted, by key."""
    found = document.get(name) or {}
    if isinstance(found, list):
        found = {str(value.get("key", "")) if isinstance(value, dict) else "": value for value in found}
    if not isinstance(found, dict):
        raise refuse(name, f"found {shown(found)}; allowed is an object or a list")
    for key, value in found.items():
        if not key or not isinstance(value, dict):
            raise refuse(f"{name}.{key}", f"found {shown(value)}; allowed is an object with a key")
    return {str(key): value for key, value in found.items() if value.get("deleted") is not True}


def _leave_out(segments: dict[str, Segment], flags: dict[str, Flag], keys: frozenset[str]) -> Iterator[Refused]:
    """Take out what asks a segment that was refused, until nothing does."""
    while lost := {key: gone for key, each in segments.items() if (gone := _gone(_asked_by_segment(each), segments))}:
        for key, gone in lost.items():
            del segments[key]
            yield Refused(key, Problem("rules", f"it asks the segment {gone}, which was refused"), is_segment=True)
    for key, flag in tuple(flags.items()):
        asked = {name for rule in flag.rules for name in _asked(rule.condition)}
        if gone := _gone(asked & keys, segments):
            del flags[key]
            yield Refused(key, Problem("rules", f"it asks the segment {gone}, which was refused"))


def _gone(asked: set[str], segments: Mapping[str, Segment]) -> str:
    return next((name for name in sorted(asked) if name not in segments), "")


def _asked_by_segment(segment: Segment) -> set[str]:
    return {name for rule in segment.rules for name in _asked(rule.condition)}


def _asked(condition: Condition) -> Iterator[str]:
    """Return the segments of a condition, which is a clause or a list of clauses here."""
    for each in condition.conditions if isinstance(condition, All) else (condition,):
        if isinstance(each, InSegment):
            yield from each.segments


def _variants(value: Mapping[str, Any]) -> tuple[Variant, ...]:
    variations = value.get("variations")
    values: list[Json] = variations if isinstance(variations, list) else []
    booleans = [each for each in values if isinstance(each, bool)]
    if len(booleans) == len(values) and len(set(booleans)) == len(values):
        return tuple(Variant(VariantName(str(each).lower()), each) for each in values)
    return tuple(Variant(_name(index), each) for index, each in enumerate(values))


def _name(index: int) -> VariantName:
    return VariantName(f"variation-{index}")


@dataclass(frozen=True, slots=True)
class _Flag:
    """A flag that is being read."""

    value: Mapping[str, Any]
    reading: Reading
    names: Mapping[str, tuple[Variant, ...]]
    """The variants of all flags of the document."""

    def flag(self) -> Flag:
        value = self.value
        listed(value, "variations", "")
        variants = self.names[self.reading.key]
        off = self._off()
        if off is None:
            variants, off = with_code_default(variants)
            self.reading.tell(Fate.CHANGED, f"it has no off variation: {off}, whose value is null, stands for none")
        self._tell_uncarried()
        return Flag(
            key=FlagKey(self.reading.key),
            type=self._type(variants),
            variants=variants,
            off=off,
            enabled=boolean(value, "on", ""),
            default=self._default(off),
            prerequisites=tuple(self._prerequisite(each, path) for path, each in objects(value, "prerequisites", "")),
            targets=self._targets(),
            rules=tuple(self._rules()),
            description=text(value, "description", ""),
            tags=texts(value, "tags", ""),
        )

    def _variant(self, index: int, path: str) -> VariantName:
        variants = self.names[self.reading.key]
        if not 0 <= index < len(variants):
            raise refuse(path, f"found {index}; the flag has the variations 0 to {len(variants) - 1}")
        return variants[index].name

    def _off(self) -> VariantName | None:
        index = whole(self.value, "offVariation", "")
        return None if index is None else self._variant(index, "offVariation")

    def _type(self, variants: tuple[Variant, ...]) -> FlagType:
        values = [variant.value for variant in variants if variant.value is not None]
        for kind, types in _TYPES:
            if all(
                isinstance(value, types) and isinstance(value, bool) is (kind is FlagType.BOOLEAN) for value in values
            ):
                return kind
        self.reading.tell(
            Fate.CHANGED, "its variations are of several types; each is served as it is, but not saved so"
        )
        return FlagType.OBJECT

    def _tell_uncarried(self) -> None:
        named = [name for name in _UNCARRIED if self.value.get(name)]
        if named:
            self.reading.tell(Fate.LOST, f"{', '.join(named)}, which have no effect on who gets what")

    def _default(self, off: VariantName) -> Serve:
        fallthrough = self.value.get("fallthrough")
        if not fallthrough and not boolean(self.value, "on", ""):
            self.reading.tell(Fate.CHANGED, f"it is off and has no fallthrough; {off} stands for one")
            return off
        if not isinstance(fallthrough, dict):
            raise refuse("fallthrough", f"found {shown(fallthrough)}; allowed is a variation or a rollout")
        return self._serve(fallthrough, "fallthrough")

    def _prerequisite(self, value: Mapping[str, Any], path: str) -> Prerequisite:
        key, index = text(value, "key", path), whole(value, "variation", path)
        variants = self.names.get(key, ())
        is_there = index is not None and 0 <= index < len(variants)
        if index is None or not is_there:
            what = "has no such variation" if key in self.names else "did not come with it"
            self.reading.tell(Fate.CHANGED, f"{path}: the flag {shown(key)} {what}; that is never met, there and here")
        return Prerequisite(
            FlagKey(key), (variants[index].name if is_there and index is not None else _name(index or 0),)
        )

    def _targets(self) -> tuple[Target, ...]:
        users = [(each, path) for path, each in objects(self.value, "targets", "")]
        kinds = [(each, path) for path, each in objects(self.value, "contextTargets", "")]
        targets = [self._target(each, path) for each, path in (kinds or users)]
        if not kinds:
            return tuple(targets)
        by_variant = {target.variant: target for target in reversed([self._target(each, path) for each, path in users])}
        return tuple(
            by_variant.get(target.variant, target) if target.by == key_of(USER) and not target.values else target
            for target in targets
        )

    def _target(self, value: Mapping[str, Any], path: str) -> Target:
        index = whole(value, "variation", path)
        if index is None:
            raise refuse(f"{path}.variation", "is missing")
        return Target(
            variant=self._variant(index, f"{path}.variation"),
            values=texts(value, "values", path),
            by=key_of(kind_of(value, "contextKind", path)),
        )

    def _rules(self) -> Iterator[Rule]:
        taken: set[str] = set()
        for number, (path, value) in enumerate(objects(self.value, "rules", "")):
            said = text(value, "id", path)
            own = said if said and said not in taken else f"rule-{number}"
            taken.add(own)
            yield Rule(
                id=own,
                condition=condition_of(value, path, self.reading),
                serve=self._serve(value, path),
                description=text(value, "description", path),
            )

    def _serve(self, value: Mapping[str, Any], path: str) -> Serve:
        index = whole(value, "variation", path)
        if index is not None:
            return self._variant(index, f"{path}.variation")
        rollout = value.get("rollout")
        if not isinstance(rollout, dict):
            raise refuse(path, "has neither a variation nor a rollout")
        return self._rollout(rollout, f"{path}.rollout")

    def _rollout(self, rollout: Mapping[str, Any], path: str) -> Split:
        is_experiment = text(rollout, "kind", path) == "experiment"
        if is_experiment:
            self.reading.tell(Fate.LOST, f"{path}: it is an experiment; who is measured in it is not carried")
        kind, written = text(rollout, "contextKind", path) or None, text(rollout, "bucketBy", path)
        by = attribute(written, kind, f"{path}.bucketBy") if written and not is_experiment else key_of(kind or USER)
        seed = whole(rollout, "seed", path)
        shares = tuple(self._share(each, where) for where, each in objects(rollout, "variations", path))
        if not shares:
            raise refuse(f"{path}.variations", "has no entries; allowed is at least one")
        own = f"{self.reading.key}.{text(self.value, 'salt', '')}"
        return Split(shares=shares, seed=own if seed is None else str(seed), by=by, hashing=Hashing.LAUNCHDARKLY)

    def _share(self, value: Mapping[str, Any], path: str) -> Share:
        index, weight = whole(value, "variation", path), whole(value, "weight", path) or 0
        if index is None:
            raise refuse(f"{path}.variation", "is missing")
        if weight < 0:
            raise refuse(f"{path}.weight", f"found {weight}; allowed is 0 or more")
        return Share(self._variant(index, f"{path}.variation"), weight)


_TYPES: Final = (
    (FlagType.BOOLEAN, (bool,)),
    (FlagType.STRING, (str,)),
    (FlagType.INTEGER, (int,)),
    (FlagType.NUMBER, (int, float)),
    (FlagType.OBJECT, (dict, list)),
)
