"""Dead letters in the SQLite file, in the order of their escaped ids as in every other store."""

from hashlib import sha256

from shared.adapters.sqlite.database import Database
from shared.domain.dead_letters.letter import DeadLetter, UnreadLetter
from shared.domain.errors import NewerReleaseError, RejectedError, VersionConflictError
from shared.ports.dead_letters import KeptLetter
from shared.wire.dead_letters import read_letter, write_letter
from shared.wire.side_rows import dead_letter_row
from shared.wire.stored_form import refusing_broken
from shared.wire.table_keys import escape_key, unescape_key
from shared.wire.table_limits import check_row
from shared.wire.table_text import pack, unpack

_SCHEMA = """
CREATE TABLE IF NOT EXISTS dead_letters (position TEXT PRIMARY KEY, document TEXT NOT NULL);
"""


class SqliteDeadLetters:
    """Implements `DeadLetters`; an etag is the hash of what stands there."""

    def __init__(self, database: Database) -> None:
        database.require(_SCHEMA)
        self._database = database

    def find(self, letter_id: str) -> KeptLetter | None:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT document FROM dead_letters WHERE position = ?", (escape_key(letter_id),)
            ).fetchone()
            return KeptLetter(read_letter(letter_id, unpack(row[0])), _etag(row[0])) if row else None

    def page(self, *, after: str | None, limit: int) -> tuple[DeadLetter | UnreadLetter, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT position, document FROM dead_letters WHERE position > ? ORDER BY position LIMIT ?",
                ("" if after is None else escape_key(after), max(0, limit)),
            )
            return tuple(_letter(unescape_key(position), document) for position, document in rows)

    def put(self, letter: DeadLetter, etag: str | None) -> str:
        document = write_letter(letter)
        check_row(dead_letter_row(letter.id, document))
        position, packed = escape_key(letter.id), pack(document)
        with self._database.writing() as connection:
            standing = connection.execute(
                "SELECT document FROM dead_letters WHERE position = ?", (position,)
            ).fetchone()
            if (_etag(standing[0]) if standing else None) != etag:
                raise VersionConflictError(f"letter {letter.id} is in another state")
            connection.execute(
                "INSERT OR REPLACE INTO dead_letters (position, document) VALUES (?, ?)", (position, packed)
            )
        return _etag(packed)

    def remove(self, letter_id: str, etag: str) -> None:
        position = escape_key(letter_id)
        with self._database.writing() as connection:
            standing = connection.execute(
                "SELECT document FROM dead_letters WHERE position = ?", (position,)
            ).fetchone()
            if standing and _etag(standing[0]) == etag:
                connection.execute("DELETE FROM dead_letters WHERE position = ?", (position,))


def _letter(letter_id: str, document: str) -> DeadLetter | UnreadLetter:
    try:
        with refusing_broken("a dead letter"):
            return read_letter(letter_id, unpack(document))
    except (RejectedError, NewerReleaseError) as error:
        return UnreadLetter(letter_id, str(error))


def _etag(packed: str) -> str:
    return sha256(packed.encode()).hexdigest()[:32]
