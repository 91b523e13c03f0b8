"""Dead letters in memory, as documents like everywhere else."""

from threading import Lock

from shared.domain.dead_letters.letter import DeadLetter, UnreadLetter
from shared.domain.errors import NewerReleaseError, RejectedError, VersionConflictError
from shared.ports.dead_letters import KeptLetter
from shared.wire.dead_letters import read_letter, write_letter
from shared.wire.side_rows import dead_letter_row
from shared.wire.table_keys import escape_key
from shared.wire.table_limits import check_row


class MemoryDeadLetters:
    """Implements `DeadLetters`. Safe to share among threads."""

    def __init__(self) -> None:
        self.documents: dict[str, str] = {}
        """What stands there, by the letters' ids."""
        self._written: dict[str, int] = {}
        self._writes = 0
        self._lock = Lock()

    def find(self, letter_id: str) -> KeptLetter | None:
        with self._lock:
            document, etag = self.documents.get(letter_id), self._etag(letter_id)
        return KeptLetter(read_letter(letter_id, document), str(etag)) if document is not None else None

    def page(self, *, after: str | None, limit: int) -> tuple[DeadLetter | UnreadLetter, ...]:
        with self._lock:
            low = "" if after is None else escape_key(after)
            ids = sorted((each for each in self.documents if escape_key(each) > low), key=escape_key)
            found = [(each, self.documents[each]) for each in ids[: max(0, limit)]]
        return tuple(_letter(letter_id, document) for letter_id, document in found)

    def put(self, letter: DeadLetter, etag: str | None) -> str:
        document = write_letter(letter)
        check_row(dead_letter_row(letter.id, document))
        with self._lock:
            if self._etag(letter.id) != etag:
                raise VersionConflictError(f"letter {letter.id} is in another state")
            self._writes += 1
            self.documents[letter.id], self._written[letter.id] = document, self._writes
            return str(self._writes)

    def remove(self, letter_id: str, etag: str) -> None:
        with self._lock:
            if self._etag(letter_id) == etag:
                del self.documents[letter_id]

    def _etag(self, letter_id: str) -> str | None:
        return str(self._written.get(letter_id, 0)) if letter_id in self.documents else None


def _letter(letter_id: str, document: str) -> DeadLetter | UnreadLetter:
    try:
        return read_letter(letter_id, document)
    except (RejectedError, NewerReleaseError) as error:
        return UnreadLetter(letter_id, str(error))
