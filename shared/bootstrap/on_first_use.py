"""Parts that are built when they are first asked for."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import update_wrapper
from threading import Lock, RLock
from typing import Any, Generic, ParamSpec, TypeVar, overload

Arguments = ParamSpec("Arguments")
Kind = TypeVar("Kind")
Built = TypeVar("Built")
Owner = TypeVar("Owner")


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


class OnFirstUse(Generic[Owner, Built]):
    """A property that is built when it is first read, once for all threads, and kept.

    A worker pays on its first request for what that request needs: nearly all of a cold start is imports.
    `functools.cached_property` builds twice where two threads are the first, from Python 3.12 on.
    """

    def __init__(self, build: Callable[[Owner], Built]) -> None:
        self._build = build
        self._lock = RLock()
        self.__doc__ = build.__doc__

    def __set_name__(self, owner: type[Owner], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type[Owner]) -> "OnFirstUse[Owner, Built]": ...
    @overload
    def __get__(self, instance: Owner, owner: type[Owner] | None = None) -> Built: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        kept = instance.__dict__
        with self._lock:
            if self._name not in kept:
                kept[self._name] = self._build(instance)
            return kept[self._name]


class BuiltOnce(Generic[Arguments, Built]):
    """A function that builds on its first call with some arguments, once for all threads, and returns that ever after.

    `functools.cache` builds twice where two threads are the first, and gives each its own.
    """

    def __init__(self, build: Callable[Arguments, Built]) -> None:
        self._build = build
        self._built: dict[Hashable, Built] = {}
        self._lock = RLock()
        update_wrapper(self, build)

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Built:
        built, key = self._built, (args, *kwargs.items())
        if key not in built:
            with self._lock:
                if key not in built:
                    built[key] = self._build(*args, **kwargs)
        return built[key]

    def cache_clear(self) -> None:
        """Forget what was built."""
        self._built = {}
