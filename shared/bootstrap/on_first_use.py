"""Parts that are built when they are first asked for."""

from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import TypeVar

Kind = TypeVar("Kind")
Built = TypeVar("Built")


class BuiltOnFirstUse(Mapping[Kind, Built]):
    """Builds a part when it is first asked for: an application imports what it uses, and nothing else."""

    def __init__(self, builders: Mapping[Kind, Callable[[], Built]]) -> None:
        self._builders = builders
        self._built: dict[Kind, Built] = {}
        self._lock = Lock()

    def __getitem__(self, kind: Kind) -> Built:
        with self._lock:
            if kind not in self._built:
                self._built[kind] = self._builders[kind]()
            return self._built[kind]

    def __contains__(self, kind: object) -> bool:
        return kind in self._builders

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._builders)

    def __len__(self) -> int:
        return len(self._builders)
