"""What may be done with a dead letter, and what its history says of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.dead_letters.decide import Discard, Redrive, decide, is_over, refuse_again, sent
from shared.domain.dead_letters.letter import HISTORY_AT_MOST, KEPT, DeadLetter, LetterState, Redriven, Refused
from shared.domain.errors import RejectedError
from shared.domain.names import CommandId

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LETTER = DeadLetter(id="l", source="commands", body=b"{}", happenings=(Refused(reason="broken", at=NOON),))
ALICE = Redrive(id=CommandId("a"), by="alice", why="it was mended")
BOB = Redrive(id=CommandId("b"), by="bob", why="it was mended, I hear")
CAROL = Discard(id=CommandId("c"), by="carol", why="no use")


def later(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def again(letter: DeadLetter, reason: str = "broken", minutes: float = 5) -> DeadLetter:
    return refuse_again(letter, Refused(reason=reason, at=later(minutes), attempts=2), b"{}", is_whole=True)


def test_a_redrive_is_written_down_before_it_is_sent_and_noted_when_it_is_on_its_way():
    decision = decide(LETTER, ALICE, later(1))
    noted = sent(decision.letter, ALICE.id, later(2))

    assert (decision.is_new, decision.letter.state, decision.letter.closed) == (True, LetterState.REDRIVING, None)
    assert (noted.state, noted.closed) == (LetterState.REDRIVEN, later(2))
    assert sent(noted, ALICE.id, later(3)) is None


def test_a_second_redrive_says_what_the_first_did_and_does_nothing():
    first = decide(LETTER, ALICE, later(1))
    on_its_way = sent(first.letter, ALICE.id, later(1))
    for letter in (first.letter, on_its_way):
        second = decide(letter, BOB, later(2))
        assert (second.is_new, second.letter, second.answer.by) == (False, letter, "alice")


@pytest.mark.parametrize(("first", "second", "who"), [(ALICE, CAROL, "alice redrove it"), (CAROL, BOB, "carol disc")])
def test_of_a_redrive_and_a_discard_the_second_is_refused_and_told_who_was_first(first, second, who):
    letter = decide(LETTER, first, later(1)).letter

    with pytest.raises(RejectedError, match=f"{who}.* at 2026-11-23 12:01:00 UTC"):
        decide(letter, second, later(2))


def test_what_is_refused_again_is_open_again_and_its_history_tells_everything():
    letter = sent(decide(LETTER, ALICE, later(1)).letter, ALICE.id, later(1))
    letter = again(letter, "still broken")

    assert (letter.state, letter.refused.reason, letter.closed) == (LetterState.OPEN, "still broken", None)
    assert [type(each).__name__ for each in letter.happenings] == ["Refused", "Redriven", "Refused"]
    assert decide(letter, BOB, later(6)).is_new


def test_a_command_that_comes_again_after_the_letter_was_refused_again_is_answered_as_the_first_time():
    letter = again(sent(decide(LETTER, ALICE, later(1)).letter, ALICE.id, later(1)))

    repeated = decide(letter, ALICE, later(6))

    assert (repeated.is_new, repeated.answer.at, repeated.letter.state) == (False, later(1), LetterState.OPEN)


def test_a_discarded_letter_is_open_again_when_the_same_comes_again():
    letter = again(decide(LETTER, CAROL, later(1)).letter)

    assert letter.state is LetterState.OPEN
    assert decide(letter, BOB, later(6)).is_new


def test_the_same_refusal_on_end_is_counted():
    letter = again(again(LETTER, minutes=5), minutes=9)

    (refused,) = letter.happenings
    assert (refused.times, refused.at, refused.again, refused.attempts) == (3, NOON, later(9), 2)


def test_a_refusal_for_another_reason_is_told_by_itself_and_the_newest_body_is_kept():
    letter = refuse_again(LETTER, Refused(reason="other", at=later(1)), b"[]", is_whole=False)

    assert [each.reason for each in letter.happenings] == ["broken", "other"]
    assert (letter.body, letter.is_whole) == (b"[]", False)


def test_what_is_not_kept_whole_cannot_be_sent_again_but_be_discarded():
    letter = replace(LETTER, is_whole=False)

    with pytest.raises(RejectedError, match="only the beginning of its body is kept"):
        decide(letter, ALICE, later(1))
    assert decide(letter, CAROL, later(1)).letter.state is LetterState.DISCARDED


def test_a_redrive_that_was_overtaken_by_a_refusal_is_not_noted_as_sent_any_more():
    overtaken = again(decide(LETTER, ALICE, later(1)).letter)

    assert sent(overtaken, ALICE.id, later(2)) is None


def test_a_redrive_is_noted_as_sent_by_who_sent_it_and_by_nobody_else():
    second = decide(again(decide(LETTER, ALICE, later(1)).letter), BOB, later(6)).letter

    assert sent(second, ALICE.id, later(7)) is None
    assert sent(second, BOB.id, later(7)).state is LetterState.REDRIVEN


def test_a_history_keeps_the_newest_and_counts_the_others_and_always_says_why_there_is_a_letter():
    letter = LETTER
    for number in range(HISTORY_AT_MOST):
        letter = again(letter, f"reason {number}", number)
    assert (len(letter.happenings), letter.left_out) == (HISTORY_AT_MOST, 1)
    assert letter.refused.reason == f"reason {HISTORY_AT_MOST - 1}"

    letter = LETTER
    for number in range(HISTORY_AT_MOST + 5):
        done = Redriven(command=CommandId(str(number)), by="a", why="w", at=later(number), sent=later(number))
        letter = letter.with_happening(done)
    assert (len(letter.happenings), letter.left_out, letter.refused.reason) == (HISTORY_AT_MOST, 6, "broken")


def test_a_closed_letter_is_over_after_its_time_and_an_open_one_never():
    discarded = decide(LETTER, CAROL, later(1)).letter

    assert not is_over(discarded, later(1) + KEPT - timedelta(seconds=1))
    assert is_over(discarded, later(1) + KEPT)
    assert not is_over(LETTER, NOON + 10 * KEPT)
    assert not is_over(decide(LETTER, ALICE, NOON).letter, NOON + 10 * KEPT)
