"""Traffic on order: real HTTP requests through a site's edge, from clients that come fresh or that come back.

A fresh client carries no cookie. A returning one keeps the routing cookie that it was given (an app's affinity cookie
too) until it expires; it has one request at a time, as a person has. Clients share TCP connections, as they do behind
a company's proxy: Azure tells them apart by cookie alone. At a rate the load is an open loop: it never waits for
answers, and a request that finds 500 under way, or every returning client busy, is skipped and counted as such.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from random import Random

from local.cloud.app_routing import AFFINITY
from local.cloud.keep_alive import Answer, KeepAliveClient, encode_request
from local.cloud.meter import Tally
from local.cloud.routing import COOKIE

_ANSWER_SECONDS = 30.0
_MOST_IN_FLIGHT = 500
_WORKERS = 32
_MINUTES_KEPT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOrder:
    """What to send. Either `rps` for `seconds` (None: until stopped), or exactly `requests` as fast as is sensible."""

    site: str
    rps: float = 0.0
    seconds: float | None = None
    requests: int | None = None
    sticky: bool = False
    users: int = 50
    """How many returning clients there are."""
    visits: int | None = None
    """A returning client leaves for good after so many requests and a new one comes; None: nobody leaves."""
    path: str = "/checkout"
    method: str = "GET"
    seed: int = 0
    """Decides in which order returning clients first come."""


@dataclass(slots=True)
class _User:
    cookie: str = ""
    """A name and a value; empty for none."""
    expires: float = 0.0
    visits: int = 0


class Load:
    """One order being carried out."""

    def __init__(self, load_id: str, order: LoadOrder, port: int) -> None:
        self.id = load_id
        self.order = order
        self.sent = 0
        self.answered = 0
        self.failed = 0
        """Answers of 500 and above, and requests that got none."""
        self.skipped = 0
        self.done = False
        self.error = ""
        self.versions: dict[str, Tally] = {}
        self.minutes: dict[str, dict[str, Tally]] = {}
        self._client = KeepAliveClient(port, timeout=_ANSWER_SECONDS)
        self._headers = [("Host", f"127.0.0.1:{port}"), ("User-Agent", "sandbox-load")]
        self._free = _new_users(order) if order.sticky else None
        self._under_way: set[asyncio.Task[None]] = set()
        self._runner: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to send."""
        self._runner = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Send no more; return when the requests under way are answered (at most 30 s)."""
        self._stopping = True
        if self._runner is not None:
            if self.order.requests is None:
                self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)

    async def _run(self) -> None:
        try:
            if self.order.requests is not None:
                await self._send_exactly(self.order.requests)
            else:
                await self._send_at_rate()
        finally:
            await asyncio.gather(*self._under_way, return_exceptions=True)
            self._client.close()
            self.done = True

    async def _send_exactly(self, requests: int) -> None:
        left = iter(range(requests))

        async def work() -> None:
            for _ in left:
                if self._stopping:
                    return
                await self._send(self._take_user())

        workers = min(_WORKERS, self.order.users) if self.order.sticky else _WORKERS
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(work())

    async def _send_at_rate(self) -> None:
        began = time.perf_counter()
        rate, seconds = self.order.rps, self.order.seconds
        turns = count() if seconds is None else range(round(rate * seconds))
        for turn in turns:
            await asyncio.sleep(max(began + turn / rate - time.perf_counter(), 0.0))
            self._launch()

    def _launch(self) -> None:
        if len(self._under_way) >= _MOST_IN_FLIGHT or (self._free is not None and not self._free):
            self.skipped += 1
            return
        task = asyncio.create_task(self._send(self._take_user()))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _send(self, user: _User) -> None:
        self.sent += 1
        headers = self._headers
        if user.cookie and time.time() < user.expires:
            headers = [*headers, ("Cookie", user.cookie)]
        try:
            answer = await self._client.exchange(encode_request(self.order.method, self.order.path, headers))
        except OSError as error:
            self.error = f"{type(error).__name__}: {error}"
            self._count("none", failed=True)
        else:
            self.answered += 1
            self._count(answer.header("X-Version") or "none", failed=answer.status >= 500)
            _keep_cookie(user, answer)
        finally:
            self._put_back(user)

    def _count(self, version: str, *, failed: bool) -> None:
        self.failed += failed
        minute = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:00Z")
        if minute not in self.minutes:
            self.minutes[minute] = {}
            for stale in list(self.minutes)[:-_MINUTES_KEPT]:
                del self.minutes[stale]
        for split in (self.versions, self.minutes[minute]):
            tally = split.setdefault(version, Tally())
            tally.requests += 1
            tally.failures += failed

    def _take_user(self) -> _User:
        return self._free.popleft() if self._free is not None else _User()

    def _put_back(self, user: _User) -> None:
        if self._free is None:
            return
        user.visits += 1
        if self.order.visits is not None and user.visits >= self.order.visits:
            user = _User()
        self._free.append(user)


def _new_users(order: LoadOrder) -> deque[_User]:
    """Return the pool. Where clients leave, their ages are spread evenly, so that they leave evenly too."""
    ages = [(number * (order.visits or 0)) // order.users for number in range(order.users)]
    Random(order.seed).shuffle(ages)
    return deque(_User(visits=age) for age in ages)


def _keep_cookie(user: _User, answer: Answer) -> None:
    for name, value in answer.headers:
        if name.lower() != "set-cookie" or not value.startswith((f"{COOKIE}=", f"{AFFINITY}=")):
            continue
        pair, *attributes = value.split(";")
        # A cookie without an age stays until its client leaves.
        lifetime = next((part.split("=")[1] for part in attributes if "max-age=" in part.lower()), "inf")
        user.cookie, user.expires = pair, time.time() + float(lifetime)


@dataclass(slots=True)
class Loads:
    """The orders that are being carried out, and the newest hundred."""

    loads: dict[str, Load] = field(default_factory=dict)
    number: int = 0

    def start(self, order: LoadOrder, port: int) -> Load:
        """Begin an order against the edge at a port of 127.0.0.1."""
        self.number += 1
        load = self.loads[f"load-{self.number}"] = Load(f"load-{self.number}", order, port)
        for stale in [old.id for old in self.loads.values() if old.done][:-100]:
            del self.loads[stale]
        load.start()
        return load

    async def stop(self) -> None:
        """Stop them all."""
        await asyncio.gather(*(load.stop() for load in self.loads.values()))
