"""What is stored of one application, read for the laws: the state, the lines of its history, the ends it came to."""

import json
from functools import cache
from typing import Any

from shared.domain.rollout.state import Application
from shared.ports.rollout_store import HistoryEntry
from tests.simulation.model.documents import envelope_in
from tests.simulation.model.kept import Kept

Line = dict[str, Any]


@cache
def line_of(entry: HistoryEntry) -> Line:
    """Return what a line of history says."""
    line: Line = json.loads(entry.document)["value"]
    return line


def application_in(kept: Kept) -> Application | None:
    """Return the application as it is stored."""
    return envelope_in(kept.document).application if kept.document is not None else None


def phases_of(kept: Kept) -> dict[str, str]:
    """Return the phase in which each rollout that was recorded ended."""
    return {record.id: json.loads(record.document)["value"]["phase"] for record in kept.records}


def first(*broken: str | None) -> str | None:
    """Return the first law that is broken."""
    return next((each for each in broken if each), None)
