"""Release specs as documents for the tests: the smallest, and generated ones that must be taken."""

import json
from typing import Any

from hypothesis import strategies as st

SITE = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop/providers/Microsoft.Web/sites/shop"

SMALLEST: dict[str, Any] = {
    "application": "shop",
    "targets": [{"name": "web", "kind": "app-service-slot", "resource": SITE, "slot": "candidate"}],
    "strategy": {"canary": {"steps": [5, 25, 50]}},
}


def body_of(document: object) -> bytes:
    return json.dumps(document).encode()


slugs = st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?\Z")
windows = st.sampled_from([("5s", 5), ("30s", 30), ("1m", 60), ("PT5M", 300), ("1h", 3600)])
outcomes = st.sampled_from(["rollback", "pause"])
percents = st.decimals(min_value=0, max_value=100, places=3).map(lambda percent: f"{percent}%")
fractions = percents | st.floats(min_value=0, max_value=0.999, allow_subnormal=False).filter(
    lambda f: f == 0 or f > 1e-8
)
milliseconds = (
    st.integers(0, 3_600_000)
    | st.floats(min_value=0.001, max_value=3_600_000)
    | st.integers(0, 3600).map(lambda seconds: f"{seconds}s")
    | st.decimals(min_value=0, max_value=3_600_000, places=2).map(lambda ms: f"{ms}ms")
)
rates = st.integers(0, 10**9) | st.floats(min_value=0, max_value=1e9)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def seconds(least: int, most: int) -> st.SearchStrategy[str]:
    return st.integers(least, most).map(lambda total: f"{total}s") | st.integers(least, most).map(
        lambda total: f"PT{total // 60}M{total % 60}S"
    )


@st.composite
def bakes(draw: st.DrawFn, window: int, lag: int) -> dict[str, Any]:
    shortest = draw(st.integers(window, 90_000))
    longest = draw(st.integers(max(shortest + 1, window + lag), 200_000))
    return {"min": f"{shortest}s", "max": f"PT{longest}S"} | draw(optional(otherwise=outcomes))


def gates() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"name": slugs}, optional={"timeout": seconds(1, 10**6), "otherwise": outcomes})


@st.composite
def steps(draw: st.DrawFn, window: int, lag: int) -> list[Any]:
    weights = sorted(draw(st.sets(st.integers(1, 99_999), min_size=1, max_size=5)))
    forms = [
        st.just(weight / 1000)
        | st.just(f"{weight / 1000:.3f}%")
        | st.fixed_dictionaries(
            {"weight": st.just(weight / 1000)}, optional={"bake": bakes(window, lag), "gate": gates()}
        )
        for weight in weights
    ]
    return [draw(form) for form in forms]


@st.composite
def guard_tests(draw: st.DrawFn) -> dict[str, Any]:
    metric = draw(st.sampled_from(["error-rate", "latency", "requests"]))
    limits = {"error-rate": fractions, "latency": milliseconds, "requests": rates}[metric]
    ratio = st.fixed_dictionaries({"max": st.floats(min_value=0.001, max_value=1000)}, optional={"slack": limits}).map(
        lambda ratio: {"ratio": ratio}
    )
    one_sided = st.builds(lambda limit: {"max": limit}, limits)
    test = {
        "error-rate": one_sided | ratio,
        "latency": one_sided | ratio | st.builds(lambda limit: {"min": limit}, limits),
        "requests": one_sided | st.builds(lambda limit: {"min": 0, "max": limit}, limits),
    }[metric]
    return {"metric": metric} | draw(test)


@st.composite
def guards(draw: st.DrawFn, window: int) -> list[dict[str, Any]]:
    names = draw(st.lists(slugs, min_size=1, max_size=4, unique=True))
    return [
        {"name": name}
        | draw(guard_tests())
        | draw(optional(over=st.integers(1, 20).map(lambda n: f"{n * window}s"), minimumRequests=st.integers(1, 10**6)))
        for name in names
    ]


@st.composite
def targets(draw: st.DrawFn) -> list[dict[str, Any]]:
    names = draw(st.lists(slugs, min_size=1, max_size=3, unique=True))
    probe = st.sampled_from(
        [
            {},
            {"path": "/v?full=1"},
            {"header": "X-Version"},
            {"path": "/", "pointer": "/build/commit~1id"},
            {"pointer": ""},
        ]
    )
    health = optional(
        path=st.just("/ready"), statuses=st.lists(st.integers(200, 599), min_size=1, max_size=3, unique=True)
    )
    return [
        {"name": name, "kind": "app-service-slot", "resource": f"{SITE}-{index}", "slot": draw(slugs)}
        | draw(optional(region=slugs, wave=st.integers(1, 1000), version=probe, health=health))
        for index, name in enumerate(names)
    ]


@st.composite
def notifications(draw: st.DrawFn) -> list[dict[str, Any]]:
    names = draw(st.lists(slugs, max_size=3, unique=True))
    addresses = st.sampled_from(["https://hooks.example.org/ops?a=b", "http://127.0.0.1:8080/", "http://localhost/x"])
    topics = st.lists(st.sampled_from(["rolled-back", "stuck", "waiting"]), min_size=1, unique=True)
    return [
        {"name": name, "url": draw(addresses)} | draw(optional(topics=topics, secretSetting=st.just("OPS_KEY")))
        for name in names
    ]


@st.composite
def spec_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Documents that keep every rule of a release spec."""
    window_text, window = draw(windows)
    lag = draw(st.integers(0, 900))
    canary = {"steps": draw(steps(window, lag))} | draw(
        optional(promotion=optional(bake=bakes(window, lag), gate=gates()), bake=bakes(window, lag))
    )
    return {
        "application": draw(slugs),
        "targets": draw(targets()),
        "strategy": {"canary": canary},
        "metrics": {"window": window_text, "lag": f"{lag}s"},
    } | draw(
        optional(
            guards=guards(window),
            whenBusy=st.sampled_from(["supersede", "reject"]),
            alerts=optional(onFired=st.sampled_from(["rollback", "pause", "note"])),
            deadlines=optional(preflight=seconds(1, 10**6), progress=seconds(1, 10**6), otherwise=outcomes),
            notifications=notifications(),
        )
    )
