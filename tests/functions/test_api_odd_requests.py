"""Requests that nobody sends by intent: a clear 4xx each, never a 500."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.functions.api_client import A_CALL, KEY, own_routes, running_api

LIMIT = 256 * 1024
DOCUMENT = 512 * 1024
LIMITS = {
    "/api/backup/restore/entries": 8 * 1024 * 1024,
    "/api/flags/import": 4 * 1024 * 1024,
    "/api/flags/a": DOCUMENT,
    "/api/segments/a": DOCUMENT,
}
BODIES = {
    "empty": b"",
    "spaces": b" \n ",
    "no JSON": b"{nonsense",
    "bad UTF-8": b'{"application":"\xff\xfe"}',
    "UTF-16": '{"application":"shop"}'.encode("utf-16"),
    "a NUL": b"\x00",
    "deep": b"[" * 100_000,
    "a huge number": b'{"application":' + b"9" * 5_000 + b"}",
    "NaN": b'{"application":NaN}',
    "half a surrogate pair": b'{"application":"\\ud800"}',
    "a key twice": b'{"application":"a","application":"b"}',
    "a text": b'"shop"',
    "null": b"null",
    "many unknown fields": json.dumps({f"f{number}": number for number in range(5_000)}).encode(),
    "a YAML bomb": b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n",
    "a YAML tag": b"!!python/object/apply:os.system [ls]",
    "just within the limit": b'"' + b"x" * (LIMIT - 2) + b'"',
}
# A release that nobody began is told first, whatever the body: `test_api_releases` has one to send bodies to.
TAKING_BODIES = sorted(
    (
        method,
        path.format(application="shop", source="azure-monitor", question="rollback", call_id=A_CALL, key="a", id="x"),
    )
    for method, path in own_routes()
    if method in ("PUT", "POST") and "{action}" not in path
)


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with running_api(tmp_path_factory.mktemp("api")) as api:
        api.register("shop")
        yield api


@pytest.mark.parametrize(("method", "path"), TAKING_BODIES)
@pytest.mark.parametrize("content_type", ["application/json", "application/cloudevents+json", "text/xml", "", ";;="])
@pytest.mark.parametrize("body", list(BODIES.values()), ids=list(BODIES))
def test_a_body_that_is_nonsense_is_a_400_that_says_so(api, method, path, content_type, body):
    answer = api.ask(method, path, body, {"Content-Type": content_type})

    if path.endswith("/admission") and not body.strip():
        assert answer.status == 200
    elif path.endswith("/v1/metrics") and body == BODIES["many unknown fields"]:
        assert answer.status == 200  # OpenTelemetry's protocol: what is not known is passed over, none is no metric
    else:
        assert answer.status == 400
        assert answer.json()["errors"]
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path"), TAKING_BODIES)
def test_a_body_over_256_kb_is_a_413(api, method, path):
    limit = LIMITS.get(path, LIMIT)
    answer = api.ask(method, path, b" " * (limit + 1))

    assert (answer.status, answer.json()["type"]) == (413, "urn:slipway:problem:too-large")
    assert str(limit) in answer.json()["detail"]


@pytest.mark.parametrize(("method", "path"), TAKING_BODIES)
def test_a_body_over_the_limit_is_read_by_nobody_so_it_is_a_413_without_a_key_too(api, method, path):
    signed = {"X-Slipway-Timestamp": "1", "X-Slipway-Signature": "sha256=0"}

    assert api.ask(method, path, b" " * (LIMITS.get(path, LIMIT) + 1), signed, key=None).status == 413


@pytest.mark.parametrize(
    "part",
    ["%00", "%0A", "a%0Ab", "%FF", "%C0%AF", "%2e%2e", "..", ".", "%2F", "a%2F..%2Fb", "%5C", "%23%3F", "%E2%80%AE",
     "%F0%9F%9A%A2", "*", "|", "'", '%22', "%25", "%7B%7D", "x" * 5000, "con", "application:shop", "a;b=c"],
)  # fmt: skip
@pytest.mark.parametrize("before_and_after", [
    ("GET", "/api/applications/", ""),
    ("PUT", "/api/applications/", ""),
    ("POST", "/api/applications/", "/overrides"),
    ("POST", "/api/applications/", "/admission"),
    ("GET", "/api/rollouts/", ""),
    ("GET", "/api/rollouts/", "/history"),
    ("POST", "/api/events/", ""),
    ("POST", "/api/callbacks/hooks/", f"/{A_CALL}"),
    ("POST", "/api/callbacks/hooks/shop/", ""),
], ids=" ".join)  # fmt: skip
def test_an_odd_name_in_the_address_is_a_4xx(api, before_and_after, part):
    method, before, after = before_and_after
    body = {"action": "pause"} if after == "/overrides" else {} if method == "PUT" else None

    assert api.ask(method, f"{before}{part}{after}", body).status in (400, 404)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_a_method_that_no_route_takes_is_a_404_of_the_hosts(api, method):
    taken = {path for each, path in own_routes() if each == method}
    for path in sorted({path for _, path in own_routes()} - taken):
        filled = path.format(
            application="shop",
            id="x",
            source="azure-monitor",
            question="rollback",
            call_id=A_CALL,
            action="rollback",
            key="a",
        )
        assert api.ask(method, filled).status == 404


@pytest.mark.parametrize("query", ["?", "?&&&=", "?after="])
def test_a_query_that_says_nothing_changes_nothing(api, query):
    assert api.ask("GET", f"/api/applications{query}").status == 200


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("?afetr=3", "afetr"),
        ("?After=00:", "After"),
        ("?%00=1", "\0"),
        ("?a=%00", "a"),
        ("?" + "a=1&" * 500, "a"),
        ("?x[]=1", "x[]"),
        ("?%zz", "%zz"),
        ("?code=%FF", "code"),
        ("?after=00:&after=00:", "after"),
        ("?after=&after=00:", "after"),
    ],
)
def test_a_parameter_that_is_not_known_or_comes_twice_is_a_400_that_names_it(api, query, named):
    answer = api.ask("GET", f"/api/applications{query}")

    (error,) = answer.json()["errors"]
    assert (answer.status, error["path"]) == (400, named)
    assert "allowed is" in error["detail"]


TAKEN = {
    "/api/applications": ("after",),
    "/api/dead-letters": ("after", "application", "reason", "state"),
    "/api/rollouts/{id}/history": ("after",),
    "/api/backup": ("after",),
    "/api/backup/restore": ("dry-run",),
    ("GET", "/api/releases"): ("after",),
    "/api/releases/{id}/history": ("after",),
    "/api/applications/{application}/plan": ("version", "at"),
    "/api/plan": ("at",),
    "/api/events/{source}": ("code",),
    "/api/observations": ("code",),
    "/api/observations/v1/metrics": ("code",),
    "/api/flags/events": ("code",),
    ("GET", "/api/flags"): ("environment", "after", "tag", "stale"),
    ("GET", "/api/flags/{key}"): ("environment", "revision"),
    ("PUT", "/api/flags/{key}"): ("environment", "reason", "dry-run"),
    ("DELETE", "/api/flags/{key}"): ("environment", "reason"),
    ("POST", "/api/flags/{key}"): ("environment",),
    "/api/flags/import": ("environment", "format", "overwrite", "dry-run", "reason", "flagd-hashing"),
    "/api/flags/export": ("environment", "format", "lossy"),
    ("GET", "/api/flag-history/{key}"): ("environment", "after"),
    ("GET", "/api/flag-explanations/{key}"): ("environment", "context"),
    ("GET", "/api/segments"): ("environment", "after"),
    ("GET", "/api/segments/{key}"): ("environment", "revision"),
    ("PUT", "/api/segments/{key}"): ("environment", "reason"),
    ("DELETE", "/api/segments/{key}"): ("environment", "reason"),
    ("GET", "/api/segments/{key}/history"): ("environment", "after"),
}


@pytest.mark.parametrize(("method", "path"), sorted(own_routes() - {("GET", "/api/health")}))
def test_every_route_says_which_parameters_it_takes(api, method, path):
    filled = path.format(
        application="shop",
        id="x",
        source="azure-monitor",
        question="rollback",
        call_id=A_CALL,
        action="rollback",
        key="a",
    )

    answer = api.ask(method, f"{filled}?version-of=2&version-of=3")

    (error,) = answer.json()["errors"]
    takes = TAKEN.get(path, TAKEN.get((method, path), ()))
    assert (answer.status, error["path"]) == (400, "version-of")
    assert (", ".join(takes) or "this route takes none") in error["detail"]
    for name in takes:
        twice = api.ask(method, f"{filled}?{name}=1&{name}=1").json()["errors"]
        assert twice == [{"path": name, "detail": "is given 2 times; allowed is once"}]


def test_a_parameter_beside_a_probe_of_health_is_passed_over(api):
    assert api.ask("GET", "/api/health?_=17", key=None).status == 200


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Type: application/json; charset=utf-16",
        b"Content-Type: application/cloudevents+json; charset=shift_jis",
        b"Content-Type: " + b"x" * 4000,
        b"ce-id: %FF%FE",
        b"ce-id: \xc3\xa9",
        b"ce-: x",
        b"ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /ci\r\nce-type: t",
        b"Idempotency-Key: \xc3\xa9",
        b"Idempotency-Key: a\r\nIdempotency-Key: \xc3\xa9",
        b"Authorization: Bearer wrong",
        b"Authorization:",
        b"X-API-Key: second",
        b"traceparent: garbage",
        b"Accept: image/png",
        b"Expect: 100-continue",
        b"X-Forwarded-For: ' OR 1=1",
    ],
)
def test_odd_headers_are_never_a_500(api, header):
    host, body = urlsplit(api.url).netloc, b'{"application":"shop","version":"2"}'
    request = (
        f"POST /api/deployments HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nX-API-Key: {KEY}\r\n"
        f"Content-Length: {len(body)}\r\n"
    ).encode()

    assert raw_status(api, request + header + b"\r\n\r\n" + body) < 500


def raw_status(api, request: bytes) -> int:
    parts = urlsplit(api.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(request)
        for line in connection.makefile("rb"):
            if line.startswith(b"HTTP/1.1 ") and b" 100 " not in line:
                return int(line.split()[1])
    raise AssertionError("no answer")
