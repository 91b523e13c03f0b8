"""What a fact asks for outside: members that are to be told the level."""

from collections.abc import Iterator

from shared.domain.names import ApplicationName
from shared.domain.releases import events as e
from shared.domain.releases.state import Release
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
    """Yield who may have something to say. Also on the way back all are asked: who waits knows of the release then."""
    for member in release.members:
        rests = member.standing is Standing.SUCCEEDED and member.asked_back is None
        if not member.is_over and not rests:
            yield member.application
