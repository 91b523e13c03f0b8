"""A Container App's traffic as values: a list of entries that each give a revision a share in whole percents.

An entry names its revision, or says `latestRevision: true` and means whichever revision was ready last. A revision can
have several entries, one for each of its labels. An entry is kept as ARM words it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.domain.rollout.weight import ALL, Weight

Entry = Mapping[str, Any]


def weights_of(traffic: Sequence[Entry], latest_ready: str) -> dict[str, int]:
    """Return the percentage of each revision that gets any. No entry at all means: all to the latest that is ready."""
    weights: dict[str, int] = {}
    for entry in traffic or ({"latestRevision": True, "weight": 100},):
        name = latest_ready if is_latest(entry) else str(entry.get("revisionName") or "")
        weights[name] = weights.get(name, 0) + _weight(entry)
    return {name: weight for name, weight in weights.items() if weight}


def share_of(traffic: Sequence[Entry], revision: str, latest_ready: str) -> Weight:
    """Return the share of all traffic that a revision gets, by its name, its labels or as the latest."""
    return Weight(min(weights_of(traffic, latest_ready).get(revision, 0) * 1000, ALL))


def with_shares(traffic: Sequence[Entry], shares: Mapping[str, int]) -> list[Entry]:
    """Return the entries after giving revisions their percentages by name, and all others nothing.

    Each revision's percentage stands in its first entry. Whatever bears a label keeps it; other entries go.
    """
    left, entries = dict(shares), list[Entry]()
    for entry in traffic:
        name = "" if is_latest(entry) else str(entry.get("revisionName") or "")
        if name in left:
            entries.append({**entry, "weight": left.pop(name)})
        elif entry.get("label"):
            entries.append({**entry, "weight": 0})
    return [*entries, *({"revisionName": name, "weight": weight} for name, weight in left.items())]


def are_same(ones: Sequence[Entry], others: Sequence[Entry]) -> bool:
    """Say whether two lists divide traffic alike, under the same labels. Nothing without a label does not count."""
    return _comparable(ones) == _comparable(others)


def is_latest(entry: Entry) -> bool:
    """Whether the entry means whichever revision was ready last."""
    return bool(entry.get("latestRevision"))


def follows_latest(traffic: Sequence[Entry]) -> bool:
    """Whether a new revision would get traffic as soon as it is ready."""
    return not traffic or any(is_latest(entry) and _weight(entry) for entry in traffic)


def _comparable(traffic: Sequence[Entry]) -> list[tuple[bool, str, str, int]]:
    told = (
        (is_latest(entry), str(entry.get("revisionName") or ""), str(entry.get("label") or ""), _weight(entry))
        for entry in traffic
    )
    return sorted(each for each in told if each[2] or each[3])


def _weight(entry: Entry) -> int:
    return int(entry.get("weight") or 0)
