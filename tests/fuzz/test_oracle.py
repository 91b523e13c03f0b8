"""The oracle sees what it is there for: each kind of mistake, planted in a parser of its own."""

import contextlib
import json
import math
import time

import pytest

from shared.domain.errors import InvalidError, Problem, TryLaterError
from tests.fuzz import oracle, route_runs
from tests.fuzz.edits import Again, Edit, Raw, edited, json_text
from tests.fuzz.findings import Keeper, smallest
from tests.fuzz.inputs import rendered, seed_of
from tests.fuzz.parser import Form, Parser
from tests.fuzz.random_run import Tally, run_round
from tests.fuzz.seeds import given


def parser(read, **changes) -> Parser:
    return Parser(
        name="planted", read=read, **{"form": Form.JSON, "seeds": given({"a": [1, "x"], "b": None}), **changes}
    )


def kind_of(read, data: bytes = b"{}", **changes) -> str:
    finding, _ = oracle.examine(parser(read, **changes), data)
    return finding.kind if finding else ""


def refusing(*problems: Problem):
    def read(data: bytes) -> None:
        raise InvalidError(*problems)

    return read


def test_an_error_that_is_none_of_the_parsers_own_is_a_finding():
    assert kind_of(lambda data: {}["a"]) == "KeyError"
    assert kind_of(lambda data: {}["a"], refuses=(KeyError,)) == ""


def test_a_refusal_is_none_and_neither_is_a_value():
    assert kind_of(refusing(Problem("a", "is wrong"))) == ""
    assert kind_of(lambda data: data) == ""


def test_a_refusal_without_words_or_with_too_many_is_a_finding():
    assert kind_of(refusing()).startswith("refuses without a word")
    assert kind_of(refusing(Problem("a", "x" * 100_000))).startswith("refuses with more than")


def test_a_value_that_comes_out_another_one_is_a_finding():
    assert kind_of(lambda data: data, write=lambda value: value + b" ").startswith("reads another value")
    assert kind_of(lambda data: data, write=lambda value: value) == ""


def test_a_value_that_loses_something_where_it_is_written_is_a_finding_although_it_is_written_the_same_again():
    def read(data: bytes) -> tuple[str, int]:
        return "a", len(data)

    assert kind_of(read, b"{} ", write=lambda value: value[0].encode()).startswith("reads another value")


def test_nan_that_comes_out_as_nan_is_no_finding():
    assert kind_of(json.loads, b"NaN", write=lambda value: json.dumps(value).encode()) == ""


@pytest.mark.parametrize("seconds", [math.inf, math.nan, -1.0, 1e12])
def test_a_wait_that_nobody_can_wait_is_a_finding(seconds):
    def read(data: bytes) -> None:
        raise TryLaterError("busy", after_seconds=seconds)

    assert kind_of(read, refuses=(TryLaterError,)).startswith("refuses for longer")


def test_a_refusal_of_an_error_of_python_needs_words_too():
    def read(data: bytes) -> None:
        raise LookupError("")

    assert kind_of(read, refuses=(LookupError,)).startswith("refuses without a word")


def test_an_own_rendering_that_is_refused_is_a_finding():
    def read(data: bytes) -> bytes:
        if data != b"{}":
            raise InvalidError(Problem("a", "is wrong"))
        return data

    assert kind_of(read, write=lambda value: b"[]").startswith("refuses what it wrote itself")


def test_work_that_takes_too_long_is_a_finding(monkeypatch):
    monkeypatch.setattr(oracle, "SLOW_SECONDS", 0.05)

    def read(data: bytes) -> None:
        ends = time.thread_time() + 0.1
        while time.thread_time() < ends:
            pass

    assert kind_of(read) == "slow"


def test_writing_that_takes_too_long_is_a_finding(monkeypatch):
    monkeypatch.setattr(oracle, "SLOW_SECONDS", 0.05)

    def write(value: bytes) -> bytes:
        ends = time.thread_time() + 0.1
        while time.thread_time() < ends:
            pass
        return value

    assert kind_of(lambda data: data, write=write) == "slow"


