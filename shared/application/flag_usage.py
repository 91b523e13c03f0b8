"""Noting which flags are asked for, once a day: enough to find those that nobody needs any more."""

import logging
from dataclasses import dataclass, field
from datetime import date

from shared.domain.errors import SlipwayError
from shared.domain.names import EnvironmentName, FlagKey
from shared.ports.flag_usage import FlagUsage

log = logging.getLogger("slipway.flags")


@dataclass(slots=True)
class UsageNotes:
    """What this worker has noted today. An evaluation never fails for it, and waits for it once a day at most."""

    usage: FlagUsage
    _day: date = date.min
    _noted: set[tuple[EnvironmentName, FlagKey]] = field(default_factory=set)

    def note(self, environment: EnvironmentName, key: FlagKey, day: date) -> None:
        """Note that a flag was asked for. Two threads may note the same, which does no harm."""
        if day != self._day:
            self._day, self._noted = day, set()
        if (environment, key) in self._noted:
            return
        self._noted.add((environment, key))
        try:
            self.usage.mark(environment, key, day)
        except SlipwayError as error:
            log.warning("that %s was asked for in %s today is not noted: %s", key, environment, error)
