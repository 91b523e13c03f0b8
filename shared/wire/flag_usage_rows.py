"""Which row of a table says when a flag was last asked for: a partition `u|{environment}`, a row for each flag.

A flag's key of many slashes is too long for a row's when it is escaped; such a row is named by the key's hash. Nobody
reads keys out of rows: whoever asks names the flags.
"""

import hashlib
from collections.abc import Collection
from datetime import date

from shared.domain.names import EnvironmentName, FlagKey
from shared.wire.table_keys import escape_key
from shared.wire.table_limits import TableRow

DAY = "day"
LONGEST = 500
"""Characters of a row's key: the service takes 512."""


def partition_of(environment: EnvironmentName) -> str:
    """Return the partition key of an environment."""
    return f"u|{escape_key(environment)}"


def usage_row(environment: EnvironmentName, key: FlagKey, day: date) -> TableRow:
    """Return the row of a flag."""
    return TableRow(partition_of(environment), row_key(key), {DAY: day.isoformat()})


def row_key(key: FlagKey) -> str:
    """Return the key of a flag's row."""
    escaped = escape_key(key)
    if len(escaped) <= LONGEST:
        return escaped
    return f"{_HASHED}{hashlib.sha256(key.encode()).hexdigest()}"


def range_of(keys: Collection[FlagKey]) -> tuple[str, str]:
    """Return the half-open range of row keys that these flags are in, with others that lie between them."""
    rows = sorted(map(row_key, keys))
    return rows[0], f"{rows[-1]}\x7f"


_HASHED = "~"
"""No flag's key begins so."""
