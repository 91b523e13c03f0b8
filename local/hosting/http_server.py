"""The loopback HTTP server of the host, on an event loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HttpServer:
    """Serves every request with one handler, from `start` until `stop`."""

    def __init__(self, answer: Answer, *, address: str, port: int, body_limit: int, grace: float) -> None:
        """`port` 0 takes a free one; a body over `body_limit` bytes is answered 413; `grace` in seconds."""
        self._application = web.Application(client_max_size=body_limit)
        self._application.router.add_route("*", r"/{path:[\s\S]*}", answer)  # a path may hold %0A
        self._address = address
        self._wanted_port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="http", daemon=True)
        self._grace = grace
        # A compressed body reaches a function as it came, as on Azure.
        self._runner = web.AppRunner(self._application, access_log=None, shutdown_timeout=grace, auto_decompress=False)

    def start(self) -> int:
        """Listen, and return the port. Raises `OSError` when it is taken."""
        self._thread.start()
        return asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(timeout=30)

    def stop(self) -> None:
        """Refuse new connections and give open requests the grace. Safe to repeat."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(timeout=self._grace + 10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.close()

    async def _listen(self) -> int:
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._address, self._wanted_port, reuse_address=True)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port
