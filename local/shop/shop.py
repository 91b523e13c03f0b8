"""What the shop answers: a page, a checkout that may fail, a health page and its version."""

import asyncio
from collections.abc import Mapping
from random import Random

from aiohttp import web

from local.shop.page import product_page


class Shop:
    """One deployed version. `error_rate` is the fraction of checkouts that answer 500.

    The same seed fails the same checkouts, counted from the start. `latency_ms` is added to the page and to
    each checkout; health and version answer at once. `settings` are shown by name and value at /settings, and one
    of them breaks it: with `SHOP_DATABASE` "unreachable" it is not well.
    """

    def __init__(
        self,
        version: str,
        *,
        error_rate: float = 0.0,
        latency_ms: float = 0.0,
        seed: int = 0,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._version = version
        self._settings = dict(settings or {})
        self._error_rate = error_rate
        self._latency = latency_ms / 1000
        self._random = Random(seed)
        self._page = product_page(version)
        self._orders = 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; every answer names the version in `X-Version`."""
        response = await self._respond(request.method, request.path)
        response.headers["X-Version"] = self._version
        return response

    async def _respond(self, method: str, path: str) -> web.Response:
        match method, path:
            case (("GET" | "HEAD"), "/"):
                await self._take_time()
                return web.Response(text=self._page, content_type="text/html")
            case (("GET" | "HEAD"), "/healthz"):
                return self._tell_health()
            case (("GET" | "HEAD"), "/settings"):
                return web.json_response(self._settings)
            case (("GET" | "HEAD"), "/version"):
                return web.json_response({"version": self._version})
            case (("GET" | "POST"), "/checkout"):
                await self._take_time()
                return self._check_out()
            case _, ("/" | "/healthz" | "/version" | "/settings" | "/checkout"):
                return web.json_response({"error": f"{method} is not allowed here"}, status=405)
            case _:
                return web.json_response({"error": "there is no such page"}, status=404)

    def _tell_health(self) -> web.Response:
        if self._settings.get("SHOP_DATABASE") == "unreachable":
            return web.json_response({"status": "the database cannot be reached"}, status=503)
        return web.json_response({"status": "ok"})

    def _check_out(self) -> web.Response:
        if self._random.random() < self._error_rate:
            return web.json_response({"error": "the payment could not be taken"}, status=500)
        self._orders += 1
        return web.json_response({"order": self._orders, "version": self._version})

    async def _take_time(self) -> None:
        if self._latency > 0:
            await asyncio.sleep(self._latency)
