"""Faulty versions of sound code: what a sown defect puts in its place."""

from dataclasses import replace
from typing import Any

from shared.application import drive
from shared.application.door import Door
from shared.application.drive import Driver
from shared.domain.analysis.judgement import Verdict
from shared.domain.rollout.events import StepEntered
from shared.domain.rollout.spec import AlertAction
from shared.domain.rollout.state import Doing, Rollout, TargetState
from shared.domain.rollout.weight import ALL, Weight
from shared.ports.rollout_store import InboxEntry, Receipt
from tests.simulation.model.kept import Kept


def commit_without_etag(_sound: Any) -> Any:
    return lambda self, change: self.overwritten(change)


def accept_twice(_sound: Any) -> Any:
    def accept(self: Kept, command_id: str, answer: str, entry: InboxEntry | None) -> tuple[Kept, Receipt]:
        inbox = (*self.inbox, entry) if entry is not None else self.inbox
        answers = tuple(sorted({**dict(self.answers), command_id: answer}.items()))
        after = replace(self, inbox=inbox, answers=answers, taken=self.taken | {command_id})
        return after, Receipt(first=True, answer=answer)

    return accept


def close_before_the_work(sound: Any) -> Any:
    def go_on(self: Driver, current: Any, delivery: Any) -> None:
        if delivery.wake_up.marker:
            self.markers.close(current.key, delivery.wake_up.marker)
        sound(self, current, delivery)

    return go_on


def perform_before_the_commit(sound: Any) -> Any:
    def commit(self: Driver, current: Any, decision: Any, delivery: Any, consumed: Any) -> Any:
        for row in decision.opened:
            live = decision.state.live
            if row.begun is not None and live is not None and isinstance(row.effect, drive.LevelEffect):
                target = live.target(row.effect.target)
                self.performer.mover.router.set_share(live.at(row.effect.target), target.share())
        return sound(self, current, decision, delivery, consumed)

    return commit


def keep_every_answer(_sound: Any) -> Any:
    return lambda delivery, state: None


def wake_before_it_is_stored(_sound: Any) -> Any:
    def accept(self: Door, key: str, command_id: str, document: str, answer: str) -> Receipt:
        now = self.clock.now()
        self.wake(key)
        return self.store.accept(key, command_id, answer, InboxEntry(command_id, document, now))

    return accept


def close_whatever_is_open(_sound: Any) -> Any:
    def tidy(self: Driver, current: Any, delivery: Any) -> None:
        if delivery.wake_up.marker:
            self.markers.close(current.key, delivery.wake_up.marker)

    return tidy


def forget_no_fence(_sound: Any) -> Any:
    return lambda alarms, fence, now: alarms


def forget_the_next_wake_up(_sound: Any) -> Any:
    return lambda self, key, alarms: None


def end_without_waiting(_sound: Any) -> Any:
    return lambda state, live: None


def pass_while_it_bakes(_sound: Any) -> Any:
    return lambda draft, live, spec, least: live.doing is Doing.BAKING


def look_until_it_is_well(sound: Any) -> Any:
    def judge(draft: Any, live: Any, target: TargetState, spec: Any, readings: Any) -> None:
        if target.judgement is None or target.judgement.verdict is not Verdict.HEALTHY:
            sound(draft, live, target, spec, readings)

    return judge


def prove_all_at_first(_sound: Any) -> Any:
    return lambda plan, index: ALL


def begin_with_the_second(sound: Any) -> Any:
    return lambda draft, rollout, index, because: sound(draft, rollout, index + 1, because)


def send_everyone_on(sound: Any) -> Any:
    def entered(rollout: Rollout, event: StepEntered) -> Rollout:
        after: Rollout = sound(rollout, event)
        if not event.by:
            return after
        return replace(after, targets=tuple(replace(each, wanted=ALL) for each in after.targets))

    return entered


def send_twice_as_many(sound: Any) -> Any:
    return lambda target: min(ALL, Weight(2 * sound(target)))


def keep_the_weight(sound: Any) -> Any:
    return lambda target, weight, side: sound(target, target.wanted, side)


def heed_no_release(_sound: Any) -> Any:
    return lambda draft, command: None


def only_note_it(_sound: Any) -> Any:
    return lambda live, command: AlertAction.NOTE


def change_nothing(_sound: Any) -> Any:
    return lambda rollout, event: rollout


def send_none_after_a_conflict(sound: Any) -> Any:
    def rest(self: Driver, current: Any, delivery: Any, now: Any) -> Any:
        return sound(replace(self, queue=_Mute()) if delivery.conflicts else self, current, delivery, now)

    return rest


class _Mute:
    """A queue that takes messages and keeps none."""

    def send(self, wake_up: Any, *, at: Any = None) -> None:
        """Forget it."""
