"""A plan in sentences: what a step waits for, how it can end, what is rounded, what nobody knows before preflight."""

from collections.abc import Iterator
from datetime import datetime

from shared.domain.rollout.calendar import WindowKind, over_since
from shared.domain.rollout.experimenting import assumed
from shared.domain.rollout.forecast import Forecast, Share, StepForecast, same_shares
from shared.domain.rollout.low_traffic import EXTENSIONS_AT_MOST
from shared.domain.rollout.plan import AwaitApproval, AwaitRelease, Compare, Prepare, Promote, RunHook, Shift
from shared.domain.rollout.spec import HOLD_BACK, BlueGreen, Canary, LowTraffic, Outcome, Promotes, Spec, TargetKind
from shared.domain.rollout.timing import DECISION_LIMIT
from shared.domain.rollout.weight import NONE, Weight, to_percent
from shared.domain.spans import span_in_words

Ends = tuple[str, str]
"""When a step ends, and what comes then: `next`, or the phase that the rollout is in."""


def percent(weight: Weight) -> str:
    """Return a share for people."""
    return f"{to_percent(weight):g} %"


def waits_for(each: StepForecast) -> str:
    """Say what must come before the step is over."""
    match each.step:
        case AwaitApproval(gate):
            return f"approval, at most {span_in_words(gate.timeout)}"
        case RunHook(hook):
            return f"its success, at most {span_in_words(hook.timeout)}"
        case Promote(proven=True):
            return "the version in production"
        case Shift() | Promote():
            bake = each.step.bake
            return f"a healthy verdict, in {span_in_words(bake.minimum)} to {span_in_words(bake.maximum)}"
        case Compare() as compare:
            return _ends_in_words(compare)
        case AwaitRelease(stage):
            return f"stage {stage} of its release"
        case Prepare(most=most):
            return f"the slots, well with production's settings, at most {span_in_words(most)}"


def _ends_in_words(step: Compare) -> str:
    """Say when an experiment is over."""
    ends = step.ends
    earlier = ("as soon as one version won",) if ends.when_decided else ()
    earlier = (*earlier, f"after {ends.requests:,} requests") if ends.requests is not None else earlier
    latest = f"after {span_in_words(ends.after)}"
    over = f"the experiment by {step.goal.name}: over {' or '.join((*earlier, latest))}"
    return f"{over}, then a person" if step.promotes is Promotes.BY_HAND else over


def outcomes(each: StepForecast, *, is_last: bool) -> tuple[Ends, ...]:
    """Return how the step can end by itself; the first way is how it goes on."""
    further = "succeeded" if is_last else "next"
    back = "paused" if each.beyond_return else "rolled-back"
    degraded = (("judged degraded", back),) if each.exposed else ()
    match each.step:
        case AwaitApproval(gate):
            late = (f"nobody approved within {span_in_words(gate.timeout)}", _after(gate.otherwise, each))
            return ("approved", further), ("rejected", "aborted"), late, *degraded
        case RunHook(hook):
            failed = (f"failed, or not done within {span_in_words(hook.timeout)}", _after(hook.otherwise, each))
            return ("succeeded", further), failed, ("nobody can tell what became of it", "paused"), *degraded
        case Promote(proven=True) as promote:
            late = (f"not there within {span_in_words(promote.bake.maximum)}", _after(promote.bake.otherwise, each))
            return ("in production", further), late
        case Shift() | Promote():
            bake = each.step.bake
            late = (f"no verdict within {span_in_words(bake.maximum)}", _after(bake.otherwise, each))
            return ("judged healthy", further), ("judged degraded", back), late
        case Compare(promotes=Promotes.BY_HAND):
            late = (
                f"nobody decided within {span_in_words(DECISION_LIMIT)} after it was over",
                _after(Outcome.ROLLBACK, each),
            )
            return ("a person promotes", further), ("a person takes it back", back), ("judged degraded", back), late
        case Compare():
            return ("the candidate won and is healthy", further), ("it did not win", back), ("judged degraded", back)
        case AwaitRelease():
            return ("the release goes on", further), ("the release goes back", back), *degraded
        case Prepare(most=most, otherwise=otherwise):
            late = (f"not well within {span_in_words(most)}", _after(otherwise, each))
            return ("well with production's settings", further), late, *degraded


def _after(otherwise: Outcome, each: StepForecast) -> str:
    return "failed" if otherwise is Outcome.ROLLBACK and not each.beyond_return else "paused"


def rounding(each: StepForecast) -> Iterator[str]:
    """Yield what becomes of the step's weight where a router cannot say it."""
    for share in each.shares:
        if share.is_rounded:
            yield f"{percent(share.asked)} becomes {percent(share.given)} on {_named(share)}"


def in_all(plan: Forecast) -> str:
    """Say how long the whole takes."""
    earliest, latest = plan.ends.earliest, plan.ends.latest
    if earliest is None:
        return "it cannot end: release windows do not let it go on within a year"
    best = f"at best {span_in_words(earliest - plan.at)}"
    if latest is None:
        return f"{best}; at worst release windows do not let it go on within a year"
    return f"{best}, at worst {span_in_words(latest - plan.at)}, if it never pauses"


