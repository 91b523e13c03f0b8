"""Flagger's webhooks over the real host: yes is 200, and nothing else ever has a status that Flagger takes as yes."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from functions.callbacks import reply_to
from shared.domain.rollout.flagger import Answer, Kind, Say
from shared.domain.rollout.spec import AlertAction
from shared.domain.rollout.weight import to_percent
from tests.functions.api_client import A_CALL, ALERT_KEY, FLAGGER_KEY, KEY, OTHER_SOURCE_KEY, own_routes, running_api
from tests.functions.flagger_calls import REGISTERED, call, is_yes, payload, plant_situations, slug
from tests.functions.present_world import settle
from tests.functions.test_api_odd_requests import raw_status
from tests.unit.domain.test_flagger_answers import ASKED, OF_THE_CANDIDATE, OF_THE_STABLE

STATUSES = {"y": 200, "n": 403, "u": 503}


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """An API that knows an application in every situation."""
    folder = tmp_path_factory.mktemp("standing")
    plant_situations(folder)
    with running_api(folder) as api:
        yield api


@pytest.mark.parametrize("name", REGISTERED)
def test_every_question_in_every_situation_has_the_status_of_its_answer(standing, name):
    for version, table in (("2", OF_THE_CANDIDATE), ("1", OF_THE_STABLE)):
        expected = [STATUSES[said] for said in table[name].replace(" ", "")]
        asked = [
            call(standing, slug(name), kind, version, maxWeight=f"{to_percent(highest):g}") for kind, highest in ASKED
        ]
        assert [answer.status for answer in asked] == expected


def test_each_answer_says_why_in_a_body_of_its_own(standing):
    yes, no = call(standing, "baking", "rollout"), call(standing, "baking", "confirm-promotion")
    unknown = call(standing, "baking-timed-out", "rollout")

    assert yes.json() == {"answer": "yes", "reason": "rollout shop-1 is progressing, baking"}
    assert (no.status, no.json()["type"]) == (403, "urn:slipway:problem:answered-no")
    assert no.json()["detail"] == "rollout shop-1 is baking: its promotion has not been judged healthy yet"
    assert (unknown.status, unknown.headers["retry-after"]) == (503, "5")
    assert "cannot be judged at web" in unknown.json()["detail"]
    assert all(answer.headers["cache-control"] == "no-store" for answer in (yes, no, unknown))


@pytest.mark.parametrize("say", list(Say))
def test_an_answer_is_200_or_at_least_400_and_never_202_or_204(say):
    status = reply_to(Answer(say, "because")).status

    assert status == {Say.YES: 200, Say.NO: 403, Say.UNKNOWN: 503}[say]
    assert status not in (202, 204)
    assert is_yes(status) is (say is Say.YES)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_no_other_method_than_post_is_a_yes(standing, method, kind):
    preflight = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    for headers in ({}, preflight):
        for body in (None, payload()):
            assert standing.ask(method, f"/api/flagger/zeroing/{kind}", body, headers).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/api/flagger",
        "/api/flagger/",
        "/api/flagger/zeroing",
        "/api/flagger/zeroing/",
        "/api/flagger//rollback",
        "/api/flagger/zeroing//rollback",
        "/api/flagger/zeroing/rollback/check",
        "/api/flagger/zeroing/ROLLBACK",
        "/api/flagger/zeroing/confirm",
        "/api/flagger/zeroing/%72ollback%20",
        "/api/flagger/zeroing/..",
        "/api/flagger/no-such-application/rollback",
        "/api/flagger/No_Name/rollback",
        "/flagger/zeroing/rollback",
    ],
)
def test_an_address_that_is_none_is_a_404_and_no_redirect(standing, path):
    assert standing.ask("POST", path, payload(), key=KEY).status == 404


def test_a_slash_at_the_end_leads_nowhere_else(standing):
    assert standing.ask("POST", "/api/flagger/baking/rollback/", payload(), key=None).status in (403, 404)


@pytest.mark.parametrize("kind", list(Kind))
def test_an_application_that_nobody_registered_is_a_404_that_says_what_to_do(standing, kind):
    answer = call(standing, "not-registered", kind)

    assert answer.status == 404
    assert answer.json()["detail"] == "there is no application not-registered: PUT its release spec first"


def test_a_type_of_webhook_that_flagger_has_not_is_a_404_that_names_them(standing):
    assert "confirm-traffic-increase" in call(standing, "baking", "confirm").json()["detail"]


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"name":"a","name":"b"}', b"[" * 1000])
def test_a_body_that_cannot_be_read_is_a_400_to_who_has_a_key_and_a_401_to_others(standing, kind, body):
    path = f"/api/flagger/zeroing/{kind}"

    assert standing.ask("POST", path, body, {"X-API-Key": FLAGGER_KEY}, key=None).status == 400
    assert standing.ask("POST", path, body, key=None).status == 401


def test_a_canary_that_names_no_version_is_told_so_and_gets_no_yes(standing):
    for kind in Kind:
        document = payload()
        del document["metadata"]["version"]
        answer = standing.ask("POST", f"/api/flagger/zeroing/{kind}", document, key=None)
        assert (answer.status, answer.json()["detail"]) == (400, "metadata.version: is missing")


@pytest.mark.parametrize(
    "token",
    [
        "wrong",
        "",
        FLAGGER_KEY[:-1],
        FLAGGER_KEY.upper(),
        KEY,
        ALERT_KEY,
        OTHER_SOURCE_KEY,
        "\u20ac",
        None,
        [FLAGGER_KEY],
    ],
)
@pytest.mark.parametrize("kind", ["rollback", "confirm-promotion"])
def test_another_token_is_a_401(standing, kind, token):
    document = payload()
    document["metadata"]["token"] = token

    assert standing.ask("POST", f"/api/flagger/zeroing/{kind}", document, key=None).status == 401


def test_a_key_in_the_address_opens_nothing(standing):
    document = payload()
    del document["metadata"]["token"]
    for key in (FLAGGER_KEY, KEY):
        path = f"/api/flagger/zeroing/rollback?code={key}&token={key}"
        assert standing.ask("POST", path, document, key=None).status == 401


@pytest.mark.parametrize("headers", [{"X-API-Key": FLAGGER_KEY}, {"Authorization": f"Bearer {FLAGGER_KEY}"}])
def test_a_proxy_may_send_the_key_in_a_header_instead(standing, headers):
    document = payload()
    del document["metadata"]["token"]

    assert standing.ask("POST", "/api/flagger/zeroing/rollback", document, headers, key=None).status == 200


def test_the_clusters_key_opens_nothing_else(standing):
    for method, path in sorted(own_routes()):
        filled = path.format(
            application="baking",
            id="shop-0123456789ab",
            source="azure-monitor",
            question="-",
            call_id=A_CALL,
            action="rollback",
            key="new-checkout",
        )
        if not path.startswith("/api/flagger") and path != "/api/health":
            headers = {"X-API-Key": FLAGGER_KEY}
            assert standing.ask(method, f"{filled}?code={FLAGGER_KEY}", payload(), headers, key=None).status == (
                401 if path.startswith("/api/callbacks") else 403
            )


def test_the_token_stands_in_no_line_of_the_log_and_in_no_answer(standing, caplog):
    caplog.set_level(logging.DEBUG)
    for version, more in (("2", {}), ("7 7", {}), ("2", {"tokens": FLAGGER_KEY}), ("2", {"wave": "x"})):
        for kind in Kind:
            assert FLAGGER_KEY not in call(standing, "baking", kind, version, **more).body.decode()

    assert "test/podinfo asks confirm-rollout: yes" in caplog.text
    assert FLAGGER_KEY not in caplog.text


def test_an_event_is_noted_in_the_log(standing, caplog):
    caplog.set_level(logging.INFO)

    answer = call(standing, "baking", "event", eventMessage="Halt\nadvancement", eventType="Warning", timestamp="1")

    assert answer.status == 200
    assert "baking: test/podinfo says: Halt advancement" in caplog.text


@pytest.mark.parametrize("kind", list(Kind))
def test_a_store_that_is_down_is_a_503_on_every_question(broken, kind):
    answer = broken[kind]

    assert (answer.status, answer.json()["detail"]) == (503, "Nothing was decided.")
    assert "retry-after" in answer.headers


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """The answers to every question about a decided rollback while the store's file is out of reach."""
    folder = tmp_path_factory.mktemp("broken")
    plant_situations(folder)
    with running_api(folder) as api:
        assert call(api, "zeroing", "rollback").status == 200
        (folder / "store.db").rename(folder / "away.db")
        (folder / "store.db").mkdir()
        with ThreadPoolExecutor(len(Kind)) as pool:
            answers = dict(zip(Kind, pool.map(lambda kind: call(api, "zeroing", kind), Kind), strict=True))
        (folder / "store.db").rmdir()
        (folder / "away.db").rename(folder / "store.db")
        assert call(api, "zeroing", "rollback").status == 200
        yield answers


