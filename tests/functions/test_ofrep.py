"""OpenFeature's remote evaluation protocol over HTTP, held to its published document."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.functions.api_client import ALERT_KEY, KEY, Answer, Api
from tests.functions.flags_in_use import EVALUATION_KEY, FLAGS, TEST_EVALUATION_KEY, flags_in_use, save

DOCUMENT = Path(__file__).parents[3] / "shared" / "flag-suites" / "ofrep" / "openapi.yaml"
ONE, ALL = "/ofrep/v1/evaluate/flags/{key}", "/ofrep/v1/evaluate/flags"


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with flags_in_use(tmp_path_factory.mktemp("ofrep")) as api:
        yield api


def evaluate(api: Api, flag: str | None, context: Any = None, headers=None, key: str | None = EVALUATION_KEY) -> Answer:
    """Ask as a client does, and hold the answer to the protocol's document where that is there."""
    body = context if isinstance(context, bytes) else {"context": {} if context is None else context}
    path = ALL if flag is None else f"{ALL}/{quote(flag, safe='')}"
    answer = api.ask("POST", path, body, headers, key=key)
    if DOCUMENT.exists():
        conforms(answer, ALL if flag is None else ONE)
    return answer


def conforms(answer: Answer, path: str) -> None:
    document = yaml.safe_load(DOCUMENT.read_text())
    described = document["paths"][path]["post"]["responses"].get(str(answer.status))
    assert described is not None or answer.status == 413, f"{answer.status} is not in the protocol"
    content = (described or {}).get("content")
    if content:
        assert answer.headers["content-type"].startswith("application/json")
        # The document says "exactly one of" where it means "one of": whole numbers are floats too, and everything is
        # a flag that defers to the code's default, for that one asks nothing of its members.
        schema = {**content["application/json"]["schema"], "components": document["components"]}
        loose = json.loads(json.dumps(schema).replace('"oneOf"', '"anyOf"'))
        Draft202012Validator(loose).validate(answer.json())


@pytest.mark.parametrize(
    ("flag", "context", "value", "variant", "reason"),
    [
        ("plain", None, True, "on", "STATIC"),
        ("text", None, "neu – ✓", "new", "STATIC"),
        ("count", None, 10_000_000_000, "many", "STATIC"),
        ("layout", None, {"columns": 3, "names": ["x", None]}, "a", "STATIC"),
        ("staff-only", {"staff": True}, True, "on", "TARGETING_MATCH"),
        ("staff-only", {"staff": "yes"}, False, "off", "UNKNOWN"),
        ("stopped", None, False, "off", "DISABLED"),
        ("shop/new-page", None, True, "on", "STATIC"),
    ],
)
def test_a_flag_is_evaluated_with_its_variant_and_reason(api, flag, context, value, variant, reason):
    answer = evaluate(api, flag, context)
    assert answer.status == 200
    got = answer.json()
    assert (got["key"], got["value"], got["variant"], got["reason"]) == (flag, value, variant, reason)


def test_a_number_keeps_its_point(api):
    assert b'"value": 1.0' in evaluate(api, "ratio").body


def test_a_percentage_says_so_and_every_user_keeps_a_side(api):
    first = [evaluate(api, "ramp", {"targetingKey": f"user-{n}"}).json() for n in range(20)]
    again = [evaluate(api, "ramp", {"targetingKey": f"user-{n}"}).json() for n in range(20)]
    assert first == again
    assert {each["reason"] for each in first} == {"SPLIT"}
    assert {each["variant"] for each in first} == {"on", "off"}


def test_who_cannot_be_put_on_a_side_is_told_what_lacks(api):
    answer = evaluate(api, "ramp")
    assert answer.status == 400
    assert answer.json()["errorCode"] == "TARGETING_KEY_MISSING"
    assert answer.json()["key"] == "ramp"


def test_a_flag_that_is_not_there_is_a_404_with_its_key(api):
    answer = evaluate(api, "no/such flag")
    assert answer.status == 404
    assert answer.json() == {
        "key": "no/such flag",
        "errorCode": "FLAG_NOT_FOUND",
        "errorDetails": 'there is no flag "no/such flag"',
    }


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "PARSE_ERROR"),
        (b"", "PARSE_ERROR"),
        (b"null", "PARSE_ERROR"),
        (b"\xff\xfe{", "PARSE_ERROR"),
        (b'{"context": {"a": "\\ud800"}}', "PARSE_ERROR"),
        (b"!!python/object/apply:os.system [ls]", "PARSE_ERROR"),
        (b"{}", "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": 1}}', "INVALID_CONTEXT"),
    ],
)
@pytest.mark.parametrize("flag", ["plain", None])
def test_what_is_wrong_with_a_request_is_a_400(api, body, code, flag):
    answer = evaluate(api, flag, body)
    assert answer.status == 400
    assert answer.json()["errorCode"] == code
    assert ("key" in answer.json()) == (flag is not None)


def test_a_context_that_is_too_long_is_a_413(api):
    assert evaluate(api, "plain", {"a": "x" * 70_000}).status == 413


