"""Entries of an archive as JSON: one object each, and as a line of a file always the same bytes.

    {"kind": "inbox", "of": "application:shop", "name": "<command id>", "at": 1764150000000000, "text": "..."}

Text is what was stored, never looked into; what JSON or UTF-8 has no characters for is written as tables have it
(`shared.wire.table_text`). Times are microseconds since 1970.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final

from shared.domain.archive import Cursor, Entry, Kind
from shared.domain.errors import InvalidError, Problem
from shared.wire.fields import Fields
from shared.wire.findings import shown
from shared.wire.table_keys import INT64_MAX, micros, moment
from shared.wire.table_text import pack, unpack

DATED: Final = frozenset({Kind.INBOX, Kind.ANSWER, Kind.BASE_LINE})
"""The kinds that have a time."""
NUMBERED: Final = frozenset({Kind.HISTORY})
_SPOT: Final = re.compile(r"o\|[!A-Za-z0-9_.:,=@~()-]{1,255}\|[!A-Za-z0-9_.:,=@~()-]{1,255}")
_KEY: Final = re.compile(r"[!A-Za-z0-9_.:,=@~()*-]{1,500}")
_DIGITS: Final = 19
"""Fewer than these of a sequence number: it is an int64 whatever they are."""
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ROW_KEYS: Final = {
    Kind.OBSERVATION: re.compile(r"[cr]\|[0-9]{19}\|[0-9]{6}(\|[01](\|[0-9a-f]{32})?)?"),
    Kind.BASE_LINE: re.compile(r"b\|[0-9a-f]{32}"),
}
_LATEST: Final = 253_402_300_799_999_999
"""The last microsecond of the year 9999."""
_FIELDS: Final = ("kind", "of", "name", "at", "text")


def entry_document(entry: Entry) -> dict[str, Any]:
    """Return an entry as an object; `parse_entry` turns it back."""
    at = {} if entry.at is None else {"at": micros(entry.at)}
    named = {"kind": entry.kind.value, "of": pack(entry.place), "name": pack(entry.name)}
    return {**named, **at, "text": pack(entry.text)}


def entry_line(entry: Entry) -> bytes:
    """Return an entry as a line of a file, with its end."""
    return json.dumps(entry_document(entry), separators=(",", ":")).encode("ascii") + b"\n"


def parse_entry(value: Any, path: str = "") -> Entry:
    """Return the entry in an object. Raises `InvalidError` that names what is wrong."""
    fields = Fields(value, path)
    fields.refuse_others(_FIELDS)
    kind = _kind(fields)
    place, name, text = (_text(fields, each) for each in ("of", "name", "text"))
    at = fields.get("at")
    if kind in DATED and (isinstance(at, bool) or not isinstance(at, int) or not 0 <= at <= _LATEST):
        fields.refuse("at", f"found {shown(at)}; allowed are microseconds since 1970")
    if kind not in DATED and at is not None:
        fields.refuse("at", f"is not for entries of kind {kind}")
    if kind in NUMBERED and not (name.isascii() and name.isdigit() and 0 < int(name[:20]) <= INT64_MAX):
        fields.refuse("name", f"found {shown(name)}; allowed is a number in history, 1 or more")
    if kind is not None:
        _check_names(fields, kind, place, name, text)
    fields.done()
    assert kind is not None
    return Entry(kind, place, name, text, moment(at) if kind in DATED else None)


def write_cursor(cursor: Cursor) -> str:
    """Return a cursor as text for an address; `parse_cursor` turns it back."""
    document = json.dumps([cursor.kind, cursor.place, cursor.name], separators=(",", ":"))
    return urlsafe_b64encode(document.encode("ascii")).decode("ascii").rstrip("=")


def parse_cursor(text: str) -> Cursor:
    """Return the cursor. Raises `InvalidError` for what no page ever said."""
    try:
        match json.loads(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))):
            case [str(kind), str(place), str(name)] if kind in _BEGINNINGS:
                cursor = Cursor(Kind(kind), place, name)
                if _may_begin(cursor):
                    return cursor
    except (ValueError, RecursionError):
        pass
    raise InvalidError(Problem("after", "allowed is the `next` of an earlier page, as it was given"))


def schema_in(entry: Entry) -> int:
    """Return the number of the schema that a stored document says; 0 where it says none."""
    if not entry.text.startswith(_SAYS_SCHEMA):
        return 0
    digits = entry.text[len(_SAYS_SCHEMA) :].partition(",")[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0


_SAYS_SCHEMA: Final = '{"schema":'
_BEGINNINGS: Final = {each.value for each in Kind} - {Kind.STATE, Kind.OUTBOX, Kind.INBOX, Kind.ANSWER}
"""The kinds of entries that a page may begin with."""


def _may_begin(cursor: Cursor) -> bool:
    """Whether a page may begin there: with the first of its kind, or after one that may have such a name."""
    if cursor.kind in NUMBERED:
        return not cursor.name or (cursor.name.isascii() and cursor.name.isdigit() and len(cursor.name) < _DIGITS)
    if cursor.kind not in _ROW_KEYS or not (cursor.place or cursor.name):
        return True
    name = not cursor.name or _ROW_KEYS[cursor.kind].fullmatch(cursor.name)
    return bool(_SPOT.fullmatch(cursor.place) and name)


def _kind(fields: Fields) -> Kind | None:
    try:
        return Kind(fields.get("kind"))
    except ValueError:
        fields.refuse("kind", f"found {shown(fields.get('kind'))}; allowed are {', '.join(Kind)}")
        return None


def _check_names(fields: Fields, kind: Kind, place: str, name: str, text: str) -> None:
    """Hold rows that are named as a table names them to the partitions that are theirs."""
    if (place == "") is not (kind is Kind.LETTER):
        fields.refuse("of", "only a letter is of nothing" if place else "is missing")
    if (name == "") is not (kind is Kind.STATE):
        fields.refuse("name", "only a state has no name" if name else "is missing")
    if kind in _ROW_KEYS and not (_SPOT.fullmatch(place) and _ROW_KEYS[kind].fullmatch(name)):
        fields.refuse("name", f"found {shown(name)} of {shown(place)}, which is no row of what was observed")
    if kind is Kind.USAGE and not (_KEY.fullmatch(name) and _DAY.fullmatch(text)):
        fields.refuse("text", f"found {shown(text)} of {shown(name)}; allowed is the day on which a flag was asked for")


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        fields.refuse(name, f"found {shown(value)}; allowed is a text")
        return ""
    try:
        return unpack(value)
    except (ValueError, AssertionError):
        fields.refuse(name, "a text that begins with a backslash goes on as a JSON string")
        return ""
