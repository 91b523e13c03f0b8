"""Flags of ours as Microsoft's feature management, schema 2, and as the key-values of App Configuration.

It has users, groups, percentages and time windows, and no rules over attributes: what it cannot say is left out and
noted. A boolean flag says with `status_override` whether it counts as enabled; its value says the same.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timezone
from email.utils import format_datetime
from typing import Any, Final

from shared.domain.flags.model import (
    BY_KEY,
    EVERYBODY,
    WHOLE,
    All,
    AnyOf,
    Clause,
    Condition,
    During,
    Flag,
    FlagType,
    Hashing,
    InSegment,
    Not,
    Operator,
    Recurrence,
    Rule,
    Segment,
    SegmentRule,
    Split,
)
from shared.domain.names import SegmentKey
from shared.wire.flags.members import percentage_of
from shared.wire.flags.microsoft import CONTENT_TYPE, KEY_PREFIX, STATUS_OVERRIDE
from shared.wire.flags.microsoft_filters import DAYS, GROUPS, SOMEBODY, TARGETING, TIME_WINDOW
from shared.wire.flags.notes import Exported, Fate, Note

_STATUSES: Final = ("Enabled", "Disabled")
_ORDER: Final = ("user", "group", "percentile")


def export_microsoft(flags: Iterable[Flag], segments: Iterable[Segment] = ()) -> Exported:
    """Return the document, and what it does not carry."""
    known = {segment.key: segment for segment in segments}
    writings = [_Writing(flag, known) for flag in flags]
    written = [writing.document() for writing in writings]
    notes = tuple(dict.fromkeys(note for writing in writings for note in writing.notes))
    return Exported({"feature_management": {"feature_flags": written}}, notes)


def key_values(exported: Exported) -> Exported:
    """Return the same as key-values of App Configuration, `{"items": [...]}`."""
    management: Any = exported.document["feature_management"]
    items = [
        {
            "key": f"{KEY_PREFIX}{flag['id']}",
            "value": json.dumps(flag, separators=(",", ":"), ensure_ascii=False),
            "content_type": CONTENT_TYPE,
        }
        for flag in management["feature_flags"]
    ]
    return Exported({"items": items}, exported.notes, exported.refused)


class _Writing:
    """One flag that is being written."""

    def __init__(self, flag: Flag, segments: Mapping[SegmentKey, Segment]) -> None:
        self.flag = flag
        self.segments = segments
        self.notes: list[Note] = []
        self._null = {variant.name for variant in flag.variants if variant.value is None}
        named = {f"{STATUS_OVERRIDE}{variant.name}" for variant in flag.variants}
        self._statuses = {name: value for name, value in flag.metadata if name in named and value in _STATUSES}

    def document(self) -> dict[str, Any]:
        flag = self.flag
        self._note_others()
        document: dict[str, Any] = {"id": flag.key}
        if flag.description:
            document["description"] = " ".join(flag.description.splitlines())
        if len(flag.description.splitlines()) > 1:
            self.notes.append(Note(flag.key, Fate.CHANGED, "a description is one line there"))
        document["enabled"] = flag.enabled and not flag.killed
        filters = self._plain_filters()
        if filters is not None:
            return document | ({"conditions": filters} if filters["client_filters"] else {})
        if flag.schedule is not None:
            document["conditions"] = {"client_filters": [_time_window(flag.schedule)]}
        return document | {"variants": self._variants(), "allocation": self._allocation()}

    def _lost(self, words: str, fate: Fate = Fate.SERVES) -> None:
        self.notes.append(Note(self.flag.key, fate, words))

    def _note_others(self) -> None:
        flag = self.flag
        told = [name for name, _ in flag.metadata if name not in self._statuses]
        for name, value in (("owner", flag.owner), ("tags", flag.tags), ("expires", flag.expires), ("metadata", told)):
            if value:
                self._lost(f"the field {name}", Fate.LOST)
        if flag.prerequisites:
            self._lost(f"that {', '.join(each.flag for each in flag.prerequisites)} must be on")
        if flag.regions:
            self._lost(f"what the regions {', '.join(name for name, _ in flag.regions)} do otherwise")

    def _variants(self) -> list[dict[str, Any]]:
        listed = []
        for variant in self.flag.variants:
            if variant.value is None:
                continue
            written: dict[str, Any] = {"name": variant.name, "configuration_value": variant.value}
            status = self._statuses.get(f"{STATUS_OVERRIDE}{variant.name}")
            if status is not None:
                written["status_override"] = status
            elif isinstance(variant.value, bool):
                written["status_override"] = "Enabled" if variant.value else "Disabled"
            listed.append(written)
        return listed

    def _plain_filters(self) -> dict[str, Any] | None:
        """Return the conditions of a flag that is on for who passes filters, and off for all others."""
        flag = self.flag
        values = {variant.name: variant.value for variant in flag.variants}
        if flag.type is not FlagType.BOOLEAN or values.get(flag.off) is not False or flag.targets or flag.schedule:
            return None
        if isinstance(flag.default, Split):
            return None
        if not flag.rules:
            return {"client_filters": []} if values[flag.default] is True else None
        [rule, *others] = flag.rules
        if (
            others
            or values[flag.default] is not False
            or isinstance(rule.serve, Split)
            or values[rule.serve] is not True
        ):
            return None
        return self._filters(rule.condition)

    def _filters(self, condition: Condition) -> dict[str, Any] | None:
        one = self._filter(condition)
        if one is not None:
            return {"client_filters": [one]}
        if isinstance(condition, AnyOf) and condition.conditions:
            listed = [self._filter(each) for each in condition.conditions]
            return {"requirement_type": "Any", "client_filters": listed} if None not in listed else None
        if isinstance(condition, All):
            windows = [each for each in condition.conditions if isinstance(each, During)]
            rest = tuple(each for each in condition.conditions if not isinstance(each, During))
            audience = [self._audience(rest)] if rest else []
            if None not in audience and windows:
                listed = [*audience, *map(_time_window, windows)]
                return {"requirement_type": "All", "client_filters": listed}
        return None

    def _filter(self, condition: Condition) -> dict[str, Any] | None:
        if isinstance(condition, During):
            return _time_window(condition)
        return self._audience(condition.conditions if isinstance(condition, All) else (condition,))

    def _audience(self, conditions: tuple[Condition, ...]) -> dict[str, Any] | None:
        """Return the targeting filter that has the form in which one is imported."""
        exclusion: dict[str, list[Any]] = {}
        audience: dict[str, Any] | None = None
        for each in conditions:
            match each:
                case Not(Clause(operator=Operator.IN, negated=False, ignores_case=False) as clause) if (
                    clause.attribute in _MEMBERS
                ):
                    exclusion[_MEMBERS[clause.attribute]] = list(clause.values)
                case InSegment((key,), False) if audience is None and key in self.segments:
                    audience = self._audience_of(self.segments[key])
                    if audience is None:
                        return None
                case _:
                    return None
        if audience is None:
            return None
        return {
            "name": TARGETING,
            "parameters": {"Audience": audience | ({"Exclusion": exclusion} if exclusion else {})},
        }

    def _audience_of(self, segment: Segment) -> dict[str, Any] | None:
        audience: dict[str, Any] = {"Users": [], "Groups": [], "DefaultRolloutPercentage": 0}
        if segment.included or segment.excluded:
            return None
        for rule in segment.rules:
            match rule.condition:
                case All():
                    continue  # who has no name, for whom the rule that follows stands there
                case Clause(operator=Operator.IN, negated=False, ignores_case=False) as clause:
                    if clause.attribute == BY_KEY and rule.share is None:
                        audience["Users"] += clause.values
                        continue
                    percent = self._percent(rule, f"{self.flag.key}\n{clause.values[0]}")
                    if clause.attribute != GROUPS or len(clause.values) != 1 or percent is None:
                        return None
                    audience["Groups"].append({"Name": clause.values[0], "RolloutPercentage": percent})
                case condition if condition == SOMEBODY:
                    percent = self._percent(rule, self.flag.key)
                    if percent is None:
                        return None
                    audience["DefaultRolloutPercentage"] = percent
                case _:
                    return None
        return audience

    def _percent(self, rule: SegmentRule, seed: str) -> int | float | None:
        share = rule.share
        if share is None:
            return 100
        is_same = (share.hashing, share.seed, share.by) == (Hashing.MICROSOFT, seed, BY_KEY)
        return percentage_of(share.shares[0].weight) if is_same else None

    def _allocation(self) -> dict[str, Any]:
        flag = self.flag
        allocation: dict[str, Any] = {}
        if flag.off not in self._null:
            allocation["default_when_disabled"] = flag.off
        for target in flag.targets:
            if target.by == BY_KEY:
                allocation.setdefault("user", []).append({"variant": target.variant, "users": list(target.values)})
            else:
                self._lost(f"a target of {target.variant} by another attribute than the targeting key")
        reached = 0
        for rule in flag.rules:
            reached = self._rule(rule, allocation, reached)
        if isinstance(flag.default, Split):
            self._percentile(flag.default, allocation, "the default")
        elif flag.default not in self._null:
            allocation["default_when_enabled"] = flag.default
        return allocation

    def _rule(self, rule: Rule, allocation: dict[str, Any], reached: int) -> int:
        """Write one rule; users, groups and percentages are asked in this order there."""
        kind = _kind_of(rule)
        if kind is None or _ORDER.index(kind) < reached:
            if rule.id != "percentile-without-user":
                self._lost(f"the rule {rule.id}, which is no list of users or groups and no percentage of all")
            return reached
        if isinstance(rule.serve, Split):
            self._percentile(rule.serve, allocation, f"the rule {rule.id}")
        elif rule.serve in self._null:
            self._lost(f"the rule {rule.id}, which serves the code's own default")
        elif isinstance(rule.condition, Clause):
            entry = {"variant": rule.serve, f"{kind}s": list(rule.condition.values)}
            allocation.setdefault(kind, []).append(entry)
        return _ORDER.index(kind)

    def _percentile(self, split: Split, allocation: dict[str, Any], what: str) -> None:
        if "percentile" in allocation:
            self._lost(f"{what}, a second percentage")
            return
        if split.by != BY_KEY:
            self._lost(f"{what}, a percentage by another attribute than the targeting key")
            return
        if split.hashing is not Hashing.MICROSOFT:
            self._lost(f"Microsoft does not hash as {split.hashing} does", Fate.DIVIDED)
        is_rule = split is not self.flag.default
        if is_rule and any(share.weight and share.variant in self._null for share in split.shares):
            self._lost(f"{what}, which serves the code's own default to some")
        total, since = sum(share.weight for share in split.shares), 0
        for share in split.shares:
            until = since + share.weight
            if share.weight and share.variant is not None and share.variant not in self._null:
                bounds = {"from": _percent(since, total), "to": _percent(until, total)}
                allocation.setdefault("percentile", []).append({"variant": share.variant, **bounds})
            since = until
        if split.seed != f"allocation\n{self.flag.key}":
            if len(split.seed.splitlines()) == 1:
                allocation["seed"] = split.seed
            else:
                self._lost("a seed is one line there, and not empty", Fate.DIVIDED)


_MEMBERS: Final = {BY_KEY: "Users", GROUPS: "Groups"}


def _kind_of(rule: Rule) -> str | None:
    condition = rule.condition
    if isinstance(rule.serve, Split):
        is_all = condition == EVERYBODY or condition == Clause(attribute=BY_KEY, operator=Operator.IS_SET)
        return "percentile" if is_all else None
    match condition:
        case Clause(operator=Operator.IN, negated=False, ignores_case=False) if all(
            isinstance(each, str) for each in condition.values
        ):
            return {BY_KEY: "user", GROUPS: "group"}.get(condition.attribute)
    return None


def _percent(weight: int, total: int) -> int | float:
    return percentage_of(weight) if total == WHOLE else weight * 100 / total


def _time_window(during: During) -> dict[str, Any]:
    zone = timezone(during.recurrence.offset) if during.recurrence is not None else UTC
    parameters: dict[str, Any] = {}
    if during.since is not None:
        parameters["Start"] = _time(during.since, zone)
    if during.until is not None:
        parameters["End"] = _time(during.until, zone)
    if during.recurrence is not None:
        parameters["Recurrence"] = _recurrence(during.recurrence, zone)
    return {"name": TIME_WINDOW, "parameters": parameters}


def _time(at: datetime, zone: timezone) -> str:
    return format_datetime(at.astimezone(zone))


def _recurrence(recurrence: Recurrence, zone: timezone) -> dict[str, Any]:
    pattern: dict[str, Any] = {"Type": "Daily", "Interval": recurrence.every}
    if recurrence.weekdays:
        pattern |= {"Type": "Weekly", "DaysOfWeek": [DAYS[day] for day in recurrence.weekdays]}
        pattern["FirstDayOfWeek"] = DAYS[recurrence.first_weekday]
    limits: dict[str, Any] = {"Type": "NoEnd"}
    if recurrence.times is not None:
        limits = {"Type": "Numbered", "NumberOfOccurrences": recurrence.times}
    elif recurrence.ends is not None:
        limits = {"Type": "EndDate", "EndDate": _time(recurrence.ends, zone)}
    return {"Pattern": pattern, "Range": limits}
