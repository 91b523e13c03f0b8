"""The guide to documents of flags, and the examples that show every field."""

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from shared.domain.flags.model import Operator
from shared.wire.flags.document import flag_document, parse_flag
from shared.wire.flags.flag_schema import flag_schema, segment_schema
from shared.wire.flags.segment_document import parse_segment
from shared.wire.yaml_source import read_yaml
from tests.unit.wire.flags.test_flag_schema import fields

DOCS = Path(__file__).parents[4] / "docs"
GUIDE = (DOCS / "guides" / "flags-documents.md").read_text()
FLAG, SEGMENT = ((DOCS / "examples" / name).read_bytes() for name in ("flag.yaml", "segment.yaml"))


def test_the_examples_are_taken():
    assert parse_flag(FLAG).key == "new-checkout"
    assert parse_segment(SEGMENT).key == "staff"


@pytest.mark.parametrize(
    ("text", "schema"), [(FLAG, flag_schema()), (SEGMENT, segment_schema())], ids=["flag", "segment"]
)
def test_the_examples_fit_the_schemas(text, schema):
    assert list(Draft202012Validator(schema).iter_errors(read_yaml(text).value)) == []


def test_the_examples_show_every_field():
    shown = FLAG.decode() + SEGMENT.decode()
    names = {path.rpartition(".")[2] for schema in (flag_schema(), segment_schema()) for path, _ in fields(schema)}

    assert {name for name in names if not re.search(rf"[\s{{]{re.escape(name)}:", shown)} == {"$schema"}


def test_the_guide_names_every_field_and_operator():
    prose = re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL)
    named = {word for code in re.findall(r"`([^`]+)`", prose) for word in re.split(r"[^$\w-]+", code)}
    names = {path.rpartition(".")[2] for schema in (flag_schema(), segment_schema()) for path, _ in fields(schema)}

    assert names - named == set()
    assert [operator for operator in Operator if f"`{operator}`" not in GUIDE] == []


def test_what_the_guide_shows_is_a_flag():
    examples = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)

    assert len(examples) == 2
    for example in examples:
        assert parse_flag(example.encode()).key == "new-checkout"


@pytest.mark.parametrize("field", ["type", "enabled", "killed", "off"])
def test_the_defaults_that_the_guide_states_are_those_of_the_parser(field):
    [default] = re.findall(rf"\| `{field}` \| `(\S+)` \|", GUIDE)
    read = flag_document(parse_flag(b"key: a"))

    assert str(read.get(field, False)).lower() == default
