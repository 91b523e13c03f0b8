"""Dead letters in the SQLite file, in the order of their escaped ids as in every other store."""

from shared.adapters.sqlite.database import Database
from shared.ports.dead_letters import DeadLetter
from shared.wire.side_rows import LetterText, dead_letter_row, parse_letter, write_letter
from shared.wire.table_keys import escape_key, unescape_key
from shared.wire.table_limits import check_row
from shared.wire.table_text import pack, unpack

_SCHEMA = """
CREATE TABLE IF NOT EXISTS dead_letters (position TEXT PRIMARY KEY, document TEXT NOT NULL);
"""


class SqliteDeadLetters:
    """Implements `DeadLetters`."""

    def __init__(self, database: Database) -> None:
        database.require(_SCHEMA)
        self._database = database

    def add(self, letter: DeadLetter) -> None:
        document = write_letter(LetterText(letter.source, letter.reason, letter.body, letter.at))
        check_row(dead_letter_row(letter.id, document))
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO dead_letters (position, document) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (escape_key(letter.id), pack(document)),
            )

    def page(self, *, after: str | None, limit: int) -> tuple[DeadLetter, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT position, document FROM dead_letters WHERE position > ? ORDER BY position LIMIT ?",
                ("" if after is None else escape_key(after), max(0, limit)),
            )
            return tuple(_letter(position, unpack(document)) for position, document in rows)

    def remove(self, letter_id: str) -> None:
        with self._database.writing() as connection:
            connection.execute("DELETE FROM dead_letters WHERE position = ?", (escape_key(letter_id),))


def _letter(position: str, document: str) -> DeadLetter:
    text = parse_letter(document)
    return DeadLetter(unescape_key(position), text.source, text.reason, text.body, text.at)
