"""Which resources of the sandbox have which metrics, and what happened there by dimension values.

A site and its slots: Requests, Http5xx, HttpResponseTime and AverageResponseTime, without dimensions; numbers belong
to the slot and not to the version. Beside each site stands a container app of the same name, whose revisions are the
versions that answered users at the site's own host: Requests (revisionName, statusCodeCategory) and ResponseTime
(statusCodeCategory), as in Azure.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from local.cloud.arm import resource_id
from local.cloud.live_site import LiveSite
from local.cloud.meter import Tally
from local.cloud.state import PRODUCTION, Slot

REVISION, CATEGORY = "revisionName", "statusCodeCategory"


@dataclass(frozen=True, slots=True)
class MetricKind:
    """A metric that a kind of resource has."""

    name: str
    unit: str
    aggregation: str
    value: Callable[[Tally], float | None]
    dimensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metered:
    """A resource with metrics."""

    namespace: str
    provider: str
    kinds: tuple[MetricKind, ...]
    between: Callable[[int, int], Iterable[tuple[dict[str, str], Tally]]]
    """What happened from one second until before another, by dimension values, names in lower case."""

    def kind(self, name: str) -> MetricKind | None:
        """Return the metric of that name, in any case, or None."""
        return next((kind for kind in self.kinds if kind.name.lower() == name.lower()), None)


def _mean(tally: Tally, factor: float) -> float | None:
    return tally.busy * factor / tally.requests if tally.requests else None


_OF_SLOTS = (
    MetricKind("Requests", "Count", "total", lambda tally: float(tally.requests)),
    MetricKind("Http5xx", "Count", "total", lambda tally: float(tally.failures)),
    MetricKind("HttpResponseTime", "Seconds", "average", lambda tally: _mean(tally, 1.0)),
    MetricKind("AverageResponseTime", "Seconds", "average", lambda tally: _mean(tally, 1.0)),
)
_OF_CONTAINER_APPS = (
    MetricKind("Requests", "Count", "total", lambda tally: tally.requests or None, (REVISION, CATEGORY)),
    MetricKind("ResponseTime", "Milliseconds", "average", lambda tally: _mean(tally, 1000.0), (CATEGORY,)),
)


def find_metered(sites: Iterable[LiveSite], name: str) -> Metered | None:
    """Return the resource with this id, in any case, or None."""
    for site in sites:
        if name.lower() == _container_app_id(site).lower():
            return _container_app(site)
        for slot in site.state.slots:
            if name.lower() == resource_id(site, slot).lower():
                return _slot(site, slot)
    return None


def _container_app_id(site: LiveSite) -> str:
    state = site.state
    group = f"/subscriptions/{state.subscription}/resourceGroups/{state.resource_group}"
    return f"{group}/providers/Microsoft.App/containerApps/{state.name}"


def _slot(site: LiveSite, slot: Slot) -> Metered:
    meter = site.meters[slot.name]
    namespace = "microsoft.web/sites" if slot.name == PRODUCTION else "microsoft.web/sites/slots"
    return Metered(namespace, "Microsoft.Web", _OF_SLOTS, lambda start, end: (({}, meter.total(start, end)),))


def _container_app(site: LiveSite) -> Metered:
    def between(start: int, end: int) -> Iterable[tuple[dict[str, str], Tally]]:
        for kind, heap in site.ledger.between(start, end).items():
            if kind.at_edge:
                tags = {REVISION.lower(): kind.version, CATEGORY.lower(): f"{kind.status}xx"}
                yield tags, Tally(heap.requests, heap.requests if kind.status == 5 else 0, heap.busy)

    return Metered("microsoft.app/containerapps", "Microsoft.App", _OF_CONTAINER_APPS, between)
