"""Builds `metrics` and `guards` of a release spec out of what a foreign tool measures, one figure at a time."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from shared.wire.durations import format_duration
from shared.wire.fields import SLUG
from shared.wire.findings import Part
from shared.wire.peers.accounts import Accounts
from shared.wire.peers.meshes import Counters, version_label_of
from shared.wire.peers.promql import Matcher, Query, Ratio, Selector
from shared.wire.quantities import plain_text
from shared.wire.spec_guards import OVER_AT_MOST
from shared.wire.spec_measuring import GRANULARITIES, MINUTE, SHORTEST_WINDOW
from shared.wire.web_addresses import parse_server_address

MOST_VALUES: Final = 10
"""So many figures of its own a release spec may have."""
UNKNOWN_PROMETHEUS: Final = "https://prometheus.invalid"
"""Stands where no address is known: the name can never exist, so nothing is asked by mistake."""
SECRET_SETTING: Final = "SLIPWAY_SECRET_PROMETHEUS"  # noqa: S105, the name of a setting
BY_SETTING: Final = f"a token in the app setting {SECRET_SETTING}, which you set (metrics.source.secretSetting)"
COMPARED: Final = "no worse than 25% relative plus 0.05 points"
VERSION: Final = "$version"
_SHORT: Final = tuple(timedelta(seconds=each) for each in range(59, 4, -1) if 60 % each == 0)
_WINDOWS: Final = (MINUTE, *_SHORT, *GRANULARITIES[1:])


@dataclass(frozen=True, slots=True)
class Limit:
    """The least and the greatest good value, each perhaps none; both are good themselves."""

    least: Decimal | None = None
    most: Decimal | None = None

    def document(self) -> dict[str, Any]:
        """Return the limit as a guard has it."""
        limits = {"min": self.least, "max": self.most}
        return {name: plain(value) for name, value in limits.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Server:
    """A Prometheus that is asked."""

    url: str
    needs_token: bool = False


@dataclass(slots=True)
class Measures:
    """The figures and guards gathered so far."""

    server: Server | None = None
    counters: tuple[Selector, Selector] | None = None
    """The selectors of all requests and of the failures."""
    latency: tuple[Selector, bool] | None = None
    """The selector of the histogram of response times, and whether it is in milliseconds."""
    version_label: str = "version"
    _values: list[dict[str, Any]] = field(default_factory=list)
    _guards: list[dict[str, Any]] = field(default_factory=list)
    _over: dict[str, Decimal] = field(default_factory=dict)

    @property
    def has_guards(self) -> bool:
        """Whether anything was gathered that decides."""
        return bool(self._guards)

    def count_by(self, counters: Counters) -> None:
        """Count requests, failures and response times as a mesh does."""
        self.counters = (counters.requests, counters.failures)
        self.latency = (counters.latency, counters.milliseconds)
        self.version_label = counters.version_label

    def is_full(self) -> bool:
        """Whether no further figure has room."""
        return len(self._values) >= MOST_VALUES

    def guard_errors(self, name: str, most: Decimal, over: Decimal | None) -> str:
        """Add a guard on the share of failed requests; return its name."""
        return self._guard(name, {"metric": "error-rate", "max": percent(most)}, over)

    def guard_figure(self, name: str, query: str, limit: Limit, over: Decimal | None) -> str:
        """Add a figure with a guard on it, both of one name, which is returned."""
        name = self._guard(name, {"metric": "gauge"}, over)
        self._values.append({"name": name, "kind": "gauge", "query": query})
        self._guards[-1] |= {"value": name, **limit.document()}
        return name

    def only_notify(self, name: str) -> None:
        """Let a guard be shown and told, and decide nothing."""
        for guard in self._guards:
            if guard["name"] == name:
                guard["notifyOnly"] = True

    def decides(self) -> bool:
        """Whether a guard is there that lets on and takes back."""
        return any(not guard.get("notifyOnly") and "share" not in guard for guard in self._guards)

    def compare_errors(self) -> None:
        """Add the guard that compares errors with the stable version's."""
        self._guard("errors", {"metric": "error-rate", "tolerance": COMPARED}, None)

    def guard_share(self, accounts: Accounts) -> None:
        """Add the guard that sees a candidate which gets fewer requests than it was given."""
        self._guard("share", {"metric": "requests", "share": True}, None)
        accounts.chosen("guards[share]", "asks a person to look when the candidate gets fewer requests than its share")

    def _guard(self, name: str, test: dict[str, Any], over: Decimal | None) -> str:
        taken = {guard["name"] for guard in self._guards}
        slug = slug_of(name, "figure")
        own = next(each for each in (slug, *(f"{slug[:58]}-{n}" for n in range(2, 200))) if each not in taken)
        self._guards.append({"name": own, **test})
        if over is not None and over > 0:
            self._over[own] = over
        return own

    def document(self) -> dict[str, Any]:
        """Return the members `metrics` and `guards`; no guards where there are none: the default ones hold then."""
        window = window_for(tuple(self._over.values()))
        values = {"values": self._values} if self._values else {}
        metrics = {"window": format_duration(window), "source": self._source(), **values}
        guards = [guard | self._pooled(guard["name"], window) for guard in self._guards]
        return {"metrics": metrics, **({"guards": guards} if guards else {})}

    def _pooled(self, name: str, window: timedelta) -> dict[str, Any]:
        over = self._over.get(name)
        return {"over": format_duration(pooled(over, window))} if over is not None else {}

    def _source(self) -> dict[str, Any]:
        if self.server is None or self.counters is None:
            return {"kind": "observations"}
        requests, failures = self.counters
        latency = {"latency": str(self.latency[0])} if self.latency else {}
        unit = {"latencyUnit": "ms"} if self.latency and self.latency[1] else {}
        token = {"auth": "bearer", "secretSetting": SECRET_SETTING} if self.server.needs_token else {}
        return {
            "kind": "prometheus",
            "url": self.server.url,
            "requests": str(requests),
            "failures": str(failures),
            **latency,
            **unit,
            "versionLabel": self.version_label,
            **token,
        }


