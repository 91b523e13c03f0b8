"""A storm: a thousand alerts a second, one on every application, while one worker takes them as `host.json` allows."""

import time
from collections.abc import Iterator, Mapping

from tests.bench.feeder import Fed, Feed, feeder
from tests.bench.fleet import Fleet, Turns
from tests.bench.measurement import Measurement, summarize
from tests.scenario.world import ALERTS

SESSIONS, CALLS = 10, 4
"""As many at once as host.json says."""
A_SECOND = 1_000
BACK_WITHIN_SECONDS = 5.0
LATE_BY_SECONDS = 1.0
"""So late an alert may come upon the queue, or the storm was none."""


def measure(fleet: Fleet) -> Iterator[Measurement]:
    """Feed the alerts from another process; tell how they came in, and how long each rollback took, by three clocks."""
    zeroed = fleet.zeroed
    zeroed.clear()
    turns = Turns()
    resources = [fleet.targets[name].resource for name in fleet.names]
    feed = Feed(fleet.folder / "queue.db", ALERTS, resources, seconds=len(resources) / A_SECOND)
    with feeder(feed) as source, fleet.workers(SESSIONS, CALLS, turns):
        fleet.clock.start()
        began = source.begin(fleet.clock)
        fed = source.fed(patience=_patience(fleet))
        back_by_then = len(zeroed)
        _until_back(fleet, began)
    fleet.clock.stop()
    assert fleet.failures == [], fleet.failures[:3]
    yield _coming_in(fed, began, back_by_then)
    yield from _going_back(fed, turns, zeroed, began)


def _coming_in(fed: Fed, began: float, back_by_then: int) -> Measurement:
    lateness = _from(fed.due, fed.stored)
    count, over = len(lateness), []
    if max(lateness) > LATE_BY_SECONDS:
        over = [f"an alert came {max(lateness):.1f} s late"]
    note = (
        f"{count:,} alerts in {max(fed.stored.values()) - began:.1f} s from another process, {fed.commits:,} commits; "
    )
    note += f"latest {1000 * max(lateness):.0f} ms; {back_by_then:,} were back by then"
    return summarize("storm: from firing to the alert on the queue", lateness, rate=False, note=note, over=over)


def _going_back(fed: Fed, turns: Turns, zeroed: Mapping[str, float], began: float) -> Iterator[Measurement]:
    took = max(zeroed.values()) - began
    back = _from(turns.of_application, zeroed)
    late = [each for each in back if each > BACK_WITHIN_SECONDS]
    over = [f"{len(late)} later than {BACK_WITHIN_SECONDS:.0f} s"] if late else []
    note = f"slowest {1000 * max(back):.0f} ms; the last was back {took:.0f} s after the first alert, "
    note += f"{len(back) / took:.0f} a second; {SESSIONS} sessions and {CALLS} calls at once"
    yield summarize("storm: from its turn to weight 0 at the router", back, rate=False, note=note, over=over)
    for name, since in (
        ("storm: from the alert's delivery to weight 0", turns.of_alert),
        ("storm: from the alert on the queue to weight 0", fed.stored),
    ):
        waited = _from(since, zeroed)
        note = f"slowest {max(waited):.1f} s, fastest {min(waited):.2f} s"
        yield summarize(name, waited, rate=False, note=note)


def _from(begun: Mapping[str, float], ended: Mapping[str, float]) -> list[float]:
    return [ended[name] - at for name, at in begun.items()]


def _until_back(fleet: Fleet, began: float) -> None:
    while len(fleet.zeroed) < len(fleet.names):
        assert time.monotonic() - began < _patience(fleet), f"{len(fleet.zeroed)} of {len(fleet.names)} are back"
        time.sleep(0.05)


def _patience(fleet: Fleet) -> float:
    return 60 + 0.05 * len(fleet.names)
