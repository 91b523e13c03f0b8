"""The same release on what Azure keeps it in: Table Storage (on Azurite) and Service Bus (over real AMQP)."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.azure_tables.dead_letters import TableDeadLetters
from shared.adapters.azure_tables.open_markers import TableOpenMarkers
from shared.adapters.azure_tables.rollout_store import TableRolloutStore
from shared.adapters.azure_tables.table import Table
from shared.adapters.azure_tables.view_index import TableViewIndex
from shared.wire.wake_ups import parse_wake_up
from tests.amqp_broker import BrokerProcess
from tests.azurite import azurite
from tests.contract.hasty_sdk import hasten
from tests.contract.queue_rigs import ServiceBusRig
from tests.scenario.world import QUEUE, SPEC, World

__all__ = ["azurite"]

QUICK = SPEC.replace("[5, 25, 50]", "[5]")


@pytest.fixture
def table(azurite):
    table = Table.from_connection_string(azurite.connection_string, name=f"t{uuid.uuid4().hex}")
    yield table
    table.close()


def in_tables(table, clock):
    def change(keeping):
        return replace(
            keeping,
            store=TableRolloutStore(table, now=clock.now),
            markers=TableOpenMarkers(table),
            index=TableViewIndex(table),
            letters=TableDeadLetters(table),
        )

    return change


@pytest.fixture
def tables_world(tmp_path, table):
    from tests.scenario.world import VirtualClock

    clock = VirtualClock()
    return World(tmp_path, QUICK, clock=clock, change=in_tables(table, clock))


def test_a_healthy_release_is_promoted_on_table_storage(tables_world):
    rollout = tables_world.deploy("2")

    assert tables_world.run_to_end(rollout) == "succeeded"

    numbers = [line["sequence"] for line in tables_world.events(rollout)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert tables_world.app.views.applications(None)["applications"][0]["version"] == "2"


def test_an_alert_finds_its_application_on_table_storage(tables_world):
    rollout = tables_world.deploy("2")
    tables_world.run_until(lambda: tables_world.share() == 5)
    tables_world.alert()

    assert tables_world.run_to_end(rollout) == "rolled-back"


def test_the_sweep_finds_what_a_lost_message_left_on_table_storage(tables_world):
    rollout = tables_world.deploy("2")
    session = tables_world.broker.accept_next_session(QUEUE, "thief")
    tables_world.broker.complete(tables_world.broker.receive(QUEUE, session=session, owner="thief"))
    tables_world.broker.release_session(QUEUE, session, "thief")
    assert tables_world.phase(rollout) == "pending"

    assert tables_world.run_to_end(rollout) == "succeeded"
    tables_world.run_for(timedelta(minutes=90))
    markers = tables_world.keeping.markers
    assert markers.overdue(tables_world.clock.now() + timedelta(days=1), limit=5) == ()


class ServiceBusWorld(World):
    """A world whose wake-ups go through Service Bus; its clock is the broker's."""

    rig: ServiceBusRig

    def deliver_one(self) -> bool:
        receiver = self.rig.next_session()
        if receiver is None:
            return False
        message = receiver.receive()
        while message is not None:
            self.app.wake_ups.handle(parse_wake_up(message.body), redelivered=message.delivery_count > 1)
            receiver.complete(message)
            message = receiver.receive()
        receiver.close()
        return True

    def pass_to_next(self, ends) -> None:
        self.rig.advance(timedelta(seconds=30))


class BrokerClock:
    """The broker's own time, so that a scheduled message is due when the app says."""

    def __init__(self, rig: ServiceBusRig) -> None:
        self.now = rig.now

    @property
    def time(self):
        return self.now()


def test_a_healthy_release_is_promoted_by_messages_of_service_bus(tmp_path, table):
    process = BrokerProcess(tmp_path / "amqp.db", "--lock-seconds", "30")
    process.start()
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        rig = ServiceBusRig(process)
        clock = BrokerClock(rig)
        keep = in_tables(table, clock)
        world = ServiceBusWorld(
            tmp_path, QUICK, clock=clock, change=lambda keeping: replace(keep(keeping), queue=rig.queue)
        )
        world.rig = rig
        rollout = world.deploy("2")
        assert world.run_to_end(rollout) == "succeeded"
        rig.close()
    process.close()
