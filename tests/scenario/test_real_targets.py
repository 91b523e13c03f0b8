"""Each kind of target end to end: the real host, the real client of its API, and users who come all along.

A Container App and an HTTPRoute are released by a canary, the endpoints of a Traffic Manager profile by a switch. The
Container App is measured by the telemetry of its requests; the users of the other two push what they met.
"""

from collections.abc import Iterator

import pytest

from tests.sandbox import wait_until
from tests.scenario.real_targets import SHARE, Released, Scene, running_scene

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("real-targets")]

REQUESTS = 1600


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Scene]:
    with running_scene(tmp_path_factory.mktemp("scene")) as scene:
        yield scene


@pytest.fixture
def scene(running) -> Iterator[Scene]:
    with running.playing():
        yield running


@pytest.fixture(params=["container_app", "http_route"])
def canary(scene, request) -> Released:
    return getattr(scene, request.param)()


@pytest.fixture
def switch(scene) -> Released:
    return scene.profile()


def test_a_canary_divides_users_as_wanted_and_harms_nobody(canary):
    rollout = canary.release("2")
    canary.at(rollout, SHARE)
    canary.override("pause")
    wait_until(lambda: canary.rollout(rollout)["phase"] == "paused", within=20)

    assert_share_is_as_wanted(canary, "2")

    canary.override("resume")
    view = canary.end(rollout)
    assert view["phase"] == "succeeded", view["reason"]
    assert canary.share_in_force() == 100
    assert canary.edge_version() == "2"
    canary.assert_only_bad_versions_failed()


def test_a_bad_canary_is_taken_back_to_a_stable_version_that_serves(canary):
    rollout = canary.release("2", error_rate=0.5)

    view = canary.end(rollout)

    canary.assert_taken_back(rollout, view, "1")
    canary.assert_only_bad_versions_failed()
    assert canary.users.failed()["2"] > 0


def test_a_switch_of_resolvers_and_its_way_back_harm_nobody(switch):
    rollout = switch.release("2")
    switch.at(rollout, 100)
    switch.assert_everyone_gets("2")
    switch.override("rollback")

    view = switch.end(rollout)

    switch.assert_taken_back(rollout, view, "1")
    switch.assert_only_bad_versions_failed()


@pytest.mark.long
def test_a_switch_of_resolvers_is_over_when_all_of_them_followed_and_it_was_judged(switch):
    """It takes three quarters of a minute: so long name servers may need to hear of it."""
    rollout = switch.release("2")

    view = switch.end(rollout)

    assert view["phase"] == "succeeded", view["reason"]
    assert switch.share_in_force() == 100
    switch.assert_everyone_gets("2")
    switch.assert_only_bad_versions_failed()


def assert_share_is_as_wanted(canary: Released, version: str) -> None:
    """Measure within 3 standard errors. Chance exceeds them once in 370: it does not twice in a row."""
    error = 100 * (SHARE / 100 * (1 - SHARE / 100) / REQUESTS) ** 0.5
    measured = []
    for _ in range(2):
        sent = canary.users.send(REQUESTS)
        measured.append(100 * sent[version] / sum(sent.values()))
        if abs(measured[-1] - SHARE) <= 3 * error:
            return
    raise AssertionError(f"{SHARE} % wanted, {measured} measured, a standard error is {error:.2f} %")
