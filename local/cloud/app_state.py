"""What the sandbox remembers of Container Apps: revisions, how traffic is to be divided, and updates of that."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from local.cloud.state import Deployment


class Mode(StrEnum):
    """How many revisions may be active, as ARM words it."""

    SINGLE = "Single"
    MULTIPLE = "Multiple"


class Provisioning(StrEnum):
    """How far a revision is, as ARM words it."""

    PROVISIONING = "Provisioning"
    PROVISIONED = "Provisioned"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One build of an app, with a host name (a port) of its own."""

    name: str
    port: int
    deployment: Deployment
    image: str
    created: str
    """ISO 8601 in UTC."""
    active: bool = True
    provisioning: Provisioning = Provisioning.PROVISIONING
    takes: float = 0.0
    """Seconds that provisioning takes beyond the start of its process."""
    doomed: bool = False
    """Its provisioning will fail."""
    settings: tuple[tuple[str, str], ...] = ()
    """The environment variables of its template, by name: they are part of the revision."""

    @property
    def host_name(self) -> str:
        """The host name as the management API tells it, always with its port."""
        return f"127.0.0.1:{self.port}"

    @property
    def serves(self) -> bool:
        """Whether requests can be sent to it."""
        return self.active and self.provisioning is Provisioning.PROVISIONED


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of an app's traffic: a percentage for a named revision, or for the one that was ready last."""

    weight: int
    revision: str = ""
    latest: bool = False
    label: str = ""


ALL_TO_LATEST = (Entry(weight=100, latest=True),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What an update of an app can change."""

    mode: Mode = Mode.SINGLE
    traffic: tuple[Entry, ...] = ALL_TO_LATEST
    """Has no effect in single mode."""
    sticky: bool = False


class UpdatePhase(StrEnum):
    """How far an update is, as ARM words it."""

    RUNNING = "InProgress"
    DONE = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One update, kept after its end so that its result can still be asked for."""

    id: str
    seconds: float
    began: str
    phase: UpdatePhase = UpdatePhase.RUNNING
    doomed: bool = False
    """An ordered fault: this update will fail."""


_UPDATES_KEPT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerApp:
    """A Container App. What is wanted is what the management API tells; what is in force divides traffic."""

    subscription: str
    resource_group: str
    name: str
    port: int
    wanted: Config
    in_force: Config
    revisions: tuple[Revision, ...] = ()
    """In the order in which they were made."""
    updates: tuple[Update, ...] = ()

    @property
    def host_name(self) -> str:
        """The host name as the management API tells it, always with its port."""
        return f"127.0.0.1:{self.port}"

    def revision(self, name: str) -> Revision | None:
        """Return the revision of that name, in any case, or None."""
        return next((each for each in self.revisions if each.name == name.lower()), None)

    def latest_ready(self) -> Revision | None:
        """Return the newest revision that serves, or None."""
        return next((each for each in reversed(self.revisions) if each.serves), None)

    def weights(self) -> dict[str, int]:
        """Return the percentages in force. In single mode the revision that was ready last has everything."""
        latest = self.latest_ready()
        weights: dict[str, int] = {}
        for entry in ALL_TO_LATEST if self.in_force.mode is Mode.SINGLE else self.in_force.traffic:
            name = (latest.name if latest else "") if entry.latest else entry.revision
            weights[name] = weights.get(name, 0) + entry.weight
        return weights

    def with_revision(self, changed: Revision) -> "ContainerApp":
        """Return the app with this revision added, or replaced where its name is known."""
        if self.revision(changed.name) is None:
            return replace(self, revisions=(*self.revisions, changed))
        kept = tuple(changed if each.name == changed.name else each for each in self.revisions)
        return replace(self, revisions=kept)

    def running_update(self) -> Update | None:
        """Return the update that is under way, or None; there is at most one."""
        return next((each for each in self.updates if each.phase is UpdatePhase.RUNNING), None)

    def last_phase(self) -> UpdatePhase:
        """Return how far the newest update is."""
        return self.updates[-1].phase if self.updates else UpdatePhase.DONE

    def with_update(self, changed: Update) -> "ContainerApp":
        """Return the app with this update added, or replaced where its id is known."""
        others = tuple(each for each in self.updates if each.id != changed.id)
        return replace(self, updates=(*others, changed)[-_UPDATES_KEPT:])


def parse_app(document: dict[str, Any]) -> ContainerApp:
    """Read an app back from what `dataclasses.asdict` made of it."""
    return ContainerApp(
        subscription=document["subscription"],
        resource_group=document["resource_group"],
        name=document["name"],
        port=document["port"],
        wanted=_parse_config(document["wanted"]),
        in_force=_parse_config(document["in_force"]),
        revisions=tuple(
            Revision(
                **{
                    **entry,
                    "deployment": Deployment(**entry["deployment"]),
                    "provisioning": Provisioning(entry["provisioning"]),
                    "settings": tuple((name, value) for name, value in entry.get("settings", ())),
                }
            )
            for entry in document["revisions"]
        ),
        updates=tuple(Update(**{**entry, "phase": UpdatePhase(entry["phase"])}) for entry in document["updates"]),
    )


def _parse_config(document: dict[str, Any]) -> Config:
    traffic = tuple(Entry(**entry) for entry in document["traffic"])
    return Config(mode=Mode(document["mode"]), traffic=traffic, sticky=document["sticky"])
