"""Access keys of the host: who may call a function whose auth level is not anonymous."""

import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from local.hosting.state_file import StateFileError, read_state
from local.private_file import write_private


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKeys:
    """The master key opens everything, the function key every function, the system key the Event Grid webhook."""

    master: str
    function: str
    event_grid: str

    @staticmethod
    def fresh() -> "HostKeys":
        """Make new random keys."""
        return HostKeys(
            master=secrets.token_urlsafe(32),
            function=secrets.token_urlsafe(32),
            event_grid=secrets.token_urlsafe(32),
        )

    @staticmethod
    def kept_in(path: Path) -> "HostKeys":
        """Read the keys, or make them and write them there (mode 600) when the file is missing.

        Raises `StateFileError` for a file of anything else, and `OSError`.
        """
        if path.exists():
            match read_state(path, "keys"):
                case {"master": str(master), "function": str(function), "event_grid": str(event_grid)}:
                    return HostKeys(master=master, function=function, event_grid=event_grid)
                case _:
                    raise StateFileError(f"{path} lacks a key: remove it, and new ones are made")
        keys = HostKeys.fresh()
        document = {"master": keys.master, "function": keys.function, "event_grid": keys.event_grid}
        write_private(path, json.dumps(document))
        return keys

    def admits(self, auth_level: str, presented: str | None) -> bool:
        """Say whether `presented` opens a function of this level: `anonymous`, `function` or `admin`."""
        match auth_level.lower():
            case "anonymous":
                return True
            case "function":
                return _is_one_of(presented, (self.function, self.master))
            case _:
                return _is_one_of(presented, (self.master,))

    def admits_event_grid(self, presented: str | None) -> bool:
        """Say whether `presented` opens the Event Grid webhook."""
        return _is_one_of(presented, (self.event_grid, self.master))


def _is_one_of(presented: str | None, keys: Iterable[str]) -> bool:
    if presented is None:
        return False
    given = presented.encode(errors="surrogateescape")
    return any(hmac.compare_digest(given, key.encode()) for key in keys)
