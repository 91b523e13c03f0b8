"""Flags and segments over HTTP: written, approved, killed, explained, restored, refused."""

import os
from unittest.mock import patch
from urllib.parse import quote

import pytest

from tests.functions.api_client import KEY, SECOND_KEY, running_api

FLAG = {
    "key": "new-checkout",
    "type": "boolean",
    "variants": {"on": True, "off": False},
    "off": "off",
    "default": "off",
    "rules": [
        {"id": "staff", "if": {"attribute": "email", "op": "ends-with", "values": ["@shop.example"]}, "serve": "on"}
    ],
}
PATH = "/api/flags/new-checkout"
ENVIRONMENTS = {"SLIPWAY_FLAG_ENVIRONMENTS": "production=0;test=1"}


@pytest.fixture
def api(tmp_path):
    with patch.dict(os.environ, ENVIRONMENTS), running_api(tmp_path) as api:
        yield api


def put(api, flag=FLAG, path=PATH, headers=None, key=KEY, **changes):
    return api.ask("PUT", path, {**flag, **changes}, headers, key=key)


def act(api, action, path=PATH, key=KEY, headers=None, **fields):
    return api.ask("POST", path, {"action": action, **fields}, headers, key=key)


def test_a_flag_is_created_read_changed_and_listed(api):
    created = put(api, path=f"{PATH}?reason=first")

    assert (created.status, created.headers["etag"], created.location) == (201, '"1"', f"{PATH}?environment=production")
    shown = created.json()
    assert (shown["revision"], shown["published"], shown["changed_by"]) == (1, True, "alice")
    assert shown["flag"]["rules"] == FLAG["rules"]
    assert api.ask("GET", created.location).json() == shown
    changed = put(api, headers={"If-Match": created.headers["etag"]}, owner="shop", tags=["checkout"])
    assert (changed.status, changed.headers["etag"], changed.json()["flag"]["owner"]) == (200, '"2"', "shop")
    listed = api.ask("GET", "/api/flags?tag=checkout").json()
    assert [(each["key"], each["revision"], each["stale"]) for each in listed["flags"]] == [("new-checkout", 2, [])]
    assert api.ask("GET", "/api/flags?tag=other").json()["flags"] == []
    assert api.ask("GET", "/api/flags?stale=true").json()["flags"] == []


def test_what_was_read_can_be_written_back_as_it_is(api):
    shown = put(api).json()

    again = put(api, shown["flag"])
    assert (again.status, again.json()) == (200, shown)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 428),
        ({"If-Match": '"2"'}, 412),
        ({"If-None-Match": "*"}, 412),
        ({"If-Match": '"1"'}, 200),
        ({"If-Match": 'W/"1"'}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": "1"}, 400),
        ({"If-None-Match": '"1"'}, 400),
        ({"If-Match": '"1"', "If-None-Match": "*"}, 400),
    ],
)
def test_an_update_says_what_it_read(api, headers, status):
    put(api)

    answer = put(api, headers=headers, owner="shop")
    assert answer.status == status
    assert api.ask("GET", PATH).json()["revision"] == (2 if status == 200 else 1)


@pytest.mark.parametrize(("headers", "status"), [({"If-Match": "*"}, 412), ({"If-Match": '"1"'}, 412)])
def test_what_is_not_there_cannot_have_been_read(api, headers, status):
    assert put(api, headers=headers).status == status