def warnings(plan: Forecast) -> Iterator[str]:
    """Yield what the spec's author should look at."""
    for first, second, share in same_shares(plan):
        yield (
            f"steps {first} and {second} both come to {percent(share.given)} on {_named(share)}: "
            "the second one moves nobody there"
        )
    if plan.ends.latest is None:
        yield in_all(plan)
    yield from spec_warnings(plan.spec, plan.at)


def spec_warnings(spec: Spec, now: datetime) -> Iterator[str]:
    """Yield what the author of a spec should look at, whatever its plan comes to. Nothing here is refused."""
    for window in spec.calendar:
        ended = over_since(window, now)
        if ended is not None:
            does = "allows" if window.kind is WindowKind.ALLOW else "denies"
            yield (
                f"release window {window.name} lies in the past, it ended at {ended.isoformat()} ({window.zone.name}): "
                f"it {does} nothing any more"
            )
    for target in spec.targets:
        if target.kind is TargetKind.HTTP_ROUTE and not all(place.host for place in target.places):
            yield (
                f"{target.name}: a place has no host, so nobody can ask which version it serves, and preflight fails: "
                "add places[].host"
            )
    if isinstance(spec.strategy, BlueGreen) and spec.judging.hold_back not in (NONE, HOLD_BACK):
        yield "judgement.holdBack goes with strategy.canary only: after a switch nobody is held back"


def notes(plan: Forecast) -> Iterator[str]:
    """Yield what times and weights leave out, and what is not known before preflight."""
    spec = plan.spec
    limit = span_in_words(spec.deadlines.progress)
    yield f"times leave out what {_followers(spec)} take to follow, at most {limit} a step (deadlines.progress)"
    if not plan.returns:
        yield from _fitting(spec)
        yield _low_traffic(spec.judging.low_traffic)
        late = f", seen {span_in_words(spec.measuring.lag)} after their end" if spec.measuring.lag else ""
        yield f"verdicts rest on windows of {span_in_words(spec.measuring.window)}{late}"
        yield from assumed(tuple(each.step for each in plan.steps), spec)
    kinds = {target.kind for target in spec.targets}
    if TargetKind.TRAFFIC_MANAGER in kinds:
        yield (
            "a Traffic Manager profile's TTL is read at preflight: each weight is judged that much later; beside other "
            "endpoints shares are rounded more; a profile that divides by priority takes nobody or everyone, and any "
            "weight between is refused"
        )
    if TargetKind.FEATURE_FLAG in kinds:
        yield (
            "preflight asks whether the flags that targets name are there, with their rules and variants; the plan "
            "over HTTP warns of those that are not there now"
        )
    yield from _waves(spec)
    if spec.calendar and not plan.returns:
        yield "the latest times count what release windows may hold up"
    waits = span_in_words(spec.deadlines.preflight)
    yield f"preflight may wait {waits} for the candidate, which the latest times count; then it ends failed"


def _waves(spec: Spec) -> Iterator[str]:
    """Say in which order targets are moved, where the spec orders them, and that nobody looks in between."""
    waves = sorted({target.wave for target in spec.targets})
    if len(waves) > 1:
        named = (f"{wave} ({', '.join(each.name for each in spec.targets if each.wave == wave)})" for wave in waves)
        yield (
            f"waves {', then '.join(named)}: at each step the targets are moved in this order, right after each other, "
            "and judged together; nothing bakes between waves"
        )


def _followers(spec: Spec) -> str:
    swaps = any(target.kind.swaps for target in spec.targets)
    return "routers, swaps and clients" if swaps else "routers and clients"


def _fitting(spec: Spec) -> Iterator[str]:
    if not isinstance(spec.strategy, Canary):
        return
    if spec.judging.smallest_regression is not None:
        yield (
            "judgement.smallestRegression: weights and the least time at each follow from the traffic seen at "
            "preflight; the ones here are what is taken where none was seen"
        )
    elif spec.judging.low_traffic is LowTraffic.BIGGER_FIRST_STEP:
        yield (
            "judgement.lowTraffic bigger-first-step: weights that get too few requests, by the traffic seen at "
            "preflight, are left out"
        )


def _low_traffic(policy: LowTraffic) -> str:
    few = "with too few requests for a verdict"
    match policy:
        case LowTraffic.HOLD | LowTraffic.BIGGER_FIRST_STEP:
            return f"{few} a step goes on beyond its longest time, and people are told"
        case LowTraffic.EXTEND:
            return f"{few} a step gets its longest time again, {EXTENSIONS_AT_MOST} times at most, and is then held"
        case LowTraffic.ASK:
            return f"{few} by its longest time a step pauses and calls a person"


def _named(share: Share) -> str:
    return f"{share.target} ({share.kind})"
