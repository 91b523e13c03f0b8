"""Answers of what Slipway asks: Prometheus, Azure, Kubernetes, GitHub, a team's own pages."""

from datetime import timedelta
from typing import Any

from shared.adapters.app_service.routing_rules import are_same, read_rules, with_share
from shared.adapters.app_service.routing_rules import read_share as share_by_rules
from shared.adapters.azure_monitor.batch_answer import UnusableAnswerError, check_codes
from shared.adapters.gateway_api.audience_rules import plan_mark, read_mark
from shared.adapters.gateway_api.division import plan_share, read_share
from shared.adapters.gateway_api.owners import find_other_owner
from shared.adapters.gateway_api.route import UnfitError, UnreadableError, read_route
from shared.adapters.github.workflow_runs import read_run
from shared.adapters.http_json.json_pointer import resolve_pointer
from shared.adapters.http_json.page import UnusableError, read_page
from shared.adapters.http_json.served_version import NoVersionError, served_version
from shared.adapters.log_analytics.numbers import moment, number
from shared.adapters.log_analytics.sampling import COLUMNS, count
from shared.adapters.prometheus import answer as prometheus
from shared.adapters.traffic_manager.profile import pair_of, read_profile
from shared.adapters.traffic_manager.weighted import changes
from shared.calls.http_exchange import Answer
from shared.calls.retry_after import read_retry_after
from shared.domain.errors import InvalidError, Problem, RejectedError, TryLaterError
from shared.domain.rollout.spec import Located, VersionProbe
from shared.domain.rollout.weight import from_percent
from shared.ports.audience import CarriedIn, RequestMark
from tests.fuzz.parser import Form, Parser, all_of, of_answer, of_message, of_text
from tests.fuzz.seeds import given, headed, payloads, together

