"""Open markers in memory."""

from dataclasses import replace
from datetime import datetime
from itertools import count
from threading import RLock

from shared.ports.open_markers import Marker
from shared.wire.side_rows import marker_row
from shared.wire.table_limits import check_row


class MemoryOpenMarkers:
    """Implements `OpenMarkers`; those overdue for longest come first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._tokens = count(1)
        self._markers: dict[str, Marker] = {}
        self._lock = RLock()

    def open(self, key: str, due: datetime) -> None:
        check_row(marker_row(key, due))
        with self._lock:
            self._markers[key] = Marker(key, due, self._token())

    def put_off(self, key: str, token: str, due: datetime) -> None:
        with self._lock:
            marker = self._markers.get(key)
            if marker is not None and marker.token == token:
                self._markers[key] = replace(marker, due=due, token=self._token())

    def close(self, key: str, token: str) -> None:
        with self._lock:
            marker = self._markers.get(key)
            if marker is not None and marker.token == token:
                del self._markers[key]

    def overdue(self, now: datetime, *, limit: int) -> tuple[Marker, ...]:
        with self._lock:
            due = [marker for marker in self._markers.values() if marker.due <= now]
        return tuple(sorted(due, key=lambda marker: marker.due)[: max(0, limit)])

    def find(self, key: str) -> Marker | None:
        """Return the aggregate's marker, overdue or not; None where it has none."""
        return self._markers.get(key)

    def _token(self) -> str:
        return f"{next(self._tokens)}"
