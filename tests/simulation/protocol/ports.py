"""Every port of a worker, behind one gate: there turns change, time passes and faults are met."""

from collections.abc import Callable
from typing import Any, Protocol


class Gate(Protocol):
    """Carries out one call of a port's method, or lets it go wrong."""

    def __call__(self, worker: int, method: str, do: Callable[..., Any], args: Any, options: Any) -> Any:
        """Return what the call returns."""
        ...


class Gated:
    """A port whose every method goes through the gate."""

    def __init__(self, inner: Any, name: str, worker: int, gate: Gate) -> None:
        self._inner = inner
        self._name = name
        self._worker = worker
        self._gate = gate

    def __getattr__(self, method: str) -> Any:
        do, gate, worker, label = getattr(self._inner, method), self._gate, self._worker, f"{self._name}.{method}"

        def call(*args: Any, **options: Any) -> Any:
            return gate(worker, label, do, args, options)

        self.__dict__[method] = call
        return call
