"""Where and how an application is measured."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class ValueKind(StrEnum):
    """How a figure of a team's own adds up."""

    COUNTER = "counter"
    GAUGE = "gauge"


class Unit(StrEnum):
    """In which unit a source tells a figure; inside, shares are fractions and times milliseconds."""

    ONE = "one"
    """As it is: a count, a level, a fraction."""
    PERCENT = "percent"
    PPM = "ppm"
    """Parts in a million."""
    MILLISECONDS = "ms"
    SECONDS = "s"

    @property
    def factor(self) -> float:
        """What a figure in this unit is multiplied with."""
        return {Unit.PERCENT: 1e-2, Unit.PPM: 1e-6, Unit.SECONDS: 1e3}.get(self, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueQuery:
    """A figure of the team's own that the source is asked for with each window."""

    name: str
    kind: ValueKind
    query: str = ""
    """In the source's own language; each adapter's docstring says what it fills in. Not used by observations."""
    of: str = ""
    """For a counter: a second query, for the number of opportunities; empty: of the requests."""
    unit: Unit = Unit.ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureMonitorSource:
    """Platform metrics of the target's own resource, or of another one, split by place or by a dimension."""

    resource: str = ""
    """A resource id; empty: the target's own resource (its site, and its slot)."""
    namespace: str = ""
    """The metric namespace; empty: that of the resource's kind."""
    requests: str = "Requests"
    failures: str = "Http5xx"
    failures_where: tuple[str, str] | None = None
    """A dimension and its value that means failure, such as (statusCodeCategory, 5xx); None: all of the metric."""
    latency: str = "HttpResponseTime"
    """The metric of the average response time; empty: none."""
    latency_unit: Unit = Unit.SECONDS
    split_by: str = ""
    """The dimension that names the version or revision; empty: the places are resources of their own."""


class Signal(StrEnum):
    """Which telemetry of Application Insights is counted."""

    REQUESTS = "requests"
    DEPENDENCIES = "dependencies"
    AVAILABILITY = "availability"


class SplitBy(StrEnum):
    """What tells the arms apart in logs."""

    VERSION = "version"
    """The application version (AppVersion) is the version that is released."""
    ROLE = "role"
    """The role name (AppRoleName) ends with, or is, the version; slots have role names of their own."""
    REVISION = "revision"
    """The custom dimension `revision` is the version that is released."""
    PLACE = "place"
    """The role name is the host or slot name of the place: `site` for production, `site-slot` for the candidate's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogAnalyticsSource:
    """Application Insights telemetry in a Log Analytics workspace."""

    workspace: str = ""
    """The workspace's id, a GUID; or `resource`."""
    resource: str = ""
    """The resource id of the workspace or of the Application Insights component."""
    signal: Signal = Signal.REQUESTS
    split_by: SplitBy = SplitBy.VERSION
    role: str = ""
    """Count only this role; empty: all."""


class PrometheusAuth(StrEnum):
    """How Prometheus is asked."""

    NONE = "none"
    BEARER = "bearer"
    """With the token in the app setting that `secret_setting` names."""
    AZURE = "azure"
    """With the app's managed identity, as Azure Managed Prometheus wants it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusSource:
    """Counters and histograms in Prometheus or Azure Managed Prometheus."""

    url: str
    requests: str
    """A selector of counters, such as `http_requests_total{app="shop"}`; all its series count."""
    failures: str
    """A selector of counters of what failed."""
    latency: str = ""
    """A selector of a histogram, classic (`..._bucket`) or native; empty: none."""
    latency_unit: Unit = Unit.SECONDS
    version_label: str = "version"
    """The label whose value is the version."""
    auth: PrometheusAuth = PrometheusAuth.NONE
    secret_setting: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSource:
    """A page of JSON with the counts of one version in one window."""

    url: str
    """With `{version}`, `{since}`, `{until}` (RFC 3339) and `{seconds}` filled in."""
    requests: str = "/requests"
    """A JSON pointer (RFC 6901) into the answer, as the next ones."""
    failures: str = "/failures"
    failures_unit: Unit | None = None
    """Set when the page tells a failure rate in this unit and not a count."""
    latency: str = ""
    latency_unit: Unit = Unit.MILLISECONDS
    histogram: str = ""
    """A member with `edges` and `counts`."""
    version: str = ""
    """A member that names the version the counts are of; it is verified where it is named."""
    secret_setting: str | None = None
    """The app setting with a bearer token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationsSource:
    """What senders push to `POST /api/observations`: no lag, and no question asked."""


Source = AzureMonitorSource | LogAnalyticsSource | PrometheusSource | WebSource | ObservationsSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """Where and how the candidate is measured."""

    window: timedelta = timedelta(minutes=1)
    lag: timedelta = timedelta(minutes=2)
    """How long after its end a window is asked for first."""
    source: Source = AzureMonitorSource()
    values: tuple[ValueQuery, ...] = ()

    @property
    def is_pushed(self) -> bool:
        """Whether news comes by itself, so that nothing needs to be asked for."""
        return isinstance(self.source, ObservationsSource)
