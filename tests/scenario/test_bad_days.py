"""What happens when things go wrong: each test is a bad day that must end as a good one would, or say why not."""

import json
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.errors import RejectedError, TryLaterError, UnansweredError
from shared.domain.rollout.spec import Notification, Place, Topic
from shared.domain.wake_up import WakeUp
from tests.scenario.kills import Killable, KilledError, Killer, killable_keeping
from tests.scenario.world import ALERTS, QUEUE, SITE, SPEC, World

WAKE = WakeUp(key="application:shop", fence="")


def story(world: World, rollout: str) -> list[tuple]:
    """What the history tells, without times and numbers that may differ."""
    return [(line["type"], line.get("step"), line.get("side")) for line in world.events(rollout)]


def sequences(world: World, rollout: str) -> list[int]:
    return [line["sequence"] for line in world.events(rollout)]


def good_story(folder) -> list[tuple]:
    folder.mkdir()
    world = World(folder)
    rollout = world.deploy("2", event="e")
    world.run_to_end(rollout)
    return story(world, rollout)


def test_a_worker_killed_at_any_moment_changes_nothing_about_the_end(tmp_path):
    counting = Killer()
    wanted, calls = run_with(tmp_path / "clean", counting), counting.calls
    assert len(calls) > 25

    for at in range(1, len(calls) + 1):
        for after in (False, True):
            killed = Killer(at, after=after)
            told = run_with(tmp_path / f"{at}-{after}", killed)
            assert told in (wanted, without_swap_begun(wanted)), (at, after, calls[at - 1])


def run_with(folder, killer: Killer) -> list[tuple]:
    folder.mkdir()
    world = World(folder, SPEC.replace("[5, 25, 50]", "[5]"))
    world.change = killable_keeping(killer)
    rollout = world.deploy("2", event="e")
    world.start()
    world.run_to_end(rollout)
    world.run_for(timedelta(minutes=10))

    numbers = sequences(world, rollout)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert world.production() == "2"
    assert world.share() == 0
    assert [call.method for call in world.site.calls].count("begin_swap") == 1
    assert world.letters() == []
    return story(world, rollout)


@pytest.mark.parametrize("moment", ["before_set_share", "after_set_share", "before_begin_swap", "after_begin_swap"])
def test_a_worker_killed_around_a_call_to_the_platform_changes_nothing_about_the_end(tmp_path, moment):
    wanted = good_story(tmp_path / "clean")
    (tmp_path / "killed").mkdir()
    world = World(tmp_path / "killed")
    rollout = world.deploy("2", event="e")

    def kill(*_: int) -> None:
        setattr(world.site, moment, lambda *_: None)
        raise KilledError(moment)

    setattr(world.site, moment, kill)

    assert world.run_to_end(rollout) == "succeeded"
    assert story(world, rollout) in (wanted, without_swap_begun(wanted))
    assert world.production() == "2"


def without_swap_begun(lines: list[tuple]) -> list[tuple]:
    """A swap whose token died with the worker is known by its end alone."""
    return [line for line in lines if line[0] != "SwapBegun"]


@pytest.mark.parametrize("dies", [True, False])
def test_a_worker_that_stalls_before_its_call_never_overrules_a_rollback(world, dies):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)

    def stall(share: int) -> None:
        if share != 25_000:
            return
        world.site.before_set_share = lambda share: None
        world.alert()
        world.app.wake_ups.handle(WAKE, redelivered=False)  # another worker, while this one stands still
        if dies:
            world.site.after_set_share = die

    def die(share: int) -> None:
        world.site.after_set_share = lambda share: None
        raise KilledError

    world.site.before_set_share = stall

    assert world.run_to_end(rollout) == "rolled-back"
    assert world.share() == 0
    assert world.rollout(rollout)["targets"][0]["observed"] == 0


