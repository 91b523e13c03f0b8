"""What the doors promise: an id that was given away stays readable, and an identity stands for one request."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.names import CommandId, Version
from shared.domain.wake_up import WakeUp
from shared.wire.message_properties import attempt_in
from shared.wire.wake_ups import encode_wake_up, parse_wake_up
from tests.functions.alerts import alert
from tests.scenario.world import ALERTS, QUEUE, SHOP, World

ALERT = json.dumps(alert()).encode()
WHY = "the queue gave it up: MaxDeliveryCountExceeded"


def failed_once(world: World) -> None:
    assert world.run_to_end(world.deploy("2", error_rate=0.5)) == "rolled-back"
    world.settle()


def succeeded_once(world: World) -> None:
    assert world.run_to_end(world.deploy("2")) == "succeeded"
    world.settle()


def test_the_second_of_two_retries_ends_aborted_with_the_reason(world):
    failed_once(world)
    first, second = world.override("retry"), world.override("retry")
    assert [world.phase(each) for each in (first, second)] == ["pending", "pending"]

    world.settle()

    assert world.phase(first) == "progressing"
    refused = world.rollout(second)
    assert (refused["phase"], refused["version"], refused["source"]) == ("aborted", "2", "retry by alice")
    assert refused["reason"] == f"rollout {first} is progressing"
    assert world.happened(second) == ["DeploymentRefused"]
    assert "CommandRefused" in world.happened(first)


def test_a_rollback_of_the_last_success_never_takes_back_a_newer_rollout(world):
    succeeded_once(world)
    newer = world.deploy("3")
    promised = world.override("rollback", "the last one hurts")
    assert (world.phase(promised), world.rollout(promised)["version"]) == ("pending", "1")

    world.run_until(lambda: world.share() == 5)

    assert world.phase(newer) == "progressing"
    refused = world.rollout(promised)
    assert (refused["phase"], refused["version"]) == ("aborted", "1")
    assert refused["reason"] == f"it was to begin a rollout, and rollout {newer} is live by now"


def test_a_promised_rollout_can_be_read_while_it_waits_behind_a_newer_one(world):
    """The first commit makes the newer one live; the promise still waits in the inbox then."""
    succeeded_once(world)
    world.deploy("3")
    promised = world.override("rollback")
    seen = []
    world.start()
    store = _Before(world.keeping.store, commit=lambda *args: seen.append(world.phase(promised)))
    world.change = lambda keeping: replace(keeping, store=store)
    world.start()

    world.settle()

    assert set(seen) == {"pending", "aborted"}


def test_a_rollback_of_the_last_success_with_nothing_in_between_begins_what_was_promised(world):
    succeeded_once(world)
    promised = world.override("rollback")
    world.settle()

    assert world.run_to_end(promised) == "succeeded"
    assert world.production() == "1"


def test_a_rollback_that_was_accepted_for_a_live_rollout_takes_that_one_back(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.rollout(rollout)["phase"] == "promoting")
    assert world.override("rollback") == rollout

    world.settle()
    assert world.run_to_end(rollout) == "rolled-back"


def test_of_two_posts_of_one_event_at_once_the_one_with_another_version_is_refused(world):
    def other_post(*_args):
        store.before.clear()
        world.announce("2", "event-1")

    store = _Before(world.keeping.store, accept=other_post)
    world.change = lambda keeping: replace(keeping, store=store)
    world.start()

    with pytest.raises(RejectedError, match="was used for version 2, not 3"):
        world.app.intake.accept_deployment(SHOP, Version("3"), CommandId("event-1"), "ci")


def test_of_two_posts_of_one_event_at_once_both_are_answered_with_its_rollout(world):
    first = []

    def other_post(*_args):
        store.before.clear()
        first.append(world.announce("2", "event-1"))

    store = _Before(world.keeping.store, accept=other_post)
    world.change = lambda keeping: replace(keeping, store=store)
    world.start()

    assert [world.announce("2", "event-1")] == first


def test_an_alert_that_cannot_be_stored_comes_again_after_pauses_that_grow_and_acts_once_it_is(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    keep_out(world)
    world.app.events.take_queued("azure-monitor", ALERT)

    pauses = [deliver_alert(world) for _ in range(9)]
    let_in(world)
    deliver_alert(world)

    assert pauses == [timedelta(seconds=seconds) for seconds in (1, 2, 4, 8, 16, 32, 60, 60, 60)]
    assert world.broker.depth(ALERTS) == 0
    assert world.run_to_end(rollout) == "rolled-back"


def test_an_alert_that_fired_before_the_rollout_began_takes_it_back_and_history_says_when_it_fired(world):
    fired_at = "2026-11-23T10:30:00Z"
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    world.app.events.take("azure-monitor", json.dumps(alert(firedDateTime=fired_at)).encode())

    assert world.run_to_end(rollout) == "rolled-back"
    (received,) = [line for line in world.events(rollout) if line["type"] == "AlertReceived"]
    assert received["occurred"] == fired_at < world.rollout(rollout)["started"] <= received["at"]


@pytest.mark.parametrize(("body", "reason"), [(b"garbage", "not JSON"), (b"[1]", "allowed is an alert")])
def test_what_is_no_alert_waits_too_until_it_can_be_laid_aside(world, body, reason):
    keep_out(world)
    world.app.events.take_queued("azure-monitor", body)
    deliver_alert(world)
    let_in(world)
    deliver_alert(world)

    (letter,) = letters(world)
    assert (letter["source"], letter["body"]) == ("azure-monitor", body.decode())
    assert reason in letter["reason"]
    assert world.broker.depth(ALERTS) == 0


def test_an_alert_that_the_broker_gave_up_is_on_the_dead_letter_list_and_not_tried_again(world):
    world.app.events.take_over("azure-monitor", ALERT, WHY)

    (letter,) = letters(world)
    assert (letter["source"], letter["reason"], letter["body"]) == ("azure-monitor", WHY, ALERT.decode())
    assert world.broker.depth(ALERTS) == 0


def test_an_alert_that_was_given_up_is_tried_again_when_the_list_cannot_be_written(world):
    keep_out(world)
    world.app.events.take_over("azure-monitor", ALERT, WHY)
    let_in(world)

    assert world.broker.depth(ALERTS) == 1
    deliver_alert(world)
    assert letters(world) == []


def test_a_wake_up_that_was_given_up_is_on_the_dead_letter_list(world):
    world.settle()
    body = encode_wake_up(WakeUp(key="application:shop", fence="f"))
    world.app.wake_ups.take_over(body, WHY)

    (letter,) = letters(world)
    assert (letter["source"], letter["reason"], letter["body"]) == ("commands", WHY, body.decode())
    assert world.broker.depth(QUEUE) == 0


def test_a_wake_up_that_was_given_up_is_tried_again_when_the_list_cannot_be_written(world):
    world.settle()
    keep_out(world)
    world.app.wake_ups.take_over(encode_wake_up(WakeUp(key="application:shop", fence="f")), WHY)

    world.clock.time += timedelta(seconds=1)
    assert world.broker.accept_session(QUEUE, "application:shop", "test")
    again = parse_wake_up(world.broker.receive(QUEUE, session="application:shop", owner="test").body)
    assert (again.key, again.fence, again.attempt) == ("application:shop", "f", 1)


def test_what_is_no_wake_up_stays_with_the_broker_while_the_list_cannot_be_written(world):
    keep_out(world)
    with pytest.raises(TryLaterError, match="does not answer"):
        world.app.wake_ups.take_over(b"garbage", WHY)


def test_a_wake_up_that_is_refused_while_the_list_cannot_be_written_is_put_off(world):
    world.deploy("2")
    world.broker.release_locks()
    store = _Before(world.keeping.store, load=_refuse)
    world.change = lambda keeping: replace(
        keeping, store=store, letters=_Before(keeping.letters, find=_no_answer, put=_no_answer)
    )
    world.start()

    while world.deliver_one():
        pass

    assert world.failures == []
    assert world.broker.next_due(QUEUE) > world.clock.now()


def keep_out(world: World) -> None:
    """Nothing can be stored from now on."""
    world.change = lambda keeping: replace(
        keeping,
        store=_Before(keeping.store, load=_no_answer, accept=_no_answer),
        markers=_Before(keeping.markers, open=_no_answer),
        letters=_Before(keeping.letters, find=_no_answer, put=_no_answer),
    )
    world.start()


def let_in(world: World) -> None:
    """The store is well again."""
    world.change = lambda keeping: keeping
    world.start()


def deliver_alert(world: World) -> timedelta:
    """Let time pass to the next message of the alert queue and deliver it; return how long that took."""
    due = world.broker.next_due(ALERTS)
    pause, world.clock.time = due - world.clock.time, due
    delivery = world.broker.receive(ALERTS, owner="test")
    world.app.events.take_queued("azure-monitor", delivery.body, attempt_in(delivery.properties))
    world.broker.complete(delivery)
    return pause


def letters(world: World) -> list[dict]:
    return world.letters()


def _no_answer(*_args):
    raise TryLaterError("the store does not answer")


def _refuse(*_args):
    raise RejectedError("a stored document is not what this release writes")


class _Before:
    """Passes everything on; something of the test's happens right before the named methods."""

    def __init__(self, inner, **before):
        self._inner = inner
        self.before = before

    def __getattr__(self, name):
        method = getattr(self._inner, name)
        if name not in self.before:
            return method

        def call(*args, **kwargs):
            self.before[name](*args)
            return method(*args, **kwargs)

        return call
