"""What is stored under keys, each entry read when it is first needed: most requests need few of many flags."""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from shared.domain.errors import RejectedError

K = TypeVar("K", bound=str)
V = TypeVar("V")
W = TypeVar("W")

log = logging.getLogger("slipway.flags")


class StoredEntries(Mapping[K, V], Generic[K, V]):
    """Entries that are kept as text until they are asked for, in the order of their keys.

    One that is broken is as if it were not there, and is told once in the log. Safe to share among threads without a
    lock: those that read the same entry at the same time are given the same one.
    """

    def __init__(
        self, lines: Mapping[K, str], read: Callable[[str], V], earlier: "StoredEntries[K, V] | None" = None
    ) -> None:
        """What is the same text in the `earlier` ones is taken over as far as it was read.

        `read` raises `RejectedError` for a text that is broken.
        """
        self._lines = dict(sorted(lines.items()))
        self._read = read
        self._found: dict[K, V | None] = {}
        if earlier is not None:
            was, now = earlier._lines, self._lines
            self._found = {key: each for key, each in earlier._found.copy().items() if now.get(key) == was[key]}

    def __getitem__(self, key: K) -> V:
        """Return the entry. Raises KeyError where there is none that can be read."""
        try:
            found = self._found[key]
        except KeyError:
            found = self._found.setdefault(key, self._first(key))
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[K]:
        """Return the keys of what can be read; all of it is read for this."""
        return (key for key in self._lines if key in self)

    def __len__(self) -> int:
        """Return how many entries there are, those that turned out to be broken left out."""
        return len(self._lines) - sum(1 for each in self._found.copy().values() if each is None)

    def _first(self, key: K) -> V | None:
        line = self._lines[key]
        try:
            return self._read(line)
        except RejectedError as error:
            log.error("%s cannot be served: %s", key, error)
            return None


class Parts(Mapping[K, W], Generic[K, V, W]):
    """One part of each entry, taken when it is asked for."""

    def __init__(self, entries: Mapping[K, V], part: Callable[[V], W]) -> None:
        self._entries = entries
        self._part = part

    def __getitem__(self, key: K) -> W:
        """Return the part of the entry. Raises KeyError as the entries do."""
        return self._part(self._entries[key])

    def __iter__(self) -> Iterator[K]:
        """Return the keys of the entries."""
        return iter(self._entries)

    def __len__(self) -> int:
        """Return how many entries there are."""
        return len(self._entries)
