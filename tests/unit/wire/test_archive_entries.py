"""Entries of an archive as lines, cursors as text, manifests: whatever they are, they come back or are refused."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from shared.domain.archive import Cursor, Entry, Kind
from shared.domain.errors import InvalidError
from shared.wire.archive_entries import (
    entry_document,
    entry_line,
    parse_cursor,
    parse_entry,
    schema_in,
    write_cursor,
)
from shared.wire.archive_manifest import Manifest, Tally, manifest_document, parse_manifest
from shared.wire.json_source import read_json

NOON = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
DATED = (Kind.INBOX, Kind.ANSWER)
texts = some.text(some.characters(), max_size=60)
"""Of any characters, halves of pairs among them."""
names = some.text(some.characters(), min_size=1, max_size=60)
times = some.integers(0, 10**16).map(lambda micros: NOON + timedelta(microseconds=micros))
entries = some.one_of(
    some.builds(Entry, some.sampled_from([Kind.OUTBOX, Kind.RECORD]), names, names, texts),
    some.builds(Entry, some.sampled_from(DATED), names, names, texts, times),
    some.builds(Entry, some.just(Kind.STATE), names, some.just(""), texts),
    some.builds(Entry, some.just(Kind.HISTORY), names, some.integers(1, 2**63 - 1).map(str), texts),
    some.builds(Entry, some.just(Kind.LETTER), some.just(""), names, texts),
)
anything = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=9) | some.sampled_from([*Kind, "\\x", "\\7"]),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(some.sampled_from(["kind", "of", "name", "at", "text", "sections", "format"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=300)
@given(entries)
def test_an_entry_comes_back_from_its_line_which_is_plain_ascii(entry):
    line = entry_line(entry)

    assert parse_entry(read_json(line)) == entry
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert entry_line(parse_entry(json.loads(line))) == line


@settings(max_examples=300)
@given(anything)
def test_what_is_no_entry_is_refused(value):
    try:
        entry = parse_entry(value)
    except InvalidError:
        return
    assert parse_entry(entry_document(entry)) == entry


@settings(max_examples=300)
@given(some.text(max_size=80) | some.binary(max_size=40).map(lambda raw: raw.hex()))
def test_what_is_no_cursor_is_refused(text):
    try:
        cursor = parse_cursor(text)
    except InvalidError:
        return
    assert parse_cursor(write_cursor(cursor)) == cursor


@given(some.sampled_from([Kind.RECORD, Kind.LETTER, Kind.USAGE]), texts, texts)
def test_a_cursor_comes_back(kind, place, name):
    cursor = Cursor(kind, place, name)

    assert parse_cursor(write_cursor(cursor)) == cursor


@pytest.mark.parametrize(
    "cursor",
    [
        Cursor(Kind.STATE, "application:shop"),
        Cursor(Kind.INBOX, "application:shop", "c"),
        Cursor(Kind.HISTORY, "application:shop", "x"),
        Cursor(Kind.HISTORY, "application:shop", "9" * 19),
        Cursor(Kind.OBSERVATION, "a|application!003ashop"),
        Cursor(Kind.OBSERVATION, "o|shop|web", "0a"),
        Cursor(Kind.BASE_LINE, "o|shop|web", "c|0000000000000000001|000015"),
        Cursor(Kind.BASE_LINE, "", "b|" + "0" * 32),
    ],
)
def test_a_page_begins_nowhere_else(cursor):
    with pytest.raises(InvalidError):
        parse_cursor(write_cursor(cursor))


@settings(max_examples=200)
@given(anything)
def test_what_is_no_manifest_is_refused(value):
    with pytest.raises(InvalidError):
        parse_manifest(value)


@given(some.lists(entries, max_size=8))
def test_a_manifest_comes_back_and_has_the_checksums_of_the_same_entries_in_any_order(found):
    tally, other = Tally(), Tally()
    for entry in found:
        tally.add(entry)
    for entry in reversed(found):
        other.add(entry)
    manifest = Manifest(sha256="0" * 64, tally=tally)

    assert tally.differences(other) == ()
    assert parse_manifest(json.loads(json.dumps(manifest_document(manifest)))) == manifest
    assert manifest.entries == len(found)


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ('{"schema":1,"value":{}}', 1),
        ('{"schema":12,"value":{}}', 12),
        ('{"type":"claim/1"}', 0),
        ('{"schema":"x"}', 0),
        ('{"schema":-1,', 0),
        ("", 0),
    ],
)
def test_the_schema_of_a_stored_document_is_what_it_says_first(text, schema):
    assert schema_in(Entry(Kind.STATE, "application:shop", "", text)) == schema
