"""Every probe looks at a place alike, in memory and over HTTP: on its own host name, past the routing rules."""

import ssl
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.adapters.app_service.hosts import AppServiceHosts
from shared.adapters.app_service.sites import AppServiceSites
from shared.adapters.http_json.json_pointer import resolve_pointer
from shared.adapters.http_json.place_probe import HttpPlaceProbe
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.spec import HealthCheck, Place, VersionProbe
from shared.domain.rollout.weight import ALL, NONE
from tests.sandbox_sdk import AnyToken
from tests.scripted_server import Drip, HangUp, Say, Silence, closed_port, scripted_server
from tests.traffic_worlds import TARGET, MemoryWorld, sandbox_world

PLACES = [Place.PRODUCTION, Place.CANDIDATE]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with sandbox_world(tmp_path_factory.mktemp("cloud")) as world:
        yield world


@pytest.fixture(params=["memory", "http"])
def world(request):
    world = MemoryWorld() if request.param == "memory" else request.getfixturevalue("sandbox")
    world.deploy(Place.PRODUCTION, "1.10")
    world.deploy(Place.CANDIDATE, "2")
    return world


def test_each_place_names_the_version_that_was_deployed_there(world):
    assert [world.probe.read_version(TARGET, place) for place in PLACES] == ["1.10", "2"]


def test_production_answers_for_itself_also_when_all_users_are_sent_to_the_candidate(world):
    world.router.set_share(TARGET, ALL)
    try:
        versions = {world.probe.read_version(TARGET, Place.PRODUCTION) for _ in range(5)}
    finally:
        world.router.set_share(TARGET, NONE)

    assert versions == {"1.10"}


def test_a_place_that_is_well_is_healthy_and_says_what_it_answered(world):
    for place in PLACES:
        health = world.probe.read_health(TARGET, place)
        assert health.healthy
        assert health.detail == "GET /healthz answered 200"


def test_the_version_can_come_from_a_header_of_any_page(sandbox):
    sandbox.deploy(Place.CANDIDATE, "7")
    target = replace(TARGET, version=VersionProbe(path="/", header="x-version", pointer=None))

    assert sandbox.probe.read_version(target, Place.CANDIDATE) == "7"


@pytest.fixture
def shop():
    with scripted_server(Say(500)) as server:
        yield server


@pytest.fixture
def probe(shop):
    return HttpPlaceProbe(lambda target, place: shop.host, scheme="http")


def by_pointer(pointer, path="/version"):
    return replace(TARGET, version=VersionProbe(path=path, pointer=pointer))


def test_production_is_asked_past_the_rules_by_query_and_by_cookie(shop, probe):
    shop.play(Say(200, {"version": "1"}))

    probe.read_version(by_pointer("/version", "/about?what=version"), Place.PRODUCTION)

    assert shop.asked[0].target == "/about?what=version&x-ms-routing-name=self"
    assert shop.asked[0].headers["cookie"] == "x-ms-routing-name=self"
    assert shop.asked[0].headers["host"] == shop.host


def test_the_candidate_is_asked_as_any_user_would(shop, probe):
    shop.play(Say(200, {"version": "1"}))

    probe.read_version(TARGET, Place.CANDIDATE)

    assert shop.asked[0].target == "/version"
    assert "cookie" not in shop.asked[0].headers


@pytest.mark.parametrize(
    ("body", "pointer", "version"),
    [
        (b'{"version": "1.2.3"}', "/version", "1.2.3"),
        (b'{"build": {"numbers": ["a", "b"]}}', "/build/numbers/1", "b"),
        (b'{"a/b": {"c~d": "x"}}', "/a~1b/c~0d", "x"),
        (b'{"": "empty"}', "/", "empty"),
        (b'"just text"', "", "just text"),
        (b'{"version": 42}', "/version", "42"),
        (b'{"version": 1.10}', "/version", "1.10"),
        ('{"version": "été"}'.encode(), "/version", "été"),
        (b'{"version": "%s"}' % (b"x" * 200), "/version", "x" * 200),
    ],
)
def test_the_member_that_the_pointer_names_is_the_version(shop, probe, body, pointer, version):
    shop.play(Say(200, body))

    assert probe.read_version(by_pointer(pointer), Place.CANDIDATE) == version


