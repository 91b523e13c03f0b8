"""Flags of Microsoft's feature management, schema 2: its files and App Configuration's key-values in, ours out.

A flag without variants is boolean there and here. One with variants serves the variant's value; whether it counts as
enabled is a second answer there: it is the value of flags without values of their own, and in the metadata of others.
Who asks is `targetingKey` here, and the groups are the attribute `groups`. Users keep their places, for the hashing is
kept.
"""

import json
from itertools import pairwise
from typing import Any, Final

from shared.domain.errors import InvalidError, Problem
from shared.domain.flags.model import (
    BY_KEY,
    EVERYBODY,
    WHOLE,
    Clause,
    Condition,
    Flag,
    FlagType,
    Hashing,
    Metadatum,
    Operator,
    Rule,
    Segment,
    Share,
    Split,
    Variant,
)
from shared.domain.names import FlagKey, VariantName
from shared.wire.findings import shown
from shared.wire.flags.code_default import with_code_default
from shared.wire.flags.document import fits, flag_document, read_flag
from shared.wire.flags.json_logic import negation
from shared.wire.flags.metadata import is_one_line
from shared.wire.flags.microsoft_filters import (
    GROUPS,
    Filtered,
    all_or_any,
    among,
    percent_weight,
    read_filter,
    share_of_nobody,
)
from shared.wire.flags.notes import Fate, Imported, Note, Refused
from shared.wire.flags.segment_document import read_segment, segment_document
from shared.wire.source import Source

KEY_PREFIX: Final = ".appconfig.featureflag/"
CONTENT_TYPE: Final = "application/vnd.microsoft.appconfig.ff+json;charset=utf-8"
_ON, _OFF = VariantName("on"), VariantName("off")
_BOOLEANS: Final = (Variant(_ON, value=True), Variant(_OFF, value=False))
_KNOWN: Final = frozenset({"id", "enabled", "description", "display_name", "conditions", "variants", "allocation"})
_STATUS: Final = {"Enabled": True, "Disabled": False}
STATUS_OVERRIDE: Final = "status_override."
"""With a variant's name behind it: what it counts as, `Enabled` or `Disabled`, in the metadata."""


def import_microsoft(document: Any) -> Imported:
    """Return the flags of a file (`feature_management`) or of key-values. Raises `InvalidError` where it is neither."""
    flags: list[Flag] = []
    segments: list[Segment] = []
    notes: list[Note] = []
    refused: list[Refused] = []
    for value in _flags(document):
        key = value.get("id") if isinstance(value, dict) else None
        subject = key if isinstance(key, str) else shown(value)
        try:
            reading = _Reading(value)
            flag = reading.flag()
            flags.append(read_flag(Source(flag_document(flag))))
            segments += [read_segment(Source(segment_document(each))) for each in reading.segments]
            notes += [Note(subject, fate, words) for fate, words in reading.told]
        except InvalidError as error:
            refused += [Refused(subject, problem) for problem in error.problems]
    return Imported(tuple(flags), tuple(segments), tuple(notes), tuple(refused))


def _flags(document: Any) -> list[Any]:
    """Return the flags. Raises `InvalidError` for the document of another product, and where there are none."""
    flags = _listed(document)
    if not any(isinstance(each, dict) and "id" in each for each in flags):
        raise InvalidError(
            Problem("", "this is no document of Microsoft's feature management: it holds no flag with an id")
        )
    return flags


def _listed(document: Any) -> list[Any]:
    """Return the flags of whichever form the document has."""
    match document:
        case {"feature_management": {"feature_flags": list() as flags}} | {"feature_flags": list() as flags}:
            return flags
        case {"items": list() as items}:
            return [_of_key_value(item) for item in items if _is_flag(item)]
        case list() as items:
            return [_of_key_value(item) for item in items if _is_flag(item)]
        case {"key": str(), "value": str()} as item:
            return [_of_key_value(item)]
        case {"id": str()} as flag:
            return [flag]
    words = "allowed is feature_management.feature_flags, a list of key-values, or one flag"
    raise InvalidError(Problem("", f"found {shown(document)}; {words}"))


def _is_flag(item: Any) -> bool:
    return isinstance(item, dict) and str(item.get("key", "")).startswith(KEY_PREFIX)


