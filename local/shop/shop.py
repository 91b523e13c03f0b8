"""What the shop answers: a page, a checkout that may fail, a health page and its version."""

import asyncio
from random import Random

from aiohttp import web

from local.shop.page import product_page


class Shop:
    """One deployed version. `error_rate` is the fraction of checkouts that answer 500.

    The same seed fails the same checkouts, counted from the start. `latency_ms` is added to the page and to
    each checkout; health and version answer at once.
    """

    def __init__(self, version: str, *, error_rate: float = 0.0, latency_ms: float = 0.0, seed: int = 0) -> None:
        self._version = version
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
                return web.json_response({"status": "ok"})
            case (("GET" | "HEAD"), "/version"):
                return web.json_response({"version": self._version})
            case (("GET" | "POST"), "/checkout"):
                await self._take_time()
                return self._check_out()
            case _, ("/" | "/healthz" | "/version" | "/checkout"):
                return web.json_response({"error": f"{method} is not allowed here"}, status=405)
            case _:
                return web.json_response({"error": "there is no such page"}, status=404)

    def _check_out(self) -> web.Response:
        if self._random.random() < self._error_rate:
            return web.json_response({"error": "the payment could not be taken"}, status=500)
        self._orders += 1
        return web.json_response({"order": self._orders, "version": self._version})

    async def _take_time(self) -> None:
        if self._latency > 0:
            await asyncio.sleep(self._latency)
