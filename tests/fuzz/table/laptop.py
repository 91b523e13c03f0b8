"""What the development host and the sandbox read: files, schedules and routes, and what is asked of the sandbox."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from local.cloud.fields import BadFieldError
from local.cloud.http_json import ApiError
from local.cloud.kubernetes.json_patch import MalformedPatchError, PatchError, apply_patch
from local.cloud.log_query import parse_query
from local.cloud.metric_filter import parse_filter
from local.cloud.orders import read_deployment, read_fault, read_order
from local.cloud.traffic_manager.reading import read_profile
from local.hosting.host_file import HostFile, parse_time_span
from local.hosting.keys import HostKeys
from local.hosting.ncrontab import Ncrontab
from local.hosting.route_template import RouteTemplate
from local.hosting.state_file import StateFileError
from local.hosting.timer_functions import TimerMonitor
from shared.domain.errors import InvalidError
from tests.fuzz.parser import Form, Parser, all_of, of_answer, of_text
from tests.fuzz.seeds import files, given
from tests.fuzz.table.files import in_file
from tests.fuzz.table.foreign import PROFILE, ROUTE
from tests.unit.domain.specs import NOON

REFUSED = (ValueError,)
STATED = {
    **PROFILE["properties"],
    "dnsConfig": {"relativeName": "shop", "ttl": 30},
    "monitorConfig": {"path": "/healthz"},
    "endpoints": PROFILE["properties"]["endpoints"][:1],
}
KEYS = {"master": "a" * 20, "function": "b" * 20, "event_grid": "c" * 20}


def _schedule(text: str) -> datetime:
    """A schedule that is taken can be asked when it is due."""
    return Ncrontab.parse(text).next_after(NOON)


def _route(text: str) -> Any:
    """A template that is taken can be asked for a match."""
    template = RouteTemplate(text)
    return template.match("api/rollouts/7"), template.match("")


def _host_file(document: Any) -> HostFile:
    return HostFile.parse(document)


def _orders(body: Any) -> Any:
    return all_of(read_deployment, read_order, lambda each: read_fault(each, "1"), refuses=(BadFieldError,))(body)


def _profile(body: Any) -> Any:
    return read_profile("s", "g", "shop", body)


def _patched(patch: Any) -> Any:
    json.dumps(apply_patch(ROUTE, patch))


def _timers(path: Path) -> Any:
    return TimerMonitor(path).read("sweep")


LAPTOP = (
    Parser(
        name="host-file",
        read=of_answer(_host_file),
        refuses=(*REFUSED, InvalidError),
        seeds=files("host.json"),
    ),
    Parser(name="host-keys", read=in_file(HostKeys.kept_in), refuses=(StateFileError,), seeds=given(KEYS)),
    Parser(
        name="host-timers",
        read=in_file(_timers),
        refuses=(StateFileError,),
        seeds=given({"sweep": {"Last": "", "Next": "2026-11-23T12:00:00", "LastUpdated": ""}}),
    ),
    Parser(
        name="time-spans",
        form=Form.TEXT,
        read=of_text(parse_time_span),
        refuses=REFUSED,
        seeds=given("00:00:01.5", "1.00:00:00"),
    ),
    Parser(
        name="timer-schedules",
        form=Form.TEXT,
        read=of_text(_schedule),
        refuses=REFUSED,
        seeds=given("0 */5 * * * *", "30 0 9-17/2 1,15 jan-mar mon-fri"),
    ),
    Parser(
        name="route-templates",
        form=Form.TEXT,
        read=of_text(_route),
        refuses=REFUSED,
        seeds=given("api/rollouts/{id:int?}", "a/v{major}.{minor}/{*rest}", "x/{y=7}"),
    ),
    Parser(
        name="sandbox-orders",
        read=of_answer(_orders),
        refuses=(BadFieldError, InvalidError),
        seeds=given(
            {"version": "2", "error_rate": 0.5},
            {"site": "shop", "rps": 5, "clients": "fresh"},
            {"on": "management", "kind": "503", "seconds": 5, "count": 1},
        ),
    ),
    Parser(
        name="sandbox-profile",
        read=of_answer(_profile),
        refuses=(ApiError, InvalidError),
        seeds=given({"location": "global", "properties": STATED}),
    ),
    Parser(
        name="sandbox-patch",
        read=of_answer(_patched),
        refuses=(PatchError, MalformedPatchError, InvalidError),
        seeds=given(
            [
                {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
                {"op": "replace", "path": "/spec/rules/1/backendRefs/0/weight", "value": 75},
                {"op": "add", "path": "/spec/rules/-", "value": {"name": "x"}},
                {"op": "move", "from": "/spec/rules/0", "path": "/spec/rules/1"},
                {"op": "remove", "path": "/metadata/labels/a"},
                {"op": "copy", "from": "/kind", "path": "/x"},
            ]
        ),
    ),
    Parser(
        name="sandbox-metric-filter",
        form=Form.TEXT,
        read=of_text(parse_filter),
        refuses=(ApiError,),
        seeds=given("revisionName eq 'a' or revisionName eq 'b' and statusCodeCategory eq '*'", ""),
    ),
    Parser(
        name="sandbox-log-query",
        read=of_answer(parse_query),
        refuses=(ApiError, InvalidError),
        seeds=lambda: _queries(),
    ),
)


def _queries() -> tuple[bytes, ...]:
    """The query that ships with Slipway, as the adapter words it."""
    from shared.adapters.log_analytics.arm_names import names_of
    from shared.adapters.log_analytics.queries import windows_query
    from shared.adapters.log_analytics.tables import Dialect, table_of
    from shared.domain.rollout.measuring import LogAnalyticsSource
    from tests.fuzz.table.azure import question_of

    source = LogAnalyticsSource(workspace="00000000-0000-0000-0000-000000000001")
    question = question_of(source, ())
    table = table_of(source.signal, Dialect.WORKSPACE)
    return (json.dumps({"query": windows_query(question, source, names_of(question, source), table)}).encode(),)