def test_a_late_write_is_put_right_by_the_very_call_that_made_it(world):
    """The level is read again after the write, so users meet what is not wanted any more for no longer than that."""
    world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    seen = []

    def stall(share: int) -> None:
        if share == 25_000:
            world.site.before_set_share = seen.append
            world.alert()
            world.app.wake_ups.handle(WAKE, redelivered=False)

    world.site.before_set_share = stall
    world.run_until(lambda: world.share() == 25 or bool(seen))

    assert seen == [0, 0], "the other worker's, which came first, and that of the one that stood still"
    assert world.share() == 0


def test_a_late_write_that_lands_while_the_rollback_settles_is_put_right(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)

    def stall(share: int) -> None:
        if share == 25_000:
            world.site.before_set_share = lambda share: None
            world.alert()
            raise KilledError

    world.site.before_set_share = stall
    world.run_until(lambda: world.phase(rollout) == "rolling-back")
    world.settle()
    assert world.phase(rollout) == "rolling-back"  # the dead worker's call may still land
    world.site.move_by_hand(world.target, 25_000)

    assert world.run_to_end(rollout) == "rolled-back"
    assert world.share() == 0


def test_two_workers_on_one_rollout_advance_it_once(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    world.run_until(lambda: (world.broker.next_due(QUEUE) or world.clock.now()) > world.clock.now())
    for _ in range(120):
        world.clock.time = max(world.clock.time, world.broker.next_due(QUEUE))
        threads = [
            threading.Thread(target=world.app.wake_ups.handle, args=(WAKE,), kwargs={"redelivered": False})
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        world.settle()
        if world.rollout(rollout)["ended"]:
            break

    assert world.phase(rollout) == "succeeded"
    steps = [line["step"] for line in world.events(rollout) if line["type"] == "StepPassed"]
    assert steps == [0, 1, 2, 3]
    assert [call.method for call in world.site.calls].count("begin_swap") == 1


def test_duplicate_late_and_shuffled_messages_change_nothing(tmp_path):
    wanted = good_story(tmp_path / "clean")
    (tmp_path / "noisy").mkdir()
    world = World(tmp_path / "noisy")
    rollout = world.deploy("2", event="e")
    fences = [str(number) for number in range(1, 40)]
    noise = 0

    def shout() -> bool:
        nonlocal noise
        noise += 1
        if noise % 3 == 0:
            world.keeping.queue.send(replace(WAKE, fence=fences[noise % len(fences)]))
        if noise % 7 == 0:
            world.announce("2", "e")
        return world.rollout(rollout)["ended"] is not None

    world.run_until(shout)

    assert story(world, rollout) == wanted


def test_a_platform_that_is_unwell_for_a_minute_is_waited_for(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    ends = world.clock.now() + timedelta(minutes=5)
    for method in ("set_share", "read_share", "begin_swap", "read_swap"):
        world.site.fail(method, TryLaterError("429", after_seconds=10), until=ends)

    assert world.run_to_end(rollout) == "succeeded"


def test_a_rollback_never_gives_up_and_calls_a_person(world):
    rollout = world.deploy("2", error_rate=0.3)
    world.run_until(lambda: world.share() == 5)
    world.site.fail("set_share")
    world.run_for(timedelta(hours=2))
    assert world.phase(rollout) == "stuck"
    assert world.rollout(rollout)["doing"] == "taking traffic back"

    world.site.mend()
    assert world.run_to_end(rollout) == "rolled-back"
    assert world.share() == 0


def test_a_platform_that_refuses_for_good_ends_the_rollout(world):
    rollout = world.deploy("2")
    world.site.fail("set_share", RejectedError("AuthorizationFailed"), times=1)

    assert world.run_to_end(rollout) == "failed"
    assert "AuthorizationFailed" in world.rollout(rollout)["reason"]


def test_a_store_that_is_down_for_five_minutes_loses_nothing(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    back_at = world.clock.now() + timedelta(minutes=5)
    world.change = lambda keeping: replace(keeping, store=DownUntil(keeping.store, world.clock, back_at))
    world.start()
    refused = 0
    while world.clock.now() < back_at:
        world.run_for(timedelta(seconds=20))
        try:
            world.announce("2", f"e-{world.clock.now()}")
        except TryLaterError:
            refused += 1

    assert refused > 10
    assert world.run_to_end(rollout) == "succeeded"
    assert world.failures == []  # nothing was left to the broker's redeliveries
    assert world.letters() == []


class DownUntil:
    """A store that answers nothing before a time."""

    def __init__(self, inner, clock, back_at) -> None:
        self._inner, self._clock, self._back_at = inner, clock, back_at

    def __getattr__(self, name):
        if self._clock.now() < self._back_at:
            raise TryLaterError("the store does not answer")
        return getattr(self._inner, name)


def test_a_queue_that_is_down_when_a_fact_is_accepted_only_delays_it(world):
    world.change = lambda keeping: replace(keeping, queue=Refusing(keeping.queue))
    world.start()
    rollout = world.deploy("2")
    world.change = lambda keeping: keeping
    world.start()

    assert world.phase(rollout) == "pending"
    assert world.run_to_end(rollout) == "succeeded"


class Refusing:
    def __init__(self, inner) -> None:
        self._inner = inner

    def send(self, *args, **kwargs):
        raise TryLaterError("the queue does not answer")


def test_messages_that_are_lost_are_made_up_for_by_the_sweep(world):
    rollout = world.deploy("2")
    lost = 0

    def lose() -> bool:
        nonlocal lost
        session = world.broker.accept_next_session(QUEUE, "thief")
        if session is not None:
            delivery = world.broker.receive(QUEUE, session=session, owner="thief")
            if delivery is not None and b'"sweep"' not in delivery.body:
                world.broker.complete(delivery)
                lost += 1
            elif delivery is not None:
                world.broker.abandon(delivery)
            world.broker.release_session(QUEUE, session, "thief")
        return world.rollout(rollout)["ended"] is not None

    world.run_until(lose, timedelta(hours=20))

    assert lost > 3
    assert world.phase(rollout) == "succeeded"


def test_a_swap_that_fails_is_begun_again(world):
    rollout = world.deploy("2")
    world.site.fail_next_swap(world.target, "the slot did not answer its warm-up")

    assert world.run_to_end(rollout) == "succeeded"
    assert world.happened(rollout).count("SwapFailed") == 1
    assert world.production() == "2"


def test_a_swap_overtaken_by_a_rollback_ends_with_the_stable_version_in_production(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.rollout(rollout)["doing"] == "swapping")
    world.alert()

    assert world.run_to_end(rollout) == "rolled-back"

    assert world.production() == "1"
    assert world.share() == 0


@pytest.mark.parametrize("moment", ["before_begin_swap", "after_begin_swap"])
def test_a_swap_that_a_killed_worker_may_have_begun_is_undone_by_a_rollback(world, moment):
    rollout = world.deploy("2")

    def kill() -> None:
        setattr(world.site, moment, lambda: None)
        world.alert()
        raise KilledError(moment)

    setattr(world.site, moment, kill)

    assert world.run_to_end(rollout) == "rolled-back"
    assert world.production() == "1"
    assert world.share() == 0


def test_a_swap_back_waits_for_the_stable_version_to_be_there(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.production() == "2" and world.rollout(rollout)["doing"] == "baking")
    world.site.deploy(world.target, Place.CANDIDATE, "9")
    world.override("rollback")
    world.run_for(timedelta(minutes=20))

    assert world.phase(rollout) == "stuck"
    assert world.production() == "2"  # the only healthy side there is

    world.site.deploy(world.target, Place.CANDIDATE, "1")
    assert world.run_to_end(rollout) == "rolled-back"
    assert world.production() == "1"


def test_a_notification_is_sent_under_one_id_until_it_is_taken(world):
    hook = Notification(name="ops", url="https://example.org/hook", topics=(Topic.ROLLED_BACK, Topic.STARTED))
    world.respec(notifications=(hook,))
    rollout = world.deploy("2", error_rate=0.5)
    world.notifier.fail(times=3, applied=True)
    world.run_to_end(rollout)
    world.run_for(timedelta(minutes=30))

    topics = [posted.body for posted in world.notifier.posted]
    assert any('"started"' in body for body in topics)
    assert any('"rolled-back"' in body for body in topics)
    ids = {posted.message_id for posted in world.notifier.posted}
    assert len(ids) == 2
    assert len(world.notifier.posted) == 5


def test_a_webhook_that_never_answers_holds_nothing_up(world):
    hook = Notification(name="ops", url="https://example.org/hook", topics=tuple(Topic))
    world.respec(notifications=(hook,))
    world.notifier.fail()
    rollout = world.deploy("2")

    assert world.run_to_end(rollout) == "succeeded"
    world.run_for(timedelta(hours=2))
    assert world.app.intake.markers.overdue(world.clock.now() + timedelta(days=1), limit=5) == ()


def test_a_state_that_cannot_be_read_is_one_letter_however_often_it_is_looked_at(world):
    world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    loaded = world.keeping.store.load(WAKE.key)
    world.keeping.store.commit(change_of(loaded, loaded.document.replace('"schema":1', '"schema":0', 1)))

    for _ in range(3):
        world.app.wake_ups.handle(WAKE, redelivered=False)

    (letter,) = world.letters()
    assert "its schema is 0" in letter["reason"]
    assert (letter["about"], letter["history"][0]["times"]) == (["application:shop"], 3)
    assert world.share() == 5


def change_of(loaded, document):
    from shared.ports.rollout_store import Change

    return Change(key=loaded.key, etag=loaded.etag, document=document)


def test_killables_pass_everything_else_on(world):
    assert Killable(world.keeping.store, Killer(), "commit").load(WAKE.key).key == WAKE.key


def test_a_weight_call_that_was_given_up_and_lands_later_does_not_outlive_a_rollback(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    world.site.fail("set_share", UnansweredError("no answer"), times=1)
    world.run_until(lambda: world.rollout(rollout)["weight"] == 25)
    world.alert()
    world.run_for(timedelta(seconds=10))
    world.site.move_by_hand(world.target, 25_000)  # the call that was given up lands

    assert world.run_to_end(rollout) == "rolled-back"
    assert world.share() == 0


def test_a_swap_call_that_was_given_up_and_lands_later_is_taken_back(world):
    rollout = world.deploy("2")
    world.site.fail("begin_swap", UnansweredError("no answer"), times=1)
    world.run_until(lambda: world.rollout(rollout)["doing"] == "swapping")
    world.settle()
    world.alert()
    world.run_for(timedelta(seconds=10))
    world.site.begin_swap(world.target)  # the call that was given up lands

    assert world.run_to_end(rollout) == "rolled-back"
    assert world.production() == "1"
    assert world.share() == 0


def test_nobody_is_sent_to_a_place_that_ci_overwrote_while_the_router_was_down(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    world.site.fail("set_share")
    world.run_until(lambda: world.rollout(rollout)["weight"] == 25)
    world.site.deploy(world.target, Place.CANDIDATE, "evil")
    world.run_for(timedelta(minutes=2))
    world.site.mend()
    seen = []
    world.site.before_set_share = seen.append

    assert world.run_to_end(rollout) == "failed"
    assert "candidate replaced: web serves evil where 2 should be" in world.rollout(rollout)["reason"]
    assert seen == [0]


def test_guards_stand_while_a_swap_cannot_begin(world):
    rollout = world.deploy("2")
    world.site.fail("begin_swap")
    world.run_until(lambda: world.rollout(rollout)["doing"] == "swapping")
    world.site.deploy(world.target, Place.CANDIDATE, "2", error_rate=1.0)

    before = world.clock.now()
    assert world.run_to_end(rollout) == "rolled-back"
    assert world.clock.now() - before < timedelta(minutes=8)
    assert world.share() == 0


def test_guards_stand_while_a_weight_cannot_be_set(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 25)
    world.site.fail("set_share", times=12)
    world.run_until(lambda: world.rollout(rollout)["weight"] == 50)
    world.site.deploy(world.target, Place.CANDIDATE, "2", error_rate=1.0)

    assert world.run_to_end(rollout) == "rolled-back"
    assert "degraded" in world.rollout(rollout)["reason"]


def test_an_alert_does_not_wait_for_webhooks_that_time_out(world):
    hooks = tuple(Notification(name=f"h{n}", url="https://example.org/hook", topics=(Topic.STARTED,)) for n in range(4))
    world.respec(notifications=hooks)
    world.settle()
    rollout = world.deploy("2")
    slow = world.notifier.notify
    told = []

    def notify(notification, message_id, body):
        told.append(world.share())
        if len(told) == 1:
            world.alert()
        return slow(notification, message_id, body)

    world.notifier.notify = notify
    world.settle()

    assert told[0] == 5
    assert told[1:] == [0, 0, 0]
    assert world.phase(rollout) == "rolled-back"


def test_a_weight_that_is_moved_just_after_the_end_is_put_right(world):
    rollout = world.deploy("2", error_rate=0.4)
    world.run_to_end(rollout)
    world.site.move_by_hand(world.target, 25_000)
    world.run_for(timedelta(minutes=10))

    assert world.share() == 0
    assert world.phase(rollout) == "rolled-back"
    assert "DriftFound" in world.happened(rollout)


def test_the_largest_spec_can_be_rolled_back_in_the_middle_of_its_swaps(tmp_path):
    hooks = "\n".join(f"  - {{name: h{n}, url: 'https://example.org/{n}'}}" for n in range(10))
    targets = "\n".join(
        f"  - {{name: web{n}, kind: app-service-slot, resource: {SITE}{n}, slot: candidate}}" for n in range(10)
    )
    first = f"  - {{name: web, kind: app-service-slot, resource: {SITE}, slot: candidate}}"
    world = World(tmp_path, SPEC.replace(first, targets) + f"notifications:\n{hooks}\n", deploy_first=False)
    world.notifier.fail()
    for target in world.spec.targets:
        world.site.deploy(target, Place.PRODUCTION, "1")
        world.site.deploy(target, Place.CANDIDATE, "2")
    rollout = world.announce("2")
    world.run_until(lambda: world.rollout(rollout)["doing"] == "baking")
    world.site.fail("begin_swap")
    world.override("promote")
    world.run_for(timedelta(seconds=30))
    world.override("rollback")

    assert world.run_to_end(rollout) == "rolled-back"
    assert world.letters() == []


def test_a_queued_alert_that_the_store_cannot_keep_goes_back_to_its_queue_for_later(world):
    back_at = world.clock.now() + timedelta(minutes=1)
    world.change = lambda keeping: replace(
        keeping,
        store=DownUntil(keeping.store, world.clock, back_at),
        index=DownUntil(keeping.index, world.clock, back_at),
    )
    world.start()
    world.app.events.take_queued("azure-monitor", ALERT)

    assert world.broker.receive(ALERTS, owner="host") is None
    world.clock.time = back_at
    delivery = world.broker.receive(ALERTS, owner="host")
    assert delivery is not None
    assert (delivery.body, delivery.delivery_count) == (ALERT, 1)
    world.app.events.take_queued("azure-monitor", delivery.body)
    world.broker.complete(delivery)
    assert world.broker.depth(ALERTS) == 0


ALERT = json.dumps(
    {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": "/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/a",
                "alertRule": "errors",
                "severity": "Sev1",
                "monitorCondition": "Fired",
                "alertTargetIDs": [SITE],
                "firedDateTime": "2026-11-23T12:00:00Z",
            },
            "alertContext": {},
        },
    }
).encode()
