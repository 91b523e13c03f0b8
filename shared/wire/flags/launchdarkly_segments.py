"""LaunchDarkly's segments: lists of members, and rules with a weight."""

from collections.abc import Mapping
from typing import Any

from shared.domain.flags.model import WHOLE, Hashing, Members, Segment, SegmentRule, Share, Split
from shared.domain.names import SegmentKey
from shared.wire.flags.launchdarkly_clauses import Reading, condition_of
from shared.wire.flags.launchdarkly_members import (
    USER,
    attribute,
    boolean,
    key_of,
    kind_of,
    objects,
    refuse,
    text,
    texts,
    whole,
)
from shared.wire.flags.notes import Fate
from shared.wire.flags.splits import IN


def segment_of(value: Mapping[str, Any], reading: Reading) -> Segment:
    """Return the segment. Raises `InvalidError` where it is malformed."""
    key = SegmentKey(reading.key)
    if boolean(value, "unbounded", ""):
        reading.tell(Fate.LOST, "it is a big segment, whose members are in a store of its own; nobody is in it here")
        return Segment(key=key)
    salt = text(value, "salt", "")
    return Segment(
        key=key,
        included=_members(value, "included", "includedContexts"),
        excluded=_members(value, "excluded", "excludedContexts"),
        rules=tuple(_rule(rule, path, f"{key}.{salt}", reading) for path, rule in objects(value, "rules", "")),
        description=text(value, "description", ""),
    )


def _members(value: Mapping[str, Any], users: str, contexts: str) -> tuple[Members, ...]:
    named = [Members(texts(value, users, ""), key_of(USER))]
    for path, each in objects(value, contexts, ""):
        named.append(Members(texts(each, "values", path), key_of(kind_of(each, "contextKind", path))))
    return tuple(each for each in named if each.values)


def _rule(rule: Mapping[str, Any], path: str, seed: str, reading: Reading) -> SegmentRule:
    weight = whole(rule, "weight", path)
    if weight is not None and weight < 0:
        raise refuse(f"{path}.weight", f"found {weight}; allowed is 0 or more")
    share = None if weight is None else _share(rule, path, seed, min(weight, WHOLE))
    return SegmentRule(condition=condition_of(rule, path, reading), share=share)


def _share(rule: Mapping[str, Any], path: str, seed: str, weight: int) -> Split:
    kind, written = text(rule, "rolloutContextKind", path) or None, text(rule, "bucketBy", path)
    return Split(
        shares=(Share(IN, weight), Share(None, WHOLE - weight)),
        seed=seed,
        by=attribute(written, kind, f"{path}.bucketBy") if written else key_of(kind or USER),
        hashing=Hashing.LAUNCHDARKLY,
    )
