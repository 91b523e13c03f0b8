"""When flags were last asked for, in the SQLite file."""

from collections.abc import Collection, Mapping
from datetime import date

from shared.adapters.sqlite.database import Database
from shared.domain.names import EnvironmentName, FlagKey
from shared.wire.flag_usage_rows import range_of, row_key

_SCHEMA = """
CREATE TABLE IF NOT EXISTS flag_usage (
    environment TEXT NOT NULL, key TEXT NOT NULL, day TEXT NOT NULL, PRIMARY KEY (environment, key)) WITHOUT ROWID;
"""


class SqliteFlagUsage:
    """Implements `FlagUsage`."""

    def __init__(self, database: Database) -> None:
        database.require(_SCHEMA)
        self._database = database

    def mark(self, environment: EnvironmentName, key: FlagKey, day: date) -> None:
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO flag_usage (environment, key, day) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET day = excluded.day",
                (environment, row_key(key), day.isoformat()),
            )

    def last_days(self, environment: EnvironmentName, keys: Collection[FlagKey]) -> Mapping[FlagKey, date]:
        if not keys:
            return {}
        low, high = range_of(keys)
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT key, day FROM flag_usage WHERE environment = ? AND key >= ? AND key < ?",
                (environment, low, high),
            )
            found = {row: date.fromisoformat(day) for row, day in rows}
        return {key: found[row_key(key)] for key in keys if row_key(key) in found}

    def forget(self, environment: EnvironmentName, key: FlagKey) -> None:
        with self._database.writing() as connection:
            connection.execute("DELETE FROM flag_usage WHERE environment = ? AND key = ?", (environment, row_key(key)))
