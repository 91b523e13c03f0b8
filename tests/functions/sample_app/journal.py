"""What the sample app's functions were called with, and what a test wants them to do."""

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any


class Calls:
    """Arguments by function, in the order of the calls."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._arguments: dict[str, list[Any]] = defaultdict(list)

    def clear(self) -> None:
        with self._changed:
            self._arguments.clear()

    def add(self, function: str, argument: Any) -> None:
        with self._changed:
            self._arguments[function].append(argument)
            self._changed.notify_all()

    def of(self, function: str) -> list[Any]:
        with self._changed:
            return list(self._arguments[function])

    def wait_for(self, function: str, count: int, timeout: float = 5.0) -> list[Any]:
        """Return the calls once there are `count`; fails the test when that takes too long."""
        with self._changed:
            met = self._changed.wait_for(lambda: len(self._arguments[function]) >= count, timeout)
            assert met, f"{function} was called {len(self._arguments[function])} times, not {count}"
            return list(self._arguments[function])


class Behaviour:
    """What a function does after it noted its call; nothing, unless a test sets it."""

    def __init__(self) -> None:
        self._acts: dict[str, Callable[..., None]] = {}

    def clear(self) -> None:
        self._acts.clear()

    def set(self, function: str, act: Callable[..., None]) -> None:
        self._acts[function] = act

    def act(self, function: str, *arguments: Any) -> None:
        self._acts.get(function, lambda *_: None)(*arguments)


calls = Calls()
behaviour = Behaviour()
