"""Telling a member of a release the level: to begin, how far it may go, or to go back."""

from dataclasses import dataclass

from shared.application import release_aggregate
from shared.application.accept import rollout_id
from shared.application.door import Door
from shared.domain.names import ApplicationName, CommandId, ReleaseId, RolloutId, application_key
from shared.domain.releases.commands import CommandGiven
from shared.domain.releases.state import MemberState, OpenCommand, Release, ReleasePhase
from shared.domain.rollout.commands import Deploy, Steer
from shared.domain.rollout.membership import Standing
from shared.ports.rollout_store import RolloutStore
from shared.wire.documents import Answer, write_accepted, write_answer


@dataclass(frozen=True, slots=True)
class MemberCommander:
    """Hands over commands to members' inboxes, each once for its outbox row, however often it is tried.

    What should be is read from the store just before, so a row that was left open does no harm when it is done late:
    a member never takes a step back for an older level, and it goes back for good.
    """

    store: RolloutStore
    door: Door

    def give(self, key: str, row: OpenCommand) -> CommandGiven:
        """Store the command with the member. Raises `TryLaterError` when the store is unwell: try the row again."""
        release = release_aggregate.load(self.store, key).release
        member = release.member(row.application)
        if member is None or member.is_over:
            return CommandGiven(row.id)
        taken_back = release.phase is ReleasePhase.ROLLING_BACK
        goes_back, never_answered = taken_back and member.asked_back is not None, member.standing is Standing.EXPECTED
        if never_answered and taken_back and not goes_back:
            return CommandGiven(row.id)  # nothing is begun any more; its turn to go back comes
        if never_answered and not self._has_begun(release, member, goes_back=goes_back):
            return CommandGiven(row.id, never_began=member.application)
        if goes_back or not never_answered:
            self._steer(release, member, row, goes_back=goes_back)
        return CommandGiven(row.id)

    def _has_begun(self, release: Release, member: MemberState, *, goes_back: bool) -> bool:
        """See to it that the member was asked to begin; or that it never will be, if it was not and is to go back."""
        key, command_id = application_key(member.application), begin_id(release.id)
        answer = write_answer(Answer(rollout=member.rollout, version=member.version, new=True))
        if goes_back:
            return not self.door.shut(key, command_id, answer)
        deploy = Deploy(
            id=command_id,
            rollout=member.rollout,
            version=member.version,
            source=f"release {release.id}",
            membership=release.membership(member),
        )
        self.door.accept(key, command_id, write_accepted(deploy), answer)
        return True

    def _steer(self, release: Release, member: MemberState, row: OpenCommand, *, goes_back: bool) -> None:
        ending = release.ending
        steer = Steer(
            id=CommandId(f"release {release.id} {row.id}"),
            membership=release.membership(member),
            opened=release.opened,
            back=ending.reason if goes_back and ending is not None else "",
            ends=ending.phase if goes_back and ending is not None else "",
            back_as=rollout_id(member.application, CommandId(f"release {release.id} back")),
        )
        answer = write_answer(Answer(rollout=member.rollout, version=None, new=False))
        self.door.accept(application_key(member.application), steer.id, write_accepted(steer), answer)


def begin_id(release: ReleaseId) -> CommandId:
    """Return the id of the command that begins a release's rollout in each of its applications."""
    return CommandId(f"release {release} begin")


def member_rollout(release: ReleaseId, application: ApplicationName) -> RolloutId:
    """Return the id of the rollout that a release begins in an application."""
    return rollout_id(application, begin_id(release))
