"""What the sandbox remembers between runs: sites, their slots, what is deployed, rules and swaps."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

PRODUCTION = "production"
"""The name that App Service gives to the site itself where a slot's name is asked for."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A version of the shop and how it behaves."""

    version: str
    error_rate: float = 0.0
    """Fraction of checkouts that answer 500, from 0 to 1."""
    latency_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that serves a version, with a host name (a port) that stays when the version moves on."""

    name: str
    port: int
    deployment: Deployment
    running: bool = True
    settings: tuple[tuple[str, str], ...] = ()
    """App settings by name."""

    @property
    def host_name(self) -> str:
        """The host name as the management API tells it, always with its port."""
        return f"127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """One of App Service's ramp-up rules: `percentage` of production's new clients go to a slot's host."""

    name: str
    host_name: str
    percentage: float


class SwapPhase(StrEnum):
    """How far a swap is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """One swap operation, kept after its end so that its result can still be asked for."""

    id: str
    source: str
    destination: str
    seconds: float
    """How long it takes at least."""
    phase: SwapPhase = SwapPhase.RUNNING
    ended: str = ""
    """When it ended, ISO 8601 in UTC; empty while it runs."""
    doomed: bool = False
    """An ordered fault: this swap will fail."""
    why: str = ""
    """Why it failed; empty unless it did."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A swap with preview: the source runs with the destination's slot settings, and nothing was exchanged yet."""

    source: str
    destination: str


_SWAPS_KEPT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """An App Service site: its production slot is the first one."""

    subscription: str
    resource_group: str
    name: str
    slots: tuple[Slot, ...]
    rules: tuple[RoutingRule, ...] = ()
    swaps: tuple[Swap, ...] = ()
    sticky: tuple[str, ...] = ()
    """The names of app settings that stay with their slot in a swap."""
    prepared: Prepared | None = None

    def slot(self, name: str) -> Slot | None:
        """Return the slot of that name, in any case, or None."""
        return next((slot for slot in self.slots if slot.name == name.lower()), None)

    def slot_at(self, host_name: str) -> Slot | None:
        """Return the slot behind a host name, or None."""
        return next((slot for slot in self.slots if slot.host_name == host_name.lower()), None)

    def with_slot(self, changed: Slot) -> "Site":
        """Return the site with the slot of the same name replaced."""
        return replace(self, slots=tuple(changed if slot.name == changed.name else slot for slot in self.slots))

    def partner(self, name: str) -> str | None:
        """Return the slot that a slot has been prepared to be swapped with."""
        if self.prepared is None:
            return None
        pair = {self.prepared.source: self.prepared.destination, self.prepared.destination: self.prepared.source}
        return pair.get(name)

    def settings_in(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return what an app in a slot runs with: its own settings, or those of the swap that it is prepared for."""
        if self.prepared is not None and self.prepared.source == name:
            return self.settings_for(name, self.prepared.destination)
        slot = self.slot(name)
        return slot.settings if slot is not None else ()

    def settings_for(self, source: str, destination: str) -> tuple[tuple[str, str], ...]:
        """Return what the app of a slot runs with once it is in another: its own settings, save those that stay."""
        moving, place = self.slot(source), self.slot(destination)
        if moving is None or place is None:
            raise KeyError(f"{source} or {destination} is not a slot of {self.name}")
        comes = (pair for pair in moving.settings if pair[0] not in self.sticky)
        stays = (pair for pair in place.settings if pair[0] in self.sticky)
        return tuple(sorted((*comes, *stays)))

    def running_swap(self) -> Swap | None:
        """Return the swap that is under way, or None; there is at most one."""
        return next((swap for swap in self.swaps if swap.phase is SwapPhase.RUNNING), None)

    def last_swap(self) -> Swap | None:
        """Return the newest swap that succeeded, or None."""
        return next((swap for swap in reversed(self.swaps) if swap.phase is SwapPhase.DONE), None)

    def swap(self, swap_id: str) -> Swap | None:
        """Return a swap by its id; the newest 50 are known."""
        return next((swap for swap in self.swaps if swap.id == swap_id), None)

    def with_swap(self, changed: Swap) -> "Site":
        """Return the site with this swap added, or replaced where its id is known."""
        others = tuple(swap for swap in self.swaps if swap.id != changed.id)
        return replace(self, swaps=(*others, changed)[-_SWAPS_KEPT:])

    def exchanged(self, one: str, other: str) -> "Site":
        """Return the site with the deployments of two slots exchanged; host names, rules and sticky settings stay."""
        first, second = self.slot(one), self.slot(other)
        if first is None or second is None:
            raise KeyError(f"{one} or {other} is not a slot of {self.name}")
        to_first, to_second = self.settings_for(other, one), self.settings_for(one, other)
        moved = self.with_slot(replace(first, deployment=second.deployment, settings=to_first))
        return moved.with_slot(replace(second, deployment=first.deployment, settings=to_second))


def parse_site(document: dict[str, Any]) -> Site:
    """Read a site back from what `dataclasses.asdict` made of it."""
    return Site(
        subscription=document["subscription"],
        resource_group=document["resource_group"],
        name=document["name"],
        slots=tuple(
            Slot(
                entry["name"],
                entry["port"],
                Deployment(**entry["deployment"]),
                entry["running"],
                tuple((name, value) for name, value in entry.get("settings", ())),
            )
            for entry in document["slots"]
        ),
        rules=tuple(RoutingRule(**entry) for entry in document["rules"]),
        swaps=tuple(Swap(**{**entry, "phase": SwapPhase(entry["phase"])}) for entry in document["swaps"]),
        sticky=tuple(document.get("sticky", ())),
        prepared=Prepared(**document["prepared"]) if document.get("prepared") else None,
    )
