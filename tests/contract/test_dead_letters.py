"""What every dead-letter list promises."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.adapters.azure_tables.dead_letters import TableDeadLetters
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.dead_letters import SqliteDeadLetters
from shared.domain.errors import RejectedError
from shared.ports.dead_letters import DeadLetter

NOON = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
LETTER = DeadLetter("letter-1", "azure-monitor", "no such application", '{"a": 1}', NOON)


@pytest.fixture
def letters(backing):
    return SqliteDeadLetters(backing) if isinstance(backing, Database) else TableDeadLetters(backing)


def test_the_list_is_empty_at_first(letters):
    assert letters.page(after=None, limit=10) == ()


def test_a_letter_comes_back_as_it_was(letters):
    letters.add(LETTER)
    assert letters.page(after=None, limit=10) == (LETTER,)


def test_adding_the_same_id_again_changes_nothing(letters):
    letters.add(LETTER)
    letters.add(replace(LETTER, reason="another"))
    assert letters.page(after=None, limit=10) == (LETTER,)


def test_letters_come_by_id_in_pages(letters):
    ids = [f"letter-{number:02}" for number in range(12)]
    for letter_id in reversed(ids):
        letters.add(replace(LETTER, id=letter_id))
    first = letters.page(after=None, limit=5)
    second = letters.page(after=first[-1].id, limit=5)
    last = letters.page(after=second[-1].id, limit=5)
    assert [letter.id for letter in first + second + last] == ids
    assert letters.page(after=ids[-1], limit=5) == ()
    assert letters.page(after=None, limit=0) == ()


def test_a_removed_letter_is_gone_and_removing_is_safe_to_repeat(letters):
    letters.add(LETTER)
    letters.add(replace(LETTER, id="letter-2"))
    letters.remove("letter-1")
    letters.remove("letter-1")
    assert [letter.id for letter in letters.page(after=None, limit=10)] == ["letter-2"]


@pytest.mark.parametrize(
    "text", ["🚀 ü", "a\x00\x01\ud800", "a/b\\c#d?e%'", "\\", "x" * 300_000], ids=lambda t: ascii(t[:20])
)
def test_any_text_comes_back_unchanged(letters, text):
    letter = DeadLetter(f"id {text[:20]}", text[:90], text[:90], text, NOON)
    letters.add(letter)
    assert letters.page(after=None, limit=10) == (letter,)


def test_a_letter_too_large_for_a_row_is_rejected(letters):
    with pytest.raises(RejectedError, match="1 MiB"):
        letters.add(replace(LETTER, body="x" * 530_000))
