"""A test broker that speaks as much AMQP 1.0 as the real Service Bus SDK needs, on loopback.

The protocol is here; the queues are the SQLite broker's, so messages outlive the process and the
duplicate window holds. Queues are declared through that same file. Not here: topics, transactions,
deferral, peeking, session state.

    python -m tests.amqp_broker PORT FILE [--lock-seconds 30] [--max-delivery-count 10] [--duplicate-seconds 600]

The clock runs `FILE.clock` seconds ahead, so that a test can let a lock run out without waiting.
"""

import argparse
import base64
import hashlib
import hmac
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from proton import (
    UNDESCRIBED,
    Array,
    Condition,
    Data,
    Described,
    Endpoint,
    Handler,
    Link,
    Message,
    Terminus,
    int32,
    symbol,
    timestamp,
    ulong,
)
from proton import Delivery as Transfer
from proton.reactor import Container

from shared.adapters.sqlite.broker import SqliteBroker
from shared.adapters.sqlite.deliveries import Delivery, LockLostError
from shared.domain.errors import RejectedError
from tests.ports import free_port

KEY = "loopback-key"
MAX_MESSAGE_BYTES = 256 * 1024

_HEADER, _DELIVERY_ANNOTATIONS, _ANNOTATIONS, _PROPERTIES, _APPLICATION_PROPERTIES, _DATA = range(0x70, 0x76)
_MESSAGE_ID, _GROUP_ID = 0, 10
_DUE = symbol("x-opt-scheduled-enqueue-time")
_SESSION_FILTER = symbol("com.microsoft:session-filter")
_TOO_LARGE = "amqp:link:message-size-exceeded"
_TICKS_AT_1970 = 621_355_968_000_000_000


class BrokerProcess:
    """The broker as a process of its own, to be killed, frozen and started again on the same port and file."""

    def __init__(self, file: Path, *options: str) -> None:
        self._file = file
        self._options = options
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._clock = _OffsetClock(file)
        self.queues = SqliteBroker(file, now=self._clock.now)
        """A second way into the same queues."""

    @property
    def endpoint(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._port}"

    @property
    def connection_string(self) -> str:
        """What a client with the right key connects with."""
        return self.connection_string_with(KEY)

    def connection_string_with(self, key: str) -> str:
        """What a client with this key connects with."""
        return (
            f"Endpoint=sb://{self.endpoint};SharedAccessKeyName=test;SharedAccessKey={key};UseDevelopmentEmulator=true"
        )

    def now(self) -> datetime:
        """The broker's time."""
        return self._clock.now()

    def advance(self, seconds: float) -> None:
        """Let time pass for the broker, and only for it."""
        self._clock.advance(seconds)

    def start(self) -> None:
        """Start the process and return when it listens."""
        arguments = [sys.executable, "-m", "tests.amqp_broker", str(self._port), str(self._file), *self._options]
        self._process = subprocess.Popen(arguments, cwd=Path(__file__).parent.parent)
        _await_listening(self._port, self._process)

    def kill(self) -> None:
        """End the process at once, whatever it was doing. Safe to repeat."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Keep connections open and accepted by the kernel, but answer nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after `freeze`."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def close(self) -> None:
        """End the process and let go of the file."""
        self.kill()
        self.queues.close()


class _OffsetClock:
    """The machine's clock, moved ahead by the seconds that a file beside the queues names."""

    def __init__(self, file: Path) -> None:
        self._file = file.with_name(file.name + ".clock")

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._offset())

    def advance(self, seconds: float) -> None:
        ahead = self._offset() + seconds
        fresh = self._file.with_name(self._file.name + ".new")
        fresh.write_text(str(ahead))
        fresh.replace(self._file)

    def _offset(self) -> float:
        try:
            return float(self._file.read_text())
        except FileNotFoundError:
            return 0.0


def _await_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        assert process.poll() is None, "the broker ended before it listened"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError("the broker does not listen")


@dataclass
class _Outlet:
    """One link that a client receives from, with what it has on loan."""

    queue: str
    owner: str
    session: str | None = None
    loans: dict[bytes, Delivery] = field(default_factory=dict)


@dataclass
class _Waiter:
    """An attach that is withheld until its session is free."""

    link: Link
    queue: str
    session: str | None
    until: float


