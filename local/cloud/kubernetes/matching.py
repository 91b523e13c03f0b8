"""Which rule of an HTTPRoute a request falls under, by the Gateway API's order of precedence.

Exact paths come before prefixes, longer prefixes before shorter ones, then a match of the method, then more headers,
then more query parameters; among equals the first rule. Regular expressions match as a whole.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

Rank = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of a request decides where it goes; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]


def find_rule(rules: list[dict[str, Any]], asked: Asked) -> dict[str, Any] | None:
    """Return the rule that a request falls under, or None."""
    best: tuple[Rank, dict[str, Any]] | None = None
    for rule in rules:
        for match in rule["matches"]:
            rank = _rank(match, asked)
            if rank is not None and (best is None or rank > best[0]):
                best = (rank, rule)
    return best[1] if best else None


def deal(rule: dict[str, Any], random: Random) -> str | None:
    """Return the name of the backend that a request goes to, by chance; None where all weights are 0."""
    references = rule.get("backendRefs", [])
    total = sum(reference["weight"] for reference in references)
    if total == 0:
        return None
    drawn = random.randrange(total)
    for reference in references:
        drawn -= reference["weight"]
        if drawn < 0:
            return str(reference["name"])
    raise AssertionError("weights add up to less than their sum")


def _rank(match: dict[str, Any], asked: Asked) -> Rank | None:
    """Return how precisely a match fits, or None when it does not."""
    path = _rank_path(match["path"], asked.path)
    if path is None or ("method" in match and match["method"] != asked.method):
        return None
    headers, parameters = match.get("headers", []), match.get("queryParams", [])
    if not all(_fits(one, asked.headers.get(one["name"].lower())) for one in headers):
        return None
    if not all(_fits(one, asked.query.get(one["name"])) for one in parameters):
        return None
    return (*path, int("method" in match), len(headers), len(parameters))


def _rank_path(wanted: dict[str, Any], path: str) -> tuple[int, int] | None:
    value = wanted["value"]
    match wanted["type"]:
        case "Exact":
            return (2, 0) if path == value else None
        case "PathPrefix":
            prefix = value.rstrip("/")
            return (1, len(prefix)) if path == prefix or path.startswith(f"{prefix}/") else None
        case _:
            return (0, 0) if re.fullmatch(value, path) else None


def _fits(wanted: dict[str, Any], found: str | None) -> bool:
    if found is None:
        return False
    if wanted.get("type", "Exact") == "Exact":
        return bool(found == wanted["value"])
    return re.fullmatch(wanted["value"], found) is not None
