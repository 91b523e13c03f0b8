"""The small JSON files that the host keeps beside its databases."""

import json
from pathlib import Path
from typing import Any


class StateFileError(Exception):
    """A file of the host's is not what it should be; the message names it and says what to do."""


def read_state(path: Path, what: str) -> dict[str, Any]:
    """Return the JSON object in the file. Raises `StateFileError`, naming `what` it should hold, and `OSError`."""
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise StateFileError(f"{path} holds no {what} ({error}): remove it, and it is made anew") from error
    if not isinstance(found, dict):
        raise StateFileError(f"{path} holds no {what}: remove it, and it is made anew")
    return found
