"""When flags were last asked for, in Azure Table Storage."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Final

from shared.adapters.azure_tables.failures import RowConflictError
from shared.adapters.azure_tables.operation import delete, put
from shared.adapters.azure_tables.table import StoredRow, Table
from shared.domain.names import EnvironmentName, FlagKey
from shared.wire.flag_usage_rows import DAY, partition_of, range_of, row_key, usage_row
from shared.wire.table_limits import TableRow

_ROWS_A_PAGE: Final = 1000


class TableFlagUsage:
    """Implements `FlagUsage`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def mark(self, environment: EnvironmentName, key: FlagKey, day: date) -> None:
        self._table.transact([put(usage_row(environment, key, day))])

    def last_days(self, environment: EnvironmentName, keys: Collection[FlagKey]) -> Mapping[FlagKey, date]:
        if not keys:
            return {}
        rows = self._table.between(partition_of(environment), *range_of(keys), a_page=_ROWS_A_PAGE)
        found = {row.key: row.read(_day) for row in rows}
        return {key: found[row_key(key)] for key in keys if row_key(key) in found}

    def forget(self, environment: EnvironmentName, key: FlagKey) -> None:
        try:
            self._table.transact([delete(TableRow(partition_of(environment), row_key(key)))])
        except RowConflictError:
            return  # nobody ever asked for it


def _day(row: StoredRow) -> date:
    return date.fromisoformat(row.properties[DAY])
