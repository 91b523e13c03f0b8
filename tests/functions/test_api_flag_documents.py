"""Whole documents of flags over HTTP: taken over one by one, and written in the forms of other products."""

import json
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from shared.wire.flags.flagd import WAYS
from tests.functions.api_client import SECOND_KEY, Api, eventually, running_api

ENVIRONMENTS = {"SLIPWAY_FLAG_ENVIRONMENTS": "production=0;test=1"}
ON = {"key": "plain", "type": "boolean", "default": "on"}
STAFF_ONLY = {
    "key": "staff-only",
    "type": "boolean",
    "rules": [{"id": "staff", "if": {"segment": "staff"}, "serve": "on"}],
}
STAFF = {"key": "staff", "rules": [{"if": {"segment": "people"}}]}
PEOPLE = {"key": "people", "included": [{"values": ["ann"]}]}
CHILD = {"key": "a-child", "type": "boolean", "prerequisites": [{"flag": "plain", "variants": ["on"]}]}
DOCUMENT: dict[str, Any] = {"flags": [CHILD, ON, STAFF_ONLY], "segments": [STAFF, PEOPLE]}
FLAGD = {
    "flags": {
        "plain": {
            "state": "ENABLED",
            "variants": {"on": True, "off": False},
            "defaultVariant": "off",
            "targeting": {"fractional": [["on", 20], ["off", 80]]},
        },
        "broken": {"state": "ENABLED", "variants": {"on": True, "off": 3}, "defaultVariant": "on"},
    }
}


@pytest.fixture
def api(tmp_path: Path):
    with patch.dict(os.environ, ENVIRONMENTS), running_api(tmp_path) as api:
        yield api


def send(api: Api, document: Any, query: str = "format=slipway") -> Any:
    answer = api.ask("POST", f"/api/flags/import?{query}", document)
    assert answer.status == 200, answer.body
    return answer.json()


def outcomes(result: Any) -> dict[str, str]:
    return {each["key"]: each["outcome"] for each in (*result["flags"], *result["segments"])}


def test_a_document_is_taken_over_whatever_the_order_of_what_needs_each_other(api):
    result = send(api, DOCUMENT, "format=slipway&reason=the+move")

    assert outcomes(result) == dict.fromkeys(["a-child", "plain", "staff-only", "staff", "people"], "created")
    assert (result["complete"], result["counts"]["created"], result["counts"]["refused"]) == (True, 5, 0)
    [line] = api.ask("GET", "/api/flag-history/plain").json()["events"]
    assert (line["by"], line["why"]) == ("alice", "the move")


def test_the_same_document_again_is_nothing_new(api):
    send(api, DOCUMENT)
    again = send(api, DOCUMENT)

    assert set(outcomes(again).values()) == {"unchanged"}
    assert api.ask("GET", "/api/flags/plain").json()["revision"] == 1


def test_what_is_there_is_changed_only_where_the_caller_says_so(api):
    send(api, {"flags": [ON], "segments": [PEOPLE]})
    changed = {"flags": [{**ON, "owner": "shop"}], "segments": [{**PEOPLE, "included": [{"values": ["zoe"]}]}]}

    refused = send(api, changed)
    assert outcomes(refused) == {"plain": "refused", "people": "refused"}
    assert "overwrite=true" in refused["flags"][0]["reasons"][0]["detail"]
    assert api.ask("GET", "/api/flags/plain").json()["revision"] == 1

    assert outcomes(send(api, changed, "format=slipway&overwrite=true")) == {"plain": "changed", "people": "changed"}
    assert api.ask("GET", "/api/flags/plain").json()["flag"]["owner"] == "shop"


