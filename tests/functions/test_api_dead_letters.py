"""The dead-letter list over HTTP: read, filtered, sent again and closed by people who say why."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from jsonschema import Draft202012Validator

from shared.bootstrap import app
from shared.wire.api_document import api_document
from tests.functions.alerts import alert
from tests.functions.api_client import ALERT_KEY, ALERTS, SECOND_KEY, eventually, running_api

WHY = {"reason": "the store is well again"}


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with running_api(tmp_path_factory.mktemp("api")) as api:
        api.register("shop")
        yield api


def assert_documented(name: str, shown: object) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": api_document()["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(shown)


def poison(api, body: bytes) -> str:
    """Put what is no alert on the queue; return the id of its letter."""
    known = {letter["id"] for letter in letters(api, "state=all")}
    api.put_on_queue(body)
    return eventually(lambda: next((e["id"] for e in letters(api) if e["id"] not in known), None))


def letters(api, query: str = "") -> list[dict]:
    return api.ask("GET", f"/api/dead-letters?{query}").json()["dead_letters"]


def act(api, letter: str, what: str, body=WHY, **options):
    return api.ask("POST", f"/api/dead-letters/{letter}/{what}", body, **options)


@pytest.fixture
def garbage(api, request):
    return poison(api, f"garbage of {request.node.name}".encode())


def test_a_letter_is_shown_in_the_list_and_by_itself_as_documented(api, garbage):
    (letter,) = [each for each in letters(api) if each["id"] == garbage]
    answer = api.ask("GET", f"/api/dead-letters/{garbage}")

    assert (answer.status, answer.json()) == (200, letter)
    assert_documented("DeadLetter", letter)
    assert set(letter) == set(api_document()["components"]["schemas"]["DeadLetter"]["properties"])
    assert (letter["state"], letter["is_whole"], letter["history"][0]["attempts"]) == ("open", True, 1)


def test_a_letter_is_discarded_once_with_who_and_why_and_asked_again_that_is_the_answer(api, garbage):
    first = act(api, garbage, "discard")
    second = act(api, garbage, "discard", {"reason": "me too"}, key=SECOND_KEY)

    assert (first.status, second.status) == (202, 200)
    assert first.location == f"/api/dead-letters/{garbage}"
    assert_documented("LetterDone", first.json())
    assert first.json()["done"]["by"] == second.json()["done"]["by"] == "alice"
    assert (first.json()["new"], second.json()["new"]) == (True, False)
    assert second.json()["done"]["reason"] == "the store is well again"
    assert garbage not in [each["id"] for each in letters(api)]
    assert garbage in [each["id"] for each in letters(api, "state=discarded")]


def test_the_other_thing_than_what_was_done_is_a_409_that_says_who_did_what(api, garbage):
    act(api, garbage, "discard")

    answer = act(api, garbage, "redrive", key=SECOND_KEY)

    assert answer.status == 409
    assert "alice discarded it at" in answer.json()["detail"]


def test_what_would_only_be_refused_again_is_a_409(api, garbage):
    answer = act(api, garbage, "redrive")

    assert answer.status == 409
    assert "would only be refused again" in answer.json()["detail"]


def test_the_same_idempotency_key_is_the_same_discard_also_after_the_same_came_again(api, garbage):
    key = {"Idempotency-Key": "k"}
    body = api.ask("GET", f"/api/dead-letters/{garbage}").json()["body"].encode()
    act(api, garbage, "discard", headers=key)
    api.put_on_queue(body)
    eventually(lambda: garbage in [each["id"] for each in letters(api)])

    assert act(api, garbage, "discard", headers=key).json()["new"] is False
    assert act(api, garbage, "discard").json()["new"] is True


def test_of_many_who_act_at_once_one_acts_and_all_are_told_so(api, garbage):
    with ThreadPoolExecutor(6) as people:
        answers = list(people.map(lambda _: act(api, garbage, "discard"), range(6)))

    assert sorted(answer.status for answer in answers) == [200] * 5 + [202]
    assert len({json.dumps(answer.json()["done"]) for answer in answers}) == 1
    assert len(api.ask("GET", f"/api/dead-letters/{garbage}").json()["history"]) == 2


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", ""),
        ({}, "reason"),
        ({"reason": ""}, "reason"),
        ({"reason": "  "}, "reason"),
        ({"reason": 5}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "a\u0000b"}, "reason"),
        ({"reason": "x", "raeson": "y"}, "raeson"),
    ],
)
@pytest.mark.parametrize("what", ["redrive", "discard"])
def test_who_does_not_say_why_is_told_so_and_nothing_is_done(api, what, body, path):
    answer = act(api, "nobody", what, body)

    assert (answer.status, answer.json()["errors"][0]["path"]) == (400, path)


@pytest.mark.parametrize("action", ["blow", "redrife"])
def test_what_nobody_can_do_with_a_letter_is_a_400_that_says_what_people_can(api, garbage, action):
    answer = act(api, garbage, action)

    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["errors"][0]["path"] == "action"
    assert f'found "{action}"; allowed is redrive or discard' in answer.json()["detail"]


def test_an_action_is_taken_in_any_case_as_hosts_take_addresses(api, garbage):
    assert act(api, garbage, "Discard").status == 202


@pytest.mark.parametrize("letter", ["nobody", "%C3%BC", "x" * 300, "a%20b"])
def test_a_letter_that_is_not_there_is_a_404(api, letter):
    assert api.ask("GET", f"/api/dead-letters/{letter}").status == 404
    for what in ("redrive", "discard"):
        assert act(api, letter, what).status == 404


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("state=closed", "state"),
        ("application=Shop", "application"),
        ("reason=" + "x" * 201, "reason"),
        ("after=%20", "after"),
    ],
)
def test_a_filter_that_makes_no_sense_is_a_400_that_names_it(api, query, path):
    answer = api.ask("GET", f"/api/dead-letters?{query}")

    assert (answer.status, answer.json()["errors"][0]["path"]) == (400, path)


@pytest.mark.parametrize("what", ["redrive", "discard"])
def test_only_operators_may_do_anything_with_a_letter(api, garbage, what):
    assert act(api, garbage, what, key=None).status == 401
    assert act(api, garbage, what, key=ALERT_KEY).status in (401, 403)
    assert api.ask("GET", f"/api/dead-letters/{garbage}").json()["state"] == "open"


def test_an_alert_that_the_broker_gave_up_is_redriven_over_http_and_reaches_its_application(tmp_path):
    with running_api(tmp_path, driven=True) as api:
        api.register("shop")
        other = alert(alert_id="a-first-one")
        eventually(lambda: api.ask("POST", "/api/events/azure-monitor", other).json()["applications"], 30)
        body = json.dumps(alert()).encode()
        app().events.take_over("azure-monitor", body, "the queue gave it up: for a test")
        (letter,) = letters(api, "application=shop&reason=gave%20it%20up")

        answer = act(api, letter["id"], "redrive")
        assert answer.status == 202
        eventually(lambda: api.broker.depth(ALERTS) == 0, 30)

        shown = api.ask("GET", f"/api/dead-letters/{letter['id']}").json()
        assert (shown["state"], [line["type"] for line in shown["history"]]) == ("redriven", ["Refused", "Redriven"])
        assert letters(api) == []
