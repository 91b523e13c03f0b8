"""The sandbox's site in the hands of the demo: CI that deploys to its slot, and a look at what is where."""

from dataclasses import dataclass

from local.json_calls import exchange
from local.story.crowd import Crowd


@dataclass(frozen=True, slots=True)
class Sandbox(Crowd):
    """The site and its users. Each method raises `StoryDiffersError` when the sandbox refuses."""

    where: str = "sites/shop"

    def deploy(self, version: str, *, error_rate: float = 0.0, slot: str = "candidate") -> None:
        """Deploy a version to a slot, as CI would; `error_rate` is the fraction of checkouts that fail."""
        self.order("POST", f"{self.where}/slots/{slot}/deploy", {"version": version, "error_rate": error_rate})

    def pinned(self, version: str) -> int:
        """Return how many routing cookies of the last hour name the place that serves this version."""
        return int(self.order("GET", f"{self.where}/pinned")["versions"].get(version, 0))

    def version_live(self) -> str:
        """Return the version that production serves, asked past the routing rules."""
        url = f"{self.edge}/version?x-ms-routing-name=self"
        return str(exchange("GET", url).body["version"])