def test_one_bad_flag_does_not_stop_the_others_and_says_all_that_is_wrong_with_it(api):
    bad = {"key": "bad", "type": "nonsense", "default": 3}
    lost = {**CHILD, "key": "lost", "prerequisites": [{"flag": "nowhere", "variants": ["on"]}]}
    result = send(api, {"flags": [bad, ON, lost, "text", ON]})

    assert [(each["key"], each["outcome"]) for each in result["flags"]] == [
        ("plain", "created"),
        ("lost", "refused"),
        ("bad", "refused"),
        ("flags[3]", "refused"),
        ("plain", "refused"),
    ]
    reasons = {each["key"]: [reason["path"] for reason in each["reasons"]] for each in result["flags"]}
    assert len(reasons["bad"]) >= 2
    assert all(path.startswith("flags[0].") for path in reasons["bad"])


def test_a_dry_run_says_what_would_come_of_it_and_saves_nothing(api):
    send(api, {"flags": [ON]})
    would = send(
        api,
        {**DOCUMENT, "flags": [CHILD, {**ON, "owner": "x"}, STAFF_ONLY]},
        "format=slipway&dry-run=true&overwrite=true",
    )

    assert would["dry_run"] is True
    assert outcomes(would) == {
        "a-child": "created",
        "plain": "changed",
        "staff-only": "created",
        "staff": "created",
        "people": "created",
    }
    assert [each["key"] for each in api.ask("GET", "/api/flags").json()["flags"]] == ["plain"]
    assert api.ask("GET", "/api/segments").json()["segments"] == []
    refused = send(api, {"flags": [{**ON, "owner": "x"}]}, "format=slipway&dry-run=true")
    assert outcomes(refused) == {"plain": "refused"}


def test_where_approvals_are_asked_for_everything_is_proposed(api):
    result = send(api, {"flags": [ON]}, "format=slipway&environment=test")

    assert outcomes(result) == {"plain": "proposed"}
    proposal = api.ask("GET", "/api/flags/plain?environment=test").json()["proposal"]
    answer = api.ask(
        "POST", "/api/flags/plain?environment=test", {"action": "approve", "proposal": proposal["id"]}, key=SECOND_KEY
    )
    assert answer.json()["revision"] == 1


def test_a_document_of_flagd_keeps_its_notes_beside_its_flags(api):
    result = send(api, FLAGD, "format=flagd&flagd-hashing=2")

    assert outcomes(result) == {"plain": "created", "broken": "refused"}
    rules = api.ask("GET", "/api/flags/plain").json()["flag"]["rules"]
    assert rules[-1]["serve"]["split"]["hashing"] == "flagd-2"


@pytest.mark.parametrize("way", WAYS)
def test_each_way_in_which_flagd_divided_users_can_be_named(api, way):
    result = send(api, {"flags": {"plain": FLAGD["flags"]["plain"]}}, f"format=flagd&flagd-hashing={way}&dry-run=true")

    assert outcomes(result) == {"plain": "created"}


@pytest.mark.parametrize(
    ("subject", "document"),
    [
        ("many", {"targets": [{"variation": 0, "values": [f"u{number}" for number in range(15_000)]}]}),
        ("many", {"targets": [{"variation": 0, "values": [f"u{number}" for number in range(100_000)]}]}),
        ("many", {"rules": [{"id": f"r{number}", "clauses": [], "variation": 0} for number in range(1001)]}),
        ("many", {"description": "x" * 2001}),
    ],
    ids=["values", "values that no row takes", "rules", "a text"],
)
def test_what_could_not_be_edited_later_is_not_imported(api, subject, document):
    small = {"on": True, "version": 1, "variations": [True, False], "offVariation": 1, "fallthrough": {"variation": 0}}
    result = send(api, {"flags": {"plain": small, subject: {**small, **document}}}, "format=launchdarkly")

    assert outcomes(result) == {"plain": "created", subject: "refused"}
    assert "allowed are" in json.dumps(result)
    assert "row" not in json.dumps(result["flags"])


@pytest.mark.parametrize(
    ("chosen", "segment"),
    [
        ("slipway", {"key": "staff", "included": 3}),
        ("launchdarkly", {"key": "staff", "version": 1, "included": 3}),
    ],
)
def test_a_segment_that_cannot_be_read_is_told_among_the_segments(api, chosen, segment):
    small = {"key": "plain", "on": True, "variations": [True, False], "fallthrough": {"variation": 0}}
    result = send(
        api, {"flags": [ON if chosen == "slipway" else small], "segments": [segment]}, f"format={chosen}&dry-run=true"
    )

    assert [(each["key"], each["outcome"]) for each in result["segments"]] == [("staff", "refused")]
    assert [each["key"] for each in result["flags"]] == ["plain"]


