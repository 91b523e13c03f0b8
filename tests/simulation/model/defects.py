"""Defects that are sown on purpose: each takes one safeguard away, and the search must find what that one was for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from shared.application import drive
from shared.application.door import Door
from shared.application.drive import Driver
from shared.domain.analysis.judgement import Verdict
from shared.domain.rollout import decide, evolve, guarding, moving_on, needs, on_alert, preflight, settle
from shared.domain.rollout.events import StepEntered
from shared.domain.rollout.folds import beginning, going_back
from shared.domain.rollout.spec import AlertAction
from shared.domain.rollout.state import Doing, Rollout, TargetState
from shared.domain.rollout.weight import ALL, Weight
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


def _pass_while_it_bakes(_sound: Any) -> Any:
    return lambda draft, live, spec, least: live.doing is Doing.BAKING


def _look_until_it_is_well(sound: Any) -> Any:
    def judge(draft: Any, live: Any, target: TargetState, spec: Any, readings: Any) -> None:
        if target.judgement is None or target.judgement.verdict is not Verdict.HEALTHY:
            sound(draft, live, target, spec, readings)

    return judge


def _prove_all_at_first(_sound: Any) -> Any:
    return lambda plan, index: ALL


def _begin_with_the_second(sound: Any) -> Any:
    return lambda draft, rollout, index, because: sound(draft, rollout, index + 1, because)


def _send_everyone_on(sound: Any) -> Any:
    def entered(rollout: Rollout, event: StepEntered) -> Rollout:
        after: Rollout = sound(rollout, event)
        if not event.by:
            return after
        return replace(after, targets=tuple(replace(each, wanted=ALL) for each in after.targets))

    return entered


def _send_twice_as_many(sound: Any) -> Any:
    return lambda target: min(ALL, Weight(2 * sound(target)))


def _keep_the_weight(sound: Any) -> Any:
    return lambda target, weight, side: sound(target, target.wanted, side)


def _heed_no_release(_sound: Any) -> Any:
    return lambda draft, command: None


def _only_note_it(_sound: Any) -> Any:
    return lambda live, command: AlertAction.NOTE


def _change_nothing(_sound: Any) -> Any:
    return lambda rollout, event: rollout


def _send_none_after_a_conflict(sound: Any) -> Any:
    def rest(self: Driver, current: Any, delivery: Any, now: Any) -> Any:
        return sound(replace(self, queue=_Mute()) if delivery.conflicts else self, current, delivery, now)

    return rest


class _Mute:
    """A queue that takes messages and keeps none."""

    def send(self, wake_up: Any, *, at: Any = None) -> None:
        """Forget it."""


ALERT = "it starts, and an alert fires"
DEPLOYED = "it is deployed"
HURTS = "it is deployed, and hurts its users after a while"
SKIP = "a step passes, one person skips it, another one takes it back"
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
    Defect(
        "a step passes without a healthy window",
        (moving_on,),
        "_is_healthy",
        _pass_while_it_bakes,
        DEPLOYED,
        Faults(),
        "without a good window",
    ),
    Defect(
        "whoever was well once is looked at no more",
        (guarding,),
        "_judge",
        _look_until_it_is_well,
        HURTS,
        Faults(),
        "without a good window",
    ),
    Defect(
        "everything counts as proven at first",
        (beginning,),
        "weight_after",
        _prove_all_at_first,
        DEPLOYED,
        Faults(),
        "count as proven",
    ),
    Defect(
        "a rollout begins with its second step",
        (preflight,),
        "enter_step",
        _begin_with_the_second,
        DEPLOYED,
        Faults(),
        "are wanted at the candidate; 50 % are allowed",
    ),
    Defect(
        "whoever skips a step sends everyone on",
        (evolve,),
        "step_entered",
        _send_everyone_on,
        SKIP,
        Faults(),
        "100 % of the users of web are wanted at the candidate; 50 % are allowed",
    ),
    Defect(
        "routers are told more than was decided",
        (TargetState,),
        "share",
        _send_twice_as_many,
        DEPLOYED,
        Faults(),
        "100 % of the users of web are sent to the candidate's place; 50 % were proven",
    ),
    Defect(
        "a rollback leaves the weight as it is",
        (going_back,),
        "new_level",
        _keep_the_weight,
        SKIP,
        Faults(),
        "are wanted at the candidate; 0 % are allowed",
    ),
    Defect(
        "what a release opens is taken in and stays shut",
        (decide,),
        "decide_steer",
        _heed_no_release,
        "a release opens a stage of its member, and a person aborts",
        Faults(),
        "what it opened is not open",
    ),
    Defect(
        "an alert is only noted",
        (on_alert,),
        "_action",
        _only_note_it,
        ALERT,
        Faults(),
        "it goes on",
    ),
    Defect(
        "a pause is written down and holds nothing",
        (evolve,),
        "rollout_paused",
        _change_nothing,
        PAUSE,
        Faults(),
        "pause of ann is taken in, and not done",
    ),
    Defect(
        "who met a conflict sends no wake-up",
        (Driver,),
        "_rest",
        _send_none_after_a_conflict,
        DEPLOYED,
        Faults(locks=1),
        "nothing wakes it in time",
    ),
)
