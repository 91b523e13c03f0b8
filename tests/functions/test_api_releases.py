"""Releases of several applications over HTTP: asked for, read, steered, refused."""

import pytest

from tests.functions.api_client import KEY, SECOND_KEY, eventually, running_api

PAIR = [{"application": "api", "version": "2"}, {"application": "web", "version": "7"}]


@pytest.fixture
def api(tmp_path):
    """Nobody takes the wake-ups: what was accepted stays accepted."""
    with running_api(tmp_path) as api:
        api.register("api")
        api.register("web")
        yield api


def release(api, headers=None, **fields):
    return api.ask("POST", "/api/releases", {"members": PAIR, **fields}, headers)


def test_a_release_is_accepted_and_can_be_read_at_once(api):
    answer = release(api, id="autumn", name="The autumn release", deadline="2h")

    assert (answer.status, answer.location) == (202, "/api/releases/autumn")
    assert answer.json() == {"release": "autumn", "location": "/api/releases/autumn"}
    shown = api.ask("GET", answer.location).json()
    assert (shown["phase"], shown["name"], shown["by"]) == ("pending", "The autumn release", "alice")
    assert shown["deadline_seconds"] == 7200
    assert [(each["application"], each["version"]) for each in shown["members"]] == [("api", "2"), ("web", "7")]
    assert api.ask("GET", shown["links"]["history"]).json() == {"release": "autumn", "events": [], "next": None}


def test_the_same_request_again_is_the_same_release(api):
    assert release(api, id="autumn").status == 202
    assert release(api, id="autumn").status == 200
    assert release(api, id="autumn", deadline="2h").status == 409
    assert "choose another id" in release(api, id="autumn", deadline="2h").json()["detail"]


def test_without_an_id_the_idempotency_key_names_it_and_without_both_each_is_new(api):
    keyed = {"Idempotency-Key": "run-1"}

    assert release(api, keyed).location == release(api, keyed).location
    assert release(api).location != release(api).location


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"members": PAIR[:1]}, "members"),
        ({"members": "api"}, "members"),
        ({"members": None}, "members"),
        ({"members": [PAIR[0], {"application": "web"}]}, "members[1].version"),
        ({"members": [PAIR[0], {"application": "web", "version": 7}]}, "members[1].version"),
        ({"members": [PAIR[0], {**PAIR[1], "slot": "a"}]}, "members[1].slot"),
        ({"members": [PAIR[0], 7]}, "members[1]"),
        ({"members": [PAIR[0], PAIR[0]]}, "members[1].application"),
        ({"members": [PAIR[0], {"application": "nobody", "version": "1"}]}, "members[1].application"),
        ({"members": [{"application": f"a{n}", "version": "1"} for n in range(11)]}, "members"),
        ({"id": "No Id"}, "id"),
        ({"deadline": "5m"}, "deadline"),
        ({"deadline": "8d"}, "deadline"),
        ({"deadline": 60}, "deadline"),
        ({"deadline": "soon"}, "deadline"),
        ({"name": 7}, "name"),
        ({"order": "as-listed"}, "order"),
    ],
)
def test_what_is_wrong_is_named(api, fields, path):
    answer = release(api, **fields)

    assert answer.status == 400
    assert path in [error["path"] for error in answer.json()["errors"]]


def test_a_member_that_cannot_take_its_version_now_refuses_the_release(tmp_path):
    with running_api(tmp_path, driven=True) as api:
        api.register("api")
        api.register("web")
        rollout = api.deploy("7", "web").json()["rollout"]
        eventually(lambda: api.ask("GET", f"/api/rollouts/{rollout}").json()["phase"] == "progressing")
        answer = release(api)

    assert answer.status == 409
    assert answer.json()["detail"] == f"web: rollout {rollout} brings 7, or has brought it: leave it out"