def test_a_kill_switch_is_not_thrown_by_a_document(api):
    send(api, {"flags": [ON]})
    result = send(api, {"flags": [{**ON, "killed": True}]}, "format=slipway&overwrite=true")

    assert outcomes(result) == {"plain": "refused"}
    assert result["flags"][0]["reasons"][0]["path"] == "killed"


def test_a_flag_cannot_have_the_key_of_what_is_at_its_address(api):
    named = [{**ON, "key": key} for key in ("import", "export", "events", "a/explain", "imports")]

    assert outcomes(send(api, {"flags": named})) == {
        "import": "refused",
        "export": "refused",
        "events": "refused",
        "a/explain": "refused",
        "imports": "created",
    }
    refused = api.ask("PUT", "/api/flags/export", {**ON, "key": "export"})
    assert (refused.status, refused.json()["errors"][0]["path"]) == (400, "key")


@pytest.mark.parametrize(
    ("query", "body", "named"),
    [
        ("", {}, "format"),
        ("format=xml", {}, "format"),
        ("format=app-configuration", {}, "format"),
        ("format=flagd&flagd-hashing=4", {}, "flagd-hashing"),
        ("format=slipway&overwrite=yes", {}, "overwrite"),
        ("format=slipway&environment=nowhere", {}, "environment"),
        ("format=slipway&else=1", {}, "else"),
        ("format=slipway", {"flags": 3}, "flags"),
        ("format=flagd", [], ""),
    ],
)
def test_a_request_that_makes_no_sense_is_told_by_name(api, query, body, named):
    answer = api.ask("POST", f"/api/flags/import?{query}", body)

    assert answer.status == 400
    assert answer.json()["errors"][0]["path"].startswith(named)


@pytest.mark.parametrize(
    ("chosen", "document"),
    [
        ("launchdarkly", FLAGD),
        ("launchdarkly", {"items": []}),
        ("flagd", DOCUMENT),
        ("microsoft", FLAGD),
        ("slipway", FLAGD),
        ("slipway", {"flags": [], "segments": []}),
    ],
)
def test_a_document_of_another_format_and_one_without_flags_change_nothing(api, chosen, document):
    send(api, {"flags": [ON]})

    answer = api.ask("POST", f"/api/flags/import?format={chosen}&overwrite=true", document)

    assert answer.status == 400, answer.body
    assert api.ask("GET", "/api/flags/plain").json()["revision"] == 1


def test_a_document_may_be_larger_than_other_bodies_and_has_its_own_limit(api):
    large = {"flags": [{**ON, "key": f"flag-{number}", "description": "x" * 900} for number in range(400)]}
    assert 256 * 1024 < len(json.dumps(large)) < 4 * 1024 * 1024

    assert send(api, large, "format=slipway&dry-run=true")["counts"]["created"] == 400
    answer = api.ask("POST", "/api/flags/import?format=slipway", b"x" * (4 * 1024 * 1024 + 1))
    assert (answer.status, "4194304" in answer.json()["detail"]) == (413, True)


def test_what_is_exported_is_taken_over_elsewhere_as_it_was(api):
    send(api, DOCUMENT)
    exported = api.ask("GET", "/api/flags/export?format=slipway").json()

    assert exported["notes"] == []
    assert set(outcomes(send(api, exported["document"])).values()) == {"unchanged"}
    elsewhere = outcomes(send(api, exported["document"], "format=slipway&environment=test"))
    assert (elsewhere["plain"], elsewhere["people"], elsewhere["staff-only"]) == ("proposed", "created", "proposed")
    assert elsewhere["a-child"] == "refused", "what it needs is not there before it is approved"


