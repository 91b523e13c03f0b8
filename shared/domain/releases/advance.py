"""All go on together, and all go back, from the last to the first."""

from shared.domain.releases import events as e
from shared.domain.releases.draft import ReleaseDraft
from shared.domain.releases.state import ON_THE_WAY, MemberState, Release, ReleaseEnding, ReleasePhase
from shared.domain.rollout.membership import Hold, Standing

TAKEN_BACK = (Standing.GOING_BACK, Standing.BACK, Standing.REMAINS)


def go_on(draft: ReleaseDraft) -> None:
    """Do what the members' standing allows or asks for. Repeated, it finds nothing more to do."""
    if draft.state.phase in ON_THE_WAY:
        _advance(draft)
    if draft.state.phase is ReleasePhase.ROLLING_BACK:
        _take_next_back(draft)


def take_all_back(draft: ReleaseDraft, ending: ReleaseEnding, by: str = "") -> None:
    """Begin to take everything back."""
    draft.record(e.TakingBackBegun(at=draft.now, ending=ending, by=by))


def see_who_is_silent(draft: ReleaseDraft) -> None:
    """Take all back for a member that was silent, or could not go on, for too long; on the way back go past it."""
    now, patience = draft.now, draft.state.patience
    for member in draft.state.members:
        if member.is_over:
            continue
        if draft.state.phase in ON_THE_WAY:
            why = _keeps_all_waiting(draft.state, member, draft)
            if why is not None:
                reason = f"{member.application} {why} for {patience}"
                take_all_back(draft, ReleaseEnding(phase=ReleasePhase.FAILED, reason=reason))
        elif member.asked_back is not None and not member.given_up and member.asked_back + patience <= now:
            why = f"not back within {patience}: {member.reason or member.standing}"
            draft.record(e.MemberGivenUp(at=now, application=member.application, why=why))


def _keeps_all_waiting(release: Release, member: MemberState, draft: ReleaseDraft) -> str | None:
    if member.standing is Standing.SUCCEEDED:
        return None
    if member.heard + release.patience <= draft.now:
        return "has said nothing"
    if member.idle_since is not None and member.idle_since + release.patience <= draft.now:
        return "had no release window to go on in" if member.hold is Hold.SHUT else "waited its turn"
    return None


def _advance(draft: ReleaseDraft) -> None:
    release = draft.state
    gone = next((member for member in release.members if member.standing in TAKEN_BACK), None)
    if gone is not None:
        take_all_back(draft, _ending_after(gone))
        return
    left = [member for member in release.members if member.standing is not Standing.SUCCEEDED]
    if not left:
        ending = ReleaseEnding(phase=ReleasePhase.SUCCEEDED, reason="every member serves everyone")
        draft.record(e.ReleaseEnded(at=draft.now, ending=ending))
    elif release.phase is ReleasePhase.PROGRESSING and all(_is_ready(release, member) for member in left):
        draft.record(e.StageOpened(at=draft.now, stage=min(member.stage for member in left)))


def _is_ready(release: Release, member: MemberState) -> bool:
    """Whether a member waits before a stage that is not open: it has passed what comes before, or has none of it."""
    return member.standing is Standing.WAITING and member.hold is Hold.NOT and member.stage > release.opened


def _ending_after(member: MemberState) -> ReleaseEnding:
    """Return where the release ends for a member's sake: where that ends itself."""
    stays = member.standing is Standing.REMAINS
    phase = ReleasePhase(member.ends) if member.ends else ReleasePhase.ROLLED_BACK
    how = "cannot go back" if stays else "goes back"
    return ReleaseEnding(phase=phase, reason=f"{member.application} {how}: {member.reason}")


def _take_next_back(draft: ReleaseDraft) -> None:
    """Ask the last member that is not back, and wait for it; when none is left, the release ends."""
    for name in [member.application for member in reversed(draft.state.members)]:
        member = draft.state.member(name)
        if member is None or member.is_over or member.given_up:
            continue
        if member.asked_back is None:
            draft.record(e.MemberAskedBack(at=draft.now, application=name))
            if member.standing is not Standing.SUCCEEDED and member.heard + draft.state.patience <= draft.now:
                # It was waited for in vain already: the others would only meet the candidate for longer.
                why = f"has said nothing for {draft.state.patience}"
                draft.record(e.MemberGivenUp(at=draft.now, application=name, why=why))
                continue
        return
    if all(member.is_over for member in draft.state.members):
        draft.record(e.ReleaseEnded(at=draft.now, ending=_ending(draft.state)))


def _ending(release: Release) -> ReleaseEnding:
    """Return where taking back has led: what could not be taken back is said."""
    assert release.ending is not None
    remains = [member for member in release.members if member.standing is Standing.REMAINS]
    if not remains:
        return release.ending
    said = "; ".join(f"{member.application} stays at {member.version}: {member.reason}" for member in remains)
    return ReleaseEnding(phase=ReleasePhase.FAILED, reason=f"{release.ending.reason}; {said}")
