"""Release specs by name: every strategy, kind of target and stage of hooks, with short bakes."""

from dataclasses import replace
from datetime import timedelta

from shared.domain.analysis.guards import Guard, Metric, Threshold
from shared.domain.experiments.experiment import Better, Failures, Goal
from shared.domain.names import ApplicationName, TargetName
from shared.domain.rollout.audience import MarkedUsers
from shared.domain.rollout.hooks import GithubWorkflow, HookCall, Webhook
from shared.domain.rollout.measuring import Measuring, ObservationsSource
from shared.domain.rollout.spec import (
    AbTest,
    AlertAction,
    Bake,
    BlueGreen,
    Canary,
    CanaryStep,
    Deadlines,
    Descent,
    ExperimentEnds,
    Gate,
    Hook,
    Judging,
    Notification,
    Outcome,
    Promotes,
    Spec,
    Stage,
    Target,
    TargetKind,
    Topic,
    WhenBusy,
)
from shared.domain.rollout.weight import NONE, Weight
from tests.simulation.protocol.calendars import CALENDARS
from tests.simulation.protocol.schedule import Recipe
from tests.simulation.protocol.simulated_flags import GREEN, split_of
from tests.unit.domain.specs import BETA

MINUTE = timedelta(minutes=1)
KINDS = {
    "web": TargetKind.APP_SERVICE_SLOT,
    "west": TargetKind.APP_SERVICE_SLOT,
    "app": TargetKind.CONTAINER_APP,
    "dns": TargetKind.TRAFFIC_MANAGER,
    "route": TargetKind.HTTP_ROUTE,
    "flag": TargetKind.FEATURE_FLAG,
}
APPLICATIONS = tuple(ApplicationName(name) for name in ("shop", "till", "desk"))
ERRORS_AT_MOST = 0.05
GUARD = Guard(name="errors", metric=Metric.ERROR_RATE, test=Threshold(maximum=ERRORS_AT_MOST), over=5 * MINUTE)
READ = Measuring(window=MINUTE, lag=timedelta(seconds=30))
PUSHED = Measuring(window=MINUTE, lag=timedelta(0), source=ObservationsSource())
GITHUB = GithubWorkflow(repository="owner/repo", workflow="migrate.yml", ref="main", token_setting="GITHUB_TOKEN")


def spec_of(number: int, recipe: Recipe) -> Spec:
    """Return the spec of the application with this number."""
    otherwise = Outcome(recipe.otherwise)
    name = APPLICATIONS[number]
    return Spec(
        application=name,
        targets=tuple(_target(name, each, previews=recipe.previews) for each in recipe.targets),
        strategy=_STRATEGIES[recipe.strategy](otherwise),
        measuring=PUSHED if recipe.pushed else READ,
        guards=(GUARD,),
        when_busy=WhenBusy(recipe.when_busy),
        on_alert=AlertAction(recipe.on_alert),
        deadlines=Deadlines(otherwise=otherwise),
        notifications=(Notification(name="team", url=f"https://hooks.example/{name}", topics=tuple(Topic)),)
        if recipe.notifies
        else (),
        judging=Judging(hold_back=Weight(recipe.hold_back), warm_up=MINUTE),
        hooks=_HOOKS[recipe.hooks](otherwise),
        keep_warm=timedelta(minutes=recipe.warm_minutes),
        calendar=CALENDARS[recipe.windows],
    )


def _target(application: ApplicationName, name: str, *, previews: bool) -> Target:
    kind = KINDS[name]
    if kind is TargetKind.FEATURE_FLAG:
        return Target(name=TargetName(name), kind=kind, resource=split_of(application), variant=GREEN)
    resource = f"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/{application}-{name}"
    slot = "candidate" if kind.swaps else ""
    made = Target(name=TargetName(name), kind=kind, resource=resource, slot=slot)
    return replace(made, swap_with_preview=True) if previews and kind.swaps else made


