"""Dividing traffic by the weights of an HTTPRoute's backends."""

from shared.adapters.gateway_api.clusters import KubernetesClusters
from shared.adapters.gateway_api.division import plan_share, read_share
from shared.adapters.gateway_api.located import located_of
from shared.domain.rollout.spec import Target
from shared.domain.rollout.weight import Weight


class GatewayRouter:
    """The `TrafficRouter` of HTTPRoutes: two writers at once cannot undo one another's change."""

    def __init__(self, clusters: KubernetesClusters) -> None:
        self._clusters = clusters

    def set_share(self, target: Target, share: Weight) -> None:
        """Give the candidate's backend its share in each rule that names both; writes weights, and only what differs.

        Weights that others change at the same time are kept, in all other rules and of all other backends.
        """
        located = located_of(target)
        self._clusters.open(target).change(lambda route: plan_share(route, located, share))

    def read_share(self, target: Target) -> Weight:
        """Return the largest share that any rule sends to the candidate's backend, once the gateways have taken it up.

        Raises `TryLaterError` when they have not within 2 seconds.
        """
        located = located_of(target)
        calls = self._clusters.open(target)
        route = calls.read_taken_up()
        with calls.refusing_unfit():
            return read_share(route, located)
