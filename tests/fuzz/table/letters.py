"""Dead letters: as they are stored, and what people ask of their list."""

from shared.domain.errors import RejectedError, TryLaterError
from shared.wire.dead_letter_requests import parse_letter_action, parse_letter_query, parse_letter_reason
from shared.wire.dead_letter_views import letter_view
from shared.wire.dead_letters import read_letter, write_letter
from shared.wire.secrets_in_text import without_secrets
from tests.fuzz.parser import Form, Parser, message, of_message, of_text
from tests.fuzz.seeds import given
from tests.unit.domain.specs import NOON


def _letter(text: str) -> object:
    """A letter that is read can be shown."""
    letter = read_letter("1", text)
    letter_view(letter, without_secrets)
    return letter


LETTERS = (
    Parser(
        name="stored-letter",
        read=of_text(_letter),
        refuses=(RejectedError, TryLaterError),
        write=lambda letter: write_letter(letter).encode("utf-8", "surrogatepass"),
        seeds=lambda: (b'["alerts", "no JSON", "{", "2026-11-23T12:00:00+00:00"]', *_written()),
    ),
    Parser(
        name="secrets-in-text",
        form=Form.TEXT,
        read=of_text(without_secrets),
        refuses=(),
        seeds=given(
            '{"password": "a\\"b", "url": "https://ann:secret@shop.example/?code=abc", "n": 1}',
            '{"body": "{\\"token\\": \\"abc\\"}"}',
            "Authorization: Bearer abcdefgh.ijkl AccountKey=abc;Password=x -----BEGIN PRIVATE KEY-----abc",
            "eyJabcdefg.eyJabcdefg.abc",
        ),
    ),
    Parser(
        name="letter-query",
        form=Form.MESSAGE,
        read=of_message(lambda params, _: parse_letter_query(params)),
        seeds=given(message({"after": "7", "application": "shop", "reason": "json", "state": "open"})),
    ),
    Parser(
        name="letter-action",
        form=Form.TEXT,
        read=of_text(parse_letter_action),
        seeds=given("redrive", "Discard", "blow"),
    ),
    Parser(name="letter-reason", read=parse_letter_reason, seeds=given({"reason": "mended by hand"})),
)


def _written() -> tuple[bytes, ...]:
    from shared.domain.dead_letters.letter import DeadLetter, Refused

    refused = (Refused(reason="no JSON", at=NOON),)
    letters = (DeadLetter(id="1", source="alerts", body=body, happenings=refused) for body in (b"{", b"\xff" * 20))
    return tuple(write_letter(letter).encode() for letter in letters)
