"""One table of Azure Table Storage: reads by key range, writes by transaction, with bounded patience.

The SDK's own retries are off: they would hide that a write may have been carried out although its reply was
lost, and would sleep for as long as the service says.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from shared.adapters.azure_tables.failures import (
    RowConflictError,
    code_of,
    conflict_in,
    is_transient,
    retry_after_of,
    translated,
)
from shared.adapters.azure_tables.operation import Operation
from shared.adapters.azure_tables.patience import Patience
from shared.domain.errors import TryLaterError
from shared.wire.stored_form import refusing_broken
from shared.wire.table_limits import check_transaction
from shared.wire.table_text import join

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential, TokenCredential
    from azure.core.exceptions import AzureError
    from azure.core.paging import PageIterator
    from azure.data.tables import TableClient, TableEntity

Answer = TypeVar("Answer")
DEFAULT_NAME = "slipway"
_DEFAULT_PATIENCE = Patience()
_MOST_ROWS_A_PAGE = 1000


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as it stands."""

    partition: str
    key: str
    etag: str
    properties: Mapping[str, str]

    def text(self) -> str:
        """Return the long text that stands in it. Raises `RejectedError`, which names the row, where it is damaged."""
        return self.read(lambda row: join(row.properties))

    def read(self, convert: "Callable[[StoredRow], Answer]") -> "Answer":
        """Return what `convert` makes of it. Raises `RejectedError`, which names the row, where that cannot read it."""
        with refusing_broken(f"row {self.key[:80]!r} of {self.partition[:200]!r}"):
            return convert(self)


class Table:
    """A table, created on first use when it is not there.

    Raises `TryLaterError` when the service is unwell, busy or refuses our identity; `RejectedError` when it can
    never take a change; `RowConflictError` when a transaction does not fit what stands there.
    """

    def __init__(self, connect: "Callable[[], TableClient]", *, patience: Patience = _DEFAULT_PATIENCE) -> None:
        self._connect = connect
        self._patience = patience
        self._lock = threading.Lock()
        self._connected: TableClient | None = None

    @classmethod
    def from_connection_string(
        cls,
        connection_string: str,
        *,
        name: str = DEFAULT_NAME,
        patience: Patience = _DEFAULT_PATIENCE,
        **options: Any,
    ) -> Self:
        """Use an account by its connection string; connects on first use."""

        def connect() -> "TableClient":
            from azure.data.tables import TableClient

            return TableClient.from_connection_string(connection_string, name, **_client_options(patience), **options)

        return cls(connect, patience=patience)

    @classmethod
    def from_endpoint(
        cls,
        endpoint: str,
        credential: "TokenCredential | AzureNamedKeyCredential | AzureSasCredential",
        *,
        name: str = DEFAULT_NAME,
        patience: Patience = _DEFAULT_PATIENCE,
        **options: Any,
    ) -> Self:
        """Use an account such as `https://<account>.table.core.windows.net`; connects on first use."""

        def connect() -> "TableClient":
            from azure.data.tables import TableClient

            return TableClient(endpoint, name, credential=credential, **_client_options(patience), **options)

        return cls(connect, patience=patience)

    def find(self, partition: str, key: str) -> StoredRow | None:
        """Return one row, or None."""
        try:
            return self._patiently(lambda client: _stored(client.get_entity(partition, key)))
        except RowConflictError:
            return None

    def rows(self, where: str, parameters: Mapping[str, str], *, a_page: int) -> Iterator[StoredRow]:
        """Yield the rows that the filter takes, by partition and row key; a page more is read as it is needed."""
        size = min(max(1, a_page), _MOST_ROWS_A_PAGE)
        token: Any = None
        while True:
            try:
                page, token = self._patiently(partial(_read_page, where, parameters, size, token))
            except RowConflictError as error:
                raise TryLaterError("Table Storage answers a query as if it had asked for a row") from error
            yield from page
            if token is None:
                return

    def between(self, partition: str, low: str, high: str, *, a_page: int) -> Iterator[StoredRow]:
        """Yield the rows of one partition with `low <= key < high`."""
        where = "PartitionKey eq @partition and RowKey ge @low and RowKey lt @high"
        return self.rows(where, {"partition": partition, "low": low, "high": high}, a_page=a_page)

    def transact(self, operations: Sequence[Operation]) -> tuple[str, ...]:
        """Carry out all or none; return the new etag of each row, `""` for a deleted one.

        A `RowConflictError` or `TryLaterError` may follow on a reply that was lost: then it was carried out.
        """
        check_transaction([operation.row for operation in operations])
        ours = [operation.for_sdk() for operation in operations]
        return self._patiently(
            lambda client: tuple(str(one.get("etag") or "") for one in client.submit_transaction(ours))
        )

    def close(self) -> None:
        """Close the connections. The next use opens new ones."""
        with self._lock:
            client, self._connected = self._connected, None
        if client:
            client.close()

    def _client(self) -> "TableClient":
        with self._lock:
            if self._connected is None:
                self._connected = self._connect()
            return self._connected

    def _patiently(self, call: "Callable[[TableClient], Answer]") -> Answer:
        from azure.core.exceptions import AzureError

        began = time.monotonic()
        attempt = 1
        created = False
        while True:
            try:
                return call(self._client())
            except (AzureError, OSError) as error:
                if code_of(error) == "TableNotFound" and not created:
                    self._create()
                    created = True
                    continue
                self._wait_or_give_up(error, attempt, time.monotonic() - began)
                attempt += 1
            except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
                # What the SDK raises when an answer is of another shape; what was asked for may have been done.
                raise TryLaterError(f"Table Storage answers what cannot be read ({type(error).__name__})") from error

    def _wait_or_give_up(self, error: "AzureError | OSError", attempt: int, spent: float) -> None:
        conflict = conflict_in(error)
        if conflict:
            raise conflict from error
        pause = self._patience.pause_after(attempt, spent, retry_after_of(error))
        if pause is None or not is_transient(error):
            raise translated(error) from error
        time.sleep(pause)

    def _create(self) -> None:
        from azure.core.exceptions import AzureError

        try:
            self._client().create_table()
        except (AzureError, OSError) as error:
            if code_of(error) != "TableAlreadyExists":
                raise translated(error) from error


def _read_page(
    where: str, parameters: Mapping[str, str], size: int, token: Any, client: "TableClient"
) -> tuple[list[StoredRow], Any]:
    found = client.query_entities(where, parameters=dict(parameters), results_per_page=size)
    pages = found.by_page(continuation_token=token)
    page = [_stored(entity) for entity in next(pages)]
    return page, cast("PageIterator[TableEntity]", pages).continuation_token


def _stored(entity: "TableEntity") -> StoredRow:
    texts = {name: value for name, value in entity.items() if isinstance(value, str)}
    partition, key = texts.pop("PartitionKey"), texts.pop("RowKey")
    return StoredRow(partition, key, str(entity.metadata["etag"]), texts)


def _client_options(patience: Patience) -> dict[str, Any]:
    return {"retry_total": 0, "connection_timeout": patience.connect, "read_timeout": patience.read}
