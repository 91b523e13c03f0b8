"""How a process notices that its parent is gone, even by `kill -9`: the pipe on its standard input closes.

This needs no platform call and has no race: a parent that died before the child looked has closed the pipe too.
"""

import asyncio
import sys


class _Lifeline(asyncio.Protocol):
    def __init__(self, cut: asyncio.Event) -> None:
        self._cut = cut

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the name is asyncio's
        self._cut.set()


async def watch_lifeline(cut: asyncio.Event) -> None:
    """Set `cut` when standard input, which must be a pipe, is closed on the other side."""
    await asyncio.get_running_loop().connect_read_pipe(lambda: _Lifeline(cut), sys.stdin)