def test_a_cluster_that_failed_takes_the_release_back_for_all_and_once(world, api, live):
    for _ in range(3):
        assert call(api, "shop", "post-rollout", phase="Failed", cluster="west").status == 200
    settle(world)
    assert call(api, "shop", "post-rollout", phase="Failed", cluster="west").status == 200
    settle(world)

    (event,) = (event for event in api.events(live) if event["type"] == "AlertReceived")
    assert (event["rule"], event["resource"], event["effect"]) == ("flagger", "test/podinfo in west", "rolled back")
    assert api.ask("GET", f"/api/rollouts/{live}").json()["phase"] in ("rolling-back", "rolled-back")
    assert world.share() == 0
    assert call(api, "shop", "rollback", cluster="east").status == 200
    assert call(api, "shop", "confirm-traffic-increase", cluster="east", maxWeight="5").status == 403


@pytest.mark.parametrize(("action", "phase"), [(AlertAction.PAUSE, "paused"), (AlertAction.NOTE, "progressing")])
def test_a_cluster_that_failed_does_what_the_spec_says_of_alerts(tmp_path, world, action, phase):
    world.respec(on_alert=action)
    rollout = world.deploy("2")
    world.run_until(lambda: world.rollout(rollout)["weight"] > 0)
    with running_api(tmp_path) as api:
        call(api, "shop", "post-rollout", phase="Failed")
        settle(world)

        assert api.ask("GET", f"/api/rollouts/{rollout}").json()["phase"] == phase
        assert call(api, "shop", "rollback").status == 403