@pytest.mark.parametrize(
    "answer",
    [
        Say(200, b"<html>"),
        Say(200, b""),
        Say(200, b"\xff\xfe"),
        Say(200, b"[" * 30_000),
        Say(200, {"other": "1"}),
        Say(200, {"version": ""}),
        Say(200, {"version": None}),
        Say(200, {"version": True}),
        Say(200, b'{"version": NaN}'),
        Say(200, {"version": ["1"]}),
        Say(200, {"version": "x" * 201}),
        Say(200, {"version": "1\n2"}),
        Say(200, ["version"]),
        Say(404, {"version": "1"}),
        Say(503, {"version": "1"}),
        Say(200, {"version": "1", "rest": "x" * 65536}),
    ],
    ids=lambda answer: f"{answer.status} {answer.body!r:.30}",
)
def test_an_answer_that_names_no_version_is_for_later(shop, probe, answer):
    shop.play(answer)

    with pytest.raises(TryLaterError, match="west, candidate: /version names no version"):
        probe.read_version(TARGET, Place.CANDIDATE)


def test_of_a_long_answer_no_more_is_read_than_is_allowed(shop, probe):
    shop.play(Say(200, b'{"version": "1"}' + b" " * 65536))

    with pytest.raises(TryLaterError, match="more than 65536 bytes"):
        probe.read_version(TARGET, Place.CANDIDATE)


def test_a_missing_header_names_no_version(shop, probe):
    shop.play(Say(200, {"version": "1"}))

    with pytest.raises(TryLaterError, match="header X-Build"):
        probe.read_version(replace(TARGET, version=VersionProbe(header="X-Build")), Place.CANDIDATE)


@pytest.mark.parametrize("pointer", ["/a/01", "/a/-", "/a/5", "/a/-1", "/b/c", "/a/b"])
def test_a_pointer_to_nothing_finds_nothing(pointer):
    with pytest.raises(LookupError):
        resolve_pointer({"a": [1, 2], "b": "text"}, pointer)


def test_what_does_not_begin_with_a_slash_is_no_pointer():
    with pytest.raises(ValueError, match="not a JSON pointer"):
        resolve_pointer({"version": "1"}, "version")


@pytest.mark.parametrize(
    ("answered", "accepted", "healthy"),
    [(200, (200,), True), (204, (200, 204), True), (500, (200,), False), (404, (200,), False), (302, (302,), True)],
)
def test_a_place_is_healthy_when_it_answers_what_the_spec_accepts(shop, probe, answered, accepted, healthy):
    shop.play(Say(answered, headers={"Location": "/elsewhere"}))
    target = replace(TARGET, health=HealthCheck(path="/up", statuses=accepted))

    health = probe.read_health(target, Place.CANDIDATE)

    assert (health.healthy, health.detail) == (healthy, f"GET /up answered {answered}")
    assert len(shop.asked) == 1


def moved(to):
    return Say(302, headers={"Location": to})


def test_three_redirects_to_the_same_host_are_followed_and_still_pass_the_rules(shop, probe):
    shop.play(moved("/a"), moved("b?c=1&x-ms-routing-name=self"), moved(f"{shop.url}/d"), Say(200, {"version": "9"}))

    assert probe.read_version(TARGET, Place.PRODUCTION) == "9"
    assert [asked.path for asked in shop.asked] == ["/version", "/a", "/b", "/d"]
    assert [asked.target.count("x-ms-routing-name=self") for asked in shop.asked] == [1, 1, 1, 1]


def test_a_fourth_redirect_is_not_followed(shop, probe):
    shop.play(moved("/version"))

    with pytest.raises(TryLaterError, match="redirects more than 3 times"):
        probe.read_version(TARGET, Place.CANDIDATE)

    assert len(shop.asked) == 4


@pytest.mark.parametrize(
    "to", ["https://login.example/", "http://127.0.0.1:1/", "//evil.example/version", "//[evil", ""]
)
def test_a_redirect_to_another_host_is_not_followed(shop, probe, to):
    shop.play(moved(to))

    with pytest.raises(TryLaterError, match="not followed"):
        probe.read_version(TARGET, Place.CANDIDATE)

    assert len(shop.asked) == 1


@pytest.mark.parametrize("path", ["//evil.example/version", "@evil.example/", "/../version", "version"])
def test_a_path_never_names_another_host(shop, probe, path):
    shop.play(Say(200, {"version": "1"}))

    probe.read_version(by_pointer("/version", path), Place.CANDIDATE)

    assert shop.asked[0].headers["host"] == shop.host


