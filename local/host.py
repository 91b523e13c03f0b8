"""The development Functions host: runs an Azure Functions app of the Python v2 model in this process.

It indexes the app as Azure's host does, serves its HTTP triggers and the Event Grid webhook on loopback,
feeds its Service Bus triggers from the embedded broker, fires its timers, and hands functions the very
objects that Microsoft's worker would. `python -m local.host --data DIR` runs `function_app.app` until
SIGTERM or Ctrl-C.
"""

import argparse
import importlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from uuid import uuid4

import azure.functions as func
from aiohttp import web

from local.hosting import event_grid, worker_threads
from local.hosting.event_grid import EventGridWebhook
from local.hosting.function_index import index_functions, of_kind
from local.hosting.function_runner import FunctionRunner
from local.hosting.host_file import HostFile
from local.hosting.http_functions import HttpFunctions
from local.hosting.http_server import HttpServer
from local.hosting.keys import HostKeys
from local.hosting.lock_renewal import LockRenewal
from local.hosting.queue_function import QueueFunction, queue_function_type
from local.hosting.state_file import StateFileError
from local.hosting.timer_functions import TimerFunction, TimerMonitor
from local.hosting.worker_threads import WorkerThreads
from shared.adapters.sqlite.broker import SqliteBroker
from shared.bootstrap import embedded_broker
from shared.domain.errors import SlipwayError

ROOT = Path(__file__).resolve().parent.parent
BODY_LIMIT = 104_857_600
"""The largest request body in bytes, as in Azure."""
STOP_GRACE = 10.0
"""How many seconds running functions get when the host stops."""


def utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


class FunctionsHost:
    """Hosts one app: `start`, then `stop` once; `wait` returns when it has stopped.

    The constructor raises `IndexingError` (a `ValueError`) for an app that cannot be hosted, naming the
    function and what is wrong with it.
    """

    def __init__(
        self,
        app: func.FunctionApp,
        *,
        settings: Mapping[str, str],
        broker: SqliteBroker,
        host_json: Path,
        address: str = "127.0.0.1",
        port: int = 7071,
        keys: HostKeys | None = None,
        timer_file: Path | None = None,
        body_limit: int = BODY_LIMIT,
        stop_grace: float = STOP_GRACE,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.keys = keys or HostKeys.fresh()
        self.functions = index_functions(app, settings)
        host_file = HostFile.read(host_json)
        self._address = address
        self._stop_grace = stop_grace
        self._broker = broker
        self._threads = WorkerThreads(worker_threads.size_from(settings))
        self._renewal = LockRenewal()
        runner = FunctionRunner(self._threads, self._send, str(host_json.parent))
        self._queues: list[QueueFunction] = [
            queue_function_type(each)(
                each, broker=broker, runner=runner, renewal=self._renewal, host_file=host_file, now=now
            )
            for each in of_kind(self.functions, "serviceBusTrigger")
        ]
        monitor = TimerMonitor(timer_file)
        self._timers = [TimerFunction(each, runner, monitor, now) for each in of_kind(self.functions, "timerTrigger")]
        self._listeners: tuple[QueueFunction | TimerFunction, ...] = (*self._queues, *self._timers)
        self._http = HttpFunctions(of_kind(self.functions, "httpTrigger"), host_file.route_prefix, self.keys, runner)
        self._event_grid = EventGridWebhook(of_kind(self.functions, "eventGridTrigger"), self.keys, runner)
        self._server = HttpServer(self._answer, address=address, port=port, body_limit=body_limit, grace=stop_grace)
        self._stopped = threading.Event()
        self.url = ""

    def start(self, *, listening: Callable[[str], None] = lambda _: None) -> str:
        """Begin to take requests, messages and time; return the URL. Raises `OSError` for a taken port.

        `listening` is told the URL before any message or timer. Messages that a killed host held are available at
        once: the embedded queue has one host only.
        """
        self.url = f"http://{self._address}:{self._server.start()}"
        listening(self.url)
        self._renewal.start()
        self._broker.release_locks()
        for each in self._listeners:
            each.start()
        return self.url

    def stop(self) -> None:
        """Take nothing new, and give what runs the grace to finish. Safe to repeat."""
        deadline = monotonic() + self._stop_grace
        for each in self._listeners:
            each.stop()
        self._server.stop()
        self._threads.drain(max(deadline - monotonic(), 0))
        for queue in self._queues:
            queue.join(max(deadline - monotonic(), 1))
        self._renewal.stop()
        self._threads.close()
        self._stopped.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the host has stopped, at most `timeout` seconds; say whether it has."""
        return self._stopped.wait(timeout)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.rstrip("/").lower() == event_grid.PATH:
            return await self._event_grid.answer(request)
        return await self._http.answer(request)

    def _send(self, queue: str, body: bytes) -> None:
        self._broker.send(queue, body, message_id=str(uuid4()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the app until SIGTERM or Ctrl-C. Prints one line `ready URL` once it takes requests."""
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if options.lifeline:
        threading.Thread(target=_end_with_parent, name="lifeline", daemon=True).start()
    try:
        with suppress(KeyboardInterrupt):
            _serve(options.app, options.data, options.port, options.stop_grace)
    except (SlipwayError, StateFileError) as error:
        sys.exit(f"the host cannot start: {error}")


def _serve(app: Path, data: Path, port: int, stop_grace: float) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys = HostKeys.kept_in(data / "host-keys.json")
    except OSError as error:
        sys.exit(f"the host cannot start, for the folder of its state cannot be used: {error}")
    settings = app_settings(app, data)
    os.environ.update(settings)
    logging.basicConfig(level=settings.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(message)s")
    sys.path.insert(0, str(app))
    with closing(embedded_broker(data)) as broker:
        host = FunctionsHost(
            importlib.import_module("function_app").app,
            settings=settings,
            broker=broker,
            host_json=app / "host.json",
            port=port,
            keys=keys,
            timer_file=data / "timers.json",
            stop_grace=stop_grace,
        )
        try:
            print(f"ready {host.start(listening=_tell_address)}", flush=True)
            host.wait()
        except OSError as error:
            sys.exit(f"cannot listen on port {port}: {error}")
        finally:
            host.stop()


def _tell_address(url: str) -> None:
    """Tell the app where it is reached, as App Service does by a setting of its own, unless somebody did."""
    os.environ.setdefault("SLIPWAY_ADDRESS", url)


def _end_with_parent() -> None:
    """Stop when standard input closes: whoever started this is gone, even if by `kill -9`."""
    sys.stdin.read()
    # To the main thread itself: a signal to the process may be taken by another one, and then nothing wakes this one.
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def app_settings(app: Path, data: Path) -> dict[str, str]:
    """Return the app's settings as Core Tools would set them, with `data` as the folder of the embedded state.

    Those of `local.settings.json`, or else of its example, and over them this process's environment.
    """
    files = (app / "local.settings.json", app / "local.settings.example.json")
    found = next((each for each in files if each.exists()), None)
    values = json.loads(found.read_text()).get("Values", {}) if found else {}
    return {**values, **os.environ, "SLIPWAY_DATA": str(data)}


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.host", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the host's state")
    parser.add_argument("--port", type=int, default=7071, help="0 takes a free one")
    parser.add_argument("--app", type=Path, default=ROOT, help="folder with function_app.py and host.json")
    parser.add_argument("--lifeline", action="store_true", help="stop when standard input closes")
    parser.add_argument("--stop-grace", type=float, default=STOP_GRACE, help="seconds for what runs at the end")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
