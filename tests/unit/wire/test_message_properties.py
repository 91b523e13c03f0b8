"""What a message says beside its body."""

import pytest

from shared.wire.message_properties import (
    ATTEMPT,
    HIGHEST_ATTEMPT,
    LONGEST_REASON,
    attempt_in,
    of_attempt,
    why_given_up,
)


def test_an_attempt_is_read_back_as_it_was_written():
    assert attempt_in(of_attempt(7)) == 7


@pytest.mark.parametrize(
    "properties", [None, {}, *({ATTEMPT: wrong} for wrong in ("", "x", "-1", "²", None, "9" * 40))]
)
def test_a_message_that_does_not_say_its_attempt_is_a_first_one(properties):
    assert attempt_in(properties) == 0


def test_an_attempt_has_a_bound():
    assert attempt_in({ATTEMPT: 999_999_999}) == HIGHEST_ATTEMPT


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        (
            {"DeadLetterReason": "MaxDeliveryCountExceeded", "DeadLetterErrorDescription": "10 deliveries"},
            "the queue gave it up: MaxDeliveryCountExceeded: 10 deliveries",
        ),
        ({"DeadLetterReason": "TTLExpiredException"}, "the queue gave it up: TTLExpiredException"),
        ({}, "the queue gave it up: it does not say why"),
        (None, "the queue gave it up: it does not say why"),
    ],
)
def test_the_reason_of_a_dead_letter_is_what_the_broker_says(properties, words):
    assert why_given_up(properties) == words


def test_a_long_reason_is_cut():
    assert len(why_given_up({"DeadLetterReason": "x" * 5000})) == LONGEST_REASON