def _of_key_value(item: dict[str, Any]) -> Any:
    """Return what the value of a key of App Configuration says."""
    try:
        value = json.loads(str(item.get("value")))
    except (ValueError, RecursionError) as error:
        raise InvalidError(Problem(str(item["key"])[:100], "the value is not JSON")) from error
    named = str(item["key"]).removeprefix(KEY_PREFIX)
    return {"id": named} | value if isinstance(value, dict) else value


class _Reading:
    """One flag that is being read."""

    def __init__(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise InvalidError(Problem("", f"found {shown(value)}; allowed is an object"))
        self.value = value
        self.key = str(value.get("id", ""))
        self.segments: list[Segment] = []
        self.told: list[tuple[Fate, str]] = []
        self.metadata: dict[str, Metadatum] = {}

    def flag(self) -> Flag:
        self._note_others()
        enabled = self.value.get("enabled", False)
        if not isinstance(enabled, bool):
            raise InvalidError(Problem("enabled", f"found {shown(enabled)}; allowed is true or false"))
        filters = self._filters()
        needs_all = self._object("conditions").get("requirement_type", "Any") == "All"
        condition = all_or_any(filters, needs_all=needs_all)
        return (
            self._with_variants(enabled, condition) if self.value.get("variants") else self._plain(enabled, condition)
        )

    def _note_others(self) -> None:
        telemetry = self._object("telemetry")
        if telemetry:
            self.told.append((Fate.LOST, f"telemetry ({', '.join(telemetry)})"))
        for name in self.value.keys() - _KNOWN - {"telemetry"}:
            self.told.append((Fate.LOST, f"the field {name}"))
        if self.value.get("display_name"):
            self.told.append((Fate.LOST, f"the display name {self.value['display_name']!r:.60}"))

    def _object(self, name: str) -> dict[str, Any]:
        value = self.value.get(name) or {}
        if not isinstance(value, dict):
            raise InvalidError(Problem(name, f"found {shown(value)}; allowed is an object"))
        return value

    def _filters(self) -> list[Filtered]:
        listed = self._object("conditions").get("client_filters") or []
        if not isinstance(listed, list):
            raise InvalidError(Problem("conditions.client_filters", f"found {shown(listed)}; allowed is a list"))
        read = [read_filter(self.key, number, each) for number, each in enumerate(listed)]
        for each in read:
            self.segments += each.segments
            self.told += [(Fate.CHANGED, words) for words in each.remarks]
        return read

    def _plain(self, enabled: bool, condition: Condition) -> Flag:  # noqa: FBT001 - as the flag says it
        is_open = condition == EVERYBODY
        rules = () if is_open else (Rule(id="filters", condition=condition, serve=_ON),)
        return Flag(
            key=FlagKey(self.key),
            type=FlagType.BOOLEAN,
            variants=_BOOLEANS,
            default=_ON if is_open else _OFF,
            off=_OFF,
            enabled=enabled,
            rules=rules,
            description=str(self.value.get("description") or ""),
        )

    def _with_variants(self, enabled: bool, condition: Condition) -> Flag:  # noqa: FBT001 - as the flag says it
        allocation = self._object("allocation")
        flag_type, variants = self._variants()
        names = {variant.name for variant in variants}
        with_default, nothing = with_code_default(variants)
        when_off = self._named(allocation.get("default_when_disabled"), names, "default_when_disabled") or nothing
        when_on = self._named(allocation.get("default_when_enabled"), names, "default_when_enabled") or nothing
        rules = [] if condition == EVERYBODY else [Rule(id="filters", condition=negation(condition), serve=when_off)]
        rules += self._allocated(allocation, names)
        used = {when_off, when_on}
        return Flag(
            key=FlagKey(self.key),
            type=flag_type,
            variants=with_default if nothing in used else variants,
            default=when_on,
            off=when_off,
            enabled=enabled,
            rules=tuple(rules),
            description=str(self.value.get("description") or ""),
            metadata=tuple(self.metadata.items()),
        )

    def _variants(self) -> tuple[FlagType, tuple[Variant, ...]]:
        listed = self.value["variants"]
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise InvalidError(Problem("variants", "allowed is a list of objects"))
        if not all(isinstance(each.get("name"), str) for each in listed):
            raise InvalidError(Problem("variants", "a variant has no name that is a text"))
        if all(each.get("configuration_value") is None for each in listed):
            return FlagType.BOOLEAN, tuple(
                Variant(VariantName(str(each.get("name"))), _STATUS.get(str(each.get("status_override")), True))
                for each in listed
            )
        if not self._is_said_twice(listed):
            self._read_statuses(listed)
        values = [each.get("configuration_value") for each in listed]
        for flag_type in FlagType:
            if all(fits(value, flag_type) for value in values):
                named = zip(listed, values, strict=True)
                return flag_type, tuple(Variant(VariantName(str(each.get("name"))), value) for each, value in named)
        raise InvalidError(Problem("variants", "the values are of several types; a flag has one"))

    def _read_statuses(self, listed: list[dict[str, Any]]) -> None:
        """Tell which variants count as enabled, or not, beside the value that is served."""
        for each in listed:
            status, name = str(each.get("status_override")), f"{STATUS_OVERRIDE}{each.get('name')}"
            if status in _STATUS and is_one_line(name):
                self.metadata[name] = status
            elif status in _STATUS:
                self.told.append((Fate.LOST, f"status_override of the variant {shown(each.get('name'))}"))
        if self.metadata:
            words = f"what a variant counts as, enabled or not, is told in the metadata as {STATUS_OVERRIDE}VARIANT"
            self.told.append((Fate.CHANGED, words))

    def _is_said_twice(self, listed: list[dict[str, Any]]) -> bool:
        """Whether each value is true or false and the status is no other."""
        return all(each.get("configuration_value") is _STATUS.get(str(each.get("status_override"))) for each in listed)

    def _named(self, name: Any, names: set[VariantName], path: str) -> VariantName | None:
        if not name:
            return None
        if not isinstance(name, str) or name not in names:
            raise InvalidError(Problem(f"allocation.{path}", f"found {shown(name)}, which is no variant of this flag"))
        return VariantName(name)

    def _allocated(self, allocation: dict[str, Any], names: set[VariantName]) -> list[Rule]:
        rules = []
        for kind, members, attribute in (("user", "users", BY_KEY), ("group", "groups", GROUPS)):
            for number, each in enumerate(_objects(allocation, kind), 1):
                listed = each.get(members) or []
                if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
                    raise InvalidError(Problem(f"allocation.{kind}", f"allowed in {members} is a list of texts"))
                variant = self._named(each.get("variant"), names, kind)
                if listed and variant is not None:
                    rules.append(Rule(id=f"{kind}-{number}", condition=among(attribute, tuple(listed)), serve=variant))
        return rules + self._percentile(allocation, names)

    def _percentile(self, allocation: dict[str, Any], names: set[VariantName]) -> list[Rule]:
        shares: list[Share] = []
        reached = 0
        ranges = []
        for each in _objects(allocation, "percentile"):
            since, until = (percent_weight("allocation.percentile", each.get(name, 0)) for name in ("from", "to"))
            ranges.append((since, until, self._named(each.get("variant"), names, "percentile")))
        for since, until, variant in _without_overlap(ranges):
            if since > reached:
                shares.append(Share(None, since - reached))
            shares.append(Share(variant, until - since))
            reached = until
        if not any(share.variant is not None for share in shares):
            return []
        if reached < WHOLE:
            shares.append(Share(None, WHOLE - reached))
        seed = allocation.get("seed") or f"allocation\n{self.key}"
        split = Split(shares=tuple(shares), seed=str(seed), hashing=Hashing.MICROSOFT)
        nobody = split.shares[share_of_nobody(split)].variant
        unnamed = Clause(attribute=BY_KEY, operator=Operator.IS_SET, negated=True)
        named = Clause(attribute=BY_KEY, operator=Operator.IS_SET)
        first = [Rule(id="percentile-without-user", condition=unnamed, serve=nobody)] if nobody is not None else []
        return [*first, Rule(id="percentile", condition=named, serve=split)]


def _objects(allocation: dict[str, Any], name: str) -> list[dict[str, Any]]:
    listed = allocation.get(name) or []
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise InvalidError(Problem(f"allocation.{name}", "allowed is a list of objects"))
    return listed


_Range = tuple[int, int, VariantName | None]


def _without_overlap(ranges: list[_Range]) -> list[_Range]:
    """Return the ranges in the order of the line; where several cover a place, the first has it."""
    edges = sorted({edge for since, until, _ in ranges for edge in (since, until)})
    parts: list[_Range] = []
    for since, until in pairwise(edges):
        variant = next((name for low, high, name in ranges if low <= since and until <= high), None)
        if parts and parts[-1][2] == variant and parts[-1][1] == since:
            parts[-1] = (parts[-1][0], until, variant)
        else:
            parts.append((since, until, variant))
    return parts
