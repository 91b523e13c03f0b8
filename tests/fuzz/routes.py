"""The whole API under generated requests: those of schemathesis, and bytes that no client library would send."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.specs.openapi.checks import negative_data_rejection

from shared.wire.api_document import api_document
from tests.functions.api_client import KEY, Api, routes

CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"with-security-parameters": False},
        "checks": {
            "unsupported_method": {"enabled": False},  # the Functions host answers 404, here as on Azure
            "positive_data_acceptance": {"enabled": False},  # a valid shape may break a rule, or name what is not there
        },
    }
)
SCHEMA = schemathesis.openapi.from_dict(api_document(), config=CONFIG)
load_all_checks()

Operation = tuple[str, str]


def is_refused_by_the_server(case: Any) -> bool:
    """Headers that are no UTF-8 never reach a function, here as on Azure."""
    return not all(str(value).isascii() for value in (case.headers or {}).values())


def operations() -> set[Operation]:
    """Return method and path of each operation in the OpenAPI document."""
    return {
        (method.upper(), path)
        for path, item in api_document()["paths"].items()
        for method in item
        if method in ("get", "put", "post", "delete", "options", "head", "patch", "trace")
    }


def operation_check(
    method: str, path: str, examples: int, number: int | None = None, counted: list[int] | None = None
) -> Callable[..., None]:
    """Return a check of one operation of an `api`: what `SCHEMA.parametrize` does, but when it is its turn.

    That thinks the requests of all operations up where tests are only collected: half a minute in each process.
    Without a `number` the requests are always the same ones. `counted` holds how many there were.
    """

    def check_answer(case: Any, api: Api) -> None:
        if counted is not None:
            counted[0] += 1
        answer = case.call(base_url=api.url, headers={"X-API-Key": KEY}, timeout=30)
        if is_refused_by_the_server(case):
            assert (answer.status_code, answer.content) == (400, b"")
        else:
            # The Functions host drops parameters without a value, so nobody can refuse them.
            says_nothing = "" in (case.query or {}).values()
            case.validate_response(
                answer,
                excluded_checks=[negative_data_rejection] if says_nothing else [],
                headers={"X-API-Key": KEY},
                transport_kwargs={"timeout": 30},
            )

    configured = settings(
        max_examples=examples,
        derandomize=number is None,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(check_answer)
    built: Callable[..., None] = build_operation_test(
        config=SCHEMA.config,
        operation=SCHEMA[path][method],
        test_func=configured if number is None else seed(number)(configured),
        given_kwargs={},
        feedback=FeedbackSources(),
    )
    return built


@dataclass(frozen=True, slots=True)
class OddRequest:
    """A request as bytes, and what stands in its address."""

    head: bytes
    body: bytes

    def whole(self) -> bytes:
        """Return what goes over the wire."""
        return self.head + f"Content-Length: {len(self.body)}\r\nConnection: close\r\n\r\n".encode() + self.body


METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get", "X-ODD", "CONNECT")
CONTENT_TYPES = (
    "application/json",
    "application/json; charset=utf-16",
    'application/json;charset="utf-8"',
    "application/yaml",
    "text/yaml",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/cloudevents",
    "application/x-protobuf",
    "text/xml",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "application/problem+json",
    ";;=",
    "",
    "a/b; charset",
    "*/*",
)
HEADERS = (
    "Accept",
    "Accept-Encoding",
    "Content-Encoding",
    "If-Match",
    "If-None-Match",
    "Idempotency-Key",
    "Origin",
    "Range",
    "X-API-Key",
    "Authorization",
    "ce-id",
    "ce-source",
    "ce-type",
    "ce-specversion",
    "ce-",
    "ce-time",
    "traceparent",
    "X-Slipway-Sender",
    "X-Slipway-Timestamp",
    "X-Slipway-Signature",
    "X-HTTP-Method-Override",
    "X-Forwarded-For",
    "Expect",
    "Host",
    "Cookie",
    "Access-Control-Request-Method",
    "WebHook-Request-Origin",
    "aeg-event-type",
    "X-Odd",
)
VALUES = (
    "",
    "*",
    '"7"',
    'W/"7"',
    "gzip",
    "gzip, br",
    "identity",
    "bytes=0-1",
    "Bearer",
    "Bearer x",
    "SubscriptionValidation",
    "-1",
    "1e400",
    "%FF",
    "\u00e9",
    "x" * 3000,
    "2026-11-23T12:00:00Z",
    "00-0-0-0",
    "PATCH",
    "null",
    "1.0",
    "1795435200",
    "sha256=zz",
)
BODIES = (
    b"",
    b" ",
    b"{",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"\xff\xfe{\x00}\x00",
    b"\x1f\x8b\x08",
    b"a: &a [*a]\n",
    b"[" * 5000,
    b"{}{}",
    b'{"a":NaN}',
    b'{"action":"pause"}',
    b'{"application":"shop","version":"2"}',
    b"\x00" * 100,
    b"--x\r\n\r\n--x--",
)


@st.composite
def odd_requests(draw: st.DrawFn, paths: tuple[str, ...]) -> OddRequest:
    """Requests that are HTTP, by any method, with headers and bodies that do not belong to one another."""
    visible = st.text(
        st.characters(codec="utf-8", exclude_characters="\r\n\0", exclude_categories=("Cs",)), max_size=20
    )
    path = draw(st.sampled_from(paths))
    while "{" in path:
        before, _, rest = path.partition("{")
        named = draw(
            st.sampled_from(
                ("shop", "busy", "new-checkout", "azure-monitor", "rollback", "x", "..", "%2F", "%00", "%FF")
            )
            | visible.map(quote)
        )
        path = f"{before}{named or 'x'}{rest.partition('}')[2]}"
    query = draw(
        st.just("")
        | st.sampled_from(("?", "?after=", "?environment=production", "?dry-run=true&format=flagd", "?code=%FF"))
        | visible.map(lambda text: f"?{quote(text, safe='=&%')}")
    )
    headers = draw(st.lists(st.tuples(st.sampled_from(HEADERS), st.sampled_from(VALUES) | visible), max_size=4))
    with_key = [("X-API-Key", KEY)] if draw(st.integers(0, 4)) else []
    typed = [("Content-Type", draw(st.sampled_from(CONTENT_TYPES)))] if draw(st.booleans()) else []
    lines = "".join(f"{name}: {value}\r\n" for name, value in (*with_key, *typed, *headers) if name != "Host" or value)
    first = f"{draw(st.sampled_from(METHODS))} {path}{query} HTTP/1.1\r\nHost: localhost\r\n"
    return OddRequest(
        (first + lines).encode("utf-8", "replace"), draw(st.sampled_from(BODIES) | st.binary(max_size=60))
    )


def check_odd_requests(api: Api, examples: int, number: int) -> None:
    """Send so many odd requests. Raises AssertionError for one that is answered by a 5xx, or not at all."""
    paths = tuple(sorted({path for _, path in routes()}))

    @settings(max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @seed(number)
    @given(odd_requests(paths))
    def check(request: OddRequest) -> None:
        status = status_of(api, request.whole())
        assert 200 <= status < 500, f"{status}: {request}"

    check()


def status_of(api: Api, request: bytes) -> int:
    """Return the status that bytes are answered with. Raises AssertionError where there is none."""
    parts = urlsplit(api.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(request)
        for line in connection.makefile("rb"):
            if line.startswith(b"HTTP/1.") and b" 100 " not in line:
                return int(line.split()[1])
    raise AssertionError(f"no answer to {request[:500]!r}")
