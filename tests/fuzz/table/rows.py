"""Rows of both stores as they stand there, read by the adapters: perhaps damaged, perhaps written by another hand."""

import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, Final

from shared.adapters.azure_tables.archive import TableArchive
from shared.adapters.azure_tables.archived_rows import answers_in, entry_in, open_entries
from shared.adapters.azure_tables.dead_letters import TableDeadLetters
from shared.adapters.azure_tables.flag_snapshots import TableFlagSnapshots
from shared.adapters.azure_tables.flag_usage import TableFlagUsage
from shared.adapters.azure_tables.observations import TableObservations
from shared.adapters.azure_tables.open_markers import TableOpenMarkers
from shared.adapters.azure_tables.patience import Patience
from shared.adapters.azure_tables.rollout_store import TableRolloutStore
from shared.adapters.azure_tables.table import StoredRow, Table
from shared.adapters.azure_tables.view_index import TableViewIndex
from shared.adapters.sqlite.archive import SqliteArchive
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.dead_letters import SqliteDeadLetters
from shared.adapters.sqlite.flag_snapshots import SqliteFlagSnapshots
from shared.adapters.sqlite.flag_usage import SqliteFlagUsage
from shared.adapters.sqlite.observations import SqliteObservations
from shared.adapters.sqlite.open_markers import SqliteOpenMarkers
from shared.adapters.sqlite.rollout_store import SqliteRolloutStore
from shared.adapters.sqlite.view_index import SqliteViewIndex
from shared.domain.archive import Cursor, Kind
from shared.domain.errors import InvalidError, Problem, RejectedError, TryLaterError
from shared.domain.names import EnvironmentName, FlagKey, Version
from shared.wire import aggregate_rows
from shared.wire.observation_rows import base_line_key
from shared.wire.observation_rows import partition_of as spot_partition
from shared.wire.table_keys import micros
from tests.azurite import connection_string_for
from tests.fuzz.answering import answered, answering
from tests.fuzz.parser import Form, Parser, all_of, of_document
from tests.fuzz.seeds import Seeds, given, headed, together
from tests.fuzz.table.stored import SPOT
from tests.unit.domain.specs import NOON

OURS: Final = (RejectedError, TryLaterError)
KEY: Final = "application:shop"
LIVE: Final = EnvironmentName("production")
FLAG: Final = FlagKey("new-checkout")
AT: Final = micros(NOON)
LETTER: Final = '["alerts", "no JSON", "{", "2026-11-23T12:00:00+00:00"]'
OBSERVATION: Final = '["2","pod-1","1",false,[10,1,200.0,null,[]],[]]'
CLOSED: Final = '[["1",[10,1,null,null,[]]]]'
BASE_LINE: Final = f"[{AT},null,[],[],[]]"
TOLD_KEY: Final = f"r|{AT:019d}|000060|1|ab"
CLOSED_KEY: Final = f"c|{AT:019d}|000060"


def _row(partition: str, key: str, **properties: str) -> dict[str, str]:
    return {"odata.etag": 'W/"1"', "PartitionKey": partition, "RowKey": key, **properties}


_OF_SHOP: Final = aggregate_rows.partition_of(KEY)
TABLE_ROWS: Final = (
    (
        _row(_OF_SHOP, "0a", nonce="n", d0='{"schema":1,"value":{}}'),
        _row(_OF_SHOP, "0b|shop-1.0.notify", d0='{"a":1}'),
        _row(_OF_SHOP, f"0c|{AT:019d}|ab", command="c1", d0='\\"a\\u0000"', d1=""),
    ),
    (_row(_OF_SHOP, "h|0000000000000000007", d0="{}", d1="x"),),
    (_row(_OF_SHOP, f"e|{AT:019d}|ab", command='\\"c\\ud800"'), _row(_OF_SHOP, "d|ab", nonce="n", d0="{}")),
    (_row("m|3", "application:shop", due=f"{AT:019d}"),),
    (_row("v|applications|", "shop", version="0000000000000000003", d0="{}"),),
    (_row("l|", "1", nonce="n", d0=LETTER),),
    (_row("u|production", "new-checkout", day="2026-11-23"),),
    (_row("f|production", "h", turn=f'["flag:a","default",7,{AT}]', d0=f'{{"000":"{"a" * 64}"}}'),),
    (_row("f|production", "c|ab|00", written=f"{AT:019d}", d0="{}"),),
    (_row("f|production", f"e|{AT:019d}|ab", d0="ab"),),
    (_row(spot_partition(SPOT), TOLD_KEY, d0=OBSERVATION), _row(spot_partition(SPOT), CLOSED_KEY, d0=CLOSED)),
    (_row(spot_partition(SPOT), base_line_key(Version("2"), "pod-1"), seen=f"{AT:019d}", d0=BASE_LINE),),
)
"""What the rows of one kind each look like."""


