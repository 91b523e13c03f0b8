"""What outlives a rollout: counting the users whom a routing cookie still pins to the place that it used."""

from collections.abc import Iterable

from shared.domain.analysis.measurement import Sample, Window
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.events import PinnedCounted, PinnedPutOff
from shared.domain.rollout.readings import Readings
from shared.domain.rollout.state import Aftercare
from shared.domain.rollout.timing import LONGEST_RETRY


def decide_aftercare(draft: Draft, aftercare: Aftercare, readings: Readings) -> None:
    """Count what was read; where nothing was, look again for a while, then say that it could not be counted."""
    over, now = aftercare.rollout, draft.now
    if aftercare.look_at > now or over.spec is None or over.pinned_until is None:
        return
    requests = _counted(readings.windows(target.name) for target in over.targets)
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


def _counted(read: Iterable[object]) -> float | None:
    """Return the requests of all targets together, or None when one could not be read."""
    total = 0.0
    for windows in read:
        newest = windows[-1] if isinstance(windows, tuple) and windows else None
        if not isinstance(newest, Window) or not isinstance(newest.candidate, Sample):
            return None
        total += newest.candidate.requests
    return total
