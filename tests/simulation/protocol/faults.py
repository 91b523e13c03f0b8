"""What can go wrong with a port call: kinds of faults, and which calls each of them may hit."""

from dataclasses import dataclass
from typing import Final

from tests.simulation.protocol.schedule import Fault

CHANGES: Final = frozenset(
    {"router.set_share", "audience.set_audience", "promoter.begin_swap", "promoter.apply_preview"}
    | {"promoter.reset_preview"}
)
"""Calls that change what users meet: they land at most `LANDS_WITHIN` after they were made."""
UNANSWERED: Final = CHANGES | {"hooks.call"}
"""Calls of which nobody may know what came of them."""
LANDS_WITHIN: Final = 20.0
"""Seconds: no call to the outside takes longer, by the ports' promises."""
STORE: Final = ("store.load", "store.commit", "store.accept", "store.answer", "store.record")
SIDE: Final = ("markers.open", "markers.put_off", "markers.close", "markers.overdue", "index.put", "index.page")
QUEUE: Final = ("queue.send",)
LOOKS: Final = (
    "router.read_share",
    "audience.read_audience",
    "promoter.read_swap",
    "promoter.read_preview",
    "promoter.read_staying",
    "finder.find_places",
    "probe.read_version",
    "probe.read_health",
    "metrics.read_windows",
    "metrics.find_faults",
    "hooks.look",
)
SNAPSHOTS: Final = ("read_head", "move_head", "read_chunk", "write_chunk", "prune")
FLAGS: Final = ("flags.commit", "flags.commit", *(f"snapshots.{each}" for each in SNAPSHOTS))
PUSHES: Final = tuple(f"observations.{each}" for each in ("add", "told", "open", "close", "closed", "prune"))
CALLS: Final = ("hooks.call", "notifier.notify")
HOST: Final = ("host.complete",)
EVERY_CALL: Final = (*STORE, *SIDE, *QUEUE, *LOOKS, *FLAGS, *PUSHES, *CALLS, *HOST, *sorted(CHANGES))

EVERYWHERE: Final = ("crash before", "crash after", "stall before", "stall after", "lose lock")
FREEZES: Final = ("freeze before", "freeze after")
CHANGED: Final = ("unanswered", "late", "lie", "reject")
KINDS: Final = {
    **dict.fromkeys(EVERY_CALL, (*EVERYWHERE, "refuse", "lose answer")),
    "store.commit": (*EVERYWHERE, *FREEZES, "refuse", "lose answer", "lose answer", "conflict", "conflict"),
    "store.load": (*EVERYWHERE, *FREEZES, "refuse"),
    "queue.send": (*EVERYWHERE, "refuse", "lose answer", "duplicate", "duplicate", "delay", "delay"),
    **dict.fromkeys(
        ("flags.commit", "snapshots.move_head"),
        (*EVERYWHERE, *FREEZES, "refuse", "lose answer", "lose answer", "conflict", "conflict"),
    ),
    "host.complete": ("crash before", "crash after", "stall before", "lose lock", "lose answer"),
    "metrics.read_windows": (*EVERYWHERE, "refuse", "no data", "broken data", "reject"),
    "hooks.call": (*EVERYWHERE, "refuse", "lose answer", "unanswered", "reject"),
    "notifier.notify": (*EVERYWHERE, "refuse", "lose answer", "lie", "reject"),
    **dict.fromkeys(
        sorted(CHANGES), (*EVERYWHERE, *FREEZES[1:], "refuse", "lose answer", "unanswered", "late", "lie", "reject")
    ),
}
"""The kinds of faults that each method may meet."""


@dataclass(slots=True)
class Weather:
    """The faults of a schedule, by the call that they hit."""

    by_call: dict[tuple[str, int], list[Fault]]
    counts: dict[str, int]

    @staticmethod
    def of(faults: tuple[Fault, ...]) -> "Weather":
        """Return the weather of a schedule."""
        by_call: dict[tuple[str, int], list[Fault]] = {}
        for fault in faults:
            by_call.setdefault((fault.method, fault.nth), []).append(fault)
        return Weather(by_call, {})

    def next(self, method: str) -> tuple[int, list[Fault]]:
        """Count one call, and return its number and what it meets."""
        count = self.counts.get(method, 0) + 1
        self.counts[method] = count
        return count, self.by_call.get((method, count), _NONE)


_NONE: list[Fault] = []
