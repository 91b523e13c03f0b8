"""The dead-letter list's twin: it only has to say that something was laid aside, and why."""

from typing import Any


class Letters:
    """Keeps whatever is put there."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def add(self, letter: Any) -> None:
        self.kept.setdefault(letter.id, letter)

    def find(self, letter_id: str) -> Any:
        return None

    def put(self, letter: Any, etag: str | None) -> str:
        self.kept[letter.id] = letter
        return "1"

    def page(self, *, after: str | None, limit: int) -> tuple[Any, ...]:
        return tuple(self.kept.values())[:limit]

    def remove(self, letter_id: str, etag: str = "") -> None:
        self.kept.pop(letter_id, None)
