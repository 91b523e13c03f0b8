"""Of a long body the beginning is shown, with no secret cut in two, at a price that does not grow with it."""

from datetime import UTC, datetime

import pytest

from shared.domain.dead_letters.letter import DeadLetter, Refused
from shared.wire.dead_letter_views import BEYOND, LONGEST_BODY, letter_view
from shared.wire.secrets_in_text import without_secrets

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECRET = "https://ann:hunter2-and-more@host/"


def view(body: str) -> dict:
    letter = DeadLetter(id="a", source="commands", body=body.encode(), happenings=(Refused(reason="x", at=NOON),))
    return letter_view(letter, without_secrets)


@pytest.mark.parametrize("end", [LONGEST_BODY, LONGEST_BODY + BEYOND])
@pytest.mark.parametrize("cut", range(1, len(SECRET), 4))
def test_a_secret_where_a_body_is_cut_is_not_shown(end, cut):
    many = "?code=" + "s" * 20_000 + "&"  # what is hidden makes the rest come nearer
    for before in ("", many):
        shown = view(before + "x" * (end - len(before) - cut) + SECRET + "y" * 100_000)
        assert "hunter" not in shown["body"]
        assert not shown["is_whole"]
        assert len(shown["body"]) <= LONGEST_BODY


@pytest.mark.parametrize(("length", "is_whole"), [(LONGEST_BODY, True), (LONGEST_BODY + 1, False)])
def test_a_body_that_is_shown_whole_says_so(length, is_whole):
    shown = view("x" * length)

    assert (shown["body"], shown["is_whole"]) == ("x" * LONGEST_BODY, is_whole)


def test_no_more_of_a_body_is_looked_through_than_is_needed():
    looked_through = []
    letter = DeadLetter(id="a", source="s", body=b"x" * 250_000, happenings=(Refused(reason="x", at=NOON),))

    letter_view(letter, lambda text: looked_through.append(len(text)) or text)

    assert max(looked_through) == LONGEST_BODY + BEYOND
