"""The two alert queues, each with the broker behind it: fixtures for the suites that name them.

Whoever takes these has a fixture `amqp`, a broker that is started as its suite needs it.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.service_bus.alert_queue import ServiceBusAlertQueue
from shared.adapters.sqlite.alert_queue import SqliteAlertQueue
from tests.amqp_broker import BrokerProcess
from tests.contract.queue_rigs import ServiceBusRig, SqliteRig


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[tuple[SqliteRig, SqliteAlertQueue]]:
    rig = SqliteRig(tmp_path)
    yield rig, SqliteAlertQueue(rig.broker, rig.plain)
    rig.close()


@pytest.fixture
def service_bus(amqp: BrokerProcess) -> Iterator[tuple[ServiceBusRig, ServiceBusAlertQueue]]:
    rig = ServiceBusRig(amqp)
    queue = ServiceBusAlertQueue(rig.plain, connection_string=amqp.connection_string, time_out=timedelta(seconds=10))
    yield rig, queue
    queue.close()
    rig.close()
