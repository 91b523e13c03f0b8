"""What a wake-up looks like on the wire, and what is refused there."""

import json

import pytest

from shared.domain.errors import InvalidError, NewerReleaseError
from shared.ports.command_queue import WakeUp
from shared.wire.wake_ups import encode_wake_up, parse_wake_up

WAKE_UP = WakeUp(key="application:shop", fence="f-7", attempt=3, marker="m-1")
DOCUMENT = {"type": "wake-up/1", "key": "application:shop", "fence": "f-7", "attempt": 3, "marker": "m-1"}


def body(**changes: object) -> bytes:
    return json.dumps(DOCUMENT | changes).encode()


def test_a_wake_up_is_a_small_json_object_with_its_version():
    assert json.loads(encode_wake_up(WAKE_UP)) == DOCUMENT


@pytest.mark.parametrize(
    "wake_up",
    [
        WAKE_UP,
        WakeUp(key="application:shop", fence=""),
        WakeUp(key="application:shop", fence="", observed=True),
        WakeUp(key='application:"ü\u2028\U0001f6a2', fence="\ud800"),
    ],
)
def test_what_was_encoded_parses_back_to_the_same(wake_up):
    assert parse_wake_up(encode_wake_up(wake_up)) == wake_up


def test_a_message_of_before_observations_were_told_brings_none():
    assert "observed" not in DOCUMENT
    assert not parse_wake_up(body()).observed
    assert parse_wake_up(body(observed=True)).observed


def test_the_longest_wake_up_stays_under_32_kilobytes():
    wide = "\U0001f6a2"
    longest = WakeUp(key=wide * 128, fence=wide * 1000, attempt=2**31 - 1, marker=wide * 1000)

    assert len(encode_wake_up(longest)) < 32 * 1024


@pytest.mark.parametrize(
    ("wake_up", "field"),
    [
        (WakeUp(key="k" * 129, fence=""), "key"),
        (WakeUp(key="", fence=""), "key"),
        (WakeUp(key="k", fence="f" * 1001), "fence"),
        (WakeUp(key="k", fence="", marker="m" * 1001), "marker"),
        (WakeUp(key="k", fence="", attempt=-1), "attempt"),
        (WakeUp(key="k", fence="", attempt=2**31), "attempt"),
    ],
)
def test_a_wake_up_that_no_queue_could_carry_is_refused_before_it_is_sent(wake_up, field):
    with pytest.raises(InvalidError) as refused:
        encode_wake_up(wake_up)
    assert [problem.path for problem in refused.value.problems] == [field]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": None}, "type"),
        ({"type": 1}, "type"),
        ({"type": "wake-up"}, "type"),
        ({"type": "wake-up/0"}, "type"),
        ({"type": "wake-up/two"}, "type"),
        ({"type": "wake-up/²"}, "type"),
        ({"type": "judge-step/1"}, "type"),
        ({"key": None}, "key"),
        ({"key": ""}, "key"),
        ({"key": "k" * 129}, "key"),
        ({"fence": 7}, "fence"),
        ({"attempt": "1"}, "attempt"),
        ({"attempt": True}, "attempt"),
        ({"attempt": 1.0}, "attempt"),
        ({"attempt": -1}, "attempt"),
        ({"marker": []}, "marker"),
        ({"observed": 1}, "observed"),
        ({"observed": None}, "observed"),
        ({"weight": 100}, "weight"),
    ],
)
def test_a_body_with_a_wrong_field_is_refused_by_the_name_of_the_field(changes, field):
    with pytest.raises(InvalidError) as refused:
        parse_wake_up(body(**changes))
    assert [problem.path for problem in refused.value.problems] == [field]


@pytest.mark.parametrize("missing", ["type", "key", "fence", "attempt", "marker"])
def test_a_body_without_one_of_the_fields_is_refused_by_the_name_of_the_field(missing):
    without = {name: value for name, value in DOCUMENT.items() if name != missing}

    with pytest.raises(InvalidError) as refused:
        parse_wake_up(json.dumps(without).encode())
    assert [problem.path for problem in refused.value.problems] == [missing]


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\xff\xfe", b"null", b"[]", b'"wake-up/1"', b"{", b"[" * 30_000, b"9" * 5_000, b" " * 32_769],
    ids=["empty", "not UTF-8", "null", "a list", "a string", "cut off", "deep", "huge number", "too long"],
)
def test_bytes_that_are_no_json_object_are_refused_as_a_whole(garbage):
    with pytest.raises(InvalidError) as refused:
        parse_wake_up(garbage)
    assert [problem.path for problem in refused.value.problems] == [""]


@pytest.mark.parametrize("newer", ["wake-up/2", "wake-up/10"])
def test_a_newer_version_is_left_to_a_release_that_knows_it(newer):
    number = newer.partition("/")[2]
    with pytest.raises(NewerReleaseError, match=f"a wake-up of schema {number} was written by a newer release"):
        parse_wake_up(body(type=newer, replicas=3))
