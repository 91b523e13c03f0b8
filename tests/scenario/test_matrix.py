"""Every strategy on every kind of target: how it ends, what users have meanwhile, and the way back from every step.

Each step of each strategy is left in every way on one kind of target or another, and by a person's rollback on all.
"""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from shared.domain.errors import RejectedError
from shared.domain.rollout.spec import Place
from shared.domain.rollout.weight import ALL
from tests.scenario.crowd import FAILED, Crowd, is_as_wanted
from tests.scenario.flag_world import SPLIT, FlagWorld, checkout
from tests.scenario.kills import Killer, killable_keeping
from tests.scenario.world import World

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers"
ROUTE = "https://aks.example/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/shop"
PROMETHEUS = (
    "source: {kind: prometheus, url: https://prometheus.example, requests: hits, failures: misses, versionLabel: v}"
)
KINDS = {
    "app-service-slot": f"kind: app-service-slot, resource: {GROUP}/Microsoft.Web/sites/shop, slot: candidate",
    "container-app": f"kind: container-app, resource: {GROUP}/Microsoft.App/containerApps/shop",
    "traffic-manager": f"kind: traffic-manager, places: [blue, green], "
    f"resource: {GROUP}/Microsoft.Network/trafficManagerProfiles/shop",
    "http-route": f"kind: http-route, resource: {ROUTE}, places: [blue, green]",
    "feature-flag": f"kind: feature-flag, resource: {SPLIT}, variant: green",
}
PLATFORM = ("app-service-slot", "container-app")
"""The kinds whose own metrics tell the versions apart."""
BAKE = "bake: {min: 2m, max: 20m}"
SWITCHED = "promotion: {bake: {min: 3m, max: 1h}}"
STRATEGIES = {
    "steps": f"canary: {{steps: [10, 60], {BAKE}, {SWITCHED}}}",
    "linear": f"canary: {{linear: {{step: 40, max: 70}}, {BAKE}, {SWITCHED}}}",
    "exponential": f"canary: {{exponential: {{start: 10, factor: 4, max: 75}}, {BAKE}, {SWITCHED}}}",
    "blue-green": f"blueGreen: {{{BAKE}}}",
    "preview": f"blueGreen: {{preview: {{{BAKE}, gate: {{name: qa, timeout: 5h}}}}, {BAKE}}}",
}
WEIGHTS = {"steps": (10, 60), "linear": (40, 70), "exponential": (10, 40, 75), "blue-green": (), "preview": (0,)}
"""The weights of the steps before the promotion, as each spec says them."""
SPEC = """
application: shop
targets: [{name: web, TARGET}]
strategy: {STRATEGY}
metrics: {window: 1m, lag: 0s, SOURCE}
guards: [{name: errors, metric: error-rate, max: 5%, over: 3m, minimumRequests: 20}]
"""
TTL = timedelta(seconds=60)
UNREADY = {"feature-flag": "it is off"}
"""What preflight says of a place that is not ready, where that is not that it is not healthy."""
TESTERS = 5_000
CLIENTS = 1_500
WAYS = ("abort", "alert", "pause and resume", "bad")


@dataclass(frozen=True)
class Moment:
    """Where a rollout is when something happens to it."""

    name: str
    weight: int | None = None

    def __str__(self) -> str:
        return self.name


PREFLIGHT, GATE, SWITCHING, PROMOTED = Moment("preflight"), Moment("gate"), Moment("switching"), Moment("promoted")


def moments(strategy: str) -> tuple[Moment, ...]:
    steps = tuple(Moment(f"at {weight} %", weight) for weight in WEIGHTS[strategy])
    return (PREFLIGHT, *steps, *((GATE,) if strategy == "preview" else ()), SWITCHING, PROMOTED)


def spec(strategy: str, kind: str) -> str:
    text = SPEC.replace("TARGET", KINDS[kind]).replace("STRATEGY", STRATEGIES[strategy])
    return text.replace(", SOURCE", "" if kind in PLATFORM else f", {PROMETHEUS}")


