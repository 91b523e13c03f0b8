"""Which tables of the SQLite file the entries of an archive stand in, and how they are read and written there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from sqlite3 import Connection
from typing import Any, Final
from uuid import uuid4

from shared.domain.errors import RejectedError
from shared.ports.archive import Entry, Kind
from shared.wire.archive_rows import words_of
from shared.wire.observation_rows import time_key
from shared.wire.table_keys import escape_key, micros, moment, unescape_key
from shared.wire.table_text import pack, unpack

Coding = tuple[Callable[[Any], Any], Callable[[Any], Any]]
"""How a value is written into a column, and read from it."""
_AS_IT_IS: Final[Coding] = (lambda value: value, lambda value: value)
_PACKED: Final[Coding] = (pack, unpack)
_ESCAPED: Final[Coding] = (escape_key, unescape_key)
_NUMBER: Final[Coding] = (int, str)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedTable:
    """One table, with the column of each field of an entry; an empty column: the field is always empty."""

    kind: Kind
    table: str
    place: str = "aggregate"
    name: str = ""
    text: str = "document"
    at: str = ""
    order: str = ""
    """In which order the entries of a place are read; empty: by name."""
    has_etag: bool = False
    places: Coding = _PACKED
    names: Coding = _PACKED
    texts: Coding = _PACKED
    times: Coding = field(default=(micros, moment))

    def of_place(self, connection: Connection, place: str, *, after: str, limit: int) -> Iterator[Entry]:
        """Yield entries of a place; those with names after `after`, where that is not empty."""
        later = f" AND {self.name} > ?" if after else ""
        where = f"{self.place} = ?{later} ORDER BY {self.order or self.name or self.place}"
        return self._found(connection, where, (self.places[0](place), *self._name(after)), limit)

    def all_after(self, connection: Connection, place: str, name: str, *, limit: int) -> Iterator[Entry]:
        """Yield entries of any place that come after this one."""
        if not self.place:
            return self._found(connection, f"{self.name} > ? ORDER BY {self.name}", (self.names[0](name),), limit)
        where = f"({self.place}, {self.name}) > (?, ?) ORDER BY {self.place}, {self.name}"
        return self._found(connection, where, (self.places[0](place), self.names[0](name)), limit)

    def put(self, connection: Connection, entry: Entry) -> None:
        """Write the entry unless it stands there. Raises `RejectedError` where another one does."""
        fields = self._fields(entry)
        given = {**fields, **({"etag": uuid4().hex} if self.has_etag else {})}
        columns, marks = ", ".join(given), ", ".join("?" * len(given))
        insert = f"INSERT INTO {self.table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608 - ours
        if connection.execute(insert, tuple(given.values())).rowcount == 1:
            return
        same = " AND ".join(f"{column} = ?" for column in fields)
        find = f"SELECT 1 FROM {self.table} WHERE {same}"  # noqa: S608 - ours
        if connection.execute(find, tuple(fields.values())).fetchone() is None:
            raise RejectedError(f"{words_of(entry)}: something else stands there")

    def _found(self, connection: Connection, where: str, values: tuple[Any, ...], limit: int) -> Iterator[Entry]:
        columns = ", ".join(column or "''" for column in (self.place, self.name, self.text, self.at))
        select = f"SELECT {columns} FROM {self.table} WHERE {where} LIMIT ?"  # noqa: S608 - ours
        for place, name, text, at in connection.execute(select, (*values, limit)):
            yield Entry(
                self.kind,
                self.places[1](place) if self.place else "",
                self.names[1](name) if self.name else "",
                self.texts[1](text),
                self.times[1](at) if self.at else None,
            )

    def _fields(self, entry: Entry) -> dict[str, Any]:
        place = {self.place: self.places[0](entry.place)} if self.place else {}
        name = {self.name: self.names[0](entry.name)} if self.name else {}
        at = {self.at: self.times[0](entry.at)} if self.at else {}
        return {**place, **name, self.text: self.texts[0](entry.text), **at}

    def _name(self, after: str) -> tuple[Any, ...]:
        return (self.names[0](after),) if after else ()


_SEEN: Final[Coding] = (time_key, lambda text: moment(int(text)))
_BESIDE: Final[dict[str, Any]] = {"places": _AS_IT_IS, "names": _AS_IT_IS}

HISTORY: Final = ArchivedTable(kind=Kind.HISTORY, table="history", name="sequence", names=_NUMBER)
STATE: Final = ArchivedTable(kind=Kind.STATE, table="aggregates", has_etag=True)
OUTBOX: Final = ArchivedTable(kind=Kind.OUTBOX, table="outbox", name="id")
INBOX: Final = ArchivedTable(kind=Kind.INBOX, table="inbox", name="command", at="accepted", order="accepted, rowid")
ANSWERS: Final = ArchivedTable(kind=Kind.ANSWER, table="answers", name="command", text="answer", at="accepted")
RECORDS: Final = ArchivedTable(kind=Kind.RECORD, table="records", name="id")
OF_AGGREGATES: Final = (HISTORY, STATE, OUTBOX, INBOX, ANSWERS, RECORDS)

LETTERS: Final = ArchivedTable(kind=Kind.LETTER, table="dead_letters", place="", name="position", names=_ESCAPED)
OBSERVATIONS: Final = ArchivedTable(
    kind=Kind.OBSERVATION, table="observations", place="spot", name="position", **_BESIDE
)
BASE_LINES: Final = ArchivedTable(
    kind=Kind.BASE_LINE,
    table="observation_base_lines",
    place="spot",
    name="position",
    at="seen",
    has_etag=True,
    times=_SEEN,
    **_BESIDE,
)
USAGE: Final = ArchivedTable(
    kind=Kind.USAGE, table="flag_usage", place="environment", name="key", text="day", texts=_AS_IT_IS, **_BESIDE
)
BESIDE_AGGREGATES: Final = (LETTERS, OBSERVATIONS, BASE_LINES, USAGE)
"""In the order in which they are read: a base line is read after what was told."""
TABLES: Final = {table.kind: table for table in (*OF_AGGREGATES, *BESIDE_AGGREGATES)}