LOCATED = Located(stable="shop-stable", candidate="shop-canary")
SHAPES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What the caller takes for an answer of another shape."""
ROUTE = {
    "kind": "HTTPRoute",
    "apiVersion": "gateway.networking.k8s.io/v1",
    "metadata": {
        "resourceVersion": "7",
        "generation": 2,
        "labels": {"a": "b"},
        "annotations": {"slipway/audience": '{"in": "header", "name": "x-user", "value": "insider"}'},
        "managedFields": [{"manager": "helm", "fieldsV1": {"f:spec": {"f:rules": {}}}}],
        "ownerReferences": [{"controller": True, "kind": "Canary", "name": "shop"}],
    },
    "spec": {
        "rules": [
            {
                "name": "slipway-audience-0",
                "matches": [{"headers": [{"name": "x-user", "value": "insider"}]}],
                "backendRefs": [{"name": "shop-canary", "port": 80}],
            },
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [
                    {"name": "shop-stable", "weight": 90, "port": 80},
                    {"name": "shop-canary", "weight": 10, "port": 80},
                ],
            },
        ]
    },
    "status": {
        "parents": [
            {
                "parentRef": {"name": "gateway", "sectionName": "https"},
                "conditions": [
                    {
                        "type": "Accepted",
                        "status": "True",
                        "observedGeneration": 2,
                        "reason": "Accepted",
                        "message": "ok",
                    }
                ],
            }
        ]
    },
}
PROFILE = {
    "name": "shop",
    "id": "/x",
    "properties": {
        "profileStatus": "Enabled",
        "trafficRoutingMethod": "Weighted",
        "dnsConfig": {"ttl": 30, "fqdn": "shop.trafficmanager.net"},
        "endpoints": [
            {
                "name": name,
                "type": "Microsoft.Network/trafficManagerProfiles/externalEndpoints",
                "properties": {
                    "endpointStatus": "Enabled",
                    "weight": weight,
                    "priority": 1,
                    "endpointMonitorStatus": "Online",
                    "target": f"{name}.example",
                },
            }
            for name, weight in (("shop-stable", 90), ("shop-canary", 10))
        ],
    },
}
MATRIX = {
    "resultType": "matrix",
    "result": [
        {"metric": {"app": "shop"}, "values": [[1795435200, "1"], [1795435260.5, "NaN"]]},
        {
            "metric": {"app": "a"},
            "histograms": [[1795435200, {"count": "9", "sum": "1.2", "buckets": [[0, "0.5", "0.59", "4"]]}]],
        },
    ],
}
VECTOR = {"resultType": "vector", "result": [{"metric": {"app": "shop"}, "value": [1795435200, "+Inf"]}]}
ROW = dict.fromkeys(COLUMNS, 1) | {"Start": "2026-11-23T12:00:00Z", "Arm": "candidate", "Now": "2026-11-23T12:05:00Z"}
POINTERS = ("", "/version", "/a/b~1c/0", "/a/-1", "/histogram/counts/0")


def _route(document: Any) -> Any:
    """A route that is read can be asked for its share and its audience, and changed."""
    route = read_route(document)
    find_other_owner(route)
    mark = RequestMark(carried_in=CarriedIn.HEADER, name="x-user", value="insider")
    return all_of(
        lambda each: read_share(each, LOCATED),
        lambda each: plan_share(each, LOCATED, from_percent(25)),
        lambda each: read_mark(each, LOCATED),
        lambda each: plan_mark(each, LOCATED, mark),
        lambda each: plan_mark(each, LOCATED, None),
        refuses=(UnfitError,),
    )(route)


def _profile(document: Any) -> Any:
    profile = read_profile(document, document)
    return changes(pair_of(profile, "shop-stable", "shop-canary"), from_percent(25))


def _rules(told: Any) -> Any:
    """Rules that are read can be asked for a share, and changed."""
    rules = read_rules(told)
    return share_by_rules(rules, "shop-slot.example"), are_same(
        with_share(rules, "slot", "shop-slot.example", from_percent(5)), rules
    )


def _page(body: bytes) -> Any:
    page = read_page(body)
    page.names()
    return all_of(
        *(lambda each, pointer=pointer: each.has(pointer) for pointer in POINTERS),
        *(lambda each, pointer=pointer: (each.text(pointer), each.count(pointer)) for pointer in POINTERS),
        lambda each: each.histogram("/histogram", 1000.0),
        refuses=(UnusableError,),
    )(page)


def _version(headers: Any, body: bytes) -> Any:
    """Two ways to name a version, and only one of them has to be there."""
    answer = Answer(status=200, headers=tuple(headers.items()), body=body, cut=False)
    probes = (VersionProbe(header="X-Version"), *(VersionProbe(pointer=pointer) for pointer in POINTERS))
    return all_of(
        *(lambda each, probe=probe: served_version(each, probe) for probe in probes), refuses=(NoVersionError,)
    )(answer)


def _rows(rows: Any) -> Any:
    """Rows as the SDK gives them: each has the columns that were asked for."""
    if not isinstance(rows, list):
        raise InvalidError(Problem("", "no list of rows"))
    return count([ROW | row for row in rows if isinstance(row, dict)])


def _cell(value: Any) -> Any:
    return number(value), moment(value)


def _wait(header: str) -> Any:
    """A wait that is read can be waited for."""
    seconds = read_retry_after(header)
    return None if seconds is None else timedelta(seconds=seconds)


def _run(document: Any) -> Any:
    return read_run(document)


FOREIGN = (
    Parser(
        name="prometheus-matrix",
        read=of_answer(prometheus.read_matrix),
        refuses=(prometheus.UnreadableError, InvalidError),
        seeds=given(MATRIX),
    ),
    Parser(
        name="prometheus-vector",
        read=of_answer(prometheus.read_vector),
        refuses=(prometheus.UnreadableError, InvalidError),
        seeds=given(VECTOR),
    ),
    Parser(
        name="prometheus-names",
        read=of_answer(prometheus.read_names),
        refuses=(prometheus.UnreadableError, InvalidError),
        seeds=given(["a", "b"]),
    ),
    Parser(
        name="azure-monitor-codes",
        read=of_answer(check_codes),
        refuses=(UnusableAnswerError, InvalidError, *SHAPES),
        seeds=together(
            given({"values": [{"value": [{"errorCode": "Success", "name": {"value": "Requests"}}]}]}),
            payloads("azure-rest/monitor-examples/**/*.json", 8),
        ),
    ),
    Parser(
        name="log-analytics-rows",
        read=of_answer(_rows),
        seeds=given([{}], [{"Requests": 10, "Failures": "NaN", "Timed": 3}, {"Arm": "stable", "Lateness": 30}]),
    ),
    Parser(
        name="log-analytics-cells",
        read=of_answer(_cell),
        seeds=given(1, "NaN", "2026-11-23T12:00:00Z", None, "2026-11-23", 1e400),
    ),
    Parser(
        name="kubernetes-route",
        read=of_answer(_route),
        refuses=(UnreadableError, UnfitError, InvalidError),
        seeds=together(given(ROUTE), payloads("gateway-api/httproute-examples/*.json")),
    ),
    Parser(
        name="traffic-manager-profile",
        read=of_answer(_profile),
        refuses=(RejectedError, InvalidError, *SHAPES),
        seeds=together(given(PROFILE), payloads("azure-rest/trafficmanager-2022-04-01-examples/*.json", 6)),
    ),
    Parser(
        name="app-service-rules",
        read=of_answer(_rules),
        refuses=(InvalidError, *SHAPES),
        seeds=given(
            [], [{"name": "slot", "actionHostName": "shop-slot.example", "reroutePercentage": 12.5, "changeStep": None}]
        ),
    ),
    Parser(
        name="github-run",
        read=of_answer(_run),
        refuses=(TryLaterError, InvalidError),
        seeds=together(
            given({"id": 7, "status": "completed", "conclusion": "success", "html_url": "https://github.example/7"}),
            payloads("github/workflow_run/*.json", 4),
        ),
    ),
    Parser(
        name="page",
        read=_page,
        refuses=(UnusableError, ValueError),
        seeds=given(
            {"version": 1.10, "a": {"b/c": [1, 2]}, "requests": 5, "histogram": {"edges": [1, 2], "counts": [1, 2, 3]}}
        ),
    ),
    Parser(
        name="served-version",
        form=Form.MESSAGE,
        read=of_message(_version),
        refuses=(NoVersionError,),
        seeds=headed({"X-Version": "2"}, given({"version": "2", "a": {"b/c": ["x"]}}, "2", "1.10")),
    ),
    Parser(
        name="json-pointers",
        form=Form.TEXT,
        read=of_text(lambda pointer: resolve_pointer({"a": [{"b/c": 1}], "": 2}, pointer[:1000])),
        refuses=(LookupError, ValueError),
        seeds=given("/a/0/b~1c", "/", ""),
    ),
    Parser(
        name="retry-after",
        form=Form.TEXT,
        read=of_text(_wait),
        refuses=(),
        seeds=given("120", "Mon, 23 Nov 2026 12:00:00 GMT", "Mon, 23 Nov 26 12:00 +0100"),
    ),
)
