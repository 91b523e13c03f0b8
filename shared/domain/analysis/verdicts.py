"""From the tests to one verdict, and to sentences that say why."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from math import log

from shared.domain.analysis.bets import MOST
from shared.domain.analysis.comparison import Comparison
from shared.domain.analysis.counting import guard_rates, is_first, is_swapped, level_limits, level_part
from shared.domain.analysis.guards import (
    Guard,
    GuardConfig,
    Metric,
    Objective,
    Ratio,
    SampleRatio,
    Threshold,
)
from shared.domain.analysis.judgement import Evidence, Judgement, Verdict, worst
from shared.domain.analysis.levels import LevelTest
from shared.domain.analysis.limits import LACK_VERDICTS, Pool, judge_limit, lacking, shown
from shared.domain.analysis.measurement import Lack, Missing, Sample, Window
from shared.domain.analysis.parts import RatePart, promise_of
from shared.domain.analysis.ramp import LONGEST_DWELL, ROUGH, requests_to_see
from shared.domain.analysis.sample_ratio import ALPHA as SHARE_ALPHA
from shared.domain.analysis.state import AnalysisState
from shared.domain.analysis.visible import difference_interval, smallest_visible
from shared.domain.analysis.weighing import CATASTROPHE, weights_of

SUSPICIOUS = 3.0
"""From this evidence on the weight is held, though nothing is decided."""
SUSPECTED = 0.7
"""From these log odds for twice stable's rate on the weight is held."""
SUSPECTED_HIGH = -0.5
"""The same before a weight that reaches most users, where so many events were expected that they should tell."""
MOST_USERS = 45_000
TELLING = 10.0
SILENT_FOR = timedelta(minutes=2)
SILENT_WINDOWS = 3
FEW = 5.0
"""Fewer requests than this a window are expected to be missing now and then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sight:
    """What all guards are judged with."""

    window: Window
    config: GuardConfig
    shares: Mapping[str, float]
    """How much of alpha each guard gets."""
    lack: Missing | None
    loudest: str | None
    """The guard that decides, once it is decided."""


def judge(state: AnalysisState, window: Window, config: GuardConfig, lack: Missing | None) -> Judgement:
    """Return what all guards say after this window; `lack` is what the window itself is lacking: it did not count."""
    shares = weights_of(config)
    odds = {name: _odds_of(name, state, config) for name in shares}
    total = sum(share * odds[name] for name, share in shares.items())
    decided = total >= 1.0 / config.alpha
    suspicious = _why_it_holds(state, config, total)
    holds = "" if lack or decided else suspicious
    loudest = max(shares, key=lambda name: shares[name] * odds[name]) if decided else None
    sight = _Sight(window=window, config=config, shares=shares, lack=lack, loudest=loudest)
    said = tuple(_evidence(guard, state, sight) for guard in config.guards)
    if loudest == CATASTROPHE:
        said = (*said, _failing_as_a_whole(state, window))
    lacks = (LACK_VERDICTS[lack.lack],) if lack else ()
    verdict = Verdict.DEGRADED if decided else worst((*lacks, *(each.verdict for each in said if each.decides)))
    if verdict is Verdict.DEGRADED:
        holds = ""
    if verdict is Verdict.HEALTHY and holds:
        verdict = Verdict.UNDECIDED
    if lack is None and verdict is Verdict.HEALTHY and _is_idle(window):
        verdict, holds = Verdict.NO_DATA, "no requests in the newest window"
    few = verdict is Verdict.NO_DATA and _lacks_traffic(state, window)
    return Judgement(
        verdict=verdict,
        evidence=said,
        concern=_concern(state, window, config),
        lacks_traffic=few or (verdict is Verdict.UNDECIDED and not suspicious and _may_still_clear(state)),
        holds=holds,
        odds=_tidy(total),
    )


def until_whole(judgement: Judgement, config: GuardConfig) -> Judgement:
    """Return a healthy judgement as one that waits for the next whole dwell.

    Short windows look often, and who looks often enough sees a good moment: so they may not pass more often.
    """
    why = f"the next {config.dwell.total_seconds():g} s of it are not whole yet"
    return replace(judgement, verdict=Verdict.UNDECIDED, holds=why)


def _odds_of(name: str, state: AnalysisState, config: GuardConfig) -> float:
    guard = next((guard for guard in config.guards if guard.name == name), None)
    return state.catastrophe.evidence if guard is None else _odds(guard, state)


def _odds(guard: Guard, state: AnalysisState) -> float:
    """Return a guard's evidence: of its level, or of its rates together."""
    found = comparisons_of(guard, state)
    if not found:
        tested = level_of(guard, state)
        return tested.evidence if tested else 1.0
    return _together(guard, found)


