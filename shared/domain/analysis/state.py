"""What is remembered of the windows of one target: small, and no larger the longer a rollout lasts."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.domain.analysis.catastrophe import Catastrophe
from shared.domain.analysis.comparison import Comparison
from shared.domain.analysis.levels import LevelTest
from shared.domain.analysis.measurement import Window
from shared.domain.analysis.parts import Baseline
from shared.domain.analysis.sample_ratio import ShareTest

LATENESS = timedelta(minutes=6)
LATENESS_WINDOWS = 6
"""How late a window may come and still count: `LATENESS`, or so many windows where those are longer."""
WEIGHTS_KEPT = 5


@dataclass(frozen=True, slots=True)
class WeightSince:
    """From when on the candidate had which share, in thousandths of a percent."""

    at: datetime
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisState:
    """Numbers of a few tests. A window counts once, by its start; the first complete delivery of it is final."""

    seen_until: datetime | None = None
    """The low-water mark: nothing that starts before it can count any more, so nothing before it need be read."""
    seen: tuple[datetime, ...] = ()
    """The starts of the windows that counted above the mark, ascending."""
    newest: datetime | None = None
    """The end of the newest window that counted: how fresh the judgement is."""
    good_since: datetime | None = None
    """Windows that start before this may condemn but not acquit: the weight was another one."""
    since: datetime | None = None
    """When the candidate met its first users."""
    weights: tuple[WeightSince, ...] = ()
    next_weight: int = 100_000
    steps: int = 0
    """How many weights were begun."""
    watched: timedelta = timedelta(0)
    """How much time in whole windows, in which the candidate did not look cold, the present weight was watched."""
    fit: bool = False
    """Whether nothing was in the way of the next weight when the weight was last watched for a whole dwell."""
    windows: int = 0
    """How many windows entered the evidence."""
    cold: bool = False
    """Whether the candidate looked cold in the newest window."""
    shape: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of about the last minute: candidate requests that were very slow, slower than the median, and all."""
    silent_since: datetime | None = None
    """Since when the candidate has reported nothing while stable has."""
    recent: tuple[Window, ...] = ()
    """For plain limits only."""
    baseline: Baseline = field(default_factory=Baseline)
    comparisons: tuple[Comparison, ...] = ()
    levels: tuple[LevelTest, ...] = ()
    catastrophe: Catastrophe = field(default_factory=Catastrophe)
    share: ShareTest = field(default_factory=ShareTest)
    stable_retired: bool = False
    """Whether stable has no traffic any more: what was learnt of it stands in."""

    @property
    def weight(self) -> int:
        """The candidate's present share, in thousandths of a percent."""
        return self.weights[-1].weight if self.weights else 0

    def weight_during(self, window: Window) -> int | None:
        """Return the weight that was in force during the whole window, or None."""
        before = [each for each in self.weights if each.at <= window.start]
        changed = any(window.start < each.at < window.end for each in self.weights)
        return before[-1].weight if before and not changed else None

    def counted(self, window: Window) -> bool:
        """Whether the window counted already, or is too late to count."""
        too_late = self.seen_until is not None and window.start < self.seen_until
        return too_late or window.start in self.seen
