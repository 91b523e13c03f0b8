"""Bad days on order: which calls fail, how, and for how long. Faults live in memory and end with the process."""

import asyncio
import time
from dataclasses import dataclass, field
from itertools import count

STATUS_KINDS = ("403", "429", "500", "502", "503", "504")
SILENT_KINDS = ("timeout", "hang")
SWAP_KINDS = ("slow-swap", "swap-conflict", "swap-fails")
UPDATE_KINDS = ("slow-update", "update-conflict", "update-fails")
KINDS_ON = {
    "management": STATUS_KINDS + SILENT_KINDS,
    "metrics": STATUS_KINDS + SILENT_KINDS,
    "slot": STATUS_KINDS + SILENT_KINDS,
    "swap": STATUS_KINDS + SILENT_KINDS + SWAP_KINDS,
    "update": STATUS_KINDS + SILENT_KINDS + UPDATE_KINDS,
}
"""Which kinds each place can have."""

TIMEOUT_SECONDS = 60.0
"""How long a call with a `timeout` fault gets no answer."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One ordered kind of trouble; empty filters match every call."""

    id: str
    on: str
    kind: str
    until: float
    """On the monotonic clock."""
    left: int | None = None
    """How many more calls it hits; None for all of them."""
    method: str = ""
    path: str = ""
    """Hits only calls whose path contains this, in any case."""
    slot: str = ""
    retry_after: int | None = None
    """Seconds, sent as Retry-After."""
    delay_seconds: float = 20.0
    """What `slow-swap` adds to the swap, and `slow-update` to the update."""
    applied: bool = False
    """The call is carried out all the same; only its answer is lost."""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def hits(self, method: str, path: str, slot: str) -> bool:
        """Say whether a call falls under the filters."""
        return (
            (not self.method or self.method == method)
            and self.path.lower() in path.lower()
            and (not self.slot or self.slot == slot)
        )

    async def keep_silent(self) -> None:
        """Return when the caller may get an answer: after 60 s, or for `hang` when the fault is over."""
        left = self.until - time.monotonic() if self.kind == "hang" else TIMEOUT_SECONDS
        try:
            async with asyncio.timeout(max(left, 0.0)):
                await self.over.wait()
        except TimeoutError:
            return


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._numbers = count(1)

    def next_id(self) -> str:
        """Return an id for a new fault."""
        return f"fault-{next(self._numbers)}"

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        self._faults.append(fault)

    def clear(self) -> None:
        """End all faults at once; calls that hang are answered."""
        for fault in self._faults:
            fault.over.set()
        self._faults.clear()

    def in_force(self) -> list[Fault]:
        """Return the faults that can still hit a call, oldest first."""
        now = time.monotonic()
        # A fault that hits nobody any more may still keep callers waiting, whom `clear` must find.
        self._faults = [fault for fault in self._faults if now < fault.until + TIMEOUT_SECONDS]
        return [fault for fault in self._faults if now < fault.until and fault.left != 0]

    def take(
        self, on: str, kinds: tuple[str, ...], *, method: str = "", path: str = "", slot: str = ""
    ) -> Fault | None:
        """Return the oldest fault of these kinds that hits the call, and count the hit; None when all is well."""
        if not self._faults:
            return None
        for fault in self.in_force():
            if fault.on == on and fault.kind in kinds and fault.hits(method, path, slot):
                if fault.left is not None:
                    fault.left -= 1
                return fault
        return None
