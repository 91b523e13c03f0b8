"""Many clusters that run Flagger obey one rollout: its waves, gates, guards and freezes."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.errors import TryLaterError
from shared.domain.names import RolloutId
from shared.domain.rollout.flagger import Kind
from tests.scenario.flagger_cluster import Cluster
from tests.scenario.world import World

INTERVAL = timedelta(minutes=1)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def clusters(world):
    """Three that go as far as the rollout does, and one that comes after them."""
    return [
        Cluster(world=world, name="north", weights=(1, 3, 5)),
        Cluster(world=world, name="south", weights=(5, 25)),
        Cluster(world=world, name="east", weights=(10, 20, 30, 40, 50)),
        Cluster(world=world, name="west", weights=(5, 50, 100), wave=2),
    ]


def release(world: World, clusters: Iterable[Cluster], version: str = "2", **options) -> RolloutId:
    """CI deploys the version everywhere at once."""
    for cluster in clusters:
        cluster.target = version
    return world.deploy(version, **options)


def live_until(
    world: World,
    clusters: Iterable[Cluster],
    done: Callable[[], bool],
    *,
    always: Callable[[], None] = lambda: None,
    limit: int = 240,
) -> None:
    """Let every cluster look once an interval, until `done`; `always` is looked at after each."""
    for _ in range(limit):
        world.run_for(INTERVAL)
        for cluster in clusters:
            cluster.look()
            always()
        if done():
            return
    raise AssertionError([(cluster.name, cluster.phase, cluster.weight) for cluster in clusters])


def phases(clusters: Iterable[Cluster]) -> set[str]:
    return {cluster.phase for cluster in clusters}


def proven(world: World, rollout: RolloutId) -> float:
    return min(target["proven"] for target in world.rollout(rollout)["targets"])


def test_no_cluster_goes_above_what_was_proven_and_each_ends_with_the_new_version(world, clusters):
    rollout = release(world, clusters)

    def nobody_is_ahead() -> None:
        view = world.rollout(rollout)
        for cluster in clusters:
            assert cluster.weight <= proven(world, rollout)
            if cluster.primary == "2":
                assert view["phase"] == "succeeded" or view["doing"] == "ending the promotion"
            if cluster.wave == 2 and cluster.weight:
                assert view["phase"] == "succeeded"

    live_until(world, clusters, lambda: phases(clusters) == {"Succeeded"}, always=nobody_is_ahead)

    assert world.phase(rollout) == "succeeded"
    assert [cluster.primary for cluster in clusters] == ["2"] * 4
    assert [cluster.failed_checks for cluster in clusters] == [0] * 4


def test_a_guards_alarm_takes_every_cluster_back(world, clusters):
    rollout = release(world, clusters, error_rate=0.3)

    live_until(world, clusters, lambda: "Progressing" in phases(clusters) and world.rollout(rollout)["weight"] > 0)
    live_until(world, clusters, lambda: world.phase(rollout) == "rolled-back")
    live_until(world, clusters, lambda: "Progressing" not in phases(clusters))

    began = [cluster for cluster in clusters if cluster.analysed == "2"]
    assert began
    for cluster in began:
        assert (cluster.phase, cluster.weight, cluster.primary) == ("Failed", 0, "1")
        assert (Kind.ROLLBACK, 200) in cluster.asked
    assert phases(cluster for cluster in clusters if cluster not in began) <= {"Waiting"}


def test_one_clusters_own_failure_takes_all_the_others_and_the_release_itself_back(world, clusters):
    north, *others = clusters
    rollout = release(world, clusters)
    live_until(world, clusters, lambda: north.weight == 5)

    north.is_healthy = lambda: False
    live_until(world, clusters, lambda: north.phase == "Failed")
    live_until(world, clusters, lambda: world.phase(rollout) == "rolled-back" and "Progressing" not in phases(others))

    assert (Kind.ROLLBACK, 200) not in north.asked
    assert [cluster.primary for cluster in clusters] == ["1"] * 4
    assert world.share() == 0
    (alert,) = (event for event in world.events(rollout) if event["type"] == "AlertReceived")
    assert (alert["resource"], alert["effect"]) == ("web/shop in north", "rolled back")


@pytest.mark.parametrize(("hold", "release_it"), [("freeze", "unfreeze"), ("pause", "resume")])
def test_a_hold_stops_every_cluster_where_it_is_and_fails_none(world, clusters, hold, release_it):
    rollout = release(world, clusters)
    live_until(world, clusters, lambda: clusters[0].weight == 3)
    world.override(hold)
    world.settle()
    before = [(cluster.weight, cluster.primary) for cluster in clusters]

    live_until(world, clusters, lambda: clusters[0].count(Kind.ROLLOUT) >= 30)
    assert [(cluster.weight, cluster.primary) for cluster in clusters] == before
    assert {cluster.failed_checks for cluster in clusters} == {0}

    world.override(release_it)
    live_until(world, clusters, lambda: phases(clusters) == {"Succeeded"})
    assert world.phase(rollout) == "succeeded"


def test_clusters_do_not_begin_what_is_not_being_released(world, clusters):
    for cluster in clusters:
        cluster.target = "2"

    live_until(world, clusters, lambda: clusters[0].count(Kind.CONFIRM_ROLLOUT) == 10)

    assert phases(clusters) == {"Waiting"}
    assert {status for cluster in clusters for _, status in cluster.asked} == {403}


def test_a_cluster_that_was_away_catches_up_with_what_serves_by_then(world, clusters):
    away = clusters.pop()
    release(world, [*clusters, away])
    live_until(world, clusters, lambda: phases(clusters) == {"Succeeded"})

    live_until(world, [away], lambda: away.phase == "Succeeded")
    assert away.primary == "2"


def test_a_newer_version_in_the_middle_restarts_the_clusters_with_it_and_leaves_nothing_of_the_older(world, clusters):
    first = release(world, clusters)
    live_until(world, clusters, lambda: clusters[0].weight == 5)
    world.override("abort")
    live_until(world, clusters, lambda: world.phase(first) == "aborted" and "Progressing" not in phases(clusters))

    second = release(world, clusters, "3")
    live_until(world, clusters, lambda: phases(clusters) == {"Succeeded"})

    assert world.phase(second) == "succeeded"
    assert [cluster.primary for cluster in clusters] == ["3"] * 4


def test_a_store_that_is_down_neither_advances_nor_takes_back_a_cluster(world, clusters):
    release(world, clusters)
    live_until(world, clusters, lambda: clusters[0].weight == 3)
    before = [(cluster.phase, cluster.weight) for cluster in clusters]
    store = world.keeping.store
    answered = world.app.flagger

    world.app.flagger = replace(answered, store=_Down())
    for cluster in clusters:
        cluster.look()
    world.app.flagger = replace(answered, store=store)

    assert [(cluster.phase, cluster.weight) for cluster in clusters] == before
    assert {cluster.asked[-1][1] for cluster in clusters} == {503}


class _Down:
    """A store that nobody reaches."""

    def __getattr__(self, name: str):
        raise TryLaterError("no answer within 10 seconds")
