"""A site outside as a value: two slots, the rule between them, one swap at a time, and what its users meet."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.domain.analysis.measurement import Lack, Missing, Sample, Window
from shared.domain.errors import TryLaterError
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import Place
from shared.domain.rollout.weight import NONE, Weight
from shared.ports.metrics_source import WindowQuestion
from shared.ports.place_probe import Health
from shared.ports.promoter import SwapState, SwapStatus

SWAP_TIME = timedelta(seconds=3)
WINDOW = timedelta(minutes=1)
"""What the specs of the scenarios count in; windows are whole minutes."""
REQUESTS = 100_000.0


@dataclass(frozen=True, slots=True)
class Site:
    """What the outside is like now. A call of a port is answered with the site after it and the answer."""

    since: datetime
    name: str = "web"
    hurts_from: datetime | None = None
    """From when half of the candidate's requests fail; None: never."""
    production: str = "1"
    candidate: str = "2"
    share: Weight = NONE
    swaps: int = 0
    swap_ends: datetime | None = None
    """When the swap that runs is over; None: none runs."""

    def at(self, now: datetime) -> "Site":
        """Return the site at a later time: a swap whose end has passed is carried out."""
        if self.swap_ends is None or self.swap_ends > now:
            return self
        return replace(self, production=self.candidate, candidate=self.production, swap_ends=None)

    def answer(self, method: str, args: tuple[Any, ...], now: datetime) -> tuple["Site", Any]:
        """Carry out one call. Raises what the port's promise says."""
        match method:
            case "set_share":
                return replace(self, share=args[1]), None
            case "begin_swap":
                if self.swap_ends is not None:
                    raise TryLaterError("a swap is running")
                return replace(self, swaps=self.swaps + 1, swap_ends=now + SWAP_TIME), f"swap-{self.swaps + 1}"
            case _:
                return self, self._look(method, args, now)

    def proves(self, since: datetime, until: datetime) -> bool:
        """Whether the newest whole window that began then or later, and was over by the other time, is a good one."""
        over = until - (until - self.since) % WINDOW
        start = over - WINDOW
        return start >= since and not self._hurts(start)

    def _hurts(self, start: datetime) -> bool:
        return self.hurts_from is not None and start >= self.hurts_from

    def _look(self, method: str, args: tuple[Any, ...], now: datetime) -> Any:
        match method:
            case "read_share":
                return self.share
            case "read_swap":
                is_running = self.swap_ends is not None and args[1] in (None, f"swap-{self.swaps}")
                return SwapStatus(SwapState.RUNNING if is_running else SwapState.DONE)
            case "read_version":
                return self.production if args[1] is Place.PRODUCTION else self.candidate
            case "read_health":
                return Health(healthy=True, detail="GET / answered 200")
            case "read_preview":
                return Preview.NONE
            case "read_staying" | "find_faults":
                return ()
            case "read_audience":
                return None
            case "read_windows":
                return self._windows(args[0], now)
        raise AssertionError(f"nothing asks the site of the model for {method}")

    def _windows(self, question: WindowQuestion, now: datetime) -> tuple[Window, ...]:
        return tuple(self._window(start, start + question.length, now) for start in question.starts())

    def _window(self, start: datetime, end: datetime, now: datetime) -> Window:
        if start < self.since or end > now:
            nothing = Missing(Lack.NO_DATA, "nothing is known of this time")
            return Window(start=start, end=end, candidate=nothing, stable=nothing)
        failures = REQUESTS / 2 if self._hurts(start) else 0.0
        met = Sample(requests=REQUESTS, failures=failures)
        return Window(start=start, end=end, candidate=met, stable=Sample(requests=REQUESTS, failures=0.0))
