"""What a spec comes to before anything runs: when each step can begin and end, and what routers make of its weights.

Times are bounds. The earliest is that of a rollout of which everything is well and known as soon as it can be; the
latest that of one which takes each step at its last moment, with requests enough for a verdict and nobody who pauses.
How long a router, a swap and clients take to follow is no part of either: nobody knows before preflight.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.names import TargetName
from shared.domain.rollout.calendar import ReleaseAction, ReleaseWindow, held_until
from shared.domain.rollout.measuring import Measuring
from shared.domain.rollout.plan import (
    AwaitApproval,
    AwaitRelease,
    Bakes,
    Compare,
    Prepare,
    Promote,
    RunHook,
    Shift,
    Step,
    compile_plan,
    compile_return,
)
from shared.domain.rollout.rounding import expressible
from shared.domain.rollout.spec import Promotes, Spec, Target, TargetKind
from shared.domain.rollout.timing import DECISION_LIMIT, window_floor
from shared.domain.rollout.weight import NONE, Weight, rest
from shared.domain.rollout.windows import awaits_at

NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Span:
    """Between when and when something happens; None: at no time that release windows allow within a year."""

    earliest: datetime | None
    latest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a target makes of a step's weight."""

    target: TargetName
    kind: TargetKind
    asked: Weight
    given: Weight
    wave: int = 1

    @property
    def is_rounded(self) -> bool:
        """Whether the target cannot say the weight exactly."""
        return self.asked != self.given


@dataclass(frozen=True, slots=True, kw_only=True)
class StepForecast:
    """One entry of the plan, with its times."""

    step: Step
    begins: Span
    ends: Span
    held: str = ""
    """The release window that holds it up at the earliest time that it could begin, in words; empty: none does."""
    shares: tuple[Share, ...] = ()
    """What users meet the candidate at, while it bakes."""
    exposed: bool = False
    """Whether the candidate was met before, and is judged on while this lasts."""
    beyond_return: bool = False
    """Whether the version before cannot serve any more by then, so that nothing is taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A whole plan, with its times."""

    spec: Spec
    at: datetime
    """When the version is to be released."""
    returns: bool
    """Whether it is the way back to a version that was proven before."""
    starts: Span
    """When preflight begins."""
    held: str
    """The release window that holds the start up; empty: none does."""
    steps: tuple[StepForecast, ...]
    warm: Span
    """Until when the version before is ready to take everyone back."""

    @property
    def ends(self) -> Span:
        """When the rollout succeeds."""
        return self.steps[-1].ends

    @property
    def no_return(self) -> int | None:
        """The number in the plan of the hook after which nothing is taken back; None: there is none."""
        passing = (at for at, each in enumerate(self.steps) if isinstance(each.step, RunHook))
        return next((at for at in passing if _is_final(self.steps[at].step)), None)


def forecast(spec: Spec, at: datetime, *, house: tuple[ReleaseWindow, ...] = (), returns: bool = False) -> Forecast:
    """Return what releasing a version at this time comes to; `house`: the release windows of all applications.

    A rollout that `returns` to the version before waits for no window.
    """
    plan = compile_return(spec.strategy) if returns else compile_plan(spec)
    windows = () if returns else (*house, *spec.calendar)
    starts, held = _opened(windows, ReleaseAction.START, Span(at, at))
    steps = tuple(_steps(spec, plan, windows, _after(starts, _looks(spec), spec.deadlines.preflight)))
    return Forecast(
        spec=spec,
        at=at,
        returns=returns,
        starts=starts,
        held=held,
        steps=steps,
        warm=_after(steps[-1].ends, spec.keep_warm, spec.keep_warm),
    )


def same_shares(plan: Forecast) -> Iterator[tuple[int, int, Share]]:
    """Yield two steps in a row that ask a target for different weights and get the same one, by their numbers."""
    for target in plan.spec.targets:
        before: tuple[int, Share] | None = None
        for number, step in enumerate(plan.steps):
            share = next((each for each in step.shares if each.target == target.name), None)
            if share is None:
                continue
            if before is not None and before[1].given == share.given and before[1].asked != share.asked:
                yield before[0], number, share
            before = (number, share)


