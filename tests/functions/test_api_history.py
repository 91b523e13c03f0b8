"""History over HTTP: whole, in pages, in the API's units."""

import pytest

from tests.functions.api_client import running_api
from tests.scenario.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A healthy release, to its end."""
    world = World(tmp_path_factory.mktemp("world"))
    world.done = world.deploy("2")
    assert world.run_to_end(world.done) == "succeeded"
    return world


@pytest.fixture(scope="module")
def api(world):
    with running_api(world.folder) as api:
        yield api


def of_type(events: list[dict], kind: str) -> list[dict]:
    return [event for event in events if event["type"] == kind]


def test_history_tells_the_release_from_its_beginning_to_its_end(world, api):
    events = api.events(world.done)

    kinds = [event["type"] for event in events]
    assert (kinds[0], kinds[-1]) == ("DeploymentAccepted", "RolloutEnded")
    assert [event["sequence"] for event in events] == list(range(events[0]["sequence"], events[-1]["sequence"] + 1))


def test_history_shows_weights_as_percentages(world, api):
    events = api.events(world.done)

    assert [event["share"] for event in of_type(events, "WeightObserved")] == [5, 25, 50, 5, 0]
    assert [event["proven"] for event in of_type(events, "StepPassed")][:3] == [25, 50, 100]
    assert [step["weight"] for step in of_type(events, "RolloutStarted")[0]["plan"]] == [5, 25, 50, 100]


def test_each_passed_step_shows_the_numbers_that_it_was_judged_on(world, api):
    for passed in of_type(api.events(world.done), "StepPassed"):
        judgement = passed["judgements"]["web"]
        assert judgement["verdict"] == "healthy"
        assert {evidence["guard"] for evidence in judgement["evidence"]} == {"errors", "compared"}
        assert all(evidence["requests"] > 0 for evidence in judgement["evidence"])


def test_drift_is_shown_in_percentages(tmp_path):
    world = World(tmp_path)
    rollout = world.deploy("2")
    world.run_until(lambda: world.rollout(rollout)["doing"] == "baking")
    world.site.set_share(world.target, 40_000)
    world.run_until(lambda: "DriftFound" in world.happened(rollout))

    with running_api(tmp_path) as api:
        (drift,) = of_type(api.events(rollout), "DriftFound")

    assert (drift["found"], drift["wanted"]) == (40, 5)


def test_a_page_after_a_line_goes_on_with_the_next_one(world, api):
    events = api.events(world.done)
    third = events[2]["sequence"]

    page = api.ask("GET", f"/api/rollouts/{world.done}/history?after={third}").json()

    assert page["events"] == events[3:]
    assert page["next"] is None


def test_a_long_history_is_read_page_by_page_without_gaps(tmp_path):
    world = World(tmp_path)
    rollout = world.deploy("2")
    world.run_until(lambda: world.rollout(rollout)["weight"] > 0)
    for number in range(230):
        world.alert(f"a{number}", fired=False)
        world.settle()
    with running_api(tmp_path) as api:
        first = api.ask("GET", f"/api/rollouts/{rollout}/history").json()
        second = api.ask("GET", f"/api/rollouts/{rollout}/history?after={first['next']}").json()

    assert len(first["events"]) == 200
    assert second["next"] is None
    numbers = [event["sequence"] for event in first["events"] + second["events"]]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(numbers) > 230


def test_after_the_end_there_is_nothing(world, api):
    page = api.ask("GET", f"/api/rollouts/{world.done}/history?after=999999999").json()

    assert (page["events"], page["next"]) == ([], None)


@pytest.mark.parametrize("after", ["-1", "+1", "1.5", "x", "1e3", "%C2%B2", "9" * 10, "9" * 5000, "1&after=2", "0x1"])
def test_an_after_that_is_no_sequence_number_is_refused(world, api, after):
    answer = api.ask("GET", f"/api/rollouts/{world.done}/history?after={after}")

    assert (answer.status, answer.json()["errors"][0]["path"]) == (400, "after")


@pytest.mark.parametrize("after", ["", "?after=0", "?after="])
def test_without_an_after_it_begins_at_the_beginning(world, api, after):
    page = api.ask("GET", f"/api/rollouts/{world.done}/history{after}").json()

    assert page["events"][0]["type"] == "DeploymentAccepted"


@pytest.mark.parametrize(
    "rollout", ["shop-000000000000", "nobody-0123456789ab", "shop", "SHOP-0123456789AB", "x" * 4000]
)
def test_a_rollout_that_is_not_there_is_a_404(api, rollout):
    for address in (f"/api/rollouts/{rollout}", f"/api/rollouts/{rollout}/history"):
        answer = api.ask("GET", address)
        assert (answer.status, answer.json()["type"]) == (404, "urn:slipway:problem:not-found")
