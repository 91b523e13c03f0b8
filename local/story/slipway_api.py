"""Slipway as CI and people use it: over HTTP, with an operator's key."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.json_calls import exchange
from local.story.differs import StoryDiffersError
from local.story.seen import (
    ExperimentSeen,
    Happened,
    ReleaseSeen,
    RolloutSeen,
    read_experiment,
    read_history,
    read_release,
    read_rollout,
)


@dataclass(frozen=True, slots=True)
class SlipwayApi:
    """Each method raises `StoryDiffersError` when the answer is not the one that the story needs."""

    url: str
    key: str
    application: str = "shop"

    def register(self, spec: str) -> None:
        """Register the application by its release spec, in YAML."""
        headers = {"Content-Type": "application/yaml"}
        self._send("PUT", f"/api/applications/{self.application}", (200, 201), spec.encode(), headers)

    def announce_structured(self, version: str, source: str, event_id: str) -> str:
        """Post a CloudEvent in structured mode; return the rollout's id."""
        event = {
            "specversion": "1.0",
            "id": event_id,
            "source": source,
            "type": "slipway.deployment",
            "data": self._deployment(version),
        }
        return self._announce(event, {"Content-Type": "application/cloudevents+json"})

    def announce_binary(self, version: str, source: str, event_id: str) -> str:
        """Post a CloudEvent in binary mode; return the rollout's id."""
        headers = {
            "ce-specversion": "1.0",
            "ce-id": event_id,
            "ce-source": source,
            "ce-type": "slipway.deployment",
            "Content-Type": "application/json",
        }
        return self._announce(self._deployment(version), headers)

    def announce_plain(self, version: str, idempotency_key: str) -> str:
        """Post plain JSON; return the rollout's id."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
        return self._announce(self._deployment(version), headers)

    def announce_together(self, versions: Mapping[str, str], idempotency_key: str) -> str:
        """Ask for versions of several applications to be released as one; return the release's id."""
        members = [{"application": name, "version": version} for name, version in versions.items()]
        headers = {"Idempotency-Key": idempotency_key}
        return str(self._call("POST", "/api/releases", (200, 202), {"members": members}, headers)["release"])

    def release(self, release_id: str) -> ReleaseSeen:
        """Return a release of several applications as it stands."""
        return read_release(self._call("GET", f"/api/releases/{release_id}", (200,)))

    def release_history(self, release_id: str) -> tuple[Happened, ...]:
        """Return a release's history from its beginning, as much as fits a page."""
        return read_history(self._call("GET", f"/api/releases/{release_id}/history", (200,)))

    def override(self, action: str, reason: str) -> None:
        """Give a person's command; return once it is accepted."""
        body = {"action": action, "reason": reason}
        self._call("POST", f"/api/applications/{self.application}/overrides", (202,), body, {})

    def refused(self, action: str, reason: str) -> str:
        """Give a person's command that cannot be followed just now; return why."""
        body = {"action": action, "reason": reason}
        return str(self._call("POST", f"/api/applications/{self.application}/overrides", (409,), body)["detail"])

    def save_flag(self, key: str, document: str) -> None:
        """Save a flag that there is none of yet, in YAML."""
        headers = {"Content-Type": "application/yaml", "If-None-Match": "*"}
        self._send("PUT", f"/api/flags/{key}", (201,), document.encode(), headers)

    def kill_flag(self, key: str, reason: str) -> None:
        """Serve everybody the flag's off variant from now on."""
        self._call("POST", f"/api/flags/{key}", (200,), {"action": "kill", "reason": reason})

    def rollout(self, rollout_id: str) -> RolloutSeen:
        """Return the rollout as it stands."""
        return read_rollout(self._call("GET", f"/api/rollouts/{rollout_id}", (200,)))

    def experiment(self, rollout_id: str) -> ExperimentSeen:
        """Return how the rollout's experiment stands."""
        return read_experiment(self._call("GET", f"/api/rollouts/{rollout_id}", (200,)))

    def history(self, rollout_id: str) -> tuple[Happened, ...]:
        """Return the rollout's history from its beginning, as much as fits a page (200 lines)."""
        return read_history(self._call("GET", f"/api/rollouts/{rollout_id}/history", (200,)))

    def _announce(self, body: Any, headers: dict[str, str]) -> str:
        return str(self._call("POST", "/api/deployments", (200, 202), body, headers)["rollout"])

    def _call(
        self,
        method: str,
        path: str,
        wanted: tuple[int, ...],
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        data = None if body is None else json.dumps(body).encode()
        return self._send(method, path, wanted, data, {"Content-Type": "application/json", **(headers or {})})

    def _send(
        self, method: str, path: str, wanted: tuple[int, ...], body: bytes | None, headers: dict[str, str]
    ) -> Any:
        answer = exchange(method, f"{self.url}{path}", body=body, headers={"X-API-Key": self.key, **headers})
        if answer.status not in wanted:
            raise StoryDiffersError(f"{method} {path} was answered {answer.status}: {answer.body}")
        return answer.body

    def _deployment(self, version: str) -> dict[str, str]:
        return {"application": self.application, "version": version}
