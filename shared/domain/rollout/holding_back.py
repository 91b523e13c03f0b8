"""Letting users go who are held back on the stable version, where that has lost its use."""

from shared.domain.analysis.measurement import Lack, Sample, Window
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.needs import place_of_stable
from shared.domain.rollout.readings import Readings, Trouble
from shared.domain.rollout.settle import let_go
from shared.domain.rollout.spec import Spec
from shared.domain.rollout.state import Rollout
from shared.domain.rollout.timing import SILENT, settled_until


def let_go_where_replaced(draft: Draft, live: Rollout, readings: Readings) -> None:
    """Send nobody any more to a place that was to hold the stable version beside a promoted one, and does not."""
    for target in live.targets:
        found = readings.version(target.name, place_of_stable(target)) if target.holds_back else target.stable_version
        if isinstance(found, Trouble) or found == target.stable_version:
            continue
        let_go(draft, live, target, f"their place serves {found} where {target.stable_version} should be")


def let_go_where_silent(draft: Draft, live: Rollout, spec: Spec, readings: Readings) -> None:
    """Hold nobody back for a comparison that does not come about: what was learnt of stable before stands in."""
    settled = settled_until(spec.measuring, draft.now)
    patience = max(SILENT, 5 * spec.measuring.window)
    since = max(settled - patience, live.baking_since or settled)
    for target in draft.state.live.targets if draft.state.live else ():
        windows = readings.windows(target.name)
        if not target.holds_back or isinstance(windows, Trouble):
            continue
        waited_for = [window for window in windows if window.start >= since and window.end <= settled]
        span = len(waited_for) * spec.measuring.window
        if span + spec.measuring.window >= patience and all(map(_has_only_candidate, waited_for)):
            let_go(draft, live, target, f"nothing was measured of them for {patience}")


def _has_only_candidate(window: Window) -> bool:
    stable = window.stable
    silent = stable.requests == 0 if isinstance(stable, Sample) else stable.lack is Lack.NO_DATA
    return silent and isinstance(window.candidate, Sample) and window.candidate.requests > 0
