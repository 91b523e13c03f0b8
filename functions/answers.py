"""What every HTTP trigger does alike: ask for a key, call, and answer in JSON, errors as problem details."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import azure.functions as func

from shared.bootstrap import app
from shared.domain.errors import InvalidError, Problem, SlipwayError, UnknownError
from shared.domain.names import ApplicationName
from shared.wire.addresses import application_in
from shared.wire.findings import shown
from shared.wire.json_source import MAX_BODY_BYTES
from shared.wire.problems import FORBIDDEN, NOT_FOUND, TOO_LARGE, UNAUTHORIZED, problem, problem_headers, problem_of
from shared.wire.query import check_query

log = logging.getLogger("slipway.http")


@dataclass(frozen=True, slots=True)
class Reply:
    """A status with a JSON body."""

    status: int
    body: Mapping[str, object]
    location: str | None = None
    etag: str | None = None


Handler = Callable[[func.HttpRequest, str], Reply]
"""Takes the request and the name of who asks."""


@dataclass(frozen=True, slots=True)
class Door:
    """Who may ask at a route, and how."""

    who: Callable[[], str | None]
    """Returns the name of who asks; None for nobody who may."""
    expects: str
    """What is told to nobody who may: which key, and where this very route looks for it."""
    known: Callable[[], bool] = lambda: False
    """Whether nobody who may has sent a key of this app all the same, one that is good for something else: that is told
    as 403. By default every key that opens nothing is a 401, as where one credential is asked for and no other."""
    takes: tuple[str, ...] = ()
    """The parameters that the route's query may have."""
    at_most: int = MAX_BODY_BYTES
    """So many bytes a body may have."""


IN_HEADERS: Final = "as Authorization: Bearer KEY or X-API-Key: KEY"


def for_operators(
    request: func.HttpRequest, handler: Handler, *, takes: tuple[str, ...] = (), at_most: int = MAX_BODY_BYTES
) -> func.HttpResponse:
    """Answer a request that needs an operator's key. `takes` are the parameters of its query."""
    expects = f"send an operator's key {IN_HEADERS}"
    access = app().access
    door = Door(
        lambda: access.operator(request.headers), expects, lambda: access.knows(request.headers), takes, at_most
    )
    return answer(request, handler, door)


def for_source(request: func.HttpRequest, source: str, handler: Handler) -> func.HttpResponse:
    """Answer a request that an event source may make with its own key, also as `?code=`."""
    code = request.params.get("code")
    expects = (
        f"send an operator's key {IN_HEADERS}; the key of the source {shown(source)} is good here too, "
        "in these headers or as ?code=KEY"
    )
    access = app().access
    door = Door(
        lambda: access.source(source, request.headers, code),
        expects,
        lambda: access.knows(request.headers, code),
        ("code",),
    )
    return answer(request, handler, door)


def answer(request: func.HttpRequest, handler: Handler, door: Door) -> func.HttpResponse:
    """Let in who may come in, and answer.

    A body that is too long is told first, before anybody reads it: keys and signatures may stand in bodies. What else
    is wrong with a request is told to who has a key only.
    """
    try:
        over = too_large(request, door.at_most)
        if over is not None:
            return encode(over)
        caller = door.who()
        if caller is None:
            return encode(Reply(*problem(FORBIDDEN if door.known() else UNAUTHORIZED, door.expects)))
        check_query(request.url, door.takes)
        return encode(handler(request, caller))
    except UnknownError as error:
        return encode(missing(str(error)))
    except SlipwayError as error:
        log.warning("%s %s: %s", request.method, request.url.partition("?")[0], error)
        return encode(Reply(*problem_of(error)))


def named_application(request: func.HttpRequest) -> ApplicationName:
    """Return the application that the address names. Raises `UnknownError` for what is no name."""
    text = request.route_params["application"]
    name = application_in(text)
    if name is None:
        raise UnknownError(f"there is no application {shown(text)}: no application can have this name")
    return name


def after_in(request: func.HttpRequest) -> int:
    """Return the sequence number that a page of history begins after. Raises `InvalidError` for what is none."""
    text = request.params.get("after") or "0"
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidError(Problem("after", f"found {text[:40]!r}; allowed is a sequence number, 0 or more"))
    return int(text)


def missing(what: str) -> Reply:
    """Say that there is no such thing."""
    return Reply(*problem(NOT_FOUND, what))


def new_id() -> str:
    """Return an id for a request that brought none."""
    return uuid4().hex


def too_large(request: func.HttpRequest, at_most: int = MAX_BODY_BYTES) -> Reply | None:
    """Say that the body is too long, where it is."""
    size = len(request.get_body())
    if size <= at_most:
        return None
    return Reply(*problem(TOO_LARGE, f"the body has {size} bytes, at most {at_most} are read"))


def encode(reply: Reply) -> func.HttpResponse:
    """Return the reply as the host wants it."""
    headers = {"Cache-Control": "no-store"}
    if reply.location:
        headers["Location"] = reply.location
    if reply.etag:
        headers["ETag"] = reply.etag
    if reply.status >= 400:
        headers |= problem_headers(dict(reply.body))
    if reply.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    mimetype = headers.pop("Content-Type", "application/json")
    return func.HttpResponse(
        json.dumps(reply.body, ensure_ascii=False), status_code=reply.status, headers=headers, mimetype=mimetype
    )
