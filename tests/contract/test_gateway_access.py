"""What a Kubernetes API server is called with, and what its bad days mean: over real sockets, with and without TLS."""

import base64
import subprocess
import sys
from dataclasses import replace

import pytest
from azure.core.credentials import AccessToken

from shared.adapters.gateway_api.audience import GatewayAudience
from shared.adapters.gateway_api.clusters import KubernetesClusters
from shared.adapters.gateway_api.places import GatewayPlaces
from shared.adapters.gateway_api.traffic_router import GatewayRouter
from shared.domain.errors import RejectedError, TryLaterError, UnansweredError
from shared.domain.names import Version
from shared.domain.rollout.weight import NONE, Weight
from shared.settings import KubernetesCluster, Settings
from tests.kubernetes_cluster import (
    BLUE,
    BOTH,
    GREEN,
    LOCATED,
    PATH,
    SETTING,
    TOKEN,
    backend,
    clusters_at,
    rule,
    target_at,
)
from tests.private_authority import make_authority
from tests.scripted_server import Drip, HangUp, Say, Silence, closed_port, scripted_server

SHARE = Weight(5_000)


def route(*rules, version="41", generation=3, **status):
    metadata = {"name": "shop", "namespace": "default", "resourceVersion": version, "generation": generation}
    kind = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": metadata}
    return {**kind, "spec": {"rules": list(rules or (BOTH,))}, "status": status}


def refused(status, message="not now"):
    return {"kind": "Status", "status": "Failure", "reason": "Because", "message": message, "code": status}


DIVIDED = route(rule(backend(BLUE, 95_000), backend(GREEN, 5_000)), version="42")


def at(server, path=PATH):
    return replace(target_at(server, path), located=LOCATED)


@pytest.fixture
def server():
    with scripted_server(Say(500)) as server:
        yield server


@pytest.fixture
def router(server):
    return GatewayRouter(clusters_at(server.url))


def test_a_patch_holds_for_the_version_and_the_names_that_were_read_and_writes_weights_alone(server, router):
    server.play(Say(200, route()), Say(200, DIVIDED))

    router.set_share(at(server.url), SHARE)

    look, change = server.asked
    assert (look.method, look.target, look.headers["authorization"]) == ("GET", PATH, f"Bearer {TOKEN}")
    assert (change.method, change.target) == ("PATCH", f"{PATH}?fieldManager=slipway")
    assert change.headers["content-type"] == "application/json-patch+json"
    assert change.json() == [
        {"op": "test", "path": "/metadata/resourceVersion", "value": "41"},
        {"op": "test", "path": "/spec/rules/0/backendRefs/0/name", "value": BLUE},
        {"op": "add", "path": "/spec/rules/0/backendRefs/0/weight", "value": 95_000},
        {"op": "test", "path": "/spec/rules/0/backendRefs/1/name", "value": GREEN},
        {"op": "add", "path": "/spec/rules/0/backendRefs/1/weight", "value": 5_000},
    ]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
def test_trouble_of_the_api_is_for_later(server, router, status):
    server.play(Say(status, refused(status)))

    with pytest.raises(TryLaterError, match=f"HTTPRoute default/shop: 127.0.0.1 answered {status}, not now"):
        router.set_share(at(server.url), SHARE)

    assert len(server.asked) == 1


def test_the_time_that_the_api_asks_for_is_kept_and_not_slept(server, router):
    server.play(Say(429, refused(429), {"Retry-After": "37"}))

    with pytest.raises(TryLaterError) as caught:
        router.read_share(at(server.url))

    assert caught.value.after_seconds == 37


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        (301, "which is not followed"),
        (400, "not now"),
        (401, "SLIPWAY_KUBERNETES_CLUSTERS says of the server's token"),
        (403, "give Slipway get and patch on httproutes"),
        (404, "not now"),
    ],
)
def test_a_refusal_is_for_good_and_says_why(server, router, status, fix):
    server.play(Say(status, refused(status), {"Location": "http://127.0.0.1:9/elsewhere"}))

    with pytest.raises(RejectedError, match=fix):
        router.read_share(at(server.url))

    assert len(server.asked) == 1


def test_a_patch_that_the_api_finds_invalid_is_rejected_once_nobody_wrote_meanwhile(server, router):
    server.play(Say(200, route()), Say(422, refused(422, "spec.rules: Invalid value")), Say(200, route()))

    with pytest.raises(RejectedError, match=r"422, spec.rules: Invalid value"):
        router.set_share(at(server.url), SHARE)

    assert [asked.method for asked in server.asked] == ["GET", "PATCH", "GET"]


