"""A world whose numbers are pushed in by senders, in windows of 15 seconds, with the wake-ups written down."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from shared.application.access import Access
from shared.application.observed import Taken
from shared.bootstrap import Keeping, Outside, build
from shared.domain.analysis.measurement import Sample, Window
from shared.domain.names import TargetName, Version
from shared.domain.rollout.measuring import Measuring, ObservationsSource, ValueKind, ValueQuery
from shared.domain.rollout.spec import Place
from shared.ports.command_queue import CommandQueue, WakeUp
from shared.ports.metrics_source import Arm, WindowQuestion
from shared.wire.observations import Reported
from tests.scenario.world import NOON, SHOP, World

WINDOW = timedelta(seconds=15)
VALUES = (
    ValueQuery(name="orders", kind=ValueKind.COUNTER),
    ValueQuery(name="memory", kind=ValueKind.GAUGE),
)
MEASURING = Measuring(window=WINDOW, lag=timedelta(0), source=ObservationsSource(), values=VALUES)


class WatchedQueue:
    """Passes wake-ups on, and writes down those that bring news of windows."""

    def __init__(self, inner: CommandQueue, sent: list[tuple[WakeUp, datetime | None]]) -> None:
        self._inner = inner
        self._sent = sent

    def send(self, wake_up: WakeUp, *, at: datetime | None = None) -> None:
        if wake_up.observed:
            self._sent.append((wake_up, at))
        self._inner.send(wake_up, at=at)


class PushedWorld(World):
    """The sites are there to be looked at and moved; what users met comes from senders only."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.sent: list[tuple[WakeUp, datetime | None]] = []
        self.change_further = options.pop("change", lambda keeping: keeping)
        super().__init__(folder, change=self._watch_queue, **options)
        self.respec(measuring=MEASURING, guards=self.spec.guards)
        self.settle()

    def start(self) -> None:
        super().start()
        site = self.site
        outside = Outside(
            router=site,
            audience=site,
            finder=site,
            promoter=site,
            probe=site,
            metrics={},
            notifier=self.notifier,
            hooks=self.hooks,
        )
        self.app = build(self.keeping, outside, Access({}, {}), self.clock)

    def _watch_queue(self, keeping: Keeping) -> Keeping:
        changed = self.change_further(keeping)
        return replace(changed, queue=WatchedQueue(changed.queue, self.sent))

    def at_window(self, number: float) -> None:
        """Let the clock stand at this many windows after noon."""
        self.clock.time = NOON + number * WINDOW

    def push(self, *reported: Reported) -> Taken:
        return self.app.observations.take(reported)

    def read(self, since: int, until: int, candidate: str | None = "2", stable: str | None = "1") -> tuple[Window, ...]:
        return self.metrics.read_windows(self.question(since, until, candidate, stable))

    @property
    def metrics(self):
        return self.app.wake_ups.driver.reader.metrics[ObservationsSource]

    def question(self, since: int, until: int, candidate: str | None = "2", stable: str | None = "1") -> WindowQuestion:
        return WindowQuestion(
            application=SHOP,
            target=self.target,
            source=ObservationsSource(),
            candidate=Arm(version=Version(candidate) if candidate else None, place=Place.CANDIDATE),
            stable=Arm(version=Version(stable) if stable else None, place=Place.PRODUCTION),
            since=NOON + since * WINDOW,
            until=NOON + until * WINDOW,
            length=WINDOW,
            values=VALUES,
        )

    def woken_now(self) -> int:
        """How often the application was woken at once for windows, since it was last asked."""
        now = [each for each in self.sent if each[1] is None]
        self.sent[:] = [each for each in self.sent if each[1] is not None]
        return len(now)

    def woken_later(self) -> list[float]:
        """For when wake-ups were scheduled, in windows after noon, since it was last asked."""
        later = [(at - NOON) / WINDOW for _, at in self.sent if at is not None]
        self.sent[:] = [each for each in self.sent if each[1] is None]
        return later


def report(
    windows: int = 0,
    sender: str = "a",
    version: str = "1",
    requests: float = 100,
    failures: float = 0,
    **changes: Any,
) -> Reported:
    """What a sender says of a version in the window that begins this many windows after noon."""
    fields = {
        "place": "",
        "application": SHOP,
        "target": TargetName("web"),
        "version": Version(version),
        "start": NOON + windows * WINDOW,
        "length": WINDOW,
        "sender": sender,
        "sample": Sample(requests=requests, failures=failures),
    }
    return Reported(**{**fields, **changes})