def test_a_release_is_driven_and_taken_back_over_http(tmp_path):
    with running_api(tmp_path, driven=True) as api:
        api.register("api")
        api.register("web")
        location = release(api, id="autumn").location
        standing = lambda: [member["standing"] for member in api.ask("GET", location).json()["members"]]  # noqa: E731
        eventually(lambda: standing() == ["moving", "moving"])
        shown = api.ask("GET", location).json()
        rollout = api.ask("GET", shown["members"][0]["links"]["rollout"]).json()
        steered = api.ask("POST", f"{location}/abort", {"reason": "not today"})
        eventually(lambda: standing() == ["moving", "going back"], 30)
        history = api.ask("GET", f"{location}/history").json()

    assert (rollout["release"], rollout["doing"]) == ("autumn", "preflight")
    assert steered.status == 202
    assert steered.json() == {"release": "autumn", "action": "abort", "location": location}
    assert [line["application"] for line in history["events"] if line["type"] == "MemberAskedBack"] == ["web"]
    assert history["events"][0]["type"] == "ReleaseBegun"


def test_releases_are_listed_the_newest_first(tmp_path):
    with running_api(tmp_path, driven=True) as api:
        for name in ("api", "web", "db", "ui"):
            api.register(name)
        release(api, id="autumn", name="The autumn release")
        listed = lambda: api.ask("GET", "/api/releases").json()["releases"]  # noqa: E731
        eventually(lambda: len(listed()) == 1)
        second = [{"application": "db", "version": "2"}, {"application": "ui", "version": "7"}]
        release(api, id="winter", members=second)
        eventually(lambda: [line["id"] for line in listed()] == ["winter", "autumn"])
        api.ask("POST", "/api/releases/autumn/abort", {"reason": "not today"})
        eventually(lambda: listed()[1]["phase"] == "rolling-back", 30)
        page = api.ask("GET", "/api/releases")
        past = api.ask("GET", "/api/releases?after=" + "9" * 19 + ":z")

    winter, autumn = page.json()["releases"]
    assert page.json()["next"] is None
    assert (winter["phase"], winter["members"]) == ("progressing", second)
    assert (autumn["name"], autumn["by"], autumn["ended"]) == ("The autumn release", "alice", None)
    assert autumn["reason"] == "aborted by alice: not today"
    assert autumn["links"] == {"release": "/api/releases/autumn"}
    assert past.json() == {"releases": [], "next": None}


def test_a_list_without_releases_is_empty_and_a_cursor_of_somebody_else_is_refused(api):
    assert api.ask("GET", "/api/releases").json() == {"releases": [], "next": None}
    wrong = api.ask("GET", "/api/releases?after=page-2")
    assert (wrong.status, wrong.json()["errors"][0]["path"]) == (400, "after")
    assert api.ask("GET", "/api/releases", key=None).status == 401


@pytest.mark.parametrize("name", ["nobody", "No%20Id", "a" * 64])
def test_a_release_that_nobody_asked_for_is_not_found(api, name):
    assert api.ask("GET", f"/api/releases/{name}").status == 404
    assert api.ask("GET", f"/api/releases/{name}/history").status == 404
    assert api.ask("POST", f"/api/releases/{name}/pause").status == 404


def test_a_command_that_is_none_or_makes_no_sense_is_refused(api):
    location = release(api, id="autumn").location

    wrong = api.ask("POST", f"{location}/pasue")
    assert wrong.status == 400
    assert "did you mean" in wrong.json()["detail"] or "allowed is pause" in wrong.json()["detail"]
    assert api.ask("POST", f"{location}/pause", {"resaon": "x"}).status == 400
    assert api.ask("POST", f"{location}/resume").status == 409
    assert api.ask("POST", f"{location}/pause", {"reason": "a\x00b"}).status == 400


def test_a_command_under_one_key_is_one_and_needs_a_key_of_an_operator(api):
    location, keyed = release(api, id="autumn").location, {"Idempotency-Key": "k"}

    assert api.ask("POST", f"{location}/rollback", None, keyed).status == 202
    assert api.ask("POST", f"{location}/rollback", None, keyed, key=SECOND_KEY).status == 202
    for method, path in (("POST", "/api/releases"), ("GET", location), ("POST", f"{location}/pause")):
        assert api.ask(method, path, key=None).status == 401
    assert api.ask("GET", location, key=KEY).status == 200
