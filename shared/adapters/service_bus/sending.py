"""One queue on Azure Service Bus, to send to. The Functions trigger receives; here is only the sending side."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from shared.adapters.service_bus.bounded_call import call_within
from shared.adapters.service_bus.errors import translate
from shared.domain.errors import RejectedError, TryLaterError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusSender

_RETRIES: Final = 1
_BACKOFF_SECONDS: Final = 0.5
_MILLISECOND: Final = timedelta(milliseconds=1)


class ServiceBusQueue:
    """Sends messages to one queue.

    One connection, opened by the first send and opened anew after one that failed. The SDK's sender is not
    thread-safe, so threads take turns.
    """

    def __init__(
        self,
        queue_name: str,
        *,
        connection_string: str = "",
        namespace: str = "",
        credential: "TokenCredential | None" = None,
        time_out: timedelta = timedelta(seconds=20),
    ) -> None:
        """Take a connection string, or a fully qualified namespace and a credential for it. Connects to nothing.

        `time_out` bounds a send with all its retries, and the wait for other threads' sends.
        """
        if bool(connection_string) == bool(namespace and credential):
            raise RejectedError("Service Bus needs either a connection string, or a namespace and a credential")
        self._queue_name = queue_name
        self._connection_string = connection_string
        self._namespace = namespace
        self._credential = credential
        self._seconds = time_out.total_seconds()
        self._turn = threading.Lock()
        self._sender: ServiceBusSender | None = None

    def deliver(self, message: "ServiceBusMessage") -> None:
        """Send a message within the time-out.

        Raises `TryLaterError` when Service Bus is unwell, in which case the message may have been sent all the
        same, and `RejectedError` when it refuses: no such queue, no permission, message too large.
        """
        deadline = time.monotonic() + self._seconds
        with self._taking_turns(deadline):
            sender = self._sender or self._open()
            self._sender = None  # until the send has succeeded
            left = deadline - time.monotonic()
            try:
                call_within(left, lambda: sender.send_messages(message, timeout=left))
            except TimeoutError as error:
                _leave(sender.close)
                raise TryLaterError(f"queue {self._queue_name} on Service Bus: {error}") from error
            except Exception as error:
                _leave(sender.close)
                raise translate(error, self._queue_name) from error
            self._sender = sender

    def close(self) -> None:
        """Close the connection, in bounded time. Safe to repeat; a later send opens it again."""
        with self._turn:
            sender, self._sender = self._sender, None
        if sender is not None:
            try:
                call_within(self._seconds, sender.close)
            except Exception as error:
                raise translate(error, self._queue_name) from error

    @contextmanager
    def _taking_turns(self, deadline: float) -> Iterator[None]:
        if not self._turn.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise TryLaterError(f"queue {self._queue_name} on Service Bus: other sends took all the time")
        try:
            yield
        finally:
            self._turn.release()

    def _open(self) -> "ServiceBusSender":
        try:
            return self._client().get_queue_sender(self._queue_name)
        except ValueError as error:
            raise RejectedError(f"queue {self._queue_name} on Service Bus: wrong settings: {error}") from error

    def _client(self) -> "ServiceBusClient":
        from azure.servicebus import ServiceBusClient

        attempt = (self._seconds - _BACKOFF_SECONDS) / (_RETRIES + 1)
        bounds: dict[str, Any] = {
            "retry_total": _RETRIES,
            "retry_mode": "fixed",
            "retry_backoff_factor": _BACKOFF_SECONDS,
            "try_timeout": attempt,
            "auth_timeout": attempt,
        }
        if self._connection_string:
            return ServiceBusClient.from_connection_string(self._connection_string, **bounds)
        assert self._credential is not None
        return ServiceBusClient(self._namespace, self._credential, **bounds)


def message_of(
    body: bytes,
    *,
    at: datetime | None,
    session: str | None = None,
    properties: Mapping[str, str] | None = None,
) -> "ServiceBusMessage":
    """Return a message of JSON with a fresh id, due now or not before `at`."""
    from azure.servicebus import ServiceBusMessage

    carried: Any = dict(properties) if properties else None  # the SDK asks for a dict of just its own kinds
    return ServiceBusMessage(
        body,
        content_type="application/json",
        message_id=str(uuid.uuid4()),
        session_id=session,
        application_properties=carried,
        scheduled_enqueue_time_utc=None if at is None else _rounded_up(at),
    )


def _rounded_up(at: datetime) -> datetime:
    """Return the next whole millisecond: AMQP's times have no more, and a wake-up must not come early."""
    return at + (-at.microsecond % 1000) * (_MILLISECOND / 1000)


def _leave(close: Callable[[], None]) -> None:
    """Close a broken connection without waiting: that takes up to a second, or for ever."""
    threading.Thread(target=_close_broken, args=(close,), name="close-sender", daemon=True).start()


def _close_broken(close: Callable[[], None]) -> None:
    with suppress(Exception):  # it is broken: what broke it was raised already, and its socket ends here
        close()
