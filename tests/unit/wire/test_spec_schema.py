"""The published schema and the parser say the same; the guide and its example keep to both."""

import copy
import re
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from shared.domain.errors import InvalidError
from shared.wire.spec import parse_spec
from shared.wire.spec_rendering import render_spec
from shared.wire.spec_schema import SCHEMA_FILE, release_spec_schema
from shared.wire.yaml_source import read_yaml
from tests.unit.wire.spec_documents import SMALLEST, body_of, spec_documents

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "slipway.yaml"
GUIDE = ROOT / "docs" / "guides" / "release-spec.md"
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


def test_the_defaults_that_the_schema_names_are_those_of_the_parser():
    root, defs = release_spec_schema()["properties"], release_spec_schema()["$defs"]

    def defaults(part: dict[str, Any]) -> dict[str, Any]:
        named = {}
        for name, field in part["properties"].items():
            default = field.get("default", defs.get(field.get("$ref", "").rpartition("/")[2], {}).get("default"))
            if default is not None:
                named[name] = default
        return named

    explicit = copy.deepcopy(SMALLEST)
    explicit |= {"whenBusy": root["whenBusy"]["default"], "notifications": []}
    explicit |= {name: defaults(root[name]) for name in ("metrics", "alerts", "deadlines")}
    explicit["targets"][0] |= defaults(defs["target"]) | {
        name: defaults(defs["target"]["properties"][name]) for name in ("version", "health")
    }
    explicit["strategy"]["canary"]["bake"] = defaults(defs["bake"])

    assert len(explicit["metrics"]) == 2
    assert len(explicit["deadlines"]) == 2
    assert parse_spec(body_of(explicit)) == parse_spec(body_of(SMALLEST))


def test_the_defaults_of_a_gate_and_a_guard_are_those_of_the_parser():
    defs = release_spec_schema()["$defs"]
    short, long = copy.deepcopy(SMALLEST), copy.deepcopy(SMALLEST)
    gate = {"name": "qa"}
    guard = {"name": "g", "metric": "latency", "ratio": {"max": 2}}
    short |= {"guards": [guard], "strategy": {"canary": {"steps": [{"weight": 5, "gate": gate}]}}}
    gate_defaults = {"timeout": defs["gate"]["properties"]["timeout"]["default"], "otherwise": "rollback"}
    slack = defs["guard"]["properties"]["ratio"]["properties"]["slack"]["default"]
    least = defs["guard"]["properties"]["minimumRequests"]["default"]
    long |= {
        "guards": [guard | {"ratio": {"max": 2, "slack": slack}, "minimumRequests": least, "over": "5m"}],
        "strategy": {"canary": {"steps": [{"weight": 5, "gate": gate | gate_defaults}]}},
    }

    assert parse_spec(body_of(long)) == parse_spec(body_of(short))


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
        path for path, _ in fields(release_spec_schema()) if not re.search(rf"\b{path.rpartition('.')[2]}\b", text)
    ]

    assert hidden == [".$schema", "target.version.header"]


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
