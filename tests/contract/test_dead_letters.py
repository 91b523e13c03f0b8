"""What every dead-letter list promises."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.adapters.azure_tables.dead_letters import TableDeadLetters
from shared.adapters.azure_tables.operation import create
from shared.adapters.memory.dead_letters import MemoryDeadLetters
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.dead_letters import SqliteDeadLetters
from shared.domain.dead_letters.letter import DeadLetter, Discarded, Redriven, Refused, UnreadLetter
from shared.domain.errors import NewerReleaseError, RejectedError, VersionConflictError
from shared.domain.names import CommandId
from shared.wire.side_rows import dead_letter_row

NOON = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
REFUSED = Refused(reason="no such application", at=NOON)
LETTER = DeadLetter(id="letter-1", source="azure-monitor", body=b'{"a": 1}', happenings=(REFUSED,))


@pytest.fixture
def letters(twinned):
    if twinned is None:
        return MemoryDeadLetters()
    return SqliteDeadLetters(twinned) if isinstance(twinned, Database) else TableDeadLetters(twinned)


def put_as_it_is(letters, twinned, letter_id: str, document: str) -> None:
    """Another release writes a row."""
    if twinned is None:
        letters.documents[letter_id] = document
    elif isinstance(twinned, Database):
        with twinned.writing() as connection:
            connection.execute("INSERT INTO dead_letters VALUES (?, ?)", (letter_id, document))
    else:
        twinned.transact([create(dead_letter_row(letter_id, document))])


def test_the_list_is_empty_at_first(letters):
    assert letters.page(after=None, limit=10) == ()
    assert letters.find("letter-1") is None


def test_a_letter_comes_back_as_it_was_with_all_that_happened_to_it(letters):
    letter = replace(
        LETTER,
        about=("application:shop",),
        is_whole=False,
        left_out=3,
        happenings=(
            replace(REFUSED, again=NOON, times=3, attempts=5),
            Redriven(command=CommandId("c1"), by="alice", why="it was mended", at=NOON, sent=NOON),
            Discarded(command=CommandId("c2"), by="bob", why="no use", at=NOON),
        ),
    )
    letters.put(letter, None)

    assert letters.page(after=None, limit=10) == (letter,)
    assert letters.find("letter-1").letter == letter


def test_a_letter_is_changed_only_by_who_knows_how_it_stands(letters):
    first = letters.put(LETTER, None)
    changed = replace(LETTER, about=("application:shop",))
    second = letters.put(changed, first)

    assert letters.find("letter-1").etag == second
    for etag in (first, None):
        with pytest.raises(VersionConflictError):
            letters.put(LETTER, etag)
    assert letters.find("letter-1").letter == changed


def test_a_letter_that_is_gone_is_not_written_by_who_knew_it(letters):
    etag = letters.put(LETTER, None)
    letters.remove("letter-1", etag)

    with pytest.raises(VersionConflictError):
        letters.put(LETTER, etag)
    assert letters.find("letter-1") is None


def test_letters_come_by_id_in_pages(letters):
    ids = [f"letter-{number:02}" for number in range(12)]
    for letter_id in reversed(ids):
        letters.put(replace(LETTER, id=letter_id), None)
    first = letters.page(after=None, limit=5)
    second = letters.page(after=first[-1].id, limit=5)
    last = letters.page(after=second[-1].id, limit=5)
    assert [letter.id for letter in first + second + last] == ids
    assert letters.page(after=ids[-1], limit=5) == ()
    assert letters.page(after=None, limit=0) == ()


def test_a_removed_letter_is_gone_and_removing_is_safe_to_repeat(letters):
    etag = letters.put(LETTER, None)
    letters.put(replace(LETTER, id="letter-2"), None)
    letters.remove("letter-1", etag)
    letters.remove("letter-1", etag)
    assert [letter.id for letter in letters.page(after=None, limit=10)] == ["letter-2"]


def test_a_letter_that_changed_meanwhile_is_not_removed(letters):
    etag = letters.put(LETTER, None)
    changed = replace(LETTER, about=("application:shop",))
    letters.put(changed, etag)

    letters.remove("letter-1", etag)

    assert letters.page(after=None, limit=10) == (changed,)


@pytest.mark.parametrize(
    "text",
    ["🚀 ü", "a\x00\x01\ud800", "a/b\\c#d?e%'", "\\", "x" * 300_000, '"' * 262_144, "\x01" * 262_144, "ü" * 131_072],
    ids=lambda t: f"{t[:20]!a}-{len(t)}",
)
def test_any_text_comes_back_unchanged(letters, text):
    body = text.encode(errors="surrogatepass")
    refused = replace(REFUSED, reason=text[:90])
    letter = replace(LETTER, id=f"id {text[:20]}", source=text[:90], body=body, happenings=(refused,))
    letters.put(letter, None)
    assert letters.page(after=None, limit=10) == (letter,)


def test_a_body_that_is_no_text_comes_back_byte_by_byte(letters):
    letter = replace(LETTER, body=bytes(range(256)) * 1024)
    letters.put(letter, None)
    assert letters.page(after=None, limit=10) == (letter,)


def test_a_letter_too_large_for_a_row_is_rejected(letters):
    with pytest.raises(RejectedError, match="1 MiB"):
        letters.put(replace(LETTER, body=b"x" * 530_000), None)


def test_a_letter_of_before_there_was_a_schema_is_still_read(twinned, letters):
    put_as_it_is(
        letters, twinned, "letter-1", f'["azure-monitor", "no such application", "{{}}", "{NOON.isoformat()}"]'
    )

    assert letters.find("letter-1").letter == replace(LETTER, body=b"{}")
    changed = replace(LETTER, about=("application:shop",))
    letters.put(changed, letters.find("letter-1").etag)
    assert letters.page(after=None, limit=10) == (changed,)


@pytest.mark.parametrize(
    ("document", "why"),
    [('{"schema":2,"value":{}}', "newer release"), ('{"schema":1,"value":{}}', "not what this release writes")],
    ids=["newer", "broken"],
)
def test_a_letter_that_cannot_be_read_is_told_among_the_others_and_stays_as_it_is(twinned, letters, document, why):
    letters.put(replace(LETTER, id="letter-2"), None)
    put_as_it_is(letters, twinned, "letter-1", document)

    unread, other = letters.page(after=None, limit=10)

    assert isinstance(unread, UnreadLetter)
    assert (unread.id, other.id) == ("letter-1", "letter-2")
    assert why in unread.why
    with pytest.raises((NewerReleaseError, RejectedError), match=why):
        letters.find("letter-1")
    with pytest.raises(VersionConflictError):
        letters.put(LETTER, None)
    assert letters.page(after=None, limit=1) == (unread,)