def _together(guard: Guard, found: tuple[Comparison, ...]) -> float:
    """Return the mean of the bets, or where an objective asks for the comparison too, what both have at least.

    The least of two bets is evidence against either promise being kept, so both must be broken.
    """
    odds = [each.evidence for each in found]
    return min(odds) if isinstance(guard.test, Objective) else sum(odds) / len(odds)


def comparisons_of(guard: Guard, state: AnalysisState) -> tuple[Comparison, ...]:
    """Return the tests of a guard's rates."""
    keys = {part.key for part in guard_rates(guard, state)}
    return tuple(each for each in state.comparisons if each.key in keys)


def level_of(guard: Guard, state: AnalysisState) -> LevelTest | None:
    """Return the test of a guard's level, or None."""
    part = level_part(guard, state)
    return next((each for each in state.levels if part and each.key == part.key), None)


def _why_it_holds(state: AnalysisState, config: GuardConfig, total: float) -> str:
    if state.cold:
        return "the candidate looks cold: a few requests are slow by far, most as fast as ever; it is let warm up"
    if total >= SUSPICIOUS:
        return f"evidence {_ratio(total)} against the candidate: too little to take it back, too much to go on"
    deciding = (each for guard in config.guards if not guard.notify_only for each in comparisons_of(guard, state))
    compared = [each for each in deciding if each.counts.n_s > 0 and not state.stable_retired]
    suspect = max(compared, key=lambda each: each.suspicion - _line(each, state), default=None)
    if suspect is not None and suspect.suspicion >= _line(suspect, state):
        return f"{suspect.key}: rather as for twice stable's rate than as for the same; looking on"
    return ""


def _line(each: Comparison, state: AnalysisState) -> float:
    telling = each.usual * each.counts.n_c >= TELLING
    return SUSPECTED_HIGH if state.next_weight >= MOST_USERS and telling else SUSPECTED


def _may_still_clear(state: AnalysisState) -> bool:
    """Whether more requests are all that is missing: nothing speaks against the candidate being within the budget."""
    return all(each.advance is None or each.cleared >= 0.5 for each in state.comparisons)


def _is_idle(window: Window) -> bool:
    return isinstance(window.candidate, Sample) and window.candidate.requests == 0


def _lacks_traffic(state: AnalysisState, window: Window) -> bool:
    share = state.weight / 100_000
    stable = window.stable.requests if isinstance(window.stable, Sample) else 0.0
    return 0.0 < share < 1.0 and stable > 0 and stable * share / (1.0 - share) < FEW


def _concern(state: AnalysisState, window: Window, config: GuardConfig) -> str | None:
    guard = next((guard for guard in config.guards if isinstance(guard.test, SampleRatio)), None)
    if guard is None or guard.notify_only or state.stable_retired:
        return None
    since = state.silent_since
    long_enough = max(SILENT_FOR, SILENT_WINDOWS * config.window)
    if since is not None and window.end - since >= long_enough and not _lacks_traffic(state, window):
        return f"{guard.name}: the candidate has reported nothing since {since:%H:%M:%S}, while stable has"
    if state.share.evidence >= 1.0 / SHARE_ALPHA:
        return f"{guard.name}: {_share_says(state)}"
    return None


def _evidence(guard: Guard, state: AnalysisState, sight: _Sight) -> Evidence:
    lack = sight.lack
    match guard.test:
        case Threshold() as limit:
            return judge_limit(guard, limit, _pool(state, sight.window, guard.over))
        case SampleRatio():
            return lacking(guard, lack) if lack else _share_evidence(guard, state)
        case _ if lack is not None:
            return lacking(guard, lack)
    tested = level_of(guard, state)
    found = comparisons_of(guard, state)
    if tested is not None and tested.fresh:
        return _level_evidence(guard, state, tested, sight)
    if not found or not all(each.fresh for each in found):
        return lacking(guard, Missing(Lack.NO_DATA, _nothing_to_count(guard)))
    return _rate_evidence(guard, state, found, sight)