@pytest.mark.parametrize(
    ("chosen", "has"),
    [
        ("flagd", lambda document: document["flags"]["plain"]),
        ("microsoft", lambda document: document["feature_management"]["feature_flags"][0]),
        ("launchdarkly", lambda document: document["flags"]["plain"]),
        ("app-configuration", lambda document: document["items"][0]["value"]),
    ],
)
def test_flags_are_written_in_the_forms_of_others_with_what_these_do_not_carry(api, chosen, has):
    send(api, {"flags": [{**ON, "owner": "shop", "tags": ["x"]}]})
    exported = api.ask("GET", f"/api/flags/export?format={chosen}").json()

    assert has(exported["document"])
    assert exported["format"] == chosen
    assert chosen == "flagd" or exported["notes"]
    if chosen not in ("app-configuration",):
        again = send(api, exported["document"], f"format={chosen}&dry-run=true")
        assert outcomes(again)["plain"] in ("unchanged", "refused")


MINORS = {"id": "minors", "if": {"attribute": "age", "op": "<", "values": [18]}, "serve": "off"}


def test_a_flag_that_would_serve_more_there_is_no_part_of_a_document_unless_it_is_asked_for(api):
    send(api, {"flags": [ON, {**ON, "key": "deny", "rules": [MINORS]}]})

    def exported(query: str) -> tuple[list[str], list[str], Any]:
        told = api.ask("GET", f"/api/flags/export?format=microsoft{query}").json()
        flags = told["document"]["feature_management"]["feature_flags"]
        return [flag["id"] for flag in flags], [each["subject"] for each in told["refused"]], told

    keys, refused, told = exported("")
    assert (keys, refused) == (["plain"], ["deny"])
    assert "serves differently: the rule minors" in told["refused"][0]["detail"]
    keys, refused, told = exported("&lossy=true")
    assert (sorted(keys), refused) == (["deny", "plain"], [])
    assert [note["fate"] for note in told["notes"]] == ["serves differently"]
    assert api.ask("GET", "/api/flags/export?format=microsoft&lossy=yes").json()["errors"][0]["path"] == "lossy"


def test_an_export_of_no_format_is_told(api):
    assert api.ask("GET", "/api/flags/export").json()["errors"][0]["path"] == "format"


def test_where_flags_are_distributed_to_stands_in_the_view_and_can_be_asked_for_again(tmp_path):
    from local.cloud.flag_stores.app_configuration import AppConfigurationStandIn
    from local.cloud.flag_stores.serving import Reply, Trouble, served

    with served(AppConfigurationStandIn()) as store:
        distribution = {"production": {"kind": "app-configuration", "endpoint": store.url, "label": "live"}}
        settings = {**ENVIRONMENTS, "SLIPWAY_FLAG_DISTRIBUTION": json.dumps(distribution)}
        store.troubles.append(Trouble("GET", Reply(403, {"title": "no right to read"})))
        with patch.dict(os.environ, settings), running_api(tmp_path, driven=True) as api:
            send(api, {"flags": [{**ON, "owner": "shop"}]})

            def shown() -> Any:
                return api.ask("GET", "/api/flags/plain").json()["distribution"]

            eventually(lambda: "no right to read" in (shown()["last_error"] or ""))
            assert api.ask("POST", "/api/flags/plain", {"action": "distribute"}).status == 200
            done = eventually(lambda: None if shown()["pending"] else shown())
            assert (done["revision"], done["last_error"], done["notes"]) == (1, None, ["not carried: the field owner"])
            api.ask("POST", "/api/flags/plain", {"action": "kill"})
            eventually(
                lambda: any(
                    call.method == "PUT" and b'"enabled":false' in call.body.replace(b"\\", b"") for call in store.calls
                )
            )


def test_where_flags_are_distributed_nowhere_nobody_can_ask_for_it(api):
    send(api, {"flags": [ON]})

    answer = api.ask("POST", "/api/flags/plain", {"action": "distribute"})
    assert (answer.status, "SLIPWAY_FLAG_DISTRIBUTION" in answer.json()["detail"]) == (409, True)
