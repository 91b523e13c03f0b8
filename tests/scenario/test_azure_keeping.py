"""The same release on what Azure keeps it in: Table Storage (on Azurite) and Service Bus (over real AMQP)."""

import time
import uuid
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from azure.servicebus.exceptions import ServiceBusError

from shared.adapters.azure_tables.dead_letters import TableDeadLetters
from shared.adapters.azure_tables.open_markers import TableOpenMarkers
from shared.adapters.azure_tables.patience import Patience
from shared.adapters.azure_tables.rollout_store import TableRolloutStore
from shared.adapters.azure_tables.table import Table
from shared.adapters.azure_tables.view_index import TableViewIndex
from shared.domain.errors import TryLaterError
from shared.wire.wake_ups import parse_wake_up
from tests.amqp_broker import BrokerProcess
from tests.azurite import Azurite, azurite, install
from tests.contract.hasty_sdk import hasten
from tests.contract.queue_rigs import ServiceBusRig
from tests.scenario.world import QUEUE, SPEC, VirtualClock, World

__all__ = ["azurite"]

QUICK = SPEC.replace("[5, 25, 50]", "[5]")
HASTY = Patience(connect=0.5, read=5.0, attempts=1, total=5.0)


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


AZURITE_SAVES_WITHIN = 6.0
"""Seconds: it keeps what it acknowledged in memory for five."""


@pytest.fixture
def own_azurite(tmp_path):
    """An emulator that nobody else uses, and that may be ended."""
    install()
    emulator = Azurite(tmp_path / "azurite")
    emulator.start()
    yield emulator
    emulator.stop()


def test_a_table_service_that_goes_away_in_the_middle_and_comes_back_loses_nothing(tmp_path, own_azurite):
    clock = VirtualClock()
    table = Table.from_connection_string(own_azurite.connection_string, name="restarted", patience=HASTY)
    world = World(tmp_path, QUICK, clock=clock, change=in_tables(table, clock))
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    time.sleep(AZURITE_SAVES_WITHIN)
    own_azurite.stop()

    with pytest.raises(TryLaterError):
        world.override("pause")
    world.run_for(timedelta(minutes=2))
    assert world.share() == 5
    own_azurite.start()
    assert world.override("pause", "while it was away") == rollout
    world.run_until(lambda: world.phase(rollout) == "paused")
    world.override("resume")

    assert world.run_to_end(rollout) == "succeeded"
    happened_once(world, rollout)
    table.close()


def happened_once(world, rollout):
    """Nothing is missing from history, and nothing stands there twice."""
    numbers = [line["sequence"] for line in world.events(rollout)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    happened = world.happened(rollout)
    once = ("DeploymentAccepted", "RolloutStarted", "PreflightPassed", "SwapBegun", "RolloutEnded")
    assert {each: happened.count(each) for each in once} == dict.fromkeys(once, 1)
    assert world.production() == "2"
    assert world.share() == 0
    assert world.keeping.letters.page(after=None, limit=1) == ()


class ServiceBusWorld(World):
    """A world whose wake-ups go through Service Bus; its clock is the broker's."""

    rig: ServiceBusRig
    handled = 0
    before_completing: Callable[[int], None] = staticmethod(lambda handled: None)
    """Is told how many were handled so far, before the broker is told that the last one was."""

    def deliver_one(self) -> bool:
        receiver = self.rig.next_session()
        if receiver is None:
            return False
        message = receiver.receive()
        while message is not None:
            self.app.wake_ups.handle(parse_wake_up(message.body), redelivered=message.delivery_count > 1)
            self.handled += 1
            self.before_completing(self.handled)
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


@contextmanager
def on_service_bus(kind, tmp_path, table):
    """A world of this kind, whose table is this one."""
    process = BrokerProcess(tmp_path / "amqp.db", "--lock-seconds", "30")
    process.start()
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        rig = ServiceBusRig(process)
        clock = BrokerClock(rig)
        keep = in_tables(table, clock)
        world = kind(tmp_path, QUICK, clock=clock, change=lambda keeping: replace(keep(keeping), queue=rig.queue))
        world.rig = rig
        yield world
        rig.close()
    process.close()


def test_a_healthy_release_is_promoted_by_messages_of_service_bus(tmp_path, table):
    with on_service_bus(ServiceBusWorld, tmp_path, table) as world:
        rollout = world.deploy("2")

        assert world.run_to_end(rollout) == "succeeded"


class FaithlessBrokerWorld(ServiceBusWorld):
    """Goes on, as the Functions host does, when the broker has gone away under it."""

    def deliver_one(self) -> bool:
        try:
            return super().deliver_one()
        except ServiceBusError:
            self.rig.advance(timedelta(seconds=30))  # the lock runs out, and the message comes again
            return True


def test_a_broker_that_is_killed_and_started_again_under_what_it_had_lent_loses_nothing(tmp_path, table):
    restarts = []
    with on_service_bus(FaithlessBrokerWorld, tmp_path, table) as world:

        def restart(handled):
            if handled % 2 == 0:
                restarts.append(handled)
                world.rig.restart()

        world.before_completing = restart
        rollout = world.deploy("2")

        assert world.run_to_end(rollout) == "succeeded"
        assert len(restarts) > 2
        happened_once(world, rollout)
