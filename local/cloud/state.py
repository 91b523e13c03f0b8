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

    def slot(self, name: str) -> Slot | None:
        """Return the slot of that name, in any case, or None."""
        return next((slot for slot in self.slots if slot.name == name.lower()), None)

    def slot_at(self, host_name: str) -> Slot | None:
        """Return the slot behind a host name, or None."""
        return next((slot for slot in self.slots if slot.host_name == host_name.lower()), None)

    def with_slot(self, changed: Slot) -> "Site":
        """Return the site with the slot of the same name replaced."""
        return replace(self, slots=tuple(changed if slot.name == changed.name else slot for slot in self.slots))

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
        """Return the site with the deployments of two slots exchanged; host names and rules stay."""
        first, second = self.slot(one), self.slot(other)
        if first is None or second is None:
            raise KeyError(f"{one} or {other} is not a slot of {self.name}")
        moved = self.with_slot(replace(first, deployment=second.deployment))
        return moved.with_slot(replace(second, deployment=first.deployment))


def parse_site(document: dict[str, Any]) -> Site:
    """Read a site back from what `dataclasses.asdict` made of it."""
    return Site(
        subscription=document["subscription"],
        resource_group=document["resource_group"],
        name=document["name"],
        slots=tuple(
            Slot(entry["name"], entry["port"], Deployment(**entry["deployment"]), entry["running"])
            for entry in document["slots"]
        ),
        rules=tuple(RoutingRule(**entry) for entry in document["rules"]),
        swaps=tuple(Swap(**{**entry, "phase": SwapPhase(entry["phase"])}) for entry in document["swaps"]),
    )
