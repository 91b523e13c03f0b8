"""Where a spec may say that an application is measured, what that means, and why a source is refused."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.rollout.app_settings import may_be_sent
from shared.domain.rollout.measuring import (
    AzureMonitorSource,
    LogAnalyticsSource,
    ObservationsSource,
    PrometheusAuth,
    PrometheusSource,
    Signal,
    SplitBy,
    Unit,
    ValueKind,
    ValueQuery,
    WebSource,
)
from shared.wire.spec import parse_spec
from shared.wire.spec_rendering import render_spec
from tests.unit.wire.spec_documents import SMALLEST, body_of, changed, paths_refused, refused
from tests.unit.wire.spec_source_documents import RESOURCE, SOURCES

WORKSPACE = SOURCES["log-analytics"]["workspace"]
PROMETHEUS = SOURCES["prometheus"]
WEB = SOURCES["web"]
NOT_SENT = [
    "SLIPWAY_KEYS",
    "SLIPWAY_SOURCE_KEYS",
    "SLIPWAY_ACCESS_TOKEN",
    "SLIPWAY_SECRET",
    "SLIPWAY_SECRETS_A",
    "slipway_secret_a",
    "XSLIPWAY_SECRET_A",
    "SLIPWAY_SECRET_é",
    "SLIPWAY_SECRET_a-b",
    "SLIPWAY_SECRET_a\n",
    "ServiceBus",
    "AzureWebJobsStorage",
    "IDENTITY_HEADER",
    "PROMETHEUS_TOKEN",
    "",
]


def measured(**metrics: Any) -> dict[str, Any]:
    return SMALLEST | {"metrics": metrics}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"kind": "azure-monitor"}, AzureMonitorSource()),
        (
            {
                "kind": "azure-monitor",
                "resource": RESOURCE,
                "namespace": "Microsoft.App/containerApps",
                "requests": "Requests",
                "failures": "Requests",
                "failuresWhere": {"dimension": "statusCodeCategory", "value": "5xx"},
                "latency": "",
                "latencyUnit": "ms",
                "splitBy": "revisionName",
            },
            AzureMonitorSource(
                resource=RESOURCE,
                namespace="Microsoft.App/containerApps",
                failures="Requests",
                failures_where=("statusCodeCategory", "5xx"),
                latency="",
                latency_unit=Unit.MILLISECONDS,
                split_by="revisionName",
            ),
        ),
        ({"kind": "log-analytics", "workspace": WORKSPACE}, LogAnalyticsSource(workspace=WORKSPACE)),
        (
            {
                "kind": "log-analytics",
                "resource": RESOURCE,
                "signal": "dependencies",
                "splitBy": "revision",
                "role": "a",
            },
            LogAnalyticsSource(resource=RESOURCE, signal=Signal.DEPENDENCIES, split_by=SplitBy.REVISION, role="a"),
        ),
        (
            {
                "kind": "prometheus",
                "url": "http://localhost:9090",
                "requests": "all",
                "failures": "bad",
                "latency": "ms_bucket",
                "latencyUnit": "ms",
                "versionLabel": "build",
                "auth": "bearer",
                "secretSetting": "SLIPWAY_SECRET_TOKEN",
            },
            PrometheusSource(
                url="http://localhost:9090",
                requests="all",
                failures="bad",
                latency="ms_bucket",
                latency_unit=Unit.MILLISECONDS,
                version_label="build",
                auth=PrometheusAuth.BEARER,
                secret_setting="SLIPWAY_SECRET_TOKEN",
            ),
        ),
        (WEB, WebSource(url=WEB["url"])),
        (
            WEB
            | {
                "requests": "/n",
                "failures": "/rate",
                "failuresUnit": "percent",
                "latency": "/t",
                "latencyUnit": "s",
                "histogram": "/h",
                "version": "/v",
                "secretSetting": "SLIPWAY_SECRET_TOKEN",
            },
            WebSource(
                url=WEB["url"],
                requests="/n",
                failures="/rate",
                failures_unit=Unit.PERCENT,
                latency="/t",
                latency_unit=Unit.SECONDS,
                histogram="/h",
                version="/v",
                secret_setting="SLIPWAY_SECRET_TOKEN",
            ),
        ),
        ({"kind": "observations"}, ObservationsSource()),
    ],
)
def test_a_source_says_what_its_kind_needs_to_know(source, expected):
    spec = parse_spec(body_of(measured(source=source)))

    assert spec.measuring.source == expected
    assert parse_spec(body_of(render_spec(spec))).measuring == spec.measuring


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [("azure-monitor", 120), ("log-analytics", 180), ("prometheus", 45), ("web", 0), ("observations", 0)],
)
def test_a_source_has_a_lag_of_its_own_unless_the_spec_says_another(kind, seconds):
    own = parse_spec(body_of(measured(source=SOURCES[kind]))).measuring
    said = parse_spec(body_of(measured(source=SOURCES[kind], lag="40s"))).measuring

    assert (own.lag, said.lag) == (timedelta(seconds=seconds), timedelta(seconds=40))


@pytest.mark.parametrize("kind", [kind for kind in SOURCES if kind != "azure-monitor"])
@pytest.mark.parametrize("window", ["5s", "15s", "30s", "1m", "1h"])
def test_a_source_other_than_azure_monitor_may_have_short_windows(kind, window):
    assert parse_spec(body_of(measured(source=SOURCES[kind], window=window)))


@pytest.mark.parametrize("window", ["1s", "4s", "7s", "45s", "90s"])
def test_a_window_that_no_source_has_is_refused(window):
    [problem] = refused(measured(source=SOURCES["observations"], window=window))

    assert problem.path == "metrics.window"
    assert "what divides 1m and is at least 5s, or 1m, 5m" in problem.message


@pytest.mark.parametrize("window", ["1s", "4s", "45s", "90s"])
def test_a_window_that_azure_monitor_has_not_is_refused_with_those_that_it_has(window):
    [problem] = refused(measured(window=window))

    assert "a window that Azure Monitor has: 1m, 5m" in problem.message
    assert "in the sandbox" in problem.message


@pytest.mark.parametrize(
    ("source", "path", "reason"),
    [
        ({}, "kind", "is missing"),
        ({"kind": "datadog"}, "kind", "azure-monitor or log-analytics or prometheus or web or observations"),
        ({"kind": "prometeus"}, "kind", "did you mean prometheus?"),
        ({"kind": "azure-monitor", "url": "https://a.example"}, "url", "allowed are kind, resource, namespace"),
        ({"kind": "azure-monitor", "resource": "shop", "splitBy": "a"}, "resource", "a resource id"),
        ({"kind": "azure-monitor", "resource": RESOURCE}, "splitBy", "is missing: only a dimension"),
        ({"kind": "azure-monitor", "failures": "Requests"}, "failures", "something other than"),
        ({"kind": "azure-monitor", "requests": "Http5xx"}, "failures", 'is "Http5xx"; allowed is something other'),
        ({"kind": "azure-monitor", "failuresWhere": {"dimension": "a"}}, "failuresWhere.value", "is missing"),
        ({"kind": "azure-monitor", "latencyUnit": "percent"}, "latencyUnit", "ms or s"),
        ({"kind": "azure-monitor", "namespace": "a\nb"}, "namespace", "without line breaks"),
        ({"kind": "azure-monitor", "namespace": "a\x85b"}, "namespace", "without line breaks"),
        ({"kind": "azure-monitor", "requests": "a\u2028b"}, "requests", "without line breaks"),
        ({"kind": "azure-monitor", "latency": "a\x9fb"}, "latency", "at most 256 characters"),
        ({"kind": "azure-monitor", "splitBy": "a eq 'b' or c"}, "splitBy", "a dimension's name"),
        (
            {"kind": "azure-monitor", "failuresWhere": {"dimension": "a\n", "value": "b"}},
            "failuresWhere.dimension",
            "a dimension's name",
        ),
        (
            {"kind": "azure-monitor", "resource": RESOURCE.replace("/shop", "/sh\x01op"), "splitBy": "a"},
            "resource",
            "a resource id",
        ),
        (
            {"kind": "log-analytics", "resource": RESOURCE.replace("resourceGroups/shop", "resourceGroups/..")},
            "resource",
            "a resource id",
        ),
        ({"kind": "log-analytics", "workspace": "shop"}, "workspace", "a workspace's id"),
        ({"kind": "log-analytics", "workspace": WORKSPACE, "signal": "logs"}, "signal", "requests or dependencies"),
        (
            {"kind": "log-analytics", "workspace": WORKSPACE, "splitBy": "role", "role": "a"},
            "role",
            "no role where the role's name tells",
        ),
        (PROMETHEUS | {"url": "http://prometheus.example.org"}, "url", "allowed is https"),
        (PROMETHEUS | {"url": "https://a:s3cret@b.example"}, "url", "without a user and password"),
        (PROMETHEUS | {"url": "https://b.example/?token=s3cret"}, "url", "without"),
        (PROMETHEUS | {"url": "https://prometheus.exämple"}, "url", "a host's name as xn--"),
        (PROMETHEUS | {"url": "https://prometheus.example\n"}, "url", "visible ASCII"),
        (PROMETHEUS | {"url": "https://prometheus.example\\.org"}, "url", "a host's name of letters"),
        (PROMETHEUS | {"url": "https://prometheus.example/?"}, "url", "without ? and #"),
        (PROMETHEUS | {"requests": "up # \r or down"}, "requests", "only spaces, tabs and line breaks"),
        (PROMETHEUS | {"requests": "up\x00"}, "requests", "only spaces, tabs and line breaks"),
        (PROMETHEUS | {"versionLabel": "version\n"}, "versionLabel", "a label's name"),
        (PROMETHEUS | {"requests": "sum(up)"}, "requests", "allowed is a selector such as"),
        (PROMETHEUS | {"failures": 'up{code="5'}, "failures", 'one that begins with " does not'),
        (PROMETHEUS | {"latency": "up{"}, "latency", "the last { is not closed"),
        (PROMETHEUS | {"failures": PROMETHEUS["requests"]}, "failures", "something other than"),
        (PROMETHEUS | {"versionLabel": "a-b"}, "versionLabel", "a label's name"),
        (PROMETHEUS | {"auth": "basic"}, "auth", "none or bearer or azure"),
        (PROMETHEUS | {"auth": "basic", "secretSetting": "SLIPWAY_SECRET_TOKEN"}, "auth", "none or bearer or azure"),
        (PROMETHEUS | {"auth": "bearer"}, "secretSetting", "is missing"),
        (PROMETHEUS | {"secretSetting": "SLIPWAY_SECRET_TOKEN"}, "secretSetting", "unless auth is bearer"),
        (PROMETHEUS | {"auth": "bearer", "secretSetting": "s3cret=="}, "secretSetting", "the name of an app setting"),
        ({"kind": "web"}, "url", "is missing"),
        (WEB | {"url": "https://stats.example.org/{version}"}, "url", "{since} or {until}"),
        (WEB | {"url": f"{WEB['url']}&team=ö"}, "url", "percent-encode"),
        (WEB | {"url": f"{WEB['url']}&a=b\r\nX-Slipway: 1"}, "url", "visible ASCII"),
        (WEB | {"url": "https://stats.example.org/{version}#{since}"}, "url", "without #"),
        (WEB | {"requests": "n"}, "requests", "a JSON pointer"),
        (WEB | {"requests": ""}, "requests", "a JSON pointer"),
        (WEB | {"failures": "/requests"}, "failures", "something other than"),
        (WEB | {"failuresUnit": "ms"}, "failuresUnit", "one or percent or ppm"),
        ({"kind": "observations", "url": "https://a.example"}, "url", "not a field"),
    ],
)
def test_a_source_that_could_not_be_asked_is_refused_with_the_reason(source, path, reason):
    [problem] = refused(measured(source=source))

    assert problem.path == f"metrics.source.{path}"
    assert reason in problem.message
    assert "s3cret" not in problem.message


@pytest.mark.parametrize("source", [PROMETHEUS | {"auth": "bearer"}, WEB], ids=["prometheus", "web"])
@pytest.mark.parametrize("name", NOT_SENT)
def test_no_setting_but_those_that_are_there_for_specs_is_sent_to_an_address_of_the_spec(source, name):
    [problem] = refused(measured(source=source | {"secretSetting": name}))

    assert problem.path == "metrics.source.secretSetting"
    assert "begins with SLIPWAY_SECRET_" in problem.message
    assert "keep the token in one that does" in problem.message
    assert not problem.message.startswith("found")
    assert not may_be_sent(name)


@pytest.mark.parametrize("name", ["SLIPWAY_SECRET_A", "SLIPWAY_SECRET_shop_2", f"SLIPWAY_SECRET_{'a' * 113}"])
def test_a_setting_that_is_there_for_specs_may_be_named(name):
    spec = parse_spec(body_of(measured(source=WEB | {"secretSetting": name})))

    assert spec.measuring.source == WebSource(url=WEB["url"], secret_setting=name)
    assert may_be_sent(name)


@pytest.mark.parametrize(
    ("more", "reason"), [({}, "one of workspace"), ({"workspace": WORKSPACE, "resource": RESOURCE}, "either")]
)
def test_logs_are_in_a_workspace_or_a_resource(more, reason):
    [problem] = refused(measured(source={"kind": "log-analytics"} | more))

    assert problem.path == "metrics.source"
    assert reason in problem.message


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("azure-monitor", "Orders Paid"),
        ("log-analytics", "customEvents | where name == 'paid' | count"),
        ("log-analytics", "customEvents\r\n| where name == 'paid'\n\t| count"),
        ("prometheus", 'increase(paid_total{version="$version"}[$window])'),
        ("web", "/paid"),
    ],
)
def test_a_value_is_asked_for_in_the_sources_own_language(kind, query):
    values = [
        {"name": "paid", "kind": "counter", "query": query, "of": query},
        {"name": "memory", "kind": "gauge", "query": query, "unit": "percent"},
    ]

    spec = parse_spec(body_of(measured(source=SOURCES[kind], values=values)))

    assert spec.measuring.values == (
        ValueQuery(name="paid", kind=ValueKind.COUNTER, query=query, of=query),
        ValueQuery(name="memory", kind=ValueKind.GAUGE, query=query, unit=Unit.PERCENT),
    )
    assert parse_spec(body_of(render_spec(spec))).measuring == spec.measuring


def test_a_value_that_is_pushed_is_not_asked_for():
    pushed = parse_spec(
        body_of(measured(source=SOURCES["observations"], values=[{"name": "paid", "kind": "counter"}]))
    ).measuring

    assert pushed.values == (ValueQuery(name="paid", kind=ValueKind.COUNTER),)


@pytest.mark.parametrize(
    ("kind", "value", "path", "reason"),
    [
        ("azure-monitor", {}, "query", "is missing"),
        ("azure-monitor", {"query": "a\nb"}, "query", "the name of a metric"),
        ("azure-monitor", {"query": "a\x85b"}, "query", "only spaces, tabs and line breaks"),
        ("azure-monitor", {"query": "a\tb"}, "query", "the name of a metric"),
        ("log-analytics", {"query": "T \r | count"}, "query", "only spaces, tabs and line breaks"),
        ("prometheus", {"query": "up", "of": "up\u2029"}, "of", "only spaces, tabs and line breaks"),
        ("azure-monitor", {"query": ""}, "query", "a query of 1 to 2000 characters"),
        ("azure-monitor", {"query": "x" * 2001}, "query", "a query of 1 to 2000 characters"),
        ("log-analytics", {"query": "T | where (a"}, "query", "is not closed"),
        ("log-analytics", {"query": "T", "of": "T | where 'a"}, "of", "does not"),
        ("prometheus", {"query": "sum(up"}, "query", "is not closed"),
        ("web", {"query": "paid"}, "query", "a JSON pointer"),
        ("observations", {"query": "paid"}, "query", "their senders push"),
        ("observations", {"of": "carts"}, "of", "their senders push"),
        ("azure-monitor", {"query": "Paid", "unit": "percent"}, "unit", "allowed is one"),
        ("azure-monitor", {"query": "Paid", "kind": "gauge", "of": "Carts"}, "of", "a gauge is a level"),
        ("azure-monitor", {"query": "Paid", "kind": "rate"}, "kind", "counter or gauge"),
        ("azure-monitor", {"query": "Paid", "name": "Paid"}, "name", "lower-case letters"),
    ],
)
def test_a_value_that_could_not_be_measured_is_refused_with_the_reason(kind, value, path, reason):
    document = measured(source=SOURCES[kind], values=[{"name": "paid", "kind": "counter"} | value])

    [problem] = refused(document)

    assert problem.path == f"metrics.values[0].{path}"
    assert reason in problem.message


def test_values_have_names_of_their_own():
    value = {"name": "paid", "kind": "counter", "query": "Paid"}

    assert paths_refused(changed("metrics/values", [value, value])) == ["metrics.values[1].name"]


def test_there_are_not_more_values_than_a_window_should_hold():
    values = [{"name": f"v{number}", "kind": "counter", "query": "Paid"} for number in range(11)]

    assert paths_refused(changed("metrics/values", values)) == ["metrics.values"]
