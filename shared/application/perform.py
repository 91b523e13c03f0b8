"""Doing what an effect asks for, level-based: what should be is read from the store just before and just after."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from shared.application import aggregate as aggregates
from shared.application.door import Door
from shared.application.publish import ViewPublisher
from shared.domain.errors import RejectedError, SlipwayError, TryLaterError, UnansweredError
from shared.domain.names import CommandId, RolloutId, TargetName, release_key
from shared.domain.releases.commands import MemberReported
from shared.domain.rollout.commands import (
    AudienceWasSet,
    EffectDone,
    EffectFailed,
    EffectOutcome,
    EffectWaits,
    HookAnswered,
    PreviewWasSet,
    SwapNotNeeded,
    SwapWasBegun,
    WeightWasSet,
)
from shared.domain.rollout.effects import (
    BeginSwap,
    CallHook,
    Notify,
    PublishViews,
    SetAudience,
    SetPreview,
    SetWeight,
    TellRelease,
)
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import Place, Target
from shared.domain.rollout.state import OpenEffect, Rollout, Side, TargetState
from shared.domain.rollout.steps import replaced_in_words
from shared.domain.rollout.timing import SWAP_LOOK
from shared.domain.rollout.weight import Weight
from shared.ports.audience import Audience, RequestMark
from shared.ports.clock import Clock
from shared.ports.hook_caller import HookCaller
from shared.ports.notifier import Notifier
from shared.ports.place_probe import PlaceProbe
from shared.ports.promoter import Promoter, SwapState
from shared.ports.rollout_store import RolloutStore
from shared.ports.traffic_router import TrafficRouter
from shared.wire.hook_calls import hook_body
from shared.wire.notifications import render_notification
from shared.wire.release_documents import ReleaseAnswer, write_release_answer, write_release_command

BEGIN_WITHIN = timedelta(seconds=12)
"""A call that would begin later than this after its row was begun could land after `CALL_LIMIT`: it is not made."""
MOST = Weight(50_000)
"""A share above this is most users: before they are sent back the other side is looked at."""
OVERTAKEN_AT_MOST = 5
"""How often one call follows a level that keeps changing, before it leaves the rest to the newer effects."""


@dataclass(frozen=True, slots=True)
class Level:
    """What should be at one target, and all that is needed to bring it about."""

    rollout: Rollout
    target: Target
    state: TargetState


@dataclass(frozen=True, slots=True)
class Performer:
    """Runs effects. Every outcome, also a failure, is a value: it comes back as a command."""

    store: RolloutStore
    router: TrafficRouter
    promoter: Promoter
    probe: PlaceProbe
    notifier: Notifier
    publisher: ViewPublisher
    clock: Clock
    hooks: HookCaller
    door: Door
    audience: Audience
    address: str = ""
    """Where this app is reached from outside, for those who call back; empty where nobody said."""

    def perform(self, key: str, row: OpenEffect) -> EffectOutcome:
        """Do it. Raises only `TryLaterError`, when the store cannot say what should be."""
        match row.effect:
            case SetWeight():
                return self._set_weight(key, row, row.effect)
            case SetAudience():
                return self._set_audience(key, row, row.effect)
            case SetPreview():
                return self._set_preview(key, row, row.effect)
            case BeginSwap():
                return self._begin_swap(key, row, row.effect)
            case CallHook():
                return self._call_hook(key, row, row.effect)
            case Notify():
                return self._notify(row, row.effect)
            case TellRelease():
                return self._tell_release(key, row, row.effect)
            case PublishViews():
                return self._publish(key, row)
            case _:
                assert_never(row.effect)

    def _set_weight(self, key: str, row: OpenEffect, effect: SetWeight) -> EffectOutcome:
        level = self._level(key, effect.rollout, effect.target)
        for _ in range(OVERTAKEN_AT_MOST):
            if level is None:
                return EffectDone(row.id)
            try:
                share = self._bring_share(row, level)
            except SlipwayError as error:
                return _failure(row, error)
            newer = self._level(key, effect.rollout, effect.target)
            if newer is not None and newer.state.generation == level.state.generation:
                return WeightWasSet(row.id, level.state.generation, share)
            level = newer
        return EffectFailed(row.id, "the wanted weight changed faster than it could be set")

    def _bring_share(self, row: OpenEffect, level: Level) -> Weight:
        wanted = level.state.share()
        found = self.router.read_share(level.target)
        if found != wanted:
            if wanted > found:
                self._verify_place(level)
            elif not level.state.swaps and found > MOST:
                self._verify_stable(level)
            self._in_time(row)
            with _call_that_may_land():
                self.router.set_share(level.target, wanted)
        return self.router.read_share(level.target)

    def _set_audience(self, key: str, row: OpenEffect, effect: SetAudience) -> EffectOutcome:
        level = self._level(key, effect.rollout, effect.target)
        for _ in range(OVERTAKEN_AT_MOST):
            if level is None:
                return EffectDone(row.id)
            try:
                mark = self._bring_audience(row, level)
            except SlipwayError as error:
                return _failure(row, error)
            newer = self._level(key, effect.rollout, effect.target)
            if newer is not None and newer.state.audience_level == level.state.audience_level:
                return AudienceWasSet(row.id, level.state.audience_level, mark)
            level = newer
        return EffectFailed(row.id, "the wanted audience changed faster than it could be set")

    def _bring_audience(self, row: OpenEffect, level: Level) -> RequestMark | None:
        wanted = level.state.audience
        if self.audience.read_audience(level.target) != wanted:
            if wanted is not None:
                self._verify_place(level)
            self._in_time(row)
            with _call_that_may_land():
                self.audience.set_audience(level.target, wanted)
        return self.audience.read_audience(level.target)

    def _set_preview(self, key: str, row: OpenEffect, effect: SetPreview) -> EffectOutcome:
        level = self._level(key, effect.rollout, effect.target)
        for _ in range(OVERTAKEN_AT_MOST):
            if level is None:
                return EffectDone(row.id)
            try:
                if self.promoter.read_swap(level.target, None).state is SwapState.RUNNING:
                    return EffectWaits(row.id, "a swap is running", SWAP_LOOK.total_seconds())
                preview = self._bring_preview(row, level)
            except SlipwayError as error:
                return _failure(row, error)
            newer = self._level(key, effect.rollout, effect.target)
            if newer is not None and newer.state.preparing_level == level.state.preparing_level:
                return PreviewWasSet(row.id, level.state.preparing_level, preview)
            level = newer
        return EffectFailed(row.id, "the wanted swap with preview changed faster than it could be set")

    def _bring_preview(self, row: OpenEffect, level: Level) -> Preview:
        """Begin or cancel a swap with preview, but never one of other places."""
        found, prepares = self.promoter.read_preview(level.target), level.state.prepares
        if prepares and found is Preview.FOREIGN:
            raise RejectedError("a swap with preview of another slot is pending: finish or cancel it first")
        if prepares is (found is Preview.PENDING):
            return found
        if prepares:
            self._verify_place(level)
        self._in_time(row)
        with _call_that_may_land():
            if prepares:
                self.promoter.apply_preview(level.target)
            else:
                self.promoter.reset_preview(level.target)
        return self.promoter.read_preview(level.target)

    def _verify_place(self, level: Level) -> None:
        """Before more users are sent there: does the candidate's place serve what it is to serve, healthy?

        After a swap that is the stable version, for those who are held back. What replaced it is seen at the next look.
        """
        name, version = level.target.name, level.rollout.version
        serves = self.probe.read_version(level.target, Place.CANDIDATE)
        is_stable_there = level.state.swaps and level.state.holds_back
        if is_stable_there and serves != level.state.stable_version:
            raise TryLaterError(f"{name} serves {serves} where {level.state.stable_version} should be")
        if not is_stable_there and serves != version:
            raise RejectedError(replaced_in_words(name, serves, version))
        health = self.probe.read_health(level.target, Place.CANDIDATE)
        if not health.healthy:
            raise TryLaterError(f"{serves} is not healthy: {health.detail}")

    def _verify_stable(self, level: Level) -> None:
        """Before most users are sent back: is the stable version there, and well? Else they stay where they are."""
        name, stable = level.target.name, level.state.stable_version
        serves = self.probe.read_version(level.target, Place.PRODUCTION)
        if stable is not None and serves != stable:
            raise TryLaterError(f"{name} serves {serves} where users should go back to {stable}")
        health = self.probe.read_health(level.target, Place.PRODUCTION)
        if not health.healthy:
            raise TryLaterError(f"{name}: {serves}, where users should go back to, is not healthy: {health.detail}")

    def _in_time(self, row: OpenEffect) -> None:
        if row.begun is None or self.clock.now() - row.begun > BEGIN_WITHIN:
            raise TryLaterError("the look before the call took too long: looking again")

    def _begin_swap(self, key: str, row: OpenEffect, effect: BeginSwap) -> EffectOutcome:
        level = self._level(key, effect.rollout, effect.target)
        if level is None:
            return EffectDone(row.id)
        try:
            return self._swap(row, level)
        except SlipwayError as error:
            return _failure(row, error)

    def _swap(self, row: OpenEffect, level: Level) -> EffectOutcome:
        """Begin a swap only where one is needed, none runs and no lost worker's call can still land."""
        wanted = level.rollout.version if level.state.wanted_side is Side.CANDIDATE else level.state.stable_version
        if self.promoter.read_swap(level.target, level.state.swap_token).state is SwapState.RUNNING:
            return EffectWaits(row.id, "a swap is running", SWAP_LOOK.total_seconds())
        serves = self.probe.read_version(level.target, Place.PRODUCTION)
        if serves == wanted:
            return SwapNotNeeded(row.id, level.state.generation)
        now = self.clock.now()
        if level.rollout.settle_at is not None and level.rollout.settle_at > now:
            wait = (level.rollout.settle_at - now).total_seconds()
            return EffectWaits(row.id, "a lost worker's swap may still begin", wait)
        other = self.probe.read_version(level.target, Place.CANDIDATE)
        if other != wanted:
            return EffectFailed(row.id, f"a swap would bring {other} to production, not {wanted}")
        health = self.probe.read_health(level.target, Place.CANDIDATE)
        if not health.healthy:
            return EffectFailed(row.id, f"{wanted} is not healthy: {health.detail}")
        self._in_time(row)
        with _call_that_may_land():
            return SwapWasBegun(row.id, level.state.generation, self.promoter.begin_swap(level.target))

    def _call_hook(self, key: str, row: OpenEffect, effect: CallHook) -> EffectOutcome:
        state = aggregates.load(self.store, key).application
        run = state.call(effect.call_id)
        if run is None or run.is_over or run.token is not None:
            return EffectDone(row.id)
        body = hook_body(state.name, run, self.address)
        try:
            self._in_time(row)
            with _call_that_may_land():
                started = self.hooks.call(run.hook.call, run.call_id, body, in_doubt_since=run.in_doubt_since)
        except SlipwayError as error:
            return _failure(row, error)
        return HookAnswered(row.id, started.token, started.status)

    def _notify(self, row: OpenEffect, effect: Notify) -> EffectOutcome:
        try:
            self.notifier.notify(effect.notification, *render_notification(row.id, effect))
        except SlipwayError as error:
            return _failure(row, error)
        return EffectDone(row.id)

    def _tell_release(self, key: str, row: OpenEffect, effect: TellRelease) -> EffectOutcome:
        told = MemberReported(id=CommandId(f"{key} {row.id}"), report=effect.report)
        answer = ReleaseAnswer(release=effect.release, asked="")
        document = write_release_command(told)
        try:
            self.door.accept(release_key(effect.release), told.id, document, write_release_answer(answer))
        except SlipwayError as error:
            return _failure(row, error)
        return EffectDone(row.id)

    def _publish(self, key: str, row: OpenEffect) -> EffectOutcome:
        try:
            self.publisher.publish(aggregates.load(self.store, key))
        except SlipwayError as error:
            return _failure(row, error)
        return EffectDone(row.id)

    def _level(self, key: str, rollout_id: RolloutId, name: TargetName) -> Level | None:
        """Return what should be now, or None when the rollout is over and nothing is to be put right after it."""
        live = aggregates.load(self.store, key).application.watched
        if live is None or live.id != rollout_id or live.spec is None:
            return None
        state = live.target(name)
        return Level(live, live.at(name), state) if state else None


class _InDoubtError(TryLaterError):
    """A call that changes something got no answer."""


@contextmanager
def _call_that_may_land() -> Iterator[None]:
    """Tell a change that got no answer from a look that got none: only the change may still happen."""
    try:
        yield
    except UnansweredError as error:
        raise _InDoubtError(str(error), after_seconds=error.after_seconds) from error


def _failure(row: OpenEffect, error: SlipwayError) -> EffectFailed:
    return EffectFailed(
        row.id,
        str(error),
        error.after_seconds if isinstance(error, TryLaterError) else None,
        for_good=isinstance(error, RejectedError),
        in_doubt=isinstance(error, _InDoubtError),
    )