TABLE_REFUSAL: Final = {"odata.error": {"code": "ResourceNotFound", "message": {"lang": "en-US", "value": "none"}}}


def _in_table(_: str) -> Any:
    return _read_everything(**_table_adapters())


@cache
def _table_adapters() -> dict[str, Any]:
    table = Table.from_connection_string(
        connection_string_for(answering().port), patience=Patience(connect=2.0, read=2.0, attempts=1, total=2.0)
    )
    return {
        "store": TableRolloutStore(table),
        "markers": TableOpenMarkers(table),
        "index": TableViewIndex(table),
        "letters": TableDeadLetters(table),
        "snapshots": TableFlagSnapshots(table),
        "usage": TableFlagUsage(table),
        "observations": TableObservations(table),
        "archive": TableArchive(table),
    }


def _read_everything(
    *, store: Any, markers: Any, index: Any, letters: Any, snapshots: Any, usage: Any, observations: Any, archive: Any
) -> Any:
    """Read a row as each of the adapters would, though only one of them wrote it."""
    later = NOON.replace(year=2027)
    places = {Kind.HISTORY: KEY, Kind.RECORD: KEY}
    walks = [Cursor(kind, places.get(kind, "")) for kind in (*places, Kind.LETTER, Kind.OBSERVATION, Kind.BASE_LINE)]
    acts: tuple[Callable[[], Any], ...] = (
        lambda: store.load(KEY),
        lambda: store.history(KEY, after=0, up_to=9, limit=9),
        lambda: store.answer(KEY, "c1"),
        lambda: store.record(KEY, "r1"),
        lambda: markers.overdue(later, limit=3),
        lambda: index.page("applications", "", after=None, limit=3),
        lambda: letters.page(after=None, limit=3),
        lambda: letters.find("1"),
        lambda: snapshots.read_head(LIVE),
        lambda: snapshots.read_chunk(LIVE, "ab"),
        lambda: usage.last_days(LIVE, [FLAG]),
        lambda: observations.told(SPOT, NOON, later),
        lambda: observations.closed(SPOT, NOON, later),
        lambda: observations.base_line(SPOT, Version("2"), "pod-1"),
        *((lambda at=at: archive.read(at)) for at in (*walks, Cursor(Kind.USAGE, ""))),
    )
    return all_of(*((lambda _, act=act: act()) for act in acts), refuses=OURS)(None)


def _as_answer(rows: tuple[dict[str, str], ...]) -> Seeds:
    """The rows as the answer to a query, and the first of them as the answer to whoever asks for it alone."""
    return headed({"status": "200", "ETag": 'W/"1"'}, given({**rows[0], "value": list(rows)}))


