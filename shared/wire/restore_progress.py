"""How far a restore is, as a document."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.domain.errors import RejectedError
from shared.wire.stored_form import refusing_broken

_TYPE: Final = "restore/1"


class RestorePhase(StrEnum):
    """Where a restore is."""

    WRITING = "writing"
    """Entries are taken. Nothing is worked on."""
    WAKING = "waking"
    """All is written; what has open work is woken. No more entries are taken."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class RestoreProgress:
    """Of which archive an account was, or is being, restored."""

    archive: str
    """The SHA-256 of its lines."""
    phase: RestorePhase


def write_progress(progress: RestoreProgress) -> str:
    """Return the progress as a document; `read_progress` turns it back."""
    return json.dumps({"type": _TYPE, "archive": progress.archive, "phase": progress.phase})


def read_progress(document: str) -> RestoreProgress:
    """Return what `write_progress` was given. Raises `RejectedError` for what is broken or of another release."""
    with refusing_broken("the progress of a restore"):
        match json.loads(document):
            case {"type": str(kind), "archive": str(archive), "phase": str(phase)} if kind == _TYPE:
                return RestoreProgress(archive, RestorePhase(phase))
    raise RejectedError("the progress of a restore is of another release of Slipway")
