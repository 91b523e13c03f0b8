"""The published schemas of flags and segments: what the parsers take they take, and the other way round."""

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError, validators

from shared.domain.errors import InvalidError
from shared.domain.flags.model import Hashing, Operator
from shared.wire.flags.document import flag_document, parse_flag
from shared.wire.flags.flag_schema import FLAG_SCHEMA_FILE, SEGMENT_SCHEMA_FILE, flag_schema, segment_schema
from shared.wire.flags.segment_document import parse_segment, segment_document
from tests.unit.wire.flags.flag_values import flags, segments


def as_ecma(_validator, pattern, instance, _schema):
    """In Python a `$` would also match before a last line break."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


STRICT: Any = validators.extend(Draft202012Validator, {"pattern": as_ecma})
FLAGS = STRICT(flag_schema())
SEGMENTS = STRICT(segment_schema())
BEYOND = re.compile(
    r"which is no variant|sum to|three decimals|above from|later than from|the flag itself|the window|not before from"
    r"|is longer|off: |is missing; (a flag|allowed)|for the flag is of type|an RFC 3339 time|there is no such"
    r"|a semantic version|allowed with (=|<|<=|>|>=) is|passes users on|flags with two variants|each entry once"
    r"|write percent|at most of|a network such as|a number$|some shares"
)
"""What the schema cannot say."""

ODD = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        101,
        20,
        "",
        "x",
        "on",
        "a b",
        "5m",
        "on\n",
        [],
        [None],
        {},
        {"a": 1},
        {"all": []},
        ["on"],
        ["x", "x"],
        {"split": {"shares": []}},
        {"percent": 5, "of": "on"},
        {"segment": "s"},
        "2027-01-01T00:00:00Z",
    ]
)


@pytest.mark.parametrize(("schema", "file"), [(flag_schema, FLAG_SCHEMA_FILE), (segment_schema, SEGMENT_SCHEMA_FILE)])
def test_a_schema_is_a_schema_and_stands_beside_the_code(schema, file):
    Draft202012Validator.check_schema(schema())
    assert file.parent.name == "schemas"


@settings(max_examples=60, deadline=None)
@given(flags())
def test_what_is_written_of_a_flag_the_schema_takes(flag):
    assert list(FLAGS.iter_errors(flag_document(flag))) == []


@settings(max_examples=40, deadline=None)
@given(segments())
def test_what_is_written_of_a_segment_the_schema_takes(segment):
    assert list(SEGMENTS.iter_errors(segment_document(segment))) == []


def refusals(parse: Any, document: Any) -> list[str]:
    try:
        parse(json.dumps(document).encode(), "application/json")
    except InvalidError as error:
        return [problem.message for problem in error.problems]
    return []


@settings(max_examples=120, deadline=None)
@given(flags(), st.data())
def test_the_schema_and_the_parser_of_flags_refuse_the_same(flag, data):
    agree(FLAGS, parse_flag, flag_document(flag), data)


@settings(max_examples=80, deadline=None)
@given(segments(), st.data())
def test_the_schema_and_the_parser_of_segments_refuse_the_same(segment, data):
    agree(SEGMENTS, parse_segment, segment_document(segment), data)


def agree(schema: Draft202012Validator, parse: Any, document: dict[str, Any], data: st.DataObject) -> None:
    broken = document
    for _ in range(data.draw(st.integers(1, 2))):
        broken = data.draw(broken_copies(broken))
    refused = refusals(parse, broken)
    if schema.is_valid(broken):
        assert [message for message in refused if not BEYOND.search(message)] == [], broken
    else:
        assert refused != [], broken


@st.composite
def broken_copies(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """The document with one value dropped, replaced or added, anywhere."""
    broken = copy.deepcopy(document)
    at: Any = draw(st.sampled_from(containers(broken)))
    keys = list(at) if isinstance(at, dict) else list(range(len(at)))
    key = draw(st.sampled_from([*keys, "unknown"] if isinstance(at, dict) or not keys else keys))
    if isinstance(at, list) and key == "unknown":
        at.append(draw(ODD))
    elif draw(st.booleans()) and key in keys:
        del at[key]
    else:
        at[key] = draw(ODD)
    return broken


def containers(value: Any) -> list[Any]:
    inside = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    here = [value] if isinstance(value, dict | list) else []
    return here + [container for each in inside for container in containers(each)]


def fields(schema: Any, path: str = "") -> list[tuple[str, Any]]:
    """Every property of the schema's objects, outside conditions that hold for some."""
    found = []
    for name, field in schema.get("properties", {}).items():
        found.append((f"{path}.{name}", field))
        found += fields(field, f"{path}.{name}")
    inner = [schema.get("items"), schema.get("additionalProperties")]
    inner += [*schema.get("oneOf", []), *(each for each in schema.get("anyOf", []) if "properties" in each)]
    for each in inner:
        found += fields(each, path) if isinstance(each, dict) else []
    for name, part in schema.get("$defs", {}).items():
        found += fields(part, name)
    return found


@pytest.mark.parametrize("schema", [flag_schema(), segment_schema()], ids=["flag", "segment"])
def test_every_field_says_what_it_is_for(schema):
    def says(field: dict[str, Any]) -> bool:
        named = schema["$defs"].get(field.get("$ref", "").rpartition("/")[2], {})
        return "description" in field or "description" in named

    assert [path for path, field in fields(schema) if not says(field)] == []
    assert len(fields(schema)) > 30


def test_the_words_of_the_schemas_are_those_of_the_model():
    for schema in (flag_schema(), segment_schema()):
        comparison = schema["$defs"]["comparison"]["properties"]
        assert comparison["op"]["enum"] == list(Operator)
        assert schema["$defs"]["hashing"]["enum"] == list(Hashing)


def test_both_schemas_say_the_same_of_what_they_share():
    shared = flag_schema()["$defs"].keys() & segment_schema()["$defs"].keys()

    assert {"condition", "attribute", "period", "hashing"} <= shared
    for name in shared:
        assert flag_schema()["$defs"][name] == segment_schema()["$defs"][name]


def test_the_defaults_that_the_schema_names_are_those_of_the_parser():
    named = {name: field["default"] for name, field in flag_schema()["properties"].items() if "default" in field}

    assert {"type", "enabled", "killed", "off", "rules", "targets", "regions", "tags"} <= named.keys()
    short, long = {"key": "a"}, {"key": "a"} | named
    assert parse_flag(json.dumps(long).encode()) == parse_flag(json.dumps(short).encode())
