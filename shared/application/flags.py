"""Changing flags: decided at the door, committed with their history, and served at once."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.application.door import MARKER_GRACE
from shared.application.flag_aggregates import (
    FlagAggregate,
    commit_flag,
    load_flag,
    new_flag,
    revision_id,
)
from shared.application.flag_chunks import Room
from shared.application.flag_environments import FlagEnvironments
from shared.application.flag_publish import SnapshotPublisher, look_soon
from shared.application.flag_serving import Content, FlagServer
from shared.application.flag_turns import Turns
from shared.domain.errors import InvalidError, RejectedError, SlipwayError, TryLaterError, VersionConflictError
from shared.domain.flags.managing.breaking import problems_of_saving
from shared.domain.flags.managing.commands import (
    Approve,
    Archive,
    AtTheDoor,
    Expected,
    Lapse,
    Revive,
    SaveFlag,
    ScheduleChange,
)
from shared.domain.flags.managing.decide import FlagDecision, decide
from shared.domain.flags.managing.draft import Check, Refuse
from shared.domain.flags.managing.events import ChangeScheduled
from shared.domain.flags.managing.refusals import UnknownFlagError
from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.managing.uses import users_of_flag
from shared.domain.flags.model import Flag, Segment
from shared.domain.flags.operators import Regexes
from shared.domain.names import EnvironmentName, FlagKey, SegmentKey, key_of_flag
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue, WakeUp
from shared.ports.flag_snapshots import Head
from shared.ports.open_markers import OpenMarkers
from shared.ports.rollout_store import HistoryEntry, RolloutArchive, RolloutStore
from shared.wire.flag_documents import read_flag_revision

CONFLICTS_AT_MOST = 10
LINES_AT_MOST = 200
ASKS_THE_OTHERS = SaveFlag | ScheduleChange | Approve | Archive | Revive | Lapse
"""What is decided among all that an environment has."""

log = logging.getLogger("slipway.flags")


@dataclass(frozen=True, slots=True)
class Among:
    """What else an environment has."""

    flags: Mapping[FlagKey, Flag]
    segments: Mapping[SegmentKey, Segment]
    head: Head | None = None
    """Names what these were read from; None: nobody serves all of them, so that there is room for whatever it is."""

    @classmethod
    def served(cls, content: Content) -> "Among":
        """Return what is served."""
        return cls(content.plain_flags, content.plain_segments, content.head)


@dataclass(frozen=True, slots=True)
class FlagRules:
    """Decides about flags among the others of their environment, as they are served now."""

    server: FlagServer
    environments: FlagEnvironments
    regexes: Regexes
    clock: Clock
    room: Room
    distributed: Collection[EnvironmentName] = ()
    """The environments that distribute their flags to a product outside too."""

    def among(self, environment: EnvironmentName, command: AtTheDoor | Lapse) -> Among | None:
        """Return what a command is to be decided among; None for the kill switch and rollouts: they ask nothing."""
        return Among.served(self.server.latest(environment)) if isinstance(command, ASKS_THE_OTHERS) else None

    def decide(self, current: FlagAggregate, command: AtTheDoor | Lapse, among: Among | None) -> FlagDecision:
        """Return what the command comes to among these.

        Raises what the domain's `decide` raises, and `VersionConflictError` where these are not in force any more.
        """
        check: Check = lambda _flag: ()  # noqa: E731 - those of a command that asks nothing
        refuse: Refuse = lambda _flag: None  # noqa: E731
        if among is not None:
            check, refuse = self._check(among), self._refuse(current, among)
        return decide(
            current.state,
            command,
            now=self.clock.now(),
            approvals=self.environments.approvals_in(current.environment),
            check=check,
            refuse=refuse,
            distributes=current.environment in self.distributed,
        )

    def check(self, environment: EnvironmentName, flag: Flag) -> None:
        """Raise `InvalidError` with all that is wrong with a flag among the others."""
        problems = tuple(self._check(Among.served(self.server.latest(environment)))(flag))
        if problems:
            raise InvalidError(*problems)

    def _check(self, among: Among) -> Check:
        return lambda flag: problems_of_saving(flag, among.flags, among.segments, regexes=self.regexes)

    def _refuse(self, current: FlagAggregate, among: Among) -> Refuse:
        def refusal(flag: Flag | None) -> str | None:
            if flag is None:
                return _refusal_to_miss(current.state.key, among)
            if among.head is None:
                return None
            after = replace(current.state, flag=flag, archived=False, changed=self.clock.now())
            why_not = self.room.refusal(current.environment, among.head, after)
            return None if why_not is None else f"there is no room for flag {current.state.key} so: {why_not}"

        return refusal


def _refusal_to_miss(key: FlagKey, among: Among) -> str | None:
    users = users_of_flag(key, among.flags.values())
    if not users:
        return None
    return f"flag {key} is a prerequisite of {', '.join(user.key for user in users)}: change those first"


@dataclass(frozen=True, slots=True)
class Flags:
    """What people and rollouts ask of flags. Every method raises `TryLaterError` when the store is unwell."""

    store: RolloutStore
    archive: RolloutArchive
    markers: OpenMarkers
    queue: CommandQueue
    rules: FlagRules
    publisher: SnapshotPublisher
    turns: Turns
    clock: Clock

    def tell(
        self, environment: EnvironmentName, key: FlagKey, command: AtTheDoor, *, within: timedelta | None = None
    ) -> FlagState:
        """Decide and commit the command, bring what is served up to it, and return the flag as it is then.

        `within` is how long after now it may be committed: what others decided meanwhile may be newer.
        Raises what `decide` raises. A snapshot that cannot be written now is so by a message, or by the sweep.
        """
        until = self.clock.now() + within if within is not None else None
        for _ in range(CONFLICTS_AT_MOST):
            try:
                return self._told(environment, key, command, until)
            except VersionConflictError:
                continue
        raise TryLaterError(f"flag {key} is changing too fast to be changed now", after_seconds=1)

    def _told(
        self, environment: EnvironmentName, key: FlagKey, command: AtTheDoor, until: datetime | None
    ) -> FlagState:
        current = load_flag(self.store, key_of_flag(environment, key)) or new_flag(environment, key)
        among = self.rules.among(environment, command)
        decision = self.rules.decide(current, command, among)
        if not decision.events:
            return self._bring_up(current).state
        self.markers.open(current.key, self.clock.now() + MARKER_GRACE)
        try:
            with self.turns.turn_of_flag(current, decision, among.head if among is not None else None):
                if until is not None and self.clock.now() > until:
                    raise TryLaterError(f"flag {key} was not changed in time: what is wanted may be another by now")
                after = commit_flag(self.store, current, decision, alarms=current.envelope.alarms)
                if after.state.effects:
                    look_soon(self.markers, current.key, self.clock)
        except RejectedError as error:
            raise RejectedError(f"flag {key}, with what waits to change it, cannot be kept so: {error}") from error
        for event in decision.events:
            log.info("%s %s", type(event).__name__, current.key)
        if after.state.distributing or any(isinstance(event, ChangeScheduled) for event in decision.events):
            self._wake(current.key)
        return self._bring_up(after).state

    def is_there(self, environment: EnvironmentName, key: FlagKey) -> bool:
        """Whether there is such a flag, and it is not archived."""
        current = load_flag(self.store, key_of_flag(environment, key))
        return current is not None and current.state.live is not None

    def state(self, environment: EnvironmentName, key: FlagKey) -> FlagState:
        """Return the flag as it was decided, archived or not. Raises `UnknownFlagError`."""
        current = load_flag(self.store, key_of_flag(environment, key))
        if current is None or not current.state.sequence:
            raise UnknownFlagError(f"there is no flag {key} in {environment}")
        return current.state

    def revision(self, environment: EnvironmentName, key: FlagKey, revision: int) -> Flag:
        """Return the flag as it was in a revision. Raises `UnknownFlagError`."""
        document = self.archive.record(key_of_flag(environment, key), revision_id(revision))
        if document is None:
            raise UnknownFlagError(f"flag {key} has no revision {revision} in {environment}")
        return read_flag_revision(document)

    def restore(
        self,
        environment: EnvironmentName,
        key: FlagKey,
        revision: int,
        *,
        by: str,
        why: str,
        expected: Expected,
        change_id: str,
    ) -> FlagState:
        """Bring back the flag of a revision, as a new one; the kill switch stays as it is."""
        command = self.restoring(environment, key, revision, by=by, why=why, expected=expected, change_id=change_id)
        return self.tell(environment, key, command)

    def restoring(
        self,
        environment: EnvironmentName,
        key: FlagKey,
        revision: int,
        *,
        by: str,
        why: str,
        expected: Expected,
        change_id: str,
    ) -> SaveFlag:
        """Return what is to be told to bring back the flag of a revision. Raises `UnknownFlagError`."""
        state = self.state(environment, key)
        flag = self.revision(environment, key, revision)
        killed = state.flag.killed if state.flag is not None else False
        return SaveFlag(
            flag=replace(flag, killed=killed), by=by, why=why, expected=expected, id=change_id, restored=revision
        )

    def history(
        self, environment: EnvironmentName, key: FlagKey, after: int
    ) -> tuple[tuple[HistoryEntry, ...], int | None]:
        """Return lines of the flag's history with higher numbers than `after`, and where the next page begins."""
        last = self.state(environment, key).sequence
        entries = self.archive.history(key_of_flag(environment, key), after=after, up_to=last, limit=LINES_AT_MOST)
        more = bool(entries) and entries[-1].sequence < last
        return entries, entries[-1].sequence if more else None

    def _bring_up(self, after: FlagAggregate) -> FlagAggregate:
        """Perform the outbox at once; what fails is done by the wake-up, and what that loses by the sweep."""
        if not after.state.effects:
            return after
        try:
            brought_up = self.publisher.bring_up_flag(after.key) or after
            self.rules.server.look_again(after.environment)
            return brought_up
        except SlipwayError as error:
            log.warning("%s is not served as it is yet: %s", after.key, error)
            self._wake(after.key)
            return after

    def _wake(self, key: str) -> None:
        try:
            self.queue.send(WakeUp(key=key, fence=""))
        except SlipwayError as error:
            log.warning("%s is not woken at once, the sweep will: %s", key, error)
