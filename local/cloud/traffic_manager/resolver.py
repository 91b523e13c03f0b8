"""Users who come by a profile's DNS name: their resolvers keep an answer for its life, then they talk to that host."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from itertools import cycle, islice

from local.cloud.keep_alive import KeepAliveClient, encode_request
from local.cloud.meter import Tally

_SECONDS = 30.0


class NoSuchNameError(Exception):
    """The name leads to nobody."""


class NameServer:
    """The sandbox's name server, asked over HTTP."""

    def __init__(self, management: str) -> None:
        """`management` is the sandbox's address, http://127.0.0.1:port."""
        self._client = KeepAliveClient(_port(management.removeprefix("http://")), timeout=_SECONDS)

    async def ask(self, name: str) -> tuple[str, float]:
        """Return a host for a name and for how many seconds that is so. Raises `NoSuchNameError` or `OSError`."""
        answer = await self._client.exchange(encode_request("GET", f"/sandbox/dns/{name}", [("Host", "dns")]))
        if answer.status == 404:
            raise NoSuchNameError(name)
        if answer.status != 200:
            raise OSError(f"the name server answered {answer.status}")
        document = json.loads(answer.body)
        return str(document["host"]), float(document["ttl"])

    def close(self) -> None:
        """Let its connections go."""
        self._client.close()


class Resolver:
    """A resolver with the users behind it: all of them get the same answer for as long as it lives."""

    def __init__(self, server: NameServer, clock: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._clock = clock
        self._kept: dict[str, tuple[str, float]] = {}

    async def resolve(self, name: str) -> str:
        """Return the host for a name, from memory while the answer lives. Raises as `NameServer.ask` does."""
        host, until = self._kept.get(name, ("", 0.0))
        asked_at = self._clock()
        if asked_at < until:
            return host
        host, ttl = await self._server.ask(name)
        self._kept[name] = (host, asked_at + ttl)
        return host


async def send_users(
    resolvers: Iterable[Resolver], name: str, *, requests: int, path: str = "/checkout", at_once: int = 16
) -> dict[str, Tally]:
    """Send so many requests, one user of each resolver after the other, and return what each version answered.

    Raises `NoSuchNameError` or `OSError` at the first that finds nobody.
    """
    clients: dict[str, KeepAliveClient] = {}
    versions: dict[str, Tally] = {}
    turns = iter(islice(cycle(resolvers), requests))

    async def work() -> None:
        for resolver in turns:
            host = await resolver.resolve(name)
            client = clients.setdefault(host, KeepAliveClient(_port(host), timeout=_SECONDS))
            answer = await client.exchange(encode_request("GET", path, [("Host", name)]))
            tally = versions.setdefault(answer.header("X-Version") or "none", Tally())
            tally.requests += 1
            tally.failures += answer.status >= 500

    try:
        await asyncio.gather(*(work() for _ in range(at_once)))
    finally:
        for client in clients.values():
            client.close()
    return versions


def _port(host: str) -> int:
    address, _, port = host.partition(":")
    if address != "127.0.0.1" or not port.isdigit():
        raise OSError(f"{host} is not a host of the sandbox")
    return int(port)
