"""Defects that are sown on purpose: each takes one safeguard away, and the search must find what that one was for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from shared.application import drive
from shared.application.door import Door
from shared.application.drive import Driver
from shared.domain.rollout import needs, settle
from shared.ports.rollout_store import InboxEntry, Receipt
from tests.simulation.model.kept import Kept
from tests.simulation.model.moves import Faults


@dataclass(frozen=True, slots=True)
class Defect:
    """What is taken away, where, and which scenario and faults are enough to see it."""

    name: str
    where: tuple[Any, ...]
    """Each place that knows it by its name."""
    what: str
    instead: Callable[[Any], Any]
    """Makes the faulty version from the sound one."""
    scenario: str
    faults: Faults
    says: str
    """A part of what the search says of it."""

    @contextmanager
    def sown(self) -> Iterator[None]:
        """Let the code have this defect for a while."""
        sound = getattr(self.where[0], self.what)
        for place in self.where:
            setattr(place, self.what, self.instead(sound))
        try:
            yield
        finally:
            for place in self.where:
                setattr(place, self.what, sound)


def _commit_without_etag(_sound: Any) -> Any:
    return lambda self, change: self.overwritten(change)


def _accept_twice(_sound: Any) -> Any:
    def accept(self: Kept, command_id: str, answer: str, entry: InboxEntry | None) -> tuple[Kept, Receipt]:
        inbox = (*self.inbox, entry) if entry is not None else self.inbox
        answers = tuple(sorted({**dict(self.answers), command_id: answer}.items()))
        after = replace(self, inbox=inbox, answers=answers, taken=self.taken | {command_id})
        return after, Receipt(first=True, answer=answer)

    return accept


def _close_before_the_work(sound: Any) -> Any:
    def go_on(self: Driver, current: Any, delivery: Any) -> None:
        if delivery.wake_up.marker:
            self.markers.close(current.key, delivery.wake_up.marker)
        sound(self, current, delivery)

    return go_on


def _perform_before_the_commit(sound: Any) -> Any:
    def commit(self: Driver, current: Any, decision: Any, delivery: Any, consumed: Any) -> Any:
        for row in decision.opened:
            live = decision.state.live
            if row.begun is not None and live is not None and isinstance(row.effect, drive.LevelEffect):
                target = live.target(row.effect.target)
                self.performer.mover.router.set_share(live.at(row.effect.target), target.share())
        return sound(self, current, decision, delivery, consumed)

    return commit


def _keep_every_answer(_sound: Any) -> Any:
    return lambda delivery, state: None


def _wake_before_it_is_stored(_sound: Any) -> Any:
    def accept(self: Door, key: str, command_id: str, document: str, answer: str) -> Receipt:
        now = self.clock.now()
        self.wake(key)
        return self.store.accept(key, command_id, answer, InboxEntry(command_id, document, now))

    return accept


def _close_whatever_is_open(_sound: Any) -> Any:
    def tidy(self: Driver, current: Any, delivery: Any) -> None:
        if delivery.wake_up.marker:
            self.markers.close(current.key, delivery.wake_up.marker)

    return tidy


def _forget_no_fence(_sound: Any) -> Any:
    return lambda alarms, fence, now: alarms


def _forget_the_next_wake_up(_sound: Any) -> Any:
    return lambda self, key, alarms: None


def _end_without_waiting(_sound: Any) -> Any:
    return lambda state, live: None


ALERT = "it starts, and an alert fires"
PAUSE = "a person pauses, another one resumes"
DEFECTS = (
    Defect(
        "a change is committed whatever stands there",
        (Kept,),
        "commit",
        _commit_without_etag,
        ALERT,
        Faults(),
        "version does not grow",
    ),
    Defect(
        "one command id is taken in twice",
        (Kept,),
        "accept",
        _accept_twice,
        "it succeeds, and an alert fires twice",
        Faults(),
        "still waits, and history tells of it 1 times",
    ),
    Defect(
        "the sweep's marker is closed before the work is done",
        (Driver,),
        "_go_on",
        _close_before_the_work,
        PAUSE,
        Faults(),
        "no marker says so",
    ),
    Defect(
        "an effect is performed before its commit",
        (Driver,),
        "_commit",
        _perform_before_the_commit,
        ALERT,
        Faults(crashes=1),
        "were proven",
    ),
    Defect(
        "an answer counts though somebody else holds the row by now",
        (drive._Delivery,),
        "forget_lost",
        _keep_every_answer,
        ALERT,
        Faults(locks=1),
        "does not hold it",
    ),
    Defect(
        "the marker is closed while a rollout goes on",
        (Driver,),
        "_tidy",
        _close_whatever_is_open,
        PAUSE,
        Faults(),
        "no marker says so",
    ),
    Defect(
        "a wake-up that came counts as one that will come",
        (drive,),
        "without",
        _forget_no_fence,
        ALERT,
        Faults(),
        "nothing wakes it in time",
    ),
    Defect(
        "a fact is accepted without an open marker",
        (Door,),
        "accept",
        _wake_before_it_is_stored,
        ALERT,
        Faults(),
        "no marker says so",
    ),
    Defect(
        "the next wake-up is not sent",
        (Driver,),
        "_schedule",
        _forget_the_next_wake_up,
        ALERT,
        Faults(),
        "nothing wakes it in time",
    ),
    Defect(
        "a rollback ends while a dead worker's call may still land",
        (settle, needs),
        "quiet_at",
        _end_without_waiting,
        ALERT,
        Faults(crashes=1),
        "no rollout is live",
    ),
)
