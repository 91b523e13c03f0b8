"""A run of rollouts of the sandbox's shop, as CI, people and alerts ask for them, each asking until it is answered."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from tests.faults.host_process import HostProcess
from tests.functions.alerts import alert
from tests.sandbox import SITE_ID, Control

END_SECONDS: Final = 600.0
SPEC: Final = f"""
application: shop
targets:
  - {{name: web, kind: app-service-slot, resource: {SITE_ID}, slot: candidate}}
strategy:
  canary:
    steps: [25]
    bake: {{min: 6s, max: 8m}}
metrics: {{window: 5s, lag: 0s}}
guards:
  - {{name: errors, metric: error-rate, max: 20%, over: 10s, minimumRequests: 10}}
judgement: {{holdBack: 0, warmUp: 0s}}
hooks:
  - {{name: smoke, at: before-rollout, webhook: {{url: "HOOKS/smoke"}}, timeout: 5m}}
  - {{name: tell, at: after-promotion, webhook: {{url: "HOOKS/tell"}}, timeout: 5m}}
  - {{name: undo, at: on-rollback, webhook: {{url: "HOOKS/undo"}}, timeout: 5m}}
keepWarm: 1s
alerts: {{onFired: rollback}}
deadlines: {{preflight: 10m, progress: 20m}}
"""


class Story(StrEnum):
    """What happens to a rollout."""

    HEALTHY = "healthy"
    PAUSED = "paused and resumed"
    BAD = "bad version"
    ABORTED = "aborted by a person"
    ALERTED = "an alert fires"


ENDS: Final = {
    Story.HEALTHY: "succeeded",
    Story.PAUSED: "succeeded",
    Story.BAD: "rolled-back",
    Story.ABORTED: "aborted",
    Story.ALERTED: "rolled-back",
}
HOOKS: Final = {"succeeded": ("smoke", "tell"), "rolled-back": ("smoke", "undo"), "aborted": ("smoke", "undo")}
"""Which hooks are called in a rollout that ends so."""
_TURNS: Final = (Story.HEALTHY, Story.BAD, Story.PAUSED, Story.ALERTED, Story.HEALTHY, Story.ABORTED)


@dataclass(slots=True)
class Told:
    """One rollout of the run, and what was asked for in it."""

    story: Story
    version: str
    rollout: str = ""
    phase: str = ""
    seconds: float = 0.0
    commands: list[str] = field(default_factory=list)
    """The type of the event that each accepted command must leave in history."""
    answered_otherwise: list[str] = field(default_factory=list)
    """Second answers to the same command that were not as the first one."""


@dataclass(slots=True)
class ShopRun:
    """Tells stories of rollouts one after the other. `provoke` is called whenever a command is being sent."""

    host: HostProcess
    control: Control
    hooks_url: str
    chance: random.Random
    provoke: Callable[[], None] = lambda: None
    told: list[Told] = field(default_factory=list)

    def begin(self) -> None:
        """Register the shop, and let users come."""
        spec = SPEC.replace("HOOKS", self.hooks_url)
        assert self.host.insist("PUT", "/api/applications/shop", as_json(spec)).status in (200, 201)
        self.control.start_load(site="shop", rps=25, clients="fresh")

    def tell(self, number: int) -> Told:
        """Release version `number` + 2 in its turn, to its end."""
        told = Told(_TURNS[number % len(_TURNS)], f"{number + 2}")
        self.told.append(told)
        began = time.monotonic()
        self.control.deploy(told.version, error_rate=0.5 if told.story is Story.BAD else 0.0)
        self._announce(told)
        self._happen(told)
        told.phase = self._end(told)
        told.seconds = time.monotonic() - began
        return told

    def _announce(self, told: Told) -> None:
        body = {"application": "shop", "version": told.version}
        answers = self._send_twice("/api/deployments", body, f"ci-{told.version}")
        told.rollout = answers[0]["rollout"]
        told.commands.append("DeploymentAccepted")
        self._compare(told, answers)

    def _happen(self, told: Told) -> None:
        match told.story:
            case Story.PAUSED:
                self._await(told, lambda view: view["phase"] == "progressing")
                self._override(told, "pause", "RolloutPaused")
                self._await(told, lambda view: view["phase"] == "paused")
                self._override(told, "resume", "RolloutResumed")
            case Story.ABORTED:
                self._await(told, lambda view: view["phase"] == "progressing")
                self._override(told, "abort", "RollbackBegun")
            case Story.ALERTED:
                self._await(told, lambda view: view["weight"] > 0)
                self._compare(told, self._send_twice("/api/events/azure-monitor", _alert_for(told), ""))
                told.commands.append("AlertReceived")

    def _override(self, told: Told, action: str, leaves: str) -> None:
        body = {"action": action, "reason": f"told by the run: {told.version}"}
        key = f"{action}-{told.version}"
        self._compare(told, self._send_twice("/api/applications/shop/overrides", body, key))
        told.commands.append(leaves)

    def _send_twice(self, path: str, body: Any, key: str) -> list[Any]:
        """Send a command until it is answered, and once more: people press twice, and CI retries."""
        answers = []
        for _ in range(2):
            self.provoke()
            headers = {"Idempotency_Key": key} if key else {}
            got = self.host.insist("POST", path, body, **headers)
            assert got.status in (200, 202), f"{path} {body}: {got.status} {got.body.decode()}"
            answers.append(got.json())
        return answers

    def _compare(self, told: Told, answers: list[Any]) -> None:
        if answers[0] != answers[1]:
            told.answered_otherwise.append(f"{answers[0]} then {answers[1]}")

    def _await(self, told: Told, holds: Callable[[Any], bool]) -> Any:
        ends = time.monotonic() + END_SECONDS
        while True:
            view = self.host.insist("GET", f"/api/rollouts/{told.rollout}").json()
            if holds(view) or view["ended"]:
                return view
            assert time.monotonic() < ends, f"{told} not in time: {view}\n{self.host.last_words()}"
            time.sleep(0.2)

    def _end(self, told: Told) -> str:
        return str(self._await(told, lambda view: bool(view["ended"]))["phase"])


def _alert_for(told: Told) -> dict[str, Any]:
    """Return an alert about the shop's site; the same one each time for one version."""
    return alert(target=SITE_ID.upper(), alert_id=str(told.version))


def as_json(text: str) -> Any:
    """Return a release spec in YAML as the JSON that the API takes too."""
    from shared.wire.spec import parse_spec
    from shared.wire.spec_rendering import render_spec

    return render_spec(parse_spec(text.encode(), "application/yaml"))
