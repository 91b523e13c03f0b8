"""OFREP: what goes out is what every real client can read, and what comes in is never trusted."""

import json

import pytest

from shared.domain.flags.evaluation import ErrorCode, Evaluation, Reason
from shared.domain.names import FlagKey, VariantName
from shared.wire.ofrep import (
    CONTEXT_BYTES_AT_MOST,
    Code,
    Failure,
    has_tag,
    parse_context,
    whole_seconds,
    write_bulk,
    write_evaluation,
    write_failure,
)


def served(
    reason: Reason, *, because: str = "", error: ErrorCode | None = None, value: object = True, metadata=()
) -> Evaluation:
    return Evaluation(FlagKey("new-checkout"), VariantName("on"), value, reason, because, error, metadata)


def test_a_context_is_taken_as_it_comes():
    assert parse_context(b'{"context": {"targetingKey": "ann", "plan": "gold"}}') == {
        "targetingKey": "ann",
        "plan": "gold",
    }


@pytest.mark.parametrize("key", ["null", '""'])
def test_a_targeting_key_that_says_nothing_is_none(key):
    assert parse_context(f'{{"context": {{"targetingKey": {key}, "plan": "gold"}}}}'.encode()) == {"plan": "gold"}


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"", Code.PARSE_ERROR, "empty"),
        (b"{", Code.PARSE_ERROR, "not JSON"),
        (b"\xff\xfe{", Code.PARSE_ERROR, "UTF-8"),
        (b'{"context": {"a": NaN}}', Code.PARSE_ERROR, "NaN"),
        (b'{"context": {"a": 1, "a": 2}}', Code.PARSE_ERROR, "twice"),
        (b"[]", Code.PARSE_ERROR, "allowed is an object"),
        (b"{}", Code.INVALID_CONTEXT, "context: is missing"),
        (b'{"contxt": {}}', Code.INVALID_CONTEXT, "context: is missing, found contxt (did you mean context?)"),
        (b'{"context": []}', Code.INVALID_CONTEXT, "context: found a list"),
        (b'{"context": {"targetingKey": 7}}', Code.INVALID_CONTEXT, "context.targetingKey: found 7"),
        (b'{"context": {"a": [{"b": [' + b"1," * 1000 + b"1]}]}}", Code.INVALID_CONTEXT, "longer than 1000 entries"),
        (b'{"context": ' + b'{"a":' * 80 + b"1" + b"}" * 81, Code.PARSE_ERROR, "nests deeper"),
        (b'{"context": {"a": "' + b"x" * CONTEXT_BYTES_AT_MOST + b'"}}', Code.PARSE_ERROR, "at most"),
    ],
)
def test_a_request_that_is_wrong_is_told_what_is(body, code, says):
    failure = parse_context(body)
    assert isinstance(failure, Failure)
    assert failure.code is code
    assert says in failure.details


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (Reason.KILLED, "DISABLED"),
        (Reason.OFF, "DISABLED"),
        (Reason.TARGET, "TARGETING_MATCH"),
        (Reason.RULE, "TARGETING_MATCH"),
        (Reason.SPLIT, "SPLIT"),
        (Reason.STATIC, "STATIC"),
        (Reason.DEFAULT, "UNKNOWN"),
        (Reason.PREREQUISITE, "UNKNOWN"),
        (Reason.OUTSIDE_SCHEDULE, "UNKNOWN"),
        (Reason.ERROR, "UNKNOWN"),
    ],
)
def test_each_reason_is_one_of_the_protocol_s(reason, word):
    answer = write_evaluation(served(reason))
    assert answer["reason"] == word
    assert answer["variant"] == "on"
    assert answer["value"] is True
    is_said = reason in (Reason.TARGET, Reason.RULE, Reason.SPLIT, Reason.STATIC, Reason.DEFAULT)
    assert answer["metadata"].get("slipwayReason") == (None if is_said else reason)


def test_what_everybody_gets_has_no_metadata_but_its_owners_own():
    assert write_evaluation(served(Reason.STATIC))["metadata"] == {}
    told = (("version", 3), ("fallthrough", "theirs"))
    assert write_evaluation(served(Reason.STATIC, metadata=told))["metadata"] == dict(told)
    assert write_evaluation(served(Reason.DEFAULT, metadata=told))["metadata"] == {"version": 3, "fallthrough": True}


def test_metadata_say_what_the_reason_cannot():
    assert write_evaluation(served(Reason.DEFAULT))["metadata"]["fallthrough"] is True
    assert write_evaluation(served(Reason.RULE, because="staff"))["metadata"]["rule"] == "staff"
    assert write_evaluation(served(Reason.PREREQUISITE, because="base"))["metadata"]["prerequisite"] == "base"


def test_a_broken_flag_is_a_success_with_its_off_variant_and_the_error_beside_it():
    answer = write_evaluation(served(Reason.ERROR, because="segment staff is gone", error=ErrorCode.PARSE_ERROR))
    assert answer["reason"] == "UNKNOWN"
    assert answer["metadata"]["errorCode"] == "PARSE_ERROR"
    assert answer["metadata"]["errorDetails"] == "segment staff is gone"


def test_a_flag_that_needs_a_targeting_key_fails_and_says_which_flag():
    answer = write_evaluation(served(Reason.ERROR, error=ErrorCode.TARGETING_KEY_MISSING))
    assert answer["key"] == "new-checkout"
    assert answer["errorCode"] == "TARGETING_KEY_MISSING"
    assert "targetingKey" in answer["errorDetails"]
    assert "value" not in answer


def test_a_float_keeps_its_point_on_the_wire():
    body, _ = write_bulk([served(Reason.STATIC, value=1.0)], {})
    assert b'"value":1.0' in body


def test_the_tag_follows_what_is_served_and_nothing_else():
    _, one = write_bulk([served(Reason.STATIC)], {"revision": "1"})
    _, same = write_bulk([served(Reason.STATIC)], {"revision": "2"})
    _, other = write_bulk([served(Reason.STATIC, value=False)], {"revision": "1"})
    assert one == same != other
    assert one.startswith('"')
    assert one.endswith('"')


def test_a_bulk_answer_is_json_with_each_flag():
    body, _ = write_bulk([served(Reason.STATIC), served(Reason.SPLIT, value={"ü": [1]})], {"environment": "test"})
    read = json.loads(body)
    assert [flag["reason"] for flag in read["flags"]] == ["STATIC", "SPLIT"]
    assert read["flags"][1]["value"] == {"ü": [1]}
    assert read["metadata"] == {"environment": "test"}


@pytest.mark.parametrize("sent", ['"abc"', 'W/"abc"', "abc", '"x", W/"abc"', "*"])
def test_a_tag_is_known_again_however_it_comes_back(sent):
    assert has_tag(sent, '"abc"')


@pytest.mark.parametrize("sent", [None, "", '""', '"abcd"', ","])
def test_another_tag_is_not_taken_for_it(sent):
    assert not has_tag(sent, '"abc"')


def test_a_failure_of_all_flags_names_none():
    assert write_failure(Failure(Code.INVALID_CONTEXT, "why")) == {
        "errorCode": "INVALID_CONTEXT",
        "errorDetails": "why",
    }
    assert write_failure(Failure(Code.FLAG_NOT_FOUND, "why"), "a/b")["key"] == "a/b"


@pytest.mark.parametrize(("seconds", "told"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (1.2, "2"), (30, "30")])
def test_when_to_come_back_is_a_whole_number_of_seconds(seconds, told):
    assert whole_seconds(seconds) == told
