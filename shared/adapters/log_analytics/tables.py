"""The tables of Application Insights, as a workspace names them and as a component names them."""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.rollout.measuring import Signal, SplitBy


class Dialect(StrEnum):
    """Whose names a query is in."""

    WORKSPACE = "workspace"
    COMPONENT = "component"
    """An Application Insights component that is asked by its own resource id keeps its older names."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table and the columns that are read of it."""

    name: str
    time: str
    role: str
    version: str
    properties: str
    weight: str
    """How many events a row stands for: telemetry is sampled."""
    took: str
    """Milliseconds."""
    success: str

    def named(self, by: SplitBy) -> str:
        """Return the KQL that tells what a row is named by, a string."""
        match by:
            case SplitBy.VERSION:
                return f"tostring({self.version})"
            case SplitBy.REVISION:
                return f"tostring({self.properties}.revision)"
            case SplitBy.ROLE | SplitBy.PLACE:
                return f"tostring({self.role})"


_NAMES = {
    Signal.REQUESTS: ("AppRequests", "requests"),
    Signal.DEPENDENCIES: ("AppDependencies", "dependencies"),
    Signal.AVAILABILITY: ("AppAvailabilityResults", "availabilityResults"),
}


def table_of(signal: Signal, dialect: Dialect) -> Table:
    """Return the table that holds a signal."""
    of_workspace, of_component = _NAMES[signal]
    if dialect is Dialect.WORKSPACE:
        return Table(
            name=of_workspace,
            time="TimeGenerated",
            role="AppRoleName",
            version="AppVersion",
            properties="Properties",
            weight="ItemCount",
            took="DurationMs",
            success="Success",
        )
    return Table(
        name=of_component,
        time="timestamp",
        role="cloud_RoleName",
        version="application_Version",
        properties="customDimensions",
        weight="itemCount",
        took="duration",
        success="success",
    )
