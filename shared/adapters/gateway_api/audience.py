"""Sending marked requests to the candidate's backend by rules of an HTTPRoute."""

from shared.adapters.gateway_api.audience_rules import plan_mark, read_mark
from shared.adapters.gateway_api.clusters import KubernetesClusters
from shared.adapters.gateway_api.located import located_of
from shared.domain.rollout.spec import Target
from shared.ports.audience import RequestMark


class GatewayAudience:
    """The `Audience` of HTTPRoutes. That a header has one value every gateway can match; a cookie not every one can."""

    def __init__(self, clusters: KubernetesClusters) -> None:
        self._clusters = clusters

    def set_audience(self, target: Target, mark: RequestMark | None) -> None:
        """Put rules for marked requests before all others, in place of those that were there; None: take them away."""
        located = located_of(target)
        self._clusters.open(target).change(lambda route: plan_mark(route, located, mark))

    def read_audience(self, target: Target) -> RequestMark | None:
        """Return the mark that the route's rules of ours match; None where it has none."""
        located = located_of(target)
        calls = self._clusters.open(target)
        route = calls.read()
        with calls.refusing_unfit():
            return read_mark(route, located)
