"""Noting which flags are asked for, once a day: enough to find those that nobody needs any more."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from shared.domain.errors import SlipwayError, TryLaterError
from shared.domain.names import EnvironmentName, FlagKey
from shared.ports.flag_usage import FlagUsage

REST_SECONDS = 60.0
"""So long nothing is noted after the store failed: while it is unwell, one request in so long waits for it."""

log = logging.getLogger("slipway.flags")


@dataclass(slots=True)
class UsageNotes:
    """What this worker has noted today.

    An evaluation never fails for it, and waits for it once a day and flag while the store is well.
    """

    usage: FlagUsage
    seconds: Callable[[], float] = time.monotonic
    """What the rest after a failure is measured with."""
    _rests_until: float = float("-inf")
    _day: date = date.min
    _noted: set[tuple[EnvironmentName, FlagKey]] = field(default_factory=set)

    def note(self, environment: EnvironmentName, key: FlagKey, day: date) -> None:
        """Note that a flag was asked for. Two threads may note the same, which does no harm."""
        if day != self._day:
            self._day, self._noted = day, set()
        if (environment, key) in self._noted or self.seconds() < self._rests_until:
            return
        self._noted.add((environment, key))
        try:
            self.usage.mark(environment, key, day)
        except TryLaterError as error:
            self._noted.discard((environment, key))
            self._rests_until = self.seconds() + REST_SECONDS
            log.warning("that %s was asked for in %s today is not noted yet: %s", key, environment, error)
        except SlipwayError as error:
            log.warning("that %s is asked for in %s cannot be noted: %s", key, environment, error)