def test_what_is_no_failure_of_the_version_that_is_released_moves_nothing(world, api, live):
    call(api, "shop", "post-rollout", phase="Succeeded")
    call(api, "shop", "post-rollout", "1", phase="Failed")
    call(api, "shop", "event", phase="Failed", eventMessage="Confirm-rollout check passed", eventType="Normal")
    call(api, "shop", "rollout", phase="Failed")
    settle(world)

    assert [event for event in api.events(live) if event["type"] == "AlertReceived"] == []
    assert world.phase(live) == "progressing"


PATHS = st.builds(
    "/api/flagger/{}/{}".format,
    st.sampled_from(["zeroing", "baking", "after-success", "zeroing", "baking", "nobody", "", "%00", ".."]),
    st.sampled_from([*Kind, *Kind, "", "rollbac", "rollback?x=1", "rollback/", "rollback%2F", "rollback;x"]),
)
A_YES = json.dumps(payload()).encode()
VERSIONS = st.sampled_from(["2", "2", "1", "77", "", " ", 2, None])
BODIES = st.one_of(
    VERSIONS.map(lambda version: json.dumps(payload(version)).encode()),
    VERSIONS.map(lambda version: json.dumps(payload(version, maxWeight="5")).encode()),
    st.binary(max_size=60),
    st.dictionaries(st.sampled_from(["token", "version", "maxWeight", "wave", "phase"]), st.text(max_size=5)).map(
        lambda metadata: json.dumps({**payload(), "metadata": metadata}).encode()
    ),
)
HEADERS = st.lists(
    st.sampled_from(
        [
            "Content-Type: application/json",
            "Content-Type: text/plain",
            f"X-API-Key: {KEY}",
            f"X-API-Key: {FLAGGER_KEY}",
            "X-API-Key: wrong",
            "Expect: 100-continue",
            "Origin: https://elsewhere.example",
            "Access-Control-Request-Method: POST",
            "X-HTTP-Method-Override: OPTIONS",
            "If-None-Match: *",
            "Range: bytes=0-0",
            "Prefer: return=minimal",
            "Accept: image/png",
            "Upgrade: h2c",
        ]
    ),
    max_size=4,
    unique_by=lambda header: header.partition(":")[0],
)


@example(method="POST", path="/api/flagger/zeroing/rollback", headers=["Prefer: return=minimal"], body=A_YES)
@example(method="OPTIONS", path="/api/flagger/zeroing/rollback", headers=["Origin: https://a.example"], body=b"")
@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["POST", "POST", "POST", "GET", "HEAD", "OPTIONS", "PUT", "DELETE"]),
    path=PATHS,
    headers=HEADERS,
    body=BODIES,
)
def test_no_answer_of_these_routes_has_a_status_from_201_to_399(standing, method, path, headers, body):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(standing.url).netloc}", "Connection: close"]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", *headers, "", ""])
    status = raw_status(standing, head.encode() + body)

    assert status == 200 or status >= 400
    if status == 200:
        assert method == "POST"
