"""Numbers that are pushed in: stored once, closed once, woken for once, and read only when they are whole."""

import sqlite3
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.application.accept import UnknownApplicationError
from shared.application.observed_windows import SPARE_WINDOWS
from shared.domain.analysis.measurement import Lack, Missing, Sample, Value
from shared.domain.errors import InvalidError, RejectedError, TryLaterError
from shared.domain.names import ApplicationName, TargetName
from shared.domain.observations import KEPT_WINDOWS, lateness
from shared.domain.rollout.measuring import AzureMonitorSource, Measuring
from shared.ports.command_queue import WakeUp
from shared.wire.otlp_metrics import parse_metrics
from tests.scenario.kills import Killable, KilledError, Killer, killable_keeping
from tests.scenario.pushed_world import WINDOW, PushedWorld, report
from tests.scenario.world import NOON, SHOP
from tests.unit.wire.otlp_samples import (
    CUMULATIVE,
    duration_point,
    histogram,
    number_point,
    request,
    resource,
    total,
)


@pytest.fixture
def idle(tmp_path):
    """Nothing is released here."""
    world = PushedWorld(tmp_path)
    world.sent.clear()
    return world


@pytest.fixture
def world(tmp_path):
    """Version 2 is on its way."""
    world = PushedWorld(tmp_path)
    begin(world)
    return world


def begin(world) -> None:
    """Ask for version 2, and let the rollout begin."""
    world.deploy("2")
    world.settle()
    world.sent.clear()


def stop(world) -> None:
    """End the rollout, so that the spec registered last is in force."""
    world.override("abort")
    world.run_for(timedelta(minutes=2))
    world.sent.clear()


def fill(world, windows: int, senders: str = "ab", versions: str = "1") -> None:
    world.at_window(windows + 1)
    world.push(*(report(windows, sender, version) for sender in senders for version in versions))


def refusal(world, reported):
    taken = world.push(reported)
    assert (taken.accepted, taken.repeated) == (0, 0)
    (refused,) = taken.refused
    assert refused.index == 0
    return refused.error


def test_an_observation_is_taken_once(world):
    world.at_window(1)

    assert world.push(report()).accepted == 1
    again = world.push(report(requests=999))
    assert (again.accepted, again.repeated) == (0, 1)


def test_the_last_sender_of_a_window_closes_it_and_wakes_the_application_once(world):
    fill(world, 0, "abc")
    world.woken_now()
    world.at_window(2)

    world.push(report(1, "a"))
    world.push(report(1, "b"))
    assert world.woken_now() == 0
    world.push(report(1, "c"))
    assert world.woken_now() == 1

    world.push(report(1, "c"))
    world.push(report(1, "newcomer"))
    assert world.woken_now() == 0
    assert all(isinstance(each, WakeUp) and each.key == f"application:{SHOP}" for each, _ in world.sent)


def test_a_sender_of_two_versions_closes_the_window_with_the_second(world):
    fill(world, 0, "a", "12")
    world.woken_now()
    world.at_window(2)

    world.push(report(1, "a", "1"))
    assert world.woken_now() == 0
    world.push(report(1, "a", "2"))
    assert world.woken_now() == 1


def test_the_first_row_of_a_window_schedules_one_wake_up_for_its_latest_end(world):
    world.at_window(1)

    for sender in "abc":
        world.push(report(0, sender), report(0, sender, "2"))

    assert world.woken_later() == [pytest.approx(2 + 1 / 15)]


def test_several_windows_at_once_wake_once_and_are_each_scheduled_for(world):
    fill(world, 0, "a")
    world.sent.clear()
    world.at_window(4)

    world.push(report(1), report(2), report(3))

    assert world.woken_now() == 1
    assert len(world.woken_later()) == 3


def test_an_application_that_nothing_waits_for_is_not_woken(idle):
    fill(idle, 0)
    fill(idle, 1)

    assert idle.sent == []
    assert idle.read(1, 2)[0].stable == Sample(requests=200, failures=0)


