"""Mistakes with what is pushed: when a window is closed, and what counts in it."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from shared.application import observed_metrics, observed_windows
from shared.application.observed import ObservationIntake
from tests.simulation.protocol.defects.defect import defect
from tests.simulation.protocol.defects.in_driving import together
from tests.simulation.protocol.patching import replaced

Patched = AbstractContextManager[object]


@defect("a window closed by its first sender", "domain", "whoever tells of a window first closes it for all")
def _closed_by_the_first() -> Patched:
    return together(
        replaced(observed_windows, "is_complete", lambda before, rows: bool(rows)),
        replaced(observed_metrics, "is_closed", lambda start, length, before, rows, now: bool(rows)),
    )


@defect("a repeat counts again", "use cases", "each time that an observation is sent it is stored as another one")
def _repeat_counts() -> Patched:
    real, sent = ObservationIntake._add, iter(range(10**9))

    def add(self: ObservationIntake, place: Any, rows: Any) -> Any:
        return real(self, place, [replace(row, part=f"{next(sent)}") for row in rows])

    return replaced(ObservationIntake, "_add", add)
