"""Bringing flags to where their environment distributes them: after they are served here, never in the way of that."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from shared.application.door import MARKER_GRACE
from shared.application.flag_aggregates import FlagAggregate, commit_flag, load_flag
from shared.application.flag_serving import FlagServer
from shared.domain.errors import InvalidError, RejectedError, SlipwayError, TryLaterError, VersionConflictError
from shared.domain.flags.managing.commands import Distribute, Distributed, NotDistributed, Undistributed
from shared.domain.flags.managing.decide import decide
from shared.domain.flags.managing.distributing import is_due
from shared.domain.flags.managing.refusals import UnknownFlagError
from shared.domain.flags.managing.serves import bare
from shared.domain.flags.managing.uses import flags_that_ask
from shared.domain.flags.model import Segment
from shared.domain.names import EnvironmentName, SegmentKey, key_of_flag
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue, WakeUp
from shared.ports.flag_distribution import FlagDistribution, NotCarriedError
from shared.ports.open_markers import OpenMarkers
from shared.ports.rollout_store import RolloutStore

ATTEMPTS = 5
"""How often somebody else may be faster in one go: each time what should be there is read anew."""

Distributions = Mapping[EnvironmentName, FlagDistribution]
"""Where each environment distributes its flags to; most do nowhere."""

log = logging.getLogger("slipway.flags")


@dataclass(frozen=True, slots=True)
class FlagDistributor:
    """Works level-based: the flag is read first, written there after that, and the commit says whether it changed."""

    store: RolloutStore
    server: FlagServer
    distributions: Distributions
    clock: Clock

    def bring_up(self, current: FlagAggregate) -> FlagAggregate:
        """Bring the flag there, if that is due, and return it as it is then.

        What the other side says becomes part of the flag. Raises `TryLaterError` when our own store is unwell.
        """
        if not is_due(current.state, self.clock.now()):
            return current
        to = self.distributions.get(current.environment)
        if to is None:
            done = decide(current.state, Undistributed(), now=self.clock.now())
            return commit_flag(self.store, current, done, alarms=current.envelope.alarms)
        for _ in range(ATTEMPTS):
            outcome = self._bring(current, to)
            try:
                if outcome is not None:
                    done = decide(current.state, outcome, now=self.clock.now())
                    return commit_flag(self.store, current, done, alarms=current.envelope.alarms)
            except VersionConflictError:
                log.info("%s changed while it was brought to %s", current.key, to.name)
            # Once more even where nothing is open any more: what was written may be older than what others wrote.
            current = load_flag(self.store, current.key) or current
        outcome = NotDistributed(why=f"{to.name}: it is changing too fast to be brought there now")
        done = decide(current.state, outcome, now=self.clock.now())
        return commit_flag(self.store, current, done, alarms=current.envelope.alarms)

    def _bring(self, current: FlagAggregate, to: FlagDistribution) -> Distributed | NotDistributed | None:
        """Return what came of it, or None when somebody else wrote there meanwhile."""
        segments = self.server.latest(current.environment).plain_segments.values()
        try:
            notes = self._notes_of(current, to, segments)
        except VersionConflictError as error:
            log.info("%s: %s", current.key, error)
            return None
        except (TryLaterError, RejectedError, InvalidError) as error:
            log.warning("%s is not brought to %s: %s", current.key, to.name, error)
            return NotDistributed(
                why=str(error)[:LONGEST_WHY],
                after_seconds=getattr(error, "after_seconds", None),
                is_final=isinstance(error, NotCarriedError),
            )
        log.info("%s is as it should be in %s", current.key, to.name)
        return Distributed(notes=notes[:MOST_NOTES])

    def _notes_of(self, current: FlagAggregate, to: FlagDistribution, segments: Collection[Segment]) -> tuple[str, ...]:
        """Bring the flag there. One that is off and refused as a whole is so as far as it is needed to be off."""
        key, flag = current.state.key, current.state.live
        try:
            return to.bring_up(key, flag, segments)
        except (RejectedError, InvalidError) as error:
            if flag is None or (flag.enabled and not flag.killed):
                raise
            log.warning("%s is off, and brought to %s without its rules: %s", current.key, to.name, error)
            lost = f"not carried: what the flag serves when it is on: {error}"[:LONGEST_WHY]
            return (lost, *to.bring_up(key, bare(flag), segments))


LONGEST_WHY = 500
MOST_NOTES = 50


@dataclass(frozen=True, slots=True)
class SegmentFollowers:
    """A flag that asks for a segment may be written otherwise elsewhere when the segment changes."""

    store: RolloutStore
    server: FlagServer
    markers: OpenMarkers
    queue: CommandQueue
    distributions: Distributions
    clock: Clock

    def concerns(self, environment: EnvironmentName) -> bool:
        """Whether flags of this environment are brought anywhere."""
        return environment in self.distributions

    def follow(self, environment: EnvironmentName, key: SegmentKey) -> None:
        """Have each of those flags brought there once more. The segment is published already.

        Raises `TryLaterError` or `VersionConflictError`; safe to repeat.
        """
        if not self.concerns(environment):
            return
        content = self.server.latest(environment)
        flags, segments = content.plain_flags.values(), content.plain_segments.values()
        for flag in flags_that_ask(key, flags, segments):
            self._ask(key_of_flag(environment, flag.key))

    def _ask(self, aggregate: str) -> None:
        for _ in range(ATTEMPTS):
            current = load_flag(self.store, aggregate)
            if current is None:
                return
            try:
                decision = decide(current.state, Distribute(), now=self.clock.now(), distributes=True)
                self.markers.open(aggregate, self.clock.now() + MARKER_GRACE)
                commit_flag(self.store, current, decision, alarms=current.envelope.alarms)
            except UnknownFlagError:
                return
            except VersionConflictError:
                continue
            try:
                self.queue.send(WakeUp(key=aggregate, fence=""))
            except SlipwayError as error:
                log.warning("%s is not woken at once, the sweep will: %s", aggregate, error)
            return
        raise TryLaterError(f"{aggregate} is changing too fast to be distributed now", after_seconds=1)
