"""Log Analytics' query API as `azure-monitor-query` 2 calls it, over the requests that really passed sites and apps.

One workspace (`WORKSPACE`) holds the telemetry of every site and Container App; each of them has an Application
Insights component and a workspace resource of its name. A row's application version and custom dimension `revision`
are the version that answered; its role is the name of the site or app, or `site-slot` for another slot. There are
requests only: no dependencies and no availability results. Probes count, as they do for an agent in the application,
and a status of 400 or more is a failure, as agents have it. Rows come when the lag is over.
"""

import time
from collections.abc import Iterator
from typing import Any

from local.cloud.http_json import ApiError, JsonCall, Reply
from local.cloud.ledger import EDGES_MS, Heap, Kind
from local.cloud.live_app import LiveApp
from local.cloud.live_site import LiveSite
from local.cloud.log_query import LogQuery, RefusedQueryError, parse_query, refuse
from local.cloud.meter import REACH_SECONDS
from local.cloud.monitor import MetricsApi
from local.cloud.state import PRODUCTION

WORKSPACE = "00000000-0000-0000-0000-00000000000a"
_TABLES = {
    "workspaces": ("AppRequests", "AppDependencies", "AppAvailabilityResults"),
    "components": ("requests", "dependencies", "availabilityResults"),
}
_MOST_WINDOWS = 5000

Observed = LiveSite | LiveApp
"""What sends telemetry."""


class LogsApi:
    """Answers queries on the workspace and on the resources of sites and apps."""

    def __init__(self, sites: dict[str, LiveSite], apps: dict[str, LiveApp], metrics: MetricsApi) -> None:
        self._sites = sites
        self._apps = apps
        self._metrics = metrics

    def answer(self, call: JsonCall) -> Reply:
        """Carry out one query. Raises `ApiError`."""
        senders, kind = self._find(call)
        try:
            query = parse_query(call.body)
            tables = _TABLES[kind]
            if query.table not in tables:
                raise refuse("SemanticError", f"Failed to resolve table or column expression named '{query.table}'")
            found = senders if query.table == tables[0] else []
            return Reply(
                200, {"tables": [self._windows(query, found) if query.name == "windows" else self._names(query, found)]}
            )
        except RefusedQueryError as error:
            return Reply(error.status, error.document)

    def _find(self, call: JsonCall) -> tuple[list[Observed], str]:
        everything: list[Observed] = [*self._sites.values(), *self._apps.values()]
        match call.segments:
            case ["v1", "workspaces", workspace, "query"] if workspace == WORKSPACE:
                return everything, "workspaces"
            case [
                "v1",
                "subscriptions",
                subscription,
                "resourcegroups",
                group,
                "providers",
                provider,
                kind,
                name,
                "query",
            ]:
                owner = {"components": "microsoft.insights", "workspaces": "microsoft.operationalinsights"}.get(kind)
                for each in everything:
                    known = (each.state.subscription, each.state.resource_group.lower(), owner, each.state.name)
                    if known == (subscription, group, provider, name):
                        return [each], kind
        raise ApiError(404, "PathNotFoundError", "The requested path does not exist")

    def _windows(self, query: LogQuery, senders: list[Observed]) -> dict[str, Any]:
        if query.length < 1 or not 0 < (query.until - query.since) // query.length <= _MOST_WINDOWS:
            raise refuse("SemanticError", f"1 to {_MOST_WINDOWS} windows of whole seconds")
        columns = [
            ("Start", "datetime"),
            ("Arm", "string"),
            *((name, "real") for name in _figures()),
            ("Now", "datetime"),
        ]
        rows = []
        for start in range(query.since, query.until, query.length):
            arms: dict[str, _Sum] = {}
            for role, kind, heap in self._rows(senders, start, min(start + query.length, query.until)):
                if not query.role or query.role.lower() == role.lower():
                    arms.setdefault(query.arm_of(_named(query, role, kind)), _Sum()).add(kind, heap)
            rows += [
                [_text(start), arm, *heaps.figures(), self._metrics.lag_seconds, _text(time.time())]
                for arm, heaps in arms.items()
            ]
        return _table(columns, rows)

    def _names(self, query: LogQuery, senders: list[Observed]) -> dict[str, Any]:
        counts: dict[tuple[str, str], int] = {}
        for role, kind, heap in self._rows(senders, query.since, query.until):
            key = role, _named(query, role, kind)
            counts[key] = counts.get(key, 0) + heap.requests
        rows = [[*key, count] for key, count in sorted(counts.items(), key=lambda each: -each[1])]
        return _table([("Role", "string"), ("Named", "string"), ("Requests", "real")], rows)

    def _rows(self, senders: list[Observed], start: int, end: int) -> Iterator[tuple[str, Kind, Heap]]:
        now = time.time()
        first, last = max(start, int(now) - REACH_SECONDS), min(end, int(now - self._metrics.lag_seconds))
        for each in senders:
            for kind, heap in each.ledger.between(first, last).items():
                yield each.state.name if kind.slot == PRODUCTION else f"{each.state.name}-{kind.slot}", kind, heap


class _Sum:
    """The rows of one window and arm, added up."""

    def __init__(self) -> None:
        self._all = Heap()
        self._failed = 0

    def add(self, kind: Kind, heap: Heap) -> None:
        """Count rows of one kind."""
        self._all.add(heap)
        self._failed += heap.requests if kind.status >= 4 else 0

    def figures(self) -> list[float]:
        """Return requests, failures, those with a time, their sum in ms, and those of at most each edge."""
        below, so_far = [], 0
        for count in self._all.by_time[:-1]:
            so_far += count
            below.append(so_far)
        return [self._all.requests, self._failed, self._all.requests, self._all.busy * 1000, *below]


def _figures() -> tuple[str, ...]:
    return ("Requests", "Failures", "Timed", "Busy", *(f"At{edge}" for edge in EDGES_MS), "Lateness")


def _named(query: LogQuery, role: str, kind: Kind) -> str:
    return role if query.split in ("role", "place") else kind.version


def _table(columns: list[tuple[str, str]], rows: list[list[Any]]) -> dict[str, Any]:
    return {"name": "PrimaryResult", "columns": [{"name": name, "type": kind} for name, kind in columns], "rows": rows}


def _text(second: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)) + f".{int(second % 1 * 1e7):07}Z"
