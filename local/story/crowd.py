"""The users of the demo: clients that come to one host of the sandbox on order, and a look at what they met."""

import json
from dataclasses import dataclass
from typing import Any

from local.json_calls import exchange
from local.story.differs import StoryDiffersError
from local.story.seen import LoadSeen, Served, read_load, read_served


@dataclass(frozen=True, slots=True)
class Crowd:
    """The users of one site or app. Each method raises `StoryDiffersError` when the sandbox refuses."""

    management: str
    edge: str
    """The URL that users go to."""
    where: str
    """Which site or app that is in the sandbox's control API, such as `sites/shop`."""

    @property
    def name(self) -> str:
        """The name of the site or app."""
        return self.where.rpartition("/")[2]

    def send_fresh(self, rps: float) -> str:
        """Let new clients come, so many a second, each for one checkout; return the load's id."""
        return self._begin({"rps": rps, "clients": "fresh"})

    def send_returning(self, rps: float, users: int) -> str:
        """Let so many clients come in turn, who keep their cookie; return the load's id."""
        return self._begin({"rps": rps, "clients": "sticky", "users": users})

    def load(self, load_id: str) -> LoadSeen:
        """Return how far a load is."""
        return read_load(self.order("GET", f"load/{load_id}"))

    def stop(self, load_id: str) -> LoadSeen:
        """End a load, wait for its last answers, and return what became of it."""
        return read_load(self.order("DELETE", f"load/{load_id}"))

    def served(self) -> dict[str, Served]:
        """Return what users met at the edge so far, by version."""
        return read_served(self.order("GET", f"{self.where}/traffic"))

    def order(self, method: str, path: str, body: Any = None) -> Any:
        """Make one call of the sandbox's control API and return its answer."""
        data = None if body is None else json.dumps(body).encode()
        answer = exchange(method, f"{self.management}/sandbox/{path}", body=data)
        if answer.status >= 300:
            raise StoryDiffersError(f"the sandbox answered {method} {path} with {answer.status}: {answer.body}")
        return answer.body

    def _begin(self, order: dict[str, Any]) -> str:
        return str(self.order("POST", "load", {"site": self.name, **order})["id"])
