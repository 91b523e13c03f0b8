"""What outlives a rollout: counting the users whom a routing cookie still pins to the place that it used."""

from collections.abc import Iterable

from shared.domain.analysis.measurement import Sample, Window
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.events import DriftFound, PinnedCounted, PinnedPutOff
from shared.domain.rollout.needs import kept_after_the_end
from shared.domain.rollout.readings import Readings, Trouble
from shared.domain.rollout.state import Aftercare, Rollout
from shared.domain.rollout.timing import LONGEST_RETRY


def decide_aftercare(draft: Draft, aftercare: Aftercare, readings: Readings) -> None:
    """Put right what moved and count what was read; what cannot be is tried for a while, then said to be unknown."""
    over, now = aftercare.rollout, draft.now
    if aftercare.look_at > now or over.spec is None or over.pinned_until is None:
        return
    if now < aftercare.give_up_at and _put_right(draft, over, readings):
        draft.record(PinnedPutOff(at=now, look_at=now + LONGEST_RETRY))
        return
    requests = _counted(readings.windows(target.name) for target in kept_after_the_end(over))
    if requests is None and now < aftercare.give_up_at:
        draft.record(PinnedPutOff(at=now, look_at=now + LONGEST_RETRY))
        return
    draft.record(
        PinnedCounted(
            at=now,
            rollout=over.id,
            requests=requests,
            window_seconds=over.spec.measuring.window.total_seconds(),
            pinned_until=over.pinned_until,
        )
    )


def _put_right(draft: Draft, over: Rollout, readings: Readings) -> bool:
    """Record each weight that was moved since the end, so that it is put right; return whether any was."""
    moved = False
    for target in kept_after_the_end(over):
        share = readings.share(target.name)
        if isinstance(share, Trouble) or share == target.share():
            continue
        moved = True
        if not draft.state.is_being_set(over.id, target.name):
            found = target.seen(share)
            draft.record(
                DriftFound(at=draft.now, rollout=over.id, target=target.name, found=found, wanted=target.wanted)
            )
    return moved


def _counted(read: Iterable[object]) -> float | None:
    """Return the requests of all targets together, or None when one could not be read."""
    total = 0.0
    for windows in read:
        newest = windows[-1] if isinstance(windows, tuple) and windows else None
        if not isinstance(newest, Window) or not isinstance(newest.candidate, Sample):
            return None
        total += newest.candidate.requests
    return total
