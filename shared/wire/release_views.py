"""What people and machines are shown of a release of several applications, and of its history."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from shared.domain.releases.commands import BeginRelease
from shared.domain.releases.decide import decide
from shared.domain.releases.events import ReleaseEvent
from shared.domain.releases.state import MemberState, Release, ReleasePhase
from shared.domain.rollout.membership import CLOSED, Hold, Stage, Standing, stage_in_words
from shared.domain.rollout.state import Rollout
from shared.wire.release_documents import read_release_event
from shared.wire.views import rollout_view, shown_time


def release_view(release: Release, rollouts: tuple[Rollout | None, ...]) -> dict[str, object]:
    """Return a release with its members in their order; `rollouts` are theirs, as far as they are live or wait."""
    return {
        "id": release.id,
        "name": release.name,
        "phase": release.phase,
        "reason": release.reason,
        "stuck": release.stuck,
        "by": release.by,
        "opened": _opened(release),
        "deadline_seconds": release.patience.total_seconds(),
        "requested": _time(release.requested),
        "ended": _time(release.ended),
        "members": [_member(release, *each) for each in zip(release.members, rollouts, strict=True)],
        "links": {"history": f"/api/releases/{release.id}/history"},
    }


def release_summary(release: Release) -> dict[str, object]:
    """Return a release's line in the list."""
    return {
        "id": release.id,
        "name": release.name,
        "phase": release.phase,
        "reason": release.reason,
        "stuck": release.stuck,
        "by": release.by,
        "opened": _opened(release),
        "requested": _time(release.requested),
        "ended": _time(release.ended),
        "members": [{"application": each.application, "version": each.version} for each in release.members],
        "links": {"release": f"/api/releases/{release.id}"},
    }


def accepted_release(release: Release, begin: BeginRelease, accepted: datetime) -> Release:
    """Return a release that was accepted and not begun, as it will begin."""
    begun = decide(release, begin, now=accepted).state
    return Release(
        id=release.id,
        name=begun.name,
        by=begun.by,
        members=begun.members,
        patience=begun.patience,
        requested=accepted,
    )


def release_line(sequence: int, document: str) -> dict[str, object]:
    """Return a stored event as a line of history: `sequence`, `type`, `at` and the event's own fields."""
    event: ReleaseEvent = read_release_event(document)
    fields: dict[str, object] = _converter().unstructure(event)
    return {"sequence": sequence, "type": type(event).__name__, **fields}


def _member(release: Release, member: MemberState, rollout: Rollout | None) -> dict[str, object]:
    shown = rollout_view(rollout) if rollout is not None else None
    return {
        "application": member.application,
        "version": member.version,
        "rollout": member.rollout,
        "standing": member.standing,
        "waits_for": _waits_for(release, member),
        "hold": _hold(member),
        "reason": member.reason,
        "phase": shown["phase"] if shown else None,
        "doing": shown["doing"] if shown else None,
        "stuck": shown["stuck"] if shown else None,
        "step": shown["step"] if shown else None,
        "weight": shown["weight"] if shown else None,
        "heard": shown_time(member.heard),
        "asked_back": _time(member.asked_back),
        "links": {"rollout": f"/api/rollouts/{member.rollout}"},
    }


def _hold(member: MemberState) -> str | None:
    """Return what holds a member; a release window is one, whether it opens or not: the reason says when."""
    return (Hold.WINDOW if member.hold is Hold.SHUT else member.hold) or None


def _opened(release: Release) -> str | None:
    return stage_in_words(release.opened) if release.opened > CLOSED else None


def _waits_for(release: Release, member: MemberState) -> str | None:
    """Say what keeps a member where it is, as far as the release knows."""
    if release.phase.is_terminal:
        return None
    if member.hold in (Hold.WINDOW, Hold.SHUT):
        return f"a release window ({member.reason}), or for `skip` at {member.application}"
    if member.hold:
        return f"it is {member.hold}"
    match member.standing:
        case Standing.EXPECTED:
            return "its first answer"
        case Standing.PENDING:
            return "its turn"
        case Standing.WAITING if release.phase is ReleasePhase.ROLLING_BACK:
            return "its turn to go back"
        case Standing.WAITING if release.phase is ReleasePhase.PAUSED:
            return "the release to be resumed"
        case Standing.WAITING:
            return f"the others, before {stage_in_words(member.stage)}"
        case _:
            return None


def _time(at: datetime | None) -> str | None:
    return shown_time(at) if at is not None else None


@cache
def _converter() -> Any:
    from cattrs.preconf.json import make_converter

    converter: Any = make_converter()
    converter.register_unstructure_hook(timedelta, timedelta.total_seconds)
    converter.register_unstructure_hook(datetime, shown_time)
    converter.register_unstructure_hook(Stage, stage_in_words)
    return converter
