"""App Service's ramp-up rules as values: a rule sends a percentage of production's new users to a slot's host.

A rule is kept as ARM words it, so that what others set on theirs goes back unchanged.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.domain.rollout.weight import ALL, NONE, Weight, to_percent

Rule = Mapping[str, Any]


def read_rules(told: Any) -> list[Rule]:
    """Return the rules in ARM's answer, without what it fills with null: it would refuse some of that back.

    Raises TypeError, ValueError or AttributeError where they are of another shape.
    """
    rules: list[Rule] = [{name: value for name, value in rule.items() if value is not None} for rule in told or ()]
    for rule in rules:
        percentage = rule.get("reroutePercentage", 0)
        if isinstance(percentage, bool) or not isinstance(percentage, int | float) or not 0 <= percentage <= 100:
            raise ValueError("a rule whose percentage is none")
    return rules


def read_share(rules: Sequence[Rule], host: str) -> Weight:
    """Return the share of production's new users that the rules send to a host."""
    return Weight(min(sum(_weight(rule) for rule in rules if _leads_to(rule, host)), ALL))


def with_share(rules: Sequence[Rule], slot: str, host: str, share: Weight) -> list[Rule]:
    """Return the rules after giving a slot its share by one rule that bears its name; without one for share 0.

    A rule of the slot's name, or to the slot's host, is ours and replaced; all others stay as they are.
    """
    others = [rule for rule in rules if not _is_ours(rule, slot, host)]
    if share == NONE:
        return others
    ours = {"name": slot, "actionHostName": host, "reroutePercentage": float(to_percent(share))}
    return [*others, ours]


def are_same(ones: Sequence[Rule], others: Sequence[Rule]) -> bool:
    """Say whether two lists of rules divide traffic alike; what ARM fills with null does not count."""
    return sorted(map(_comparable, ones)) == sorted(map(_comparable, others))


def _comparable(rule: Rule) -> list[tuple[str, str]]:
    stated = {**rule, "reroutePercentage": _weight(rule), "actionHostName": _text(rule, "actionHostName").lower()}
    return sorted((name, str(value)) for name, value in stated.items() if value is not None)


def _is_ours(rule: Rule, slot: str, host: str) -> bool:
    return _text(rule, "name").lower() == slot.lower() or _leads_to(rule, host)


def _leads_to(rule: Rule, host: str) -> bool:
    return _text(rule, "actionHostName").lower() == host.lower()


def _weight(rule: Rule) -> int:
    return round((rule.get("reroutePercentage") or 0) * 1000)


def _text(rule: Rule, member: str) -> str:
    return str(rule.get(member) or "")