@pytest.mark.parametrize("status", [409, 422])
def test_a_patch_that_was_overtaken_is_planned_anew(server, router, status):
    server.play(
        Say(200, route()), Say(status, refused(status)), Say(200, route(BOTH, BOTH, version="43")), Say(200, DIVIDED)
    )

    router.set_share(at(server.url), SHARE)

    patch = server.asked[-1].json()
    assert patch[0]["value"] == "43"
    assert [one["path"] for one in patch if one["op"] == "add"][2:] == [
        "/spec/rules/1/backendRefs/0/weight",
        "/spec/rules/1/backendRefs/1/weight",
    ]


def test_a_patch_that_is_overtaken_each_time_is_for_later_after_six(server, router):
    looks = [step for number in range(6) for step in (Say(200, route(version=str(number))), Say(409, refused(409)))]
    server.play(*looks)

    with pytest.raises(TryLaterError, match="409"):
        router.set_share(at(server.url), SHARE)

    assert len(server.asked) == 12


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_patch_that_may_still_land_is_unanswered(server, router, status):
    server.play(Say(200, route()), Say(status, refused(status)))

    with pytest.raises(UnansweredError):
        router.set_share(at(server.url), SHARE)


def test_a_patch_whose_line_breaks_and_that_cannot_be_looked_for_is_unanswered(server, router):
    server.play(Say(200, route()), HangUp(), Say(503, refused(503)))

    with pytest.raises(UnansweredError):
        router.set_share(at(server.url), SHARE)


def test_a_patch_without_an_answer_in_time_is_unanswered(server, router, monkeypatch):
    monkeypatch.setattr("shared.adapters.gateway_api.clusters.METHOD_SECONDS", 1.5)
    server.play(Say(200, route()), Silence())

    with pytest.raises(UnansweredError, match="no answer in time"):
        router.set_share(at(server.url), SHARE)


@pytest.mark.parametrize("step", [Silence(), Drip()], ids=["silence", "a drip"])
def test_a_look_without_an_answer_in_time_is_for_later(server, router, monkeypatch, step):
    monkeypatch.setattr("shared.adapters.gateway_api.clusters.METHOD_SECONDS", 0.3)
    server.play(step)

    with pytest.raises(TryLaterError, match=r"no answer in time|not done within"):
        router.read_share(at(server.url))


def test_a_look_that_breaks_off_is_tried_once_more_at_once(server, router):
    server.play(HangUp(), Say(200, DIVIDED))

    assert router.read_share(at(server.url)) == 5_000


def test_a_refused_connection_is_for_later():
    url = f"http://127.0.0.1:{closed_port()}"

    with pytest.raises(TryLaterError, match=r"HTTPRoute default/shop: 127.0.0.1: the connection was refused"):
        GatewayRouter(clusters_at(url)).read_share(at(url))


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[1, 2",
        b"[]",
        {"kind": "Ingress"},
        {"kind": "HTTPRoute"},
        route({"backendRefs": [{"name": 5}]}),
        route({"backendRefs": [{"name": "a", "weight": -1}]}),
        route({"backendRefs": [{"name": "a", "weight": 1_000_001}]}),
        route({"backendRefs": [{"name": "a", "weight": True}]}),
        route({"backendRefs": {}}),
        route("text"),
        route(parents=[{"parentRef": {}}]),
    ],
    ids=str,
)
def test_an_answer_that_cannot_be_read_is_for_later(server, router, body):
    server.play(Say(200, body))

    with pytest.raises(TryLaterError, match="HTTPRoute default/shop: an answer"):
        router.read_share(at(server.url))


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "https://shop.example.evil.example", "https://shop.example:8443", "http://shop.example"],
)
def test_a_server_that_is_not_listed_is_rejected_with_the_setting_and_never_looked_up(elsewhere, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: pytest.fail("a name was looked up"))
    clusters = clusters_at("https://shop.example")

    with pytest.raises(RejectedError, match=r"is no server that may be called.*SLIPWAY_KUBERNETES_CLUSTERS"):
        GatewayRouter(clusters).set_share(at(elsewhere), NONE)


def test_a_server_that_is_not_listed_gets_no_connection_and_no_token(server):
    clusters = clusters_at(f"http://127.0.0.1:{closed_port()}")

    for call in (
        lambda: GatewayRouter(clusters).set_share(at(server.url), NONE),
        lambda: GatewayRouter(clusters).read_share(at(server.url)),
        lambda: GatewayPlaces(clusters).find_places(at(server.url), Version("2")),
        lambda: GatewayAudience(clusters).read_audience(at(server.url)),
    ):
        with pytest.raises(RejectedError, match="is no server that may be called"):
            call()

    assert server.asked == []