class AmqpFrontEnd(Handler):
    """Translates between AMQP performatives and the queues.

    Not a `MessagingHandler`: that one opens every link by itself, so an attach could not wait for a session.
    """

    def __init__(self, port: int, queues: SqliteBroker) -> None:
        self.handlers: list[Handler] = []
        self._port = port
        self._queues = queues
        self._outlets: dict[Link, _Outlet] = {}
        self._waiters: list[_Waiter] = []
        self._replies: dict[tuple[Any, str], Link] = {}

    def on_reactor_init(self, event: Any) -> None:
        self._container = event.container
        self._container.listen(f"127.0.0.1:{self._port}")
        self._container.schedule(0.02, self)
        self._parent = os.getppid()

    def on_timer_task(self, event: Any) -> None:
        if os.getppid() != self._parent:
            os._exit(1)  # whoever started it is gone
        self._pump()
        self._container.schedule(0.02, self)

    def on_connection_remote_open(self, event: Any) -> None:
        event.connection.container = "test-broker"
        event.connection.open()

    def on_connection_remote_close(self, event: Any) -> None:
        self._forget(event.connection)
        event.connection.close()

    def on_transport_closed(self, event: Any) -> None:
        self._forget(event.connection)

    def on_session_remote_open(self, event: Any) -> None:
        event.session.open()

    def on_session_remote_close(self, event: Any) -> None:
        event.session.close()

    def on_unhandled(self, method: str, *arguments: Any) -> None:
        pass

    def on_link_remote_open(self, event: Any) -> None:
        link = event.link
        link.source.copy(link.remote_source)
        link.target.copy(link.remote_target)
        if link.is_receiver:
            self._open_inlet(link)
        elif _is_service(_address(link.remote_source.address)):
            link.open()
            self._replies[event.connection, _address(link.remote_source.address)] = link
        else:
            self._open_outlet(link)

    def on_link_remote_close(self, event: Any) -> None:
        self._drop(event.link)
        event.link.close()

    def on_link_flow(self, event: Any) -> None:
        if event.link in self._outlets:
            self._pump()
            if event.link.drain_mode:
                event.link.drained()

    def on_delivery(self, event: Any) -> None:
        transfer = event.delivery
        if event.link.is_receiver:
            if transfer.readable and not transfer.partial:
                self._take_in(transfer, event.link)
        elif transfer.updated and transfer.remote_state:
            self._settle(transfer, event.link)
        self._pump()

    def _open_inlet(self, link: Link) -> None:
        address = _address(link.remote_target.address)
        if not _is_service(address) and self._sessions_of(address) is None:
            _refuse(link, "amqp:not-found", f"The messaging entity '{address}' could not be found.")
            return
        link.max_message_size = MAX_MESSAGE_BYTES
        link.open()
        link.flow(100)

    def _open_outlet(self, link: Link) -> None:
        queue = _address(link.remote_source.address)
        sessions, wanted = self._sessions_of(queue), _session_filter(link)
        if sessions is None:
            _refuse(link, "amqp:not-found", f"The messaging entity '{queue}' could not be found.")
        elif sessions and not wanted:
            _refuse(link, "amqp:not-allowed", "It is not possible for an entity that requires sessions.")
        elif sessions:
            seconds = (link.remote_properties or {}).get("com.microsoft:timeout", 65_000) / 1000
            self._waiters.append(_Waiter(link, queue, wanted[0], time.monotonic() + seconds))
            self._pump()
        else:
            link.open()
            self._outlets[link] = _Outlet(queue, owner=str(uuid.uuid4()))

    def _sessions_of(self, queue: str) -> bool | None:
        try:
            return self._queues.has_sessions(queue)
        except RejectedError:
            return None

    def _pump(self) -> None:
        for waiter in tuple(self._waiters):
            self._serve(waiter)
        for link, outlet in tuple(self._outlets.items()):
            self._feed(link, outlet)

    def _serve(self, waiter: _Waiter) -> None:
        owner = str(uuid.uuid4())
        session = waiter.session
        if session is None:
            session = self._queues.accept_next_session(waiter.queue, owner)
        elif not self._queues.accept_session(waiter.queue, session, owner):
            session = None
        if session is not None:
            self._waiters.remove(waiter)
            self._open_session(waiter, session, owner)
        elif time.monotonic() > waiter.until:
            self._waiters.remove(waiter)
            _refuse(waiter.link, "com.microsoft:timeout", "No session became available.")

    def _open_session(self, waiter: _Waiter, session: str, owner: str) -> None:
        link = waiter.link
        until = self._queues.renew_session(waiter.queue, session, owner)
        link.source.filter.clear()
        link.source.filter.put_dict({_SESSION_FILTER: session})
        ticks = _TICKS_AT_1970 + _milliseconds(until) * 10_000
        link.properties = {symbol("com.microsoft:locked-until-utc"): ticks}
        link.open()
        self._outlets[link] = _Outlet(waiter.queue, owner, session)

    def _feed(self, link: Link, outlet: _Outlet) -> None:
        try:
            while link.credit > 0:
                delivery = self._queues.receive(outlet.queue, session=outlet.session, owner=outlet.owner)
                if delivery is None:
                    return
                tag = uuid.UUID(delivery.lock_token).bytes_le
                outlet.loans[tag] = delivery
                link.delivery(tag).loan = tag  # proton cannot give a binary tag back
                link.send(_outgoing(delivery))
                link.advance()
        except LockLostError as lost:
            del self._outlets[link]
            link.condition = Condition("com.microsoft:session-lock-lost", str(lost))
            link.close()

    def _take_in(self, transfer: Transfer, link: Link) -> None:
        raw = link.recv(transfer.pending)
        link.advance()
        address = _address(link.remote_target.address)
        try:
            if _is_service(address):
                self._answer(link, address, raw)
            else:
                for one in _unpacked(raw):
                    self._send(address, one)
            transfer.update(Transfer.ACCEPTED)
        except RejectedError as refused:
            too_large = len(raw) > MAX_MESSAGE_BYTES
            transfer.local.condition = _because(_TOO_LARGE if too_large else "amqp:not-allowed", refused)
            transfer.update(Transfer.REJECTED)
        transfer.settle()
        link.flow(1)

    def _send(self, queue: str, raw: bytes) -> int:
        parts = {code: value for code, value, _ in _sections(raw)}
        due = parts.get(_ANNOTATIONS, {}).get(_DUE)
        return self._queues.send(
            queue,
            raw,
            message_id=str(_listed(parts.get(_PROPERTIES), _MESSAGE_ID) or uuid.uuid4()),
            session_id=_listed(parts.get(_PROPERTIES), _GROUP_ID),
            at=None if due is None else datetime.fromtimestamp(int(due) / 1000, UTC),
        )

    def _settle(self, transfer: Transfer, link: Link) -> None:
        outlet = self._outlets.get(link)
        delivery = outlet.loans.pop(transfer.loan, None) if outlet else None
        try:
            if delivery is None:
                raise LockLostError("the link does not hold this message")
            self._apply(transfer, delivery)
            transfer.update(transfer.remote_state)
        except LockLostError as lost:
            transfer.local.condition = _because("com.microsoft:message-lock-lost", lost)
            transfer.update(Transfer.REJECTED)
        transfer.settle()

    def _apply(self, transfer: Transfer, delivery: Delivery) -> None:
        match transfer.remote_state:
            case Transfer.ACCEPTED:
                self._queues.complete(delivery)
            case Transfer.MODIFIED:
                self._queues.abandon(delivery)
            case Transfer.RELEASED:
                self._queues.release(delivery)
            case Transfer.REJECTED:
                condition = transfer.remote.condition
                why = {str(name): str(text) for name, text in ((condition and condition.info) or {}).items()}
                self._queues.dead_letter(
                    delivery, why.get("DeadLetterReason", ""), why.get("DeadLetterErrorDescription", "")
                )

    def _answer(self, link: Link, address: str, raw: bytes) -> None:
        request = Message()
        request.decode(raw)
        status, body, condition = self._do(address, request)
        properties: dict[str, Any] = {"statusCode": int32(status), "status-code": int32(status)}
        properties |= {"statusDescription": condition, "status-description": condition}
        if condition:
            properties["errorCondition"] = symbol(condition)
        reply = Message(body=body, properties=properties, correlation_id=request.id)
        reply.inferred = False
        self._replies[link.connection, address].send(reply).settle()

    def _do(self, address: str, request: Message) -> tuple[int, Any, str]:
        operation = (request.properties or {}).get("operation", "")
        queue = address.rpartition("/")[0]
        try:
            match operation:
                case "put-token":
                    return self._judge_token(request)
                case "com.microsoft:schedule-message":
                    numbers = [self._send(queue, bytes(one["message"])) for one in request.body["messages"]]
                    return 200, {"sequence-numbers": Array(UNDESCRIBED, Data.LONG, *numbers)}, ""
                case "com.microsoft:cancel-scheduled-message":
                    wanted = request.body["sequence-numbers"].elements
                    cancelled = [self._queues.cancel(queue, int(number)) for number in wanted]
                    return (200, {}, "") if all(cancelled) else (404, {}, "com.microsoft:message-not-found")
                case "com.microsoft:renew-lock":
                    until = [self._renew(token) for token in request.body["lock-tokens"].elements]
                    return 200, {"expirations": Array(UNDESCRIBED, Data.TIMESTAMP, *until)}, ""
                case "com.microsoft:renew-session-lock":
                    return 200, {"expiration": self._renew_session(queue, request.body["session-id"])}, ""
        except LockLostError:
            return 410, {}, f"com.microsoft:{'session' if 'session' in operation else 'message'}-lock-lost"
        except RejectedError:
            return 400, {}, "com.microsoft:argument-error"
        return 501, {}, "amqp:not-implemented"

    def _judge_token(self, request: Message) -> tuple[int, Any, str]:
        """Answer as Service Bus does: 401 first, and 404 for a queue that is not there already here."""
        if not _is_good(request.body):
            return 401, None, "amqp:unauthorized-access"
        queue = _address(request.properties["name"]).removesuffix("/$management")
        return (202, None, "") if self._sessions_of(queue) is not None else (404, None, "amqp:not-found")

    def _renew(self, token: uuid.UUID) -> timestamp:
        for outlet in self._outlets.values():
            if token.bytes_le in outlet.loans:
                renewed = self._queues.renew(outlet.loans[token.bytes_le])
                return timestamp(_milliseconds(renewed.locked_until))
        raise LockLostError("no link holds this message")

    def _renew_session(self, queue: str, session: str) -> timestamp:
        for outlet in self._outlets.values():
            if (outlet.queue, outlet.session) == (queue, session):
                return timestamp(_milliseconds(self._queues.renew_session(queue, session, outlet.owner)))
        raise LockLostError("no link holds this session")

    def _drop(self, link: Link) -> None:
        self._waiters = [waiter for waiter in self._waiters if waiter.link != link]
        outlet = self._outlets.pop(link, None)
        if outlet is not None and outlet.session is not None:
            self._queues.release_session(outlet.queue, outlet.session, outlet.owner)

    def _forget(self, connection: Any) -> None:
        links = [waiter.link for waiter in self._waiters] + list(self._outlets)
        for link in links:
            if link.connection == connection:
                self._drop(link)
        self._replies = {at: link for at, link in self._replies.items() if at[0] != connection}