@pytest.mark.parametrize("method", ["read_version", "read_health"])
@pytest.mark.parametrize("step", [Silence(), Drip(), HangUp()], ids=["silence", "drip", "hang-up"])
def test_a_place_that_does_not_answer_in_time_is_for_later(shop, probe, monkeypatch, method, step):
    monkeypatch.setattr("shared.adapters.http_json.place_probe._SECONDS", 0.3)
    shop.play(step)
    began = time.monotonic()

    with pytest.raises(TryLaterError, match="west, candidate"):
        getattr(probe, method)(TARGET, Place.CANDIDATE)

    assert time.monotonic() - began < 1.5


def test_a_refused_connection_is_for_later():
    probe = HttpPlaceProbe(lambda target, place: f"127.0.0.1:{closed_port()}", scheme="http")

    with pytest.raises(TryLaterError, match="the connection was refused"):
        probe.read_health(TARGET, Place.CANDIDATE)


def test_a_place_that_does_not_speak_tls_is_for_later(shop):
    with pytest.raises(TryLaterError, match="SSLError"):
        over_tls(shop).read_version(TARGET, Place.CANDIDATE)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that nobody has signed, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.example")])
    address = x509.IPAddress(IPv4Address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "shop.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + made.public_bytes(pem))
    return file


@pytest.fixture
def tls_shop(certificate):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with scripted_server(Say(200, {"version": "1"}), tls=tls) as server:
        yield server


def over_tls(server):
    return HttpPlaceProbe(lambda target, place: server.host)


def test_a_place_is_asked_over_tls_unless_said_otherwise(tls_shop, certificate, monkeypatch):
    trust = ssl.create_default_context(cafile=certificate)
    monkeypatch.setattr("shared.calls.http_exchange._trust", lambda: trust)

    assert over_tls(tls_shop).read_version(TARGET, Place.CANDIDATE) == "1"


def test_a_redirect_from_tls_to_plain_http_is_not_followed(tls_shop, certificate, monkeypatch):
    trust = ssl.create_default_context(cafile=certificate)
    monkeypatch.setattr("shared.calls.http_exchange._trust", lambda: trust)
    tls_shop.play(moved(f"http://{tls_shop.host}/version"))

    with pytest.raises(TryLaterError, match="not followed"):
        over_tls(tls_shop).read_version(TARGET, Place.CANDIDATE)


def test_a_place_whose_certificate_nobody_trusts_is_not_believed(tls_shop):
    with pytest.raises(TryLaterError, match="SSLCertVerificationError"):
        over_tls(tls_shop).read_version(TARGET, Place.CANDIDATE)

    assert tls_shop.asked == []


def hosts_at(url):
    return AppServiceHosts(AppServiceSites(AnyToken(), base_url=url, allow_http=True))


def test_host_names_are_those_that_the_management_api_tells(shop):
    hosts = hosts_at(shop.url)
    shop.play(*(Say(200, {"properties": {"defaultHostName": name}}) for name in ("shop.example", "slot.example")))

    assert [hosts.host_of(TARGET, place) for place in [*PLACES, *PLACES]] == ["shop.example", "slot.example"] * 2
    assert [asked.path for asked in shop.asked] == [TARGET.resource, f"{TARGET.resource}/slots/candidate"]


def test_a_host_name_is_asked_for_again_after_a_while(shop, monkeypatch):
    monkeypatch.setattr("shared.adapters.app_service.hosts._KEPT_SECONDS", 0.0)
    hosts = hosts_at(shop.url)
    shop.play(*(Say(200, {"properties": {"defaultHostName": name}}) for name in ("old.example", "new.example")))

    assert [hosts.host_of(TARGET, Place.PRODUCTION) for _ in range(2)] == ["old.example", "new.example"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Say(404, {"error": {"code": "ResourceNotFound"}}), RejectedError),
        (Say(500), TryLaterError),
        (Say(200, {"properties": {"defaultHostName": None}}), TryLaterError),
    ],
    ids=["no such slot", "unwell", "no name"],
)
def test_a_place_whose_host_name_cannot_be_read_is_not_asked(shop, answer, error):
    shop.play(answer)

    with pytest.raises(error):
        HttpPlaceProbe(hosts_at(shop.url).host_of, scheme="http").read_health(TARGET, Place.CANDIDATE)

    assert len(shop.asked) == 1
