"""HTTP triggers: which function a request belongs to, and its way in and out.

Like Azure's host, a known route asked with a method that it does not take answers 404, not 405: there
the method is a constraint of the route. Requests reach functions as that host hands them over: header
names in lower case, repeated query parameters joined by a comma, empty ones left out. One kindness more
than Azure: a chunked body arrives, where the real host drops a body that has no `Content-Length`.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from aiohttp import web
from azure.functions.meta import Datum
from multidict import CIMultiDict

from local.hosting.function_index import IndexedFunction, IndexingError
from local.hosting.function_runner import FunctionRunner
from local.hosting.invocation import Invocation
from local.hosting.keys import HostKeys
from local.hosting.route_template import RouteTemplate

_RESERVED = ("admin", "runtime")
_HOP_BY_HOP = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class _Route:
    template: RouteTemplate
    methods: frozenset[str] | None
    auth_level: str
    function: IndexedFunction


class HttpFunctions:
    """Answers requests with the functions that HTTP triggers fire."""

    def __init__(
        self, functions: Iterable[IndexedFunction], prefix: str, keys: HostKeys, runner: FunctionRunner
    ) -> None:
        """Raises `IndexingError` for a route that is malformed, reserved, taken or never reached."""
        # Azure asks routes by the names of their functions, and no more literal one first (azure-functions-host#9876).
        self._routes = sorted((_route(each, prefix) for each in functions), key=lambda route: route.function.name)
        _refuse_conflicts(self._routes)
        _refuse_hidden(self._routes)
        self._keys = keys
        self._runner = runner

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Route, authorise, call and encode. An exception in a function is a 500 without a body."""
        segments = _path_segments(request.rel_url.raw_path)
        if segments is None or not _is_text(request.headers.values()):
            return web.Response(status=400)
        found = self._find(request.method, segments)
        if found is None:
            return web.Response(status=404)
        route, parameters = found
        if not self._keys.admits(route.auth_level, presented_key(request)):
            return web.Response(status=401)
        call = asyncio.wrap_future(self._runner.start(route.function, await _invocation(request, parameters)))
        await asyncio.wait([call])
        # What the function raised is in the log already; the caller learns nothing of it, as on Azure.
        return web.Response(status=500) if call.exception() is not None else _response(call.result())

    def _find(self, method: str, segments: list[str]) -> tuple[_Route, dict[str, str]] | None:
        for route in self._routes:
            if route.methods is None or method in route.methods:
                parameters = route.template.match(segments)
                if parameters is not None:
                    return route, parameters
        return None


def presented_key(request: web.Request) -> str | None:
    """Return the access key of a request: the header `x-functions-key`, else the parameter `code`."""
    return request.headers.get("x-functions-key") or request.query.get("code")


def _route(function: IndexedFunction, prefix: str) -> _Route:
    options = function.trigger.options
    text = (options.get("route") or function.name).strip("/")
    if text.lower().startswith(_RESERVED):
        raise IndexingError(f"function {function.name}: routes below {_RESERVED} belong to the host")
    try:
        template = RouteTemplate(f"{prefix}/{text}")
    except ValueError as error:
        raise IndexingError(f"function {function.name}: {error}") from error
    methods = options.get("methods")
    return _Route(
        template,
        frozenset(method.upper() for method in methods) if methods else None,
        options.get("authLevel") or "function",
        function,
    )


def _refuse_conflicts(routes: list[_Route]) -> None:
    for index, route in enumerate(routes):
        for other in routes[:index]:
            same = route.template.text.lower() == other.template.text.lower()
            if same and (not route.methods or not other.methods or route.methods & other.methods):
                raise IndexingError(
                    f"function {route.function.name}: route {route.template.text!r} is that of "
                    f"{other.function.name} too"
                )


def _refuse_hidden(routes: list[_Route]) -> None:
    """Refuse a literal route that an earlier function's route fits too: Azure would never ask its function."""
    for index, route in enumerate(routes):
        path = route.template.text.split("/")
        for other in routes[:index]:
            hides = "{" not in route.template.text and other.template.match(path) is not None
            if hides and (not route.methods or not other.methods or route.methods & other.methods):
                raise IndexingError(
                    f"function {route.function.name}: {other.function.name}, whose name comes first, takes its route "
                    f"{route.template.text!r} too, by {other.template.text!r}"
                )


def _path_segments(raw_path: str) -> list[str] | None:
    """Decode a path as Kestrel does: `%2F` stays as it is; None for bytes that are no text."""
    path = raw_path.removeprefix("/").removesuffix("/").replace("%2F", "%252F").replace("%2f", "%252f")
    try:
        decoded = [unquote(segment, errors="strict") for segment in path.split("/")] if path else []
    except UnicodeDecodeError:
        return None
    return None if any("\0" in segment for segment in decoded) else decoded


def _is_text(values: Iterable[str]) -> bool:
    """Say whether all header values were UTF-8; Kestrel refuses a request where one is not."""
    return not any("\udc80" <= character <= "\udcff" for value in values for character in value)


async def _invocation(request: web.Request, parameters: dict[str, str]) -> Invocation:
    headers = CIMultiDict(request.headers)
    datum = Datum(
        {
            "method": Datum(request.method, "string"),
            "url": Datum(f"{request.scheme}://{request.host}{request.raw_path}", "string"),
            "headers": {name.lower(): Datum(",".join(headers.getall(name)), "string") for name in headers},
            "query": _strings(_query(request.rel_url.raw_query_string)),
            "params": _strings(parameters),
            "body": Datum(await request.read(), "bytes"),
        },
        "http",
    )
    return Invocation(datum, trace_parent=request.headers.get("traceparent", ""))


def _query(raw: str) -> dict[str, str]:
    """Join repeated parameters, whose names compare without case, and drop empty ones."""
    values: dict[str, str] = {}
    names: dict[str, str] = {}
    for name, value in parse_qsl(raw, keep_blank_values=True):
        known = names.setdefault(name.lower(), name)
        values[known] = f"{values[known]},{value}" if known in values else value
    return {name: value for name, value in values.items() if value}


def _strings(values: dict[str, str]) -> dict[str, Any]:
    return {name: Datum(value, "string") for name, value in values.items()}


def _response(returned: Any) -> web.Response:
    if returned.type == "string":
        return web.Response(text=returned.value)
    value = returned.value
    headers = CIMultiDict(
        (name, each.value) for name, each in value["headers"].items() if name.lower() not in _HOP_BY_HOP
    )
    for cookie in value["cookies"] or ():
        for morsel in cookie.values():
            headers.add("Set-Cookie", morsel.OutputString())
    return web.Response(status=int(value["status_code"].value), headers=headers, body=value["body"].value)
