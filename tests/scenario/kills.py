"""Ports that end the worker at a chosen call, before or after it is carried out, as `kill -9` does."""

from collections.abc import Callable
from typing import Any

from shared.adapters.memory.site import MemorySite
from shared.bootstrap import Keeping


class KilledError(BaseException):
    """The worker is gone. No `except Exception` of ours sees it."""


class Killer:
    """Counts calls that change something; ends the worker at number `at`, before or after it is carried out."""

    def __init__(self, at: int | None = None, *, after: bool = False) -> None:
        self.at = at
        self.after = after
        self.calls: list[str] = []

    def call(self, name: str, do: Callable[[], Any]) -> Any:
        self.calls.append(name)
        now = len(self.calls) == self.at
        if now and not self.after:
            raise KilledError(name)
        result = do()
        if now:
            raise KilledError(name)
        return result


class Killable:
    """Passes everything on; the named methods go by the killer."""

    def __init__(self, inner: Any, killer: Killer, *methods: str) -> None:
        self._inner = inner
        self._killer = killer
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name not in self._methods:
            return method
        label = f"{type(self._inner).__name__}.{name}"
        return lambda *args, **kwargs: self._killer.call(label, lambda: method(*args, **kwargs))


def killable_keeping(killer: Killer) -> Callable[[Keeping], Keeping]:
    def change(keeping: Keeping) -> Keeping:
        return Keeping(
            store=Killable(keeping.store, killer, "commit"),
            markers=Killable(keeping.markers, killer, "open", "close"),
            index=Killable(keeping.index, killer, "put"),
            letters=keeping.letters,
            observations=Killable(keeping.observations, killer, "add", "open", "close"),
            snapshots=Killable(keeping.snapshots, killer, "write_chunk", "move_head"),
            usage=keeping.usage,
            queue=Killable(keeping.queue, killer, "send"),
            alerts=keeping.alerts,
        )

    return change


class HookedSite(MemorySite):
    """Runs something of the test's at the moment when a call is about to reach the router."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.before_set_share: Callable[[int], None] = lambda share: None
        self.after_set_share: Callable[[int], None] = lambda share: None
        self.before_begin_swap: Callable[[], None] = lambda: None
        self.after_begin_swap: Callable[[], None] = lambda: None

    def set_share(self, target, share):
        self.before_set_share(share)
        super().set_share(target, share)
        self.after_set_share(share)

    def begin_swap(self, target):
        self.before_begin_swap()
        token = super().begin_swap(target)
        self.after_begin_swap()
        return token
