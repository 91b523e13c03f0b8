"""Users who come all along, one after the other at a steady pace, and remember what they met.

They are on the outside of everything: what they count is what a router really did, and whether it failed anybody. Where
a release is judged by observations that are pushed, they push what they counted, as a proxy would.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from local.cloud.keep_alive import KeepAliveClient, encode_request
from local.cloud.traffic_manager.resolver import NoSuchNameError
from tests.sandbox import fetch

WINDOW = 5
NOBODY = "nobody"
"""The version of an answer that no version gave."""
_ANSWER_SECONDS = 10.0
_PUSH_AFTER = 0.2
_AT_ONCE = 16

Find = Callable[[], Awaitable[str]]
"""Says which host, with its port, the next user goes to."""


@dataclass(frozen=True, slots=True)
class Met:
    """One answer: when it was complete, by which version, and how long it took in seconds."""

    at: float
    version: str
    failed: bool
    took: float


class SteadyUsers:
    """Users of one application, on a thread of their own."""

    def __init__(self, find: Find, *, rps: float, at_the_end: Callable[[], None] = lambda: None) -> None:
        """`at_the_end` puts away what `find` holds."""
        self._find = find
        self._at_the_end = at_the_end
        self._rps = rps
        self._clients: dict[str, KeepAliveClient] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="users", daemon=True)
        self.met: list[Met] = []

    @contextmanager
    def coming(self) -> Iterator["SteadyUsers"]:
        """Let them come while inside."""
        self._thread.start()
        coming = asyncio.run_coroutine_threadsafe(self._come(), self._loop)
        try:
            yield self
        finally:
            coming.cancel()
            asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(timeout=30)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=10)
            self._loop.close()

    def push_to(self, url: str, key: str, application: str) -> None:
        """Push what each window brought, from now on, to Slipway at `url`."""
        asyncio.run_coroutine_threadsafe(self._push(url, key, application), self._loop)

    def send(self, requests: int) -> Counter[str]:
        """Send so many more at once, as fast as is sensible; return how many each version answered."""

        async def send() -> Counter[str]:
            seen: Counter[str] = Counter()
            for _ in range(requests // _AT_ONCE):
                seen.update(met.version for met in await self._together())
            return seen

        return asyncio.run_coroutine_threadsafe(send(), self._loop).result(timeout=60)

    def served(self, since: float = 0.0) -> Counter[str]:
        """Return how many answers each version gave after a moment of `time.time()`."""
        return Counter(met.version for met in self.met if met.at > since)

    def failed(self) -> Counter[str]:
        """Return how many answers of each version were failures; those that no version gave are `NOBODY`'s."""
        return Counter(met.version for met in self.met if met.failed)

    async def _together(self) -> list[Met]:
        return list(await asyncio.gather(*(self._visit() for _ in range(_AT_ONCE))))

    async def _come(self) -> None:
        async with asyncio.TaskGroup() as group:
            turn = self._loop.time()
            while True:
                group.create_task(self._visit())
                turn += 1 / self._rps
                await asyncio.sleep(max(turn - self._loop.time(), 0.0))

    async def _visit(self) -> Met:
        began = time.time()
        try:
            host = await self._find()
            if host not in self._clients:
                self._clients[host] = KeepAliveClient(int(host.rpartition(":")[2]), timeout=_ANSWER_SECONDS)
            answer = await self._clients[host].exchange(encode_request("GET", "/checkout", [("Host", host)]))
            version, failed = answer.header("X-Version") or NOBODY, answer.status >= 500
        except (OSError, NoSuchNameError):
            version, failed = NOBODY, True
        now = time.time()
        self.met.append(Met(now, version, failed or version == NOBODY, now - began))
        return self.met[-1]

    async def _leave(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for client in self._clients.values():
            client.close()
        self._at_the_end()

    async def _push(self, url: str, key: str, application: str) -> None:
        start = int(time.time()) // WINDOW * WINDOW + WINDOW
        while True:
            await asyncio.sleep(max(start + WINDOW + _PUSH_AFTER - time.time(), 0.0))
            body = {"observations": self._observed(start, application)}
            with suppress(OSError):
                got = await asyncio.to_thread(
                    fetch, f"{url}/api/observations", method="POST", body=body, headers={"X-API-Key": key}
                )
                assert got.status == 202, got.body
            start += WINDOW

    def _observed(self, start: int, application: str) -> list[dict[str, object]]:
        seen: dict[str, list[Met]] = {met.version: [] for met in self.met if met.version != NOBODY}
        for met in self.met:
            if start <= met.at < start + WINDOW and met.version in seen:
                seen[met.version].append(met)
        return [
            {
                "application": application,
                "version": version,
                "window": start,
                "seconds": WINDOW,
                "sender": "users",
                "requests": len(all_),
                "failures": sum(met.failed for met in all_),
                **({"latency": {"average": 1000 * sum(met.took for met in all_) / len(all_)}} if all_ else {}),
            }
            for version, all_ in seen.items()
        ]


def at_host(url: str) -> Find:
    """Send every user to one address."""
    host = url.removeprefix("http://")

    async def find() -> str:
        return host

    return find
