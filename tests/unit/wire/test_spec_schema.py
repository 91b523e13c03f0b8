"""The published schema and the parser say the same; the guide and its example keep to both."""

import copy
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from shared.domain.errors import InvalidError
from shared.domain.rollout.measuring import AzureMonitorSource
from shared.wire.durations import format_duration
from shared.wire.spec import parse_spec
from shared.wire.spec_rendering import render_spec
from shared.wire.spec_schema import SCHEMA_FILE, release_spec_schema
from shared.wire.yaml_source import read_yaml
from tests.unit.wire.spec_documents import SMALLEST, body_of, changed, spec_documents
from tests.unit.wire.spec_source_documents import SOURCES

ROOT = Path(__file__).parents[3]
INSTEAD = r"\n(#  source:.*(?:\n#    .*)*)"
"""A source in the example that stands in a remark."""
EXAMPLE = ROOT / "docs" / "examples" / "slipway.yaml"
SOURCES_GUIDE = ROOT / "docs" / "guides" / "metric-sources.md"
GUIDE = ROOT / "docs" / "guides" / "release-spec.md"
SOURCE_SCHEMAS = {
    "azure-monitor": "azureMonitorSource",
    "log-analytics": "logAnalyticsSource",
    "prometheus": "prometheusSource",
    "web": "webSource",
    "observations": "observationsSource",
}
PUBLISHED = Draft202012Validator(release_spec_schema())


def test_the_schema_is_one_itself_and_stands_beside_the_code():
    Draft202012Validator.check_schema(release_spec_schema())
    assert SCHEMA_FILE.is_file()


def test_every_field_says_what_it_is_for():
    silent = [path for path, field in fields(release_spec_schema()) if not described(field)]
    assert silent == []


def fields(schema: Any, path: str = "") -> list[tuple[str, Any]]:
    """Every property of the schema's objects, outside conditions."""
    found = []
    for name, field in schema.get("properties", {}).items():
        found.append((f"{path}.{name}", field))
        found += fields(field, f"{path}.{name}")
    for name, part in schema.get("$defs", {}).items():
        found += fields(part, name)
    return found


def described(field: dict[str, Any]) -> bool:
    reference = field.get("$ref", "").rpartition("/")[2]
    return "description" in field or "description" in release_spec_schema()["$defs"].get(reference, {})


def defaults(part: dict[str, Any]) -> dict[str, Any]:
    """What the schema says that an object has by default."""
    defs = release_spec_schema()["$defs"]
    named = {}
    for name, field in part["properties"].items():
        default = field.get("default", defs.get(field.get("$ref", "").rpartition("/")[2], {}).get("default"))
        if default is not None:
            named[name] = default
    return named


def test_the_defaults_that_the_schema_names_are_those_of_the_parser():
    root, defs = release_spec_schema()["properties"], release_spec_schema()["$defs"]

    explicit = copy.deepcopy(SMALLEST)
    explicit |= {"whenBusy": root["whenBusy"]["default"], "notifications": []}
    explicit |= {name: defaults(root[name]) for name in ("metrics", "judgement", "alerts", "deadlines")}
    explicit["targets"][0] |= defaults(defs["target"]) | {
        name: defaults(defs["target"]["properties"][name]) for name in ("version", "health")
    }
    bake = defaults(defs["bake"])
    explicit["strategy"]["canary"] |= {"bake": bake, "promotion": {"bake": {"min": "20m", "max": "1h"} | bake}}

    assert sorted(explicit["metrics"]) == ["source", "window"]
    assert sorted(explicit["judgement"]) == ["alpha", "holdBack", "lowTraffic", "risk", "warmUp"]
    assert len(explicit["deadlines"]) == 2
    assert parse_spec(body_of(explicit)) == parse_spec(body_of(SMALLEST))


def test_the_defaults_of_a_gate_are_those_of_the_parser():
    gate = {"name": "qa"}
    written = gate | {"otherwise": "rollback"} | defaults(release_spec_schema()["$defs"]["gate"])

    assert set(written) == {"name", "timeout", "otherwise"}
    assert parse_spec(body_of(changed("strategy/canary/steps", [{"weight": 5, "gate": gate}]))) == parse_spec(
        body_of(changed("strategy/canary/steps", [{"weight": 5, "gate": written}]))
    )


@pytest.mark.parametrize(
    ("test", "written"),
    [
        ({"metric": "latency", "ratio": {"max": 2}}, {"ratio": {"max": 2, "slack": 0}}),
        ({"metric": "latency", "tail": True}, {"tail": ["quantiles", "tolerance"]}),
        ({"metric": "requests", "share": True}, {"share": ["tolerance"]}),
        ({"metric": "error-rate", "objective": "99%"}, ["burn", "andCompared"]),
    ],
)
def test_the_defaults_of_a_guard_are_those_of_the_parser(test, written):
    guard = release_spec_schema()["$defs"]["guard"]
    usual = defaults(guard)
    if isinstance(written, dict):
        [(name, names)] = written.items()
        inside = defaults(guard["properties"][name])
        stated = {name: names if isinstance(names, dict) else {each: inside[each] for each in names}}
    else:
        stated = {name: usual[name] for name in written}
    stated |= {name: usual[name] for name in ("critical", "notifyOnly", "minimumRequests")} | {"over": "5m"}

    other = {"name": "errors", "metric": "error-rate", "max": "2%"}
    short, long = [other, {"name": "g"} | test], [other, {"name": "g"} | test | stated]

    assert parse_spec(body_of(changed("guards", long))) == parse_spec(body_of(changed("guards", short)))


