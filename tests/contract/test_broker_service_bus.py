"""What the Service Bus adapter does when Service Bus is down, silent, or refuses."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.servicebus import exceptions as sdk

from shared.adapters.service_bus.command_queue import ServiceBusCommandQueue
from shared.adapters.service_bus.errors import translate
from shared.domain.errors import RejectedError, TryLaterError
from shared.ports.command_queue import WakeUp
from tests.amqp_broker import BrokerProcess
from tests.contract.hasty_sdk import hasten

SHOP = WakeUp(key="application:shop", fence="f-1")
BOUND = timedelta(seconds=3)
SLACK = 2.0
"""Seconds that a busy machine may add to a bound."""


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[BrokerProcess]:
    process = BrokerProcess(tmp_path / "queue.db")
    process.queues.declare("commands", sessions=True)
    yield process
    process.close()


@pytest.fixture
def queue(process: BrokerProcess) -> Iterator[ServiceBusCommandQueue]:
    queue = ServiceBusCommandQueue("commands", connection_string=process.connection_string, time_out=BOUND)
    yield queue
    queue.close()


def seconds_until_try_later(queue: ServiceBusCommandQueue) -> float:
    began = time.monotonic()
    with pytest.raises(TryLaterError):
        queue.send(SHOP)
    return time.monotonic() - began


def test_a_broker_that_is_down_means_try_later_and_is_found_again_when_it_is_back(process, queue):
    assert seconds_until_try_later(queue) < BOUND.total_seconds() + SLACK

    process.start()
    queue.send(SHOP)

    assert process.queues.depth("commands") == 1


def test_a_broker_that_goes_down_between_two_sends_is_found_again_when_it_is_back(process, queue):
    process.start()
    queue.send(SHOP)
    process.kill()
    assert seconds_until_try_later(queue) < BOUND.total_seconds() + SLACK

    process.start()
    queue.send(SHOP)

    assert process.queues.depth("commands") == 2


def test_a_broker_that_came_back_unnoticed_costs_no_error(process, queue):
    process.start()
    queue.send(SHOP)
    process.kill()
    process.start()

    queue.send(SHOP)

    assert process.queues.depth("commands") == 2


def test_a_broker_that_accepts_connections_and_says_nothing_means_try_later(process, queue):
    process.start()
    process.freeze()
    assert seconds_until_try_later(queue) < BOUND.total_seconds() + SLACK

    process.thaw()
    queue.send(SHOP)

    assert process.queues.depth("commands") >= 1


def test_a_broker_that_falls_silent_on_an_open_connection_means_try_later(process, queue):
    process.start()
    queue.send(SHOP)
    process.freeze()
    assert seconds_until_try_later(queue) < BOUND.total_seconds() + SLACK

    process.thaw()
    queue.send(SHOP)

    assert process.queues.depth("commands") >= 2


def test_no_thread_waits_longer_for_its_turn_than_for_the_broker(process, queue):
    process.start()
    process.freeze()
    waits: list[float] = []
    threads = [threading.Thread(target=lambda: waits.append(seconds_until_try_later(queue))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(waits) == 4
    assert max(waits) < BOUND.total_seconds() + SLACK


def test_threads_share_one_queue(process, queue):
    process.start()
    threads = [threading.Thread(target=lambda: [queue.send(SHOP) for _ in range(10)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert process.queues.depth("commands") == 80


def test_a_queue_that_does_not_exist_is_refused(process):
    process.start()
    nowhere = ServiceBusCommandQueue("nowhere", connection_string=process.connection_string, time_out=BOUND)

    with pytest.raises(RejectedError, match="queue nowhere on Service Bus: does not exist"):
        nowhere.send(SHOP)


def test_a_wrong_key_is_refused_without_a_word_about_the_key(process):
    process.start()
    stranger = ServiceBusCommandQueue(
        "commands", connection_string=process.connection_string_with("wrong-key"), time_out=BOUND
    )

    with pytest.raises(RejectedError, match=r"the credential was refused \(401\)") as refused:
        stranger.send(SHOP)
    assert "wrong-key" not in str(refused.value) + repr(refused.value.__cause__)


def test_a_connection_string_that_is_none_is_refused():
    queue = ServiceBusCommandQueue("commands", connection_string="SharedAccessKey=secret")

    with pytest.raises(RejectedError, match="wrong settings") as refused:
        queue.send(SHOP)
    assert "secret" not in str(refused.value)


class Identity:
    def get_token(self, *scopes: str, **options: object) -> object:
        raise ClientAuthenticationError("no identity on this machine")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"namespace": "slipway.servicebus.windows.net"},
        {"credential": Identity()},
        {"connection_string": "Endpoint=sb://a", "namespace": "a", "credential": Identity()},
    ],
    ids=["nothing", "no credential", "no namespace", "both ways"],
)
def test_settings_that_name_no_way_in_or_two_are_refused_at_once(settings):
    with pytest.raises(RejectedError, match="either a connection string, or a namespace and a credential"):
        ServiceBusCommandQueue("commands", **settings)


def test_a_namespace_that_cannot_be_reached_means_try_later():
    queue = ServiceBusCommandQueue("commands", namespace="127.0.0.1", credential=Identity(), time_out=BOUND)

    assert seconds_until_try_later(queue) < BOUND.total_seconds() + SLACK


def test_a_scheduled_wake_up_is_never_early_though_amqp_knows_only_milliseconds(process, queue):
    process.start()
    at = process.now().replace(microsecond=123_456) + timedelta(hours=1)

    queue.send(SHOP, at=at)

    due = process.queues.next_due("commands")
    assert at <= due < at + timedelta(milliseconds=1)


def test_a_closed_queue_leaves_no_thread_and_opens_again_when_it_is_used(process, queue):
    process.start()
    before = set(threading.enumerate())
    queue.send(SHOP)
    queue.close()
    assert set(threading.enumerate()) <= before

    queue.send(SHOP)
    assert process.queues.depth("commands") == 2


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (sdk.MessageSizeExceededError(), RejectedError),
        (sdk.MessagingEntityNotFoundError(), RejectedError),
        (sdk.ServiceBusAuthorizationError(), RejectedError),
        (sdk.MessagingEntityDisabledError(), TryLaterError),
        (sdk.ServiceBusQuotaExceededError(), TryLaterError),
        (sdk.ServiceBusAuthenticationError(), TryLaterError),
        (sdk.ServiceBusCommunicationError(), TryLaterError),
        (sdk.OperationTimeoutError(), TryLaterError),
        (sdk.ServiceBusError("no identity", error=ClientAuthenticationError()), TryLaterError),
        (OSError("no route to host"), TryLaterError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_is_refused_only_where_trying_again_cannot_help(error, meaning):
    assert type(translate(error, "commands")) is meaning


def test_a_busy_service_says_how_long_it_wants_to_be_left_alone():
    assert translate(sdk.ServiceBusServerBusyError(), "commands").after_seconds == 10
