"""One delivery drives an application as far as it can go without waiting, then schedules the next look and sleeps."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.application import aggregate as aggregates
from shared.application.aggregate import Aggregate
from shared.application.alarms import at_proven_time, planned, without
from shared.application.door import MARKER_GRACE
from shared.application.perform import Performer
from shared.application.read import Reader
from shared.domain.errors import VersionConflictError
from shared.domain.names import EffectId
from shared.domain.rollout.calendar import ReleaseWindow
from shared.domain.rollout.commands import ClaimEffect, Command, EffectOutcome, Tick
from shared.domain.rollout.decide import decide
from shared.domain.rollout.draft import Decision
from shared.domain.rollout.effects import LevelEffect, Notify, PublishViews
from shared.domain.rollout.needs import needs
from shared.domain.rollout.on_tick import claimable_at, next_look, next_wake
from shared.domain.rollout.state import Application, OpenEffect
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue, WakeUp
from shared.ports.open_markers import OpenMarkers
from shared.ports.rollout_store import InboxEntry, RolloutStore
from shared.wire.alarms import Alarm
from shared.wire.documents import read_accepted

BUDGET = timedelta(seconds=20)
"""No new step is begun in one delivery after this; the rest follows by a wake-up of its own."""
STEPS_AT_MOST = 60
CONFLICTS_AT_MOST = 20

log = logging.getLogger("slipway.drive")


@dataclass(slots=True)
class _Delivery:
    """What one delivery remembers while it drives; nothing in it outlives the delivery."""

    wake_up: WakeUp
    redelivered: bool
    began: datetime
    own: dict[EffectId, datetime] = field(default_factory=dict)
    """Rows begun by this delivery, and when: they are its own until somebody takes them over, who begins them anew."""
    outcomes: list[EffectOutcome] = field(default_factory=list)
    news: bool = False
    """Whether windows came of which nothing was decided yet."""
    conflicts: int = 0

    def owns(self, row: OpenEffect) -> bool:
        """Whether the row is this delivery's still."""
        return row.begun is not None and self.own.get(row.id) == row.begun

    def begin(self, rows: Iterable[OpenEffect]) -> None:
        """Remember what a commit of this delivery has begun."""
        self.own |= {row.id: row.begun for row in rows if row.begun is not None}

    def settle(self, command: Command, after: Application) -> None:
        """Remember that the command was committed: an answer is taken in, a claimed row is ours, news was seen."""
        if self.outcomes and command is self.outcomes[0]:
            self.outcomes.pop(0)
        elif isinstance(command, ClaimEffect):
            self.begin(row for row in after.effects if row.id == command.effect)
        elif isinstance(command, Tick):
            self.news = False

    def forget_lost(self, state: Application) -> None:
        """Keep no answer of a row that somebody took over: that one's call may still land when this one is over."""
        mine = {row.id for row in state.effects if self.owns(row)}
        self.outcomes = [outcome for outcome in self.outcomes if outcome.effect in mine]


@dataclass(frozen=True, slots=True)
class _Next:
    """The next thing to decide, and the inbox entry that asked for it."""

    command: Command
    entry: InboxEntry | None = None


