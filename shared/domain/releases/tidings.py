"""What people are told of a release, and when its line in the list changes."""

from typing import Final

from shared.domain.releases import events as e
from shared.domain.releases.state import Release, ReleasePhase
from shared.domain.rollout.spec import Topic

END_TOPICS: Final = {
    ReleasePhase.SUCCEEDED: Topic.SUCCEEDED,
    ReleasePhase.ROLLED_BACK: Topic.ROLLED_BACK,
    ReleasePhase.ABORTED: Topic.ABORTED,
    ReleasePhase.FAILED: Topic.FAILED,
}
LISTED: Final = (
    e.ReleaseBegun,
    e.StageOpened,
    e.ReleasePaused,
    e.ReleaseResumed,
    e.TakingBackBegun,
    e.MemberGivenUp,
    e.MemberMoved,
    e.ReleaseEnded,
)
"""After these the line of the release in the list may be another one."""


def tiding(after: Release, event: e.ReleaseEvent) -> tuple[Topic, str] | None:
    """Return what people are told of an event, and under which topic; None: nothing."""
    name = f"release {after.id}"
    match event:
        case e.ReleaseBegun():
            versions = ", ".join(f"{part.application} {part.version}" for part in event.parts)
            return Topic.STARTED, f"{name} began: {versions}"
        case e.ReleasePaused():
            return Topic.PAUSED, f"{name} was {event.reason}"
        case e.PauseReminded():
            return Topic.PAUSED, f"{name} is still paused"
        case e.TakingBackBegun():
            return END_TOPICS[event.ending.phase], f"{name} is taken back: {event.ending.reason}"
        case e.MemberGivenUp():
            return Topic.STUCK, f"{name}: {event.application} is not known to be back: {event.why}"
        case e.ReleaseEnded():
            return END_TOPICS[event.ending.phase], f"{name} {event.ending.phase}: {event.ending.reason}"
        case _:
            return None
