"""Bringing the list views and look-up rows of one application up to date."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from shared.application.aggregate import Aggregate
from shared.domain.names import ApplicationName
from shared.ports.view_index import IndexRow, ViewIndex
from shared.wire.resources import resource_group
from shared.wire.views import application_summary, shard_of

APPLICATIONS = "applications"
RESOURCES = "resources"
OWNERS_AT_MOST = 100


@dataclass(frozen=True, slots=True)
class ViewPublisher:
    """Writes an application's rows; safe to repeat, and a late write never replaces a newer one."""

    index: ViewIndex

    def publish(self, aggregate: Aggregate) -> None:
        """Write the application's line in the list and a row for each resource that its targets or its alerts name."""
        name, version = aggregate.application.name, aggregate.envelope.version
        line = json.dumps(application_summary(aggregate.application))
        self.index.put(APPLICATIONS, shard_of(name), IndexRow(name, version, line))
        for resource in dict.fromkeys(_resources(aggregate)):
            self.index.put(RESOURCES, resource_group(resource), IndexRow(name, version, "{}"))


def owners(index: ViewIndex, resource: str) -> tuple[ApplicationName, ...]:
    """Return the applications that have named this resource at some time: ask each whether it still does."""
    page = index.page(RESOURCES, resource_group(resource), after=None, limit=OWNERS_AT_MOST)
    return tuple(ApplicationName(row.key) for row in page.rows)


def _resources(aggregate: Aggregate) -> Iterator[str]:
    application = aggregate.application
    live = application.live.spec if application.live else None
    for spec in (application.spec, live):
        if spec is not None:
            yield from (target.resource for target in spec.targets)
            yield from spec.alert_resources
