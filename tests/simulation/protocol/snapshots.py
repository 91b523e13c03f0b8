"""Snapshots of flags, and their use, in memory: the same contract as the durable ones. For one thread."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from itertools import count

from shared.domain.errors import VersionConflictError
from shared.domain.names import EnvironmentName, FlagKey
from shared.ports.flag_snapshots import Head
from shared.wire import flag_snapshot_rows as rows
from shared.wire.table_limits import check_row, check_transaction


class MemoryFlagSnapshots:
    """Implements `FlagSnapshots`."""

    def __init__(self) -> None:
        self._etags = count(1)
        self._heads: dict[EnvironmentName, Head] = {}
        self._chunks: dict[EnvironmentName, dict[str, tuple[datetime, str]]] = {}

    def read_head(self, environment: EnvironmentName) -> Head:
        return self._heads.get(environment, Head(None))

    def move_head(self, environment: EnvironmentName, head: Head) -> str:
        check_row(rows.head_row(environment, head.chunks, head.turn))
        if self.read_head(environment).etag != head.etag:
            raise VersionConflictError(f"the snapshot of {environment} moved since it was read")
        etag = f"head-{next(self._etags)}"
        self._heads[environment] = Head(etag, tuple(sorted(head.chunks)), head.turn)
        return etag

    def read_chunk(self, environment: EnvironmentName, name: str) -> str | None:
        found = self._chunks.get(environment, {}).get(name)
        return None if found is None else found[1]

    def write_chunk(self, environment: EnvironmentName, name: str, document: str, now: datetime) -> None:
        check_transaction(rows.chunk_rows(environment, name, document, now))
        self._chunks.setdefault(environment, {})[name] = (now, document)

    def prune(self, environment: EnvironmentName, keep: Collection[str], before: datetime, *, at_most: int) -> int:
        chunks = self._chunks.get(environment, {})
        old = sorted((written, name) for name, (written, _) in chunks.items() if written < before)
        gone = [name for _, name in old[: len(keep) + at_most] if name not in keep][:at_most]
        for name in gone:
            del chunks[name]
        return len(gone)


class MemoryFlagUsage:
    """Implements `FlagUsage`: nobody asks for flags in a simulated world."""

    def __init__(self) -> None:
        self._days: dict[tuple[EnvironmentName, FlagKey], date] = {}

    def mark(self, environment: EnvironmentName, key: FlagKey, day: date) -> None:
        self._days[environment, key] = day

    def last_days(self, environment: EnvironmentName, keys: Collection[FlagKey]) -> Mapping[FlagKey, date]:
        return {key: self._days[environment, key] for key in keys if (environment, key) in self._days}

    def forget(self, environment: EnvironmentName, key: FlagKey) -> None:
        self._days.pop((environment, key), None)
