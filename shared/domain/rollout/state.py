"""The aggregate of one application: what is known, wanted and under way."""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.names import ApplicationName, EffectId, RolloutId, TargetName, Version
from shared.domain.rollout.effects import Effect, SetWeight
from shared.domain.rollout.phases import TERMINAL, Doing, Phase, Side
from shared.domain.rollout.remembered import (
    REMEMBERED_VERSIONS,
    Aftercare,
    Ended,
    Freeze,
    Pinning,
    Serving,
    Tried,
    Warm,
)
from shared.domain.rollout.rollout_state import RUNNING, Ending, HookRun, Pause, Rollout
from shared.domain.rollout.spec import Spec
from shared.domain.rollout.target_state import TargetState

__all__ = [
    "REMEMBERED_VERSIONS",
    "RUNNING",
    "TERMINAL",
    "Aftercare",
    "Application",
    "Doing",
    "Ended",
    "Ending",
    "Freeze",
    "HookRun",
    "OpenEffect",
    "Pause",
    "Phase",
    "Pinning",
    "Rollout",
    "Serving",
    "Side",
    "TargetState",
    "Tried",
    "Warm",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEffect:
    """An outbox row that is not closed yet, as the rules see it."""

    id: EffectId
    effect: Effect
    begun: datetime | None
    """When a worker last began it; None once that worker said that it failed."""
    due: datetime
    attempt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """All that is decided about one application, loaded and committed as one."""

    name: ApplicationName
    spec: Spec | None = None
    spec_revision: int = 0
    sequence: int = 0
    """How many events were recorded so far; the sequence number of the newest."""
    effects_made: int = 0
    effects: tuple[OpenEffect, ...] = ()
    frozen: Freeze | None = None
    live: Rollout | None = None
    pending: Rollout | None = None
    last: Ended | None = None
    serving: Serving | None = None
    pinning: tuple[Pinning, ...] = ()
    """What was found of each target that may send users to a version before it is announced."""
    tried: tuple[Tried, ...] = ()
    """The versions that were tried last, the newest last; at most `REMEMBERED_VERSIONS`."""
    production_since: datetime | None = None
    """When production was last seen to have changed hands by a swap of ours: what was measured there before is not
    about the version that it serves now."""
    aftercare: Aftercare | None = None
    """Cut short by the next rollout."""
    warm: Warm | None = None
    """The version before, while it is kept to take everyone back in one hop."""
    duties: tuple[HookRun, ...] = ()
    """Hooks that are called after a rollout has ended. They outlive the next one."""
    over: tuple[Rollout, ...] = ()
    """Rollouts that ended and still have a duty: what comes of it belongs to their history."""

    @property
    def brings_back_warm(self) -> bool:
        """Whether a rollout brings the version that is kept warm: until that has ended it loses nothing it needs."""
        comes = (rollout.version for rollout in (self.live, self.pending) if rollout is not None)
        return self.warm is not None and self.warm.version in comes

    @property
    def way_back(self) -> Warm | None:
        """What takes everyone back in one hop: the version before the one that serves, while it is kept in its place.

        Rollouts that were taken back since change nothing about that.
        """
        warm, serving = self.warm, self.serving
        if warm is None or warm.overwritten is not None or serving is None or warm.serving != serving.version:
            return None
        return warm

    @property
    def watched(self) -> Rollout | None:
        """The rollout whose targets are looked at now: the live one, or the last one until its aftercare is over."""
        return self.live or (self.aftercare.rollout if self.aftercare else None)

    @property
    def spec_in_force(self) -> Spec | None:
        """The spec by which targets are to be read now, with the places that were found."""
        watched = self.watched
        if watched is None or watched.spec is None:
            return None
        return replace(watched.spec, targets=tuple(watched.at(target.name) for target in watched.spec.targets))

    def freezes(self, rollout: Rollout) -> bool:
        """Whether the application is frozen, and that holds this rollout."""
        return self.frozen is not None and not rollout.despite_freeze

    def attempts(self, version: Version) -> int:
        """Return how many rollouts of a version have passed their preflight, as far as that is remembered."""
        return next((tried.times for tried in self.tried if tried.version == version), 0)

    def call(self, call_id: str) -> HookRun | None:
        """Return the hook's call with this id, if it is not over."""
        in_plan = (self.live.hook,) if self.live is not None and self.live.hook is not None else ()
        return next((run for run in (*in_plan, *self.duties) if run.call_id == call_id), None)

    def rollout(self, rollout_id: RolloutId) -> Rollout | None:
        """Return the live or pending rollout with this id, or None."""
        return next((r for r in (self.live, self.pending) if r is not None and r.id == rollout_id), None)

    def is_being_set(self, rollout: RolloutId, target: TargetName) -> bool:
        """Whether the target's router is being told already what is wanted."""
        return any(row.effect == SetWeight(rollout, target) for row in self.effects)

    def open_effect(self, effect_id: EffectId) -> OpenEffect | None:
        """Return the open effect with this id, or None."""
        return next((effect for effect in self.effects if effect.id == effect_id), None)