def window_for(intervals: tuple[Decimal, ...]) -> timedelta:
    """Return the longest window up to a minute that all these times are whole numbers of, where there is one."""
    for window in _WINDOWS:
        length = Decimal(window.total_seconds())
        if all(interval % length == 0 and interval <= OVER_AT_MOST * length for interval in intervals):
            return window
    return MINUTE


def pooled(interval: Decimal, window: timedelta) -> timedelta:
    """Return the time over which windows are pooled that is nearest to an interval, and not shorter if it can."""
    length = Decimal(window.total_seconds())
    count = min(max(1, -int(-interval // length)), OVER_AT_MOST)
    return count * window


def of_version(query: Query) -> Query:
    """Return the query for one version at a time, unless it says itself which."""
    if any(VERSION in matcher.value for selector in query.selectors for matcher in selector.matchers):
        return query
    return query.each(lambda each: each.with_matcher(Matcher(version_label_of(each), "=", VERSION)))


def errors_of(ratio: Ratio, limit: Limit) -> tuple[Selector, Selector, Decimal] | None:
    """Return the selectors of all requests and of the failures, and the greatest good share of them.

    Which of the two parts are the failures follows from the limit: good is to have at least so many, or at most.
    None where it has both limits, or one that no share can meet or every share meets.
    """
    if (limit.least is None) == (limit.most is None):
        return None
    at_least = limit.least is not None
    bound = (limit.least if limit.least is not None else limit.most or Decimal(0)) / ratio.scale
    most = 1 - bound if at_least else bound
    fails_in_part = at_least == ratio.is_rest
    extra = ratio.extra if fails_in_part else ratio.extra.opposite()
    return (ratio.every, ratio.every.with_matcher(extra), most) if 0 <= most < 1 else None


def server_of(address: str) -> tuple[str, bool]:
    """Return the address to ask at, over https, and whether it is only a stand-in for one that is not known."""
    https = re.sub(r"^http://(?!localhost\b|127\.)", "https://", address.rstrip("/"))
    try:
        return parse_server_address(https), False
    except ValueError:
        return UNKNOWN_PROMETHEUS, True


def account_address(address: Part, *, is_unknown: bool, accounts: Accounts) -> None:
    """Say what became of the address of a Prometheus."""
    if is_unknown:
        accounts.no_equal(address, "the address cannot be called as it is", "metrics.source.url: fill it in")
    else:
        accounts.becomes(
            address, "metrics.source.url, over https. It must be reachable from where Slipway runs: often not this name"
        )


def slug_of(name: str, default: str) -> str:
    """Return the nearest name that a release spec takes."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-")
    return slug if SLUG.fullmatch(slug) else default


def percent(share: Decimal) -> str:
    """Return a share in percent, such as `0.5%`."""
    return f"{plain_text(share * 100)}%"


def plain(value: Decimal) -> int | float:
    """Return the number as a document has it."""
    return int(value) if value == value.to_integral_value() else float(value)


def duration_of(seconds: Decimal, least: timedelta = SHORTEST_WINDOW) -> str:
    """Return a time in whole seconds, at least `least`, as a release spec has it."""
    return format_duration(max(timedelta(seconds=-int(-seconds // 1)), least))