def test_without_a_key_nobody_is_heard_and_with_another_s_key_neither(api):
    assert evaluate(api, "plain", key=None).status == 401
    assert evaluate(api, "plain", key="nobody-s-key-0123456789").status == 401
    assert evaluate(api, None, key=ALERT_KEY).status == 403


def test_an_operator_evaluates_the_first_environment(api):
    assert evaluate(api, "plain", key=KEY).json()["value"] is True


def test_a_key_is_good_for_its_environment_only(api):
    assert evaluate(api, "plain", key=TEST_EVALUATION_KEY).status == 404
    save(api, {"key": "plain", "type": "boolean", "default": "off"}, "test")
    assert evaluate(api, "plain", key=TEST_EVALUATION_KEY).json()["value"] is False
    assert evaluate(api, "plain").json()["value"] is True


def test_a_context_of_several_kinds_goes_as_launchdarkly_writes_it(api):
    gold = {"attribute": {"name": "plan", "kind": "organisation"}, "op": "in", "values": ["gold"]}
    save(api, {"key": "for-gold", "type": "boolean", "rules": [{"id": "gold", "if": gold, "serve": "on"}]})
    several = {"targetingKey": "ann", "kind": "multi", "user": {"key": "ann"}}

    for plan, value in (("gold", True), ("tin", False)):
        asked = {**several, "organisation": {"key": "acme", "plan": plan}}
        assert evaluate(api, "for-gold", asked).json()["value"] is value


def test_a_key_for_evaluating_manages_nothing(api):
    for method, path in (("GET", "/api/flags"), ("PUT", "/api/flags/plain"), ("POST", "/api/flags/plain")):
        answer = api.ask(method, path, {}, key=EVALUATION_KEY)
        assert (answer.status, answer.json()["type"]) == (403, "urn:slipway:problem:forbidden")
    assert evaluate(api, "plain").json()["value"] is True


def test_all_flags_come_at_once_also_with_a_slash_at_the_end(api):
    answer = evaluate(api, None, {"targetingKey": "ann", "staff": True})
    assert answer.status == 200
    flags = {each["key"]: each for each in answer.json()["flags"]}
    assert set(flags) >= {flag["key"] for flag in FLAGS}
    assert flags["staff-only"]["reason"] == "TARGETING_MATCH"
    assert answer.json()["metadata"] == {"environment": "production"}
    slash = api.ask("POST", f"{ALL}/", {"context": {"targetingKey": "ann", "staff": True}}, key=EVALUATION_KEY)
    assert slash.json() == answer.json()


def test_a_flag_that_lacks_a_targeting_key_breaks_no_other(api):
    flags = {each["key"]: each for each in evaluate(api, None).json()["flags"]}
    assert flags["ramp"]["errorCode"] == "TARGETING_KEY_MISSING"
    assert flags["plain"]["value"] is True


def test_who_has_the_answer_already_gets_it_once(api):
    context = {"targetingKey": "ann"}
    tag = evaluate(api, None, context).headers["etag"]
    again = evaluate(api, None, context, {"If-None-Match": tag})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)


def test_another_context_is_another_answer_though_the_same_user_asks_with_the_old_tag(api):
    tag = evaluate(api, None, {"targetingKey": "ann"}).headers["etag"]
    answer = evaluate(api, None, {"targetingKey": "ann", "staff": True}, {"If-None-Match": tag})
    assert answer.status == 200
    assert answer.headers["etag"] != tag


def test_a_changed_flag_is_another_answer(api):
    context = {"targetingKey": "ann"}
    save(api, {"key": "changing", "type": "boolean", "default": "off"})
    tag = evaluate(api, None, context).headers["etag"]
    save(api, {"key": "changing", "type": "boolean", "default": "on"})
    assert evaluate(api, None, context, {"If-None-Match": tag}).status == 200


def test_a_page_of_a_known_origin_may_ask_and_read_the_tag(api):
    sent = {"Origin": "https://shop.example.org", "Access-Control-Request-Method": "POST"}
    first = api.ask("OPTIONS", ALL, headers=sent, key=None)
    assert first.status == 204
    assert first.headers["access-control-allow-origin"] == "https://shop.example.org"
    assert "If-None-Match" in first.headers["access-control-allow-headers"]
    answer = evaluate(api, None, None, {"Origin": "https://shop.example.org"})
    assert "ETag" in answer.headers["access-control-expose-headers"]
    refused = evaluate(api, None, None, {"Origin": "https://shop.example.org"}, key=None)
    assert refused.headers["access-control-allow-origin"] == "https://shop.example.org"


def test_a_page_of_another_origin_is_told_nothing(api):
    sent = {"Origin": "https://elsewhere.example.org", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in api.ask("OPTIONS", ALL, headers=sent, key=None).headers
    assert "access-control-allow-origin" not in evaluate(api, None, None, sent).headers


def test_a_key_that_asks_too_often_is_told_when_to_come_back(tmp_path, monkeypatch):
    monkeypatch.setenv("SLIPWAY_EVALUATIONS_PER_SECOND", "0.01")
    with flags_in_use(tmp_path) as api:
        assert evaluate(api, "plain").status == 200
        answer = evaluate(api, "plain")
        assert answer.status == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 100
        assert json.loads(answer.body)["type"] == "urn:slipway:problem:too-many"