def test_a_key_may_hold_slashes_as_they_are_or_escaped(api):
    flag = {**FLAG, "key": "team/shop/new-checkout"}

    assert put(api, flag, "/api/flags/team/shop/new-checkout").status == 201
    assert put(api, flag, "/api/flags/team%2Fshop%2Fnew-checkout").status == 200
    assert api.ask("GET", "/api/flags/team/shop/new-checkout").json()["key"] == "team/shop/new-checkout"
    assert len(api.ask("GET", "/api/flag-history/team/shop/new-checkout").json()["events"]) == 1
    assert act(api, "kill", "/api/flags/team/shop/new-checkout").status == 200


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"default": "blue"}, "default"),
        ({"key": "other"}, "key"),
        ({"colour": "red"}, "colour"),
        ({"rules": [{"id": "a", "if": {"segment": "nobody"}, "serve": "on"}]}, "rules[0].if"),
        ({"rules": [{"id": "a", "if": {"attribute": "a", "op": "matches", "values": ["("]}, "serve": "on"}]}, "rules"),
        ({"prerequisites": [{"flag": "nobody", "variants": ["on"]}]}, "prerequisites[0].flag"),
    ],
)
def test_what_is_wrong_with_a_flag_is_named(api, changes, path):
    answer = api.ask("PUT", PATH, {**FLAG, **changes})

    assert answer.status == 400
    assert any(error["path"].startswith(path) for error in answer.json()["errors"])
    assert api.ask("GET", PATH).status == 404


def test_the_kill_switch_is_a_call_and_history_says_who_and_why(api):
    put(api)
    killed = act(api, "kill", key=SECOND_KEY, reason="errors on checkout")

    assert (killed.status, killed.json()["flag"]["killed"], killed.headers["etag"]) == (200, True, '"2"')
    assert act(api, "kill").json()["revision"] == 2
    assert act(api, "revive").json()["revision"] == 3
    events = api.ask("GET", "/api/flag-history/new-checkout").json()["events"]
    assert [event["type"] for event in events] == ["FlagSaved", "FlagKilled", "FlagRevived"]
    assert (events[1]["by"], events[1]["why"]) == ("bob", "errors on checkout")
    assert "flag" not in events[0]
    assert api.ask("GET", "/api/flag-history/new-checkout?after=2").json()["events"] == events[2:]


def test_a_dry_run_says_who_would_move_and_stores_nothing(api):
    put(api)
    contexts = [{"targetingKey": "a", "email": "a@shop.example"}, {"targetingKey": "b", "email": "b@else.example"}]
    wanted = {**FLAG, "default": "on"}

    answer = api.ask("PUT", f"{PATH}?dry-run=true", {"flag": wanted, "contexts": contexts})

    assert answer.status == 200
    (kept, moved) = sorted(answer.json()["changes"], key=lambda each: each["before"] == "off")
    assert (kept["before"], kept["after"], kept["count"], kept["examples"]) == ("on", "on", 1, [])
    assert (moved["before"], moved["after"], moved["count"]) == ("off", "on", 1)
    assert moved["examples"][0]["context"] == contexts[1]
    assert api.ask("GET", PATH).json()["revision"] == 1
    assert api.ask("PUT", f"{PATH}?dry-run=true", {"flag": {**FLAG, "default": "blue"}}).status == 400
    act(api, "kill")
    killed = api.ask("PUT", f"{PATH}?dry-run=true", {"flag": wanted, "contexts": contexts}).json()
    assert [(each["before"], each["after"]) for each in killed["changes"]] == [("off", "off")]
    assert api.ask("PUT", f"{PATH}?dry-run=true", {"flag": FLAG, "contexts": [1]}).status == 400
    assert api.ask("PUT", f"{PATH}?dry-run=yes", {"flag": FLAG}).status == 400


def test_a_context_is_told_why_it_gets_what_it_gets(api):
    put(api)
    context = quote('{"email": "a@shop.example", "targetingKey": "a"}')

    found = api.ask("GET", f"/api/flag-explanations/new-checkout?context={context}").json()

    assert (found["variant"], found["reason"], found["because"]) == ("on", "rule", "staff")
    assert found["steps"]
    assert api.ask("GET", "/api/flag-explanations/new-checkout").json()["variant"] == "off"
    assert api.ask("GET", "/api/flag-explanations/new-checkout?context=nonsense").status == 400
    assert api.ask("GET", "/api/flag-explanations/new-checkout?context=[]").status == 400
    assert api.ask("GET", "/api/flag-explanations/nobody").status == 404


