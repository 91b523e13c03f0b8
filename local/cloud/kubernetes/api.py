"""The Kubernetes API, as far as HTTPRoutes go: get, list, create, replace, JSON Patch, delete, with a bearer token.

Same paths, statuses and `Status` bodies as the real one; what it does not know it refuses.
"""

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from local.cloud.kubernetes.faults import Trouble, Troubles
from local.cloud.kubernetes.json_patch import MalformedPatchError, PatchError, apply_patch
from local.cloud.kubernetes.store import API_VERSION, Key, RefusedError, RouteStore

_HOME = ["apis", "gateway.networking.k8s.io", "v1", "namespaces"]
_REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    409: "Conflict",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call, read whole."""

    method: str
    namespace: str
    name: str | None
    manager: str
    media_type: str
    body: bytes

    @property
    def key(self) -> Key:
        """The route that it is about."""
        if self.name is None:
            raise RefusedError(405, "MethodNotAllowed", f"{self.method} is not for all routes at once")
        return self.namespace, self.name


class KubernetesApi:
    """Answers calls on the API port."""

    def __init__(self, store: RouteStore, troubles: Troubles, token: str) -> None:
        self._store = store
        self._troubles = troubles
        self._token = token

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one call."""
        try:
            if request.headers.get("Authorization") != f"Bearer {self._token}":
                raise RefusedError(401, "Unauthorized", "Unauthorized")
            call = await _read(request)
            trouble = self._troubles.take(request.method)
            if trouble is None:
                return web.json_response(self._carry_out(call), status=201 if call.method == "POST" else 200)
            return self._spoil(trouble, call, request)
        except RefusedError as error:
            return _status(error.status, error.reason, str(error))

    def _spoil(self, trouble: Trouble, call: Call, request: web.BaseRequest) -> web.StreamResponse:
        if trouble.kind == "overtaken":
            other = json.dumps(trouble.patch).encode()
            self._patch(Call("PATCH", call.namespace, call.name, trouble.manager, call.media_type, other))
            return web.json_response(self._carry_out(call))
        if trouble.applied:
            self._carry_out(call)
        if trouble.kind == "drop":
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if trouble.kind == "garbage":
            return web.Response(text="<html>a proxy's own page</html>", content_type="text/html")
        status = int(trouble.kind)
        answer = _status(status, _REASONS.get(status, "InternalError"), "an ordered fault")
        if trouble.retry_after is not None:
            answer.headers["Retry-After"] = str(trouble.retry_after)
        return answer

    def _carry_out(self, call: Call) -> dict[str, Any]:
        match call.method:
            case "GET" if call.name is None:
                items = self._store.all(call.namespace)
                return {"apiVersion": API_VERSION, "kind": "HTTPRouteList", "metadata": {}, "items": items}
            case "GET":
                return self._store.get(call.key)
            case "POST" if call.name is None:
                wanted = _parse(call.body)
                name = (wanted.get("metadata") or {}).get("name")
                if not isinstance(name, str):
                    raise RefusedError(422, "Invalid", "metadata.name: Required value")
                return self._store.create((call.namespace, name), wanted, call.manager)
            case "PUT":
                return self._store.replace(call.key, _parse(call.body), call.manager)
            case "PATCH":
                return self._patch(call)
            case "DELETE":
                self._store.delete(call.key)
                return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
            case _:
                raise RefusedError(405, "MethodNotAllowed", f"the server does not allow {call.method} here")

    def _patch(self, call: Call) -> dict[str, Any]:
        if call.media_type != "application/json-patch+json":
            raise RefusedError(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
        try:
            wanted = apply_patch(self._store.get(call.key), json.loads(call.body))
        except (ValueError, MalformedPatchError) as error:
            raise RefusedError(400, "BadRequest", str(error)) from error
        except PatchError as error:
            raise RefusedError(422, "Invalid", str(error)) from error
        return self._store.replace(call.key, wanted, call.manager)


async def _read(request: web.BaseRequest) -> Call:
    segments = [part for part in request.path.split("/") if part]
    match segments:
        case [*home, namespace, "httproutes"] if home == _HOME:
            name = None
        case [*home, namespace, "httproutes", str(name)] if home == _HOME:
            pass
        case _:
            raise RefusedError(404, "NotFound", "the server could not find the requested resource")
    agent = request.headers.get("User-Agent", "unknown").partition("/")[0]
    return Call(
        method=request.method,
        namespace=namespace,
        name=name,
        manager=request.rel_url.query.get("fieldManager") or agent,
        media_type=request.headers.get("Content-Type", "").partition(";")[0].strip(),
        body=await request.read(),
    )


def _parse(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise RefusedError(400, "BadRequest", f"the object provided is unrecognized: {error}") from error
    if not isinstance(document, dict):
        raise RefusedError(400, "BadRequest", "the object provided is unrecognized: it is no object")
    return document


def _status(status: int, reason: str, message: str) -> web.Response:
    document = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": status,
    }
    return web.json_response(document, status=status)