def _nothing_to_count(guard: Guard) -> str:
    if guard.metric is Metric.LATENCY:
        return "the source has neither a histogram nor an average of response times"
    return f"the source has no {guard.of or guard.metric}"


def _pool(state: AnalysisState, newest: Window, over: timedelta) -> Pool:
    windows = tuple(old for old in state.recent if old.start >= newest.end - over)
    good_since = state.good_since or newest.start
    return Pool(
        condemning=windows,
        acquitting=tuple(old for old in windows if old.start >= good_since),
        newest=newest,
    )


def _verdict(guard: Guard, odds: float, state: AnalysisState, sight: _Sight, *, cleared: bool) -> Verdict:
    if guard.name == sight.loudest or odds * sight.shares.get(guard.name, 1.0) >= 1.0 / sight.config.alpha:
        return Verdict.DEGRADED
    return Verdict.HEALTHY if cleared and state.watched >= sight.config.dwell else Verdict.UNDECIDED


def _rate_evidence(guard: Guard, state: AnalysisState, found: tuple[Comparison, ...], sight: _Sight) -> Evidence:
    config = sight.config
    parts = {part.key: part for part in guard_rates(guard, state)}
    worse = found[0] if isinstance(guard.test, Objective) else max(found, key=lambda each: each.evidence)
    part = parts[worse.key]
    odds = _together(guard, found)
    highest = found[0].highest if len(found) == 1 else max(1.0, odds)
    share = sight.shares.get(guard.name, 1.0)
    needed = log(1.0 / (config.alpha * share))
    visible = None
    if not is_first(state):
        visible = smallest_visible(worse.counts, promise_of(guard, part), needed, part.dispersion.phi)
    cleared = all(each.cleared >= 1.0 / config.beta for each in found) and _sees_enough(
        guard, state, config, worse, part.dispersion.phi
    )
    verdict = _verdict(guard, odds, state, sight, cleared=cleared)
    counts, promise = worse.counts, promise_of(guard, part)
    value = counts.f_c / counts.n_c if counts.n_c else None
    reference = counts.f_s / counts.n_s if counts.n_s else None
    limit = promise.tolerated(reference if reference is not None else worse.usual)
    interval = difference_interval(counts, part.dispersion.phi, config.alpha)
    if is_swapped(guard):
        value, reference = reference, value
        limit = max(0.0, (reference or 0.0) / promise.margin - promise.slack / promise.margin)
        interval = None if interval is None else (-interval[1], -interval[0])
    requests = counts.n_s if is_swapped(guard) else counts.n_c
    said = Evidence(
        guard=guard.name,
        verdict=verdict,
        says="",
        value=_tidy(value),
        limit=_tidy(limit),
        reference=_tidy(reference),
        requests=requests,
        odds=_tidy(odds),
        p_value=_tidy(min(1.0, 1.0 / highest)),
        interval=None if interval is None else (round(interval[0], 6), round(interval[1], 6)),
        smallest_visible=_tidy(visible),
        windows=state.windows,
        decides=not guard.notify_only,
    )
    return replace(said, says=f"{guard.name}: {_rate_says(said, _what(guard, part))}")


def _sees_enough(
    guard: Guard,
    state: AnalysisState,
    config: GuardConfig,
    test: Comparison,
    phi: float,
) -> bool:
    """Whether the first weight has lasted long enough to see the smallest regression that is asked for."""
    if config.smallest is None or state.steps > 1:
        return True
    if guard.metric is not Metric.ERROR_RATE or not isinstance(guard.test, Ratio):
        return True
    needed = requests_to_see(config.smallest, test.usual, config) * max(1.0, phi / ROUGH)
    return test.counts.n_c >= needed or state.watched >= LONGEST_DWELL


