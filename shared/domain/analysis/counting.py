"""Taking one whole window into each test."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.domain.analysis import catastrophe, comparison, levels, sample_ratio
from shared.domain.analysis.bets import cap_of
from shared.domain.analysis.coldness import Shape, follow, looks_cold, looks_warm
from shared.domain.analysis.comparison import Comparison
from shared.domain.analysis.guards import (
    Guard,
    GuardConfig,
    Metric,
    Objective,
    Ratio,
    SampleRatio,
    Tail,
    Worse,
)
from shared.domain.analysis.history import UNKNOWN, learn_late
from shared.domain.analysis.levels import LevelTest
from shared.domain.analysis.measurement import Sample, Window
from shared.domain.analysis.parts import (
    COMPARED,
    LevelPart,
    RatePart,
    counts_level,
    events,
    key_of,
    level,
    promise_of,
    rates_of,
)
from shared.domain.analysis.rates import Counts, Promise
from shared.domain.analysis.sample_ratio import ShareTest
from shared.domain.analysis.state import LATENESS, LATENESS_WINDOWS, AnalysisState
from shared.domain.analysis.weighing import CATASTROPHE, weights_of

BEYOND_MARGIN = 1.8
"""A candidate with more than so many times stable's rate, and the risk budget, is beyond it."""
BEYOND_AT_MOST = 0.2
FIRST_MINUTES = timedelta(minutes=2)
"""In these the evidence of one rate can grow to eight tenths of what decides at most, at any traffic: new instances may
fail now and then. Not so where the response times show that they are warm."""
AFTER_A_CHANGE = timedelta(minutes=2)
"""So long after a weight rose new instances may look cold."""
CLIENTS_FOLLOW = timedelta(minutes=1)
"""So long after a change of weight the candidate's share says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """What holds for all tests in one window."""

    window: Window
    candidate: Sample
    stable: Sample | None
    config: GuardConfig
    length: timedelta
    follows: bool
    good: bool
    """Whether it was measured wholly at the present weight."""
    cold: bool
    shape: Shape
    shares: Mapping[str, float]
    """How much of alpha each guard gets."""
    first: float | None
    """How much of the usual cap a window may use: little in the first minutes."""
    expected_requests: float
    """What the candidate's share of the window's requests is, by stable's."""
    risk: float
    """The failure rate that the risk budget allows at the next weight."""


def count(state: AnalysisState, window: Window, config: GuardConfig) -> AnalysisState:
    """Return the state with the window in it. Both arms must be there, stable's where a guard compares with it."""
    assert isinstance(window.candidate, Sample)
    scene = _scene(state, window, config, window.candidate)
    before = {each.key: each for each in state.comparisons}
    comparisons = tuple(_compare(state, scene, before))
    after = replace(
        state,
        comparisons=comparisons,
        levels=tuple(_levels(state, scene)),
        catastrophe=_catastrophe(state, scene, before, comparisons),
        share=state.share if any(each.spared for each in comparisons) else _share(state, scene),
        cold=scene.cold,
        shape=scene.shape,
        watched=state.watched + (scene.length if scene.good and not scene.cold else timedelta(0)),
        windows=state.windows + 1,
        silent_since=state.silent_since if scene.candidate.requests == 0 else None,
        newest=max(state.newest, window.end) if state.newest else window.end,
        baseline=learn_late(state.baseline, window, config),
    )
    return _marked(after, window, config)


def _scene(state: AnalysisState, window: Window, config: GuardConfig, candidate: Sample) -> _Scene:
    stable = window.stable if isinstance(window.stable, Sample) and not state.stable_retired else None
    length = window.end - window.start
    shape = follow(state.shape, candidate, state.baseline, length.total_seconds() / 60.0)
    good_since, since = state.good_since or window.start, state.since or window.start
    may_be_cold = window.start < since + config.warm_up or good_since <= window.start < good_since + AFTER_A_CHANGE
    first = window.start < since + FIRST_MINUTES and not looks_warm(shape, candidate, stable, state.baseline)
    return _Scene(
        window=window,
        candidate=candidate,
        stable=stable,
        config=config,
        length=length,
        follows=state.newest == window.start,
        good=window.start >= good_since,
        cold=may_be_cold and candidate.requests > 0 and looks_cold(shape, candidate, stable, state.baseline),
        shape=shape,
        shares=weights_of(config),
        first=min(1.0, length / FIRST_MINUTES) if first else None,
        expected_requests=_expected(state, stable),
        risk=min(BEYOND_AT_MOST, config.risk / max(state.next_weight / 100_000, 1e-6)),
    )


def _expected(state: AnalysisState, stable: Sample | None) -> float:
    share = state.weight / 100_000
    return stable.requests * share / (1.0 - share) if stable is not None and share < 1.0 else 0.0


