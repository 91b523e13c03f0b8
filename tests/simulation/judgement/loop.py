"""The closed loop: a driver sees windows as they become visible, and its answer moves the traffic."""

from dataclasses import dataclass
from typing import Protocol

from shared.domain.analysis.measurement import Window
from tests.simulation.judgement.traffic import Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a driver wants from now on."""

    weight: float
    """The candidate's share of traffic, 0 to 1."""
    rolled_back: bool = False
    passed: bool = False
    """The last step before the promotion is behind."""
    finished: bool = False
    """The candidate has all traffic for good; the driver looks no more."""
    concern: bool = False
    """Something that a person is called for."""


class Driver(Protocol):
    """Decides over one release."""

    def begin(self, history: list[Window]) -> Answer:
        """Look at the hour before and open the first step."""

    def look(self, minute: float, windows: list[Window]) -> Answer:
        """Answer to what has become visible at this minute of the release: perhaps nothing, perhaps late windows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one release went; times in minutes from its begin, None for what never came."""

    rolled_back: float | None
    promoted: float | None
    concerned: float | None
    requests: float
    """Expected requests of the candidate until it was taken back, or to the horizon."""
    harmed: float


def release(driver: Driver, traffic: Traffic, *, lag: int) -> Outcome:
    """Run one release; a window is visible `lag` windows after it ended, or later if it is late."""
    scenario = traffic.scenario
    answer = driver.begin(traffic.history())
    stretch = traffic.at_weight(answer.weight, 0)
    visible: dict[int, list[Window]] = {}
    promoted = concerned = None
    requests = harmed = 0.0
    for index in range(traffic.count):
        row = index - stretch.first
        requests += float(stretch.requests[row])
        harmed += float(stretch.harmed[row])
        delivered, window = index + lag, stretch.windows[row]
        delay = traffic.visible_after(index)
        if delay is not None:
            due = delivered + round(delay / traffic.minutes)
            visible.setdefault(due, []).append(window)
            if scenario.repeated:
                visible.setdefault(due + 1, []).append(traffic.revised(window))
        if delay != 0 and scenario.gaps_are_announced:
            visible.setdefault(delivered, []).append(traffic.gap(window))
        minute = (index + 1) * traffic.minutes
        before = answer.weight
        answer = driver.look(minute, sorted(visible.pop(index, ()), key=lambda each: each.start))
        if answer.concern and concerned is None:
            concerned = minute
        if answer.passed and promoted is None:
            promoted = minute
        if answer.rolled_back:
            return Outcome(minute, promoted, concerned, requests, harmed)
        if index + 1 == traffic.count:
            break
        if answer.weight != before:
            stretch = traffic.at_weight(answer.weight, index + 1)
        if answer.finished:
            rest = index + 1 - stretch.first
            requests += float(stretch.requests[rest:].sum())
            harmed += float(stretch.harmed[rest:].sum())
            break
    return Outcome(None, promoted, concerned, requests, harmed)
