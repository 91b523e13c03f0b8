"""What a fact asks for outside: members that are to be told the level."""

from collections.abc import Iterator

from shared.domain.names import ApplicationName
from shared.domain.releases import events as e
from shared.domain.releases.state import Release, ReleasePhase
from shared.domain.rollout.membership import Standing


def react(after: Release, event: e.ReleaseEvent) -> Iterator[ApplicationName]:
    """Yield the members to command, in the order in which they are to be told."""
    match event:
        case e.ReleaseBegun():
            yield from (member.application for member in after.members)
        case e.StageOpened():
            yield from (member.application for member in after.members if member.stage == event.stage)
        case e.MemberAskedBack():
            yield event.application
        case e.MembersAsked():
            open_already = {row.application for row in after.commands}
            yield from (name for name in _to_ask(after) if name not in open_already)
        case _:
            return


def _to_ask(release: Release) -> Iterator[ApplicationName]:
    """On the way back only those whose turn has come: the others hold where they are, and would go back on their own.

    They are told once more how far the way is open, which is nothing new, so that they know of the release.
    """
    for member in release.members:
        succeeded = member.standing is Standing.SUCCEEDED and release.phase is not ReleasePhase.ROLLING_BACK
        if not member.is_over and not succeeded:
            yield member.application
