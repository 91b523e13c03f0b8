"""What was pushed, as a source of metrics: no lag and no question asked, only windows that are closed."""

from dataclasses import dataclass

from shared.domain.analysis.measurement import Lack, Missing, Sample, Window
from shared.domain.observations import ClosedWindow, Observation, Spot, close_window, is_closed, lateness
from shared.ports.clock import Clock
from shared.ports.metrics_source import Arm, WindowQuestion
from shared.ports.observations import ClosedWindows, Observations

NOT_EVERY_SENDER = Missing(Lack.NO_DATA, "not every sender has reported this window yet")
HOW_TO_PUSH = "POST them to /api/observations, or point an OpenTelemetry Collector there"
NAMED_AT_MOST = 10


@dataclass(frozen=True, slots=True)
class ObservedMetrics:
    """Implements `MetricsSource` on what senders told."""

    observations: Observations
    windows: ClosedWindows
    clock: Clock

    def read_windows(self, question: WindowQuestion) -> tuple[Window, ...]:
        """Return each window asked for. One that is not closed has no samples: it would be read once and never again.

        A version that nobody told of has no sample either, however many told of another one.
        """
        closed = {window.start: window for window in self._closed(question)}
        return tuple(
            Window(
                start=start,
                end=start + question.length,
                candidate=_sample(closed.get(start), question.candidate, question.stable, question),
                stable=_sample(closed.get(start), question.stable, question.candidate, question),
            )
            for start in question.starts()
        )

    def find_faults(self, question: WindowQuestion) -> tuple[str, ...]:
        """Say so when nothing of the stable version was pushed in the time asked for: nobody sends, or other names."""
        closed = self._closed(question)
        found = [_sample(window, question.stable, question.candidate, question) for window in closed]
        return () if any(isinstance(sample, Sample) for sample in found) else (_never_pushed(question, closed),)

    def _closed(self, question: WindowQuestion) -> tuple[ClosedWindow, ...]:
        """Return the closed windows, ascending: those that somebody closed, and those that are closed by now."""
        spot = Spot(application=question.application, target=question.target.name, length=question.length)
        known = {window.start: window for window in self.windows.closed(spot, question.since, question.until)}
        now = self.clock.now()
        oldest = now - lateness(spot.length) - 2 * spot.length
        unknown = [start for start in question.starts() if start not in known and start >= oldest]
        if unknown:
            told = self.observations.told(spot, unknown[0] - spot.length, unknown[-1] + spot.length).rows
            rows: dict[object, list[Observation]] = {}
            for row in told:
                rows.setdefault(row.start, []).append(row)
            for start in unknown:
                own, before = rows.get(start, []), rows.get(start - spot.length, [])
                if is_closed(start, spot.length, before, own, now):
                    known[start] = close_window(start, spot.length, own, question.values)
        return tuple(known[start] for start in question.starts() if start in known)


def _sample(window: ClosedWindow | None, arm: Arm, other: Arm, question: WindowQuestion) -> Sample | Missing:
    if window is None:
        return NOT_EVERY_SENDER
    if arm.version is not None:
        return window.of(arm.version) or Missing(Lack.NO_DATA, f"nobody reported version {arm.version}")
    if other.version is not None:
        others = window.of_others(other.version, question.values)
        return others or Missing(Lack.NO_DATA, f"nobody reported another version than {other.version}")
    return Missing(Lack.ERROR, "which version is asked for is not known")


def _never_pushed(question: WindowQuestion, closed: tuple[ClosedWindow, ...]) -> str:
    version = question.stable.version
    which = f"version {version}" if version else f"another version than {question.candidate.version}"
    seen = sorted({name for window in closed for name, _ in window.samples})
    there = f" (pushed were: {', '.join(seen[:NAMED_AT_MOST])})" if seen else ""
    return (
        f"metrics.source: nobody pushed observations of {which}, target {question.target.name}, "
        f"between {question.since:%H:%M:%S} and {question.until:%H:%M:%S} UTC{there}: {HOW_TO_PUSH}"
    )
