"""The laws of what is pushed: nothing counts twice, nothing is left out, and no window is closed too early."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.application.observed_metrics import ObservedMetrics
from shared.domain.analysis.measurement import Sample, Window
from shared.domain.names import Version
from shared.domain.observations import ClosedWindow, Observation, Spot
from shared.ports.metrics_source import WindowQuestion
from shared.ports.observations import Told
from tests.simulation.protocol.patching import replaced
from tests.simulation.protocol.tasks import Task

if TYPE_CHECKING:
    from tests.simulation.protocol.world import World

Who = tuple[str, Version]
"""A sender, and the version that it told of."""
Counts = tuple[float, float]
"""Requests, and how many of them failed."""
Read = dict[datetime, dict[Who, Counts]]
"""What each sender told of, by the window."""
SKEWED = timedelta(seconds=2)
"""Clocks of workers differ by less."""
ROUNDING = 1e-6


class PushBooks:
    """What was told of each window, as the store took it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._told: dict[Spot, dict[datetime, dict[Who, Sample]]] = defaultdict(lambda: defaultdict(dict))
        self._read: dict[Task | None, list[Read]] = defaultdict(list)
        """What each task has read: others may tell of more at any time."""
        self._closed: set[tuple[Spot, datetime]] = set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Let what is judged be seen as what other sources give is."""
        real, watch = ObservedMetrics.read_windows, self._world.watch

        def read_windows(own: ObservedMetrics, question: WindowQuestion) -> tuple[Window, ...]:
            found = real(own, question)
            watch.seen["metrics.read_windows"](self._world.tasks.current, (question,), {}, found)
            return found

        with replaced(ObservedMetrics, "read_windows", read_windows):
            yield

    def added(self, spot: Spot, observations: Sequence[Observation], new: Sequence[bool]) -> None:
        """Write down what was new."""
        for each, is_new in zip(observations, new, strict=True):
            window, who = self._told[spot][each.start], (each.sender, each.version)
            if is_new and who in window:
                self._world.watch.fail("nothing counts twice", f"{spot.target} {each.start:%H:%M} {who}")
            if is_new:
                window[who] = each.sample

    def read(self, task: Task | None, told: Told) -> None:
        """Write down what a task knows of windows."""
        known: Read = defaultdict(dict)
        for row in told.rows:
            known[row.start][row.sender, row.version] = (row.sample.requests, row.sample.failures)
        self._read[task].append(known)

    def closed(self, task: Task | None, spot: Spot, window: ClosedWindow, is_first: bool) -> None:
        """A window is closed once: when all who told of the one before have told of it, or when its time is over."""
        if not is_first:
            return
        name, watch = f"{spot.application} {spot.target} {window.start:%H:%M}", self._world.watch
        if (spot, window.start) in self._closed:
            watch.fail("a window is closed once", name)
        self._closed.add((spot, window.start))
        is_over = self._world.time + SKEWED >= window.start + 2 * spot.length
        reads = self._read.get(task, [])
        if not is_over and not any(_is_complete(read, window.start, spot.length) for read in reads):
            watch.fail("no window is closed too early", name)
        if not any(_is_sum(window, read.get(window.start, {})) for read in reads):
            watch.fail("a window is what its senders said", f"{name}: {window.samples}")


def _is_complete(read: Read, start: datetime, length: timedelta) -> bool:
    """Whether everybody who told of the window before has told of this one, as a task has read it."""
    before = read.get(start - length, {})
    return bool(before) and before.keys() <= read.get(start, {}).keys()


def _is_sum(window: ClosedWindow, told: dict[Who, Counts]) -> bool:
    counted = {version: (sample.requests, sample.failures) for version, sample in window.samples}
    said: dict[Version, Counts] = {}
    for (_, version), (requests, failures) in told.items():
        before = said.get(version, (0.0, 0.0))
        said[version] = (before[0] + requests, before[1] + failures)
    return counted.keys() == said.keys() and all(_are_near(counted[name], said[name]) for name in said)


def _are_near(one: Counts, other: Counts) -> bool:
    return all(abs(a - b) <= ROUNDING for a, b in zip(one, other, strict=True))