def _steps(
    spec: Spec, plan: tuple[Step, ...], windows: tuple[ReleaseWindow, ...], begins: Span
) -> Iterator[StepForecast]:
    baked = beyond = False
    for index, step in enumerate(plan):
        action = awaits_at(plan, index)
        begins, held = _opened(windows, action, begins) if action else (begins, "")
        ends = _ends(step, begins, spec.measuring)
        shares = tuple(_shares(spec.targets, step))
        yield StepForecast(
            step=step, begins=begins, ends=ends, held=held, shares=shares, exposed=baked, beyond_return=beyond
        )
        begins = ends
        baked = baked or isinstance(step, Bakes | Compare)
        beyond = beyond or _is_final(step)


def _is_final(step: Step) -> bool:
    return isinstance(step, RunHook) and step.hook.no_return


def _ends(step: Step, begins: Span, measuring: Measuring) -> Span:
    """A gate and a hook may be over at once; a bake needs its least time, and a window that it can be judged on."""
    match step:
        case AwaitApproval():
            return _after(begins, NOTHING, step.gate.timeout)
        case RunHook():
            return _after(begins, NOTHING, step.hook.timeout)
        case Prepare():
            return _after(begins, step.least, step.most)
        case Compare():
            least = NOTHING if step.ends.requests is not None or step.ends.when_decided else step.ends.after
            undecided = DECISION_LIMIT if step.promotes is Promotes.BY_HAND else NOTHING
            return _after(begins, least, step.ends.after + undecided)
        case Promote(proven=True):
            return _after(begins, NOTHING, step.bake.maximum)
        case Shift() | Promote():
            ends = _after(begins, step.bake.minimum, step.bake.maximum)
            if begins.earliest is None or ends.earliest is None:
                return ends
            return Span(max(ends.earliest, _first_seen(measuring, begins.earliest)), ends.latest)
        case AwaitRelease():
            return Span(begins.earliest, None)


def _first_seen(measuring: Measuring, since: datetime) -> datetime:
    """Return when a window that ends later than `since` can be seen first."""
    return _later(window_floor(since, measuring.window), measuring.window + measuring.lag) or since


def _looks(spec: Spec) -> timedelta:
    """Return how long preflight takes at least: the looks that must find each place well, one after the other."""
    return max(target.health.every * (target.health.passes - 1) for target in spec.targets)


def _shares(targets: tuple[Target, ...], step: Step) -> Iterator[Share]:
    for target in targets:
        match step:
            case Shift() | Compare() if step.weight > NONE:
                asked, given = step.weight, expressible(target.kind, step.weight)
            case Promote() if step.hold_back > NONE:
                asked = rest(step.hold_back)
                # After a swap it is the old version's share that the router is told.
                held_back = expressible(target.kind, step.hold_back)
                given = rest(held_back) if target.kind.swaps else expressible(target.kind, asked)
            case _:
                continue
        yield Share(target=target.name, kind=target.kind, asked=asked, given=given, wave=target.wave)


def _opened(windows: tuple[ReleaseWindow, ...], action: ReleaseAction, begins: Span) -> tuple[Span, str]:
    """Return when it goes on from a time in the span, and why not at the earliest.

    What waits from a later time on never goes on sooner, so the bounds wait each for itself.
    """
    first = held_until(windows, action, begins.earliest) if begins.earliest is not None else None
    earliest = first.until if first else begins.earliest
    if earliest is None or begins.latest is None:
        return Span(earliest, None), first.why if first else ""
    last = held_until(windows, action, begins.latest)
    return Span(earliest, last.until if last else begins.latest), first.why if first else ""


def _after(begins: Span, least: timedelta, most: timedelta) -> Span:
    return Span(_later(begins.earliest, least), _later(begins.latest, most))


def _later(at: datetime | None, by: timedelta) -> datetime | None:
    """Return the time so much later; None when there is none: no calendar goes beyond the year 9999."""
    try:
        return at + by if at is not None else None
    except OverflowError:
        return None
