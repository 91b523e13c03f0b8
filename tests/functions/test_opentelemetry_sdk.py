"""OpenTelemetry's own SDK for JavaScript, which speaks OTLP in JSON, pushing to the running app."""

import fcntl
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.observations import SqliteObservations
from shared.domain.names import ApplicationName, TargetName
from shared.domain.observations import Observation, Spot
from tests.functions.api_client import ROOT, SENDERS_KEY, Api, running_api

PACKAGES = {"sdk-metrics": "2.12.1", "exporter-metrics-otlp-http": "0.223.0", "resources": "2.12.1"}
HOME = ROOT / ".cache" / "opentelemetry"
PROGRAM = Path(__file__).parent / "opentelemetry_sdk" / "push.js"
WINDOW = timedelta(seconds=5)
SPEC = {
    "window": "5s",
    "source": {"kind": "observations"},
    "values": [{"name": "orders", "kind": "counter"}, {"name": "memory", "kind": "gauge"}],
}


@pytest.fixture(scope="module")
def sdk() -> Path:
    """Where the SDK is installed from npm, on first need; without it the tests are skipped, with the reason."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("the OpenTelemetry SDK needs npm, which is not installed")
    modules = HOME / "node_modules"
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all((modules / "@opentelemetry" / name / "package.json").exists() for name in PACKAGES):
            _install(npm)
    return modules


def _install(npm: str) -> None:
    wanted = [f"@opentelemetry/{name}@{version}" for name, version in PACKAGES.items()]
    command = [npm, "install", "--prefix", str(HOME), "--no-audit", "--no-fund", *wanted]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm could not install the OpenTelemetry SDK within 5 minutes")
    if done.returncode != 0:
        pytest.skip(f"npm could not install the OpenTelemetry SDK: {done.stderr.strip()[-300:]}")


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with running_api(tmp_path_factory.mktemp("api")) as api:
        assert api.register("shop", metrics=SPEC).status == 201
        yield api


def pushed(api: Api, sdk: Path, temporality: str, shape: str) -> tuple[Observation, ...]:
    """Let the SDK push, and return what was stored of it."""
    node = shutil.which("node") or "node"
    url = f"{api.url}/api/observations/v1/metrics"
    environment = {**os.environ, "NODE_PATH": str(sdk), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    subprocess.run([node, str(PROGRAM), url, SENDERS_KEY, temporality, shape], env=environment, timeout=60, check=True)
    now = datetime.now(UTC)
    spot = Spot(application=ApplicationName("shop"), target=TargetName("web"), length=WINDOW)
    store = SqliteObservations(Database(api.data / "store.db"))
    rows = store.told(spot, now - timedelta(minutes=2), now + WINDOW).rows
    return tuple(row for row in rows if row.sender == f"{temporality}-{shape}")


@pytest.mark.parametrize("shape", ["explicit", "exponential"])
@pytest.mark.parametrize(("temporality", "rounds"), [("delta", 3), ("cumulative", 2)])
def test_what_the_sdk_exports_is_counted_once_and_whole(api, sdk, temporality, rounds, shape):
    """The first export of cumulative counters is a base line; the series of the failures begins after it."""
    rows = pushed(api, sdk, temporality, shape)

    assert len(rows) == rounds
    assert {row.version for row in rows} == {"1"}
    assert sum(row.sample.requests for row in rows) == 20 * rounds + 4
    assert sum(row.sample.failures for row in rows) == 4
    for row in rows:
        counted = row.sample
        assert counted.latency_ms == pytest.approx(
            (20 * counted.requests + 1180 * counted.failures) / counted.requests, rel=1e-6
        )
        assert counted.histogram is not None
        assert counted.histogram.total == counted.requests
        edge = max(each for each in counted.histogram.edges if each <= 1000)
        assert counted.histogram.above(edge) == counted.failures
        assert [(value.name, value.value) for value in counted.values] == [("orders", 3), ("memory", 0.5)]
