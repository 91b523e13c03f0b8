"""Doing what an effect asks for: traffic is moved, hooks and people are called, releases and views are told."""

from dataclasses import dataclass
from typing import assert_never

from shared.application import aggregate as aggregates
from shared.application.door import Door
from shared.application.landing import begin_in_time, call_that_may_land, failure
from shared.application.move_target import TargetMover
from shared.application.publish import ViewPublisher
from shared.domain.errors import SlipwayError
from shared.domain.names import CommandId, release_key
from shared.domain.releases.commands import MemberReported
from shared.domain.rollout.commands import EffectDone, EffectOutcome, HookAnswered, TrafficWasPinned
from shared.domain.rollout.effects import (
    BeginSwap,
    CallHook,
    LetGo,
    Notify,
    PinTraffic,
    PublishViews,
    SetAudience,
    SetPreview,
    SetWeight,
    TellRelease,
)
from shared.domain.rollout.state import OpenEffect
from shared.ports.clock import Clock
from shared.ports.driven_flags import DrivenFlags
from shared.ports.hook_caller import HookCaller
from shared.ports.notifier import Notifier
from shared.ports.rollout_store import RolloutStore
from shared.ports.traffic_pinner import TrafficPinner
from shared.wire.flag_split import parse_flag_split
from shared.wire.hook_calls import hook_body
from shared.wire.notifications import render_notification
from shared.wire.release_documents import ReleaseAnswer, write_release_answer, write_release_command


@dataclass(frozen=True, slots=True)
class Performer:
    """Runs effects. Every outcome, also a failure, is a value: it comes back as a command."""

    store: RolloutStore
    mover: TargetMover
    notifier: Notifier
    publisher: ViewPublisher
    clock: Clock
    hooks: HookCaller
    door: Door
    flags: DrivenFlags
    pinner: TrafficPinner | None = None
    """None where no target sends users to versions by itself."""
    address: str = ""
    """Where this app is reached from outside, for those who call back; empty where nobody said."""

    def perform(self, key: str, row: OpenEffect) -> EffectOutcome:
        """Do it. Raises only `TryLaterError`, when the store cannot say what should be."""
        match row.effect:
            case SetWeight():
                return self.mover.set_weight(key, row, row.effect)
            case SetAudience():
                return self.mover.set_audience(key, row, row.effect)
            case SetPreview():
                return self.mover.set_preview(key, row, row.effect)
            case BeginSwap():
                return self.mover.begin_swap(key, row, row.effect)
            case CallHook():
                return self._call_hook(key, row, row.effect)
            case Notify():
                return self._notify(row, row.effect)
            case PinTraffic():
                return self._pin_traffic(key, row, row.effect)
            case LetGo():
                return self._let_go(row, row.effect)
            case TellRelease():
                return self._tell_release(key, row, row.effect)
            case PublishViews():
                return self._publish(key, row)
            case _:
                assert_never(row.effect)

    def _call_hook(self, key: str, row: OpenEffect, effect: CallHook) -> EffectOutcome:
        state = aggregates.load(self.store, key).application
        run = state.call(effect.call_id)
        if run is None or run.is_over or run.token is not None:
            return EffectDone(row.id)
        body = hook_body(state.name, run, self.address)
        try:
            begin_in_time(row, self.clock.now())
            with call_that_may_land():
                started = self.hooks.call(run.hook.call, run.call_id, body, in_doubt_since=run.in_doubt_since)
        except SlipwayError as error:
            return failure(row, error)
        return HookAnswered(row.id, started.token, started.status)

    def _notify(self, row: OpenEffect, effect: Notify) -> EffectOutcome:
        try:
            self.notifier.notify(effect.notification, *render_notification(row.id, effect))
        except SlipwayError as error:
            return failure(row, error)
        return EffectDone(row.id)

    def _tell_release(self, key: str, row: OpenEffect, effect: TellRelease) -> EffectOutcome:
        told = MemberReported(id=CommandId(f"{key} {row.id}"), report=effect.report)
        answer = ReleaseAnswer(release=effect.release, asked="")
        document = write_release_command(told)
        try:
            self.door.accept(release_key(effect.release), told.id, document, write_release_answer(answer))
        except SlipwayError as error:
            return failure(row, error)
        return EffectDone(row.id)

    def _let_go(self, row: OpenEffect, effect: LetGo) -> EffectOutcome:
        try:
            self.flags.let_go(parse_flag_split(effect.resource), effect.rollout, effect.share)
        except SlipwayError as error:
            return failure(row, error)
        return EffectDone(row.id)

    def _pin_traffic(self, key: str, row: OpenEffect, effect: PinTraffic) -> EffectOutcome:
        spec = aggregates.load(self.store, key).application.spec
        target = next((each for each in spec.targets if each.name == effect.target), None) if spec else None
        if target is None or self.pinner is None:
            return EffectDone(row.id)
        try:
            begin_in_time(row, self.clock.now())
            says = self.pinner.pin_traffic(target)
        except SlipwayError as error:
            return failure(row, error)
        return TrafficWasPinned(row.id, says)

    def _publish(self, key: str, row: OpenEffect) -> EffectOutcome:
        try:
            self.publisher.publish(aggregates.load(self.store, key))
        except SlipwayError as error:
            return failure(row, error)
        return EffectDone(row.id)
