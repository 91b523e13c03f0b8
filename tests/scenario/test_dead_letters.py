"""What could not be handled: one letter for one trouble, sent again or closed once, and nothing lost in between."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.application.dead_letters import LETTERS, UnknownLetterError
from shared.domain.dead_letters.decide import Discard, Redrive
from shared.domain.dead_letters.letter import KEPT
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.names import CommandId
from shared.ports.command_queue import WakeUp
from shared.ports.rollout_store import Change
from shared.wire.dead_letter_requests import parse_letter_query
from shared.wire.message_properties import attempt_in
from shared.wire.wake_ups import encode_wake_up
from tests.functions.alerts import alert
from tests.scenario.kills import Killable, KilledError, Killer
from tests.scenario.world import ALERTS, QUEUE, World

WHY = "the queue gave it up: MaxDeliveryCountExceeded: no worker took it"
KEY = "application:shop"


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def redrive(command: str = "r1", by: str = "alice") -> Redrive:
    return Redrive(id=CommandId(command), by=by, why="it was mended")


def discard(command: str = "d1", by: str = "bob") -> Discard:
    return Discard(id=CommandId(command), by=by, why="no use")


def given_up(world, body: bytes | None = None) -> dict:
    """An alert that the broker gave up; return its letter."""
    world.app.events.take_over("azure-monitor", json.dumps(alert()).encode() if body is None else body, WHY)
    (letter,) = world.letters()
    return letter


def deliver_alerts(world) -> int:
    """Deliver what is due on the alert queue; return how many that were."""
    count = 0
    while (delivery := world.broker.receive(ALERTS, owner="test")) is not None:
        world.app.events.take_queued("azure-monitor", delivery.body, attempt_in(delivery.properties))
        world.broker.complete(delivery)
        count += 1
    return count


def lines(world, letter_id: str) -> list[str]:
    return [line["type"] for line in world.app.dead_letter_list.show(letter_id)["history"]]


def stored(world, document: str) -> str:
    """Put this over the state of the application; return what stood there."""
    loaded = world.keeping.store.load(KEY)
    world.keeping.store.commit(Change(key=KEY, etag=loaded.etag, document=document))
    return loaded.document


class _Failing:
    """A queue that takes nothing, or takes it and loses the answer."""

    def __init__(self, inner, *, taken: bool = False):
        self._inner, self._taken = inner, taken

    def send(self, *args, **kwargs):
        if self._taken:
            self._inner.send(*args, **kwargs)
        raise TryLaterError("the queue does not answer")


def test_an_alert_that_is_redriven_acts_once_however_often_it_is_asked_for(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    letter = given_up(world)
    assert letter["about"] == [KEY]

    first = world.app.dead_letters.act(letter["id"], redrive())
    second = world.app.dead_letters.act(letter["id"], redrive("r2", "bob"))

    assert (first.is_new, second.is_new) == (True, False)
    assert second.answer.by == "alice"
    assert deliver_alerts(world) == 1
    assert world.run_to_end(rollout) == "rolled-back"
    assert world.happened(rollout).count("AlertReceived") == 1
    assert world.letters() == []
    assert lines(world, letter["id"]) == ["Refused", "Redriven"]


def test_a_redrive_of_what_was_done_already_changes_nothing(world):
    """The alert had been taken in before the broker gave the message up: its identity is in its body."""
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    world.app.events.take_queued("azure-monitor", json.dumps(alert()).encode())
    world.run_to_end(rollout)
    world.run_for(timedelta(hours=1))
    before = world.events(rollout)

    world.app.dead_letters.act(given_up(world)["id"], redrive())
    assert deliver_alerts(world) == 1
    world.run_for(timedelta(minutes=5))

    assert world.events(rollout) == before


def test_a_redrive_that_fails_again_is_the_same_letter_with_a_longer_history(world):
    letter = given_up(world)
    world.app.dead_letters.act(letter["id"], redrive())
    delivery = world.broker.receive(ALERTS, owner="test")
    world.app.events.take_over("azure-monitor", delivery.body, "the queue gave it up: once more")

    (again,) = world.letters()
    assert (again["id"], again["reason"]) == (letter["id"], "the queue gave it up: once more")
    assert lines(world, letter["id"]) == ["Refused", "Redriven", "Refused"]
    assert world.app.dead_letters.act(letter["id"], redrive("r2")).is_new


def test_a_wake_up_that_was_refused_is_redriven_once_its_application_can_be_read_again(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    good = stored(world, "{}")
    world.app.wake_ups.handle(WakeUp(key=KEY, fence="f"), redelivered=False)
    (letter,) = world.letters()

    world.app.dead_letters.act(letter["id"], redrive())
    world.settle()
    assert lines(world, letter["id"]) == ["Refused", "Redriven", "Refused"]

    stored(world, good)
    world.app.dead_letters.act(letter["id"], redrive("r2"))
    assert world.run_to_end(rollout) == "succeeded"
    assert world.letters() == []


def test_a_redrive_within_the_duplicate_window_is_delivered_each_time(world):
    world.deploy("2")
    world.settle()
    body = encode_wake_up(WakeUp(key=KEY, fence="f"))
    depth = world.broker.depth(QUEUE)
    for number in range(3):
        world.app.wake_ups.take_over(body, f"{WHY} {number}")
        (letter,) = world.letters()
        world.app.dead_letters.act(letter["id"], redrive(f"r{number}"))
    assert world.broker.depth(QUEUE) == depth + 3


@pytest.mark.parametrize("taken", [False, True], ids=["not sent", "sent, and no answer"])
def test_a_redrive_that_could_not_be_sent_is_sent_by_the_sweep_and_never_forgotten(world, taken):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    letter = given_up(world)
    world.change = lambda keeping: replace(keeping, alerts=_Failing(keeping.alerts, taken=taken))
    world.start()
    decision = world.app.dead_letters.act(letter["id"], redrive())
    assert (decision.is_new, decision.letter.state) == (True, "redriving")
    world.change = lambda keeping: keeping
    world.start()

    world.run_for(timedelta(minutes=7))

    assert world.app.dead_letter_list.show(letter["id"])["state"] == "redriven"
    assert deliver_alerts(world) == (2 if taken else 1)
    assert world.run_to_end(rollout) == "rolled-back"
    assert world.happened(rollout).count("AlertReceived") == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 5), ids=["marker", "written down", "sent", "noted"])
def test_a_worker_that_dies_anywhere_in_a_redrive_leaves_nothing_lost_and_nothing_done_twice(world, at, after):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    letter = given_up(world)
    killer = Killer(at, after=after)
    world.change = lambda keeping: replace(
        keeping,
        letters=Killable(keeping.letters, killer, "put"),
        markers=Killable(keeping.markers, killer, "open"),
        alerts=Killable(keeping.alerts, killer, "send"),
    )
    world.start()
    with pytest.raises(KilledError):
        world.app.dead_letters.act(letter["id"], redrive())
    world.change = lambda keeping: keeping
    world.start()

    world.run_for(timedelta(minutes=7))
    if world.letters():
        assert (at, after) in ((1, False), (1, True), (2, False))
        world.app.dead_letters.act(letter["id"], redrive())

    assert lines(world, letter["id"]) == ["Refused", "Redriven"]
    assert world.app.dead_letter_list.show(letter["id"])["state"] == "redriven"
    assert deliver_alerts(world) == (2 if (at, after) in ((3, True), (4, False)) else 1)
    assert world.run_to_end(rollout) == "rolled-back"
    assert world.happened(rollout).count("AlertReceived") == 1


def test_a_message_that_is_refused_before_its_redrive_is_noted_leaves_the_letter_open(world):
    letter = given_up(world)

    class Quick:
        def send(self, body, **_kwargs):
            world.app.events.take_over("azure-monitor", body, WHY)

    world.change = lambda keeping: replace(keeping, alerts=Quick())
    world.start()
    world.app.dead_letters.act(letter["id"], redrive())

    assert lines(world, letter["id"]) == ["Refused", "Redriven", "Refused"]
    world.run_for(timedelta(minutes=10))
    assert [each["id"] for each in world.letters()] == [letter["id"]]


@pytest.mark.parametrize("dies", [False, True], ids=["at once", "found by the sweep"])
def test_what_its_queue_never_takes_is_the_same_letter_open_again_with_the_reason(world, dies):
    letter = given_up(world)

    class Refusing:
        def send(self, _body, **_kwargs):
            raise RejectedError("the message is too large")

    class Dying:
        def send(self, _body, **_kwargs):
            raise KilledError

    world.change = lambda keeping: replace(keeping, alerts=Dying() if dies else Refusing())
    world.start()
    with suppress(KilledError):
        world.app.dead_letters.act(letter["id"], redrive())
    world.change = lambda keeping: replace(keeping, alerts=Refusing())
    world.start()
    world.run_for(timedelta(minutes=10))

    (shown,) = world.letters(state="all")
    assert (shown["id"], shown["state"]) == (letter["id"], "open")
    assert shown["reason"] == "it cannot be sent again: the message is too large"
    assert lines(world, letter["id"]) == ["Refused", "Redriven", "Refused"]
    assert world.app.dead_letters.act(letter["id"], discard()).letter.state == "discarded"


@pytest.mark.parametrize(("mine", "theirs"), [(redrive(), discard()), (discard(), redrive())], ids=["lost", "lost too"])
def test_of_a_redrive_and_a_discard_at_once_one_wins_and_the_other_is_told(world, mine, theirs):
    letter = given_up(world)
    letters = world.keeping.letters

    class Slow:
        """Somebody else acts between this one's look and its write."""

        def __getattr__(self, name):
            return getattr(letters, name)

        def put(self, *args):
            if not done:
                done.append(True)
                beside.act(letter["id"], theirs)
            return letters.put(*args)

    done, beside = [], world.app.dead_letters
    slow = replace(world.app.dead_letters, letters=Slow())

    with pytest.raises(RejectedError, match=theirs.by):
        slow.act(letter["id"], mine)
    assert len(lines(world, letter["id"])) == 2
    assert deliver_alerts(world) == isinstance(theirs, Redrive)


