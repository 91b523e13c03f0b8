"""The gateway: a controller that takes up routes a moment after they were written, and an edge that obeys them."""

import asyncio
import socket
import time
from datetime import UTC, datetime
from random import Random
from typing import Any

from aiohttp import web

from local.cloud.keep_alive import Answer
from local.cloud.kubernetes.matching import Asked, deal, find_rule
from local.cloud.kubernetes.services import Services, encode, forward
from local.cloud.kubernetes.store import RouteStore
from local.cloud.meter import Tally

CONTROLLER = "sandbox/gateway"
_LOOK_SECONDS = 0.01
_NO_ROUTE = Answer(404, (("Content-Type", "text/plain"),), b"no route\n")
_NO_BACKEND = Answer(500, (("Content-Type", "text/plain"),), b"no backend has a weight\n")


class Gateway:
    """Serves the routes that it has taken up; what was written since is not yet in force."""

    def __init__(self, store: RouteStore, services: Services, listening: socket.socket, *, seed: int) -> None:
        self.lag_seconds = 0.05
        """How long it takes to see what was written."""
        self.accepts = True
        """Whether it accepts routes; those that it does not are not served."""
        self.traffic: dict[str, Tally] = {}
        """What users met at the edge, by version."""
        self._store = store
        self._services = services
        self._listening = listening
        self.random = Random(seed)
        """Deals requests to backends."""
        self._rules: list[dict[str, Any]] = []
        self._runner: web.ServerRunner | None = None
        self._controller: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up what is there and begin to answer."""
        self._take_up()
        self._controller = asyncio.create_task(self._control())
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=1.0)
        await self._runner.setup()
        await web.SockSite(self._runner, self._listening, backlog=1024).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._controller is not None:
            self._controller.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _control(self) -> None:
        since: float | None = None
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            since = (since or now) if self._has_news() else None
            if since is not None and now - since >= self.lag_seconds:
                self._take_up()

    def _has_news(self) -> bool:
        return any(route.get("status", {}).get("parents") != self._say(route) for route in self._store.all())

    def _take_up(self) -> None:
        """Serve each route that is accepted from now on as it stands now, and say so in its status."""
        rules: list[dict[str, Any]] = []
        for route in self._store.all():
            parents = self._say(route)
            if route.get("status", {}).get("parents") != parents:
                self._store.set_status((route["metadata"]["namespace"], route["metadata"]["name"]), parents)
            if self.accepts:
                rules += route["spec"]["rules"]
        self._rules = rules

    def _say(self, route: dict[str, Any]) -> list[dict[str, Any]]:
        named = {one["name"] for rule in route["spec"]["rules"] for one in rule.get("backendRefs", ())}
        missing = sorted(named - self._services.by_name.keys())
        accepted = ("Accepted", self.accepts, "Accepted" if self.accepts else "NotAllowedByListeners", "")
        message = f"Service {', '.join(missing)} not found" if missing else ""
        resolved = ("ResolvedRefs", not missing, "BackendNotFound" if missing else "ResolvedRefs", message)
        before = {
            (condition["type"], condition["status"], condition["observedGeneration"]): condition
            for parent in route.get("status", {}).get("parents", ())
            for condition in parent["conditions"]
        }
        conditions = []
        for kind, holds, reason, says in (accepted, resolved):
            key = (kind, "True" if holds else "False", route["metadata"]["generation"])
            conditions.append(before.get(key) or _condition(*key, reason, says))
        return [
            {"parentRef": reference, "controllerName": CONTROLLER, "conditions": conditions}
            for reference in route["spec"].get("parentRefs", ())
        ]

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = await self._serve(request)
        version = next((value for name, value in answer.headers if name.lower() == "x-version"), "none")
        tally = self.traffic.setdefault(version, Tally())
        tally.requests += 1
        tally.failures += answer.status >= 500
        return encode(answer, request.method)

    async def _serve(self, request: web.BaseRequest) -> Answer:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Asked(method=request.method, path=request.path, headers=headers, query=dict(request.rel_url.query))
        rule = find_rule(self._rules, asked)
        if rule is None:
            return _NO_ROUTE
        name = deal(rule, self.random)
        service = self._services.by_name.get(name) if name is not None else None
        return _NO_BACKEND if service is None else await forward(service, request)


def _condition(kind: str, status: str, generation: int, reason: str, message: str) -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "observedGeneration": generation,
        "reason": reason,
        "message": message,
        "lastTransitionTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
