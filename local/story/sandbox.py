"""The sandbox in the hands of the demo: CI that deploys, users that come, and a look at what they met."""

import json
from dataclasses import dataclass
from typing import Any

from local.json_calls import exchange
from local.story.differs import StoryDiffersError
from local.story.seen import LoadSeen, Served, read_load, read_served

SITE = "shop"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Each method raises `StoryDiffersError` when the sandbox refuses."""

    management: str
    edge: str

    def deploy(self, version: str, *, error_rate: float = 0.0) -> None:
        """Deploy a version to the candidate slot, as CI would; `error_rate` is the fraction of checkouts that fail."""
        path = f"sites/{SITE}/slots/candidate/deploy"
        self._call("POST", path, {"version": version, "error_rate": error_rate})

    def send_fresh(self, rps: float) -> str:
        """Let new clients come, so many a second, each for one checkout; return the load's id."""
        return self._begin({"rps": rps, "clients": "fresh"})

    def send_returning(self, rps: float, users: int) -> str:
        """Let so many clients come in turn, who keep their cookie; return the load's id."""
        return self._begin({"rps": rps, "clients": "sticky", "users": users})

    def load(self, load_id: str) -> LoadSeen:
        """Return how far a load is."""
        return read_load(self._call("GET", f"load/{load_id}"))

    def stop(self, load_id: str) -> LoadSeen:
        """End a load, wait for its last answers, and return what became of it."""
        return read_load(self._call("DELETE", f"load/{load_id}"))

    def served(self) -> dict[str, Served]:
        """Return what users met at the edge so far, by version."""
        return read_served(self._call("GET", f"sites/{SITE}/traffic"))

    def pinned(self, version: str) -> int:
        """Return how many routing cookies of the last hour name the place that serves this version."""
        return int(self._call("GET", f"sites/{SITE}/pinned")["versions"].get(version, 0))

    def version_live(self) -> str:
        """Return the version that production serves, asked past the routing rules."""
        url = f"{self.edge}/version?x-ms-routing-name=self"
        return str(exchange("GET", url).body["version"])

    def _begin(self, order: dict[str, Any]) -> str:
        return str(self._call("POST", "load", {"site": SITE, **order})["id"])

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        answer = exchange(method, f"{self.management}/sandbox/{path}", body=data)
        if answer.status >= 300:
            raise StoryDiffersError(f"the sandbox answered {method} {path} with {answer.status}: {answer.body}")
        return answer.body