def test_where_approvals_are_asked_for_a_change_waits_for_somebody_else(api):
    path = f"{PATH}?environment=test"
    proposed = put(api, path=path)

    assert (proposed.status, proposed.json()["flag"], proposed.json()["revision"]) == (202, None, 0)
    proposal = proposed.json()["proposal"]
    assert act(api, "approve", path, proposal=proposal["id"]).status == 409
    assert act(api, "approve", path, proposal="another", key=SECOND_KEY).status == 409
    approved = act(api, "approve", path, proposal=proposal["id"], key=SECOND_KEY)
    assert (approved.status, approved.json()["revision"], approved.json()["proposal"]) == (200, 1, None)
    assert act(api, "reject", path, proposal=proposal["id"]).status == 409
    assert put(api, path=path, headers={"If-Match": '"1"'}, owner="a").status == 202
    assert put(api, path=path, headers={"If-Match": '"1"'}, owner="a").status == 202
    assert act(api, "kill", path).json()["flag"]["killed"] is True
    assert api.ask("GET", PATH).status == 404


def test_a_proposal_that_was_made_before_is_no_answer_to_a_request_that_proposed_nothing(api):
    path = f"{PATH}?environment=test"
    first = put(api, path=path)
    approved = act(api, "approve", path, proposal=first.json()["proposal"]["id"], key=SECOND_KEY)
    archiving = api.ask("DELETE", path)
    assert (archiving.status, archiving.json()["proposed"]) == (202, True)

    for answer in (
        put(api, path=path),
        put(api, approved.json()["flag"], path=path, key=SECOND_KEY),
        act(api, "restore", path, revision=1),
        api.ask("GET", path),
    ):
        shown = answer.json()
        assert (answer.status, shown["proposed"], shown["proposal"]["archives"]) == (200, False, True)

    again = api.ask("DELETE", path)
    assert (again.status, again.json()["proposal"]) == (202, archiving.json()["proposal"])
    assert act(api, "kill", path).status == 200
    put(api, path=path, headers={"If-Match": "*"}, owner="a")
    restoring = act(api, "restore", path, revision=1)
    assert (restoring.status, restoring.json()["proposal"]["flag"]["owner"]) == (200, "a")


def test_an_earlier_revision_is_read_and_brought_back(api):
    put(api)
    put(api, headers={"If-Match": '"1"'}, owner="shop")

    assert "owner" not in api.ask("GET", f"{PATH}?revision=1").json()["flag"]
    restored = act(api, "restore", revision=1, reason="as it was")
    assert (restored.status, restored.json()["revision"], "owner" in restored.json()["flag"]) == (200, 3, False)
    assert act(api, "restore", revision=9).status == 404
    assert act(api, "restore", revision=1, headers={"If-Match": '"2"'}).status == 200
    assert act(api, "restore", revision=2, headers={"If-Match": '"2"'}).status == 412
    assert api.ask("GET", f"{PATH}?revision=x").status == 400


def test_a_change_is_scheduled_once_and_cancelled(api):
    put(api)
    later = {"at": "2099-01-01T00:00:00Z", "flag": {**FLAG, "default": "on"}, "reason": "the sale"}
    keyed = {"Idempotency-Key": "sale"}

    assert act(api, "schedule", headers=keyed, **later).status == 200
    shown = act(api, "schedule", headers=keyed, **later).json()
    (change,) = shown["scheduled"]
    assert (change["fields"], change["by"], change["why"]) == (["default"], "alice", "the sale")
    assert act(api, "cancel", change=change["id"]).json()["scheduled"] == []
    assert act(api, "cancel", change=change["id"]).status == 409
    past = act(api, "schedule", **{**later, "at": "2020-01-01T00:00:00Z"})
    assert (past.status, past.json()["errors"][0]["path"]) == (400, "at")
    assert (
        act(api, "schedule", **{**later, "flag": {**FLAG, "default": "blue"}})
        .json()["errors"][0]["path"]
        .startswith("flag.default")
    )


