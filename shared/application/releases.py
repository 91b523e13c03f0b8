"""Taking in requests about releases of several applications, and reading such releases."""

import hashlib
import json
from dataclasses import dataclass

from shared.application import aggregate as aggregates
from shared.application import release_aggregate
from shared.application.door import Door
from shared.application.release_aggregate import ReleaseAggregate
from shared.application.release_commands import member_rollout
from shared.application.release_list import ReleaseList
from shared.domain.errors import InvalidError, Problem, RejectedError, UnknownError
from shared.domain.names import ApplicationName, CommandId, ReleaseId, Version, application_key, release_key
from shared.domain.releases.commands import BeginRelease, ReleaseOverride
from shared.domain.releases.decide import refusal
from shared.domain.releases.state import MemberState, Part, Release, ReleasePhase
from shared.domain.rollout.permissions import bringing, deployment_refusal
from shared.domain.rollout.state import Rollout
from shared.ports.rollout_store import RolloutArchive, RolloutStore
from shared.wire.release_documents import (
    ReleaseAnswer,
    read_release_answer,
    read_release_command,
    write_release_answer,
    write_release_command,
)
from shared.wire.release_requests import ReleaseOverrideRequest, ReleaseRequest
from shared.wire.release_views import accepted_release, release_line, release_view

LINES_AT_MOST = 200


class UnknownReleaseError(UnknownError):
    """Nobody asked for a release of this id (HTTP 404)."""


@dataclass(frozen=True, slots=True)
class Releases:
    """Several applications as one. Every method raises `TryLaterError` when the store is unwell."""

    store: RolloutStore
    archive: RolloutArchive
    door: Door
    listing: ReleaseList

    def accept(self, request: ReleaseRequest, by: str) -> bool:
        """Store the request; the release can be read at once. Return whether it is new.

        Raises `InvalidError` for an application that is not registered, and `RejectedError` when a member cannot be
        released now, or the id stands for another request.
        """
        key, command_id, asked = release_key(request.id), CommandId(f"release {request.id}"), _digest(request)
        before = self.archive.answer(key, command_id)
        if before is not None:
            self.door.wake(key)
            return _same(before, asked, request.id)
        self._check_members(request)
        begin = BeginRelease(
            id=command_id,
            name=request.name,
            by=by,
            parts=tuple(_part(request.id, *member) for member in request.members),
            patience=request.deadline,
        )
        answer = write_release_answer(ReleaseAnswer(release=request.id, asked=asked))
        receipt = self.door.accept(key, command_id, write_release_command(begin), answer)
        return receipt.first or _same(receipt.answer, asked, request.id)

    def accept_override(
        self, release_id: ReleaseId, request: ReleaseOverrideRequest, *, by: str, command_id: CommandId
    ) -> None:
        """Store a person's command. Raises `RejectedError` when, on a fresh load, it cannot be done."""
        key = release_key(release_id)
        if self.archive.answer(key, command_id) is not None:
            self.door.wake(key)
            return
        release = self._known(release_id)
        why_not = refusal(release, request.action)
        if why_not is not None:
            raise RejectedError(f"{request.action} is not possible: {why_not}")
        override = ReleaseOverride(id=command_id, action=request.action, reason=request.reason, by=by)
        answer = write_release_answer(ReleaseAnswer(release=release_id, asked=request.action))
        self.door.accept(key, command_id, write_release_command(override), answer)

    def view(self, release_id: ReleaseId) -> dict[str, object]:
        """Return the release with its members as they stand now. Raises `UnknownReleaseError`."""
        release = self._known(release_id)
        return release_view(release, tuple(self._rollout(member) for member in release.members))

    def history(self, release_id: ReleaseId, after: int) -> dict[str, object]:
        """Return lines of the release's history with higher numbers than `after`, the oldest first."""
        sequence = self._known(release_id).sequence
        key = release_key(release_id)
        entries = self.archive.history(key, after=after, up_to=sequence, limit=LINES_AT_MOST)
        more = bool(entries) and entries[-1].sequence < sequence
        return {
            "release": release_id,
            "events": [release_line(entry.sequence, entry.document) for entry in entries],
            "next": entries[-1].sequence if more else None,
        }

    def _known(self, release_id: ReleaseId) -> Release:
        """Return the release, also before it has begun. Raises `UnknownReleaseError`."""
        current = release_aggregate.load(self.store, release_key(release_id))
        if current.release.phase is not ReleasePhase.PENDING:
            return current.release
        accepted = _accepted(current)
        if accepted is None:
            raise UnknownReleaseError(f"there is no release {release_id}")
        return accepted

    def _rollout(self, member: MemberState) -> Rollout | None:
        return aggregates.load(self.store, application_key(member.application)).application.rollout(member.rollout)

    def _check_members(self, request: ReleaseRequest) -> None:
        unknown: list[Problem] = []
        refused: list[str] = []
        for index, (name, version) in enumerate(request.members):
            application = aggregates.load(self.store, application_key(name)).application
            if application.spec is None:
                why = f"there is no application {name}: PUT its release spec first"
                unknown.append(Problem(f"members[{index}].application", why))
                continue
            brought_by = bringing(application, version)
            why_not = deployment_refusal(application, version)
            if brought_by is not None:
                refused.append(f"{name}: rollout {brought_by} brings {version}, or has brought it: leave it out")
            elif why_not is not None:
                refused.append(f"{name}: {why_not}")
        if unknown:
            raise InvalidError(*unknown)
        if refused:
            raise RejectedError("; ".join(refused))


def _part(release: ReleaseId, application: ApplicationName, version: Version) -> Part:
    return Part(application=application, version=version, rollout=member_rollout(release, application))


def _accepted(current: ReleaseAggregate) -> Release | None:
    """Return the release that waits in the inbox to begin, or None."""
    for entry in current.inbox:
        command = read_release_command(entry.document)
        if isinstance(command, BeginRelease):
            return accepted_release(current.release, command, entry.accepted)
    return None


def _digest(request: ReleaseRequest) -> str:
    asked = [request.name, [list(member) for member in request.members], request.deadline.total_seconds()]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:32]


def _same(answer: str, asked: str, release: ReleaseId) -> bool:
    """Say that the release is not new. Raises `RejectedError` when its id stands for another request."""
    if read_release_answer(answer).asked != asked:
        raise RejectedError(f"release {release} was asked for with other members, name or deadline: choose another id")
    return False
