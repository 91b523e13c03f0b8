"""One operation of an entity-group transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from shared.wire.table_limits import TableRow

if TYPE_CHECKING:
    from azure.data.tables._table_batch import TransactionOperationType


@dataclass(frozen=True, slots=True)
class Operation:
    """What to do with a row; with an `etag`, only if the row is still as it was."""

    kind: Literal["create", "upsert", "update", "delete"]
    row: TableRow
    etag: str | None = None

    def for_sdk(self) -> "TransactionOperationType":
        """Return the operation as `TableClient.submit_transaction` takes it."""
        entity: Mapping[str, Any] = {
            "PartitionKey": self.row.partition,
            "RowKey": self.row.key,
            **self.row.properties,
        }
        return (self.kind, entity, self._options())

    def _options(self) -> dict[str, Any]:
        from azure.core import MatchConditions

        options: dict[str, Any] = {} if self.kind in ("create", "delete") else {"mode": "replace"}
        if self.etag is not None:
            options |= {"etag": self.etag, "match_condition": MatchConditions.IfNotModified}
        return options


def create(row: TableRow) -> Operation:
    """Write a row that must not be there yet."""
    return Operation("create", row)


def put(row: TableRow) -> Operation:
    """Write a row, whatever stands there."""
    return Operation("upsert", row)


def replace(row: TableRow, etag: str) -> Operation:
    """Write a row that must still be as it was."""
    return Operation("update", row, etag)


def delete(row: TableRow, etag: str | None = None) -> Operation:
    """Remove a row that must be there, and still be as it was when an etag is given."""
    return Operation("delete", row, etag)
