"""The Event Grid webhook: handshakes, and one call of the function for each event.

`POST /runtime/webhooks/EventGrid?functionName=NAME&code=KEY` as Azure's extension serves it, for events in
Event Grid's own schema and in CloudEvents 1.0.
"""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum

from local.hosting.function_index import IndexedFunction
from local.hosting.function_runner import FunctionRunner
from local.hosting.http_functions import presented_key
from local.hosting.invocation import Invocation
from local.hosting.keys import HostKeys

PATH = "/runtime/webhooks/eventgrid"


class EventGridWebhook:
    """Answers Event Grid for the functions that Event Grid triggers fire."""

    def __init__(self, functions: Iterable[IndexedFunction], keys: HostKeys, runner: FunctionRunner) -> None:
        self._functions = {each.name.lower(): each for each in functions}
        self._keys = keys
        self._runner = runner

    async def answer(self, request: web.Request) -> web.Response:
        """401 without the key, 404 for an unknown function, 500 when a call fails: Event Grid sends again."""
        if not self._keys.admits_event_grid(presented_key(request)):
            return web.Response(status=401)
        function = self._functions.get(request.query.get("functionName", "").lower())
        if function is None:
            return web.Response(status=404, text="cannot find the function")
        if request.method == "OPTIONS":
            return _allow_origin(request)
        if request.method != "POST":
            return web.Response(status=405)
        return await self._take(function, request)

    async def _take(self, function: IndexedFunction, request: web.Request) -> web.Response:
        try:
            events = _events(await request.read())
        except ValueError as error:
            return web.Response(status=400, text=str(error))
        match request.headers.get("aeg-event-type", "").lower():
            case "subscriptionvalidation":
                return _confirm_subscription(events)
            case "notification":
                return await self._call(function, events)
            case "unsubscribe":
                return web.Response(status=202)
            case _:
                return web.Response(status=400, text="the header aeg-event-type is missing or unknown")

    async def _call(self, function: IndexedFunction, events: list[dict[str, Any]]) -> web.Response:
        calls = [
            asyncio.wrap_future(self._runner.start(function, Invocation(Datum(json.dumps(event), "json"))))
            for event in events
        ]
        await asyncio.wait(calls)
        failed = any(call.exception() is not None for call in calls)
        return web.Response(status=500 if failed else 202)


def _allow_origin(request: web.Request) -> web.Response:
    """Answer the abuse protection of the CloudEvents webhook specification."""
    origin = request.headers.get("WebHook-Request-Origin")
    if origin is None:
        return web.Response(status=400, text="the header WebHook-Request-Origin is missing")
    return web.Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})


def _confirm_subscription(events: list[dict[str, Any]]) -> web.Response:
    match events:
        case [{"data": {"validationCode": str(code)}}]:
            return web.json_response({"validationResponse": code})
        case _:
            return web.Response(status=400, text="data.validationCode is missing")


def _events(body: bytes) -> list[dict[str, Any]]:
    """Read one event or an array of them. Raises `ValueError` for anything else."""
    try:
        document = json.loads(body)
    except RecursionError as error:
        raise ValueError("the body is nested too deeply") from error
    events = document if isinstance(document, list) else [document]
    if not events or not all(isinstance(event, dict) for event in events):
        raise ValueError("the body must be an event or an array of events")
    return events
