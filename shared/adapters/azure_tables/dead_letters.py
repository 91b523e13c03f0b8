"""Dead letters in Azure Table Storage: one partition, since they are few."""

from itertools import islice
from uuid import uuid4

from shared.adapters.azure_tables.failures import RowConflictError
from shared.adapters.azure_tables.operation import create, delete, replace
from shared.adapters.azure_tables.table import StoredRow, Table
from shared.domain.dead_letters.letter import DeadLetter, UnreadLetter
from shared.domain.errors import NewerReleaseError, RejectedError, VersionConflictError
from shared.ports.dead_letters import KeptLetter
from shared.wire.dead_letters import read_letter, write_letter
from shared.wire.side_rows import DEAD_LETTERS, dead_letter_row
from shared.wire.table_keys import escape_key, unescape_key
from shared.wire.table_limits import TableRow

_NONCE = "nonce"


class TableDeadLetters:
    """Implements `DeadLetters`.

    Every write carries a nonce, so that a writer whose reply was lost can tell its own write from another's.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, letter_id: str) -> KeptLetter | None:
        row = self._table.find(DEAD_LETTERS, escape_key(letter_id))
        return KeptLetter(read_letter(letter_id, row.text()), row.etag) if row else None

    def page(self, *, after: str | None, limit: int) -> tuple[DeadLetter | UnreadLetter, ...]:
        rows = self._table.rows(
            "PartitionKey eq @partition and RowKey gt @after",
            {"partition": DEAD_LETTERS, "after": "" if after is None else escape_key(after)},
            a_page=limit,
        )
        return tuple(map(_letter, islice(rows, max(0, limit))))

    def put(self, letter: DeadLetter, etag: str | None) -> str:
        nonce = uuid4().hex
        plain = dead_letter_row(letter.id, write_letter(letter))
        row = TableRow(plain.partition, plain.key, {_NONCE: nonce, **plain.properties})
        try:
            return self._table.transact([create(row) if etag is None else replace(row, etag)])[0]
        except RowConflictError as conflict:
            standing = self._table.find(row.partition, row.key)
            if standing and standing.properties.get(_NONCE) == nonce:
                return standing.etag
            raise VersionConflictError(f"letter {letter.id} is in another state") from conflict

    def remove(self, letter_id: str, etag: str) -> None:
        try:
            self._table.transact([delete(dead_letter_row(letter_id, None), etag)])
        except RowConflictError:
            return  # changed since, or gone already: either way it is not ours to remove


def _letter(row: StoredRow) -> DeadLetter | UnreadLetter:
    letter_id = unescape_key(row.key)
    try:
        return read_letter(letter_id, row.text())
    except (RejectedError, NewerReleaseError) as error:
        return UnreadLetter(letter_id, str(error))
