"""Which row of a table says when a flag was last asked for: a partition `u|{environment}`, a row for each flag."""

from collections.abc import Collection
from datetime import date

from shared.domain.names import EnvironmentName, FlagKey
from shared.wire.table_keys import escape_key
from shared.wire.table_limits import TableRow

DAY = "day"


def partition_of(environment: EnvironmentName) -> str:
    """Return the partition key of an environment."""
    return f"u|{escape_key(environment)}"


def usage_row(environment: EnvironmentName, key: FlagKey, day: date) -> TableRow:
    """Return the row of a flag."""
    return TableRow(partition_of(environment), escape_key(key), {DAY: day.isoformat()})


def range_of(keys: Collection[FlagKey]) -> tuple[str, str]:
    """Return the half-open range of row keys that these flags are in, with others that lie between them."""
    escaped = sorted(map(escape_key, keys))
    return escaped[0], f"{escaped[-1]}\x7f"
