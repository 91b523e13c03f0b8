"""One site on a clock: nothing moves by itself; a swap whose end has passed is carried out at the next look."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.adapters.memory.timeline import Era, sample
from shared.domain.analysis.measurement import Missing, Sample
from shared.domain.errors import TryLaterError
from shared.domain.rollout.measuring import ValueQuery
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import Place
from shared.ports.promoter import SwapState, SwapStatus


@dataclass(slots=True, kw_only=True)
class _Swap:
    ends: datetime
    why: str
    """Why it will have failed; empty when it succeeds."""
    over: bool = False


class SimulatedSite:
    """Two places, the traffic between them, and their history."""

    def __init__(self, now: Callable[[], datetime], rate: float) -> None:
        """`rate` is how many requests a second come, both places together."""
        self.doom = ""
        """Why the next swap fails; empty when it does not."""
        self.preview = Preview.NONE
        """Which swap with preview is pending."""
        self._now = now
        self._eras = [Era(since=now(), rate=rate)]
        self._swaps: dict[str, _Swap] = {}
        self._begun = 0

    def era(self) -> Era:
        """Return what is so now."""
        self._settle()
        return self._eras[-1]

    def change(self, change: Callable[[Era], Era]) -> None:
        """Let something be otherwise from now on."""
        self._settle()
        self._begin_era(self._now(), change)

    def begin_swap(self, time: timedelta) -> str:
        """Begin a swap that takes so long; return its token. Raises `TryLaterError` while one runs."""
        self._settle()
        self._refuse_while_busy()
        self._begun += 1
        token = f"swap-{self._begun}"
        self._swaps[token] = _Swap(ends=self._now() + time, why=self.doom)
        self.doom = ""
        return token

    def read_swap(self, token: str | None) -> SwapStatus:
        """Return how far a swap is, or without one that is known, whether any runs."""
        self._settle()
        swap = self._swaps.get(token or "")
        if swap is None:
            return SwapStatus(SwapState.RUNNING if self._is_swapping() else SwapState.DONE)
        if not swap.over:
            return SwapStatus(SwapState.RUNNING)
        return SwapStatus(SwapState.FAILED, swap.why) if swap.why else SwapStatus(SwapState.DONE)

    def apply_preview(self) -> None:
        """Let the candidate's place run with production's settings. Raises `TryLaterError` while a swap is due."""
        self._settle()
        self._refuse_while_busy()
        self.preview = Preview.PENDING

    def reset_preview(self) -> None:
        """Let the candidate's place run with its own settings. Raises `TryLaterError` while a swap runs."""
        self._settle()
        if self.preview is Preview.PENDING:
            self._refuse_while_busy()
            self.preview = Preview.NONE

    def read_preview(self) -> Preview:
        """Return which swap with preview is pending; a swap that is over has ended its own."""
        self._settle()
        return self.preview

    def _refuse_while_busy(self) -> None:
        if self._is_swapping():
            raise TryLaterError("a swap is running")
        if self.preview is Preview.FOREIGN:
            raise TryLaterError("another place has been prepared for a swap")

    def _is_swapping(self) -> bool:
        return any(not swap.over for swap in self._swaps.values())

    def forget_swaps(self) -> None:
        """Forget the swaps that are over."""
        self._settle()
        self._swaps = {token: swap for token, swap in self._swaps.items() if not swap.over}

    def sample(
        self, place: Place, start: datetime, end: datetime, values: tuple[ValueQuery, ...] = ()
    ) -> Sample | Missing:
        """Return what a place met in `[start, end)`, which must have passed."""
        self._settle()
        return sample(self._eras, place, start, end, values)

    def _settle(self) -> None:
        for swap in self._swaps.values():
            if not swap.over and swap.ends <= self._now():
                swap.over = True
                if not swap.why:
                    self._begin_era(swap.ends, _exchange)
                    self.preview = Preview.NONE

    def _begin_era(self, at: datetime, change: Callable[[Era], Era]) -> None:
        latest = change(replace(self._eras[-1], since=at))
        if self._eras[-1].since == at:
            self._eras.pop()
        self._eras.append(latest)


def _exchange(era: Era) -> Era:
    return replace(era, production=era.candidate, candidate=era.production)
