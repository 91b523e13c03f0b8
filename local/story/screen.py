"""What the person at the terminal sees: lines as things happen, and on a terminal a picture of the present below."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local.story.seen import GuardSeen, RolloutSeen, Served

PLAIN_WIDTH = 118
BAR_CELLS = 40
_COLOURS = {
    "healthy": "green",
    "degraded": "red",
    "undecided": "yellow",
    "no-data": "yellow",
    "error": "red",
    "succeeded": "green",
    "rolled-back": "red",
    "paused": "yellow",
}


class Screen:
    """Lines with the seconds since the start. Where standard output is no terminal there is nothing but lines."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or _console()
        self._began = time.monotonic()
        self._live: Live | None = None

    @contextmanager
    def living(self) -> Iterator[None]:
        """Draw the picture while inside; it vanishes at the end, the lines stay."""
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, refresh_per_second=8, transient=True) as self._live:
            try:
                yield
            finally:
                self._live = None

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self.console.print()
        self.console.print(Text(title, style="bold"))

    def say(self, text: str) -> None:
        """Print a line."""
        line = Text(f"{time.monotonic() - self._began:6.1f} s  ", style="dim").append(text, style=_style(text))
        self.console.print(line, soft_wrap=True)

    def show(self, rollout: RolloutSeen, served: Mapping[str, Served]) -> None:
        """Draw the rollout as it is now."""
        if self._live is not None:
            self._live.update(_picture(rollout, served))

    def print(self, what: RenderableType) -> None:
        """Print anything."""
        self.console.print(what, soft_wrap=True)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def _style(text: str) -> str:
    if "degraded" in text or "rolling-back" in text:
        return "red"
    return "green" if "succeeded" in text else ""


def _picture(rollout: RolloutSeen, served: Mapping[str, Served]) -> RenderableType:
    title = f" shop, version {rollout.version}: {rollout.phase}, {rollout.doing} "
    parts = (_steps(rollout), _weights(rollout), _guards(rollout.guards), _traffic(rollout.version, served))
    return Panel(Group(*parts), title=title, border_style=_COLOURS.get(rollout.phase, "cyan"), width=92)


def _steps(rollout: RolloutSeen) -> Text:
    text = Text("steps     ")
    for index, weight in enumerate(rollout.plan):
        name = "swap" if weight == 100 else f"{weight:g} %"
        now = rollout.step is not None and index == rollout.step
        passed = rollout.step is not None and index < rollout.step
        text.append(f" {name} ", style="reverse bold" if now else "green" if passed else "dim")
        text.append("  ")
    return text


def _weights(rollout: RolloutSeen) -> Text:
    filled = round((rollout.observed or 0.0) / 100 * BAR_CELLS)
    observed = "not read yet" if rollout.observed is None else f"{rollout.observed:g} %"
    text = Text("weight     ").append("█" * filled, style="cyan").append("░" * (BAR_CELLS - filled), style="dim")
    return text.append(f"  wanted {rollout.wanted:g} %, observed {observed}")


def _guards(guards: tuple[GuardSeen, ...]) -> RenderableType:
    if not guards:
        return Text("guards     no window was judged at this weight yet", style="dim")
    table = Table.grid(padding=(0, 1))
    for index, guard in enumerate(guards):
        verdict = Text(guard.verdict, style=_COLOURS.get(guard.verdict, ""))
        table.add_row("guards    " if index == 0 else "", verdict, guard.says)
    return table


def _traffic(candidate: str, served: Mapping[str, Served]) -> Text:
    requests = sum(each.requests for each in served.values())
    failures = sum(each.failures for each in served.values())
    own = served.get(candidate, Served())
    text = Text(f"users      {requests} requests served, {failures} failed; by version {candidate}: ")
    return text.append(f"{own.requests}, {own.failures} failed", style="red" if own.failures else "")
