"""Bringing a target to its level: what should be is read from the store just before and just after."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.application import aggregate as aggregates
from shared.application.landing import begin_in_time, call_that_may_land, failure
from shared.domain.errors import RejectedError, SlipwayError, TryLaterError
from shared.domain.names import RolloutId, TargetName
from shared.domain.rollout.commands import (
    AudienceWasSet,
    EffectDone,
    EffectFailed,
    EffectOutcome,
    EffectWaits,
    PreviewWasSet,
    SwapNotNeeded,
    SwapWasBegun,
    WeightWasSet,
)
from shared.domain.rollout.effects import BeginSwap, SetAudience, SetPreview, SetWeight
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import Place, Target
from shared.domain.rollout.state import OpenEffect, Phase, Rollout, Side, TargetState
from shared.domain.rollout.steps import replaced_in_words
from shared.domain.rollout.timing import SWAP_LOOK
from shared.domain.rollout.weight import Weight
from shared.ports.audience import Audience, RequestMark
from shared.ports.clock import Clock
from shared.ports.place_probe import PlaceProbe
from shared.ports.promoter import Promoter, SwapState
from shared.ports.rollout_store import RolloutStore
from shared.ports.traffic_router import TrafficRouter

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
class TargetMover:
    """Moves traffic at one target. Every outcome, also a failure, is a value: it comes back as a command."""

    store: RolloutStore
    router: TrafficRouter
    promoter: Promoter
    probe: PlaceProbe
    audience: Audience
    clock: Clock

    def set_weight(self, key: str, row: OpenEffect, effect: SetWeight) -> EffectOutcome:
        """Bring the candidate's share about that is wanted."""

        def bring(level: Level) -> EffectOutcome:
            return WeightWasSet(row.id, level.state.generation, self._bring_share(row, level))

        return self._until_in_force(key, row, effect, bring, lambda state: state.generation)

    def set_audience(self, key: str, row: OpenEffect, effect: SetAudience) -> EffectOutcome:
        """Bring about which marked requests are to go to the candidate."""

        def bring(level: Level) -> EffectOutcome:
            return AudienceWasSet(row.id, level.state.audience_level, self._bring_audience(row, level))

        return self._until_in_force(key, row, effect, bring, lambda state: state.audience_level)

    def set_preview(self, key: str, row: OpenEffect, effect: SetPreview) -> EffectOutcome:
        """Bring about that a swap with preview is pending, or none."""

        def bring(level: Level) -> EffectOutcome:
            if self.promoter.read_swap(level.target, None).state is SwapState.RUNNING:
                return EffectWaits(row.id, "a swap is running", SWAP_LOOK.total_seconds())
            return PreviewWasSet(row.id, level.state.preparing_level, self._bring_preview(row, level))

        return self._until_in_force(key, row, effect, bring, lambda state: state.preparing_level)

    def _until_in_force(
        self,
        key: str,
        row: OpenEffect,
        effect: SetWeight | SetAudience | SetPreview,
        bring: Callable[[Level], EffectOutcome],
        count: Callable[[TargetState], int],
    ) -> EffectOutcome:
        """Bring about what should be, and again while the store says that it changed meanwhile.

        `count` is what rises with each change of it.
        """
        level = self._level(key, effect.rollout, effect.target)
        for _ in range(OVERTAKEN_AT_MOST):
            if level is None:
                return EffectDone(row.id)
            try:
                outcome = bring(level)
            except SlipwayError as error:
                return failure(row, error)
            if isinstance(outcome, EffectWaits):
                return outcome
            newer = self._level(key, effect.rollout, effect.target)
            if newer is not None and count(newer.state) == count(level.state):
                return outcome
            level = newer
        return EffectFailed(row.id, "what is wanted changed faster than it could be set")

    def _bring_share(self, row: OpenEffect, level: Level) -> Weight:
        wanted = level.state.share()
        found = self.router.read_share(level.target)
        if wanted > found and level.rollout.phase is Phase.ROLLING_BACK:
            return found  # whoever goes back is never sent more, little by little or not
        if found != wanted:
            if wanted > found:
                self._verify_place(level)
            elif not level.state.swaps and found > MOST:
                self._verify_stable(level)
            self._cancel_late_preview(row, level)
            begin_in_time(row, self.clock.now())
            with call_that_may_land():
                self.router.set_share(level.target, wanted)
        return self.router.read_share(level.target)

    def _cancel_late_preview(self, row: OpenEffect, level: Level) -> None:
        """On the way back, cancel a swap with preview that began after it was seen to be gone.

        Nobody may have heard of the call that began it; and a site with prepared settings takes no other share.
        """
        if level.rollout.phase is not Phase.ROLLING_BACK or not level.state.was_prepared or level.state.prepares:
            return
        is_late = self.promoter.read_preview(level.target) is Preview.PENDING
        if is_late and self.promoter.read_swap(level.target, None).state is not SwapState.RUNNING:
            begin_in_time(row, self.clock.now())
            with call_that_may_land():
                self.promoter.reset_preview(level.target)

    def _bring_audience(self, row: OpenEffect, level: Level) -> RequestMark | None:
        wanted = level.state.audience
        if self.audience.read_audience(level.target) != wanted:
            if wanted is not None:
                self._verify_place(level)
            begin_in_time(row, self.clock.now())
            with call_that_may_land():
                self.audience.set_audience(level.target, wanted)
        return self.audience.read_audience(level.target)

    def _bring_preview(self, row: OpenEffect, level: Level) -> Preview:
        """Begin or cancel a swap with preview, but never one of other places."""
        found, prepares = self.promoter.read_preview(level.target), level.state.prepares
        if prepares and found is Preview.FOREIGN:
            raise RejectedError("a swap with preview of another slot is pending: finish or cancel it first")
        if prepares is (found is Preview.PENDING):
            return found
        if prepares:
            self._verify_place(level)
        begin_in_time(row, self.clock.now())
        with call_that_may_land():
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

    def begin_swap(self, key: str, row: OpenEffect, effect: BeginSwap) -> EffectOutcome:
        """Ask for the swap after which production serves what is wanted."""
        level = self._level(key, effect.rollout, effect.target)
        if level is None:
            return EffectDone(row.id)
        try:
            return self._swap(row, level)
        except SlipwayError as error:
            return failure(row, error)

    def _swap(self, row: OpenEffect, level: Level) -> EffectOutcome:
        """Begin a swap only where one is needed, none runs and no lost worker's call can still land."""
        wanted = level.rollout.version if level.state.wanted_side is Side.CANDIDATE else level.state.stable_version
        if any(self._is_swapping(level, token) for token in dict.fromkeys((level.state.swap_token, None))):
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
        begin_in_time(row, self.clock.now())
        with call_that_may_land():
            return SwapWasBegun(row.id, level.state.generation, self.promoter.begin_swap(level.target))

    def _is_swapping(self, level: Level, token: str | None) -> bool:
        """Whether the swap that was begun runs, or, without a token, any at all: nobody may have heard of another."""
        return self.promoter.read_swap(level.target, token).state is SwapState.RUNNING

    def _level(self, key: str, rollout_id: RolloutId, name: TargetName) -> Level | None:
        """Return what should be now, or None when the rollout is over and nothing is to be put right after it."""
        live = aggregates.load(self.store, key).application.watched
        if live is None or live.id != rollout_id or live.spec is None:
            return None
        state = live.target(name)
        return Level(live, live.at(name), state) if state else None
