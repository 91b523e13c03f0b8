"""A level of the candidate held against stable's: gauges, and response times of which only the average is known.

The difference of the two means of each window is taken as about normal. Its sum against a normal mixture gives evidence
that may be looked at any time (Robbins, 1970; the asymptotic form is Waudby-Smith et al., "Time-uniform central limit
theory", 2021):

    e = 2 / sqrt(1 + t r^2) * exp(z^2 r^2 / (2 (1 + t r^2))) * Phi(z r / sqrt(1 + t r^2)),   z = sum of d / sd

with t windows and the mixture's width r. The variance is that of the history, for the candidate scaled up to its fewer
requests as if all of it came from them, times (1 + c) / (1 - c) for a correlation c of successive minutes: without that
correction moods that last would pass for regressions one time in five.
"""

from dataclasses import dataclass, replace
from math import erfc, exp, sqrt

from shared.domain.analysis.bets import MOST
from shared.domain.analysis.parts import LevelPart

FROM_START = 0.6
"""The share of the money that is laid from the start. The rest is laid on a test that is begun anew every 15 minutes
while nothing speaks against the candidate, less each time: the k-th has 1 / (k (k + 1)) of it, which adds up to all of
it. When to begin anew may be chosen by what was seen before."""
RESTARTS = 15
WIDTH_SQUARED = 0.2
WHOLE = 1.0 - 1e-6
FEWEST = 2
"""Windows before a level says anything; without a history ten."""
FEWEST_UNKNOWN = 10


@dataclass(frozen=True, slots=True)
class LevelTest:
    """What is remembered of one level."""

    key: str
    windows: int = 0
    worse: float = 0.0
    """Sum of (difference beyond the promise) / sd, from the start on."""
    late_worse: float = 0.0
    """The same since the test was last begun anew, for what begins to be worse later."""
    late_windows: int = 0
    late_starts: int = 0
    better: float = 0.0
    """Sum of (what is left to the risk budget) / sd, since the step began."""
    step_windows: int = 0
    previous: float = 0.0
    """By how much the newest minute was beyond the promise."""
    step_squares: float = 0.0
    """The sum of the squares of how much that changed: unlike their variance it does not see a level that rises."""
    candidate: float = 0.0
    """Mean of the newest window, for people."""
    stable: float = 0.0
    highest: float = 1.0
    correlation: float = 0.0
    fresh: bool = True
    """Whether the newest window had a figure of it."""
    pending: "Pending | None" = None

    @property
    def evidence(self) -> float:
        """Evidence that the promise is broken, as odds against it."""
        first = mixture(self.worse, self.windows, self.correlation) if self.windows >= FEWEST else 1.0
        if not self.late_starts:
            return FROM_START * first + (1.0 - FROM_START)
        late = mixture(self.late_worse, self.late_windows, self.correlation) if self.late_windows >= FEWEST else 1.0
        return FROM_START * first + (1.0 - FROM_START) * late / (self.late_starts * (self.late_starts + 1))

    @property
    def cleared(self) -> float:
        """Evidence that the candidate is within twice the tolerance."""
        return mixture(self.better, self.step_windows, self.correlation) if self.step_windows else 1.0


def mixture(total: float, windows: int, correlation: float) -> float:
    """Return the evidence of a sum of `windows` standardized differences; correlated ones count for fewer."""
    inflation = (1.0 + correlation) / (1.0 - correlation)
    z, spread = total / sqrt(inflation), 1.0 + windows * WIDTH_SQUARED
    scaled = z * sqrt(WIDTH_SQUARED) / sqrt(spread)
    return min(MOST, 2.0 / sqrt(spread) * exp(min(300.0, scaled * scaled / 2.0)) * 0.5 * erfc(-scaled / sqrt(2.0)))


@dataclass(frozen=True, slots=True)
class Pending:
    """Short windows on their way to a whole minute; sums weighted by their minutes."""

    minutes: float
    candidate: float
    stable: float
    limit: float
    beyond: float
    requests: float
    counts_against: bool
    counts_for: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRules:
    """How one level is tested in one window: differences beyond `limit` count against, below `beyond` for it."""

    limit: float
    beyond: float
    sign: float
    """1 where more is worse, -1 where less is."""
    counts_against: bool
    counts_for: bool
    minutes: float
    times: float = 1.0
    """The multiple of stable's level in the limit: stable's noise counts so many times."""


