"""The other side of the hooks: it works once for each id, however often it is called, and says so until it is heard."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.faults.host_process import HEADERS
from tests.sandbox import fetch

WORK_SECONDS = 0.4
CALLS_BACK = "smoke"
"""The hook that is answered 202, and whose end is told by a callback; all others are done when they are answered."""


@dataclass(slots=True)
class HookSide:
    """What was called, by the id of the call."""

    url: str = ""
    calls: Counter[str] = field(default_factory=Counter)
    unheard: list[str] = field(default_factory=list)
    """Calls whose end nobody took."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, body: bytes) -> int:
        """Take one call, and return the status of the answer."""
        document = json.loads(body)
        with self._lock:
            self.calls[document["id"]] += 1
            is_new = self.calls[document["id"]] == 1
        if document["hook"] != CALLS_BACK:
            return 200
        if is_new:
            work = threading.Thread(target=self._work, args=(document["id"], document["callback"]), daemon=True)
            work.start()
        return 202

    def _work(self, call_id: str, callback: str) -> None:
        time.sleep(WORK_SECONDS)
        for _ in range(2):  # whoever calls back may do so twice, too
            if not self._is_heard(callback):
                self.unheard.append(call_id)

    def _is_heard(self, callback: str) -> bool:
        ends = time.monotonic() + 300
        while time.monotonic() < ends:
            try:
                answer = fetch(callback, method="POST", body={"status": "succeeded"}, headers=dict(HEADERS))
            except Exception:  # noqa: BLE001 - the host is down or dies just now, in whatever way that shows
                time.sleep(0.2)
                continue
            if answer.status < 500:
                return answer.status == 202
            time.sleep(0.2)
        return False


@contextmanager
def answering(side: HookSide) -> Iterator[HookSide]:
    """Answer on a free port of loopback while inside."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = side.take(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Stay silent: what was called is counted."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    side.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield side
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