_COLUMNS: Final[Mapping[str, dict[str, Any]]] = {
    "aggregates": {"aggregate": KEY, "etag": "1", "document": "{}"},
    "outbox": {"aggregate": KEY, "id": "shop-1.0.notify", "document": "{}"},
    "inbox": {"aggregate": KEY, "accepted": AT, "command": "c1", "document": '\\"a\\u0000"'},
    "answers": {"aggregate": KEY, "accepted": AT, "command": "c1", "answer": "{}"},
    "history": {"aggregate": KEY, "sequence": 1, "document": "{}"},
    "records": {"aggregate": KEY, "id": "r1", "document": "{}"},
    "open_markers": {"aggregate": KEY, "due": AT, "token": "1"},
    "view_rows": {"view": "applications", "section": "", "position": "shop", "version": 3, "document": "{}"},
    "dead_letters": {"position": "1", "document": LETTER},
    "flag_usage": {"environment": "production", "key": "new-checkout", "day": "2026-11-23"},
    "flag_heads": {"environment": "production", "etag": "1", "chunks": "{}"},
    "flag_turns": {"environment": "production", "turn": f'["flag:a","default",7,{AT}]'},
    "flag_chunks": {"environment": "production", "name": "ab", "written": AT, "document": "{}"},
    "observations": {"spot": spot_partition(SPOT), "position": TOLD_KEY, "document": OBSERVATION},
    "observation_base_lines": {
        "spot": spot_partition(SPOT),
        "position": base_line_key(Version("2"), "pod-1"),
        "seen": f"{AT:019d}",
        "etag": "1",
        "document": BASE_LINE,
    },
}


@cache
def _file() -> tuple[Path, dict[str, Any]]:
    """A store of this process, with its adapters; its folder goes with the process."""
    folder = tempfile.TemporaryDirectory(prefix="slipway-rows-")
    path = Path(folder.name) / "store.db"
    database = Database(path)
    adapters = {
        "store": SqliteRolloutStore(database),
        "markers": SqliteOpenMarkers(database),
        "index": SqliteViewIndex(database),
        "letters": SqliteDeadLetters(database),
        "snapshots": SqliteFlagSnapshots(database),
        "usage": SqliteFlagUsage(database),
        "observations": SqliteObservations(database),
        "archive": SqliteArchive(database),
        "": folder,
    }
    adapters["store"].load(KEY)
    return path, adapters


def _in_file(document: Any) -> Any:
    """Put one row into one table, whatever its columns hold, and read it; what SQLite refuses never stands there."""
    match document:
        case {"table": str(table), "row": dict(row)} if table in _COLUMNS:
            pass
        case _:
            raise InvalidError(Problem("", "no table with a row"))
    path, adapters = _file()
    named = {column: row[column] for column in _COLUMNS[table] if column in row}
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for each in _COLUMNS:
            connection.execute(f"DELETE FROM {each}")
        try:
            marks = ", ".join("?" * len(named))
            connection.execute(f"INSERT INTO {table} ({', '.join(named)}) VALUES ({marks})", tuple(named.values()))
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            raise InvalidError(Problem("row", "SQLite does not take it")) from error
    return _read_everything(**{name: adapter for name, adapter in adapters.items() if name})


def _archived(document: Any) -> Any:
    """Rows of one partition as entries of a backup."""
    match document:
        case [*entities] if all(isinstance(each, dict) for each in entities):
            rows = tuple(map(_stored_row, entities))
        case _:
            raise InvalidError(Problem("", "no list of rows"))
    return all_of(
        lambda each: tuple(answers_in(KEY, each)),
        lambda each: tuple(open_entries(KEY, each)),
        *(lambda each, kind=kind: tuple(entry_in(kind, KEY, row) for row in each) for kind in Kind),
        refuses=OURS,
    )(rows)


def _stored_row(entity: dict[str, Any]) -> StoredRow:
    texts = {name: value for name, value in entity.items() if isinstance(value, str)}
    return StoredRow(texts.pop("PartitionKey", ""), texts.pop("RowKey", ""), texts.pop("odata.etag", ""), texts)


ROWS = (
    Parser(
        name="archived-rows",
        read=of_document(_archived),
        refuses=(*OURS, InvalidError),
        seeds=given(*map(list, TABLE_ROWS)),
    ),
    Parser(
        name="table-storage-rows",
        form=Form.MESSAGE,
        read=answered(_in_table),
        refuses=OURS,
        seeds=together(
            *map(_as_answer, TABLE_ROWS),
            *(headed({"status": str(status), "Retry-After": "7"}, given(TABLE_REFUSAL)) for status in (404, 503)),
        ),
        asks=True,
    ),
    Parser(
        name="sqlite-rows",
        read=of_document(_in_file),
        refuses=(*OURS, InvalidError),
        seeds=given(*({"table": table, "row": row} for table, row in _COLUMNS.items())),
        asks=True,
    ),
)