def _rate_says(said: Evidence, what: str) -> str:
    """Return the numbers of a rate's evidence as a sentence."""
    stable = f", stable {_percent(said.reference)}" if said.reference is not None else ""
    visible = said.smallest_visible
    sees = f"smallest regression visible so far: {visible:.3g}x" if visible else "no regression would be visible yet"
    decided = "decided " if said.verdict is Verdict.DEGRADED else ""
    return (
        f"evidence {_ratio(said.odds or 0.0)} against; candidate {_percent(said.value)} {what}{stable}; "
        f"tolerated {_percent(said.limit)}; {said.requests:,.0f} candidate requests; "
        f"{decided}at the {_ordinal(said.windows)} window; {sees}"
    )


def _percent(rate: float | None) -> str:
    return "none" if rate is None else shown(Metric.ERROR_RATE, rate)


def _what(guard: Guard, part: RatePart) -> str:
    if part.edge is not None:
        return f"slower than {part.edge:g} ms"
    return guard.of if guard.metric is Metric.COUNTER else "errors"


def _level_evidence(guard: Guard, state: AnalysisState, tested: LevelTest, sight: _Sight) -> Evidence:
    odds = tested.evidence
    limit, _, sign = level_limits(guard, tested.stable)
    verdict = _verdict(guard, odds, state, sight, cleared=tested.cleared >= 1.0 / sight.config.beta)
    word = "at most" if sign > 0 else "at least"
    return Evidence(
        guard=guard.name,
        verdict=verdict,
        says=(
            f"{guard.name}: evidence {_ratio(odds)} against; candidate {shown(guard.metric, tested.candidate)}, "
            f"stable {shown(guard.metric, tested.stable)}; tolerated {word} {shown(guard.metric, limit)}; "
            f"{tested.windows} windows"
        ),
        value=_tidy(tested.candidate),
        limit=_tidy(limit),
        reference=_tidy(tested.stable),
        odds=_tidy(odds),
        p_value=_tidy(min(1.0, 1.0 / tested.highest)),
        windows=tested.windows,
        decides=not guard.notify_only,
    )


def _share_evidence(guard: Guard, state: AnalysisState) -> Evidence:
    share = state.share
    total = share.n_c + share.n_s
    suspicious = share.evidence >= 1.0 / SHARE_ALPHA
    return Evidence(
        guard=guard.name,
        verdict=Verdict.UNDECIDED if suspicious else Verdict.HEALTHY,
        says=f"{guard.name}: {_share_says(state)}",
        value=_tidy(share.n_c / total) if total else None,
        limit=state.weight / 100_000,
        requests=share.n_c,
        odds=_tidy(share.evidence),
        windows=state.windows,
        decides=not guard.notify_only,
    )


def _share_says(state: AnalysisState) -> str:
    share = state.share
    total = share.n_c + share.n_s
    if not total:
        return "the candidate's share is looked at from a minute after each change of weight on"
    likely = ""
    if share.evidence >= 1.0 / SHARE_ALPHA:
        likely = f", about {share.likeliest:g} times as many as expected"
    return (
        f"evidence {_ratio(share.evidence)} that the candidate's share of requests is not what was asked for; "
        f"{share.n_c:,.0f} of {total:,.0f}{likely}"
    )


def _failing_as_a_whole(state: AnalysisState, window: Window) -> Evidence:
    odds = state.catastrophe.evidence
    candidate = window.candidate
    said = ""
    if isinstance(candidate, Sample) and candidate.requests:
        said = (
            f"; {candidate.failures:,.0f} of {candidate.requests:,.0f} candidate requests failed in the newest window"
        )
    return Evidence(
        guard="outage",
        verdict=Verdict.DEGRADED,
        says=f"outage: evidence {_ratio(odds)} that the candidate fails as a whole{said}",
        requests=candidate.requests if isinstance(candidate, Sample) else 0,
        odds=_tidy(odds),
        windows=state.windows,
    )


def _ratio(odds: float) -> str:
    if odds >= 1e6:
        return "over 1,000,000 : 1"
    return f"{odds:,.0f} : 1" if odds >= 10 else f"{odds:.2g} : 1"


def _ordinal(number: int) -> str:
    last = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{last}"


def _tidy(value: float | None) -> float | None:
    return None if value is None else float(f"{min(value, MOST):.6g}")
