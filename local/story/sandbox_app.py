"""A Container App of the sandbox in the hands of a story: its revisions, and its users."""

import json
import time
from dataclasses import dataclass
from typing import Any

from local.json_calls import exchange
from local.story.crowd import Crowd
from local.story.differs import StoryDiffersError

_API_VERSION = "2026-07-01"
_UPDATE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class SandboxApp(Crowd):
    """One app and its users. Each method raises `StoryDiffersError` when the sandbox refuses."""

    resource: str

    @classmethod
    def create(cls, management: str, name: str) -> "SandboxApp":
        """Make an app whose first revision serves version 1, and send its traffic there by name, as a person would.

        While it says `latestRevision` instead, a new revision gets everyone as soon as it runs.
        """
        made = Crowd(management, "", f"apps/{name}").order("POST", "apps", {"app": name, "mode": "multiple"})
        app = cls(management, made["edge"], f"apps/{name}", made["resource"])
        app._pin(made["revisions"][0]["revision"])
        return app

    def deploy(self, version: str, *, error_rate: float = 0.0) -> str:
        """Make a revision that serves a version, as CI would; return the address at which testers reach it alone."""
        suffix = f"v{version}"
        body = {"version": version, "error_rate": error_rate, "suffix": suffix}
        return f"http://{self.order('POST', f'{self.where}/revisions', body)['host']}"

    def _pin(self, revision: str) -> None:
        traffic = [{"revisionName": revision, "weight": 100}]
        self._manage("PATCH", {"properties": {"configuration": {"ingress": {"traffic": traffic}}}})
        ends = time.monotonic() + _UPDATE_SECONDS
        while self._manage("GET")["properties"]["provisioningState"] == "InProgress":
            if time.monotonic() > ends:
                raise StoryDiffersError(f"an update of {self.name} takes over {_UPDATE_SECONDS:g} s")
            time.sleep(0.05)

    def _manage(self, method: str, body: Any = None) -> Any:
        url = f"{self.management}{self.resource}?api-version={_API_VERSION}"
        headers = {"Authorization": "Bearer sandbox", "Content-Type": "application/json"}
        answer = exchange(method, url, body=json.dumps(body).encode() if body else None, headers=headers)
        if answer.status >= 300:
            raise StoryDiffersError(f"the management API answered {method} of {self.name} with {answer.status}")
        return answer.body


def version_at(address: str) -> Any:
    """Return the version that answers at an address."""
    return exchange("GET", f"{address}/version").body["version"]
