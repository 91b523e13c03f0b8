"""What the visitors of a page met of a flag's variants, counted in windows and kept until somebody took the report."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Met:
    """What visitors met of one variant in one window."""

    shown: int = 0
    checkouts: int = 0
    lost: int = 0


@dataclass(slots=True)
class Exposures:
    """Counts of one flag, by variant, in windows of `seconds` that begin at whole multiples of their length since 1970.

    Each window tells of all `variants`, with nothing where nobody met one: a reader that waits for a variant is not
    kept waiting. Times are seconds since 1970.
    """

    flag: str
    environment: str
    variants: Sequence[str]
    seconds: int
    sender: str
    _windows: dict[int, dict[str, Met]] = field(default_factory=dict)

    def show(self, variant: str, now: float) -> None:
        """Count that the page showed a variant."""
        self._met(variant, now).shown += 1

    def check_out(self, variant: str, now: float, *, is_lost: bool) -> None:
        """Count a checkout of somebody who was shown a variant."""
        met = self._met(variant, now)
        met.checkouts += 1
        met.lost += is_lost

    def ended(self, now: float) -> tuple[int, ...]:
        """Return the windows that are over and not taken yet, the oldest first."""
        return tuple(sorted(start for start in self._windows if start + self.seconds <= now))

    def report(self, window: int) -> dict[str, Any]:
        """Return what `POST /api/flags/events` is told of a window."""
        return {
            "flag": self.flag,
            "environment": self.environment,
            "window": window,
            "seconds": self.seconds,
            "sender": self.sender,
            "variants": {name: _figures(met) for name, met in self._windows[window].items()},
        }

    def forget(self, window: int) -> None:
        """Keep a window no longer."""
        del self._windows[window]

    def _met(self, variant: str, now: float) -> Met:
        start = int(now // self.seconds) * self.seconds
        window = self._windows.setdefault(start, {name: Met() for name in self.variants})
        return window.setdefault(variant, Met())


def _figures(met: Met) -> dict[str, Any]:
    """Requests are checkouts that were tried, for those can fail; orders are told of all who saw the page."""
    orders = {"value": met.checkouts - met.lost, "of": met.shown}
    return {"requests": met.checkouts, "failures": met.lost, "values": {"orders": orders}}
