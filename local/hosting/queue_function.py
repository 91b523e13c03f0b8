"""Service Bus triggers: takes messages from a queue and hands them to one function.

A message is completed when its function returns and abandoned when it raises; the broker counts
deliveries and dead-letters after the last. On a queue with sessions a place is a session: its messages
are handled in order and one at a time, and it is given back once it was idle for `sessionIdleTimeout`.
"""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any
from uuid import uuid4

from local.hosting.function_index import IndexedFunction, IndexingError
from local.hosting.function_runner import FunctionRunner
from local.hosting.host_file import HostFile
from local.hosting.lock_renewal import LockRenewal
from local.hosting.service_bus_message import message_invocation
from local.hosting.worker_threads import WorkersClosedError
from shared.adapters.sqlite.broker import SqliteBroker
from shared.adapters.sqlite.deliveries import Delivery, LockLostError, is_dead_letter_queue
from shared.domain.errors import SlipwayError, TryLaterError

logger = logging.getLogger(__name__)

_LONGEST_WAIT = 0.25  # in seconds: for what rings no bell here, such as the sends of other processes
_TROUBLE_WAIT = 1.0  # in seconds, before a broker that is unwell is asked again


class QueueFunction(ABC):
    """One function with its queue. `start` begins to take messages, `stop` takes no more."""

    def __init__(
        self,
        function: IndexedFunction,
        *,
        broker: SqliteBroker,
        runner: FunctionRunner,
        renewal: LockRenewal,
        host_file: HostFile,
        now: Callable[[], datetime],
    ) -> None:
        self.function = function
        self.queue = str(function.trigger.options["queueName"])
        self._broker = broker
        self._runner = runner
        self._renewal = renewal
        self._host_file = host_file
        self._now = now
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    @abstractmethod
    def start(self) -> None:
        """Declare the queue and begin."""

    def stop(self) -> None:
        """Take no more messages; those that are being handled go on."""
        self._stopping.set()

    def join(self, timeout: float) -> None:
        """Wait up to `timeout` seconds until what was being handled is settled."""
        deadline = monotonic() + timeout
        for thread in self._threads:
            thread.join(max(deadline - monotonic(), 0))

    def _spawn(self, name: str, turn: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._repeat, args=(turn,), name=f"{self.queue}-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _repeat(self, turn: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                turn()
            except WorkersClosedError:
                return
            except SlipwayError as error:
                logger.warning("Queue %s: %s", self.queue, error)
                self._stopping.wait(_TROUBLE_WAIT)

    def _await_news(self, seen: int) -> None:
        """Sleep until a message may have become available since revision `seen`."""
        due = self._broker.next_due(self.queue)
        left = _LONGEST_WAIT if due is None else (due - self._now()).total_seconds()
        if left > 0:
            self._broker.wait(min(left, _LONGEST_WAIT), seen=seen)

    def _settle(self, delivery: Delivery, call: "Future[Any]") -> None:
        """Wait for the call, then complete or abandon."""
        failed = call.exception() is not None  # its traceback is in the log already
        try:
            if failed:
                self._broker.abandon(delivery)
            elif self._host_file.auto_complete:
                self._broker.complete(delivery)
        except LockLostError as error:
            logger.warning("Message %s comes again: %s", delivery.message_id, error)

    def _lock_seconds(self, until: datetime) -> float:
        return max((until - self._now()).total_seconds(), 0.1)


class PlainQueueFunction(QueueFunction):
    """A queue without sessions: `maxConcurrentCalls` messages at once, in no promised order.

    A dead-letter queue is one of these, also that of a queue with sessions; its queue brings it along.
    """

    def start(self) -> None:
        """Declare the queue and begin."""
        if not is_dead_letter_queue(self.queue):
            self._broker.declare(self.queue, sessions=False)
        self._places = threading.Semaphore(self._host_file.max_concurrent_calls)
        self._spawn("receiver", self._receive)

    def _receive(self) -> None:
        self._places.acquire()
        delivery = None
        try:
            seen = self._broker.revision
            if not self._stopping.is_set():
                delivery = self._broker.receive(self.queue, owner=self.function.name)
        finally:
            if delivery is None:
                self._places.release()
        if delivery is None:
            self._await_news(seen)
        else:
            self._handle(delivery)

    def _handle(self, delivery: Delivery) -> None:
        hold = self._renewal.keep(
            partial(self._broker.renew, delivery),
            every=self._lock_seconds(delivery.locked_until) / 2,
            at_most=self._host_file.max_auto_lock_renewal.total_seconds(),
        )
        call = self._runner.start(self.function, message_invocation(self.function, delivery))

        def done(call: "Future[Any]") -> None:
            hold.release()
            try:
                self._settle(delivery, call)
            except SlipwayError as error:
                logger.warning("Message %s comes again: %s", delivery.message_id, error)
            finally:
                self._places.release()

        call.add_done_callback(done)


class SessionQueueFunction(QueueFunction):
    """A queue with sessions: `maxConcurrentSessions` of them at once."""

    def start(self) -> None:
        """Declare the queue and begin."""
        self._broker.declare(self.queue, sessions=True)
        self._door = threading.Lock()
        for number in range(self._host_file.max_concurrent_sessions):
            self._spawn(f"session-{number}", self._serve_next)

    def _serve_next(self) -> None:
        owner = str(uuid4())
        session = self._accept(owner)
        if session is None:
            return
        try:
            self._serve(session, owner)
        except LockLostError as error:
            logger.warning("Session %s of queue %s is lost: %s", session, self.queue, error)
        finally:
            self._give_back(session, owner)

    def _give_back(self, session: str, owner: str) -> None:
        """Give the session back as soon as the broker takes it: else its messages wait for the lock to run out."""
        while True:
            try:
                self._broker.release_session(self.queue, session, owner)
            except TryLaterError as error:
                logger.warning("Session %s of queue %s is given back later: %s", session, self.queue, error)
                if self._stopping.wait(_TROUBLE_WAIT):
                    return
            else:
                return

    def _accept(self, owner: str) -> str | None:
        """Wait for a free session. One thread at a time waits here: news need not wake them all."""
        with self._door:
            while not self._stopping.is_set():
                seen = self._broker.revision
                session = self._broker.accept_next_session(self.queue, owner)
                if session is not None:
                    return session
                self._await_news(seen)
        return None

    def _serve(self, session: str, owner: str) -> None:
        renew = partial(self._broker.renew_session, self.queue, session, owner)
        idle = self._host_file.session_idle_timeout.total_seconds()
        with self._renewal.keep(
            renew,
            every=self._lock_seconds(renew()) / 2,
            at_most=self._host_file.max_auto_lock_renewal.total_seconds(),
        ) as hold:
            idle_since = monotonic()
            while not self._stopping.is_set():
                seen = self._broker.revision
                delivery = self._broker.receive(self.queue, session=session, owner=owner)
                if delivery is not None:
                    hold.restart()
                    self._handle(delivery)
                    idle_since = monotonic()
                elif (left := idle_since + idle - monotonic()) > 0:
                    self._broker.wait(min(left, _LONGEST_WAIT), seen=seen)
                else:
                    return

    def _handle(self, delivery: Delivery) -> None:
        self._settle(delivery, self._runner.start(self.function, message_invocation(self.function, delivery)))


def queue_function_type(function: IndexedFunction) -> type[QueueFunction]:
    """Return the kind of queue that the trigger is for. Raises `IndexingError` for a topic or a batch."""
    options = function.trigger.options
    if "queueName" not in options:
        raise IndexingError(f"function {function.name}: only queues are supported here, not topics")
    if str(options.get("cardinality", "one")).lower() == "many":
        raise IndexingError(f"function {function.name}: batches are not supported here")
    return SessionQueueFunction if options.get("isSessionsEnabled") else PlainQueueFunction