def _address(address: str | None) -> str:
    """Strip `amqps://host/` from a node's address."""
    path = (address or "").partition("://")[2] or f"/{address or ''}"
    return path.partition("/")[2]


def _is_service(address: str) -> bool:
    return address == "$cbs" or address.endswith("/$management")


def _refuse(link: Link, condition: str, text: str) -> None:
    """Refuse an attach as AMQP asks for: answered with no terminus, then detached with the reason."""
    terminus = link.target if link.is_receiver else link.source
    terminus.type = Terminus.UNSPECIFIED
    if not link.state & Endpoint.LOCAL_ACTIVE:
        link.open()
    link.condition = Condition(condition, text)
    link.close()


def _because(condition: str, error: Exception) -> Condition:
    """Say why a transfer is rejected. The SDK waits for ever when the info map is missing."""
    return Condition(condition, str(error), {symbol("tracking"): "test-broker"})


def _session_filter(link: Link) -> tuple[str | None] | None:
    """Return the session that the client asks for in a tuple (None in it: any), or None when it asks for none."""
    wanted = link.remote_source.filter
    wanted.rewind()
    filters = wanted.get_object() if wanted.next() else {}
    if _SESSION_FILTER not in (filters or {}):
        return None
    session = filters[_SESSION_FILTER]
    return (session.value if isinstance(session, Described) else session,)


