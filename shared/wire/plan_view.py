"""What people and machines are shown of a plan before anything runs."""

from datetime import datetime

from shared.domain.names import Version
from shared.domain.rollout.forecast import Forecast, Share, Span, StepForecast
from shared.domain.rollout.plan import AwaitApproval, AwaitRelease, Compare, Prepare, Promote, RunHook, Shift
from shared.domain.rollout.spec import IN_PLAN
from shared.domain.rollout.weight import rest
from shared.wire.plan_words import in_all, notes, outcomes, rounding, waits_for, warnings
from shared.wire.quantities import format_weight
from shared.wire.views import shown_time


def plan_view(
    plan: Forecast, *, version: Version | None = None, not_now: str | None = None, looks: tuple[str, ...] = ()
) -> dict[str, object]:
    """Return a plan with its times in UTC; weights are percentages.

    `version` is the one that it was asked for, `not_now` why it could not be released at this moment, and `looks` are
    warnings that no plan has by itself: what its spec names and is not there, or another application has too.
    """
    spec = plan.spec
    last = len(plan.steps) - 1
    return {
        "application": spec.application,
        "version": version,
        "not_now": not_now,
        "returns": plan.returns,
        "at": shown_time(plan.at),
        "starts": {**_span(plan.starts), "held": plan.held or None},
        "steps": [_step(plan, number, is_last=number == last) for number in range(len(plan.steps))],
        "ends": _span(plan.ends),
        "total": {
            "best_seconds": _seconds(plan.at, plan.ends.earliest),
            "worst_seconds": _seconds(plan.at, plan.ends.latest),
            "says": in_all(plan),
        },
        "no_return": plan.no_return,
        "warm": {"seconds": spec.keep_warm.total_seconds(), "until": _span(plan.warm)},
        "on_alert": spec.on_alert,
        "later_hooks": [] if plan.returns else _later_hooks(plan),
        "warnings": [*looks, *warnings(plan)],
        "notes": list(notes(plan)),
    }


def _step(plan: Forecast, number: int, *, is_last: bool) -> dict[str, object]:
    each = plan.steps[number]
    return {
        "step": number,
        **_kind(each),
        "targets": [_share(share) for share in each.shares],
        "begins": _span(each.begins),
        "ends": _span(each.ends),
        "held": each.held or None,
        "waits_for": waits_for(each),
        "outcomes": [{"when": when, "then": then} for when, then in outcomes(each, is_last=is_last)],
        "rounding": list(rounding(each)),
        "no_return": number == plan.no_return,
    }


def _kind(each: StepForecast) -> dict[str, object]:
    """Return what the step is, its name where it has one, and the candidate's share that it asks for."""
    match each.step:
        case AwaitApproval(gate):
            return {"kind": "gate", "name": gate.name, "weight": None}
        case RunHook(hook):
            return {"kind": "hook", "name": hook.name, "weight": None}
        case Shift(weight):
            return {"kind": "shift", "name": None, "weight": format_weight(weight)}
        case Compare() as compare:
            return {"kind": "experiment", "name": compare.goal.name, "weight": format_weight(compare.weight)}
        case Promote() as promote:
            return {"kind": "promote", "name": None, "weight": format_weight(rest(promote.hold_back))}
        case AwaitRelease():
            return {"kind": "release", "name": None, "weight": None}
        case Prepare():
            return {"kind": "prepare", "name": None, "weight": None}


def _share(share: Share) -> dict[str, object]:
    return {
        "name": share.target,
        "kind": share.kind,
        "wave": share.wave,
        "weight": format_weight(share.given),
        "rounded": share.is_rounded,
    }


def _later_hooks(plan: Forecast) -> list[dict[str, object]]:
    """Return the hooks that are called after the end, or on the way back."""
    return [{"hook": hook.name, "stage": hook.at} for hook in plan.spec.hooks if hook.at not in IN_PLAN]


def _span(span: Span) -> dict[str, object]:
    return {
        "earliest": shown_time(span.earliest) if span.earliest else None,
        "latest": shown_time(span.latest) if span.latest else None,
    }


def _seconds(since: datetime, until: datetime | None) -> float | None:
    return (until - since).total_seconds() if until else None
