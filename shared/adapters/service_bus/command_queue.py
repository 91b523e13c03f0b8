"""The command queue on Azure Service Bus."""

from datetime import datetime

from shared.adapters.service_bus.sending import ServiceBusQueue, message_of
from shared.ports.command_queue import WakeUp
from shared.wire.message_properties import of_attempt
from shared.wire.wake_ups import encode_wake_up


class ServiceBusCommandQueue(ServiceBusQueue):
    """Sends wake-ups to one Service Bus queue with sessions; the session is the aggregate."""

    def send(self, wake_up: WakeUp, *, at: datetime | None = None) -> None:
        """Deliver the wake-up now, or not before `at`. Raises as `deliver` does."""
        self.deliver(message_of(encode_wake_up(wake_up), at=at, session=wake_up.key))

    def put_back(self, body: bytes, *, key: str, attempt: int, at: datetime) -> None:
        """Deliver the body not before `at`. Raises as `deliver` does."""
        self.deliver(message_of(body, at=at, session=key, properties=of_attempt(attempt)))
