"""One site and its candidate slot, by the calls that Slipway makes on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.adapters.app_service.routing_rules import Rule, read_rules
from shared.calls.azure_calls import AzureCalls
from shared.domain.errors import TryLaterError
from shared.domain.rollout.spec import Place
from shared.wire.site_id import SiteId

if TYPE_CHECKING:
    from azure.mgmt.web import WebSiteManagementClient


PRODUCTION = "production"
"""How App Service calls the site itself where it asks for a slot."""
_STAYS = "SettingsWillNotBeSwapped"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation's address answered."""

    status: int
    headers: Mapping[str, str]
    body: str


class Site:
    """The calls of one method on one target. Each raises `TryLaterError` or `RejectedError`."""

    def __init__(
        self, client: "WebSiteManagementClient", calls: AzureCalls, site_id: SiteId, slot: str, base_url: str
    ) -> None:
        self.slot = slot
        self.base_url = base_url
        self._client = client
        self._calls = calls
        self._id = site_id
        self._name = (site_id.group, site_id.name)

    def read_host(self, place: Place) -> str:
        """Return the place's own host name, with a port where it has one."""

        def send(options: dict[str, Any]) -> str | None:
            if place is Place.PRODUCTION:
                found = self._client.web_apps.get(*self._name, **options)
            else:
                found = self._client.web_apps.get_slot(*self._name, self.slot, **options)
            return found.properties.default_host_name if found.properties else None

        host = self._calls.run(self._says(f"read the host name of its {place} place"), send)
        if not host:
            raise TryLaterError(self._says(f"its {place} place has no host name"))
        return host

    def read_rules(self) -> list[Rule]:
        """Return the routing rules of the production place; none where they were never set."""

        def send(options: dict[str, Any]) -> list[Rule]:
            found = self._client.web_apps.get_configuration(*self._name, **options)
            experiments = found.properties.experiments if found.properties else None
            return read_rules(experiments.ramp_up_rules if experiments else None)

        return self._calls.run(self._says("read its routing rules"), send)

    def write_rules(self, rules: Sequence[Rule]) -> None:
        """Replace the routing rules of the production place, and nothing else of its configuration."""
        body: Any = {"properties": {"experiments": {"rampUpRules": [dict(rule) for rule in rules]}}}

        def send(options: dict[str, Any]) -> None:
            self._client.web_apps.update_configuration(*self._name, body, **options)

        self._calls.run(self._says("write its routing rules"), send)

    def begin_swap(self) -> str | None:
        """Begin to exchange the slot with production; return where the operation can be looked at, if anywhere.

        Never sent twice: after a call that broke off nobody knows whether the swap was begun.
        """
        body: Any = {"targetSlot": self.slot, "preserveVnet": True}

        def send(options: dict[str, Any]) -> str | None:
            poller = self._client.web_apps.begin_swap_slot_with_production(
                *self._name,
                body,
                polling=False,
                cls=lambda response, _body, _headers: response.http_response.headers.get("Location"),
                **options,
            )
            # `cls` decides what the poller holds; the SDK's types know only the default, None.
            location: Any = poller.result()
            return str(location) if location else None

        return self._calls.run(self._says("begin a swap"), send, repeatable=False)

    def is_busy(self) -> bool:
        """Say whether an operation on the site is under way."""

        def send(options: dict[str, Any]) -> bool:
            found = self._client.web_apps.get(*self._name, **options)
            return bool(found.properties and found.properties.in_progress_operation_id)

        return self._calls.run(self._says("read whether it is busy"), send)

    def read_partner(self, place: Place) -> str | None:
        """Return the slot, in lower case, that a place has been prepared to be swapped with; None: it has not been."""

        def send(options: dict[str, Any]) -> str | None:
            if place is Place.PRODUCTION:
                found = self._client.web_apps.get(*self._name, **options)
            else:
                found = self._client.web_apps.get_slot(*self._name, self.slot, **options)
            return found.properties.target_swap_slot if found.properties else None

        partner = self._calls.run(self._says(f"read what its {place} place is to be swapped with"), send)
        return partner.lower() if partner else None

    def apply_settings(self) -> None:
        """Put production's settings on the slot. Never sent twice: what is applied already is refused."""
        body: Any = {"targetSlot": PRODUCTION, "preserveVnet": True}

        def send(options: dict[str, Any]) -> None:
            self._client.web_apps.apply_slot_configuration_slot(*self._name, self.slot, body, **options)

        self._calls.run(self._says("begin a swap with preview"), send, repeatable=False)

    def reset_settings(self, place: Place) -> None:
        """Give a place its own settings back; nothing happens where it has them."""

        def send(options: dict[str, Any]) -> None:
            if place is Place.PRODUCTION:
                self._client.web_apps.reset_production_slot_config(*self._name, **options)
            else:
                self._client.web_apps.reset_slot_configuration_slot(*self._name, self.slot, **options)

        self._calls.run(self._says("cancel a swap with preview"), send)

    def read_staying(self) -> tuple[str, ...]:
        """Return the names of the settings that stay with their slot and differ between the slot and production."""
        body: Any = {"targetSlot": PRODUCTION, "preserveVnet": True}

        def send(options: dict[str, Any]) -> tuple[str, ...]:
            found = self._client.web_apps.list_slot_differences_slot(*self._name, self.slot, body, **options)
            known = (difference.properties for difference in found)
            names = (each.setting_name for each in known if each and each.diff_rule == _STAYS and each.setting_name)
            return tuple(sorted(names))

        return self._calls.run(self._says("compare its settings"), send)

    def get(self, path: str) -> Answer:
        """Return whatever a path below the base URL answers, also a refusal."""

        def send(options: dict[str, Any]) -> Answer:
            from azure.core.rest import HttpRequest

            response = self._client.send_request(HttpRequest("GET", f"{self.base_url}{path}"), **options)
            return Answer(response.status_code, response.headers, response.text())

        return self._calls.run(self._says("look at a swap"), send)

    def _says(self, what: str) -> str:
        return f"site {self._id.name}: {what}"
