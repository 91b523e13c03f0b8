"""One Container App, by the calls that Slipway makes on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from shared.adapters.container_apps.revision import Revision
from shared.adapters.container_apps.traffic import Entry
from shared.calls.azure_calls import AzureCalls
from shared.domain.errors import RejectedError
from shared.wire.container_app_id import ContainerAppId

if TYPE_CHECKING:
    from azure.mgmt.appcontainers import ContainerAppsAPIClient

_QUICK_SECONDS = 5.0
"""How long an update is looked at that was accepted. Most take longer: later looks tell."""
_LOOK_SECONDS = 0.5
_BUSY = ("inprogress", "deleting")
_FAILED = ("failed", "canceled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the management API tells of an app; modes and states in lower case.

    While an update is under way this is what is wanted. What is in force then, nobody tells.
    """

    mode: str
    state: str
    traffic: tuple[Entry, ...]
    latest_ready: str
    """The name of the revision that was ready last: it gets what the latest gets."""
    sticky: bool

    @property
    def is_busy(self) -> bool:
        """Whether an update, ours or another's, is under way. Until it ends the platform takes no other."""
        return self.state in _BUSY

    @property
    def has_failed(self) -> bool:
        """Whether the last update failed: what it wanted may be told and yet not be in force."""
        return self.state in _FAILED

    @property
    def divides(self) -> bool:
        """Whether weights have any effect: with one revision at a time they are taken, and ignored."""
        return self.mode == "multiple"


class App:
    """The calls of one method on one target. Each raises `TryLaterError` or `RejectedError`."""

    def __init__(self, client: "ContainerAppsAPIClient", calls: AzureCalls, app_id: ContainerAppId) -> None:
        self._client = client
        self._calls = calls
        self._name = (app_id.group, app_id.name)

    def read(self) -> Found:
        """Return the app as it is told. Raises `RejectedError` for one without an ingress: it gets no requests."""

        def send(options: dict[str, Any]) -> Found | None:
            found = self._client.container_apps.get(*self._name, **options)
            properties: Any = found.properties
            ingress = properties.configuration.ingress
            return ingress and Found(
                # What is not told is the platform's default.
                mode=_word(properties.configuration.active_revisions_mode) or "single",
                state=_word(properties.provisioning_state),
                traffic=tuple(_stated(entry) for entry in ingress.traffic or ()),
                latest_ready=str(properties.latest_ready_revision_name or ""),
                sticky=bool(ingress.sticky_sessions) and _word(ingress.sticky_sessions.affinity) == "sticky",
            )

        found = self._calls.run(self.says("read its traffic"), send)
        if found is None:
            raise RejectedError(self.says("it has no ingress, so it has no traffic to divide: enable its ingress"))
        return found

    def list_revisions(self) -> tuple[Revision, ...]:
        """Return all revisions, also inactive ones."""
        revisions, token = self._read_page(None)
        while token:
            more, token = self._read_page(token)
            revisions += more
        return revisions

    def read_revision(self, name: str) -> Revision:
        """Return one revision. Raises `RejectedError` when there is none of that name."""

        def send(options: dict[str, Any]) -> Revision:
            return _revision(self._client.container_apps_revisions.get_revision(*self._name, name, **options))

        return self._calls.run(self.says(f"read its revision {name}"), send)

    def update(self, configuration: Mapping[str, Any]) -> Found:
        """Begin to change some of the app's configuration; return the app once that is done, or after 5 seconds.

        Never sent twice: after a call that broke off nobody knows whether the update was begun.
        """
        body: Any = {"properties": {"configuration": configuration}}

        def send(options: dict[str, Any]) -> None:
            self._client.container_apps.begin_update(*self._name, body, polling=False, **options)

        self._calls.run(self.says("update its traffic"), send, repeatable=False)
        ends = monotonic() + _QUICK_SECONDS
        while (found := self.read()).is_busy and monotonic() < ends:
            sleep(_LOOK_SECONDS)
        return found

    def says(self, what: str) -> str:
        """Return the words with the app's name before them."""
        return f"container app {self._name[1]}: {what}"

    def _read_page(self, token: str | None) -> tuple[tuple[Revision, ...], str | None]:
        # One call for each page, so that all of them together have the method's time.
        def send(options: dict[str, Any]) -> tuple[tuple[Revision, ...], str | None]:
            pages: Any = self._client.container_apps_revisions.list_revisions(*self._name, **options).by_page(token)
            return tuple(_revision(each) for each in next(pages, ())), pages.continuation_token

        return self._calls.run(self.says("list its revisions"), send)


def _revision(told: Any) -> Revision:
    """Read a revision. Raises AttributeError, TypeError or ValueError for another shape."""
    properties = told.properties
    if not isinstance(told.name, str) or not isinstance(properties.created_time, datetime):
        raise ValueError("a revision without a name, or without the time of its making")
    containers = (properties.template.containers if properties.template else None) or ()
    return Revision(
        name=told.name,
        host=str(properties.fqdn or ""),
        created=properties.created_time,
        active=bool(properties.active),
        provisioning=_word(properties.provisioning_state),
        running=_word(properties.running_state),
        weight=int(properties.traffic_weight or 0),
        images=tuple(str(container.image) for container in containers if container.image),
        error=str(properties.provisioning_error or ""),
    )


def _word(told: Any) -> str:
    return str(getattr(told, "value", told) or "").lower()


def _stated(entry: Mapping[str, Any]) -> Entry:
    """Return an entry without what ARM fills with null: it need not take that back. Raises ValueError for no weight."""
    stated = {name: value for name, value in entry.items() if value is not None}
    weight = stated.get("weight", 0)
    if not isinstance(weight, int) or not 0 <= weight <= 100:
        raise ValueError("a weight that is no whole percentage")
    return stated
