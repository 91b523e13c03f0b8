"""One profile, by the calls that Slipway makes on it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from shared.adapters.traffic_manager.profile import Endpoint, Profile, read_profile
from shared.adapters.traffic_manager.weighted import Setting
from shared.calls.azure_calls import AzureCalls
from shared.wire.profile_id import ProfileId

if TYPE_CHECKING:
    from azure.mgmt.trafficmanager import TrafficManagerManagementClient


class ProfileCalls:
    """The calls of one method on one target. Each raises `TryLaterError` or `RejectedError`."""

    def __init__(
        self,
        client_of: "Callable[[str], TrafficManagerManagementClient]",
        calls: AzureCalls,
        profile_id: ProfileId,
    ) -> None:
        """`client_of` returns the client of a subscription."""
        self._client_of = client_of
        self._calls = calls
        self._id = profile_id

    def read(self) -> Profile:
        """Return the profile with all its endpoints."""
        return self._read(self._id, "read its endpoints")

    def read_other(self, profile_id: ProfileId) -> Profile:
        """Return another profile, such as the one behind an endpoint."""
        return self._read(profile_id, f"read the profile {profile_id.name} behind its endpoint")

    def set_endpoint(self, endpoint: Endpoint, setting: Setting) -> None:
        """Write the weight and status of one endpoint, and nothing else."""
        status = "Enabled" if setting.enabled else "Disabled"
        body: Any = {"properties": {"weight": setting.weight, "endpointStatus": status}}

        def send(options: dict[str, Any]) -> None:
            client = self._client_of(self._id.subscription)
            client.endpoints.update(self._id.group, self._id.name, endpoint.kind, endpoint.name, body, **options)

        self._calls.run(self._says(f"write its endpoint {endpoint.name}"), send)

    def replace(self, document: Mapping[str, Any]) -> None:
        """Write the whole profile."""
        body: Any = dict(document)

        def send(options: dict[str, Any]) -> None:
            client = self._client_of(self._id.subscription)
            client.profiles.create_or_update(self._id.group, self._id.name, body, **options)

        self._calls.run(self._says("write it"), send)

    def _read(self, profile_id: ProfileId, what: str) -> Profile:
        def send(options: dict[str, Any]) -> Profile:
            found = self._client_of(profile_id.subscription).profiles.get(profile_id.group, profile_id.name, **options)
            return read_profile(found.as_dict(), found.as_dict(exclude_readonly=True))

        return self._calls.run(self._says(what), send)

    def _says(self, what: str) -> str:
        return f"profile {self._id.name}: {what}"
