"""The data plane: what users talk to. Each slot has a listener; production's divides traffic by the rules.

Requests are carried to the process that the slot holds at that moment and are finished by it, whatever is swapped
or deployed meanwhile. Every answer is credited to the slot, as App Service's metrics are; what users met at the
edge is credited to the version that answered. A request that names its place in the query string, or comes to a
slot's own host, is a probe: it is in the slot's metrics but not in the users' traffic.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from multidict import CIMultiDict

from local.cloud.faults import SILENT_KINDS, STATUS_KINDS, Fault, Faults
from local.cloud.instance import DownError, Instance
from local.cloud.keep_alive import Answer, encode_request
from local.cloud.ledger import Kind
from local.cloud.live_site import LiveSite
from local.cloud.meter import Tally
from local.cloud.routing import COOKIE, PIN_SECONDS, Route, choose_route
from local.cloud.state import PRODUCTION

Answerer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length")
)
_STOPPED = Answer(403, (("Content-Type", "text/plain"),), b"403 - this web app is stopped.\n")
_DOWN = Answer(503, (("Content-Type", "text/plain"),), b"503 - the application is starting.\n")
_BROKE_OFF = Answer(502, (("Content-Type", "text/plain"),), b"502 - the application broke off its answer.\n")


class Listener:
    """Answers requests that come to one slot's host name."""

    def __init__(self, site: LiveSite, slot: str, faults: Faults) -> None:
        self._site = site
        self._slot = slot
        self._faults = faults

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Route the request, let a process answer it, and count it."""
        started = time.perf_counter()
        route = self._route(request)
        answer = await self._serve(route.slot, request)
        self._count(answer, route, took=time.perf_counter() - started)
        return self._encode(answer, route, request.method)

    def _route(self, request: web.BaseRequest) -> Route:
        if self._slot != PRODUCTION:
            return Route(self._slot)
        cookie = request.headers.get("Cookie", "")
        return choose_route(self._site.state, request.raw_path, cookie, self._site.random)

    async def _serve(self, slot_name: str, request: web.BaseRequest) -> Answer:
        slot = self._site.state.slot(slot_name)
        if slot is None or not slot.running:
            return _STOPPED
        fault = self._faults.take(
            "slot", STATUS_KINDS + SILENT_KINDS, method=request.method, path=request.raw_path, slot=slot_name
        )
        if fault is not None:
            return await suffer(fault)
        return await carry(request, self._site.instances[slot_name])

    def _count(self, answer: Answer, route: Route, *, took: float) -> None:
        now, failed = time.time(), answer.status >= 500
        version = answer.header("X-Version") or self._site.instances[route.slot].deployment.version
        at_edge = self._slot == PRODUCTION and not route.forced
        self._site.meters[route.slot].count_answer(now, failed=failed, took=took)
        self._site.ledger.count(now, Kind(route.slot, version, answer.status // 100, at_edge), took)
        if at_edge:
            self._count_traffic(version, failed=failed)

    def _count_traffic(self, version: str, *, failed: bool) -> None:
        tally = self._site.traffic.setdefault(version, Tally())
        tally.requests += 1
        tally.failures += failed

    def _encode(self, answer: Answer, route: Route, method: str) -> web.Response:
        response = to_response(answer, method)
        if route.pin is not None:
            response.headers.add("Set-Cookie", f"{COOKIE}={route.pin}; path=/; Max-Age={PIN_SECONDS}")
            if not route.forced:
                self._site.meters[route.slot].count_pin(time.time())
        return response


async def carry(request: web.BaseRequest, instance: Instance) -> Answer:
    """Let a process answer a request; 503 while it is down, and 502 when it breaks off."""
    headers = ((name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP)
    body = await request.read() if request.body_exists else b""
    message = encode_request(request.method, request.raw_path, headers, body)
    try:
        return await instance.exchange(message, bodiless=request.method == "HEAD")
    except DownError:
        return _DOWN
    except OSError:
        return _BROKE_OFF


def to_response(answer: Answer, method: str) -> web.Response:
    """Return a process's answer as the edge passes it on."""
    headers = CIMultiDict(
        (name, value)
        for name, value in answer.headers
        if name.lower() not in _HOP_BY_HOP or (method == "HEAD" and name.lower() == "content-length")
    )
    return web.Response(status=answer.status, headers=headers, body=answer.body)


async def open_door(answer: Answerer, listening: socket.socket) -> web.ServerRunner:
    """Begin to answer what comes to a socket; the runner's `cleanup` ends it."""
    runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=1.0)
    await runner.setup()
    await web.SockSite(runner, listening, backlog=1024).start()
    return runner


async def suffer(fault: Fault) -> Answer:
    """Return what an ordered fault answers, when it does."""
    if fault.kind in SILENT_KINDS:
        await fault.keep_silent()
        return Answer(504, (), b"504 - an ordered fault.\n")
    headers = (("Retry-After", str(fault.retry_after)),) if fault.retry_after is not None else ()
    return Answer(int(fault.kind), headers, f"{fault.kind} - an ordered fault.\n".encode())


class DataPlane:
    """The listeners of one site, each on the socket that its slot has."""

    def __init__(self, site: LiveSite, sockets: dict[str, socket.socket], faults: Faults) -> None:
        self._site = site
        self._sockets = sockets
        self._faults = faults
        self._runners: list[web.ServerRunner] = []

    async def start(self) -> None:
        """Begin to answer."""
        for name, listening in self._sockets.items():
            self._runners.append(await open_door(Listener(self._site, name, self._faults).answer, listening))

    async def stop(self) -> None:
        """Stop listening; requests in flight have a second to finish."""
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))
