"""Who may call: every route but health wants a key, and no key is ever written down."""

import logging

import pytest

from shared.application.access import Access
from tests.functions.api_client import (
    A_CALL,
    ALERT_KEY,
    KEY,
    OTHER_SOURCE_KEY,
    SECOND_KEY,
    http_triggers,
    routes,
    running_api,
)

OPEN = {("GET", "/api/health"), ("OPTIONS", "/ofrep/v1/{rest}")}


GUARDED = sorted(
    (
        method,
        path.format(
            application="shop",
            id="shop-0123456789ab",
            source="azure-monitor",
            question="rollback",
            call_id=A_CALL,
            action="rollback",
            key="new-checkout",
        ),
    )
    for method, path in routes()
    if (method, path) not in OPEN
)


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with running_api(tmp_path_factory.mktemp("api")) as api:
        yield api


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": "wrong"},
        {"X-API-Key": ""},
        {"X-API-Key": KEY[:-1]},
        {"X-API-Key": KEY.upper()},
        {"X-API-Key": f"alice={KEY}"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": KEY},
        {"Authorization": f"Basic {KEY}"},
        {"x-functions-key": KEY},
    ],
    ids=lambda headers: next(iter(headers.items()), ("none", ""))[0],
)
def test_without_a_good_key_a_route_answers_401_and_says_how_to_send_one(api, method, path, headers):
    assert_unauthorized(api.ask(method, path, headers=headers, key=None))


def assert_unauthorized(answer):
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:slipway:problem:unauthorized"


ONE_CREDENTIAL = ("/api/flagger/", "/api/callbacks/")
"""Where one credential is asked for and no other; of Flagger's questions 403 is an answer too."""


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("scheme", [{"X-API-Key": "{}"}, {"Authorization": "Bearer {}"}], ids=["header", "bearer"])
def test_a_key_that_is_known_and_good_for_something_else_is_a_403_that_says_which_is_good(api, method, path, scheme):
    headers = {name: value.format(OTHER_SOURCE_KEY) for name, value in scheme.items()}
    answer = api.ask(method, path, headers=headers, key=None)

    if path.startswith(ONE_CREDENTIAL):
        assert_unauthorized(answer)
        return
    assert answer.status == 403
    assert "www-authenticate" not in answer.headers
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:slipway:problem:forbidden"
    assert answer.json()["detail"] == api.ask(method, path, key=None).json()["detail"]


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": KEY},
        {"Authorization": f"Bearer {SECOND_KEY}"},
        {"authorization": f"bearer  {KEY} "},
        {"Authorization": "Basic Zm9vOmJhcg==", "x-api-key": KEY},
    ],
    ids=["header", "bearer", "bearer in any case", "beside another scheme"],
)
def test_with_an_operators_key_it_answers_something_else(api, method, path, headers):
    assert api.ask(method, path, headers=headers, key=None).status in (200, 400, 404)


def test_health_needs_no_key(api):
    answer = api.ask("GET", "/api/health", key=None)

    assert (answer.status, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/api/applications", "/api/openapi.json", "/api/rollouts/shop-0123456789ab"])
def test_an_operators_key_in_the_address_opens_nothing(api, path):
    assert api.ask("GET", f"{path}?code={KEY}", key=None).status == 401


def test_a_sources_key_in_the_address_is_known_where_a_sources_key_may_stand_there_and_nowhere_else():
    access = Access({"alice": KEY}, {"azure-monitor": ALERT_KEY}, {"production/shop": SECOND_KEY})

    assert access.knows({}, ALERT_KEY) is True
    assert [access.knows({}, code) for code in (KEY, SECOND_KEY, "wrong")] == [False] * 3
    assert [access.knows({"X-API-Key": key}) for key in (KEY, ALERT_KEY, SECOND_KEY, "wrong")] == [True] * 3 + [False]


def test_an_app_without_keys_lets_nobody_in():
    access = Access({}, {})

    assert access.operator({"X-API-Key": ""}) is None
    assert access.operator({}) is None
    assert access.source("azure-monitor", {}, "") is None


@pytest.mark.parametrize("name", ["X-API-KEY", "x-api-key", "Authorization"])
def test_odd_characters_in_a_key_are_a_wrong_key(name):
    access = Access({"alice": KEY}, {"azure-monitor": ALERT_KEY})

    assert access.operator({name: "Bearer \ud800\xff\u20ac"}) is None
    assert access.source("azure-monitor", {}, "\udcff") is None


def test_no_key_stands_in_any_line_of_the_log(api, caplog):
    caplog.set_level(logging.DEBUG)
    for method, path in GUARDED:
        api.ask(method, path, b"{nonsense", key=KEY)
        api.ask(method, path, b"{nonsense", headers={"Authorization": f"Bearer {SECOND_KEY}"}, key=None)
        api.ask(method, f"{path}?code={ALERT_KEY}&x=1", b"{nonsense", key=None)
        api.ask(method, f"{path}?code=a-wrong-code", b"{nonsense", key=None)

    for secret in (KEY, SECOND_KEY, ALERT_KEY, "a-wrong-code", "code="):
        assert secret not in caplog.text
    assert "/api/events/azure-monitor" in caplog.text


def test_no_key_stands_in_any_answer(api):
    for method, path in GUARDED:
        answer = api.ask(method, f"{path}?code={ALERT_KEY}", b"{nonsense")
        told = answer.body.decode() + str(answer.headers)
        assert KEY not in told
        assert ALERT_KEY not in told


def test_every_function_leaves_keys_to_our_own_check():
    assert {trigger.options["authLevel"].upper() for trigger in http_triggers()} == {"ANONYMOUS"}


IN_HEADERS = ("Authorization: Bearer KEY", "X-API-Key: KEY")
EXPECTED = {
    "/api/events/azure-monitor": ('source "azure-monitor"', "?code=KEY", *IN_HEADERS),
    "/api/observations": ('source "observations"', "?code=KEY", *IN_HEADERS),
    "/api/observations/v1/metrics": ('source "observations"', "?code=KEY", *IN_HEADERS),
    "/api/flags/events": ('source "observations"', "?code=KEY", *IN_HEADERS),
    "/api/flagger/shop/rollback": ("source flagger", "token in its metadata", *IN_HEADERS),
    f"/api/callbacks/hooks/shop/{A_CALL}": (
        "X-Slipway-Signature",
        "X-Slipway-Timestamp",
        "hooks/{application} or hooks",
        *IN_HEADERS,
    ),
    "/ofrep/v1/evaluate/flags": ("a key for evaluating flags, or an operator's", *IN_HEADERS),
    "/ofrep/v1/evaluate/flags/new-checkout": ("a key for evaluating flags, or an operator's", *IN_HEADERS),
}


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_401_says_which_key_this_very_route_expects_and_where(api, method, path):
    detail = api.ask(method, path, key=None).json()["detail"]

    assert all(part in detail for part in EXPECTED.get(path, ("an operator's key", *IN_HEADERS)))
    assert ("?code=" in detail) is ("?code=KEY" in EXPECTED.get(path, ()))
