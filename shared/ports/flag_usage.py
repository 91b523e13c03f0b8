"""Which flags are still asked for."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Final, Protocol

from shared.domain.names import EnvironmentName, FlagKey

ALL_AT_ONCE: Final = FlagKey("*")
"""Stands for every flag: who asks for all of them does not say which. No flag can have this key."""


class FlagUsage(Protocol):
    """Keeps the last day on which each flag was asked for. Raises `TryLaterError` when the store is unwell."""

    def mark(self, environment: EnvironmentName, key: FlagKey, day: date) -> None:
        """Note that the flag was asked for on this day. Safe to repeat; of two at once either may stand."""
        ...

    def last_days(self, environment: EnvironmentName, keys: Collection[FlagKey]) -> Mapping[FlagKey, date]:
        """Return the last day of each of these flags that was ever asked for, in about one read for 1,000."""
        ...

    def forget(self, environment: EnvironmentName, key: FlagKey) -> None:
        """Keep nothing of a flag that is gone. Safe to repeat, and where nothing is kept."""
        ...