def test_a_window_is_read_when_it_is_closed_and_not_before(world):
    fill(world, 0, "ab")
    world.at_window(2)
    world.push(report(1, "a", requests=60, failures=1))

    (still_open,) = world.read(1, 2)
    world.push(report(1, "b", requests=40, failures=2))
    (closed,) = world.read(1, 2)

    assert still_open.stable == Missing(Lack.NO_DATA, "not every sender has reported this window yet")
    assert closed.stable == Sample(requests=100, failures=3)
    assert (closed.start, closed.end) == (NOON + WINDOW, NOON + 2 * WINDOW)


def test_a_window_is_closed_after_its_grace_whoever_is_missing(world):
    fill(world, 0, "ab")
    world.at_window(2)
    world.push(report(1, "a", requests=60))

    world.at_window(3)

    assert world.read(1, 2)[0].stable == Sample(requests=60, failures=0)


def test_what_comes_after_a_window_was_closed_changes_nothing(world):
    fill(world, 0, "ab")
    fill(world, 1, "ab")
    before = world.read(1, 2)

    assert world.push(report(1, "late", requests=999)).accepted == 1

    assert world.read(1, 2) == before
    assert world.read(1, 2)[0].stable == Sample(requests=200, failures=0)


def test_a_version_that_nobody_reported_is_missing_and_not_zero(world):
    fill(world, 0)
    fill(world, 1)

    (window,) = world.read(1, 2)

    assert window.candidate == Missing(Lack.NO_DATA, "nobody reported version 2")
    assert isinstance(window.stable, Sample)


def test_a_version_with_zero_requests_is_data(world):
    fill(world, 0, "a", "12")
    world.at_window(2)
    world.push(report(1, "a", "1"), report(1, "a", "2", requests=0))

    assert world.read(1, 2)[0].candidate == Sample(requests=0, failures=0)


def test_versions_that_are_neither_count_for_nobody(world):
    fill(world, 0, "a", "123")
    fill(world, 1, "a", "123")

    (window,) = world.read(1, 2)

    assert (window.candidate, window.stable) == (Sample(requests=100, failures=0),) * 2


def test_where_the_stable_version_is_not_known_it_is_all_but_the_candidate(world):
    fill(world, 0, "a", "123")
    fill(world, 1, "a", "123")

    (window,) = world.read(1, 2, stable=None)

    assert (window.candidate, window.stable) == (Sample(requests=100, failures=0), Sample(requests=200, failures=0))
    assert isinstance(world.read(1, 2, candidate=None, stable=None)[0].stable, Missing)


def test_windows_that_nobody_told_of_are_missing_and_leave_no_gap(world):
    fill(world, 0)
    fill(world, 1)
    fill(world, 4)
    world.at_window(6)

    windows = world.read(-2, 6)

    assert [window.start for window in windows] == [NOON + number * WINDOW for number in range(-2, 6)]
    assert [isinstance(window.stable, Sample) for window in windows] == [
        False,
        False,
        True,
        True,
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"application": ApplicationName("nobody")}, UnknownApplicationError, "PUT its release spec"),
        ({"target": TargetName("other")}, InvalidError, "target: shop has no target of this name: its targets are web"),
        ({"length": timedelta(minutes=1)}, InvalidError, "seconds: allowed is 15"),
        ({"start": NOON + 3 * WINDOW}, InvalidError, "window: the window ends"),
        ({"start": NOON - timedelta(hours=1)}, InvalidError, "window: the window ended"),
        (
            {"sample": Sample(requests=1, failures=0, values=(Value(name="orders", value=-5),))},
            InvalidError,
            "values.orders: found -5; a counter is not negative",
        ),
        (
            {"sample": Sample(requests=1, failures=0, values=(Value(name="odd", value=1),))},
            InvalidError,
            "values.odd: is no value of the release spec; it has: memory, orders",
        ),
    ],
)
def test_what_does_not_fit_the_spec_is_refused_and_says_why(world, changes, error, says):
    world.at_window(1)

    found = refusal(world, report(**changes))

    assert isinstance(found, error)
    assert says in str(found)