def test_an_archived_flag_is_not_served_and_comes_back_as_new(api):
    put(api)
    gone = api.ask("DELETE", f"{PATH}?reason=done")

    assert (gone.status, gone.json()["archived"]) == (200, True)
    assert api.ask("GET", PATH).json()["archived"] is True
    assert api.ask("GET", "/api/flags").json()["flags"] == []
    assert act(api, "kill").status == 404
    assert put(api, headers={"If-None-Match": "*"}).status == 201
    assert api.ask("DELETE", PATH, headers={"If-Match": '"1"'}).status == 412


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"action": "kil"}, "action"),
        ({}, "action"),
        ({"action": "kill", "revision": 1}, "revision"),
        ({"action": "approve"}, "proposal"),
        ({"action": "restore", "revision": "1"}, "revision"),
        ({"action": "restore", "revision": 0}, "revision"),
        ({"action": "schedule", "flag": FLAG}, "at"),
        ({"action": "schedule", "at": "tomorrow", "flag": FLAG}, "at"),
        ({"action": "schedule", "at": "2099-01-01T00:00:00Z"}, "flag"),
        ({"action": "schedule", "at": "2099-01-01T00:00:00Z", "flag": {**FLAG, "key": "b"}}, "flag.key"),
        ({"action": "kill", "reason": "a\x00"}, "reason"),
    ],
)
def test_what_is_wrong_with_a_command_is_named(api, body, path):
    answer = api.ask("POST", PATH, body)

    assert answer.status == 400
    assert path in [error["path"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("key", ["No%20Key", ".hidden", "a//b", "a/", "%00", "a" * 257, "a%25b"])
@pytest.mark.parametrize("root", ["flags", "flag-history", "flag-explanations"])
def test_a_key_that_no_flag_can_have_is_not_found(api, key, root):
    if key == "a/":
        put(api, {**FLAG, "key": "a"}, "/api/flags/a")  # a slash at the end of an address is none
        assert api.ask("GET", f"/api/{root}/a/").status == 200
    else:
        assert api.ask("GET", f"/api/{root}/{key}").status in (400, 404)


def test_an_environment_that_is_none_is_a_400_that_names_those_that_are(api):
    for method, path in (("GET", "/api/flags"), ("GET", PATH), ("DELETE", PATH), ("GET", "/api/segments/a")):
        answer = api.ask(method, f"{path}?environment=prod")
        assert (answer.status, answer.json()["errors"][0]["path"]) == (400, "environment")
        assert "production, test" in answer.json()["detail"]


SEGMENT = {"key": "beta", "included": [{"values": ["ann"]}]}


def test_a_segment_is_saved_asked_for_and_deleted_when_nobody_asks_for_it(api):
    saved = api.ask("PUT", "/api/segments/beta", SEGMENT)
    assert (saved.status, saved.headers["etag"], saved.location) == (
        201,
        '"1"',
        "/api/segments/beta?environment=production",
    )
    assert api.ask("PUT", "/api/segments/beta", SEGMENT).status == 200
    assert api.ask("PUT", "/api/segments/beta", {**SEGMENT, "description": "x"}).status == 428
    put(api, rules=[{"id": "a", "if": {"segment": "beta"}, "serve": "on"}])
    shown = api.ask("GET", "/api/segments/beta").json()
    assert shown["used_by"] == ["flag new-checkout"]

    refused = api.ask("DELETE", "/api/segments/beta")
    assert (refused.status, "flag new-checkout" in refused.json()["detail"]) == (409, True)
    act(api, "kill")
    put(api, headers={"If-Match": "*"}, rules=[])
    changed = api.ask("PUT", "/api/segments/beta", {**SEGMENT, "description": "x"}, {"If-Match": '"1"'})
    assert changed.headers["etag"] == '"2"'
    assert api.ask("GET", "/api/segments/beta?revision=1").json()["segment"] == SEGMENT
    assert api.ask("DELETE", "/api/segments/beta?reason=done").json()["revision"] == 3
    assert api.ask("GET", "/api/segments/beta").status == 404
    assert api.ask("GET", "/api/segments").json()["segments"] == []
    events = api.ask("GET", "/api/segments/beta/history").json()["events"]
    assert [event["type"] for event in events] == ["SegmentSaved", "SegmentSaved", "SegmentDeleted"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({**SEGMENT, "key": "other"}, "key"),
        ({"key": "beta", "rules": [{"if": {"segment": "nobody"}}]}, "rules[0].if"),
        ({"key": "beta", "members": []}, "members"),
    ],
)
def test_what_is_wrong_with_a_segment_is_named(api, body, path):
    answer = api.ask("PUT", "/api/segments/beta", body)

    assert answer.status == 400
    assert any(error["path"].startswith(path) for error in answer.json()["errors"])


def test_a_list_goes_on_where_a_page_ended(api):
    for key in ("c", "a", "b"):
        put(api, {**FLAG, "key": key}, f"/api/flags/{key}")

    assert [each["key"] for each in api.ask("GET", "/api/flags").json()["flags"]] == ["a", "b", "c"]
    assert [each["key"] for each in api.ask("GET", "/api/flags?after=a").json()["flags"]] == ["b", "c"]
    assert api.ask("GET", "/api/flags?after=.").status == 400


def test_every_route_needs_a_key(api):
    for method, path in (("GET", "/api/flags"), ("PUT", PATH), ("POST", PATH), ("DELETE", "/api/segments/beta")):
        assert api.ask(method, path, {}, key=None).status == 401


def test_why_a_flag_serves_what_is_asked_at_its_own_address_too(api):
    put(api)
    asked = "context=" + quote('{"email": "ann@shop.example"}')
    explained = api.ask("GET", f"{PATH}/explain?{asked}")
    assert explained.status == 200
    assert explained.json() == api.ask("GET", f"/api/flag-explanations/new-checkout?{asked}").json()


def test_a_flag_and_a_segment_may_have_512_kb(api):
    values = [f"user-{number:0>30}" for number in range(9_000)]
    target = [{"variant": "on", "values": values}]
    assert put(api, targets=target).status == 201
    scheduled = act(api, "schedule", at="2099-01-01T00:00:00Z", flag={**FLAG, "targets": target, "owner": "shop"})
    assert scheduled.status == 409, "what is kept of a flag, with what waits to change it, has one limit"
    assert put(api, {"key": "many", "included": [{"values": values}]}, "/api/segments/many").status == 201
    dry = api.ask("PUT", f"{PATH}?dry-run=true", {"flag": {**FLAG, "targets": target}, "contexts": []})
    assert dry.status == 200


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_the_ending_where_a_flag_is_explained_is_reserved(api, method):
    put(api)

    answer = api.ask(method, f"{PATH}/explain", {**FLAG, "owner": "shop"}, {"If-Match": "*"})

    assert (answer.status, answer.json()["errors"][0]["path"]) == (400, "key")
    assert "/explain is reserved" in answer.json()["errors"][0]["detail"]
    assert api.ask("GET", PATH).json()["revision"] == 1


@pytest.mark.parametrize("key", [".x", "a" * 257])
@pytest.mark.parametrize("root", ["flags", "segments"])
def test_saving_under_a_key_that_cannot_be_says_what_keys_may_be(api, key, root):
    refused = api.ask("PUT", f"/api/{root}/{key}", FLAG)

    assert (refused.status, refused.json()["errors"][0]["path"]) == (400, "key")
    assert "up to 256 letters" in refused.json()["detail"]
    assert api.ask("GET", f"/api/{root}/{key}").status == 404


def test_a_body_that_is_compressed_is_refused_as_such(api):
    refused = put(api, headers={"Content-Encoding": "gzip"})

    assert (refused.status, refused.json()["errors"][0]["path"]) == (400, "Content-Encoding")
    assert "send the body as it is" in refused.json()["detail"]


def test_killing_what_is_archived_says_to_restore_it_first(api):
    put(api)
    api.ask("DELETE", PATH)
    refused = act(api, "kill")

    assert (refused.status, "restore it first" in refused.json()["detail"]) == (404, True)