class Cell:
    """One strategy on one kind of target, with version 2 deployed and a crowd in front."""

    def __init__(self, folder, strategy: str, kind: str, **candidate) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.world = (FlagWorld if kind == "feature-flag" else World)(folder, spec(strategy, kind))
        self.world.site.lag = timedelta(0)
        self.kind = kind
        self.strategy = strategy
        keeps = TTL if kind == "traffic-manager" else timedelta(0)
        self.world.site.slow_clients = (keeps, 2 * keeps)
        if strategy == "preview":
            self.world.site.pin(self.world.target, TESTERS)
        self.crowd = Crowd(self.world.site, self.world.target, self.world.clock.now, keeps=keeps)
        self.rollout = self.world.deploy("2", **candidate)
        self.measured: dict[int, bool] = {}

    @property
    def view(self) -> dict:
        return self.world.rollout(self.rollout)

    @property
    def is_swapped(self) -> bool:
        return self.kind == "app-service-slot"

    def reach(self, moment: Moment) -> None:
        """Go on until the rollout is there; the person at the gate approves, save where the gate is the moment."""
        if moment is PREFLIGHT:
            self.put("2", healthy=False)
        self.world.run_until(lambda: self._is_at(moment))

    def _is_at(self, moment: Moment) -> bool:
        view = self.view
        doing = view["doing"]
        if moment is PREFLIGHT:
            return doing == "preflight" and UNREADY.get(self.kind, "not healthy") in (view["reason"] or "")
        if moment is GATE:
            return doing == "awaiting approval"
        self.approve(doing)
        if moment is SWITCHING:
            return view["phase"] == "promoting"
        baking = doing == "baking"
        if moment is PROMOTED:
            return baking and view["phase"] == "promoting"
        return baking and view["phase"] == "progressing" and view["weight"] == moment.weight

    def approve(self, doing: str) -> None:
        if doing == "awaiting approval" and self.world.app.views.rollout(self.rollout)["phase"] == "waiting":
            self.world.override("approve")
            self.world.settle()

    def put(self, version: str, **behaviour) -> None:
        """Let version 2 behave so from now on, wherever it sits."""
        site, target = self.world.site, self.world.target
        in_production = site.read_version(target, Place.PRODUCTION) == version
        site.deploy(target, Place.PRODUCTION if in_production else Place.CANDIDATE, version, **behaviour)
        if isinstance(self.world, FlagWorld) and not self.world.state.drivers:
            # A variant is no place that could be unwell: what keeps a rollout of it waiting is a flag that is off.
            self.world.save(checkout(enabled=behaviour.get("healthy", True)))

    def run_to_end(self) -> str:
        self.world.run_until(self._is_over, timedelta(hours=12))
        return self.view["phase"]

    def _is_over(self) -> bool:
        self.approve(self.view["doing"])
        self._measure()
        return self.view["ended"] is not None

    def _measure(self) -> None:
        """Let the crowd come once in each step, when those who keep an answer can have followed."""
        view = self.view
        step = view["step"]
        if view["doing"] != "baking" or step in self.measured:
            return
        self.world.run_for(TTL)
        met = self.crowd.visit(CLIENTS)
        self.measured[step] = is_as_wanted(met, "2", view["weight"]) and not met[FAILED]

    def everyone_meets(self) -> set[str]:
        return set(self.crowd.visit(200))

    def assert_taken_back(self) -> None:
        """Nobody is sent to the candidate, as was seen at the router, and the stable version was read."""
        self.world.run_for(2 * TTL)
        [target] = self.view["targets"]
        was_there = self.kind != "feature-flag" or target["places"] is not None
        assert (target["observed"], target["production_serves"]) == (0 if was_there else None, "stable")
        assert self.world.site.read_share(self.world.target) == 0
        assert self.everyone_meets() == {"1"}

    def assert_promoted(self) -> None:
        self.world.run_for(2 * TTL)
        [target] = self.view["targets"]
        assert (target["observed"], target["production_serves"]) == (100, "candidate")
        assert self.world.site.read_share(self.world.target) == (0 if self.is_swapped else ALL)
        assert self.everyone_meets() == {"2"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_healthy_version_gets_at_each_step_what_was_wanted_and_everyone_at_the_end(tmp_path, strategy, kind):
    cell = Cell(tmp_path, strategy, kind)

    assert cell.run_to_end() == "succeeded"
    cell.assert_promoted()
    assert len(cell.measured) == len(WEIGHTS[strategy]) + 1
    assert all(cell.measured.values()), cell.measured
    shares = {line["share"] for line in cell.world.events(cell.rollout) if line["type"] == "WeightObserved"}
    assert set(WEIGHTS[strategy]) <= shares, "also where no whole number of steps leads to the last weight"


CELLS = [
    (strategy, kind, moment, WAYS[(number + at) % len(WAYS)])
    for strategy in STRATEGIES
    for number, kind in enumerate(KINDS)
    for at, moment in enumerate(moments(strategy))
]


OTHERS = [cell[:3] for cell in CELLS if cell[1] not in ("http-route", "feature-flag")]
"""An HTTPRoute and a flag take a person's rollback as a Container App does; they have their part of the other ways."""


@pytest.mark.parametrize(("strategy", "kind", "moment"), OTHERS, ids=str)
def test_a_rollback_from_every_step_ends_at_weight_0_on_the_version_that_was_stable(tmp_path, strategy, kind, moment):
    cell = Cell(tmp_path, strategy, kind)
    cell.reach(moment)
    cell.world.override("rollback", "we changed our minds")

    assert cell.run_to_end() == "rolled-back"
    cell.assert_taken_back()


@pytest.mark.parametrize(("strategy", "kind", "moment", "way"), CELLS, ids=str)
def test_every_step_is_left_as_the_way_out_of_it_says(tmp_path, strategy, kind, moment, way):
    cell = Cell(tmp_path, strategy, kind)
    cell.reach(moment)
    promotes = moment in (SWITCHING, PROMOTED)
    match way:
        case "abort" if promotes:
            with pytest.raises(RejectedError, match="use rollback"):
                cell.world.override("abort")
            assert cell.run_to_end() == "succeeded"
            cell.assert_promoted()
        case "abort":
            cell.world.override("abort")
            assert cell.run_to_end() == "aborted"
            cell.assert_taken_back()
        case "alert":
            cell.world.alert(resource=cell.world.target.resource)
            assert cell.run_to_end() == "rolled-back"
            cell.assert_taken_back()
        case "bad":
            cell.put("2", error_rate=0.4, healthy=moment is not PREFLIGHT)
            assert cell.run_to_end() == ("failed" if moment is PREFLIGHT else "rolled-back")
            cell.assert_taken_back()
        case "pause and resume":
            _pause_for_a_while(cell, moment)
            assert cell.run_to_end() == "succeeded"
            cell.assert_promoted()


def _pause_for_a_while(cell: Cell, moment: Moment) -> None:
    before = cell.view["step"]
    if moment is SWITCHING and cell.is_swapped:
        with pytest.raises(RejectedError, match="cannot be paused"):
            cell.world.override("pause")
        return
    cell.world.override("pause")
    cell.put("2")
    cell.world.run_for(timedelta(minutes=9))
    assert (cell.view["phase"], cell.view["step"]) == ("paused", before)
    cell.world.override("resume")


SAMPLED = (("steps", "container-app"), ("blue-green", "traffic-manager"), ("preview", "app-service-slot"))


@pytest.mark.parametrize(("strategy", "kind"), SAMPLED)
def test_a_worker_killed_around_a_write_changes_nothing_about_the_end(tmp_path, strategy, kind):
    counting = Killer()
    wanted = _with_killer(tmp_path / "clean", strategy, kind, counting)
    writes = len(counting.calls)

    for at, after in ((writes // 5, True), (writes // 2, False), (4 * writes // 5, True)):
        assert _with_killer(tmp_path / f"killed-{at}", strategy, kind, Killer(at, after=after)) == wanted, at


def _with_killer(folder, strategy: str, kind: str, killer: Killer) -> list[str]:
    cell = Cell(folder, strategy, kind)
    cell.world.change = killable_keeping(killer)
    cell.world.start()
    assert cell.run_to_end() == "succeeded"
    cell.assert_promoted()
    return [event for event in cell.world.happened(cell.rollout) if event != "Looked"]


@pytest.mark.parametrize(("strategy", "kind"), SAMPLED)
@pytest.mark.parametrize(("at", "after"), [(1, True), (3, False), (5, True)])
def test_a_rollback_whose_worker_is_killed_around_a_write_ends_at_weight_0(tmp_path, strategy, kind, at, after):
    cell = Cell(tmp_path, strategy, kind)
    cell.reach(PROMOTED)
    cell.world.override("rollback")
    cell.world.change = killable_keeping(Killer(at, after=after))
    cell.world.start()

    assert cell.run_to_end() == "rolled-back"
    cell.assert_taken_back()
    assert cell.world.failures
