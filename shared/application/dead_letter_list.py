"""The dead-letter list as it is read: page by page, filtered, with what looks like a secret hidden."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.application.dead_letters import UnknownLetterError
from shared.domain.dead_letters.letter import DeadLetter, UnreadLetter
from shared.domain.errors import NewerReleaseError, RejectedError
from shared.ports.dead_letters import DeadLetters
from shared.wire.dead_letter_requests import LetterQuery
from shared.wire.dead_letter_views import letter_view, unread_view

LETTERS_AT_MOST = 50
LOOKED_AT_MOST = 500
"""So many letters are looked through for one page; a filter that finds few of them says where to go on."""


@dataclass(frozen=True, slots=True)
class DeadLetterList:
    """Raises `TryLaterError` when the store is unwell."""

    letters: DeadLetters
    hide: Callable[[str], str]
    """Returns a text without its secrets."""

    def page(self, query: LetterQuery) -> dict[str, object]:
        """Return a page of the letters that are asked for, by id; `next` is where the next page begins."""
        found: list[dict[str, object]] = []
        after, looked = query.after, 0
        while len(found) < LETTERS_AT_MOST and looked < LOOKED_AT_MOST:
            letters = self.letters.page(after=after, limit=LETTERS_AT_MOST)
            for letter in letters:
                after, looked = letter.id, looked + 1
                found += [self._view(letter)] if self._is_wanted(letter, query) else []
                if len(found) == LETTERS_AT_MOST:
                    break
            if len(letters) < LETTERS_AT_MOST and (not letters or after == letters[-1].id):
                after = None
                break
        return {"dead_letters": found, "next": after}

    def show(self, letter_id: str) -> dict[str, object]:
        """Return one letter. Raises `UnknownLetterError`."""
        try:
            kept = self.letters.find(letter_id)
        except (NewerReleaseError, RejectedError) as error:
            return unread_view(UnreadLetter(letter_id, str(error)))
        if kept is None:
            raise UnknownLetterError(f"there is no letter {letter_id}")
        return letter_view(kept.letter, self.hide)

    def _view(self, letter: DeadLetter | UnreadLetter) -> dict[str, object]:
        return unread_view(letter) if isinstance(letter, UnreadLetter) else letter_view(letter, self.hide)

    def _is_wanted(self, letter: DeadLetter | UnreadLetter, query: LetterQuery) -> bool:
        if isinstance(letter, UnreadLetter):
            return query.state in ("unread", "all") and not query.about and not query.words
        if query.state not in (letter.state.value, "all"):
            return False
        if query.about and query.about not in letter.about:
            return False
        return query.words.casefold() in self.hide(letter.refused.reason).casefold()
