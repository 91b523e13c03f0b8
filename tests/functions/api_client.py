"""The real function_app.app in the development host, in this process: `with running_api(folder) as api: ...`.

Azure is out of reach (a closed port on loopback), so rollouts that are driven stay in preflight. With
`driven=False` nobody takes the wake-ups: what was accepted stays accepted. A world on a virtual clock can drive
the same files instead (`tests/scenario/world.py`).
"""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit
from uuid import uuid4

from local.host import FunctionsHost, app_settings
from local.hosting.function_index import Binding, index_functions, of_kind
from shared import bootstrap
from shared.adapters.sqlite.broker import SqliteBroker

ROOT = Path(__file__).resolve().parents[2]
KEY = "the-operators-key-0123456789"
SECOND_KEY = "another-operators-key-0123456789"
ALERT_KEY = "the-alert-sources-key-0123456789"
OTHER_SOURCE_KEY = "some-other-sources-key-0123456789"
SENDERS_KEY = "the-senders-key-0123456789"
FLAGGER_KEY = "the-clusters-key-0123456789"
HOOKS_KEY = "the-hooks-key-0123456789"
SHOP_HOOKS_KEY = "the-hooks-of-shop-key-0123456789"
HOOK_SECRET = "what-calls-are-signed-with-0123456789"
SITE = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Web/sites/shop"
SPEC: dict[str, Any] = {
    "application": "shop",
    "targets": [{"name": "web", "kind": "app-service-slot", "resource": SITE, "slot": "candidate"}],
    "strategy": {"canary": {"steps": [5, 25, 50]}},
}
ALERTS = "slipway-alerts"
A_CALL = "shop-0123456789ab.0.smoke"
"""The id of a hook's call that nobody made."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def location(self) -> str:
        return self.headers["location"]


@dataclass(frozen=True, slots=True)
class Api:
    """A client of the running API, with an operator's key unless told otherwise."""

    url: str
    data: Path
    broker: SqliteBroker

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        key: str | None = KEY,
    ) -> Answer:
        """One exchange; a body that is no bytes goes as JSON."""
        sent = {"X-API-Key": key} if key else {}
        if body is not None and not isinstance(body, bytes):
            body, sent = json.dumps(body).encode(), {**sent, "Content-Type": "application/json"}
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            connection.request(method, path, body, {**sent, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def register(self, name: str = "shop", **changes: Any) -> Answer:
        """PUT the smallest spec for an application of this name, on a site of its own."""
        target = {**SPEC["targets"][0], "resource": SITE.replace("/sites/shop", f"/sites/{name}")}
        return self.ask(
            "PUT", f"/api/applications/{name}", {**SPEC, "application": name, "targets": [target], **changes}
        )

    def deploy(self, version: str, name: str = "shop", headers: dict[str, str] | None = None) -> Answer:
        return self.ask("POST", "/api/deployments", {"application": name, "version": version}, headers)

    def override(self, action: str, name: str = "shop", **fields: Any) -> Answer:
        return self.ask("POST", f"/api/applications/{name}/overrides", {"action": action, **fields})

    def events(self, rollout: str) -> list[dict[str, Any]]:
        """The first page of the rollout's history."""
        return self.ask("GET", f"/api/rollouts/{rollout}/history").json()["events"]

    def put_on_queue(self, body: bytes, queue: str = ALERTS) -> None:
        self.broker.send(queue, body, message_id=uuid4().hex)


@contextmanager
def running_api(folder: Path, *, driven: bool = False) -> Iterator[Api]:
    """Serve the real app on the embedded store in `folder`, on a free port.

    The app is this process's only one: while two are open, only the one opened last may be asked.
    """
    environment = {
        "SLIPWAY_COMMANDS_QUEUE": "slipway-commands",
        "SLIPWAY_ALERTS_QUEUE": ALERTS,
        "SLIPWAY_DATA": str(folder),
        "SLIPWAY_MANAGEMENT_URL": "http://127.0.0.1:9",
        "SLIPWAY_METRICS_URL": "http://127.0.0.1:9",
        "SLIPWAY_ACCESS_TOKEN": "a-token-of-a-cloud-that-is-not-there",
        "SLIPWAY_ALLOW_HTTP": "true",
        "SLIPWAY_KEYS": f"alice={KEY};bob={SECOND_KEY}",
        "SLIPWAY_SOURCE_KEYS": f"azure-monitor={ALERT_KEY};elsewhere={OTHER_SOURCE_KEY};observations={SENDERS_KEY};"
        f"flagger={FLAGGER_KEY};hooks={HOOKS_KEY};hooks/shop={SHOP_HOOKS_KEY}",
        "SLIPWAY_SECRET_HOOKS": HOOK_SECRET,
    }
    with patch.dict(os.environ, environment), _fresh_process():
        from function_app import app

        listens = {} if driven else {"SLIPWAY_COMMANDS_QUEUE": "nobody-sends-here"}
        broker = bootstrap.embedded_broker(folder)
        host = FunctionsHost(
            app,
            settings={**app_settings(ROOT, folder), **listens},
            broker=broker,
            host_json=ROOT / "host.json",
            port=0,
            timer_file=folder / "timers.json",
            stop_grace=5,
        )
        try:
            yield Api(host.start(), folder, broker)
        finally:
            host.stop()
            broker.close()


@contextmanager
def _fresh_process() -> Iterator[None]:
    """Build the app anew, and leave logging as it was."""
    made, level = logging.getLogRecordFactory(), logging.getLogger("azure").level
    bootstrap.app.cache_clear()
    bootstrap.embedded_broker.cache_clear()
    try:
        yield
    finally:
        bootstrap.app.cache_clear()
        bootstrap.embedded_broker.cache_clear()
        logging.setLogRecordFactory(made)
        logging.getLogger("azure").setLevel(level)


def http_triggers() -> list[Binding]:
    """The HTTP triggers of the app as the host sees them."""
    from function_app import app

    queues = {"SLIPWAY_COMMANDS_QUEUE": "commands", "SLIPWAY_ALERTS_QUEUE": ALERTS}
    return [each.trigger for each in of_kind(index_functions(app, queues), "httpTrigger")]


def routes() -> set[tuple[str, str]]:
    """Method and address of everything that the app serves over HTTP; of the rest of an address, only its name."""
    return {
        (method, f"/{each.options['route']}".replace("{*", "{"))
        for each in http_triggers()
        for method in each.options["methods"]
    }


def own_routes() -> set[tuple[str, str]]:
    """The routes whose manners are ours to choose, which are not those of OpenFeature's protocol."""
    return {(method, path) for method, path in routes() if not path.startswith("/ofrep/")}


def eventually(look: Callable[[], Any], seconds: float = 10) -> Any:
    """Return what `look` sees once that is true; fails after `seconds`."""
    ends = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < ends, f"not within {seconds} seconds"
        time.sleep(0.02)
    return seen