def test_an_application_of_another_source_is_refused_and_told_how_to_switch(world):
    world.respec(measuring=Measuring(source=AzureMonitorSource()))
    stop(world)
    world.at_window(1)

    found = refusal(world, report())

    assert type(found) is RejectedError
    assert "metrics.source.kind observations" in str(found)


def test_the_only_target_need_not_be_named_and_of_several_one_must_be(world):
    world.at_window(1)
    assert world.push(report(target=None)).accepted == 1

    second = replace(world.target, name=TargetName("web-2"), resource=f"{world.target.resource}-2")
    stop(world)
    world.at_window(1)
    world.respec(targets=(world.target, second))

    assert "target: is missing: its targets are web, web-2" in str(refusal(world, report(sender="b", target=None)))
    assert world.push(report(target=TargetName("web-2"))).accepted == 1


def test_of_many_the_good_ones_are_taken_and_the_others_named_with_their_place(world):
    world.at_window(1)

    taken = world.push(
        report(place="observations[0]"),
        report(place="observations[1]", start=NOON + 9 * WINDOW),
        report(0, "b", place="observations[2]"),
    )

    assert (taken.accepted, [refused.index for refused in taken.refused]) == (2, [1])
    assert str(taken.refused[0].error).startswith("observations[1].window: ")


def test_many_senders_and_repeats_come_to_the_same_as_one(world):
    for window in range(3):
        world.at_window(window + 1)
        for number in range(40):
            world.push(report(window, f"pod-{number}", requests=number, failures=number % 2))
            world.push(report(window, f"pod-{number // 2}", requests=7, failures=7))

    windows = world.read(1, 3)

    assert [window.stable for window in windows] == [Sample(requests=sum(range(40)), failures=20)] * 2
    assert world.woken_now() == 2


def test_what_is_kept_does_not_grow_with_time(world):
    def rows() -> int:
        with sqlite3.connect(world.folder / "store.db") as database:
            return database.execute("SELECT count(*) FROM observations").fetchone()[0]

    counts = []
    for window in range(330):
        fill(world, window, "ab")
        world.sent.clear()
        counts.append(rows())

    assert max(counts[300:]) <= max(counts[270:300]) + 3
    assert max(counts) < KEPT_WINDOWS + 60 * 5


def test_what_is_kept_does_not_grow_with_time_however_many_tell_of_each_window(world):
    def rows() -> int:
        with sqlite3.connect(world.folder / "store.db") as database:
            return database.execute("SELECT count(*) FROM observations WHERE position LIKE 'r|%'").fetchone()[0]

    kept = lateness(WINDOW) // WINDOW + SPARE_WINDOWS + 2
    for window in range(kept + 12):
        world.at_window(window + 1)
        world.push(*(report(window, f"pod-{number}") for number in range(400)))

    assert rows() <= (kept + 1) * 401


def test_a_window_of_long_ago_can_still_be_read(world):
    for window in range(300):
        fill(world, window, "ab")

    windows = world.read(60, 300)

    assert len([window for window in windows if isinstance(window.stable, Sample)]) == 240


def test_windows_that_were_closed_by_grace_alone_are_kept_too(world):
    for window in range(100):
        world.at_window(window + 1)
        world.push(report(window, f"new-{window}"))

    assert all(isinstance(window.stable, Sample) for window in world.read(0, 98))


