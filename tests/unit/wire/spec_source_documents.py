"""Sources and values of a release spec as documents that must be taken."""

from typing import Any

from hypothesis import strategies as st

from tests.unit.wire.spec_strategies import optional, slugs

SITE = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop/providers/Microsoft.Web/sites/shop"
RESOURCE = SITE.replace("Microsoft.Web/sites", "Microsoft.App/containerApps")
SOURCES: dict[str, dict[str, Any]] = {
    "azure-monitor": {"kind": "azure-monitor"},
    "log-analytics": {"kind": "log-analytics", "workspace": "11111111-2222-3333-4444-555555555555"},
    "prometheus": {
        "kind": "prometheus",
        "url": "https://prometheus.example.org",
        "requests": 'http_requests_total{app="shop"}',
        "failures": 'http_requests_total{app="shop",code=~"5.."}',
    },
    "web": {"kind": "web", "url": "https://stats.example.org/{version}?since={since}&until={until}"},
    "observations": {"kind": "observations"},
}
"""The shortest form of each kind of source."""


def sources(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """What a source of this kind may say beside what it must."""
    fields: dict[str, st.SearchStrategy[dict[str, Any]]] = {
        "azure-monitor": optional(
            namespace=st.just("Microsoft.App/containerApps"),
            failuresWhere=st.just({"dimension": "statusCodeCategory", "value": "5xx"}),
            latency=st.sampled_from(["ResponseTime", "Latency, ø"]),
            latencyUnit=st.sampled_from(["s", "ms"]),
            splitBy=st.just("revisionName"),
        )
        | st.just({"resource": RESOURCE, "splitBy": "revisionName"}),
        "log-analytics": optional(
            signal=st.sampled_from(["requests", "dependencies", "availability"]),
            splitBy=st.sampled_from(["version", "revision"]),
            role=st.just("shop"),
        )
        | st.just({"splitBy": "place"}),
        "prometheus": optional(
            url=st.sampled_from(["http://localhost:9090", "https://m.example.org/prefix/"]),
            latencyUnit=st.just("ms"),
            versionLabel=st.just("build"),
            auth=st.sampled_from(["none", "azure"]),
        )
        | st.just({"auth": "bearer", "secretSetting": "SLIPWAY_SECRET_TOKEN"}),
        "web": optional(
            failures=st.just("/stats/failed~1all"),
            failuresUnit=st.sampled_from(["one", "percent", "ppm"]),
            latencyUnit=st.just("s"),
            version=st.just("/v"),
            secretSetting=st.just("SLIPWAY_SECRET_TOKEN"),
        ),
        "observations": st.just({}),
    }
    return fields[kind].map(lambda more: SOURCES[kind] | more)


QUERIES = {
    "azure-monitor": st.sampled_from(["OrdersPaid", "Memory Working Set"]),
    "log-analytics": st.sampled_from(["customMetrics | where name == '}' | count", "T // )"]),
    "prometheus": st.sampled_from(["sum(paid_total{v='('})", "increase(paid_total[$window])"]),
    "web": st.sampled_from(["/paid", "/a~1b/0"]),
}


@st.composite
def values(draw: st.DrawFn, source: str) -> list[dict[str, Any]]:
    made = []
    for name in draw(st.lists(slugs, min_size=1, max_size=3, unique=True)):
        kind = draw(st.sampled_from(["counter", "gauge"]))
        value = {"name": name, "kind": kind}
        if source in QUERIES:
            value["query"] = draw(QUERIES[source])
        if kind == "gauge":
            value |= draw(optional(unit=st.sampled_from(["one", "percent", "ppm", "ms", "s"])))
        elif source in QUERIES:
            value |= draw(optional(of=QUERIES[source]))
        made.append(value)
    return made
