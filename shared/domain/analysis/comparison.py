"""One rate of the candidate held against stable's: evidence that it is worse, that it is not, and suspicion."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import exp, log

from shared.domain.analysis.bets import FACTORS, Bet, short
from shared.domain.analysis.rates import Counts, Promise, growth, looks_like_burst, shared_burst_factor

ADVANCE_FACTORS = (0.04, 0.2, 0.6)
"""How many times the rate beyond the risk budget a good candidate may have, beside having exactly stable's."""
ADVANCE_PRIOR = (0.7, 0.1, 0.1, 0.1)
"""Most is laid on the candidate being as good as stable was before."""
CREDIT = 0.5
"""What was seen at lower weights counts for the next one too, up to this part (in logarithms) of what it takes."""
ADVANCE_MOST_PHI = 8.0
"""Heavy shared bursts make a dispersion so large that nobody could ever advance: there it counts up to this."""
SUSPICION = 2.0
"""The suspicion asks whether the candidate is twice as bad as stable; it only ever holds."""
SUSPICION_HALVES = 5.0
"""Minutes in which a suspicion is half forgotten."""
SUSPICION_FLOOR, SUSPICION_CEILING = -2.0, 3.0
LEAST_FACTOR = 1.02
"""A smaller one is not worth a bet."""
USUAL_HALF_LIFE = timedelta(minutes=10)
USUAL_DOUBLES = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is remembered of one rate; numbers only, so that it stays small."""

    key: str
    bet: Bet = field(default_factory=Bet)
    before: Bet | None = None
    """The bet before the newest window, if that won: it is taken back when stable turns out to suffer too."""
    advance: tuple[float, ...] | None = None
    """Money on stable's own rate and on `ADVANCE_FACTORS` since the step began, against the candidate being beyond the
    risk budget; None until the step's first whole window."""
    suspicion: float = 0.0
    usual: float = 0.0
    """Stable's rate, followed slowly."""
    unwell: bool = False
    """Whether stable suffered in the newest window."""
    forgiven: float = 0.0
    """Minutes until a burst in the candidate alone may be forgiven again."""
    spared: bool = False
    """Whether the newest window was such a burst, and forgiven."""
    fresh: bool = True
    """Whether the newest window had a figure of it."""
    counts: Counts = field(default_factory=Counts)
    """Of the whole rollout, for people."""
    warm: Counts = field(default_factory=Counts)
    """The same without what was measured while the candidate looked cold."""
    highest: float = 1.0
    """The most evidence that there ever was."""

    @property
    def evidence(self) -> float:
        """Evidence that the promise is broken, as odds against it."""
        return self.bet.money

    @property
    def cleared(self) -> float:
        """Evidence that the candidate is within the risk budget."""
        return sum(self.advance) if self.advance is not None else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How one rate is tested in one window."""

    promise: Promise
    beyond: Promise
    """What a candidate beyond the risk budget has."""
    phi: float
    cap: float
    """The most that the evidence may grow in this window."""
    length: timedelta
    counts_against: bool = True
    """Whether a rise may count: not where the candidate looks cold."""
    counts_for: bool = True
    """Whether the window was measured wholly at the present weight."""
    burst: float = 0.0
    """Events in the worst minute of the history above the usual, and how long the longest such time was."""
    burst_minutes: float = 0.0
    bursts_an_hour: float = 0.0
    expected_requests: float = 0.0
    """What the candidate's share of this window's requests is."""
    follows: bool = False
    """Whether the window follows the newest one at once."""
    needed: float = 10.0
    """The evidence it takes to advance."""
    knows_bursts: bool = True
    """Whether what hits both arms can be told apart: not where stable is held against the candidate."""


def observe(state: Comparison, counts: Counts, rules: Rules) -> Comparison:
    """Take the counts of one window in. Pure; the order of windows matters little."""
    unwell = rules.knows_bursts and _is_unwell(state, counts)
    growths = _growths(state, counts, rules)
    start = state.bet
    if unwell and not state.unwell and rules.follows and state.before is not None:
        # The outage reached the candidate a window earlier: what looked like its own was everybody's.
        start = start.least(state.before)
    cap = rules.cap if not (unwell or (state.unwell and rules.follows)) else min(rules.cap, rules.cap / 6.0)
    played = start.play(growths, cap, rules.length)
    minutes = rules.length.total_seconds() / 60.0
    forgiven = max(0.0, state.forgiven - minutes)
    spared = _is_burst_of_its_own(state, counts, rules) and _may_be_forgiven(forgiven, rules)
    if spared:
        forgiven = forgiven or _forgiven_every(rules)
    if spared or not rules.counts_against:
        played = played.least(start)
    return replace(
        state,
        bet=played,
        before=start if played.money > start.money else None,
        advance=_advanced(state, counts, rules) if rules.counts_for else state.advance,
        suspicion=_suspected(state.suspicion, counts, rules, minutes),
        usual=_followed(state, counts, rules.length),
        unwell=unwell,
        forgiven=forgiven,
        spared=spared,
        fresh=True,
        counts=state.counts.plus(counts),
        warm=state.warm.plus(counts) if rules.counts_against and not spared else state.warm,
        highest=max(state.highest, short(played.money)),
    )


def begin(state: Comparison) -> Comparison:
    """Start a new weight: advancing asks for fresh evidence; what speaks against the candidate stays."""
    return replace(state, advance=None)


def _is_unwell(state: Comparison, counts: Counts) -> bool:
    if counts.n_s <= 0 or (state.usual <= 0 and state.counts.n_s <= 0):
        return False
    rate = counts.f_s / counts.n_s
    return rate >= max(3.0 * state.usual, state.usual + 0.02) and counts.f_s > 3.0 * state.usual * counts.n_s + 10.0


def _growths(state: Comparison, counts: Counts, rules: Rules) -> tuple[float, ...]:
    if counts.n_c <= 0:
        return (0.0,) * len(FACTORS)
    factors: tuple[float, ...] = FACTORS
    if rules.knows_bursts and counts.n_s > 0 and state.usual > 0 and looks_like_burst(counts, state.usual):
        factors = tuple(shared_burst_factor(counts, rules.promise, factor, state.usual) for factor in FACTORS)
    return tuple(
        growth(counts, rules.promise, factor) / rules.phi if factor > LEAST_FACTOR else 0.0 for factor in factors
    )


def _is_burst_of_its_own(state: Comparison, counts: Counts, rules: Rules) -> bool:
    """Whether the candidate alone has a burst such as history has: a client gone wild, not a version gone bad."""
    if rules.burst <= 0 or counts.n_c <= 0 or not rules.knows_bursts:
        return False
    excess = counts.f_c - state.usual * counts.n_c
    # With few requests one usual burst is all of them: only more failures than a burst has are surely not one.
    is_whole = counts.f_c >= 0.9 * counts.n_c and counts.n_c <= 1.3 * rules.expected_requests
    fails_as_a_whole = is_whole and counts.f_c > rules.burst
    return 0.1 * rules.burst <= excess <= 1.5 * rules.burst and not fails_as_a_whole


def _may_be_forgiven(forgiven: float, rules: Rules) -> bool:
    """Whether none was forgiven lately, or just now and it may still be the same one."""
    return forgiven == 0.0 or forgiven > _forgiven_every(rules) - rules.burst_minutes - 1.0


def _forgiven_every(rules: Rules) -> float:
    """Return the minutes in which one burst is forgiven: about as many as history has."""
    return 60.0 / (rules.bursts_an_hour + 1.0)


def _advanced(state: Comparison, counts: Counts, rules: Rules) -> tuple[float, ...]:
    beyond = rules.beyond.tolerated(state.usual)
    as_good = min(0.8, max(1e-3, state.usual / beyond)) if beyond > 0 else 0.5
    factors = (as_good, *ADVANCE_FACTORS)
    money = state.advance if state.advance is not None else _credited(state, rules, factors)
    return _played(money, counts, rules, factors)


def _credited(state: Comparison, rules: Rules, factors: tuple[float, ...]) -> tuple[float, ...]:
    """Return the money that a step begins with: what was met before it, up to its `CREDIT`."""
    earned = _played(ADVANCE_PRIOR, state.warm, rules, factors)
    most = rules.needed**CREDIT
    total = sum(earned)
    if total <= 1.0:
        return ADVANCE_PRIOR
    return earned if total <= most else tuple(short(each * most / total) for each in earned)


def _played(money: tuple[float, ...], counts: Counts, rules: Rules, factors: tuple[float, ...]) -> tuple[float, ...]:
    phi = min(rules.phi, ADVANCE_MOST_PHI)
    return tuple(
        short(each * exp(min(growth(counts, rules.beyond, factor) / phi, 300.0)))
        for each, factor in zip(money, factors, strict=True)
    )


def _suspected(suspicion: float, counts: Counts, rules: Rules, minutes: float) -> float:
    """Return the log odds of twice stable's rate over stable's rate: a running sum that soon forgets."""
    total = counts.n_c + counts.n_s
    if counts.n_c <= 0 or not rules.counts_against:
        return suspicion
    kept = suspicion * exp(-minutes * log(2.0) / SUSPICION_HALVES) if suspicion > 0 else suspicion
    if counts.n_s <= 0:
        return round(kept, 6)
    rise = counts.f_c * log(SUSPICION) - counts.pooled * log((SUSPICION * counts.n_c + counts.n_s) / total)
    return round(max(SUSPICION_FLOOR, min(SUSPICION_CEILING, kept + rise / rules.phi)), 6)


def _followed(state: Comparison, counts: Counts, length: timedelta) -> float:
    usual = state.usual
    if counts.n_s <= 0:
        return usual
    rate = counts.f_s / counts.n_s
    if usual <= 0 and state.counts.n_s <= 0:
        return short(rate)
    share = 1.0 - exp(-log(2.0) * (length / USUAL_HALF_LIFE))
    most = usual * exp(log(2.0) * (length / USUAL_DOUBLES))
    return short(min(usual + share * (rate - usual), most) if usual > 0 else share * rate)