def test_a_queue_that_is_unwell_loses_no_observation(tmp_path):
    class Unwell:
        def send(self, wake_up, *, at=None):
            if wake_up.observed:
                raise TryLaterError("the queue is unwell")

    world = PushedWorld(tmp_path, change=lambda keeping: replace(keeping, queue=Unwell()))
    world.announce("2")

    fill(world, 0)
    fill(world, 1)

    assert isinstance(world.read(1, 2)[0].stable, Sample)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_worker_killed_between_storing_and_waking_delays_a_window_and_loses_nothing(tmp_path, at, after):
    """The sender had no answer, and sends again; or else the next window's wake-up brings this one along."""
    killer = Killer(None)
    world = PushedWorld(tmp_path, change=killable_keeping(killer))
    begin(world)
    fill(world, 0, "ab")
    world.at_window(2)
    world.push(report(1, "a"))
    killer.calls.clear()
    killer.at, killer.after = at, after

    with suppress(KilledError):
        world.push(report(1, "b"))
    killer.at = None
    world.start()

    assert world.push(report(1, "b")).repeated + world.push(report(1, "b")).repeated >= 1
    (window,) = world.read(1, 2)
    assert window.stable == Sample(requests=200, failures=0)
    scheduled = [wake_at for _, wake_at in world.sent if wake_at is not None]
    assert NOON + 3 * WINDOW <= max(scheduled) <= NOON + 4 * WINDOW


def test_a_worker_killed_before_the_repeat_came_is_made_up_for_by_the_next_window(tmp_path):
    killer = Killer(None)
    world = PushedWorld(
        tmp_path, change=lambda keeping: replace(keeping, observations=Killable(keeping.observations, killer, "close"))
    )
    begin(world)
    fill(world, 0, "ab")
    killer.at = 1
    with suppress(KilledError):
        fill(world, 1, "ab")
    killer.at = None
    world.start()

    assert world.read(1, 2)[0].stable == Sample(requests=200, failures=0)
    world.sent.clear()
    fill(world, 2, "ab")
    assert world.woken_now() == 1


def test_nothing_pushed_by_the_stable_version_is_a_fault_that_says_how_to_push(world):
    world.at_window(10)

    (fault,) = world.metrics.find_faults(world.question(0, 10))

    assert fault.startswith("metrics.source: nobody pushed observations of version 1, target web")
    assert "/api/observations" in fault


def test_the_versions_that_were_pushed_instead_are_named(world):
    for window in range(4):
        fill(world, window, "a", ["1.0", "1.1"])

    (fault,) = world.metrics.find_faults(world.question(0, 4))

    assert "(pushed were: 1.0, 1.1)" in fault


def test_a_version_that_was_pushed_is_no_fault_though_figures_are_missing(world):
    for window in range(3):
        fill(world, window)

    assert world.metrics.find_faults(world.question(0, 3)) == ()


def push_points(world, *resources):
    return world.app.observations.take_points(parse_metrics(request(*resources)).reports)


def moment(windows: float):
    return NOON + windows * WINDOW


def test_delta_points_of_a_collector_are_observations(world):
    for window in range(2):
        world.at_window(window + 1)
        span = {"start": moment(window), "end": moment(window + 1)}
        for pod in ("p1", "p2"):
            taken = push_points(
                world,
                resource(
                    histogram(
                        duration_point(200, 90, seconds=0.02, **span), duration_point(500, 10, seconds=1, **span)
                    ),
                    total("orders", number_point(5, **span)),
                    instance=pod,
                    version="1",
                ),
            )
            assert (taken.accepted, taken.repeated, taken.left_out) == (2, 0, ())

    (window,) = world.read(1, 2)
    assert isinstance(window.stable, Sample)
    assert (window.stable.requests, window.stable.failures) == (200, 20)
    assert window.stable.latency_ms == pytest.approx(118)
    assert window.stable.histogram.above(100.0) == 20
    assert window.stable.named("orders") == Value(name="orders", value=10)
    assert world.woken_now() == 1


def test_a_sender_that_reports_five_times_a_window_closes_it_with_the_last(world):
    for part in range(10):
        world.at_window((part + 1) / 5)
        span = {"start": moment(part / 5), "end": moment((part + 1) / 5)}
        push_points(world, resource(histogram(duration_point(count=7, **span)), version="1"))
        assert world.woken_now() == (part == 9)

    assert world.read(1, 2)[0].stable.requests == 35


def test_a_report_that_a_collector_split_closes_the_window_with_its_second_half(world):
    for window in range(3):
        world.at_window(window + 1)
        span = {"start": moment(window), "end": moment(window + 1)}
        for status in (200, 500):
            push_points(world, resource(histogram(duration_point(status, 100, **span)), version="1"))
            assert world.woken_now() == (window > 0 and status == 500)

    assert [(each.stable.requests, each.stable.failures) for each in world.read(1, 3)] == [(200, 100)] * 2


