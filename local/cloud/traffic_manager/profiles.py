"""All profiles of the sandbox at work: where they are written down, and whom their names lead to just now.

The sandbox checks no endpoint's health by itself. One is Online unless its slot was stopped, or another health was
ordered by the control API.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from random import Random

from local.cloud.journal import Journal
from local.cloud.live_site import LiveSite
from local.cloud.state import PRODUCTION, Slot
from local.cloud.traffic_manager.state import Endpoint, Profile, parse_profile

_SETTING = "traffic-manager-profiles"
_NOT_ANSWERED = ("Degraded", "Stopped", "Inactive")
_DEEPEST = 10
HEALTHS = ("Online", "CheckingEndpoint", *_NOT_ANSWERED)
"""What the control API can order an endpoint to be."""


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """One answer of the name server."""

    host: str
    ttl: int


class Profiles:
    """The profiles. Every change is in the journal before the method that made it returns."""

    def __init__(self, journal: Journal, sites: dict[str, LiveSite], *, seed: int) -> None:
        self._journal = journal
        self._sites = sites
        self._random = Random(seed)
        self._ordered: dict[tuple[str, str], str] = {}
        self.answered: Counter[tuple[str, str]] = Counter()
        """How many answers named which endpoint, by profile and endpoint, since the process began."""
        documents = journal.load_setting(_SETTING, [])
        self._profiles = {profile.id.lower(): profile for profile in map(parse_profile, documents)}

    def all(self) -> tuple[Profile, ...]:
        """Return every profile, the oldest first."""
        return tuple(self._profiles.values())

    def find(self, resource_id: str) -> Profile | None:
        """Return a profile by its resource id, in any case."""
        return self._profiles.get(resource_id.lower())

    def named(self, name: str) -> Profile | None:
        """Return the oldest profile whose own name, or whose DNS name, this is."""
        wanted = name.lower()
        return next((one for one in self.all() if wanted in (one.name.lower(), one.fqdn)), None)

    def save(self, profile: Profile) -> None:
        """Add or replace a profile."""
        self._profiles[profile.id.lower()] = profile
        self._journal.save_setting(_SETTING, [asdict(one) for one in self.all()])

    def order_health(self, profile: Profile, endpoint: Endpoint, health: str) -> None:
        """Let the health checks find this of an endpoint from now on, until the process ends."""
        self._ordered[profile.id, endpoint.name] = health

    def health(self, profile: Profile, endpoint: Endpoint) -> str:
        """Return the endpoint's monitor status."""
        if not endpoint.enabled:
            return "Disabled"
        if not profile.enabled:
            return "Inactive"
        if endpoint.properties.get("alwaysServe") == "Enabled":
            return "Unmonitored"
        slot = self.slot_of(endpoint)
        if slot is not None and not slot.running:
            return "Stopped"
        return self._ordered.get((profile.id, endpoint.name), "Online")

    def slot_of(self, endpoint: Endpoint) -> Slot | None:
        """Return the slot that an endpoint stands for, when it stands for one of the sandbox."""
        wanted = str(endpoint.properties.get("targetResourceId", "")).lower()
        for site in self._sites.values():
            base = f"/subscriptions/{site.state.subscription}/resourcegroups/{site.state.resource_group}"
            base = f"{base}/providers/microsoft.web/sites/{site.state.name}".lower()
            for slot in site.state.slots:
                if wanted == (base if slot.name == PRODUCTION else f"{base}/slots/{slot.name}"):
                    return slot
        return None

    def host_of(self, endpoint: Endpoint) -> str:
        """Return the name that DNS answers hold for an endpoint; empty where it stands for nothing that is known."""
        if (slot := self.slot_of(endpoint)) is not None:
            return slot.host_name
        if (child := self._child(endpoint)) is not None:
            return child.fqdn
        return str(endpoint.properties.get("target", ""))

    def resolve(self, name: str) -> DnsAnswer | None:
        """Answer one query for a profile's DNS name, as dealt by its method; None is NXDOMAIN.

        Each query is dealt anew: keeping an answer for its life is the work of who asked.
        """
        top = profile = self.named(name)
        for _ in range(_DEEPEST):
            if top is None or profile is None or (endpoint := self._choose(profile)) is None:
                return None
            self.answered[profile.name, endpoint.name] += 1
            child = self._child(endpoint)
            if child is None:
                return DnsAnswer(self.host_of(endpoint), top.ttl)
            profile = child
        return None

    def _choose(self, profile: Profile) -> Endpoint | None:
        if not profile.enabled:
            return None
        enabled = [endpoint for endpoint in profile.endpoints if endpoint.enabled]
        well = [endpoint for endpoint in enabled if self.health(profile, endpoint) not in _NOT_ANSWERED]
        # Where none is well, those whose checks fail are answered as if they were.
        eligible = well or [endpoint for endpoint in enabled if self.health(profile, endpoint) == "Degraded"]
        if not eligible:
            return None
        if profile.method == "Weighted":
            return self._random.choices(eligible, [endpoint.properties["weight"] for endpoint in eligible])[0]
        return min(eligible, key=lambda endpoint: int(endpoint.properties["priority"]))

    def _child(self, endpoint: Endpoint) -> Profile | None:
        if endpoint.kind != "nestedEndpoints":
            return None
        return self.find(str(endpoint.properties.get("targetResourceId", "")))