def observe(
    state: LevelTest, candidate: tuple[float, float], stable: float, part: LevelPart, rules: LevelRules
) -> LevelTest:
    """Take the candidate's (mean, requests) and stable's mean of one window in.

    Windows of less than a minute wait for their minute to be whole: moods last, so they are not as many looks.
    """
    held = _held(state.pending, candidate, stable, rules)
    if held.minutes < WHOLE:
        return replace(state, pending=held, fresh=True, candidate=short_of(candidate[0]), stable=short_of(stable))
    whole = replace(
        rules,
        limit=held.limit / held.minutes,
        beyond=held.beyond / held.minutes,
        counts_against=held.counts_against,
        counts_for=held.counts_for,
        minutes=held.minutes,
    )
    mean, reference = held.candidate / held.minutes, held.stable / held.minutes
    return _counted(replace(state, pending=None, fresh=True), mean, held.requests, reference, part, whole)


def _held(pending: Pending | None, candidate: tuple[float, float], stable: float, rules: LevelRules) -> Pending:
    """Return the windows that wait, with this one."""
    mean, n_c = candidate
    minutes = rules.minutes
    new = Pending(
        minutes,
        mean * minutes,
        stable * minutes,
        rules.limit * minutes,
        rules.beyond * minutes,
        n_c,
        rules.counts_against,
        rules.counts_for,
    )
    if pending is None:
        return new
    return Pending(
        round(pending.minutes + minutes, 9),
        short_of(pending.candidate + new.candidate),
        short_of(pending.stable + new.stable),
        short_of(pending.limit + new.limit),
        short_of(pending.beyond + new.beyond),
        pending.requests + n_c,
        pending.counts_against and new.counts_against,
        pending.counts_for and new.counts_for,
    )


def _counted(
    state: LevelTest, mean: float, n_c: float, reference: float, part: LevelPart, rules: LevelRules
) -> LevelTest:
    beyond_promise = mean - rules.limit
    change = beyond_promise - state.previous if state.windows else 0.0
    difference = rules.sign * beyond_promise
    seen = replace(
        state,
        previous=short_of(beyond_promise),
        step_squares=short_of(state.step_squares + change * change),
        windows=state.windows + 1,
        candidate=short_of(mean),
        stable=short_of(reference),
        correlation=part.correlation,
    )
    deviation = _deviation(seen, part, n_c, rules)
    if deviation is None:
        return seen
    # One window counts for at most four standard deviations: an outlier is not a regression.
    worse = max(-4.0, min(4.0, difference / deviation))
    better = max(-4.0, min(4.0, rules.sign * (rules.beyond - mean) / deviation))
    against = worse if rules.counts_against else min(worse, 0.0)
    restarts = seen.windows % RESTARTS == 0 and state.late_worse <= 0.0
    counted = replace(
        seen,
        late_worse=0.0 if restarts else round(state.late_worse + against, 6),
        late_windows=0 if restarts else state.late_windows + 1,
        late_starts=state.late_starts + restarts,
        worse=round(state.worse + against, 6),
        better=round(state.better + better, 6) if rules.counts_for else state.better,
        step_windows=state.step_windows + 1 if rules.counts_for else state.step_windows,
    )
    return replace(counted, highest=max(counted.highest, short_of(counted.evidence)))


def short_of(value: float) -> float:
    """Return a figure in few digits: a state is to stay small."""
    return float(f"{value:.7g}")


def begin(state: LevelTest) -> LevelTest:
    """Start a new weight: advancing asks for fresh evidence."""
    return replace(state, better=0.0, step_windows=0, pending=None)


def _deviation(state: LevelTest, part: LevelPart, n_c: float, rules: LevelRules) -> float | None:
    """Return the standard deviation to reckon with, or None where there is none to go by yet."""
    known = None
    if part.deviation is not None and part.requests > 0 and n_c > 0:
        each = (max(1.0, rules.times) * part.deviation) ** 2
        known = each * max(1.0, part.requests / n_c) + each
    found = None
    if state.windows >= (FEWEST_UNKNOWN if known is None else 5):
        found = state.step_squares / (2.0 * (state.windows - 1) * (1.0 - part.correlation))
    known_or_found = [each for each in (known, found) if each is not None]
    variance = max(known_or_found) if known_or_found else None
    if variance is None:
        return None
    return sqrt(variance) if variance > 0 else max(1e-9, abs(part.mean or 0.0) * 1e-3)
