"""What the API makes of an HTTPRoute that is sent to it: defaults filled in, unknown members dropped, mistakes told.

The limits are those of the Gateway API's own resource definition, as far as the sandbox's routes go.
"""

import copy
from collections.abc import Iterator
from typing import Any

_SPEC = ("parentRefs", "hostnames", "rules")
_RULE = ("name", "matches", "filters", "backendRefs", "timeouts")
_ANY_PATH = {"type": "PathPrefix", "value": "/"}
_MOST_RULES = 16
_MOST_MATCHES = 128
_LARGEST_WEIGHT = 1_000_000


def admit(spec: Any, *, rule_names: bool) -> Any:
    """Return the spec as it is kept. `rule_names` says whether this version of the API knows names of rules."""
    if not isinstance(spec, dict):
        return spec
    kept = {name: copy.deepcopy(spec[name]) for name in _SPEC if name in spec}
    kept.setdefault("rules", [{}])
    if isinstance(kept["rules"], list):
        kept["rules"] = [_admit_rule(rule, rule_names=rule_names) for rule in kept["rules"]]
    return kept


def _admit_rule(rule: Any, *, rule_names: bool) -> Any:
    if not isinstance(rule, dict):
        return rule
    kept = {name: rule[name] for name in _RULE if name in rule and (rule_names or name != "name")}
    kept.setdefault("matches", [{}])
    for match in kept["matches"] if isinstance(kept["matches"], list) else ():
        match.setdefault("path", dict(_ANY_PATH))
        for header in match.get("headers", ()):
            header.setdefault("type", "Exact")
    for reference in kept.get("backendRefs", ()):
        for name, default in (("group", ""), ("kind", "Service"), ("weight", 1)):
            reference.setdefault(name, default)
    return kept


def find_mistakes(spec: Any) -> list[str]:
    """Return what is wrong with a spec, in the words of the API."""
    if not isinstance(spec, dict):
        return ["spec: Required value"]
    rules = spec["rules"]
    if not isinstance(rules, list):
        return ["spec.rules: Invalid value: must be of type array"]
    return list(_mistakes(rules))


def _mistakes(rules: list[Any]) -> Iterator[str]:
    if not rules:
        yield "spec.rules: Invalid value: spec.rules in body should have at least 1 items"
    if len(rules) > _MOST_RULES:
        yield f"spec.rules: Too many: {len(rules)}: must have at most {_MOST_RULES} items"
    if sum(len(rule.get("matches", ())) for rule in rules) > _MOST_MATCHES:
        yield "spec.rules: Invalid value: the total number of matches across all rules must be less than 128"
    names = [rule["name"] for rule in rules if "name" in rule]
    if len(set(names)) < len(names):
        yield "spec.rules: Invalid value: Rule name must be unique within the route"
    for at, rule in enumerate(rules):
        yield from _mistakes_of_rule(rule, f"spec.rules[{at}]")


def _mistakes_of_rule(rule: Any, where: str) -> Iterator[str]:
    for number, match in enumerate(rule.get("matches", ())):
        headers = [str(header.get("name")).lower() for header in match.get("headers", ())]
        if len(set(headers)) < len(headers):
            yield f"{where}.matches[{number}].headers: Duplicate value"
    for number, reference in enumerate(rule.get("backendRefs", ())):
        weight = reference["weight"]
        if not isinstance(weight, int) or isinstance(weight, bool) or not 0 <= weight <= _LARGEST_WEIGHT:
            yield f"{where}.backendRefs[{number}].weight: Invalid value: should be from 0 to {_LARGEST_WEIGHT}"
        if not reference.get("name"):
            yield f"{where}.backendRefs[{number}].name: Required value"
