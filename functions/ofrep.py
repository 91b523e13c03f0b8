"""HTTP: OpenFeature's remote evaluation protocol, by which any OpenFeature SDK asks for flags.

A query is passed over here, unlike at our own routes: the protocol lets clients say more in it as it grows.
"""

import json
import logging
from typing import Any, Final

import azure.functions as func

from functions.answers import IN_HEADERS, Reply, encode, too_large
from shared.bootstrap import app
from shared.domain.errors import SlipwayError
from shared.domain.flags.model import Json
from shared.domain.names import EnvironmentName, FlagKey
from shared.settings import EVALUATIONS
from shared.wire.findings import shown
from shared.wire.ofrep import (
    CONTEXT_BYTES_AT_MOST,
    Code,
    Failure,
    failure_of,
    has_tag,
    parse_context,
    whole_seconds,
    write_bulk,
    write_evaluation,
    write_failure,
    write_trouble,
)
from shared.wire.problems import FORBIDDEN, TOO_MANY, UNAUTHORIZED, problem
from shared.wire.web_origins import headers_for

OPERATORS: Final = "an operator"
"""Share one allowance: they evaluate by hand."""

log = logging.getLogger("slipway.http")

blueprint = func.Blueprint()


@blueprint.route(route="ofrep/v1/evaluate/flags", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def evaluate_all_flags(req: func.HttpRequest) -> func.HttpResponse:
    """Return what a context gets of every flag."""
    return _answer(req, None)


@blueprint.route(route="ofrep/v1/evaluate/flags/{*key}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def evaluate_flag(req: func.HttpRequest) -> func.HttpResponse:
    """Return what a context gets of one flag, whose key is the rest of the address."""
    # The platform leaves a slash that a client wrote as %2F as it is, and decodes everything else.
    key = req.route_params.get("key", "").replace("%2F", "/").replace("%2f", "/")
    return _answer(req, key or None)


@blueprint.route(route="ofrep/v1/{*rest}", methods=["OPTIONS"], auth_level=func.AuthLevel.ANONYMOUS)
def allow_web_page(req: func.HttpRequest) -> func.HttpResponse:
    """Tell a browser whether its page may ask for flags."""
    return _sent(req, 204, None, asks_first=True)


def _answer(req: func.HttpRequest, key: str | None) -> func.HttpResponse:
    over = too_large(req, CONTEXT_BYTES_AT_MOST)
    if over is not None:
        return _refused(req, over)
    access = app().access
    environment = access.evaluator(req.headers)
    if environment is None and access.operator(req.headers) is None:
        says = f"send a key for evaluating flags, or an operator's, {IN_HEADERS}"
        return _refused(req, Reply(*problem(FORBIDDEN if access.knows(req.headers) else UNAUTHORIZED, says)))
    wait = app().evaluations.wait_of(environment or OPERATORS)
    if wait > 0:
        says = (
            f"the keys of an environment may ask each worker {app().evaluations.allowance.per_second:g} times a second "
            f"and twice as often for a moment ({EVALUATIONS}); ask again after Retry-After"
        )
        return _refused(req, Reply(*problem(TOO_MANY, says, retryAfter=int(whole_seconds(wait)))))
    context = parse_context(req.get_body())
    if isinstance(context, Failure):
        return _sent(req, 400, write_failure(context, key))
    where = EnvironmentName(environment) if environment is not None else app().flag_environments.named(None)
    try:
        return _all(req, where, context) if key is None else _one(req, where, FlagKey(key), context)
    except SlipwayError as error:
        log.warning("flags of %s cannot be read: %s", where, error)
        return _sent(req, 500, write_trouble())


def _one(req: func.HttpRequest, where: EnvironmentName, key: FlagKey, context: dict[str, Json]) -> func.HttpResponse:
    evaluation = app().evaluations.one(where, key, context)
    if evaluation is None:
        return _sent(req, 404, write_failure(Failure(Code.FLAG_NOT_FOUND, f"there is no flag {shown(key)}"), key))
    return _sent(req, 200 if failure_of(evaluation) is None else 400, write_evaluation(evaluation))


def _all(req: func.HttpRequest, where: EnvironmentName, context: dict[str, Json]) -> func.HttpResponse:
    evaluations, stale_since = app().evaluations.all(where, context)
    stale = {} if stale_since is None else {"staleSince": stale_since.isoformat()}
    body, tag = write_bulk(evaluations, {"environment": where, **stale})
    if has_tag(req.headers.get("If-None-Match"), tag):
        return _sent(req, 304, None, tag)
    return _sent(req, 200, body, tag)


def _refused(req: func.HttpRequest, reply: Reply) -> func.HttpResponse:
    """Say why nobody was heard, so that a page can read it too."""
    response = encode(reply)
    for name, value in headers_for(req.headers, app().web_origins, methods="POST", asks_first=False).items():
        response.headers[name] = value
    return response


def _sent(
    req: func.HttpRequest, status: int, body: dict[str, Any] | bytes | None, tag: str = "", *, asks_first: bool = False
) -> func.HttpResponse:
    headers = headers_for(req.headers, app().web_origins, methods="POST", asks_first=asks_first)
    headers |= {"Cache-Control": "no-store" if not tag else "private, no-cache"} | ({"ETag": tag} if tag else {})
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body, ensure_ascii=False)
    return func.HttpResponse(content, status_code=status, headers=headers, mimetype="application/json")
