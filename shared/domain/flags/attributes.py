"""Where in a context something is found.

An attribute without a kind is read from the context as it came. One with a kind reads what LaunchDarkly calls a
context of that kind, in each of its three shapes:

- `{"kind": "user", "key": "...", ...}`, of one kind;
- `{"kind": "multi", "user": {"key": "..."}, "organisation": {"key": "..."}}`, of several;
- without a `kind`: a user, be it OpenFeature's or LaunchDarkly's old form, whose further attributes are in `custom`.

There `key` is the `targetingKey` where that is given; `anonymous` is false where nothing is said; `kind` is the list of
all kinds that the context has; and `_meta` is no attribute.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from shared.domain.flags.model import REGION, TARGETING_KEY, Attribute, Json

Context: TypeAlias = Mapping[str, Json]
"""Who asks, as JSON has it."""
Read: TypeAlias = Callable[[Context, str], Json]
"""Finds an attribute in a context; the text is the region of the app that answers. None: it is not there, or null."""

USER = "user"
MULTI = "multi"
KIND = "kind"
KEY = "key"
_BUILT_IN = frozenset({KIND, KEY, "name", "anonymous", "_meta"})
"""What the `custom` of an old user cannot stand for."""


def reader(attribute: Attribute) -> Read:
    """Return the function that finds this attribute; made once, for it is called on every evaluation."""
    if attribute.kind is not None:
        return _of_kind(attribute.path, attribute.kind)
    if attribute.path == (REGION,):
        return _region
    if len(attribute.path) == 1:
        [name] = attribute.path
        return lambda context, _: context.get(name)
    first, *rest = attribute.path
    return lambda context, _: _below(context.get(first), rest)


def is_plain(attribute: Attribute) -> bool:
    """Whether it is one name that is read from the context as it came, as most are."""
    return attribute.kind is None and len(attribute.path) == 1 and attribute.path != (REGION,)


def region_of(context: Context, app_region: str) -> str:
    """Return where somebody asks from: what the context says, else the region of the app that answers."""
    said = context.get(REGION)
    return said if isinstance(said, str) else app_region


def part_of_kind(context: Context, kind: str) -> Context | None:
    """Return the part of the context of this kind, None where it has none."""
    said = context.get(KIND)
    if said is None:
        return context if kind == USER else None
    if said == MULTI:
        part = context.get(kind)
        return part if isinstance(part, dict) and kind != KIND else None
    return context if said == kind else None


def _region(context: Context, app_region: str) -> Json:
    return region_of(context, app_region) or None


def _below(value: Json, path: list[str]) -> Json:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _of_kind(path: tuple[str, ...], kind: str) -> Read:
    first, *rest = path
    if path == (KIND,):
        return lambda context, _: _kinds(context)

    def read(context: Context, _: str) -> Json:
        part = part_of_kind(context, kind)
        return None if part is None else _below(_member(part, first, is_old=KIND not in context), rest)

    return read


def _member(part: Context, name: str, *, is_old: bool) -> Json:
    if name == KEY:
        key = part.get(TARGETING_KEY)
        return part.get(KEY) if key is None else key
    if name == "anonymous":
        return part.get(name) is True
    if name == "_meta":
        return None
    value = part.get(name)
    if value is None and is_old and name not in _BUILT_IN:
        custom = part.get("custom")
        return custom.get(name) if isinstance(custom, dict) else None
    return value


def _kinds(context: Context) -> Json:
    said = context.get(KIND)
    if said is None:
        return [USER]
    if said != MULTI:
        return [said]
    return [name for name, part in context.items() if name != KIND and isinstance(part, dict)]