def _marked(state: AnalysisState, window: Window, config: GuardConfig) -> AnalysisState:
    """Remember that the window counted, and move the mark past what is counted in one run or too late."""
    seen = sorted((*state.seen, window.start))
    newest = state.newest or window.end
    mark = max(
        newest - max(LATENESS, LATENESS_WINDOWS * config.window),
        state.seen_until or min(seen[0], state.since or seen[0]),
    )
    while seen and seen[0] <= mark:
        mark = max(mark, seen.pop(0) + config.window)
    return replace(state, seen=tuple(seen), seen_until=mark)


def _compare(state: AnalysisState, scene: _Scene, before: dict[str, Comparison]) -> Iterator[Comparison]:
    for guard in scene.config.guards:
        parts = guard_rates(guard, state)
        for part in parts:
            old = before.get(part.key) or Comparison(key=part.key, usual=_usual(guard, part, state))
            counts = _counts(guard, part, scene, retired=state.stable_retired)
            if counts is None:
                yield replace(old, fresh=False)
                continue
            share = scene.shares.get(guard.name, 1.0) / len(parts)
            yield comparison.observe(old, counts, _rules(guard, part, scene, old, share, retired=state.stable_retired))


def _usual(guard: Guard, part: RatePart, state: AnalysisState) -> float:
    """Return stable's usual rate; where no rate was learnt, of what is known of its requests altogether."""
    pooled = state.baseline.pooled
    if part.dispersion.usual > 0 or pooled is None or guard.metric is not Metric.ERROR_RATE:
        return part.dispersion.usual
    return pooled.failures / pooled.requests if pooled.requests > 0 else 0.0


def guard_rates(guard: Guard, state: AnalysisState) -> tuple[RatePart, ...]:
    """Return the rates that a guard compares; what no history told is taken to be rough."""
    if counts_level(guard) or guard.metric is Metric.REQUESTS:
        return ()
    known = rates_of(guard, state.baseline.rates)
    if known or isinstance(guard.test, Tail) or not isinstance(guard.test, Ratio | Objective):
        return known
    unknown = RatePart(key=key_of(guard), dispersion=UNKNOWN)
    compared = isinstance(guard.test, Objective) and guard.test.and_compared
    return (unknown, replace(unknown, key=unknown.key + COMPARED)) if compared else (unknown,)


def _counts(guard: Guard, part: RatePart, scene: _Scene, *, retired: bool) -> Counts | None:
    """Return what the window says of a rate. Where less is worse, the arms change places."""
    candidate = events(guard, scene.candidate, part.edge)
    if candidate is None:
        return None
    alone = isinstance(guard.test, Objective) and not part.key.endswith(COMPARED)
    if retired and is_swapped(guard):
        # Stable as it was, in as many opportunities, stands where its own figures would.
        return Counts(candidate[1], part.dispersion.usual * candidate[1], candidate[1], candidate[0])
    if alone or retired:
        return Counts(candidate[1], candidate[0], 0.0, 0.0)
    stable = events(guard, scene.stable, part.edge) if scene.stable else None
    if stable is None:
        return None
    if is_swapped(guard):
        return Counts(stable[1], stable[0], candidate[1], candidate[0])
    return Counts(candidate[1], candidate[0], stable[1], stable[0])


def is_swapped(guard: Guard) -> bool:
    """Whether less is worse, so that stable is held against the candidate."""
    return isinstance(guard.test, Ratio) and guard.test.worse is Worse.LOWER


def _rules(
    guard: Guard, part: RatePart, scene: _Scene, old: Comparison, share: float, *, retired: bool
) -> comparison.Rules:
    promise = promise_of(guard, part)
    beyond = Promise(max(BEYOND_MARGIN, 1.5 * promise.margin - 0.5), promise.slack + _risk_of(part, scene))
    if isinstance(guard.test, Objective) and not part.key.endswith(COMPARED):
        beyond = Promise(0.0, BEYOND_MARGIN * promise.slack + scene.risk)
    elif retired and not is_swapped(guard):
        promise = Promise(0.0, promise.tolerated(old.usual))
        beyond = Promise(0.0, beyond.tolerated(old.usual))
    return comparison.Rules(
        promise=promise,
        beyond=beyond,
        phi=part.dispersion.phi,
        cap=_cap(scene, share),
        length=scene.length,
        counts_against=not scene.cold,
        counts_for=scene.good and not scene.cold,
        burst=part.dispersion.burst,
        burst_minutes=part.dispersion.burst_minutes,
        bursts_an_hour=part.dispersion.bursts_an_hour,
        expected_requests=scene.expected_requests,
        follows=scene.follows,
        needed=1.0 / scene.config.beta,
        knows_bursts=not (is_swapped(guard) or retired),
    )


def _cap(scene: _Scene, share: float) -> float:
    if scene.first is None:
        return cap_of(scene.config.alpha, share)
    return scene.first * cap_of(scene.config.alpha, share, reach=0.8)


def is_first(state: AnalysisState) -> bool:
    """Whether so little time has passed that evidence was capped all along."""
    return state.newest is None or state.since is None or state.newest <= state.since + FIRST_MINUTES


def _risk_of(part: RatePart, scene: _Scene) -> float:
    """Return how much worse than stable the next weight may be; being slow is half as bad as failing."""
    return 2.0 * scene.risk if part.edge is not None else scene.risk