def test_levels_that_add_up_to_no_number_are_left_out_by_name(world):
    world.at_window(1)
    span = {"start": moment(0), "end": moment(1)}
    levels = {"name": "memory", "gauge": {"dataPoints": [number_point(1e308, **span), number_point(1e308, **span)]}}

    taken = push_points(world, resource(histogram(duration_point(**span)), levels, version="1"))

    assert (taken.accepted, [left.points for left in taken.left_out]) == (1, [2])
    assert "memory has points" in taken.left_out[0].why
    world.at_window(2)
    assert world.read(0, 1)[0].stable.values == ()


def test_cumulative_points_count_what_came_since_the_point_before(world):
    boot = NOON - timedelta(hours=5)
    for window, count in enumerate((1_000, 1_040, 1_100)):
        world.at_window(window)
        point = duration_point(count=count, start=boot, end=moment(window))
        taken = push_points(world, resource(histogram(point, temporality=CUMULATIVE), version="1"))
        assert taken.left_out == ()
        again = push_points(world, resource(histogram(point, temporality=CUMULATIVE), version="1"))
        assert (again.accepted, again.repeated) == (0, 1)

    world.at_window(3)
    assert [window.stable.requests for window in world.read(0, 2)] == [40, 60]


def test_a_restarted_counter_and_first_failures_count(world):
    boot = NOON - timedelta(hours=5)
    told = [
        [duration_point(200, 1_000, start=boot, end=moment(0))],
        [duration_point(200, 1_010, start=boot, end=moment(1)), duration_point(500, 3, start=boot, end=moment(1))],
        [duration_point(200, 8, start=moment(1.2), end=moment(2))],
    ]
    for window, points in enumerate(told):
        world.at_window(window)
        push_points(world, resource(histogram(*points, temporality=CUMULATIVE), version="1"))

    world.at_window(3)
    samples = [window.stable for window in world.read(0, 2)]
    assert [(sample.requests, sample.failures) for sample in samples] == [(13, 3), (8, 0)]


def test_points_that_cannot_count_are_left_out_with_the_reason(world):
    world.at_window(1)
    good = {"start": moment(0), "end": moment(1)}

    taken = push_points(
        world,
        resource(histogram(duration_point(**good)), version="1"),
        resource(histogram(duration_point(**good), duration_point(500, **good)), service="nobody"),
        resource(histogram(duration_point(start=moment(-1), end=moment(1))), instance="slow"),
        resource(histogram(duration_point(start=moment(-99), end=moment(-98))), instance="late"),
        resource(histogram(duration_point(start=moment(9), end=moment(10))), instance="early"),
        resource(histogram(duration_point(**good)), instance="lost", **{"slipway.target": "other"}),
    )

    assert taken.accepted == 1
    assert [left.points for left in taken.left_out] == [2, 1, 1, 1, 1]
    says = " ".join(left.why for left in taken.left_out)
    for word in ("there is no application nobody", "report at least once", "or not at all", "sender's clock", "target"):
        assert word in says


def test_a_version_that_fails_as_a_whole_is_taken_back_with_the_first_window_that_closes(tmp_path):
    world = PushedWorld(tmp_path)
    for window in range(-8, 0):
        fill(world, window)
    world.at_window(0)
    rollout = world.deploy("2")

    for window in range(20):
        world.at_window(window + 1)
        reports = [report(window, sender, "1", requests=700) for sender in "ab"]
        if world.share() > 0:
            reports += [report(window, sender, "2", requests=40, failures=40) for sender in "ab"]
        world.push(*reports)
        world.run_for(timedelta(seconds=1))

    assert world.phase(rollout) == "rolled-back"
    at = {line["type"]: datetime.fromisoformat(line["at"]) for line in world.events(rollout)}
    assert at["RollbackBegun"] - at["BakeStarted"] <= WINDOW + timedelta(seconds=1)
