"""The store and queue that the settings name: embedded in a folder, or in Azure."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.adapters.system.clock import SystemClock
from shared.bootstrap.credentials import identity
from shared.bootstrap.parts import Keeping
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.adapters.sqlite.broker import SqliteBroker


def keeping(settings: Settings) -> Keeping:
    """Return the store and queue that the settings name."""
    if settings.data:
        return embedded(settings.data, settings.commands_queue, settings.alerts_queue)
    return _service_bus_and_tables(settings)


def embedded(data: Path, commands_queue: str, alerts_queue: str) -> Keeping:
    """Return the embedded store and queue, in the folder `data`."""
    from shared.adapters.sqlite.alert_queue import SqliteAlertQueue
    from shared.adapters.sqlite.command_queue import SqliteCommandQueue
    from shared.adapters.sqlite.database import Database
    from shared.adapters.sqlite.dead_letters import SqliteDeadLetters
    from shared.adapters.sqlite.flag_snapshots import SqliteFlagSnapshots
    from shared.adapters.sqlite.flag_usage import SqliteFlagUsage
    from shared.adapters.sqlite.observations import SqliteObservations
    from shared.adapters.sqlite.open_markers import SqliteOpenMarkers
    from shared.adapters.sqlite.rollout_store import SqliteRolloutStore
    from shared.adapters.sqlite.view_index import SqliteViewIndex

    database = Database(data / "store.db")
    return Keeping(
        store=SqliteRolloutStore(database),
        markers=SqliteOpenMarkers(database),
        index=SqliteViewIndex(database),
        letters=SqliteDeadLetters(database),
        observations=SqliteObservations(database),
        snapshots=SqliteFlagSnapshots(database),
        usage=SqliteFlagUsage(database),
        queue=SqliteCommandQueue(embedded_broker(data), commands_queue),
        alerts=SqliteAlertQueue(embedded_broker(data), alerts_queue),
    )


@cache
def embedded_broker(data: Path) -> "SqliteBroker":
    """Return the embedded broker of this folder: one for the app and for the host that feeds it."""
    from shared.adapters.sqlite.broker import SqliteBroker

    data.mkdir(parents=True, exist_ok=True)
    return SqliteBroker(data / "queue.db", now=SystemClock().now)


def _service_bus_and_tables(settings: Settings) -> Keeping:
    from shared.adapters.azure_tables.dead_letters import TableDeadLetters
    from shared.adapters.azure_tables.flag_snapshots import TableFlagSnapshots
    from shared.adapters.azure_tables.flag_usage import TableFlagUsage
    from shared.adapters.azure_tables.observations import TableObservations
    from shared.adapters.azure_tables.open_markers import TableOpenMarkers
    from shared.adapters.azure_tables.patience import Patience
    from shared.adapters.azure_tables.rollout_store import TableRolloutStore
    from shared.adapters.azure_tables.table import Table
    from shared.adapters.azure_tables.view_index import TableViewIndex
    from shared.adapters.service_bus.alert_queue import ServiceBusAlertQueue
    from shared.adapters.service_bus.command_queue import ServiceBusCommandQueue

    def table_with(patience: Patience) -> Table:
        if settings.tables_connection:
            connection = settings.tables_connection
            return Table.from_connection_string(connection, name=settings.tables_name, patience=patience)
        endpoint = settings.tables_endpoint or ""
        return Table.from_endpoint(endpoint, identity(), name=settings.tables_name, patience=patience)

    table = table_with(Patience())
    # A user waits for flags, and those that are kept are better than those that come late.
    impatient = table_with(Patience(connect=1.0, read=3.0, attempts=2, total=3.0))
    connection = settings.service_bus_connection or ""
    namespace = "" if connection else settings.service_bus_namespace or ""
    credential = None if connection else identity()
    to: dict[str, Any] = {"connection_string": connection, "namespace": namespace, "credential": credential}
    return Keeping(
        store=TableRolloutStore(table),
        markers=TableOpenMarkers(table),
        index=TableViewIndex(table),
        letters=TableDeadLetters(table),
        observations=TableObservations(table),
        snapshots=TableFlagSnapshots(impatient),
        usage=TableFlagUsage(impatient),
        queue=ServiceBusCommandQueue(settings.commands_queue, **to),
        alerts=ServiceBusAlertQueue(settings.alerts_queue, **to),
    )