def test_of_two_redrives_at_once_one_message_is_sent_and_both_are_answered_alike(world):
    letter = given_up(world)
    letters = world.keeping.letters

    class Slow:
        def __getattr__(self, name):
            return getattr(letters, name)

        def put(self, *args):
            if not done:
                done.append(True)
                beside.act(letter["id"], redrive("r2", "bob"))
            return letters.put(*args)

    done, beside = [], world.app.dead_letters

    decision = replace(world.app.dead_letters, letters=Slow()).act(letter["id"], redrive())

    assert (decision.is_new, decision.answer.by) == (False, "bob")
    assert deliver_alerts(world) == 1


def test_a_discarded_letter_can_be_looked_at_for_its_time_and_is_gone_then(world):
    letter = given_up(world)
    world.app.dead_letters.act(letter["id"], discard())

    assert world.letters() == []
    (closed,) = world.letters(state="discarded")
    assert closed["history"][-1] | {"at": ""} == {"type": "Discarded", "at": "", "by": "bob", "reason": "no use"}
    world.run_for(timedelta(minutes=10))
    world.clock.time += KEPT - timedelta(minutes=20)
    world.run_for(timedelta(minutes=5))
    assert world.letters(state="all") != []

    world.run_for(timedelta(minutes=20))
    assert world.letters(state="all") == []
    assert world.app.intake.markers.overdue(world.clock.now() + 2 * KEPT, limit=5) == ()


