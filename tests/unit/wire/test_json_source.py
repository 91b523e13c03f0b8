"""JSON from outside: one plain value, or a refusal."""

import json
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import InvalidError
from shared.wire.json_source import MAX_BODY_BYTES, MAX_DEPTH, MAX_DIGITS, read_json


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, -2.5, "x", true, null]}', {"a": [1, -2.5, "x", True, None]}),
        (b' "caf\xc3\xa9" ', "café"),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'"\\ud83d\\ude80"', "\U0001f680"),
        (b"1e4", 10000.0),
        (b"9" * MAX_DIGITS, int("9" * MAX_DIGITS)),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)),
    ],
)
def test_json_is_read(body, value):
    assert read_json(body) == value


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "not JSON"),
        (b"// comment\n{}", "not JSON"),
        (b"{} {}", "Extra data"),
        (b"{}x", "Extra data"),
        (b"{'a': 1}", "not JSON"),
        (b"[1,]", "not JSON"),
        (b'"a\nb"', "not JSON"),
        (b"\xff", "UTF-8"),
        (b'"\xed\xa0\x80"', "UTF-8"),
        ("{}".encode("utf-16"), "UTF-16"),
        (b'{"a": 1, "b": 2, "a": 1}', '"a" stands twice'),
        (b'[{"x": {"a": 1, "a": 2}}]', '"a" stands twice'),
        (b"NaN", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b"1e999", "not a finite number"),
        (b"-1e999", "not a finite number"),
        (b"9" * (MAX_DIGITS + 1), "101 digits"),
        (b"9" * 10_000, "10000 digits"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nests deeper"),
        (b"[" * 100_000, "nests deeper"),
        (b'{"a":' * 40_000, "nests deeper"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b" " * (MAX_BODY_BYTES + 1), "bytes"),
    ],
)
def test_what_is_not_strictly_json_is_refused_as_a_whole(body, words):
    with pytest.raises(InvalidError) as error:
        read_json(body)

    [problem] = error.value.problems
    assert problem.path == ""
    assert words in problem.message


def test_a_long_object_is_refused_without_delay():
    members = ",".join(f'"k{number}":1' for number in range(20_000))
    began = time.process_time()
    with pytest.raises(InvalidError, match="stands twice"):
        read_json(f'{{{members},"k19999":1}}'.encode())
    assert time.process_time() - began < 2


def test_a_body_of_just_256_kilobytes_is_read():
    assert read_json(b'"' + b"x" * (MAX_BODY_BYTES - 2) + b'"') == "x" * (MAX_BODY_BYTES - 2)


def test_broken_json_is_refused_with_its_line():
    with pytest.raises(InvalidError) as error:
        read_json(b'{\n  "a": 1\n  "b": 2\n}')

    assert error.value.problems[0].line == 3


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**50), 10**50)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_what_json_can_say_is_read_as_it_was_written(value):
    assert read_json(json.dumps(value).encode()) == value


@settings(max_examples=200)
@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,0129eE+-.\\utruenl \n', max_size=60).map(str.encode))
def test_whatever_the_bytes_are_the_answer_is_finite_or_a_refusal(body):
    try:
        value = read_json(body)
    except InvalidError:
        return
    assert not isinstance(value, float) or math.isfinite(value)
