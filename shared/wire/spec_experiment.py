"""The experiment of a release spec: which versions are compared, by what, for how long, and who promotes the winner."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from shared.domain.experiments.experiment import Better, Counter, Failures, Goal
from shared.domain.rollout.audience import CarriedIn, MarkedUsers, RequestMark
from shared.domain.rollout.measuring import Measuring, ValueKind
from shared.domain.rollout.spec import AbTest, Bake, ExperimentEnds, Promotes, Target, TargetKind
from shared.domain.rollout.weight import NONE, Weight
from shared.wire.durations import format_duration, parse_duration
from shared.wire.findings import Part, found
from shared.wire.quantities import format_weight, parse_share, parse_weight

HALF: Final = Weight(50_000)
LONGEST_BY_REQUESTS: Final = timedelta(days=30)
"""What ends by requests ends by then too: no rollout waits for ever."""
FEWER_ERRORS: Final = Goal(name="errors", measure=Failures(), better=Better.LOWER)


def read_experiment(part: Part, measuring: Measuring, read_bake: Callable[[Part], Bake]) -> AbTest:
    """Read `strategy.experiment`. `read_bake` reads the bake after the promotion."""
    audience = _read_audience(part.child("audience"))
    weight = part.child("weight").read(parse_share, HALF if audience is None else NONE)
    if weight == NONE and audience is None and part.is_sound:
        weighed = part.child("weight")
        weighed.refuse(f"{found(weighed.path, weighed.value)}allowed is more than 0 where there is no audience")
    return AbTest(
        weight=weight,
        goal=_read_goal(part.child("goal"), measuring),
        ends=_read_ends(part.child("ends"), measuring),
        promotion_bake=read_bake(part.child("bake")),
        promotes=part.child("promote").read(Promotes, Promotes.BY_HAND),
        audience=audience,
    )


def refuse_unfit_audience(part: Part, targets: tuple[Target, ...]) -> None:
    """Refuse an audience, `strategy.experiment.audience`, where a target cannot send marked requests to a place."""
    unfit = next((target for target in targets if target.kind is not TargetKind.HTTP_ROUTE), None)
    if part.exists and unfit is not None:
        part.refuse(f"target {unfit.name}, of kind {unfit.kind}, cannot have one: {_NO_AUDIENCE[unfit.kind]}")


def render_experiment(ab_test: AbTest, render_bake: Callable[[Bake], dict[str, Any]]) -> dict[str, Any]:
    """Return the document of an experiment."""
    ends, measure = ab_test.ends, ab_test.goal.measure
    goal = {"value": measure.name, "better": ab_test.goal.better.value} if isinstance(measure, Counter) else None
    return {
        "weight": format_weight(ab_test.weight),
        **({"audience": _audience(ab_test.audience)} if ab_test.audience is not None else {}),
        **({"goal": goal} if goal is not None else {}),
        "ends": {
            "after": format_duration(ends.after),
            **({"requests": ends.requests} if ends.requests is not None else {}),
            "whenDecided": ends.when_decided,
        },
        "promote": ab_test.promotes.value,
        "bake": render_bake(ab_test.promotion_bake),
    }


def _read_audience(part: Part) -> MarkedUsers | None:
    if not part.exists:
        return None
    given = [each for each in CarriedIn if part.child(each).exists]
    if len(given) > 1:
        part.child(given[1]).refuse("allowed is one of header and cookie")
    carried_in = given[0] if given else CarriedIn.HEADER
    name, share = part.child(carried_in), part.child("share")
    if name.exists and str(name.value).lower() == "cookie" and carried_in is CarriedIn.HEADER:
        name.refuse("names the header of all cookies: write cookie, with the name of one of them")
    mark = RequestMark(carried_in=carried_in, name=name.read(str, ""), value=part.child("value").read(str, ""))
    return MarkedUsers(mark=mark, share=share.read(parse_weight, None))


def _read_goal(part: Part, measuring: Measuring) -> Goal:
    if not part.exists:
        return FEWER_ERRORS
    asked = part.child("value")
    name = asked.read(str, "")
    value = next((each for each in measuring.values if each.name == name), None)
    if asked.exists and asked.is_sound and (value is None or value.kind is not ValueKind.COUNTER):
        counters = ", ".join(each.name for each in measuring.values if each.kind is ValueKind.COUNTER)
        asked.refuse(f"{found(asked.path, name)}allowed is a counter of metrics.values: {counters or 'there is none'}")
    return Goal(
        name=name,
        measure=Counter(name),
        better=part.child("better").read(Better, Better.HIGHER),
        of="opportunities" if value is not None and value.of else "requests",
    )


def _read_ends(part: Part, measuring: Measuring) -> ExperimentEnds:
    after, requests = part.child("after"), part.child("requests")
    ends = ExperimentEnds(
        after=after.read(parse_duration, LONGEST_BY_REQUESTS),
        requests=requests.read(int, 0) if requests.exists else None,
        when_decided=part.says("whenDecided"),
    )
    if after.exists and after.is_sound and ends.after < measuring.window:
        after.refuse(
            f"{found(after.path, after.value)}allowed is at least a window, {format_duration(measuring.window)}"
        )
    return ends


def _audience(audience: MarkedUsers) -> dict[str, Any]:
    mark = audience.mark
    share = {"share": format_weight(audience.share)} if audience.share is not None else {}
    return {mark.carried_in.value: mark.name, "value": mark.value, **share}


_NO_AUDIENCE: Final = {
    TargetKind.APP_SERVICE_SLOT: (
        "a site knows no mark but its own routing cookie, x-ms-routing-name, which keeps each user where the weight "
        "sent them; leave the audience out, and users are sticky all the same"
    ),
    TargetKind.CONTAINER_APP: "its ingress divides requests between revisions by weight alone; leave the audience out",
    TargetKind.TRAFFIC_MANAGER: "it answers DNS questions and sees no request; leave the audience out",
    TargetKind.FEATURE_FLAG: "write the flag a rule for those users, and name that rule as the target's resource",
}
