"""What YAML means here, and which YAML is refused."""

import json
from contextlib import suppress

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import InvalidError, Problem
from shared.wire.json_source import MAX_BODY_BYTES
from shared.wire.yaml_source import MAX_DEPTH, MAX_NODES, read_yaml, read_yaml_documents


@pytest.fixture(params=["libyaml", "pure Python"], autouse=True)
def parser(request, monkeypatch):
    """Both parsers of PyYAML: which one there is depends on how it was built."""
    if request.param == "pure Python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    elif not hasattr(yaml, "CSafeLoader"):
        pytest.skip("PyYAML was built without libyaml")


def refused(body: bytes) -> Problem:
    with pytest.raises(InvalidError) as error:
        read_yaml(body)
    [problem] = error.value.problems
    return problem


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("no", "no"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("tRUE", "tRUE"),
        ("null", None),
        ("~", None),
        ("", None),
        ("nil", "nil"),
        ("12", 12),
        ("-12", -12),
        ("+12", 12),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("1.5E-2", 0.015),
        ("2026-01-01", "2026-01-01"),
        ("5m", "5m"),
        ("2%", "2%"),
        ("1.2.3", "1.2.3"),
        ("<<", "<<"),
        ("=", "="),
        ("'12'", "12"),
        ('"true"', "true"),
        ("! 12", "12"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("!!float 12", 12),
        ("!!bool true", True),
        ("!!null ''", None),
        ('"caf\\u00e9"', "café"),
    ],
)
def test_words_follow_the_core_schema_of_yaml_1_2(text, value):
    read = read_yaml(f"a: {text}\n".encode()).value["a"]

    assert read == value
    assert type(read) is type(value)


def test_a_value_has_the_line_of_its_key_and_an_entry_its_own():
    source = read_yaml(b"# comment\n\na:\n  b: 1\n  c:\n    - x\n\n    - {d: 1,\n       e: 2}\n")

    assert [
        source.line_of(path) for path in [("a",), ("a", "b"), ("a", "c", 0), ("a", "c", 1), ("a", "c", 1, "e")]
    ] == [
        3,
        4,
        6,
        8,
        9,
    ]
    assert source.line_of(("a", "c", 1, "missing")) == 8
    assert source.line_of(()) == 3


def test_anchors_save_writing():
    source = read_yaml(b"a: &x {b: [1, 2]}\nc: *x\n")

    assert source.value == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}
    assert source.line_of(("c",)) == 2
    assert source.line_of(("c", "b", 1)) == 1


@pytest.mark.parametrize(
    "body", [b"\xef\xbb\xbfa: 1\n", b"---\na: 1\n", b"%YAML 1.2\n---\na: 1\n...\n", b'{"a": 1}', b"a: 1\r\n"]
)
def test_how_a_document_begins_and_ends_does_not_matter(body):
    assert read_yaml(body).value == {"a": 1}


@pytest.mark.parametrize(
    ("body", "path", "line", "words"),
    [
        (b"a: 1\nb: 2\na: 3\n", "a", 3, "stands twice; first in line 1"),
        (b"a:\n  - b: 1\n    b: 2\n", "a[0].b", 3, "stands twice; first in line 2"),
        (b"a: 1\n---\nb: 2\n", "", 2, "second document"),
        (b"a:\n  b: !!python/object/apply:os.system [ls]\n", "a.b", 2, "!!python/object/apply:os.system is not taken"),
        (b"a: !secret x\n", "a", 1, "!secret is not taken"),
        (b"a: !!binary aGk=\n", "a", 1, "!!binary is not taken"),
        (b"a: !!set {b}\n", "a", 1, "!!set is not taken"),
        (b"a: !!int 1.5\n", "a", 1, "not of the type !!int"),
        (b"a: !!int true\n", "a", 1, "not of the type !!int"),
        (b"a: .nan\n", "a", 1, "not a finite number"),
        (b"a: -.inf\n", "a", 1, "not a finite number"),
        (b"a: 1e999\n", "a", 1, "not a finite number"),
        (b"a: 0x" + b"f" * 5000, "a", 1, "digits"),
        (b"a: " + b"9" * 5000, "a", 1, "5000 digits"),
        (b"1: a\n", "", 1, "a key must be a text"),
        (b"null: a\n", "", 1, "a key must be a text"),
        (b"? [a]\n: b\n", "", 1, "a key must be a text"),
        (b"a: 1\nb: *x\n", "b", 2, "names no value"),
        (b"a: &x [*x]\n", "a[0]", 1, "names no value"),
        (b"a:\n\tb: 1\n", "", 2, "tabs"),
        (b"a: 'open\n", "", None, "not YAML"),
        (b"a: [1, 2\n", "", None, "not YAML"),
        (b"a: b: c\n", "", 1, "not YAML"),
        (b"a: \x01\n", "", None, "control character"),
        (b"a: \xff\n", "", None, "UTF-8"),
        ("a: 1".encode("utf-16"), "", None, "UTF-16"),
        (b"", "", None, "empty"),
        (b"# nothing\n", "", None, "empty"),
    ],
)
def test_what_is_refused_is_named_with_its_line(body, path, line, words):
    problem = refused(body)

    assert problem.path == path
    assert line is None or problem.line == line
    assert words in problem.message


def test_half_a_surrogate_pair_is_refused():
    assert refused(b'a: "\\ud800"\n').line == 1


@pytest.mark.parametrize("body", [b"[" * 5000, b"{a: " * 5000, b"- " * 5000, b"a: " + b"[" * (MAX_DEPTH + 1)])
def test_deep_nesting_is_refused(body):
    assert "deep" in refused(body).message


def test_aliases_that_multiply_are_refused():
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 9)]

    assert f"{MAX_NODES} values" in refused("\n".join(lines).encode()).message


def test_a_body_over_256_kilobytes_is_refused_unread():
    assert str(MAX_BODY_BYTES) in refused(b"#" * (MAX_BODY_BYTES + 1)).message


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet="ab: -[]{},&*!|>'\"#%@\n\t0.~", max_size=80).map(str.encode))
def test_whatever_the_bytes_are_the_answer_is_a_value_or_a_refusal(body):
    with suppress(InvalidError):
        read_yaml(body)


documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=60, deadline=None)
@given(documents)
def test_what_pyyaml_writes_is_read_back(document):
    text = yaml.safe_dump(json.loads(json.dumps(document)), allow_unicode=False, default_style='"')

    assert read_yaml(text.encode()).value == document


def test_several_documents_keep_the_lines_of_the_file():
    first, second = read_yaml_documents(b"a: 1\n---\nb:\n  - c\n")

    assert (first.value, second.value) == ({"a": 1}, {"b": ["c"]})
    assert (first.line_of(("a",)), second.line_of(("b", 0))) == (1, 4)


def test_a_body_without_documents_has_none():
    assert read_yaml_documents(b"# nothing\n") == ()


def test_an_anchor_is_good_for_its_own_document_alone():
    with pytest.raises(InvalidError, match="names no value"):
        read_yaml_documents(b"a: &x 1\n---\nb: *x\n")


def test_the_bound_on_values_is_that_of_all_documents_together():
    with pytest.raises(InvalidError, match=f"reaches {MAX_NODES} values"):
        read_yaml_documents(b"---\n- a\n- b\n" * (MAX_NODES // 3 + 1))
