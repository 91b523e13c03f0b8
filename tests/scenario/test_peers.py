"""How peers failed their users, row by row of `docs/peers.md`: each failure is provoked here, and must not happen."""

import json
import math
import re
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.sqlite.deliveries import LockLostError
from shared.application import aggregate as aggregates
from shared.domain.analysis.measurement import Lack, Missing, Sample, Window
from shared.domain.errors import InvalidError, RejectedError, TryLaterError
from shared.domain.rollout.events import StepPassed
from shared.domain.rollout.hooks import HookState, HookStatus, Webhook
from shared.domain.rollout.on_tick import next_wake
from shared.domain.rollout.spec import Hook, Judging, LowTraffic, Notification, Place, Stage, Topic
from shared.domain.rollout.state import Application
from shared.domain.rollout.weight import NONE, Weight
from shared.domain.wake_up import WakeUp
from shared.ports.rollout_store import Change
from shared.wire.documents import read_event
from shared.wire.history import history_line
from tests.scenario.kills import KilledError, Killer, killable_keeping
from tests.scenario.world import NOON, QUEUE, SPEC, World

ROOT = Path(__file__).resolve().parents[2]
SHORT = SPEC.replace("[5, 25, 50]", "[5]")
SLOW = SPEC.replace("min: 2m", "min: 20m")
"""A bake that is longer than what the source is late by: what is measured is seen before the step may pass."""
COARSE = (
    SHORT.replace("window: 1m", "window: 15m").replace("over: 5m", "over: 15m").replace("2m, max: 30m", "20m, max: 2h")
)
"""Looks every quarter of an hour: a day is soon over."""
GATED = SPEC.replace("[5, 25, 50]", "[{weight: 5, gate: {name: qa, timeout: 30h}}]")
WAKE = WakeUp(key="application:shop", fence="")


class BeforeCommit:
    """A store where something happens between a decision and its commit."""

    def __init__(self, inner: Any, meanwhile: Callable[[Any, Change], None]) -> None:
        self._inner = inner
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def commit(self, change: Change) -> str:
        self._meanwhile(self._inner, change)
        return self._inner.commit(change)


def before_commits(world: World, meanwhile: Callable[[Any, Change], None]) -> None:
    world.change = lambda keeping: replace(keeping, store=BeforeCommit(keeping.store, meanwhile))
    world.start()


def undisturbed(world: World) -> None:
    world.change = lambda keeping: keeping
    world.start()


def decides(change: Change, kind: type) -> bool:
    return any(isinstance(read_event(entry.document), kind) for entry in change.history)


def state(world: World) -> Application:
    return aggregates.load(world.keeping.store, WAKE.key).application


def another_worker(world: World) -> None:
    """The same application is woken a second time, while a first worker stands still."""
    world.app.wake_ups.handle(WAKE, redelivered=False)


def asked(world: World, *methods: str) -> list[tuple[str, str]]:
    return [(call.method, call.detail) for call in world.site.calls if call.method in methods]


def shares_asked(world: World) -> list[float]:
    return [int(detail) / 1000 for _, detail in asked(world, "set_share")]


def timed(world: World, rollout: str) -> list[tuple[str, str, Any]]:
    return [(line["at"], line["type"], line.get("step")) for line in world.events(rollout)]


def seen_at(world: World, share: float, rollout: str) -> Callable[[], bool]:
    """Whether this share is in force and being measured."""
    return lambda: world.share() == share and world.rollout(rollout)["doing"] == "baking"


def judged_healthy(world: World, rollout: str) -> Callable[[], bool]:
    """Whether the present step has been judged healthy, and is not over because it has to bake for longer."""
    return lambda: [target["verdict"] for target in world.rollout(rollout)["targets"]] == ["healthy"]


def measured(world: World, change: Callable[[Window], Window], since: timedelta = timedelta(0)) -> None:
    """Let the source say something else of each window that begins this long from now, or later."""
    read, begins = world.site.read_windows, world.clock.now() + since

    def read_changed(*args: Any) -> tuple[Window, ...]:
        return tuple(change(window) if window.start >= begins else window for window in read(*args))

    world.site.read_windows = read_changed


# Row 1


def test_a_worker_that_lost_its_lock_never_writes_over_what_came_after(tmp_path):
    commits = count_commits(tmp_path)
    assert commits > 15

    for at in range(1, commits + 1):
        world = World(fresh(tmp_path), SHORT)
        world.site.swap_time = timedelta(seconds=5)
        rollout = world.deploy("2", event="e")
        told: list[tuple] = []
        left = at

        def the_others_go_on(store: Any, change: Change, *, world=world, rollout=rollout, told=told) -> None:
            nonlocal left
            left -= 1
            if left:
                return
            undisturbed(world)
            world.clock.time += timedelta(minutes=1)  # longer than any lock of the queue
            world.run_to_end(rollout)
            world.run_for(timedelta(minutes=20))
            told += timed(world, rollout)

        before_commits(world, the_others_go_on)
        with pytest.raises(LockLostError):
            world.run_to_end(rollout)
        world.run_for(timedelta(minutes=20))

        assert told
        assert timed(world, rollout) == told
        assert world.phase(rollout) == "succeeded"
        assert world.production() == "2"
        assert len(asked(world, "begin_swap")) == 1


