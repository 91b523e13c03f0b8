"""The Services behind the gateway: each a real shop process, with a host name of its own past the gateway."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from multidict import CIMultiDict

from local.cloud.instance import DownError, Instance
from local.cloud.keep_alive import Answer, encode_request
from local.cloud.ports import port_of
from local.cloud.state import Deployment

HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length")
)
_DOWN = Answer(503, (("Content-Type", "text/plain"),), b"no healthy upstream\n")


@dataclass(slots=True)
class Service:
    """A name under which a version of the shop can be reached."""

    name: str
    listening: socket.socket
    instance: Instance

    @property
    def host(self) -> str:
        """The host name, with its port, at which this Service alone answers."""
        return f"127.0.0.1:{port_of(self.listening)}"


class Services:
    """The Services by name. `changed` is told after each deployment."""

    def __init__(self, services: dict[str, Service], seed: int, changed: Callable[[], None]) -> None:
        self.by_name = services
        self._seed = seed
        self._changed = changed
        self._runners: list[web.ServerRunner] = []

    async def start(self) -> None:
        """Bring up the processes and answer at their host names. Raises `StartError`."""
        await asyncio.gather(*(service.instance.start() for service in self.by_name.values()))
        for service in self.by_name.values():
            runner = web.ServerRunner(web.Server(self._answer_for(service), access_log=None), shutdown_timeout=1.0)
            await runner.setup()
            self._runners.append(runner)
            await web.SockSite(runner, service.listening).start()

    async def stop(self) -> None:
        """End them all."""
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))
        await asyncio.gather(*(service.instance.stop() for service in self.by_name.values()))

    async def deploy(self, service: Service, deployment: Deployment) -> None:
        """Replace what a Service serves, once the new version is healthy. Raises `StartError`: the old one stays."""
        fresh = Instance(deployment, seed=self._seed)
        await fresh.start()
        replaced, service.instance = service.instance, fresh
        self._changed()
        await replaced.stop(drain=True)

    def _answer_for(self, service: Service) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return encode(await forward(service, request), request.method)

        return answer


async def forward(service: Service, request: web.BaseRequest) -> Answer:
    """Let a Service answer a request."""
    headers = ((name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP)
    body = await request.read() if request.body_exists else b""
    message = encode_request(request.method, request.raw_path, headers, body)
    try:
        return await service.instance.exchange(message, bodiless=request.method == "HEAD")
    except (DownError, OSError):
        return _DOWN


def encode(answer: Answer, method: str) -> web.Response:
    """Return the answer as the server sends it."""
    headers = CIMultiDict(
        (name, value)
        for name, value in answer.headers
        if name.lower() not in HOP_BY_HOP or (method == "HEAD" and name.lower() == "content-length")
    )
    return web.Response(status=answer.status, headers=headers, body=answer.body)