def _is_good(token: Any) -> bool:
    """Check a shared access signature made with `KEY`; `KEY` itself passes as a bearer token."""
    if token == KEY:
        return True
    fields = dict(parse_qsl(str(token).removeprefix("SharedAccessSignature ")))
    signed = str(token).partition("sr=")[2].partition("&")[0] + "\n" + fields.get("se", "")
    digest = hmac.new(KEY.encode(), signed.encode(), hashlib.sha256).digest()
    return unquote(fields.get("sig", "")) == base64.b64encode(digest).decode()


def _unpacked(raw: bytes) -> Iterator[bytes]:
    """Yield the messages of a transfer. A batch is data sections that are messages; proton hides the format code."""
    inner = [bytes(value) for code, value, _ in _sections(raw) if code == _DATA]
    if inner and all(_is_message(one) for one in inner):
        yield from inner
    else:
        yield raw


def _is_message(raw: bytes) -> bool:
    if not raw.startswith(b"\0S"):
        return False
    try:
        return bool(_sections(raw))
    except Exception:  # noqa: BLE001 - proton raises its own, struct's and index errors for bytes that are no AMQP
        return False


def _sections(raw: bytes) -> list[tuple[int, Any, bytes]]:
    """Split an encoded message into (descriptor, value, bytes) of its sections."""
    found = []
    while raw:
        data = Data()
        length = data.decode(raw)
        data.rewind()
        data.next()
        section = data.get_object()
        value = section.value
        if isinstance(value, memoryview):
            value = bytes(value)  # the view dies with `data`
        found.append((int(section.descriptor), value, bytes(raw[:length])))
        raw = raw[length:]
    return found