def count_commits(folder: Path) -> int:
    world = World(fresh(folder), SHORT)
    world.site.swap_time = timedelta(seconds=5)
    rollout = world.deploy("2", event="e")
    commits: list[Change] = []
    before_commits(world, lambda store, change: commits.append(change))
    world.run_to_end(rollout)
    return len(commits)


def fresh(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


# Row 2


@pytest.mark.parametrize("share", [5, 25, 50])
def test_what_one_worker_has_begun_no_other_begins_too(world, share):
    rollout = world.deploy("2")

    def another_one_comes(wanted: int) -> None:
        if wanted == share * 1000:
            world.site.before_set_share = lambda wanted: None
            another_worker(world)
            another_worker(world)

    world.site.before_set_share = another_one_comes
    world.site.before_begin_swap = lambda: another_worker(world)

    assert world.run_to_end(rollout) == "succeeded"
    assert shares_asked(world) == [5, 25, 50, 5, 0]
    assert len(asked(world, "begin_swap")) == 1


# Row 3


def test_any_number_of_workers_at_once_advance_once_per_interval(tmp_path):
    alone = World(fresh(tmp_path))
    rollout = alone.deploy("2", event="e")
    alone.run_to_end(rollout)

    crowded = World(fresh(tmp_path))
    assert crowded.deploy("2", event="e") == rollout
    for _ in range(200):
        if crowded.rollout(rollout)["ended"] is not None:
            break
        crowded.clock.time = max(crowded.clock.time, crowded.broker.next_due(QUEUE))
        at_once(6, lambda: another_worker(crowded))
        crowded.settle()

    assert timed(crowded, rollout) == timed(alone, rollout)
    assert shares_asked(crowded) == [5, 25, 50, 5, 0]


def at_once(count: int, do: Callable[[], None]) -> None:
    threads = [threading.Thread(target=do) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# Row 4


def test_a_decision_that_meets_a_conflict_is_made_again_on_what_stands_there_now(world):
    rollout = world.deploy("2")
    world.run_until(seen_at(world, 25, rollout))

    def an_alert_is_quicker(store: Any, change: Change) -> None:
        if decides(change, StepPassed):
            undisturbed(world)
            world.alert()
            another_worker(world)

    before_commits(world, an_alert_is_quicker)

    assert world.run_to_end(rollout) == "rolled-back"
    assert "alert" in world.rollout(rollout)["reason"]
    assert world.happened(rollout).count("StepPassed") == 1
    assert shares_asked(world) == [5, 25, 0]


def test_conflicts_delay_a_rollout_and_never_leave_it_stuck(world):
    rollout = world.deploy("2")
    world.run_until(seen_at(world, 5, rollout))
    until = world.clock.now() + timedelta(minutes=6)
    conflicts = 0

    def somebody_commits_first(store: Any, change: Change) -> None:
        nonlocal conflicts
        if world.clock.now() < until:
            conflicts += 1
            loaded = store.load(change.key)
            store.commit(Change(key=change.key, etag=loaded.etag, document=loaded.document))

    before_commits(world, somebody_commits_first)

    assert world.run_to_end(rollout) == "succeeded"
    assert conflicts > 20
    assert world.letters() == []
    assert [line["step"] for line in world.events(rollout) if line["type"] == "StepPassed"] == [0, 1, 2, 3]


# Row 5


def test_an_inconclusive_step_never_advances_however_often_it_is_paused_and_resumed(world):
    rollout = world.deploy("2")
    world.run_until(seen_at(world, 5, rollout))
    world.site.send(world.target, 0.2)  # one request in a hundred seconds: fewer than the guards need
    world.run_for(timedelta(minutes=10))
    assert world.rollout(rollout)["targets"][0]["verdict"] == "undecided"
    for hours in (6, 1, 1):
        world.override("pause")
        world.run_for(timedelta(hours=hours))
        world.override("resume")
        world.run_for(timedelta(minutes=2))
        assert (world.phase(rollout), world.share()) == ("progressing", 5)

    world.run_for(timedelta(hours=20))
    assert world.happened(rollout).count("BakeExtended") == 1
    assert "too few requests for a verdict at 5 %" in world.rollout(rollout)["reason"]
    assert shares_asked(world) == [5]
    assert "StepPassed" not in world.happened(rollout)


def test_a_pause_at_the_deadline_of_an_inconclusive_step_is_no_way_forward_either(world):
    world.respec(judging=Judging(low_traffic=LowTraffic.ASK))
    rollout = world.deploy("2")
    world.run_until(seen_at(world, 5, rollout))
    world.site.send(world.target, 0.2)
    for _ in range(3):
        world.run_until(lambda: world.phase(rollout) == "paused")
        world.override("resume")
        world.settle()
        assert world.phase(rollout) == "progressing"

    assert shares_asked(world) == [5]
    assert "StepPassed" not in world.happened(rollout)


def test_a_promoted_version_that_is_never_judged_healthy_has_not_succeeded(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.production() == "2")
    world.site.send(world.target, 0.01)

    world.run_for(timedelta(hours=20))
    assert world.phase(rollout) == "promoting"
    assert world.happened(rollout)[-1] == "BakeExtended"

    world.override("rollback")
    assert world.run_to_end(rollout) == "rolled-back"
    assert world.production() == "1"


# Row 6


@pytest.mark.parametrize("method", ["read_version", "read_health", "read_share", "read_swap", "read_windows"])
def test_a_probe_that_never_starts_is_no_verdict(world, method):
    world.site.fail(method)
    rollout = world.deploy("2")
    world.run_for(timedelta(hours=2))
    assert world.rollout(rollout)["reason"].startswith(("preflight: web: ", "deadline: not judged healthy"))
    world.site.mend()

    assert world.run_to_end(rollout) == "failed"
    assert "StepPassed" not in world.happened(rollout)
    assert set(shares_asked(world)) <= {5, 0}
    assert (world.share(), world.production()) == (0, "1")


@pytest.mark.parametrize("method", ["read_version", "read_windows"])
def test_a_probe_that_breaks_off_after_good_news_is_no_verdict(tmp_path, method):
    world = World(tmp_path, SLOW)
    rollout = world.deploy("2")
    world.run_until(judged_healthy(world, rollout))
    world.site.fail(method)
    world.run_for(timedelta(hours=2))
    world.site.mend()

    assert world.run_to_end(rollout) == "failed"
    assert "StepPassed" not in world.happened(rollout)


# Row 7

GUARDS = """
guards:
  - {name: errors, metric: error-rate, max: 5%, over: 5m}
  - {name: compared, metric: error-rate, ratio: {max: 1.5, slack: 1%}, over: 5m}
  - {name: slow, metric: latency, max: 500ms, over: 5m}
"""
GUARDED = SLOW[: SLOW.index("guards:")] + GUARDS
NO_MEASUREMENT = {
    "requests NaN": (Sample(requests=math.nan, failures=0), "error"),
    "failures NaN": (Sample(requests=100, failures=math.nan), "error"),
    "all NaN": (Sample(requests=math.nan, failures=math.nan, latency_ms=math.nan), "error"),
    "requests infinite": (Sample(requests=math.inf, failures=0, latency_ms=1), "error"),
    "failures infinite": (Sample(requests=100, failures=math.inf), "error"),
    "latency NaN": (Sample(requests=100, failures=0, latency_ms=math.nan), "error"),
    "failures negative": (Sample(requests=100, failures=-1, latency_ms=1), "error"),
    "more failures than requests": (Sample(requests=100, failures=101, latency_ms=1), "error"),
    "an error of the source": (Missing(Lack.ERROR, "a torn answer"), "error"),
    "nothing": (Missing(Lack.NO_DATA, "no values"), "no-data"),
}


@pytest.mark.parametrize("after", [timedelta(0), timedelta(minutes=2)], ids=["from the start", "after good windows"])
@pytest.mark.parametrize("side", ["candidate", "stable"])
@pytest.mark.parametrize(("said", "verdict"), NO_MEASUREMENT.values(), ids=NO_MEASUREMENT)
def test_what_is_no_measurement_has_a_verdict_of_its_own_and_never_passes(tmp_path, said, verdict, side, after):
    world = World(tmp_path, GUARDED)
    rollout = world.deploy("2")
    world.run_until(seen_at(world, 5, rollout))
    measured(world, lambda window: replace(window, **{side: said}), after)

    assert world.run_to_end(rollout) == "failed"
    assert f"web {verdict}" in world.rollout(rollout)["reason"]
    assert "StepPassed" not in world.happened(rollout)


def test_a_source_without_the_metric_that_a_guard_asks_for_never_passes(tmp_path):
    world = World(tmp_path, GUARDED)
    rollout = world.deploy("2")
    measured(world, lambda window: replace(window, candidate=replace(window.candidate, latency_ms=None)))

    assert world.run_to_end(rollout) == "failed"
    assert "web no-data" in world.rollout(rollout)["reason"]


# Row 8


@pytest.mark.parametrize(
    ("guard", "field"),
    [
        ("{name: errors, metric: eror-rate, max: 5%}", r"guards\[0\]\.metric"),
        ("{name: errors, metric: error-rate}", r"guards\[0\]"),
        ("{name: errors, max: 5%}", r"guards\[0\]\.metric"),
        ("{name: errors, metric: error-rate, maximum: 5%}", r"guards\[0\]"),
    ],
)
def test_a_guard_that_could_test_nothing_is_refused_with_its_spec(world, tmp_path, guard, field):
    with pytest.raises(InvalidError, match=field):
        World(fresh(tmp_path), SPEC[: SPEC.index("guards:")] + f"guards: [{guard}]")


def test_a_metric_that_the_source_refuses_at_run_time_never_passes(world):
    world.site.fail("read_windows", RejectedError("BadRequest: unknown metric Http5xx"))
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "failed"
    assert "web: guards cannot be judged: BadRequest: unknown metric" in world.rollout(rollout)["reason"]
    assert shares_asked(world) == []


# Row 9


@pytest.mark.parametrize("seconds", [0, 61, 181, 239])
def test_traffic_that_stops_during_a_step_does_not_advance_it(tmp_path, seconds):
    world = World(tmp_path, SLOW)
    rollout = world.deploy("2")
    world.run_until(seen_at(world, 5, rollout))
    world.run_for(timedelta(seconds=seconds))
    world.site.send(world.target, 0)

    assert world.run_to_end(rollout) == "failed"
    assert "no-data" in world.rollout(rollout)["reason"]
    assert shares_asked(world) == [5, 0]


@pytest.mark.parametrize("seconds", [61, 170, 400])
def test_traffic_that_stops_while_the_source_still_shows_it_ends_before_promotion(world, seconds):
    rollout = world.deploy("2")
    world.run_until(seen_at(world, 5, rollout))
    world.run_for(timedelta(seconds=seconds))
    world.site.send(world.target, 0)

    assert world.run_to_end(rollout) == "failed"
    assert "no-data" in world.rollout(rollout)["reason"]
    assert asked(world, "begin_swap") == []


def test_windows_that_stop_coming_are_not_made_up_for_by_the_last_good_one(tmp_path):
    world = World(tmp_path, SLOW)
    rollout = world.deploy("2")
    world.run_until(judged_healthy(world, rollout))
    world.site.lag = timedelta(days=1)

    assert world.run_to_end(rollout) == "failed"
    assert shares_asked(world) == [5, 0]


def test_traffic_that_comes_back_in_time_takes_the_release_on(world):
    rollout = world.deploy("2")
    world.run_until(seen_at(world, 5, rollout))
    world.site.send(world.target, 0)
    world.run_for(timedelta(minutes=15))
    assert world.share() == 5
    world.site.send(world.target, 20)

    assert world.run_to_end(rollout) == "succeeded"


# Row 10


def test_a_place_that_serves_the_stable_version_again_is_not_judged_for_the_candidate(world):
    rollout = world.deploy("2")
    world.run_until(seen_at(world, 5, rollout))
    world.site.deploy(world.target, Place.CANDIDATE, "1")  # the healthiest version there is

    assert world.run_to_end(rollout) == "failed"
    assert "serves 1 where 2 should be" in world.rollout(rollout)["reason"]
    assert "StepPassed" not in world.happened(rollout)
    assert shares_asked(world) == [5, 0]


def test_what_the_stable_version_did_before_the_swap_is_not_held_against_the_candidate(world):
    rollout = world.deploy("2")
    world.run_until(seen_at(world, 50, rollout))
    world.site.deploy(world.target, Place.PRODUCTION, "1", error_rate=0.9)

    assert world.run_to_end(rollout) == "succeeded"
    assert world.production() == "2"


def test_what_was_measured_before_the_swap_is_no_credit_to_the_candidate(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.rollout(rollout)["doing"] == "baking" and world.production() == "2")
    verified = next(line for line in world.events(rollout) if line["type"] == "SideVerified")
    promoted, already = datetime.fromisoformat(verified["at"]), len(world.site.calls)

    assert world.run_to_end(rollout) == "succeeded"

    spans = [call.detail for call in world.site.calls[already:] if call.method == "read_windows"]
    assert spans
    assert min(span.split("-")[0] for span in spans) >= f"{promoted + timedelta(seconds=59):%H:%M}:00"


# Row 11


@pytest.mark.parametrize("how", ["abort", "rollback", "alert"])
def test_nothing_that_was_taken_back_is_over_before_its_weight_was_seen_at_0(world, how):
    rollout = world.deploy("2")
    world.run_until(seen_at(world, 25, rollout))
    stubborn = 4

    def the_router_says_yes_and_does_nothing(share: int) -> None:
        nonlocal stubborn
        if share == NONE and stubborn:
            stubborn -= 1
            world.site.move_by_hand(world.target, Weight(25_000))

    world.site.after_set_share = the_router_says_yes_and_does_nothing
    world.alert() if how == "alert" else world.override(how)

    def over() -> bool:
        ended = world.rollout(rollout)["ended"] is not None
        assert not (ended and world.share())
        return ended

    world.run_until(over)
    assert stubborn == 0
    assert world.phase(rollout) == ("aborted" if how == "abort" else "rolled-back")
    assert world.rollout(rollout)["targets"][0]["observed"] == 0
    assert world.share() == 0


# Row 12


def broken_pods(world: World) -> None:
    world.site.deploy(world.target, Place.CANDIDATE, "2", healthy=False)
    world.site.fail("read_version")


def swaps_that_never_end(world: World) -> None:
    world.site.swap_time = timedelta(days=30)


FAULTS: dict[str, Callable[[World], Any]] = {
    "broken pods": broken_pods,
    "no metrics": lambda world: world.site.fail("read_windows"),
    "no traffic": lambda world: world.site.send(world.target, 0),
    "a router that fails": lambda world: world.site.fail("set_share"),
    "a router that cannot be read": lambda world: world.site.fail("read_share"),
    "a router that refuses": lambda world: world.site.fail("set_share", RejectedError("403")),
    "swaps that do not begin": lambda world: world.site.fail("begin_swap"),
    "swaps that never end": swaps_that_never_end,
    "swaps that cannot be read": lambda world: world.site.fail("read_swap"),
}
HELPLESS = {"taking traffic back", "swapping back", "letting begun calls end", "ending the promotion"}
"""What is tried for as long as it takes, after a person was called."""
BOUND = timedelta(hours=1)
"""The time for preflight, for each of two steps and for the way back, and a bit."""


@pytest.mark.parametrize("from_the_start", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_rollout_that_does_not_get_on_is_taken_back_in_time_and_calls_a_person_if_it_cannot(
    tmp_path, fault, from_the_start
):
    world = World(tmp_path, SHORT.replace("max: 30m", "max: 12m") + "deadlines: {progress: 12m}\n")
    rollout = world.deploy("2")
    if not from_the_start:
        world.run_until(seen_at(world, 5, rollout))
    FAULTS[fault](world)

    def acted_on() -> bool:
        view = world.rollout(rollout)
        return will_wake(world, rollout) and (view["ended"] or (view["doing"] in HELPLESS and view["stuck"]))

    world.run_until(acted_on, BOUND)
    ends = world.clock.now() + timedelta(minutes=5)
    world.run_until(lambda: will_wake(world, rollout) and world.clock.now() >= ends)
    assert world.phase(rollout) in ("stuck", "failed")


@pytest.mark.parametrize(("action", "hours"), [("pause", 25), ("freeze", 25), ("gate", 31)])
def test_what_waits_for_a_person_has_a_wake_up_and_a_time_when_it_is_heard_of(tmp_path, action, hours):
    world = World(tmp_path, GATED if action == "gate" else COARSE)
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5 or world.phase(rollout) == "waiting")
    if action != "gate":
        world.override(action)
    ends = world.clock.now() + timedelta(hours=hours)

    world.run_until(lambda: will_wake(world, rollout) and world.clock.now() >= ends, timedelta(hours=40))

    assert world.phase(rollout) == {"pause": "paused", "freeze": "progressing", "gate": "failed"}[action]
    if action != "gate":
        assert {"PauseReminded", "FreezeReminded"} & {line["type"] for line in application_history(world)}


def application_history(world: World) -> list[dict]:
    key = WAKE.key
    entries = world.keeping.store.history(key, after=0, up_to=10_000, limit=10_000)
    return [history_line(entry.sequence, entry.document).view for entry in entries]


def will_wake(world: World, rollout: str) -> bool:
    """Hold a rollout that rests, and is not over, to its wake-up and to the marker that makes up for a lost one."""
    due, now = world.broker.next_due(QUEUE), world.clock.now()
    if due is not None and due <= now:
        return True
    if world.rollout(rollout)["ended"] is None:
        wake = next_wake(state(world))
        assert wake is not None
        assert due is not None
        assert due <= max(wake, now)
        assert world.keeping.markers.overdue(wake + timedelta(hours=1), limit=1) != ()
    return True


def test_a_stable_version_that_fails_everyone_does_not_block_the_fix(world):
    world.site.deploy(world.target, Place.PRODUCTION, "1", error_rate=1.0, healthy=False)
    world.run_for(timedelta(minutes=20))
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "succeeded"
    assert world.production() == "2"


def test_a_stable_version_that_says_nothing_ends_the_release_with_that_reason(world):
    rollout = world.deploy("2")
    world.site.fail(
        "read_version", TryLaterError("502 without a version"), until=world.clock.now() + timedelta(hours=1)
    )

    assert world.run_to_end(rollout) == "failed"
    assert "production cannot be read: 502 without a version" in world.rollout(rollout)["reason"]
    assert world.clock.now() < NOON + timedelta(minutes=15)


# Row 13


@pytest.mark.parametrize("how", ["degraded", "rollback", "abort", "alert", "deadline", "replaced", "moved by hand"])
@pytest.mark.parametrize("share", [5, 50])
def test_taking_back_never_sends_anybody_above_what_was_proven(world, share, how):
    rollout = world.deploy("2")
    told: list[tuple[str, int]] = []

    def note(wanted: int) -> None:
        live = state(world).live
        target = live.targets[0]
        assert wanted <= target.proven
        told.append((live.phase, wanted))

    world.site.before_set_share = note
    world.run_until(seen_at(world, share, rollout))
    go_wrong(world, how)
    world.run_to_end(rollout)

    assert {wanted for phase, wanted in told if phase == "rolling-back"} == {0}
    assert max(wanted for _, wanted in told) == share * 1000
    assert world.share() == 0


def go_wrong(world: World, how: str) -> None:
    match how:
        case "degraded":
            world.site.deploy(world.target, Place.CANDIDATE, "2", error_rate=0.5)
        case "rollback" | "abort":
            world.override(how)
        case "alert":
            world.alert()
        case "deadline":
            world.site.fail("read_windows")
        case "replaced":
            world.site.deploy(world.target, Place.CANDIDATE, "9")
        case "moved by hand":
            world.site.move_by_hand(world.target, Weight(90_000))
            world.override("rollback")


# Row 14


def test_the_rule_is_cleared_only_when_production_serves_the_candidate(world):
    rollout = world.deploy("2")
    told: list[tuple[int, str]] = []
    world.site.before_set_share = lambda share: told.append((share, world.production()))
    world.run_until(lambda: world.rollout(rollout)["doing"] == "swapping")
    assert world.share() == 50

    assert world.run_to_end(rollout) == "succeeded"
    assert told == [(5_000, "1"), (25_000, "1"), (50_000, "1"), (5_000, "2"), (0, "2")]


def test_the_stable_version_stays_where_it_can_be_brought_back_from(world):
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "succeeded"
    world.run_for(timedelta(hours=3))
    assert world.site.read_version(world.target, Place.CANDIDATE) == "1"


def test_a_swap_back_sends_nobody_to_the_place_that_the_bad_version_goes_to(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.production() == "2")
    told: list[int] = []
    world.site.before_set_share = told.append
    world.override("rollback")

    assert world.run_to_end(rollout) == "rolled-back"
    assert set(told) <= {0}
    assert (world.share(), world.production()) == (0, "1")


# Row 15


def test_a_candidate_that_falls_ill_before_the_swap_is_not_swapped_in(tmp_path):
    world = World(tmp_path, SPEC + "deadlines: {progress: 12m}\n")
    rollout = world.deploy("2")
    world.run_until(seen_at(world, 50, rollout))
    world.site.deploy(world.target, Place.CANDIDATE, "2", healthy=False)

    assert world.run_to_end(rollout) == "failed"
    assert asked(world, "begin_swap") == []
    assert (world.share(), world.production()) == (0, "1")


def test_a_swap_back_to_a_stable_version_that_is_ill_waits_with_the_side_that_works(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.production() == "2" and world.rollout(rollout)["doing"] == "baking")
    world.site.deploy(world.target, Place.CANDIDATE, "1", healthy=False)
    world.override("rollback")
    world.run_for(timedelta(minutes=40))

    assert world.phase(rollout) == "stuck"
    assert (world.share(), world.production()) == (0, "2")

    world.site.deploy(world.target, Place.CANDIDATE, "1")
    assert world.run_to_end(rollout) == "rolled-back"
    assert world.production() == "1"


def test_a_promotion_that_failed_is_not_tried_again_by_itself(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.production() == "2")
    world.site.deploy(world.target, Place.PRODUCTION, "2", error_rate=0.5)
    assert world.run_to_end(rollout) == "rolled-back"
    world.run_for(timedelta(hours=12))

    assert len(asked(world, "begin_swap")) == 2
    assert state(world).live is None
    assert world.production() == "1"


# Row 16


def test_weights_that_do_not_add_up_to_100_still_end_with_the_new_version_in_production(tmp_path):
    world = World(tmp_path, SPEC.replace("[5, 25, 50]", "[7, 33.3, 70]"))
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "succeeded"
    assert world.production() == "2"
    assert world.rollout(rollout)["weight"] == 100


def test_a_swap_that_says_it_is_done_and_did_nothing_is_no_success(world):
    rollout = world.deploy("2")
    world.site.fail_next_swap(world.target, "forgotten before anybody asked")

    def over() -> bool:
        world.site.forget_swaps(world.target)  # a token that is forgotten reads as done
        ended = world.rollout(rollout)["ended"] is not None
        assert not ended or world.production() == "2"
        return ended

    world.run_until(over)

    failed = [line["why"] for line in world.events(rollout) if line["type"] == "SwapFailed"]
    assert failed == ["a swap ended and production serves 1, not 2"]
    assert world.phase(rollout) == "succeeded"


def test_a_version_that_somebody_swaps_out_before_the_end_has_not_succeeded(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.production() == "2" and world.rollout(rollout)["doing"] == "baking")
    world.site.deploy(world.target, Place.PRODUCTION, "1")
    world.site.deploy(world.target, Place.CANDIDATE, "2")

    assert world.run_to_end(rollout) == "failed"
    assert "serves 1 where 2 should be" in world.rollout(rollout)["reason"]
    assert world.production() == "1"


# Row 17


def test_the_weight_that_is_shown_never_falls_while_a_release_goes_well(world):
    rollout = world.deploy("2")
    shown: list[float] = []

    def look() -> bool:
        shown.append(world.rollout(rollout)["weight"])
        return world.rollout(rollout)["ended"] is not None

    world.run_until(look)

    assert shown == sorted(shown)
    assert set(shown) == {0, 5, 25, 50, 95, 100}


def test_a_gate_before_any_weight_is_entered_and_told_of_once_however_long_it_waits(tmp_path):
    world = World(tmp_path, GATED)
    world.respec(notifications=(Notification(name="ops", url="https://example.org/hook", topics=tuple(Topic)),))
    rollout = world.deploy("2")
    for _ in range(24):
        world.run_for(timedelta(hours=1))
        world.start()
    world.override("approve")
    assert world.run_to_end(rollout) == "succeeded"
    world.run_for(timedelta(minutes=10))

    topics = [json.loads(posted.body)["topic"] for posted in world.notifier.posted]
    assert topics == ["started", "waiting", "succeeded"]
    steps = [line["step"] for line in world.events(rollout) if line["type"] == "StepEntered"]
    assert steps == [0, 1, 2]


def test_hooks_before_a_gate_are_called_once_however_often_it_is_held_there(tmp_path):
    world = World(tmp_path, GATED)
    hook = Hook(name="migrate", at=Stage.BEFORE_ROLLOUT, call=Webhook(url="https://hooks.example/migrate"))
    world.respec(hooks=(hook,))
    world.hooks.answer_at_once(HookStatus(HookState.SUCCEEDED))
    rollout = world.deploy("2")
    world.run_until(lambda: world.phase(rollout) == "waiting" and world.hooks.called != [])
    world.settle()
    for hold, release in (("pause", "resume"), ("freeze", "unfreeze"), ("pause", "resume")):
        world.override(hold)
        world.run_for(timedelta(hours=1))
        world.start()
        world.override(release)
        world.run_for(timedelta(minutes=10))
    world.override("approve")

    assert world.run_to_end(rollout) == "succeeded"
    assert len(world.hooks.asked) == 1


# Row 18


def test_a_gate_stays_shut_through_every_restart_and_an_approval_outlives_the_worker(tmp_path):
    world = World(tmp_path, GATED)
    rollout = world.deploy("2")
    world.run_until(lambda: world.phase(rollout) == "waiting")
    for _ in range(60):
        world.start()
        another_worker(world)
        world.run_for(timedelta(minutes=5))
        assert (world.phase(rollout), world.share()) == ("waiting", 0)

    world.override("approve", "tested")
    world.change = killable_keeping(Killer(1))
    world.start()
    assert world.deliver_one()
    assert isinstance(world.failures[-1], KilledError)
    undisturbed(world)

    assert world.run_to_end(rollout) == "succeeded"
    assert world.happened(rollout).count("GateApproved") == 1


# Row 19


def test_a_rollback_whose_worker_is_killed_at_any_write_still_ends_at_weight_0(tmp_path):
    counting = Killer()
    wanted = taken_back(World(fresh(tmp_path), SHORT), counting)
    assert len(counting.calls) > 8

    for at in range(1, len(counting.calls) + 1):
        for after in (False, True):
            world = World(fresh(tmp_path), SHORT)
            assert taken_back(world, Killer(at, after=after)) == wanted, (at, after)
            assert isinstance(world.failures[-1], KilledError)


def taken_back(world: World, killer: Killer) -> list[tuple[str, Any]]:
    """A rollback after promotion, with the killer about from the moment when it is asked for."""
    world.site.swap_time = timedelta(seconds=5)
    rollout = world.deploy("2", event="e")
    world.run_until(lambda: world.production() == "2" and world.rollout(rollout)["doing"] == "baking")
    world.override("rollback")
    world.change = killable_keeping(killer)
    world.start()
    assert world.run_to_end(rollout) == "rolled-back"
    world.run_for(timedelta(minutes=20))
    assert (world.share(), world.production()) == (0, "1")
    assert len(asked(world, "begin_swap")) == 2
    told = [(line["type"], line.get("step")) for line in world.events(rollout)]
    return [line for line in told if line[0] != "SwapBegun"]


@pytest.mark.parametrize("moment", ["before_set_share", "after_set_share", "before_begin_swap", "after_begin_swap"])
def test_what_a_killed_worker_had_begun_goes_on_also_when_its_message_is_lost_with_it(world, moment):
    rollout = world.deploy("2")

    def kill(*_: int) -> None:
        setattr(world.site, moment, lambda *_: None)
        raise KilledError(moment)

    setattr(world.site, moment, kill)
    world.run_until(lambda: world.failures != [])
    assert lose_messages(world) > 0

    assert world.run_to_end(rollout) == "succeeded"
    assert [line["step"] for line in world.events(rollout) if line["type"] == "StepPassed"] == [0, 1, 2, 3]
    assert len(asked(world, "begin_swap")) == 1


def lose_messages(world: World) -> int:
    lost = 0
    while (session := world.broker.accept_next_session(QUEUE, "thief")) is not None:
        world.broker.complete(world.broker.receive(QUEUE, session=session, owner="thief"))
        world.broker.release_session(QUEUE, session, "thief")
        lost += 1
    return lost


def test_a_release_can_be_cancelled_after_the_store_was_down(world):
    rollout = world.deploy("2")
    world.run_until(seen_at(world, 25, rollout))
    back_at = world.clock.now() + timedelta(minutes=10)

    def down(store: Any, change: Change) -> None:
        if world.clock.now() < back_at:
            raise TryLaterError("the store does not answer")

    before_commits(world, down)
    world.run_for(timedelta(minutes=10))
    world.override("abort", "enough")

    assert world.run_to_end(rollout) == "aborted"
    assert world.share() == 0


# Row 20


@pytest.mark.parametrize("promoted", [False, True])
def test_users_whom_a_cookie_keeps_at_the_bad_version_are_bounded_and_counted(world, promoted):
    rollout = world.deploy("2")
    world.run_until(lambda: world.production() == "2" if promoted else world.share() == 25)
    world.site.pin(world.target, Weight(1_000))
    world.override("rollback")
    assert world.run_to_end(rollout) == "rolled-back"
    world.run_for(timedelta(minutes=10))

    view = world.rollout(rollout)
    left = datetime.fromisoformat(view["pinned_until"]) - datetime.fromisoformat(view["ended"])
    assert left == timedelta(hours=1)
    assert view["pinned_requests"] == pytest.approx(20 * 60 * 0.01)
    assert world.site.read_version(world.target, Place.CANDIDATE) == "2"  # their place still answers


# Row 21


def test_a_router_that_takes_weights_and_ignores_them_proves_nothing(world):
    rollout = world.deploy("2")
    world.site.after_set_share = lambda share: world.site.move_by_hand(world.target, NONE)

    assert world.run_to_end(rollout) == "failed"
    assert "BakeStarted" not in world.happened(rollout)
    assert any("sends 0 % after it was told to send 5 %" in line.get("why", "") for line in world.events(rollout))


# Row 22


@pytest.mark.parametrize("end", ["succeeded", "rolled-back", "aborted", "failed"])
def test_a_rollout_that_is_over_takes_no_action_whatever_happens(world, end):
    rollout = ended_as(world, end)
    world.run_for(timedelta(hours=2))  # until the version before is not kept warm any more
    before, calls = world.rollout(rollout), asked(world, "set_share", "begin_swap")
    events = timed(world, rollout)
    assert before["phase"] == end

    world.site.move_by_hand(world.target, Weight(30_000))
    world.site.deploy(world.target, Place.CANDIDATE, "9", error_rate=0.9)
    world.alert("late")
    world.alert("late", fired=False)
    for fence in ("", "1", "7", "sweep"):
        world.app.wake_ups.handle(replace(WAKE, fence=fence), redelivered=fence == "7")
    for action in ("pause", "resume", "promote", "skip", "abort", "approve", "reject"):
        with suppress(RejectedError):
            world.override(action)
    world.run_for(timedelta(days=2))

    assert world.rollout(rollout) == before
    assert timed(world, rollout) == events
    assert asked(world, "set_share", "begin_swap") == calls


@pytest.mark.parametrize("end", ["succeeded", "rolled-back", "aborted", "failed"])
def test_a_rollout_that_is_over_wakes_nobody(world, end):
    ended_as(world, end)
    world.run_for(timedelta(hours=2))

    assert world.broker.depth(QUEUE) == 0
    assert world.keeping.markers.overdue(world.clock.now() + timedelta(days=30), limit=5) == ()


def ended_as(world: World, end: str) -> str:
    rollout = world.deploy("2", error_rate=0.5 if end == "rolled-back" else 0.0)
    if end == "aborted":
        world.run_until(lambda: world.share() == 25)
        world.override("abort")
    if end == "failed":
        world.site.fail("read_windows")
    world.run_to_end(rollout)
    return rollout


# The page


def page() -> str:
    return (ROOT / "docs" / "peers.md").read_text()


def test_every_row_of_the_page_names_tests_that_exist():
    named = re.findall(r"`(tests/[a-z_/]+\.py)::(test_\w+)`", page())
    assert len(named) > 40

    for path, name in named:
        assert f"\ndef {name}(" in (ROOT / path).read_text(), f"{path}::{name}"


def test_every_row_and_every_test_here_is_on_the_page():
    rows = re.findall(r"^\| (\d+) \|.*`tests/", page(), re.MULTILINE)
    assert [int(row) for row in rows] == list(range(1, 23))

    here = re.findall(r"^def (test_\w+)\(", Path(__file__).read_text(), re.MULTILINE)
    about_the_page = {"test_every_row_of_the_page_names_tests_that_exist", here[-1]}
    assert {name for name in here if f"`tests/scenario/test_peers.py::{name}`" not in page()} == about_the_page
