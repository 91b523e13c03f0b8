"""A process that shows counters and histograms to Prometheus, and remembers what each scrape saw.

Native histograms travel in Prometheus' protobuf form alone, so that is what a scrape gets that asks for it.
"""

import math
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
SCHEMA = 3
"""Eight native buckets for each doubling."""

Labels = tuple[tuple[str, str], ...]


class Exporter:
    """One process. Its counters begin at 0 when it begins, and again when it is restarted."""

    def __init__(self) -> None:
        self.address = ""
        self.seen: list[dict[tuple[str, Labels], float]] = []
        """The counters of each scrape."""
        self._counters: dict[tuple[str, Labels], float] = {}
        self._native: dict[tuple[str, Labels], list[float]] = {}
        self._lock = threading.Lock()

    def count(self, name: str, by: float = 1, **labels: str) -> None:
        """Let a counter grow; one that was never counted is not shown."""
        key = (name, tuple(sorted(labels.items())))
        with self._lock:
            self._counters[key] = self._counters.get(key, 0.0) + by

    def observe(self, name: str, *values: float, **labels: str) -> None:
        """Let a native histogram grow."""
        with self._lock:
            self._native.setdefault((name, tuple(sorted(labels.items()))), []).extend(values)

    def restart(self) -> None:
        """Begin again with nothing."""
        with self._lock:
            self._counters.clear()
            self._native.clear()

    def show(self) -> bytes:
        """Return all metrics, as protobuf, for one scrape."""
        with self._lock:
            self.seen.append(dict(self._counters))
            families = [
                _family(name, 0, labels, 3, _double(1, value)) for (name, labels), value in self._counters.items()
            ]
            families += [
                _family(name, 4, labels, 7, _native(values)) for (name, labels), values in self._native.items()
            ]
        return b"".join(_varint(len(family)) + family for family in families)


@contextmanager
def exporter() -> Iterator[Exporter]:
    """Run a process on a free port."""
    process = Exporter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = process.show()
            self.send_response(200)
            self.send_header("Content-Type", PROTOBUF)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    process.address = f"127.0.0.1:{listener.server_port}"
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield process
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


def _family(name: str, kind: int, labels: Labels, field: int, value: bytes) -> bytes:
    pairs = b"".join(_message(1, _text(1, key) + _text(2, text)) for key, text in labels)
    return _text(1, name) + _number(3, kind) + _message(4, pairs + _message(field, value))


def _native(values: list[float]) -> bytes:
    counts: dict[int, int] = {}
    for value in values:
        index = math.ceil(math.log2(value) * 2**SCHEMA - 1e-9)
        counts[index] = counts.get(index, 0) + 1
    spans = deltas = b""
    last_index, last_count = None, 0
    for index in sorted(counts):
        gap = index if last_index is None else index - last_index - 1
        spans += _message(12, _number(1, _zigzag(gap)) + _number(2, 1))
        deltas += _varint(_zigzag(counts[index] - last_count))
        last_index, last_count = index, counts[index]
    head = _number(1, len(values)) + _double(2, sum(values)) + _number(5, _zigzag(SCHEMA)) + _double(6, 1e-128)
    return head + spans + _message(13, deltas)


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, value: str) -> bytes:
    return _message(field, value.encode())
