"""Dead letters in Azure Table Storage: one partition, since they are few."""

from itertools import islice

from shared.adapters.azure_tables.failures import RowConflictError
from shared.adapters.azure_tables.operation import create, delete
from shared.adapters.azure_tables.table import StoredRow, Table
from shared.ports.dead_letters import DeadLetter
from shared.wire.side_rows import (
    DEAD_LETTERS,
    LetterText,
    dead_letter_row,
    parse_letter,
    write_letter,
)
from shared.wire.table_keys import escape_key, unescape_key
from shared.wire.table_text import join


class TableDeadLetters:
    """Implements `DeadLetters`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, letter: DeadLetter) -> None:
        document = write_letter(LetterText(letter.source, letter.reason, letter.body, letter.at))
        try:
            self._table.transact([create(dead_letter_row(letter.id, document))])
        except RowConflictError:
            return  # kept already

    def page(self, *, after: str | None, limit: int) -> tuple[DeadLetter, ...]:
        rows = self._table.rows(
            "PartitionKey eq @partition and RowKey gt @after",
            {"partition": DEAD_LETTERS, "after": "" if after is None else escape_key(after)},
            a_page=limit,
        )
        return tuple(map(_letter, islice(rows, max(0, limit))))

    def remove(self, letter_id: str) -> None:
        try:
            self._table.transact([delete(dead_letter_row(letter_id, None))])
        except RowConflictError:
            return  # gone already


def _letter(row: StoredRow) -> DeadLetter:
    text = parse_letter(join(row.properties))
    return DeadLetter(unescape_key(row.key), text.source, text.reason, text.body, text.at)