def _bake(otherwise: Outcome) -> Bake:
    return Bake(minimum=MINUTE, maximum=20 * MINUTE, otherwise=otherwise)


def _gate(otherwise: Outcome) -> Gate:
    return Gate(name="sign-off", timeout=timedelta(hours=2), otherwise=otherwise)


def _canary(otherwise: Outcome) -> Canary:
    steps = tuple(CanaryStep(weight=Weight(weight), bake=_bake(otherwise)) for weight in (5_000, 50_000))
    return Canary(steps=steps, promotion_bake=_bake(otherwise))


def _short(otherwise: Outcome) -> Canary:
    step = CanaryStep(weight=Weight(20_000), bake=_bake(otherwise))
    return Canary(steps=(step,), promotion_bake=_bake(otherwise))


def _gated(otherwise: Outcome) -> Canary:
    steps = (
        CanaryStep(weight=Weight(10_000), bake=_bake(otherwise)),
        CanaryStep(weight=Weight(50_000), bake=_bake(otherwise), gate=_gate(otherwise)),
    )
    return Canary(steps=steps, promotion_bake=_bake(otherwise), promotion_gate=_gate(otherwise))


def _descending(otherwise: Outcome) -> Canary:
    descent = Descent(weights=(Weight(25_000), Weight(5_000)), every=MINUTE)
    return replace(_canary(otherwise), descent=descent)


def _blue_green(otherwise: Outcome) -> BlueGreen:
    return BlueGreen(bake=_bake(otherwise))


def _previewed(otherwise: Outcome) -> BlueGreen:
    return BlueGreen(bake=_bake(otherwise), preview_bake=_bake(otherwise), preview_gate=_gate(otherwise))


def _ab_test(otherwise: Outcome, *, audience: MarkedUsers | None = None, by_hand: bool = False) -> AbTest:
    return AbTest(
        weight=NONE if audience else Weight(50_000),
        goal=Goal(name="errors", measure=Failures(), better=Better.LOWER),
        ends=ExperimentEnds(after=10 * MINUTE),
        promotion_bake=_bake(otherwise),
        promotes=Promotes.BY_HAND if by_hand else Promotes.WINNER,
        audience=audience,
    )


_STRATEGIES = {
    "canary": _canary,
    "short": _short,
    "gated": _gated,
    "descending": _descending,
    "blue-green": _blue_green,
    "previewed": _previewed,
    "ab-test": _ab_test,
    "ab-by-hand": lambda otherwise: _ab_test(otherwise, by_hand=True),
    "audience": lambda otherwise: _ab_test(otherwise, audience=MarkedUsers(mark=BETA)),
}
STRATEGIES = tuple(_STRATEGIES)


def _hook(at: Stage, otherwise: Outcome, call: HookCall | None = None, *, no_return: bool = False) -> Hook:
    made = call or Webhook(url="https://x.example/y")
    return Hook(name=at.value, at=at, call=made, otherwise=otherwise, no_return=no_return, timeout=5 * MINUTE)


_HOOKS = {
    "none": lambda otherwise: (),
    "increase": lambda otherwise: (_hook(Stage.BEFORE_INCREASE, otherwise),),
    "migration": lambda otherwise: (
        _hook(Stage.EXPAND, otherwise, GITHUB),
        _hook(Stage.CONTRACT, otherwise),
        _hook(Stage.ON_ROLLBACK, otherwise),
    ),
    "workflow": lambda otherwise: (
        _hook(Stage.BEFORE_ROLLOUT, otherwise, GITHUB),
        _hook(Stage.AFTER_PROMOTION, otherwise, GITHUB),
    ),
    "no-return": lambda otherwise: (
        _hook(Stage.BEFORE_PROMOTION, otherwise, no_return=True),
        _hook(Stage.CONTRACT, otherwise),
    ),
}
HOOKS = tuple(_HOOKS)
