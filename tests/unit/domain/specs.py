"""Release specs as values, for stories about the rules: windows of a minute, seen two minutes late."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.domain.analysis.guards import Guard, Metric, Ratio, Threshold
from shared.domain.experiments.experiment import Better, Failures, Goal
from shared.domain.names import ApplicationName, TargetName, VariantName
from shared.domain.rollout.audience import CarriedIn, MarkedUsers, RequestMark
from shared.domain.rollout.calendar import Once, ReleaseAction, ReleaseWindow, TimeZone, WindowKind
from shared.domain.rollout.hooks import Webhook
from shared.domain.rollout.measuring import Measuring
from shared.domain.rollout.spec import (
    AbTest,
    AlertAction,
    Bake,
    BlueGreen,
    Canary,
    CanaryStep,
    Deadlines,
    ExperimentEnds,
    Gate,
    Hook,
    Judging,
    Notification,
    Outcome,
    Promotes,
    Spec,
    Stage,
    Strategy,
    Target,
    TargetKind,
    Topic,
    WhenBusy,
)
from shared.domain.rollout.weight import NONE, Weight

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SHOP = ApplicationName("shop")
WEB = TargetName("web")
APP = TargetName("app")
FLAG = TargetName("flag")
BY_WEIGHT = {
    APP: TargetKind.CONTAINER_APP,
    TargetName("dns"): TargetKind.TRAFFIC_MANAGER,
    TargetName("route"): TargetKind.HTTP_ROUTE,
    FLAG: TargetKind.FEATURE_FLAG,
}
"""The targets where nothing is swapped, by name; those with other names are sites with slots."""
GATE = "sign-off"
BAKE = Bake(minimum=2 * MINUTE, maximum=30 * MINUTE)
ERRORS = Guard(name="errors", metric=Metric.ERROR_RATE, test=Threshold(maximum=0.05), over=5 * MINUTE)
COMPARED = Guard(
    name="compared", metric=Metric.ERROR_RATE, test=Ratio(maximum=1.5, slack=0.01), over=5 * MINUTE, minimum_requests=20
)
MEASURING = Measuring(window=MINUTE, lag=2 * MINUTE)
JUDGING = Judging()
BETA = RequestMark(carried_in=CarriedIn.COOKIE, name="beta", value="1")
WEBHOOK = Notification(name="team", url="https://hooks.example/team", topics=tuple(Topic))


def gate(otherwise: Outcome = Outcome.ROLLBACK) -> Gate:
    """A wait of at most a day for a person."""
    return Gate(name=GATE, timeout=timedelta(days=1), otherwise=otherwise)


def bake(otherwise: Outcome = Outcome.ROLLBACK) -> Bake:
    return Bake(minimum=BAKE.minimum, maximum=BAKE.maximum, otherwise=otherwise)


def canary(otherwise: Outcome = Outcome.ROLLBACK, *, first_gate: bool = False) -> Canary:
    """5 %, then 50 % behind a gate, then promotion; `first_gate` puts a gate before the first weight too."""
    return Canary(
        steps=(
            CanaryStep(weight=Weight(5_000), bake=bake(otherwise), gate=gate(otherwise) if first_gate else None),
            CanaryStep(weight=Weight(50_000), bake=bake(otherwise), gate=gate(otherwise)),
        ),
        promotion_bake=bake(otherwise),
    )


def blue_green(otherwise: Outcome = Outcome.ROLLBACK, *, preview: bool = False) -> BlueGreen:
    """Everyone at once; `preview` lets testers meet the candidate first, and asks a person."""
    return BlueGreen(
        bake=bake(otherwise),
        preview_bake=bake(otherwise) if preview else None,
        preview_gate=gate(otherwise) if preview else None,
    )


def ab_test(
    promotes: Promotes = Promotes.WINNER, *, audience: MarkedUsers | None = None, when_decided: bool = False
) -> AbTest:
    """Half of the users for an hour; beside an audience nobody else. Fewer errors win."""
    return AbTest(
        weight=NONE if audience else Weight(50_000),
        goal=Goal(name="errors", measure=Failures(), better=Better.LOWER),
        ends=ExperimentEnds(after=HOUR, when_decided=when_decided),
        promotion_bake=bake(),
        promotes=promotes,
        audience=audience,
    )


def hook(at: Stage, otherwise: Outcome = Outcome.ROLLBACK, *, no_return: bool = False) -> Hook:
    """A call to the outside at a stage, by whose name it is known."""
    return Hook(name=at.value, at=at, call=Webhook(url="https://x/y"), otherwise=otherwise, no_return=no_return)


def target(name: str = WEB) -> Target:
    """A target of the kind that its name says."""
    kind = BY_WEIGHT.get(TargetName(name), TargetKind.APP_SERVICE_SLOT)
    resource = f"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/{name}"
    if kind is TargetKind.FEATURE_FLAG:
        return Target(name=TargetName(name), kind=kind, resource=f"flag:production/{name}", variant=VariantName("on"))
    return Target(name=TargetName(name), kind=kind, resource=resource, slot="candidate" if kind.swaps else "")


def with_previews(first: Spec, *, passes: int = 1) -> Spec:
    """Return a spec whose slots are swapped with preview, and must be seen well so often in a row."""

    def previewed(each: Target) -> Target:
        checked = replace(each, health=replace(each.health, passes=passes))
        return replace(checked, swap_with_preview=True) if each.kind.swaps else each

    return replace(first, targets=tuple(previewed(each) for each in first.targets))


def spec(
    *,
    strategy: Strategy | None = None,
    otherwise: Outcome = Outcome.ROLLBACK,
    when_busy: WhenBusy = WhenBusy.QUEUE,
    on_alert: AlertAction = AlertAction.ROLLBACK,
    targets: tuple[str, ...] = (WEB,),
    guards: tuple[Guard, ...] = (ERRORS, COMPARED),
    notifications: tuple[Notification, ...] = (),
    judging: Judging = JUDGING,
    measuring: Measuring = MEASURING,
    hooks: tuple[Hook, ...] = (),
    calendar: tuple[ReleaseWindow, ...] = (),
    keep_warm: timedelta = HOUR,
) -> Spec:
    """A release spec of the shop; `otherwise` is the outcome of every deadline in it."""
    return Spec(
        application=SHOP,
        targets=tuple(target(name) for name in targets),
        strategy=strategy or canary(otherwise),
        measuring=measuring,
        guards=guards,
        when_busy=when_busy,
        on_alert=on_alert,
        deadlines=Deadlines(otherwise=otherwise),
        notifications=notifications,
        judging=judging,
        hooks=hooks,
        calendar=calendar,
        keep_warm=keep_warm,
    )


def quiet_until(hour: int, action: ReleaseAction) -> ReleaseWindow:
    """Deny an action from midnight of the story's day to that hour."""
    shown = datetime(2026, 11, 23)  # noqa: DTZ001 - what a clock on the wall shows
    return ReleaseWindow(
        name="quiet",
        kind=WindowKind.DENY,
        times=Once(shown, shown + hour * HOUR),
        zone=TimeZone("Etc/UTC", UTC),
        actions=(action,),
    )
