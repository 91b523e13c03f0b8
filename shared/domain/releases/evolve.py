"""Facts applied to a release. Never refuses: refusing is the work of `decide`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from shared.domain.names import ApplicationName
from shared.domain.releases import events as e
from shared.domain.releases.state import MemberState, Release, ReleasePhase
from shared.domain.rollout.membership import Hold, Report, Standing


def evolve(release: Release, event: e.ReleaseEvent) -> Release:
    """Apply one fact and return the release after it."""
    if isinstance(event, e.SILENT_IN_RELEASE):
        return _apply(release, event)
    return replace(_apply(release, event), sequence=release.sequence + 1)


def _apply(release: Release, event: e.ReleaseEvent) -> Release:
    match event:
        case e.ReleaseBegun():
            return _begun(release, event)
        case e.MemberMoved() | e.MemberAnswered():
            return _on_member(release, event.report.application, lambda m: _heard(m, event.report, event.at))
        case e.MemberNeverBegan():
            never = "it had not been asked to begin"
            return _on_member(
                release,
                event.application,
                lambda m: replace(m, standing=Standing.BACK, reason=never, heard=event.at, idle_since=None),
            )
        case e.StageOpened():
            return replace(release, opened=event.stage)
        case e.ReleasePaused():
            return replace(release, phase=ReleasePhase.PAUSED, reason=event.reason, remind_at=event.remind_at)
        case e.PauseReminded():
            return replace(release, remind_at=event.remind_at)
        case e.ReleaseResumed():
            return replace(release, phase=ReleasePhase.PROGRESSING, reason="", remind_at=None)
        case e.TakingBackBegun():
            return replace(
                release,
                phase=ReleasePhase.ROLLING_BACK,
                ending=event.ending,
                reason=event.ending.reason,
                remind_at=None,
            )
        case e.MemberAskedBack():
            return _on_member(release, event.application, lambda m: replace(m, asked_back=event.at))
        case e.MemberGivenUp():
            return _on_member(release, event.application, lambda m: replace(m, given_up=True))
        case e.ReleaseEnded():
            return replace(
                release,
                phase=event.ending.phase,
                reason=event.ending.reason,
                ending=event.ending,
                ended=event.at,
                beat_at=None,
                remind_at=None,
            )
        case e.MembersAsked():
            return replace(release, beat_at=event.at + release.beat)
        case e.RowClosed():
            return replace(
                release,
                commands=tuple(row for row in release.commands if row.id != event.row),
                tidings=tuple(row for row in release.tidings if row.id != event.row),
                listings=tuple(row for row in release.listings if row.id != event.row),
            )
        case e.OverrideRefused():
            return release
        case _:
            assert_never(event)


def _begun(release: Release, event: e.ReleaseBegun) -> Release:
    members = tuple(
        MemberState(application=part.application, version=part.version, rollout=part.rollout, heard=event.at)
        for part in event.parts
    )
    begun = replace(
        release,
        phase=ReleasePhase.PROGRESSING,
        name=event.name,
        by=event.by,
        members=members,
        patience=event.patience,
        requested=event.at,
    )
    return replace(begun, beat_at=event.at + begun.beat)


def _heard(member: MemberState, report: Report, at: datetime) -> MemberState:
    idle = report.hold is Hold.SHUT or (report.standing is Standing.PENDING and report.hold is Hold.NOT)
    return replace(
        member,
        heard=at,
        standing=report.standing,
        stage=report.stage,
        hold=report.hold,
        reason=report.reason,
        ends=report.ends,
        sequence=report.sequence,
        idle_since=(member.idle_since or at) if idle else None,
    )


def _on_member(release: Release, name: ApplicationName, change: Callable[[MemberState], MemberState]) -> Release:
    members = tuple(change(member) if member.application == name else member for member in release.members)
    return replace(release, members=members)
