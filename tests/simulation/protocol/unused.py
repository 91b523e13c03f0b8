"""Ports that no schedule uses."""

from typing import Any


class Unused:
    """Stands where a port must be; whoever calls it has left what is simulated."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, method: str) -> Any:
        def refuse(*_: Any, **__: Any) -> Any:
            raise AssertionError(f"{self._name}.{method} is not simulated")

        return refuse
