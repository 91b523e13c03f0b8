"""A Traffic Manager profile in the sandbox whose two endpoints are the slots of its site, and documents of profiles."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from azure.mgmt.trafficmanager import TrafficManagerManagementClient

from local.cloud.meter import Tally
from local.cloud.traffic_manager.resolver import NameServer, Resolver, send_users
from shared.adapters.traffic_manager.hosts import TrafficManagerHosts
from shared.adapters.traffic_manager.places import TrafficManagerPlaces
from shared.adapters.traffic_manager.profiles import TrafficManagerProfiles
from shared.adapters.traffic_manager.traffic_router import TrafficManagerRouter
from shared.domain.names import TargetName
from shared.domain.rollout.spec import Located, NamedPlace, Target, TargetKind
from tests.sandbox import CANDIDATE_ID, RESOURCE_GROUP, SITE_ID, SUBSCRIPTION, RunningCloud
from tests.sandbox_sdk import AllowHttp, AnyToken

PROFILE = "front"
NAME = "front.trafficmanager.net"
GROUP_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}"
PROFILE_ID = f"{GROUP_ID}/providers/Microsoft.Network/trafficManagerProfiles/{PROFILE}"
TTL = 60
SPEC_TARGET = Target(
    name=TargetName("world"),
    kind=TargetKind.TRAFFIC_MANAGER,
    resource=PROFILE_ID,
    places=(NamedPlace(name="blue"), NamedPlace(name="green")),
)
"""As a spec has it; `TARGET` as a rollout has it."""
TARGET = replace(
    SPEC_TARGET, located=Located(stable="blue", candidate="green", settles=timedelta(seconds=90), pins=timedelta(0))
)
Entry = dict[str, Any]


def endpoint(name: str, weight: int = 1, *, enabled: bool = True, kind: str = "external", **properties: Any) -> Entry:
    """An endpoint as ARM tells it; of kind azure, external or nested."""
    stated = {"endpointStatus": "Enabled" if enabled else "Disabled", "weight": weight, **properties}
    if kind == "external" and "target" not in stated:
        stated["target"] = f"{name}.example"
    return {
        "id": f"{PROFILE_ID}/{kind}Endpoints/{name}",
        "name": name,
        "type": f"Microsoft.Network/trafficManagerProfiles/{kind}Endpoints",
        "properties": stated,
    }


def profile(*endpoints: Entry, method: str = "Weighted", ttl: int = TTL, name: str = PROFILE, **properties: Any) -> Any:
    """A profile as ARM tells it."""
    return {
        "id": PROFILE_ID,
        "name": name,
        "type": "Microsoft.Network/trafficManagerProfiles",
        "location": "global",
        "tags": {"team": "web"},
        "properties": {
            "profileStatus": "Enabled",
            "trafficRoutingMethod": method,
            "dnsConfig": {"relativeName": name, "fqdn": f"{name}.trafficmanager.net", "ttl": ttl},
            "monitorConfig": {"protocol": "HTTP", "port": 80, "path": "/healthz"},
            "endpoints": list(endpoints),
            **properties,
        },
    }


def profiles_at(url: str, **options: Any) -> TrafficManagerProfiles:
    return TrafficManagerProfiles(AnyToken(), base_url=url, **{"allow_http": True, **options})


class ProfileWorld:
    """The sandbox's profile: by the adapters that run in Azure, by Microsoft's client, and as users meet it."""

    def __init__(self, cloud: RunningCloud) -> None:
        connection = profiles_at(cloud.management)
        self.cloud = cloud
        self.router = TrafficManagerRouter(connection)
        self.places = TrafficManagerPlaces(connection)
        self.hosts = TrafficManagerHosts(connection)
        self.client = TrafficManagerManagementClient(
            AnyToken(),
            SUBSCRIPTION,
            base_url=cloud.management,
            per_call_policies=[AllowHttp()],
            retry_total=0,
        )

    def blue(self, weight: int = 1000, **properties: Any) -> Entry:
        """The site's production slot."""
        return endpoint("blue", weight, kind="azure", targetResourceId=SITE_ID, **properties)

    def green(self, weight: int = 1, *, enabled: bool = False, **properties: Any) -> Entry:
        """The site's candidate slot."""
        return endpoint("green", weight, enabled=enabled, kind="azure", targetResourceId=CANDIDATE_ID, **properties)

    def put(self, *endpoints: Entry, **properties: Any) -> None:
        """Write the profile anew; without endpoints it has the two slots, with everyone at blue."""
        document = profile(*(endpoints or (self.blue(), self.green())), **properties)
        self.client.profiles.create_or_update(RESOURCE_GROUP, document["name"], document)

    def reset(self) -> None:
        """Undo what a test left: faults, healths on order, the profile as it was."""
        self.cloud.control.clear_faults()
        self.put()
        for name in ("blue", "green"):
            self.order_health(name, "Online")

    def read(self, name: str = PROFILE) -> Any:
        """The profile as ARM tells it."""
        return self.client.profiles.get(RESOURCE_GROUP, name).as_dict()

    def settings(self) -> dict[str, tuple[str, int, int]]:
        """Status, weight and priority of each endpoint."""
        told = {entry["name"]: entry["properties"] for entry in self.read()["properties"]["endpoints"]}
        return {name: (one["endpointStatus"], one["weight"], one["priority"]) for name, one in told.items()}

    def order_health(self, endpoint_name: str, health: str) -> None:
        self.cloud.control.call("POST", f"profiles/{PROFILE}/endpoints/{endpoint_name}", {"health": health})

    def send(self, requests: int, *, name: str = NAME, resolvers: int | None = None) -> dict[str, Tally]:
        """Send users, each of a resolver of their own unless their number is given; return what each version met."""

        async def send() -> dict[str, Tally]:
            server = NameServer(self.cloud.management)
            try:
                fresh = [Resolver(server) for _ in range(resolvers or requests)]
                return await send_users(fresh, name, requests=requests)
            finally:
                server.close()

        return asyncio.run(send())