def test_the_port_of_https_may_be_written_or_not(monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", _nowhere)

    for listed, named in [
        ("https://a.example", "https://a.example:443"),
        ("https://a.example:443", "https://A.example"),
    ]:
        with pytest.raises(TryLaterError, match=r"a.example"):
            GatewayRouter(clusters_at(listed)).read_share(at(named))


def _nowhere(*_, **__):
    raise OSError("no such host")


def test_a_token_never_travels_over_plain_http_unless_that_is_allowed(server):
    clusters = clusters_at(server.url, allow_http=False)

    with pytest.raises(RejectedError, match="is no https"):
        GatewayRouter(clusters).read_share(at(server.url))

    assert server.asked == []


def test_a_server_without_a_token_of_its_own_gets_one_of_the_apps_identity_for_aks(server):
    asked = []

    class Identity:
        def get_token(self, *scopes, **options):
            asked.append(scopes)
            return AccessToken("of-the-identity", 2_000_000_000)

    server.play(Say(200, DIVIDED))
    clusters = KubernetesClusters([KubernetesCluster(server=server.url)], {}.get, Identity, allow_http=True)

    GatewayRouter(clusters).read_share(at(server.url))

    assert asked == [("6dae42f8-4368-4678-94ff-3960e28e3630/.default",)]
    assert server.asked[0].headers["authorization"] == "Bearer of-the-identity"


def test_a_token_that_is_not_there_is_rejected_by_the_name_of_its_setting(server):
    with pytest.raises(RejectedError, match=f"app setting {SETTING} is not there"):
        GatewayRouter(clusters_at(server.url, token="")).read_share(at(server.url))

    assert server.asked == []


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return make_authority(tmp_path_factory.mktemp("authority"))


def test_a_cluster_is_trusted_by_its_own_authority(authority):
    with scripted_server(Say(200, DIVIDED), tls=authority.server_context()) as server:
        clusters = clusters_at(server.url, ca=authority.pem, allow_http=False)

        assert GatewayRouter(clusters).read_share(at(server.url)) == 5_000


def test_a_change_over_tls_reaches_the_cluster(authority):
    with scripted_server(Say(200, route()), Say(200, DIVIDED), tls=authority.server_context()) as server:
        GatewayRouter(clusters_at(server.url, ca=authority.pem)).set_share(at(server.url), SHARE)

        assert [asked.method for asked in server.asked] == ["GET", "PATCH"]


@pytest.mark.parametrize("ca", ["of another", "none"])
def test_a_cluster_that_the_authority_does_not_vouch_for_gets_no_token(authority, tmp_path, ca):
    other = make_authority(tmp_path).pem if ca == "of another" else ""
    with scripted_server(Say(200, DIVIDED), tls=authority.server_context()) as server:
        with pytest.raises(
            RejectedError, match=r"certificate is not to be trusted .*SLIPWAY_KUBERNETES_CLUSTERS as ca"
        ):
            GatewayRouter(clusters_at(server.url, ca=other)).read_share(at(server.url))

        assert server.asked == []


def test_a_certificate_of_another_address_is_not_trusted(tmp_path):
    other = make_authority(tmp_path, "127.0.0.2")
    with scripted_server(Say(200, DIVIDED), tls=other.server_context()) as server:
        with pytest.raises(RejectedError, match="not to be trusted"):
            GatewayRouter(clusters_at(server.url, ca=other.pem)).read_share(at(server.url))

        assert server.asked == []


def test_a_ca_that_holds_no_certificate_is_rejected_with_the_setting(server):
    ca = "-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n"

    with pytest.raises(
        RejectedError, match="the ca of its server in SLIPWAY_KUBERNETES_CLUSTERS holds no certificates"
    ):
        GatewayRouter(clusters_at(server.url, ca=ca)).read_share(at(server.url))


def test_the_settings_of_a_kubeconfig_are_enough(authority):
    with scripted_server(Say(200, DIVIDED), tls=authority.server_context()) as server:
        entry = f'{{"server": "{server.url}", "ca": "{base64.b64encode(authority.pem.encode()).decode()}"'
        env = {
            "SLIPWAY_DATA": "x",
            "SLIPWAY_KUBERNETES_CLUSTERS": f'[{entry}, "tokenSetting": "{SETTING}"}}]',
            SETTING: TOKEN,
        }
        listed = Settings.from_env(env).kubernetes_clusters

        clusters = KubernetesClusters(listed, env.get, lambda: pytest.fail("no identity is needed"))

        assert GatewayRouter(clusters).read_share(at(server.url)) == 5_000


@pytest.mark.parametrize(
    "path", ["", "/api/v1/namespaces/default/secrets/key", f"{PATH}/../../secrets/key", f"{PATH}?x=1"]
)
def test_what_is_not_the_url_of_a_route_is_rejected(server, router, path):
    with pytest.raises(RejectedError, match="is not the URL of an HTTPRoute"):
        router.read_share(at(server.url, path))

    assert server.asked == []


def test_no_kubernetes_client_and_no_azure_sdk_is_imported_before_it_is_needed():
    code = "import sys, shared.adapters.gateway_api.traffic_router, shared.adapters.gateway_api.places; "
    code += "print([m for m in ('kubernetes', 'azure.core', 'requests', 'urllib3') if m in sys.modules])"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
