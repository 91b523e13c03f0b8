"""What hooks call back, and whether it is from them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.errors import InvalidError
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.wire.hook_answers import call_in, one_line, parse_hook_answer, words_of
from shared.wire.hook_signature import has_signature, is_signed, signed_headers

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
ID = "shop-0123456789ab.1.migrate"


def answer(document):
    return parse_hook_answer(json.dumps(document).encode())


@pytest.mark.parametrize("state", [HookState.SUCCEEDED, HookState.FAILED, HookState.RUNNING])
def test_each_state_can_be_called_back(state):
    assert answer({"status": state}) == HookStatus(state)


def test_a_result_may_say_why_and_how_far(caplog):
    told = answer({"status": "failed", "detail": "table\nlocked", "progress": "3 of 9"})

    assert told == HookStatus(HookState.FAILED, "table locked", "3 of 9")


@pytest.mark.parametrize("nothing", [{"detail": None}, {"detail": ""}, {"progress": None}, {"progress": ""}])
def test_detail_and_progress_may_be_left_empty(nothing):
    assert answer({"status": "running", **nothing}) == HookStatus(HookState.RUNNING)


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({}, ["status"]),
        ({"status": "done"}, ["status"]),
        ({"status": "unknown"}, ["status"]),
        ({"status": "Succeeded"}, ["status"]),
        ({"status": True}, ["status"]),
        ({"status": "failed", "detail": 7}, ["detail"]),
        ({"status": "failed", "detail": ["x"]}, ["detail"]),
        ({"status": "failed", "detail": "x" * 1001}, ["detail"]),
        ({"status": "failed", "progress": "x" * 201}, ["progress"]),
        ({"status": "failed", "result": "x"}, ["result"]),
        ({"status": 1, "detail": 2, "progress": 3}, ["status", "detail", "progress"]),
        ([], [""]),
        (None, [""]),
    ],
)
def test_a_result_with_wrong_fields_is_refused_by_each(document, paths):
    with pytest.raises(InvalidError) as caught:
        answer(document)

    assert [problem.path for problem in caught.value.problems] == paths


def test_a_misspelt_status_is_refused_and_the_near_one_suggested():
    with pytest.raises(InvalidError, match=r"did you mean succeeded\?"):
        answer({"status": "success"})


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"status": "running"} x', b" " * 70_000])
def test_what_is_no_json_is_refused(body):
    with pytest.raises(InvalidError):
        parse_hook_answer(body)


@pytest.mark.parametrize("text", [ID, "a", "A_b.c-1", "a" * 128])
def test_the_id_of_a_call_is_read_from_an_address(text):
    assert call_in(text) == text


@pytest.mark.parametrize("text", ["", ".", "..", "-a", "a/b", "a b", "ä", "a\n", "a" * 129, "a%2fb"])
def test_what_can_be_no_calls_id_is_none(text):
    assert call_in(text) is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"detail": "d", "message": "m"}', "d"),
        (b'{"message": "m"}', "m"),
        (b'{"error": {"code": 1}, "title": "t"}', "t"),
        (b"no\nroom", "no"),
        (b"[]", "[]"),
        (b"<!doctype html><title>x</title>", ""),
        (b"", ""),
        (b"\xff", "\ufffd"),
    ],
)
def test_the_words_of_a_refusal(body, words):
    assert words_of(body) == words


def test_a_text_becomes_one_line_that_is_short_enough():
    assert one_line(" a\r\n\x1b[31mb\u2028c ", 100) == "a [31mb c"
    assert one_line("a" * 11, 10) == "aaaaaaa..."


SIGNED = signed_headers("s3cret", ID, b"{}", NOON)


def test_a_message_is_known_by_the_key_it_was_signed_with():
    assert is_signed({name.upper(): value for name, value in SIGNED.items()}, "s3cret", ID, b"{}", NOON)
    assert has_signature(SIGNED)


@pytest.mark.parametrize(
    ("secret", "call_id", "body", "changed"),
    [
        ("other", ID, b"{}", {}),
        ("", ID, b"{}", {}),
        ("s3cret", "another", b"{}", {}),
        ("s3cret", ID, b"{ }", {}),
        ("s3cret", ID, b"{}", {"X-Slipway-Timestamp": str(int(NOON.timestamp()) + 1)}),
        ("s3cret", ID, b"{}", {"X-Slipway-Timestamp": ""}),
        ("s3cret", ID, b"{}", {"X-Slipway-Timestamp": "noon"}),
        ("s3cret", ID, b"{}", {"X-Slipway-Timestamp": "²"}),
        ("s3cret", ID, b"{}", {"X-Slipway-Timestamp": "9" * 5000}),
        ("s3cret", ID, b"{}", {"X-Slipway-Signature": ""}),
        ("s3cret", ID, b"{}", {"X-Slipway-Signature": "sha256=ü\ud800"}),
    ],
)
def test_a_message_with_anything_changed_is_not_signed(secret, call_id, body, changed):
    assert not is_signed({**SIGNED, **changed}, secret, call_id, body, NOON)


def test_an_empty_key_signs_nothing_even_what_was_signed_with_one():
    assert not is_signed(signed_headers("", ID, b"{}", NOON), "", ID, b"{}", NOON)


@pytest.mark.parametrize(("seconds", "good"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_a_signature_is_good_for_five_minutes(seconds, good):
    assert is_signed(SIGNED, "s3cret", ID, b"{}", NOON + timedelta(seconds=seconds)) is good


def test_a_message_without_a_signature_does_not_claim_one():
    assert not has_signature({"Authorization": "Bearer x"})
    assert not is_signed({}, "s3cret", ID, b"{}", NOON)


def test_a_signature_can_be_checked_by_anyone_with_openssl():
    """`printf '1795694400.a.{}' | openssl dgst -sha256 -hmac s3cret`."""
    signed = signed_headers("s3cret", "a", b"{}", datetime.fromtimestamp(1795694400, UTC))

    assert signed == {
        "X-Slipway-Timestamp": "1795694400",
        "X-Slipway-Signature": "sha256=5d672d06a718426093014a1d168ab5424bd10b1a113ec3086583f46e7f1862e3",
    }