@dataclass(frozen=True, slots=True)
class Driver:
    """Handles wake-ups. Safe to run twice at once for one application: the second to commit decides again."""

    store: RolloutStore
    queue: CommandQueue
    markers: OpenMarkers
    reader: Reader
    performer: Performer
    clock: Clock
    house: tuple[ReleaseWindow, ...] = ()
    """The release windows of all applications."""

    def drive(self, wake_up: WakeUp, *, redelivered: bool = False) -> None:
        """Decide and do all that is due.

        `redelivered` says that an earlier delivery of this message did not end well: what it had begun is
        taken over and what it may not have scheduled is scheduled again.
        Raises `TryLaterError` when store or queue are unwell: nothing is lost, deliver it again later.
        """
        current = aggregates.load(self.store, wake_up.key)
        clock = at_proven_time(self.clock, current.envelope.alarms, wake_up.fence)
        delivery = _Delivery(wake_up, redelivered, clock.now(), news=wake_up.observed)
        replace(self, clock=clock)._go_on(current, delivery)

    def _go_on(self, current: Aggregate, delivery: _Delivery) -> None:
        """Drive it from here as far as it goes now."""
        for _ in range(STEPS_AT_MOST):
            if self.clock.now() - delivery.began > BUDGET:
                break
            try:
                after = self._step(current, delivery)
            except VersionConflictError:
                delivery.conflicts += 1
                if delivery.conflicts > CONFLICTS_AT_MOST:
                    raise
                current = aggregates.load(self.store, current.key)
                continue
            if after is None:
                after = self._with_news(current)
                if after is None:
                    self._tidy(current, delivery)
                    return
            current = after
        self.queue.send(WakeUp(key=current.key, fence=""))

    def _step(self, current: Aggregate, delivery: _Delivery) -> Aggregate | None:
        """Decide the next thing, or perform the next effect; return None when there is nothing to do now."""
        now = self.clock.now()
        delivery.forget_lost(current.application)
        row = _own_row(current, delivery, now)
        if row is not None and isinstance(row.effect, Notify) and (news := self._with_news(current)) is not None:
            return news
        if row is not None:
            delivery.outcomes.append(self.performer.perform(current.key, row))
        following = _next(current, delivery, now)
        if following is None:
            return self._rest(current, delivery, now)
        state, command = current.application, following.command
        readings = self.reader.read(state.spec_in_force, needs(state, command, now))
        decision = decide(state, command, readings, now=self.clock.now(), house=self.house)
        consumed = (following.entry,) if following.entry else ()
        after = self._commit(current, decision, delivery, consumed)
        delivery.settle(command, after.application)
        return after

    def _commit(
        self, current: Aggregate, decision: Decision, delivery: _Delivery, consumed: tuple[InboxEntry, ...]
    ) -> Aggregate:
        """Commit, and claim for this delivery the rows that it opened."""
        if not decision.events and not consumed:
            return current
        alarms = without(current.envelope.alarms, delivery.wake_up.fence, self.clock.now())
        after = aggregates.commit(self.store, current, decision, alarms=alarms, consumed=consumed, now=self.clock.now())
        delivery.begin(decision.opened)
        _log(decision)
        return after

    def _rest(self, current: Aggregate, delivery: _Delivery, now: datetime) -> Aggregate | None:
        """Publish what changed and see to the next wake-up, in one commit where anything changed."""
        state = current.application
        views = next((row for row in state.effects if isinstance(row.effect, PublishViews) and row.due <= now), None)
        decision = Decision(state=state)
        if views is not None:
            outcome = self.performer.perform(current.key, views)
            decision = decide(state, outcome, now=now, house=self.house)
        before = without(current.envelope.alarms, delivery.wake_up.fence, now)
        fence = f"{current.envelope.version + 1}"
        alarms, new = planned(before, next_wake(decision.state), fence)
        if decision.events or alarms != current.envelope.alarms:
            current = aggregates.commit(self.store, current, decision, alarms=alarms, now=now)
        self._schedule(current.key, alarms if delivery.redelivered else (new,) if new else ())
        return None

    def _schedule(self, key: str, alarms: Iterable[Alarm]) -> None:
        for alarm in alarms:
            self.queue.send(WakeUp(key=key, fence=alarm.fence), at=alarm.at)

    def _with_news(self, current: Aggregate) -> Aggregate | None:
        """Return the application again if something was accepted while it was being driven, else None."""
        latest = aggregates.load(self.store, current.key)
        return latest if latest.inbox else None

    def _tidy(self, current: Aggregate, delivery: _Delivery) -> None:
        """Answer the sweep: say until when this application need not be looked at, or that it has no open work."""
        if not delivery.wake_up.marker:
            return
        latest = aggregates.load(self.store, current.key)
        wake_at = next_wake(latest.application)
        if latest.inbox:
            return
        if wake_at is None:
            self.markers.close(current.key, delivery.wake_up.marker)
        else:
            due = max(wake_at, self.clock.now()) + MARKER_GRACE
            self.markers.put_off(current.key, delivery.wake_up.marker, due)


def _next(current: Aggregate, delivery: _Delivery, now: datetime) -> _Next | None:
    """Return what comes first: answers of effects, then what was accepted, then time, then rows left by others."""
    state = current.application
    if delivery.outcomes:
        return _Next(delivery.outcomes[0])
    if current.inbox:
        return _Next(read_accepted(current.inbox[0].document), current.inbox[0])
    if _is_look_due(state, delivery, now):
        return _Next(Tick(news=delivery.news))
    row = _left_by_others(state, delivery, now)
    return _Next(ClaimEffect(row.id)) if row is not None else None


def _own_row(current: Aggregate, delivery: _Delivery, now: datetime) -> OpenEffect | None:
    """Return the next row begun by this delivery to perform: levels at once, tidings when nothing else is due."""
    if delivery.outcomes:
        return None
    state = current.application
    own = [row for row in state.effects if delivery.owns(row)]
    level = next((row for row in own if isinstance(row.effect, LevelEffect)), None)
    if level is not None or current.inbox or _is_look_due(state, delivery, now):
        return level
    return next(iter(own), None)


def _is_look_due(state: Application, delivery: _Delivery, now: datetime) -> bool:
    """Whether a tick has something to decide: its time has come, or this delivery brings news."""
    look = next_look(state)
    return delivery.news or (look is not None and look <= now)


def _left_by_others(state: Application, delivery: _Delivery, now: datetime) -> OpenEffect | None:
    for row in state.effects:
        if isinstance(row.effect, PublishViews) or delivery.owns(row):
            continue
        # What was begun since this delivery began is somebody's who is at work: two that each took over from the
        # other would do so in circles.
        lost = delivery.redelivered and row.begun is not None and row.begun <= delivery.began
        if lost or claimable_at(row) <= now:
            return row
    return None


def _log(decision: Decision) -> None:
    for event in decision.events:
        log.info("%s %s %s", type(event).__name__, getattr(event, "rollout", ""), getattr(event, "why", ""))


def put_off(wake_up: WakeUp) -> WakeUp:
    """Return the same wake-up for a later attempt."""
    return replace(wake_up, attempt=wake_up.attempt + 1)
