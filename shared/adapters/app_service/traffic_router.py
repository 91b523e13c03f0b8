"""Dividing traffic by the routing rules of an App Service site."""

from shared.adapters.app_service.hosts import AppServiceHosts
from shared.adapters.app_service.routing_rules import are_same, read_share, with_share
from shared.adapters.app_service.sites import AppServiceSites
from shared.domain.rollout.spec import Place, Target
from shared.domain.rollout.weight import Weight


class AppServiceRouter:
    """The `TrafficRouter` of sites with slots.

    The rules are one list without a precondition: two writers at the same instant can undo one another's rule.
    Whoever sets a share reads it again later.
    """

    def __init__(self, sites: AppServiceSites, hosts: AppServiceHosts) -> None:
        self._sites = sites
        self._hosts = hosts

    def set_share(self, target: Target, share: Weight) -> None:
        """Send `share` of production's new users to the slot. Writes only what differs; keeps others' rules."""
        host = self._hosts.host_of(target, Place.CANDIDATE)
        site = self._sites.open(target, seconds=_CALL_SECONDS)
        rules = site.read_rules()
        wanted = with_share(rules, target.slot, host, share)
        if not are_same(rules, wanted):
            site.write_rules(wanted)

    def read_share(self, target: Target) -> Weight:
        """Return the share of production's new users that the rules send to the slot."""
        host = self._hosts.host_of(target, Place.CANDIDATE)
        return read_share(self._sites.open(target, seconds=_CALL_SECONDS).read_rules(), host)


_CALL_SECONDS = 15.0
"""With the 5 seconds of a host name, 20."""
