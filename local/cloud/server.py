"""The management port: reads a call whole, lets an ordered fault spoil it, and hands it to the API it is for."""

import json
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import unquote

from aiohttp import web

from local.cloud.arm import ManagementApi
from local.cloud.container_apps import ContainerAppsApi
from local.cloud.control import ControlApi
from local.cloud.faults import SILENT_KINDS, STATUS_KINDS, Fault, Faults
from local.cloud.http_json import ApiError, JsonCall, Reply
from local.cloud.jobs import JobsApi
from local.cloud.logs import LogsApi
from local.cloud.monitor import MetricsApi

_MOST_BODY_BYTES = 1024 * 1024
_CODES = {
    "403": "AuthorizationFailed",
    "429": "TooManyRequests",
    "500": "InternalServerError",
    "502": "BadGateway",
    "503": "ServiceUnavailable",
    "504": "GatewayTimeout",
}


class ManagementPort:
    """Answers every call on the management port."""

    def __init__(
        self,
        management: ManagementApi,
        jobs: JobsApi,
        apps: ContainerAppsApi,
        metrics: MetricsApi,
        logs: LogsApi,
        control: ControlApi,
        faults: Faults,
    ) -> None:
        self._management = management
        self._jobs = jobs
        self._apps = apps
        self._metrics = metrics
        self._logs = logs
        self._control = control
        self._faults = faults

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one call; what nobody foresaw is a 500 with its trace on standard error."""
        try:
            reply = await self._reply(await _read_call(request))
        except ApiError as error:
            reply = error.reply()
        except Exception:  # noqa: BLE001 - the last line of defence of a server
            traceback.print_exc(file=sys.stderr)
            reply = ApiError(500, "InternalServerError", "the sandbox has a bug: see its standard error").reply()
        return _encode(reply)

    async def _reply(self, call: JsonCall) -> Reply:
        if call.segments[:1] == ["sandbox"]:
            return await self._control.answer(call)
        if call.segments[:1] == ["v1"] and call.segments[-1] == "query" and call.method == "POST":
            return await self._spoiled(call, ("metrics",), self._logs.answer)
        if call.segments[:1] != ["subscriptions"]:
            raise ApiError(404, "NotFound", f"The sandbox does not know {call.method} {call.path}.")
        if call.segments[-1] == "metrics:getbatch" and call.method == "POST":
            return await self._spoiled(call, ("metrics",), self._metrics.answer)
        if JobsApi.knows(call):
            return await self._spoiled(call, ("management",), self._jobs.answer)
        if "microsoft.app" in call.segments:
            return await self._spoiled(call, ("update", "management"), self._apps.answer)
        watches_swap = call.segments[-1] == "slotsswap" or "operationresults" in call.segments
        places = ("swap", "management") if watches_swap else ("management",)
        return await self._spoiled(call, places, self._management.answer)

    async def _spoiled(self, call: JsonCall, places: tuple[str, ...], act: Callable[[JsonCall], Reply]) -> Reply:
        if not call.authorized:
            raise ApiError(
                401,
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
                {"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
        for place in places:
            fault = self._faults.take(place, STATUS_KINDS + SILENT_KINDS, method=call.method, path=call.path)
            if fault is not None:
                if fault.applied:
                    with suppress(ApiError):
                        act(call)
                return await _spoil(fault)
        return act(call)


async def _spoil(fault: Fault) -> Reply:
    if fault.kind in SILENT_KINDS:
        await fault.keep_silent()
        return ApiError(504, "GatewayTimeout", "An ordered fault: the answer came too late.").reply()
    headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after is not None else {}
    return ApiError(int(fault.kind), _CODES[fault.kind], "An ordered fault.", headers).reply()


async def _read_call(request: web.BaseRequest) -> JsonCall:
    path = unquote(request.rel_url.raw_path)
    return JsonCall(
        method=request.method,
        path=path,
        target=request.raw_path,
        host=request.host,
        segments=[part for part in path.lower().split("/") if part],
        query=dict(request.rel_url.query),
        body=await _read_json(request),
        authorized=request.headers.get("Authorization", "").startswith("Bearer "),
    )


async def _read_json(request: web.BaseRequest) -> object:
    if (request.content_length or 0) > _MOST_BODY_BYTES:
        raise ApiError(413, "RequestEntityTooLarge", f"A body must not be over {_MOST_BODY_BYTES} bytes.")
    try:
        body = await request.read()
        return json.loads(body) if body.strip() else None
    except web.HTTPRequestEntityTooLarge as error:
        raise ApiError(413, "RequestEntityTooLarge", f"A body must not be over {_MOST_BODY_BYTES} bytes.") from error
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "InvalidRequestContent", f"The body is not JSON: {error}") from error


def _encode(reply: Reply) -> web.Response:
    if reply.document is None:
        return web.Response(status=reply.status, headers=reply.headers)
    return web.json_response(reply.document, status=reply.status, headers=reply.headers)