@pytest.mark.parametrize("kind", SOURCES)
def test_the_defaults_of_a_source_are_those_of_the_parser(kind):
    part = release_spec_schema()["$defs"][SOURCE_SCHEMAS[kind]]
    written = defaults(part) | SOURCES[kind]

    read = parse_spec(body_of(changed("metrics/source", SOURCES[kind])))

    assert parse_spec(body_of(changed("metrics/source", written))) == read


def test_the_lags_that_the_schema_and_the_guide_name_are_those_of_the_parser():
    said = release_spec_schema()["properties"]["metrics"]["properties"]["lag"]["description"]
    guide = GUIDE.read_text()

    for kind, source in SOURCES.items():
        lag = format_duration(parse_spec(body_of(changed("metrics/source", source))).measuring.lag)
        assert re.search(rf"\b{kind}( and observations)? {lag}\b", said)
        assert f"| `{kind}` | `{lag}` |" in guide


@settings(max_examples=60, deadline=None)
@given(spec_documents())
def test_what_the_parser_takes_and_renders_the_schema_takes(document):
    assert list(PUBLISHED.iter_errors(document)) == []
    assert list(PUBLISHED.iter_errors(render_spec(parse_spec(body_of(document))))) == []


odd_values = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        101,
        1e300,
        "",
        "x",
        "5m",
        "5m\n",
        "2%",
        "P",
        "PT",
        "0s",
        [],
        [None],
        {},
        {"max": 1},
        {"a": 1},
        {"kind": "web"},
        {"kind": "observations"},
        "2x",
        "p99",
        "gauge",
        "no tolerance",
    ]
)


@settings(max_examples=250, deadline=None)
@given(spec_documents(), st.data())
def test_what_the_schema_refuses_the_parser_refuses(document, data):
    broken = document
    for _ in range(data.draw(st.integers(1, 3))):
        broken = data.draw(broken_copies(broken))

    assert PUBLISHED.is_valid(broken) or not is_taken(broken)


def is_taken(document: Any) -> bool:
    try:
        parse_spec(body_of(document))
    except InvalidError:
        return False
    return True


@st.composite
def broken_copies(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """The document with one value dropped, replaced or added, anywhere."""
    broken = copy.deepcopy(document)
    at: Any = draw(st.sampled_from(containers(broken)))
    keys = list(at) if isinstance(at, dict) else list(range(len(at)))
    key = draw(st.sampled_from([*keys, "unknown"] if isinstance(at, dict) or not keys else keys))
    if isinstance(at, list) and key == "unknown":
        at.append(draw(odd_values))
    elif draw(st.booleans()) and key in keys:
        del at[key]
    else:
        at[key] = draw(odd_values)
    return broken


def containers(value: Any) -> list[Any]:
    inside = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    here = [value] if isinstance(value, dict | list) else []
    return here + [container for each in inside for container in containers(each)]


def test_the_example_is_a_release_spec():
    text = EXAMPLE.read_bytes()

    assert parse_spec(text).application == "shop"
    assert list(PUBLISHED.iter_errors(read_yaml(text).value)) == []


def test_the_example_shows_every_field():
    text = EXAMPLE.read_text()

    hidden = [
        path for path, _ in fields(release_spec_schema()) if not re.search(rf"\b{path.rpartition('.')[2]}:", text)
    ]

    assert hidden == [".$schema"]


def test_what_the_example_shows_instead_is_a_release_spec_too():
    text = EXAMPLE.read_text()
    sources = [textwrap.dedent(re.sub(r"(?m)^#", "", block)) for block in re.findall(INSTEAD, text)]
    [slow] = re.findall(r"# - (\{name: slow,.*)", text)
    [smallest] = re.findall(r"# (smallestRegression: .*)", text)

    for source in sources:
        document = SMALLEST | {"metrics": read_yaml(source.encode()).value}
        assert parse_spec(body_of(document)).measuring.source != AzureMonitorSource()
    guards = [read_yaml(slow.encode()).value]
    judgement = read_yaml(smallest.encode()).value
    told = {"source": {"kind": "observations"}}
    assert parse_spec(body_of(SMALLEST | {"metrics": told, "guards": guards, "judgement": judgement}))
    assert len(sources) == 5


def test_the_guide_names_every_field_and_its_examples_are_release_specs():
    guide = GUIDE.read_text()
    examples = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    prose = re.sub(r"```.*?```", "", guide, flags=re.DOTALL)
    named = {word for code in re.findall(r"`([^`]+)`", prose) for word in re.split(r"[^$\w-]+", code)}
    missing = [path for path, _ in fields(release_spec_schema()) if path.rpartition(".")[2] not in named]

    assert missing == []
    assert examples
    for example in examples:
        assert parse_spec(example.encode())


def test_what_the_guide_to_sources_shows_is_taken_in_a_release_spec():
    shown = re.findall(r"```yaml\n(.*?)```", SOURCES_GUIDE.read_text(), re.DOTALL)
    metrics = [document for text in shown if "metrics" in (document := read_yaml(text.encode()).value)]

    for document in metrics:
        assert parse_spec(body_of(SMALLEST | document))
    assert metrics