def test_work_that_never_ends_is_broken_off(monkeypatch):
    monkeypatch.setattr(oracle, "HANG_SECONDS", 0.2)

    def read(data: bytes) -> None:
        while True:
            with contextlib.suppress(Exception):
                time.sleep(0.01)

    assert kind_of(read) == "hangs"


def test_a_group_of_failures_of_a_route_is_a_finding(monkeypatch):
    class Group(BaseExceptionGroup):
        pass

    def check(*, api: object) -> None:
        raise Group("a 500", [AssertionError("a 500"), BaseException("another")])

    monkeypatch.setattr(route_runs, "_api", lambda: contextlib.nullcontext())
    monkeypatch.setattr(route_runs, "operations", lambda: {("GET", "/")})
    monkeypatch.setattr(route_runs, "operation_check", lambda *_: check)

    _, (finding,) = route_runs.run_operations(0.01, 1)

    assert finding.kind == "GET /: Group"


def test_much_memory_is_a_finding(monkeypatch):
    monkeypatch.setattr(oracle, "MOST_GROWTH_KB", 1)
    held = []

    assert kind_of(lambda data: held.append(b"x" * (300 << 20))) == "memory"


def test_a_planted_mistake_is_found_made_small_and_kept(tmp_path):
    """Only an object with a list under `a` whose entry was replaced by an object trips it."""

    def read(data: bytes) -> None:
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise InvalidError(Problem("", "no JSON")) from error
        if isinstance(document, dict) and isinstance(document.get("a"), list):
            for entry in document["a"]:
                if isinstance(entry, dict):
                    raise ZeroDivisionError

    planted, tally = parser(read), Tally()

    run_round(planted, 1, 1000, tally)

    found = smallest(planted, tally.findings["ZeroDivisionError"])
    assert found.data == b'{"a":[{}]}'
    assert Keeper(tmp_path).keep(found).read_bytes() == found.data


def test_a_message_is_changed_in_its_headers_as_in_its_body():
    seed = seed_of(b'A: 1\nB: 2\n\n{"c": 3}', Form.MESSAGE)

    assert seed.document == {"headers": {"A": "1", "B": "2"}, "body": {"c": 3}}
    assert rendered(edited(seed.document, [Edit("drop", 2)], {}), Form.MESSAGE) == b'B: 2\n\n{"c":3}'
    assert rendered(edited(seed.document, [Edit("replace", 3, 0, Raw("NaN"))], {}), Form.MESSAGE) == (
        b'A: 1\nB: NaN\n\n{"c":3}'
    )


def test_what_comes_of_headers_alone_has_no_body():
    seed = seed_of(b"A: 1\n\n", Form.MESSAGE)

    assert rendered(seed.document, Form.MESSAGE) == b"A: 1\n\n"


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (Edit("drop", 2), '{"a":[],"b":null}'),
        (Edit("double", 2, 1), '{"a":[1,1,1],"b":null}'),
        (Edit("double", 3), '{"a":[1],"b":null,"b":null}'),
        (Edit("replace", 3, 0, Raw("NaN")), '{"a":[1],"b":NaN}'),
        (Edit("rename", 3, 0, "a"), '{"a":[1],"a":null}'),
        (Edit("move", 3, 1), '{"a":[1],"b":[1]}'),
        (Edit("wrap", 2), '{"a":[[1]],"b":null}'),
        (Edit("borrow", 0, 0), '{"a":7,"b":null}'),
    ],
)
def test_an_edit_does_what_it_is_called(edit, text):
    document = {"a": [1], "b": None}

    assert json_text(edited(document, [edit], {"a": [7]})) == text
    assert document == {"a": [1], "b": None}


def test_a_key_can_stand_twice():
    assert json_text({"a": 1, Again("a"): 2}) == '{"a":1,"a":2}'
