"""A decision while it is being made: each fact is folded in at once, so the next rule sees it."""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.effect_ids import next_effect_id
from shared.domain.names import EffectId
from shared.domain.rollout.calendar import ReleaseWindow
from shared.domain.rollout.effects import CallHook, Effect, LevelEffect, PinTraffic, PublishViews
from shared.domain.rollout.events import (
    DeploymentRefused,
    Event,
    HookBegun,
    HookEnded,
    NotTakenBack,
    PinnedCounted,
    RolloutEnded,
    WarmthEnded,
)
from shared.domain.rollout.evolve import evolve
from shared.domain.rollout.folds.ending import ended
from shared.domain.rollout.react import react
from shared.domain.rollout.state import Application, Doing, OpenEffect, Phase, Rollout


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a command comes to: facts, the state after them, and what is to be written with it."""

    state: Application
    events: tuple[Event, ...] = ()
    opened: tuple[OpenEffect, ...] = ()
    closed: tuple[EffectId, ...] = ()
    archived: tuple[Rollout, ...] = ()
    """Rollouts that ended here, as they are kept."""


class Draft:
    """Collects the facts of one decision; `state` is always the state after them."""

    def __init__(self, state: Application, now: datetime, house: tuple[ReleaseWindow, ...] = ()) -> None:
        """`house`: the release windows of all applications."""
        self.state = state
        self.now = now
        self.house = house
        self._before = state
        self._events: list[Event] = []
        self._opened: list[OpenEffect] = []
        self._archived: list[Rollout] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing was recorded yet."""
        return not self._events

    def recorded(self, kind: type) -> int:
        """Return how many facts of a kind were recorded so far."""
        return sum(isinstance(event, kind) for event in self._events)

    def record(self, event: Event) -> None:
        """Add a fact, and the effects that it asks for."""
        before = self.state
        after = evolve(before, event)
        self._archive(before, after, event)
        self.state = after
        for effect, delay in react(before, after, event):
            self._open(effect, self.now + delay)
        self._events.append(event)

    def decision(self) -> Decision:
        """Return what was decided."""
        still_open = {o.id for o in self.state.effects}
        return Decision(
            state=self.state,
            events=tuple(self._events),
            opened=tuple(o for o in self._opened if o.id in still_open),
            closed=tuple(o.id for o in self._before.effects if o.id not in still_open),
            archived=tuple({rollout.id: rollout for rollout in self._archived}.values()),
        )

    def _open(self, effect: Effect, due: datetime) -> None:
        """Add an outbox row; an idle row that would set the same level is replaced by it."""
        same = [o for o in self.state.effects if o.effect == effect]
        if isinstance(effect, PublishViews) and same:
            return
        replaced = {o.id for o in same if o.begun is None or o in self._opened} if _is_level(effect) else set()
        # What a spec asks for is committed by who accepts it, and performed by whoever is woken.
        is_anybodys = isinstance(effect, PinTraffic | PublishViews)
        begun = None if due > self.now or is_anybodys else self.now
        row = OpenEffect(id=next_effect_id(self.state.effects_made), effect=effect, begun=begun, due=due)
        kept = tuple(o for o in self.state.effects if o.id not in replaced)
        self.state = replace(self.state, effects=(*kept, row), effects_made=self.state.effects_made + 1)
        self._opened.append(row)

    def _archive(self, before: Application, after: Application, event: Event) -> None:
        match event:
            case RolloutEnded():
                rollout = before.rollout(event.rollout)
                if rollout is not None:
                    self._archived.append(replace(ended(rollout, event), last_sequence=after.sequence))
            case DeploymentRefused():
                self._archived.append(_refused(after, event))
            case PinnedCounted() if before.aftercare is not None:
                over = before.aftercare.rollout
                self._archived.append(replace(over, pinned_requests=event.requests, last_sequence=after.sequence))
            case HookBegun() | HookEnded() | WarmthEnded() | NotTakenBack():
                told = [each for each in (*after.over, *before.over) if each.id == event.rollout]
                self._archived += [replace(each, last_sequence=after.sequence) for each in told[:1]]
            case _:
                return


def _is_level(effect: Effect) -> bool:
    return isinstance(effect, LevelEffect | CallHook)


def _refused(state: Application, event: DeploymentRefused) -> Rollout:
    return Rollout(
        id=event.rollout,
        application=state.name,
        version=event.version,
        requested=event.at,
        source=event.source,
        phase=Phase.ABORTED,
        doing=Doing.NOTHING,
        reason=event.reason,
        ended=event.at,
        first_sequence=state.sequence,
        last_sequence=state.sequence,
    )