def _levels(state: AnalysisState, scene: _Scene) -> Iterator[LevelTest]:
    before = {each.key: each for each in state.levels}
    for guard in scene.config.guards:
        part = level_part(guard, state)
        if part is None:
            continue
        old = before.get(part.key) or LevelTest(key=part.key)
        mean = level(guard, scene.candidate) if scene.candidate.requests > 0 or guard.metric is Metric.GAUGE else None
        reference = _reference(guard, part, scene)
        if mean is None or reference is None:
            yield replace(old, fresh=False)
            continue
        limit, beyond, sign = level_limits(guard, reference)
        rules = levels.LevelRules(
            limit=limit,
            beyond=beyond,
            sign=sign,
            counts_against=not scene.cold,
            counts_for=scene.good and not scene.cold,
            minutes=scene.length.total_seconds() / 60.0,
            times=abs(limit / reference) if reference else 1.0,
        )
        yield levels.observe(old, (mean, scene.candidate.requests), reference, part, rules)


def level_part(guard: Guard, state: AnalysisState) -> LevelPart | None:
    """Return the level that a guard compares, or None where it compares rates or nothing."""
    if counts_level(guard):
        return state.baseline.level(key_of(guard)) or LevelPart(key=key_of(guard))
    if isinstance(guard.test, Tail) and not rates_of(guard, state.baseline.rates):
        return state.baseline.level(key_of(guard)) or LevelPart(key=key_of(guard))
    return None


def level_limits(guard: Guard, reference: float) -> tuple[float, float, float]:
    """Return the limit that is promised, what twice the tolerance allows, and which way is bad (1 up, -1 down)."""
    if not isinstance(guard.test, Ratio):
        # Of a tail only the mean is known: a tail that is a quarter heavier goes with a mean a tenth higher.
        return 1.1 * reference + 2.0, 1.5 * reference + 10.0, 1.0
    maximum, slack = guard.test.maximum, guard.test.slack
    if guard.test.worse is Worse.LOWER:
        return reference / maximum - slack, reference / max(2.0 * maximum - 1.0, maximum) - 2.0 * slack, -1.0
    return maximum * reference + slack, (2.0 * maximum - 1.0) * reference + 2.0 * slack, 1.0


def _reference(guard: Guard, part: LevelPart, scene: _Scene) -> float | None:
    return part.mean if scene.stable is None else level(guard, scene.stable)


def _catastrophe(
    state: AnalysisState, scene: _Scene, before: dict[str, Comparison], after: tuple[Comparison, ...]
) -> catastrophe.Catastrophe:
    share = scene.shares.get(CATASTROPHE)
    stable = scene.stable or (state.baseline.pooled if state.stable_retired else None)
    if share is None or stable is None:
        return state.catastrophe
    errors = next((each for each in after if _counts_errors(each.key, scene.config)), None)
    was = before.get(errors.key) if errors else None
    part = state.baseline.rate(errors.key) if errors else None
    unwell = errors.unwell if errors else False
    return catastrophe.observe(
        state.catastrophe,
        (scene.candidate.failures, scene.candidate.requests),
        (stable.failures, stable.requests),
        phi=part.dispersion.phi if part else 1.0,
        cap=cap_of(scene.config.alpha, share),
        unwell=unwell,
        late_outage=unwell and scene.follows and was is not None and not was.unwell,
        spared=errors.spared if errors else False,
        burst=part.dispersion.burst if part else 0.0,
        promise=_tolerated(errors, scene.config),
        minutes=scene.length.total_seconds() / 60.0,
    )


def _tolerated(errors: Comparison | None, config: GuardConfig) -> Promise:
    """Return what the guard on errors promises, or nothing."""
    found = (guard.test for guard in config.guards if errors is not None and guard.name == errors.key)
    test = next(found, None)
    return Promise(test.maximum, test.slack) if isinstance(test, Ratio) else Promise(0.0, 0.0)


def _counts_errors(key: str, config: GuardConfig) -> bool:
    return any(guard.name == key and guard.metric is Metric.ERROR_RATE for guard in config.guards)


def _share(state: AnalysisState, scene: _Scene) -> ShareTest:
    guard = next((guard for guard in scene.config.guards if isinstance(guard.test, SampleRatio)), None)
    weight = state.weight_during(scene.window)
    if guard is None or scene.stable is None or state.since is None:
        return state.share
    newest = weight if weight is not None else state.weight
    followed = sample_ratio.follow(state.share, newest / 100_000, scene.length.total_seconds() / 60.0)
    changed = next((each.at for each in reversed(state.weights) if each.at <= scene.window.start), None)
    if weight is None or changed is None or scene.window.start < changed + CLIENTS_FOLLOW:
        return followed
    assert isinstance(guard.test, SampleRatio)
    n_c, n_s = scene.candidate.requests, scene.stable.requests
    return sample_ratio.observe(followed, n_c, n_s, weight / 100_000, guard.test.tolerance)
