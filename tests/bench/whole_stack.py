"""The whole stack over real HTTP: from an accepted fact to the router, and what the sandbox's edge carries."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from local.interruption import Interruption
from local.json_calls import exchange
from local.stack import Stack, running_stack
from local.story.sandbox import Sandbox
from local.story.seen import RolloutSeen
from local.story.slipway_api import SlipwayApi
from tests.bench.measurement import Measurement, summarize
from tests.sandbox import SITE_ID, Control

ALERTS = 15
EDGE_RUNS = 10
EDGE_REQUESTS = 5000
PATIENCE_SECONDS = 60.0


def measure(folder: Path, stop: Interruption) -> Iterator[Measurement]:
    """Begin rollouts and let an alert take each of them back; then send traffic as fast as is sensible."""
    with running_stack(folder, stop) as stack:
        yield from _router_calls(stack, (folder / "azure-monitor-key").read_text(), stop)
        yield _edge(Control(stack.cloud), stop)


def _router_calls(stack: Stack, code: str, stop: Interruption) -> Iterator[Measurement]:
    slipway, sandbox = SlipwayApi(stack.url, stack.key), Sandbox(stack.cloud, stack.edge)
    forward, back = [], []
    for number in range(2, ALERTS + 2):
        stop.check()
        version = str(number)
        sandbox.deploy(version)
        posted = datetime.now(UTC)
        rollout = slipway.announce_structured(version, "/bench", uuid4().hex)
        _wait(slipway, rollout, lambda seen: seen.is_settled)
        fired = datetime.now(UTC)
        _fire_alert(stack.url, code, fired)
        _wait(slipway, rollout, lambda seen: seen.has_ended)
        reached = [line.at for line in slipway.history(rollout) if line.type == "WeightObserved"]
        forward.append((reached[0] - posted).total_seconds())
        back.append((reached[-1] - fired).total_seconds())
    note = "over HTTP, until the router's answer is in the history"
    yield summarize("alert posted to weight 0 at the router", back, rate=False, note=note)
    yield summarize("deployment posted to first weight", forward, rate=False, note=f"{note}; preflight included")


def _fire_alert(url: str, code: str, at: datetime) -> None:
    essentials = {
        "alertId": f"/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/{uuid4()}",
        "alertRule": "checkout fails",
        "severity": "Sev1",
        "monitorCondition": "Fired",
        "alertTargetIDs": [SITE_ID],
        "firedDateTime": at.isoformat(),
    }
    alert = {"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": essentials, "alertContext": {}}}
    address = f"{url}/api/events/azure-monitor?code={code}"
    answer = exchange("POST", address, body=json.dumps(alert).encode())
    assert answer.status == 202, answer
    assert not answer.body["ignored"], answer


def _wait(slipway: SlipwayApi, rollout: str, reached) -> RolloutSeen:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached(seen := slipway.rollout(rollout)):
        assert time.monotonic() < deadline, seen.standing
        time.sleep(0.02)
    return seen


def _edge(control: Control, stop: Interruption) -> Measurement:
    took = []
    for _ in range(EDGE_RUNS):
        stop.check()
        began = time.perf_counter()
        control.run_load(requests=EDGE_REQUESTS, clients="fresh")
        took.append((time.perf_counter() - began) / EDGE_REQUESTS)
    return summarize("request through the sandbox's edge", took, note=f"means of runs of {EDGE_REQUESTS}, 32 at once")
