"""The data plane of apps: the app's own host divides requests by weight, each revision's host answers for itself.

What users met at the app's own host is credited to the version that answered; requests to a revision's host are
probes: they are in the counts of the revision, but not in the users' traffic.
"""

import asyncio
import socket
import time

from aiohttp import web

from local.cloud.app_routing import AFFINITY, AppRoute, choose_revision
from local.cloud.edge import carry, open_door, suffer, to_response
from local.cloud.faults import SILENT_KINDS, STATUS_KINDS, Faults
from local.cloud.keep_alive import Answer
from local.cloud.ledger import Kind
from local.cloud.live_app import LiveApp
from local.cloud.meter import Tally
from local.cloud.state import PRODUCTION

_NOBODY = Answer(404, (("Content-Type", "text/plain"),), b"404 - this container app is stopped or does not exist.\n")


class Door:
    """Answers requests that come to the app's own host name, or to that of one revision."""

    def __init__(self, app: LiveApp, revision: str | None, faults: Faults) -> None:
        self._app = app
        self._revision = revision
        self._faults = faults

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Route the request, let a process answer it, and count it."""
        started = time.perf_counter()
        route = self._route(request)
        answer = await self._serve(route.revision, request)
        if route.revision is not None:
            self._count(answer, route.revision, took=time.perf_counter() - started)
        response = to_response(answer, request.method)
        if route.pin is not None:
            # No Max-Age: it ends with the browser's session.
            response.headers.add("Set-Cookie", f"{AFFINITY}={route.pin}; Path=/; HttpOnly")
        return response

    def _route(self, request: web.BaseRequest) -> AppRoute:
        if self._revision is not None:
            return AppRoute(self._revision)
        return choose_revision(self._app.state, request.headers.get("Cookie", ""), self._app.random)

    async def _serve(self, revision: str | None, request: web.BaseRequest) -> Answer:
        instance = self._app.instances.get(revision or "")
        if revision is None or instance is None:
            return _NOBODY
        fault = self._faults.take(
            "slot", STATUS_KINDS + SILENT_KINDS, method=request.method, path=request.raw_path, slot=revision
        )
        return await (suffer(fault) if fault is not None else carry(request, instance))

    def _count(self, answer: Answer, revision: str, *, took: float) -> None:
        now, failed = time.time(), answer.status >= 500
        known = self._app.state.revision(revision)
        version = answer.header("X-Version") or (known.deployment.version if known else revision)
        at_edge = self._revision is None
        self._app.meters[revision].count_answer(now, failed=failed, took=took)
        # All revisions have the app's own role in telemetry, and differ by version.
        self._app.ledger.count(now, Kind(PRODUCTION, version, answer.status // 100, at_edge), took)
        if at_edge:
            tally = self._app.traffic.setdefault(version, Tally())
            tally.requests += 1
            tally.failures += failed


class AppPlane:
    """The open doors of one app."""

    def __init__(self, app: LiveApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults
        self._runners: list[web.ServerRunner] = []

    async def open(self, revision: str | None, listening: socket.socket) -> None:
        """Begin to answer for a revision, or with None for the app, on a socket."""
        self._runners.append(await open_door(Door(self._app, revision, self._faults).answer, listening))

    async def close(self) -> None:
        """Stop listening; requests in flight have a second to finish."""
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))
