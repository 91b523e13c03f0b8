"""Release specs as documents for the tests: the smallest, and generated ones that must be taken."""

import copy
import json
from typing import Any

import pytest
from hypothesis import strategies as st

from shared.domain.errors import InvalidError, Problem
from shared.wire.spec import parse_spec
from tests.unit.wire.spec_guard_documents import guards
from tests.unit.wire.spec_hook_documents import hooks, migrations
from tests.unit.wire.spec_source_documents import SITE, SOURCES, sources, values
from tests.unit.wire.spec_strategies import optional, outcomes, seconds, slugs, windows

SMALLEST: dict[str, Any] = {
    "application": "shop",
    "targets": [{"name": "web", "kind": "app-service-slot", "resource": SITE, "slot": "candidate"}],
    "strategy": {"canary": {"steps": [5, 25, 50]}},
}


def body_of(document: object) -> bytes:
    return json.dumps(document).encode()


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the smallest spec with one part set; a path such as `targets/0/slot` makes what is missing."""
    document: Any = copy.deepcopy(SMALLEST)
    keys = [int(key) if key.isdigit() else key for key in path.split("/")]
    at = document
    for key in keys[:-1]:
        at = at[key] if isinstance(key, int) else at.setdefault(key, {})
    at[keys[-1]] = value
    return document


def refused(document: object) -> list[Problem]:
    with pytest.raises(InvalidError) as error:
        parse_spec(body_of(document))
    return list(error.value.problems)


def paths_refused(document: object) -> list[str]:
    return sorted({problem.path for problem in refused(document)})


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


def judgements() -> st.SearchStrategy[dict[str, Any]]:
    chances = st.floats(0.0001, 0.2) | st.integers(1, 20).map(lambda percent: f"{percent}%")
    return optional(
        alpha=chances,
        risk=chances,
        warmUp=seconds(0, 3600),
        lowTraffic=st.sampled_from(["hold", "extend", "bigger-first-step", "ask"]),
        holdBack=st.integers(0, 50_000).map(lambda thousandths: thousandths / 1000) | st.just("12.5%"),
    )


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
def release_windows(draw: st.DrawFn) -> list[dict[str, Any]]:
    names = draw(st.lists(slugs, max_size=3, unique=True))
    crons = st.sampled_from(["0 9 * * mon-fri", "*/30 8-11 1,15 jan-jun *", "0 0 29 2 7"])
    again = st.fixed_dictionaries({"cron": crons, "for": seconds(1, 10**6)})
    wall_times = st.datetimes().map(lambda at: at.replace(microsecond=0))
    once = st.lists(wall_times, min_size=2, max_size=2, unique=True).map(sorted)
    own = optional(
        timeZone=st.sampled_from(["UTC", "Europe/Berlin", "Etc/GMT+12", "America/Argentina/Buenos_Aires"]),
        actions=st.lists(st.sampled_from(["start", "advance", "promote"]), min_size=1, unique=True),
    )
    windows = []
    for name in names:
        kind, times = draw(st.sampled_from(["allow", "deny"])), draw(again | once)
        said = (
            {kind: times["cron"], "for": times["for"]}
            if isinstance(times, dict)
            else {kind: {"from": times[0].isoformat(), "until": times[1].isoformat()}}
        )
        windows.append({"name": name} | said | draw(own))
    return windows


@st.composite
def spec_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Documents that keep every rule of a release spec."""
    window_text, window = draw(windows)
    lag = draw(st.integers(0, 900))
    canary = {"steps": draw(steps(window, lag))} | draw(
        optional(promotion=optional(bake=bakes(window, lag), gate=gates()), bake=bakes(window, lag))
    )
    source = draw(st.sampled_from(sorted(SOURCES)))
    metrics = {"window": window_text, "lag": f"{lag}s", "source": draw(sources(source))} | draw(
        optional(values=values(source))
    )
    return {
        "application": draw(slugs),
        "targets": draw(targets()),
        "strategy": {"canary": canary},
        "metrics": metrics,
    } | draw(
        optional(
            guards=guards(window, metrics, source),
            judgement=judgements(),
            whenBusy=st.sampled_from(["supersede", "reject"]),
            alerts=optional(onFired=st.sampled_from(["rollback", "pause", "note"])),
            deadlines=optional(preflight=seconds(1, 10**6), progress=seconds(1, 10**6), otherwise=outcomes),
            hooks=hooks(),
            migration=migrations(),
            notifications=notifications(),
            releaseWindows=release_windows(),
        )
    )
