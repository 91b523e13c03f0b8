"""What we ask of Container Apps is what Azure's own tool asks, as recorded against the real service."""

import json
from pathlib import Path

import pytest

from shared.adapters.container_apps.apps import ContainerApps
from shared.adapters.container_apps.place_finder import ContainerAppPlaces
from shared.adapters.container_apps.traffic_router import ContainerAppRouter
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.names import TargetName, Version
from shared.domain.rollout.spec import Located, Target, TargetKind
from shared.domain.rollout.weight import Weight
from tests.sandbox_sdk import AnyToken
from tests.scripted_server import Say, scripted_server

FOLDER = Path(__file__).parents[3] / "shared/payloads/azure-recordings/container-apps"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="the recorded ARM traffic is not beside the project")


def recorded(name):
    return json.loads((FOLDER / f"test_containerapp_{name}.json").read_text())["interactions"]


def path_of(pair):
    return pair["request"]["uri"].partition("management.azure.com")[2].partition("?")[0]


def is_app(pair):
    return pair["request"]["method"] == "GET" and path_of(pair).split("/")[-2] == "containerApps"


def mode_of(pair):
    return pair["response"]["body"]["properties"]["configuration"]["activeRevisionsMode"]


def answer(pair, **changed):
    """Say what was recorded, with some of the configuration changed."""
    body = json.loads(json.dumps(pair["response"]["body"]))
    if changed:
        body["properties"]["configuration"].update(changed)
    return Say(pair["response"]["status"]["code"], body)


def target_of(pair, *, converts=False, located=None):
    return Target(
        name=TargetName("west"),
        kind=TargetKind.CONTAINER_APP,
        resource=path_of(pair),
        converts=converts,
        located=located,
    )


@pytest.fixture
def arm():
    with scripted_server(Say(500)) as server:
        yield server


@pytest.fixture
def apps(arm):
    return ContainerApps(AnyToken(), base_url=arm.url, allow_http=True)


def test_weights_are_written_by_the_tools_call_with_its_body(arm, apps):
    """The tool sent them in the mode `labels`, which divides by the same list. It writes weights as texts at times."""
    pairs = recorded("revision_labels_mode_e2e")
    theirs = next(pair for pair in pairs if pair["request"]["method"] == "PATCH" and weights(pair) == [75, 25])
    before = [pair for pair in pairs[: pairs.index(theirs)] if is_app(pair)][-1]
    after = next(pair for pair in pairs[pairs.index(theirs) :] if is_app(pair))
    stable, candidate = (entry["revisionName"] for entry in traffic(theirs))
    multiple = {"activeRevisionsMode": "Multiple"}
    arm.play(answer(before, **multiple), Say(202), answer(after, **multiple))

    located = Located(stable=stable, candidate=candidate)
    ContainerAppRouter(apps).set_share(target_of(before, located=located), Weight(25_000))

    mine = arm.asked[1]
    assert (mine.method, mine.path) == ("PATCH", path_of(theirs))
    entries = [{**entry, "weight": int(entry["weight"])} for entry in traffic(theirs)]
    assert mine.json() == {"properties": {"configuration": {"ingress": {"traffic": entries}}}}


def test_the_mode_is_switched_by_the_tools_call_and_the_traffic_pinned_in_it(arm, apps):
    pairs = recorded("revision_label_e2e")
    theirs = next(pair for pair in pairs if pair["request"]["method"] == "PATCH")
    before = [pair for pair in pairs[: pairs.index(theirs)] if is_app(pair)][-1]
    after = next(pair for pair in pairs[pairs.index(theirs) :] if is_app(pair))
    listed = next(pair for pair in pairs if path_of(pair).endswith("/revisions"))
    serving = before["response"]["body"]["properties"]["latestReadyRevisionName"]
    # The list was recorded after another revision had taken over; before that, this one stood in it alone.
    first = [each for each in listed["response"]["body"]["value"] if each["name"] == serving]
    pinned = [{"revisionName": serving, "weight": 100}]
    ingress = {**after["response"]["body"]["properties"]["configuration"]["ingress"], "traffic": pinned}
    arm.play(answer(before), Say(200, {"value": first}), Say(202), answer(after, ingress=ingress))

    said = ContainerAppPlaces(apps).pin_traffic(target_of(before, converts=True))

    assert mode_of(before) == "Single"
    assert [asked.path for asked in arm.asked[:3]] == [path_of(before), path_of(listed), path_of(theirs)]
    assert arm.asked[2].method == "PATCH"
    mine = arm.asked[2].json()["properties"]["configuration"]
    wanted = theirs["request"]["body"]["properties"]["configuration"]["activeRevisionsMode"]
    assert mine == {"activeRevisionsMode": wanted.capitalize(), "ingress": {"traffic": pinned}}
    assert f"pinned to {serving}" in said


def test_a_revision_that_is_being_taken_down_is_no_place_for_a_candidate_though_it_is_told_as_active(arm, apps):
    pairs = recorded("revision_label_e2e")
    listed = next(pair for pair in pairs if path_of(pair).endswith("/revisions"))
    app = next(pair for pair in pairs[pairs.index(listed) :] if is_app(pair))
    old, new = (each["name"] for each in listed["response"]["body"]["value"])
    pinned = {"traffic": [{"revisionName": new, "weight": 100}]}
    arm.play(answer(app, ingress=pinned), answer(listed))

    with pytest.raises(TryLaterError, match=f"{old} is not active"):
        ContainerAppPlaces(apps).find_places(target_of(app), Version(old))


def test_an_app_as_it_is_made_by_default_is_refused_with_the_fix(arm, apps):
    app = next(pair for pair in recorded("revision_label_e2e") if is_app(pair))
    arm.play(answer(app))

    with pytest.raises(RejectedError, match="single revision mode, where weights do nothing"):
        ContainerAppPlaces(apps).find_places(target_of(app), Version("2"))


def test_session_affinity_is_read_as_the_service_tells_it(arm, apps):
    told = [pair for pair in recorded("ingress_sticky_sessions_e2e") if is_app(pair)]
    arm.play(answer(told[0]), answer(told[-1]))
    target = target_of(told[0])

    assert [apps.open(target).read().sticky for _ in range(2)] == [False, True]


def traffic(pair):
    return pair["request"]["body"]["properties"]["configuration"].get("ingress", {}).get("traffic", [])


def weights(pair):
    return [int(entry["weight"]) for entry in traffic(pair)]