def test_a_letter_that_is_open_again_is_not_forgotten_with_the_discard_of_before(world):
    letter = given_up(world)
    world.app.dead_letters.act(letter["id"], discard())
    world.run_for(timedelta(minutes=10))
    given_up(world)
    world.clock.time += KEPT
    world.run_for(timedelta(minutes=5))

    assert [each["id"] for each in world.letters()] == [letter["id"]]


def test_what_no_queue_of_ours_takes_is_refused_at_the_door_and_can_be_discarded(world):
    world.app.events.take_queued("azure-monitor", b"garbage")
    (letter,) = world.letters()

    with pytest.raises(RejectedError, match=r"would only be refused again: .*not JSON"):
        world.app.dead_letters.act(letter["id"], redrive())
    assert lines(world, letter["id"]) == ["Refused"]
    assert world.app.dead_letters.act(letter["id"], discard()).is_new


def test_a_letter_that_is_not_there_is_said_to_be_not_there(world):
    with pytest.raises(UnknownLetterError, match="no letter nobody"):
        world.app.dead_letters.act("nobody", redrive())


def test_the_list_is_filtered_by_application_reason_and_state_and_read_page_by_page(world):
    for number in range(120):
        reason = "the queue gave it up: odd" if number % 2 else WHY
        world.app.wake_ups.take_over(encode_wake_up(WakeUp(key=f"application:a{number}", fence="")), reason)
    odd, after = [], ""
    while after is not None:
        page = world.app.dead_letter_list.page(parse_letter_query({"reason": "ODD", "after": after}))
        odd, after = odd + page["dead_letters"], page["next"]

    assert len(odd) == 60
    assert {letter["reason"] for letter in odd} == {"the queue gave it up: odd"}
    (one,) = world.letters(application="a7")
    assert one["about"] == ["application:a7"]
    assert world.letters(application="a7", reason=WHY) == []
    world.app.dead_letters.act(one["id"], discard())
    assert world.letters(application="a7") == []
    assert (
        len(world.letters(application="a7", state="discarded"))
        == len(world.letters(application="a7", state="all"))
        == 1
    )


def test_secrets_in_a_body_and_a_reason_are_not_shown_and_are_sent_again_as_they_came(world):
    body = json.dumps(alert() | {"apiKey": "s3cret-s3cret"}).encode()
    letter = given_up(world, body)

    assert "s3cret" not in json.dumps(letter)
    assert '"apiKey": "***"' in letter["body"]
    world.app.dead_letters.act(letter["id"], redrive())
    assert world.broker.receive(ALERTS, owner="test").body == body


def test_a_letter_is_looked_after_under_a_key_of_its_own(world):
    letter = given_up(world)
    world.app.dead_letters.act(letter["id"], discard())

    world.app.wake_ups.handle(WakeUp(key=f"{LETTERS}{letter['id']}", fence="sweep", marker="old"), redelivered=False)
    world.app.wake_ups.handle(WakeUp(key=f"{LETTERS}nobody", fence=""), redelivered=False)

    assert world.letters(state="all") != []
