"""One change of an environment's flags at a time: what was found right among the others is so when it is committed.

Each flag is an aggregate, so two saves that are right alone could be committed at once and be wrong together: a circle
of prerequisites, a segment that goes while a flag comes to ask for it, a chunk that both fill. Whoever wants to commit
such a change first writes into the head, by its ETag, that it is their turn. So nothing that was published since they
looked goes unseen, and nobody else looks before their change is published, or can be committed no more.

Nothing rests on who holds a turn being alive, or on clocks. It names the version of the aggregate that they are about
to commit on: whoever waits too long commits there themselves, with nothing in it, and then the holder cannot. Kill
switches and rollouts take no turn: nobody else is checked against what they write.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.application.flag_aggregates import (
    SEGMENTS,
    FlagAggregate,
    SegmentAggregate,
    commit_flag,
    commit_segment,
    load_flag,
    load_segment,
    new_flag,
    new_segment,
)
from shared.application.flag_publish import SnapshotPublisher
from shared.domain.errors import RejectedError, SlipwayError, TryLaterError, VersionConflictError
from shared.domain.flags.managing.decide import FlagDecision
from shared.domain.flags.managing.events import LOOKED_AT
from shared.domain.flags.managing.segments import SegmentDecision
from shared.domain.flags.turns import Turn
from shared.domain.names import FlagKey, SegmentKey, environment_of
from shared.ports.clock import Clock
from shared.ports.flag_snapshots import FlagSnapshots, Head
from shared.ports.rollout_store import RolloutStore

LAPSES_AFTER = timedelta(seconds=10)
"""A turn is for one commit, which takes milliseconds. Who takes longer has to begin again."""
LOOKS = 40
PAUSE_SECONDS = 0.05
"""So often, and with this between, somebody looks whether a turn is over, before they are told to come back."""

log = logging.getLogger("slipway.flags")


@dataclass(frozen=True, slots=True)
class Turns:
    """Gives turns. Every method raises `TryLaterError` when the store is unwell."""

    store: RolloutStore
    snapshots: FlagSnapshots
    publisher: SnapshotPublisher
    clock: Clock
    pause: Callable[[float], None] = time.sleep

    def turn_of_flag(
        self, current: FlagAggregate, decision: FlagDecision, head: Head | None
    ) -> AbstractContextManager[None]:
        """As `turn`, where the decision has anything that is looked at among the others."""
        if head is None or not any(isinstance(event, LOOKED_AT) for event in decision.events):
            return nullcontext()
        return self.turn(current, head)

    @contextmanager
    def turn(self, current: FlagAggregate | SegmentAggregate, head: Head) -> Iterator[None]:
        """Commit within this what was decided on `current` among what `head` names.

        Raises `VersionConflictError` when that is not in force any more: look, and decide, again; and `TryLaterError`
        while others have the turn, after a few moments.
        """
        taken = self._take(current, head)
        try:
            yield
        except RejectedError:  # of whatever else is raised it is not known whether it was committed
            self._give_back(current, taken, head.turn)
            raise

    def _take(self, current: FlagAggregate | SegmentAggregate, head: Head) -> Head:
        held, wanted = head.turn, Turn(current.key, current.state.key, current.version, self.clock.now())
        if held is not None and held.key == wanted.key and held.version > wanted.version:
            raise VersionConflictError(f"{current.key} changed since it was loaded")
        if held is not None and (held.key, held.version) != (wanted.key, wanted.version):
            self._wait_for(held)
        taken = replace(head, turn=wanted)
        return replace(taken, etag=self.snapshots.move_head(current.environment, taken))

    def _wait_for(self, turn: Turn) -> None:
        """Return when all that came of a turn is published, or when the head has moved on from it."""
        for looks_left in reversed(range(LOOKS)):
            holder = self._holder(turn)
            if holder.version > turn.version:
                self._bring_up(holder)
                return
            now = self.clock.now()
            is_ahead = turn.at > now  # by the clock of who has it, and everybody would wait until ours gets there
            if now - turn.at >= LAPSES_AFTER or (is_ahead and not looks_left):
                self._end(holder)
                return
            self.pause(PAUSE_SECONDS)
            if self.snapshots.read_head(holder.environment).turn != turn:
                return
        raise TryLaterError(f"{turn.key} is being changed at this moment: try again", after_seconds=1)

    def _bring_up(self, holder: FlagAggregate | SegmentAggregate) -> None:
        if not holder.state.effects:
            return
        try:
            if isinstance(holder, FlagAggregate):
                self.publisher.bring_up_flag(holder.key)
            else:
                self.publisher.bring_up_segment(holder.key, and_followers=False)
        except RejectedError as error:
            why = f"{holder.key} was changed before, and cannot be served so; change that first: {error}"
            raise TryLaterError(why, after_seconds=60) from error

    def _end(self, holder: FlagAggregate | SegmentAggregate) -> None:
        """Make a commit that changes nothing. Raises `VersionConflictError` when somebody else made one."""
        log.warning("the turn to change %s lapsed", holder.key)
        if isinstance(holder, FlagAggregate):
            commit_flag(self.store, holder, FlagDecision(state=holder.state), alarms=holder.envelope.alarms)
        else:
            commit_segment(self.store, holder, SegmentDecision(state=holder.state))

    def _give_back(self, current: FlagAggregate | SegmentAggregate, taken: Head, held: Turn | None) -> None:
        """Leave the head as it was found: somebody else may be about to commit on the same version."""
        try:
            self.snapshots.move_head(current.environment, replace(taken, turn=held))
        except SlipwayError as error:
            log.info("the turn to change %s is left to lapse: %s", current.key, error)

    def _holder(self, turn: Turn) -> FlagAggregate | SegmentAggregate:
        environment = environment_of(turn.key)
        if turn.key.startswith(SEGMENTS):
            return load_segment(self.store, turn.key) or new_segment(environment, SegmentKey(turn.name))
        return load_flag(self.store, turn.key) or new_flag(environment, FlagKey(turn.name))
