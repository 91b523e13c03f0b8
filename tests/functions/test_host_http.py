"""HTTP triggers over a real socket."""

import json
import socket
import threading
from urllib.parse import urlsplit

import azure.functions as func
import pytest

from tests.functions.sample_app.journal import behaviour, calls
from tests.functions.sample_host import running_host


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    with running_host(tmp_path_factory.mktemp("host"), body_limit=10_000) as sample:
        yield sample


def test_a_function_gets_the_object_that_microsofts_worker_gives(sample):
    calls.clear()

    sample.ask("POST", "/things", b"\x00\xff", {"X-Custom": "yes"})

    (request,) = calls.of("echo")
    assert isinstance(request, func.HttpRequest)
    assert request.get_body() == b"\x00\xff"
    assert request.headers["x-custom"] == "yes"
    assert request.method == "POST"


def test_query_parameters_arrive_decoded_joined_and_without_empty_ones(sample):
    answer = json.loads(sample.ask("GET", "/things?a=1&b=x+y%26&A=2&empty=").body)

    assert answer["params"] == {"a": "1,2", "b": "x y&"}
    assert answer["url"].endswith("/things?a=1&b=x+y%26&A=2&empty=")


def test_header_names_arrive_in_lower_case(sample):
    answer = json.loads(sample.ask("GET", "/things", headers={"X-Mixed-Case": "Kept"}).body)

    assert answer["headers"]["x-mixed-case"] == "Kept"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/things/special", b"special"),
        ("/things/other", b"thing other"),
        ("/THINGS/other/", b"thing other"),
        ("/things/gr%C3%BC%C3%9F", "thing grüß".encode()),
        ("/things/a%2Fb", b"thing a%2Fb"),
        ("/numbers/12", b"number 12"),
        ("/files/a/b", b"GET a/b"),
    ],
)
def test_a_request_reaches_the_function_of_its_route(sample, path, body):
    assert sample.ask("GET", path).body == body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/numbers/twelve", 404),
        ("DELETE", "/things", 404),
        ("OPTIONS", "/things", 404),
        ("GET", "/%ff", 400),
        ("GET", "/files/a%00b", 400),
    ],
)
def test_what_no_route_takes_is_answered_as_azures_host_does(sample, method, path, status):
    assert sample.ask(method, path).status == status


def test_a_route_without_methods_takes_all_of_them(sample):
    assert sample.ask("OPTIONS", "/files/x").body == b"OPTIONS x"
    assert sample.ask("PATCH", "/files/x").body == b"PATCH x"


def test_head_is_answered_without_a_body_where_the_function_takes_it(sample):
    answer = sample.ask("HEAD", "/numbers/12")

    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "9", b"")


def test_status_headers_charset_and_cookies_of_a_response_arrive(sample):
    answer = sample.ask("GET", "/reply")

    assert answer.status == 418
    assert answer.headers["x-kind"] == "teapot"
    assert answer.headers["content-type"] == "text/plain; charset=latin-1"
    assert answer.body.decode("latin-1") == "grüß"
    assert answer.cookies == ("a=1; HttpOnly; Path=/", "b=2")


def test_a_string_is_answered_as_text(sample):
    answer = sample.ask("GET", "/things/special")

    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")


@pytest.mark.parametrize("path", ["/broken", "/empty"])
def test_a_function_that_fails_is_a_500_that_tells_nothing(sample, path):
    answer = sample.ask("GET", path)

    assert (answer.status, answer.body) == (500, b"")


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/locked", None, 401),
        ("/locked", "wrong", 401),
        ("/locked", "function-key", 200),
        ("/locked", "master-key", 200),
        ("/locked", "system-key", 401),
        ("/vault", "function-key", 401),
        ("/vault", "master-key", 200),
        ("/things", "wrong", 200),
    ],
)
def test_auth_levels_are_enforced_with_keys(sample, path, key, status):
    assert sample.ask("GET", path, headers={"x-functions-key": key} if key else {}).status == status
    assert sample.ask("GET", f"{path}?code={key}" if key else path).status == status


def test_a_body_over_the_limit_is_a_413_and_the_function_is_not_called(sample):
    calls.clear()

    assert sample.ask("POST", "/things", b"x" * 10_001).status == 413
    assert calls.of("echo") == []
    assert sample.ask("POST", "/things", b"x" * 10_000).status == 200


def test_a_chunked_body_arrives_whole(sample):
    calls.clear()
    parts = urlsplit(sample.host.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as connection:
        connection.sendall(
            b"POST /things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        )
        while connection.recv(4096):
            pass

    assert calls.of("echo")[0].get_body() == b"abcde"


def test_an_async_function_gets_its_context_and_the_callers_trace(sample):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    answer = sample.ask("GET", "/patient", headers={"traceparent": trace})

    assert answer.body == f"patient {trace}".encode()


def test_functions_run_at_once_up_to_the_worker_threads(sample):
    calls.clear()
    together = threading.Barrier(6)
    behaviour.set("slow", lambda: together.wait(5))
    statuses = []

    def ask():
        statuses.append(sample.ask("GET", "/slow").status)

    clients = [threading.Thread(target=ask) for _ in range(6)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(10)

    assert statuses == [200] * 6


def test_what_an_output_binding_holds_is_sent(sample):
    calls.clear()

    assert sample.ask("POST", "/send", b"by output").status == 202

    (message,) = calls.wait_for("plain", 1)
    assert message.get_body() == b"by output"


def raw_status(sample, request: bytes) -> int:
    parts = urlsplit(sample.host.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as connection:
        connection.sendall(request)
        return int(connection.makefile("rb").readline().split()[1])


@pytest.mark.parametrize(
    "request_line_and_headers",
    [
        b"GET /locked HTTP/1.1\r\nHost: x\r\nx-functions-key: \xff\xfe\r\n\r\n",
        b"GET /things HTTP/1.1\r\nHost: x\r\nX-Any: \xff\r\n\r\n",
        b"GET /things/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /things HTTP/1.1\r\nHost: x\r\nContent-Length: nine\r\n\r\n",
        b"NONSENSE\r\n\r\n",
    ],
)
def test_bytes_that_are_no_request_are_a_400_and_never_reach_a_function(sample, request_line_and_headers):
    calls.clear()

    assert raw_status(sample, request_line_and_headers) == 400
    assert calls.of("echo") == []


@pytest.mark.parametrize("query", [b"a=%ff", b"%=1", b"a=%zz&&&=", b"code=%ff", b"a=" + b"x" * 4000])
def test_an_odd_query_still_reaches_the_function(sample, query):
    assert raw_status(sample, b"GET /things?" + query + b" HTTP/1.1\r\nHost: x\r\n\r\n") == 200
