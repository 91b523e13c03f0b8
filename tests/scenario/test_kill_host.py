"""The real host as a process of its own, ended by `kill -9` again and again while it releases the shop."""

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from local.stack import SHOP_SPEC
from tests.sandbox import ROOT, fetch, running_cloud

KEY = "a-key-for-this-test-only"
HEADERS = {"X-API-Key": KEY}
KILLS = 20


class Host:
    """`python -m local.host` on one folder and one port."""

    def __init__(self, folder: Path, management: str) -> None:
        self.folder, self.management, self.port = folder, management, 0
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        settings = {
            "SLIPWAY_MANAGEMENT_URL": self.management,
            "SLIPWAY_METRICS_URL": self.management,
            "SLIPWAY_ACCESS_TOKEN": "sandbox",
            "SLIPWAY_ALLOW_HTTP": "true",
            "SLIPWAY_KEYS": f"operator={KEY}",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local.host", "--data", str(self.folder), "--port", str(self.port), "--lifeline"],
            cwd=ROOT,
            env=os.environ | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self.folder / "host.log").open("a"),
            text=True,
        )
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        assert ready, "the host did not start"
        url = self.process.stdout.readline().split()[-1]
        self.port = int(url.rpartition(":")[2])

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def call(self, method: str, path: str, body=None):
        return fetch(f"http://127.0.0.1:{self.port}{path}", method=method, body=body, headers=HEADERS)


def test_a_host_killed_twenty_times_releases_as_if_nothing_had_happened(tmp_path):
    randomly = random.Random(11)
    with running_cloud(tmp_path / "cloud") as cloud:
        host = Host(tmp_path, cloud.management)
        host.start()
        try:
            spec = SHOP_SPEC.read_text().replace("min: 10s", "min: 15s").replace("preflight: 1m", "preflight: 10m")
            assert host.call("PUT", "/api/applications/shop", as_json(spec)).status == 201
            cloud.control.start_load(site="shop", rps=40, clients="fresh", seconds=900)
            cloud.control.deploy("2")
            rollout = host.call("POST", "/api/deployments", {"application": "shop", "version": "2"}).json()["rollout"]
            for _ in range(KILLS):
                time.sleep(randomly.uniform(0.05, 3.0))
                host.kill()
                host.start()
            view = ended(host, rollout)
            events = host.call("GET", f"/api/rollouts/{rollout}/history").json()["events"]
        finally:
            host.kill()
        site = cloud.control.site()

    assert view["phase"] == "succeeded", view
    passed = [event["step"] for event in events if event["type"] == "StepPassed"]
    entered = [event["step"] for event in events if event["type"] == "StepEntered"]
    assert passed == entered == [0, 1, 2, 3]
    numbers = [event["sequence"] for event in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    served = {slot["slot"]: slot["version"] for slot in site["slots"]}
    assert served == {"production": "2", "candidate": "1"}
    assert site["rules"] == []
    assert [event["type"] for event in events].count("RolloutEnded") == 1


def ended(host: Host, rollout: str) -> dict:
    ends = time.monotonic() + 600
    while time.monotonic() < ends:
        view = host.call("GET", f"/api/rollouts/{rollout}").json()
        if view["ended"]:
            return view
        time.sleep(0.5)
    raise AssertionError(f"not ended in time: {json.dumps(view)[:2000]}")


def as_json(text: str) -> dict:
    from shared.wire.spec import parse_spec
    from shared.wire.spec_rendering import render_spec

    return render_spec(parse_spec(text.encode(), "application/yaml"))
