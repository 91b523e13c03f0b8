"""The store and queue that the settings name: embedded in a folder, or in Azure.

Each part is built when it is first used: who evaluates a flag connects to no queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.bootstrap.credentials import identity
from shared.bootstrap.on_first_use import BuiltOnce, OnFirstUse

if TYPE_CHECKING:
    from pathlib import Path

    from shared.adapters.azure_tables.patience import Patience
    from shared.adapters.azure_tables.table import Table
    from shared.adapters.sqlite.broker import SqliteBroker
    from shared.adapters.sqlite.database import Database
    from shared.bootstrap.parts import Kept, ObservationsAndWindows, StoreAndArchive
    from shared.ports.alert_queue import AlertQueue
    from shared.ports.archive import Archive
    from shared.ports.command_queue import CommandQueue
    from shared.ports.dead_letters import DeadLetters
    from shared.ports.flag_snapshots import FlagSnapshots
    from shared.ports.flag_usage import FlagUsage
    from shared.ports.open_markers import OpenMarkers
    from shared.ports.view_index import ViewIndex
    from shared.settings import Settings


def keeping(settings: Settings) -> Kept:
    """Return the store and queue that the settings name."""
    if settings.data:
        return Embedded(settings.data, settings.commands_queue, settings.alerts_queue)
    return TablesAndServiceBus(settings)


class Embedded:
    """The embedded store and queue, in a folder."""

    def __init__(self, data: Path, commands_queue: str, alerts_queue: str) -> None:
        self._data = data
        self._commands_queue = commands_queue
        self._alerts_queue = alerts_queue

    @OnFirstUse
    def store(self) -> StoreAndArchive:
        """Aggregates and their history."""
        from shared.adapters.sqlite.rollout_store import SqliteRolloutStore

        return SqliteRolloutStore(self._database)

    @OnFirstUse
    def markers(self) -> OpenMarkers:
        """What the sweep looks at."""
        from shared.adapters.sqlite.open_markers import SqliteOpenMarkers

        return SqliteOpenMarkers(self._database)

    @OnFirstUse
    def index(self) -> ViewIndex:
        """What lists are made of."""
        from shared.adapters.sqlite.view_index import SqliteViewIndex

        return SqliteViewIndex(self._database)

    @OnFirstUse
    def archive(self) -> Archive:
        """All that is kept, for who copies it."""
        from shared.adapters.sqlite.archive import SqliteArchive

        return SqliteArchive(self._database)

    @OnFirstUse
    def letters(self) -> DeadLetters:
        """What could not be handled."""
        from shared.adapters.sqlite.dead_letters import SqliteDeadLetters

        return SqliteDeadLetters(self._database)

    @OnFirstUse
    def observations(self) -> ObservationsAndWindows:
        """Numbers that were pushed in."""
        from shared.adapters.sqlite.observations import SqliteObservations

        return SqliteObservations(self._database)

    @OnFirstUse
    def snapshots(self) -> FlagSnapshots:
        """What flags are served from."""
        from shared.adapters.sqlite.flag_snapshots import SqliteFlagSnapshots

        return SqliteFlagSnapshots(self._database)

    @OnFirstUse
    def usage(self) -> FlagUsage:
        """When flags were last asked for."""
        from shared.adapters.sqlite.flag_usage import SqliteFlagUsage

        return SqliteFlagUsage(self._database)

    @OnFirstUse
    def queue(self) -> CommandQueue:
        """Wakes aggregates."""
        from shared.adapters.sqlite.command_queue import SqliteCommandQueue

        return SqliteCommandQueue(embedded_broker(self._data), self._commands_queue)

    @OnFirstUse
    def alerts(self) -> AlertQueue:
        """Where alerts come in."""
        from shared.adapters.sqlite.alert_queue import SqliteAlertQueue

        return SqliteAlertQueue(embedded_broker(self._data), self._alerts_queue)

    @OnFirstUse
    def _database(self) -> Database:
        from shared.adapters.sqlite.database import Database

        return Database(self._data / "store.db")


@BuiltOnce
def embedded_broker(data: Path) -> SqliteBroker:
    """Return the embedded broker of this folder: one for the app and for the host that feeds it."""
    from shared.adapters.sqlite.broker import SqliteBroker
    from shared.adapters.system.clock import SystemClock

    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SqliteBroker(data / "queue.db", now=SystemClock().now)


class TablesAndServiceBus:
    """The store in Table Storage, and the queues of Service Bus."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @OnFirstUse
    def store(self) -> StoreAndArchive:
        """Aggregates and their history."""
        from shared.adapters.azure_tables.rollout_store import TableRolloutStore

        return TableRolloutStore(self._table)

    @OnFirstUse
    def markers(self) -> OpenMarkers:
        """What the sweep looks at."""
        from shared.adapters.azure_tables.open_markers import TableOpenMarkers

        return TableOpenMarkers(self._table)

    @OnFirstUse
    def index(self) -> ViewIndex:
        """What lists are made of."""
        from shared.adapters.azure_tables.view_index import TableViewIndex

        return TableViewIndex(self._table)

    @OnFirstUse
    def archive(self) -> Archive:
        """All that is kept, for who copies it."""
        from shared.adapters.azure_tables.archive import TableArchive

        return TableArchive(self._table)

    @OnFirstUse
    def letters(self) -> DeadLetters:
        """What could not be handled."""
        from shared.adapters.azure_tables.dead_letters import TableDeadLetters

        return TableDeadLetters(self._table)

    @OnFirstUse
    def observations(self) -> ObservationsAndWindows:
        """Numbers that were pushed in."""
        from shared.adapters.azure_tables.observations import TableObservations

        return TableObservations(self._table)

    @OnFirstUse
    def snapshots(self) -> FlagSnapshots:
        """What flags are served from."""
        from shared.adapters.azure_tables.flag_snapshots import TableFlagSnapshots

        return TableFlagSnapshots(self._impatient_table)

    @OnFirstUse
    def usage(self) -> FlagUsage:
        """When flags were last asked for."""
        from shared.adapters.azure_tables.flag_usage import TableFlagUsage

        return TableFlagUsage(self._impatient_table)

    @OnFirstUse
    def queue(self) -> CommandQueue:
        """Wakes aggregates."""
        from shared.adapters.service_bus.command_queue import ServiceBusCommandQueue

        return ServiceBusCommandQueue(self._settings.commands_queue, **self._service_bus)

    @OnFirstUse
    def alerts(self) -> AlertQueue:
        """Where alerts come in."""
        from shared.adapters.service_bus.alert_queue import ServiceBusAlertQueue

        return ServiceBusAlertQueue(self._settings.alerts_queue, **self._service_bus)

    @OnFirstUse
    def _service_bus(self) -> dict[str, Any]:
        connection = self._settings.service_bus_connection or ""
        namespace = "" if connection else self._settings.service_bus_namespace or ""
        credential = None if connection else identity()
        return {"connection_string": connection, "namespace": namespace, "credential": credential}

    @OnFirstUse
    def _table(self) -> Table:
        from shared.adapters.azure_tables.patience import Patience

        return self._table_with(Patience())

    @OnFirstUse
    def _impatient_table(self) -> Table:
        """A user waits for flags, and those that are kept are better than those that come late."""
        from shared.adapters.azure_tables.patience import Patience

        return self._table_with(Patience(connect=1.0, read=3.0, attempts=2, total=3.0))

    def _table_with(self, patience: Patience) -> Table:
        from shared.adapters.azure_tables.table import Table

        settings = self._settings
        if settings.tables_connection:
            return Table.from_connection_string(
                settings.tables_connection, name=settings.tables_name, patience=patience
            )
        return Table.from_endpoint(
            settings.tables_endpoint or "", identity(), name=settings.tables_name, patience=patience
        )
