"""Fresh clients in front of a site in memory: each chooses for itself, by the share that was in force when it asked."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from math import sqrt
from random import Random

from shared.domain.errors import TryLaterError
from shared.domain.rollout.spec import Place, Target
from shared.domain.rollout.weight import ALL, Weight
from tests.scenario.kills import HookedSite

FAILED = "failed"


class Crowd:
    """Clients of one target, with a seed: the same run has the same choices."""

    def __init__(
        self,
        site: HookedSite,
        target: Target,
        now: Callable[[], datetime],
        *,
        seed: int = 1,
        keeps: timedelta = timedelta(0),
    ) -> None:
        """`keeps` is how long a resolver keeps an answer: each client has one, which asked at a time of its own."""
        self._site = site
        self._target = target
        self._now = now
        self._keeps = keeps
        self._random = Random(seed)
        self._since: list[datetime] = [now()]
        self._shares: list[Weight] = [site.read_share(target)]
        site.after_set_share = self._note

    def visit(self, clients: int) -> Counter[str]:
        """Let so many clients come now; return how many met each version, and how many met none that is well."""
        return Counter(self._serve(self._choose()) for _ in range(clients))

    def _choose(self) -> Place:
        asked = self._now() - self._keeps * self._random.random()
        share = self._shares[max(0, bisect_right(self._since, asked) - 1)]
        return Place.CANDIDATE if self._random.random() * ALL < share else Place.PRODUCTION

    def _serve(self, place: Place) -> str:
        try:
            well = self._site.read_health(self._target, place).healthy
            return self._site.read_version(self._target, place) if well else FAILED
        except TryLaterError:
            return FAILED

    def _note(self, _: int) -> None:
        self._since.append(self._now())
        self._shares.append(self._site.read_share(self._target))


def is_as_wanted(met: Counter[str], version: str, wanted_percent: float) -> bool:
    """Whether the share of a version is within three standard errors of what was wanted: all or none exactly."""
    clients, wanted = met.total(), wanted_percent / 100
    return abs(met[version] / clients - wanted) <= 3 * sqrt(wanted * (1 - wanted) / clients)
