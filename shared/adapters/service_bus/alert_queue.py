"""The alert queue on Azure Service Bus."""

from datetime import datetime

from shared.adapters.service_bus.sending import ServiceBusQueue, message_of
from shared.wire.message_properties import of_attempt


class ServiceBusAlertQueue(ServiceBusQueue):
    """Puts alerts back on one Service Bus queue without sessions."""

    def send(self, body: bytes, *, attempt: int, at: datetime) -> None:
        """Deliver the body not before `at`. Raises as `deliver` does."""
        self.deliver(message_of(body, at=at, properties=of_attempt(attempt)))