def _listed(values: Any, at: int) -> Any:
    return values[at] if values is not None and len(values) > at else None


def _outgoing(delivery: Delivery) -> bytes:
    """Encode the message as it was sent, with the broker's own header and annotations."""
    sections = _sections(delivery.body)
    annotations = _merged(sections, _ANNOTATIONS)
    annotations.pop(_DUE, None)
    annotations |= {
        symbol("x-opt-sequence-number"): delivery.sequence,
        symbol("x-opt-enqueue-sequence-number"): delivery.sequence,
        symbol("x-opt-enqueued-time"): timestamp(_milliseconds(delivery.enqueued)),
        symbol("x-opt-locked-until"): timestamp(_milliseconds(delivery.locked_until)),
    }
    application = _merged(sections, _APPLICATION_PROPERTIES) | dict(delivery.properties)
    middle = b"".join(part for code, _, part in sections if code == _PROPERTIES)
    body = b"".join(part for code, _, part in sections if code > _APPLICATION_PROPERTIES)
    return b"".join(
        (
            _header(delivery.delivery_count - 1),
            _section(_ANNOTATIONS, annotations),
            middle,
            _section(_APPLICATION_PROPERTIES, application),
            body,
        )
    )


def _merged(sections: list[tuple[int, Any, bytes]], wanted: int) -> dict[Any, Any]:
    return {name: value for code, values, _ in sections if code == wanted for name, value in values.items()}


def _header(earlier_deliveries: int) -> bytes:
    data = Data()
    data.put_described()
    data.enter()
    data.put_ulong(_HEADER)
    data.put_list()
    data.enter()
    data.put_bool(True)
    for _ in range(3):
        data.put_null()
    data.put_uint(earlier_deliveries)
    data.exit()
    data.exit()
    return bytes(data.encode())


def _section(code: int, value: dict[Any, Any]) -> bytes:
    data = Data()
    data.put_object(Described(ulong(code), value))
    return bytes(data.encode())


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("port", type=int)
    arguments.add_argument("file", type=Path)
    arguments.add_argument("--lock-seconds", type=float, default=30)
    arguments.add_argument("--max-delivery-count", type=int, default=10)
    arguments.add_argument("--duplicate-seconds", type=float, default=600)
    chosen = arguments.parse_args()
    queues = SqliteBroker(
        chosen.file,
        now=_OffsetClock(chosen.file).now,
        lock_duration=timedelta(seconds=chosen.lock_seconds),
        max_delivery_count=chosen.max_delivery_count,
        duplicate_window=timedelta(seconds=chosen.duplicate_seconds),
    )
    Container(AmqpFrontEnd(chosen.port, queues)).run()


if __name__ == "__main__":
    _main()
