"""Visitors of the page behind a flag: real requests with a cookie each, and what every one of them met.

New visitors come at a steady rate, look at the page and buy; a panel of the same visitors comes to look, as often as
it is asked to. Both run in a thread of their own.
"""

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from local.shop.checkout_flag import COOKIE
from local.story.differs import StoryDiffersError
from local.story.seen import LoadSeen, Served

AT_ONCE: Final = 12
"""So many visits at a time: where the page is slow, new visitors come less often."""
PANEL_AT_ONCE: Final = 16
TIMEOUT_SECONDS: Final = 10.0
LOST_CHECKOUT: Final = 500
_SHOWN: Final = re.compile(r'data-variant="([^"]*)" data-reason="([^"]*)"')


@dataclass(frozen=True, slots=True)
class PageSeen:
    """What the page told a visitor."""

    variant: str
    reason: str
    """Why the flag had this variant, in OpenFeature's words."""


def read_page(html: str) -> PageSeen:
    """Read which variant a page shows. Raises `StoryDiffersError` for one that shows none because of the flag."""
    found = _SHOWN.search(html)
    if found is None or not found[1]:
        raise StoryDiffersError(f"the page should show a variant of the flag, but has {html[-300:]!r}")
    return PageSeen(found[1], found[2])


@dataclass(slots=True)
class Visitors:
    """Those who come to one page, and what they met. Answers are given to any thread."""

    page: str
    _loop: asyncio.AbstractEventLoop
    _session: ClientSession
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _sent: int = 0
    _lost: int = 0
    _trouble: str = ""
    _shown: Counter[str] = field(default_factory=Counter)
    _failed: Counter[str] = field(default_factory=Counter)
    _came_last: dict[str, float] = field(default_factory=dict)
    _coming: Future[None] | None = None
    _visits: "set[asyncio.Task[None]]" = field(default_factory=set)

    def come(self, rps: float) -> None:
        """Let new visitors come, so many a second at most, each for one checkout."""
        self._coming = self._begin(self._keep_coming(rps))

    def stop(self) -> None:
        """Let nobody come any more; those who are here leave when they are served."""
        if self._coming is not None:
            self._coming.cancel()
            self._begin(self._leave()).result()

    def look(self, visitors: Iterable[str]) -> Future[Mapping[str, str]]:
        """Let these visitors look at the page once each, and buy nothing; return which variant each was shown.

        What is returned raises `StoryDiffersError` where somebody was shown none because of the flag.
        """
        return self._begin(self._look(tuple(visitors)))

    def load(self, load_id: str = "") -> LoadSeen:  # noqa: ARG002 - there is one load
        """Return what the page showed new visitors so far, by variant."""
        with self._lock:
            shown = dict(self._shown)
            answered = sum(shown.values()) + self._lost
            return LoadSeen(sent=self._sent, answered=answered, lost=self._lost, requests=shown)

    def served(self) -> dict[str, Served]:
        """Return, by variant, how many new visitors were shown it, and how many of their checkouts were lost."""
        with self._lock:
            return {variant: Served(shown, self._failed[variant]) for variant, shown in sorted(self._shown.items())}

    def came_last(self, variant: str) -> float | None:
        """Return when the last visitor came who was shown a variant, on the monotonic clock."""
        with self._lock:
            return self._came_last.get(variant)

    @property
    def trouble(self) -> str:
        """What the last visitor met who was not served."""
        return self._trouble

    async def _keep_coming(self, rps: float) -> None:
        here, number, due = asyncio.Semaphore(AT_ONCE), 0, time.monotonic()
        while True:
            await here.acquire()
            number += 1
            visit = self._loop.create_task(self._visit(f"new-{number}"))
            self._visits.add(visit)
            visit.add_done_callback(self._visits.discard)
            visit.add_done_callback(lambda _: here.release())
            # Who could not come in time does not come later: a page that was slow is not overrun afterwards.
            due = max(due + 1 / rps, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    async def _visit(self, visitor: str) -> None:
        came = time.monotonic()
        with self._lock:
            self._sent += 1
        try:
            seen = await self._see(visitor)
            status = await self._buy(visitor, seen.variant)
        except (ClientError, TimeoutError, StoryDiffersError) as error:
            with self._lock:
                self._lost += 1
                self._trouble = f"{type(error).__name__}: {error}"
            return
        with self._lock:
            self._shown[seen.variant] += 1
            self._failed[seen.variant] += status == LOST_CHECKOUT
            self._came_last[seen.variant] = max(came, self._came_last.get(seen.variant, came))

    async def _look(self, visitors: tuple[str, ...]) -> Mapping[str, str]:
        here = asyncio.Semaphore(PANEL_AT_ONCE)

        async def look(visitor: str) -> str:
            async with here:
                try:
                    return (await self._see(visitor)).variant
                except (ClientError, TimeoutError) as error:
                    raise StoryDiffersError(f"{visitor} was not served: {type(error).__name__} {error}") from error

        return dict(zip(visitors, await asyncio.gather(*(look(each) for each in visitors)), strict=True))

    async def _see(self, visitor: str) -> PageSeen:
        async with self._session.get(self.page, headers={"Cookie": f"{COOKIE}={visitor}"}) as answer:
            return read_page(await answer.text())

    async def _buy(self, visitor: str, variant: str) -> int:
        headers, form = {"Cookie": f"{COOKIE}={visitor}"}, {"variant": variant}
        async with self._session.post(f"{self.page}/checkout", headers=headers, data=form) as answer:
            await answer.read()
            if answer.status not in (200, LOST_CHECKOUT):
                raise StoryDiffersError(f"a checkout was answered {answer.status}")
            return answer.status

    async def _leave(self) -> None:
        await asyncio.gather(*self._visits)

    def _begin(self, work: "Coroutine[Any, Any, Any]") -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)


@contextmanager
def visiting(page: str) -> Iterator[Visitors]:
    """Have visitors for a page while inside; nobody comes before they are told to."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="visitors", daemon=True)
    thread.start()

    async def enter() -> ClientSession:
        connector = TCPConnector(limit=AT_ONCE + PANEL_AT_ONCE)
        return ClientSession(
            connector=connector, cookie_jar=DummyCookieJar(), timeout=ClientTimeout(total=TIMEOUT_SECONDS)
        )

    session = asyncio.run_coroutine_threadsafe(enter(), loop).result()
    visitors = Visitors(page, loop, session)
    try:
        yield visitors
    finally:
        visitors.stop()
        asyncio.run_coroutine_threadsafe(session.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
