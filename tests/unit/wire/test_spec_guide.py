"""Each default that the guide to the release spec states is the parser's."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from shared.domain.analysis.guards import Ratio
from shared.domain.analysis.rates import Promise
from shared.domain.analysis.visible import least_to_see
from shared.domain.rollout.spec import Topic
from shared.wire.spec import parse_spec
from shared.wire.spec_rendering import render_spec
from shared.wire.yaml_source import read_yaml
from tests.unit.wire.spec_documents import SMALLEST, body_of
from tests.unit.wire.spec_source_documents import SOURCES

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "release-spec.md").read_text()
LITERAL = re.compile(r"`([^`]+)`")
BRIEF = SMALLEST | {
    "strategy": {"canary": {"steps": [{"weight": 5, "gate": {"name": "qa"}}], "promotion": {"gate": {"name": "qa"}}}},
    "metrics": {"values": [{"name": "depth", "kind": "gauge", "query": "Depth"}]},
    "guards": [
        {"name": "ratio", "metric": "error-rate", "ratio": {"max": 2}},
        {"name": "tail", "metric": "latency", "tail": {}},
        {"name": "objective", "metric": "error-rate", "objective": "99%"},
        {"name": "share", "metric": "requests", "share": {}},
        {"name": "limit", "metric": "error-rate", "max": "2%"},
    ],
    "notifications": [{"name": "ops", "url": "https://hooks.example.org/"}],
    "hooks": [{"name": "smoke", "at": "before-rollout", "webhook": {"url": "https://hooks.example.org/"}}],
    "releaseWindows": [{"name": "peak", "deny": "0 17 * * fri", "for": "63h"}],
}
"""A spec with every part that has defaults, which says none of them."""
SHORT_NAMES = {
    "steps[]": "strategy.canary.steps[]",
    "bake": "strategy.canary.steps[].bake",
    "gate": "strategy.canary.steps[].gate",
    "promotion": "strategy.canary.promotion",
    "values[]": "metrics.values[]",
    "webhook": "hooks[].webhook",
}
"""What the guide's fields begin with, in full."""
GUARDS = {"ratio": 0, "tail": 1, "burn": 2, "andCompared": 2, "share": 3, "critical": 4, "notifyOnly": 4}
"""Which guard of `BRIEF` has a field."""


def rows(heading: str) -> list[list[str]]:
    """The cells of each row in the tables below a heading, without the tables' own heads."""
    section = GUIDE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    tables = re.findall(r"(?m)^\|.*\n\|[-|]+\n((?:\|.*\n)+)", section)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for table in tables for line in table.splitlines()]


def stated_defaults() -> list[tuple[str, str]]:
    """Each field of the table of fields that has a literal as its default, and that default."""
    fields = ((codes(field), default) for field, default, *_ in rows("Fields"))
    return [(name, match[1]) for names, default in fields for name in names if (match := LITERAL.match(default))]


def codes(text: str) -> list[str]:
    return re.findall(r"`([^`]*)`", text)


def full_path(name: str) -> list[str | int]:
    first, dot, rest = name.partition(".")
    path: list[str | int] = []
    for part in f"{SHORT_NAMES.get(first, first)}{dot}{rest}".split("."):
        path.append(part.removesuffix("[]"))
        if part.endswith("[]"):
            path.append(0)
    if path[0] in ("ratio", "tail", "share"):
        return ["guards", GUARDS[str(path[0])], *path]
    if path[0] == "guards":
        return ["guards", GUARDS.get(str(path[2]), 4), *path[2:]]
    return path


def written_into(document: dict[str, Any], path: list[str | int], value: Any) -> dict[str, Any]:
    """The document with another value where it has one already."""
    changed = copy.deepcopy(document)
    at: Any = changed
    for key in path[:-1]:
        at = at[key]
    assert at[path[-1]] is not None
    at[path[-1]] = value
    return changed


@pytest.mark.parametrize(("field", "default"), stated_defaults(), ids=lambda each: each.replace(" ", "_"))
def test_a_default_that_the_guide_states_is_what_the_parser_gives(field, default):
    spec = parse_spec(body_of(BRIEF))

    written = written_into(render_spec(spec), full_path(field), read_yaml(default.encode()).value)

    assert parse_spec(body_of(written)) == spec


def test_the_tolerance_of_slow_requests_is_what_the_guide_says():
    [tolerance] = re.findall(r"give or take a `tolerance` beside it \(`([^`]+)`\)", GUIDE)
    slow = {"name": "slow", "metric": "latency", "slowerThan": "300ms"}
    told = SMALLEST | {"metrics": {"source": {"kind": "observations"}}}

    silent, said = (
        parse_spec(body_of(told | {"guards": [guard]})) for guard in (slow, slow | {"tolerance": tolerance})
    )

    assert said == silent


def test_the_guide_states_most_defaults_as_they_are_written():
    assert len(stated_defaults()) > 30
    assert {"judgement.holdBack", "share.tolerance", "bake.max", "deadlines.progress"} <= dict(stated_defaults()).keys()


def test_the_promotion_bakes_as_long_as_the_guide_says():
    [(least, most)] = re.findall(r"`min` is `(\w+)` \(or one window\) and `max` is `(\w+)`", GUIDE)
    promotion = render_spec(parse_spec(body_of(SMALLEST)))["strategy"]["canary"]["promotion"]["bake"]

    assert (promotion["min"], promotion["max"]) == (least, most)


def source_defaults() -> list[tuple[str, str, str]]:
    """Kind, field and literal default of each field of a source."""
    stated, kind = [], ""
    for field, default, *_ in rows("Sources"):
        if named := re.fullmatch(r"\*\*(.*)\*\*", field):
            kind = named[1]
        if not kind:
            continue
        for name, value in zip(codes(field), default.split(", "), strict=False):
            stated += [(kind, name, code) for code in re.findall(r"^`([^`]+)`$", value)]
    return stated


@pytest.mark.parametrize(("kind", "field", "default"), source_defaults())
def test_a_sources_default_that_the_guide_states_is_what_the_parser_gives(kind, field, default):
    spec = parse_spec(body_of(SMALLEST | {"metrics": {"source": SOURCES[kind]}}))

    written = written_into(render_spec(spec), ["metrics", "source", field], default)

    assert parse_spec(body_of(written)) == spec


def test_the_guide_states_the_defaults_of_every_source_that_has_any():
    stated = [f"{kind}.{field}" for kind, field, _ in source_defaults()]

    assert {"azure-monitor.latencyUnit", "log-analytics.splitBy", "prometheus.auth", "web.failures"} <= set(stated)
    assert len(stated) == 12


def test_the_guide_names_every_topic():
    [row] = [cells for cells in rows("Fields") if cells[0] == "`notifications[].topics`"]

    assert codes(row[2]) == [topic.value for topic in Topic]


def test_the_least_that_the_guide_says_is_told_apart_is_what_the_ramp_reckons_with():
    told = re.findall(r"(?m)^\| ([\d.]+) % \| ([\d.]+)x \|$", GUIDE)
    usual = Promise(Ratio().maximum, Ratio().slack)

    assert len(told) == 4
    for rate, least in told:
        assert float(least) == pytest.approx(least_to_see(1.0, float(rate) / 100, usual), abs=0.0051)
