"""What a plan comes to before anything runs: bounds that hold, in order, and that add up."""

from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.domain.rollout.calendar import Once, ReleaseAction, ReleaseWindow, TimeZone, WindowKind
from shared.domain.rollout.forecast import Forecast, forecast, same_shares
from shared.domain.rollout.hooks import Webhook
from shared.domain.rollout.measuring import Measuring, ObservationsSource
from shared.domain.rollout.plan import AwaitApproval, Promote, RunHook, Shift, compile_plan
from shared.domain.rollout.spec import Bake, BlueGreen, Canary, CanaryStep, Gate, HealthCheck, Hook, Stage, TargetKind
from shared.domain.rollout.weight import Weight
from tests.unit.domain.specs import HOUR, MINUTE, NOON, spec

UTC_ZONE = TimeZone("UTC", UTC)
DAY = timedelta(days=1)


def a_hook(at: Stage = Stage.BEFORE_ROLLOUT, **fields) -> Hook:
    return Hook(name=f"do-{at}", at=at, call=Webhook(url="https://hooks.example/do"), **fields)


def a_window(kind: WindowKind, since: timedelta, until: timedelta, *actions: ReleaseAction) -> ReleaseWindow:
    shown = NOON.replace(tzinfo=None)
    times = Once(shown + since, shown + until)
    return ReleaseWindow(name="w", kind=kind, times=times, zone=UTC_ZONE, actions=actions or tuple(ReleaseAction))


LONGEST_SEEN = 2 * 600 * MINUTE
minutes = st.integers(1, 600).map(lambda count: count * MINUTE)
times = st.integers(0, 3_000_000).map(lambda seconds: NOON + timedelta(seconds=seconds))


@st.composite
def bakes(draw):
    """Bakes in whose longest time a window can be seen, as every spec that is read has."""
    least, more = draw(minutes), draw(minutes)
    return Bake(minimum=least, maximum=least + more + LONGEST_SEEN)


gates = st.none() | st.builds(Gate, name=st.just("qa"), timeout=minutes)


@st.composite
def canaries(draw):
    weights = sorted(draw(st.sets(st.sampled_from(range(1, 99_999, 4_998)), min_size=1, max_size=4)))
    steps = tuple(CanaryStep(weight=Weight(each), bake=draw(bakes()), gate=draw(gates)) for each in weights)
    return Canary(steps=steps, promotion_bake=draw(bakes()), promotion_gate=draw(gates))


blue_greens = st.builds(BlueGreen, bake=bakes(), preview_bake=st.none() | bakes(), preview_gate=gates)
windows = st.builds(
    lambda kind, since, span, actions: a_window(kind, since * HOUR, (since + span) * HOUR, *actions),
    st.sampled_from(WindowKind),
    st.integers(0, 300),
    st.integers(1, 300),
    st.sets(st.sampled_from(ReleaseAction), min_size=1).map(tuple),
)


@st.composite
def specs(draw):
    kinds = draw(st.lists(st.sampled_from(TargetKind), min_size=1, max_size=3))
    base = spec()
    health = HealthCheck(passes=draw(st.integers(1, 5)), every=timedelta(seconds=draw(st.integers(1, 60))))
    targets = tuple(replace(base.targets[0], name=f"t{at}", kind=kind, health=health) for at, kind in enumerate(kinds))
    stages = draw(st.sets(st.sampled_from([*Stage]), max_size=3))
    return replace(
        base,
        targets=targets,
        strategy=draw(canaries() | blue_greens),
        measuring=Measuring(window=draw(minutes), lag=draw(st.just(timedelta(0)) | minutes)),
        hooks=tuple(a_hook(stage, timeout=draw(minutes), no_return=draw(st.booleans())) for stage in sorted(stages)),
        calendar=tuple(draw(st.lists(windows, max_size=3))),
        keep_warm=draw(minutes),
    )


def moments(plan: Forecast, bound: str) -> list:
    """Every time of a plan, in the order of what happens."""
    spans = [plan.starts, *(span for each in plan.steps for span in (each.begins, each.ends)), plan.warm]
    return [getattr(span, bound) for span in spans]


@given(specs(), times)
def test_the_latest_is_never_before_the_earliest_and_a_step_never_before_the_one_before(drawn, at):
    plan = forecast(drawn, at)
    earliest, latest = moments(plan, "earliest"), moments(plan, "latest")

    for one, other in zip(earliest, latest, strict=True):
        assert other is None or (one is not None and at <= one <= other)
    for moment in (earliest, latest):
        known = [each for each in moment if each is not None]
        assert known == sorted(known)
        assert moment[: len(known)] == known  # after what never comes nothing comes


@given(specs(), times, times)
def test_who_begins_later_is_never_done_sooner(drawn, one, other):
    first, second = (forecast(drawn, at) for at in sorted((one, other)))

    for bound in ("earliest", "latest"):
        for sooner, later in zip(moments(first, bound), moments(second, bound), strict=True):
            assert later is None or (sooner is not None and sooner <= later)


@given(specs(), times)
def test_without_windows_the_whole_is_the_sum_of_its_parts(drawn, at):
    drawn = replace(drawn, calendar=())
    plan = forecast(drawn, at)

    longest = drawn.deadlines.preflight
    for step in compile_plan(drawn):
        match step:
            case AwaitApproval(gate):
                longest += gate.timeout
            case RunHook(hook):
                longest += hook.timeout
            case Shift() | Promote():
                longest += step.bake.maximum
    shortest = sum((each.ends.earliest - each.begins.earliest for each in plan.steps), timedelta(0))
    looks = max(target.health.every * (target.health.passes - 1) for target in drawn.targets)

    assert plan.ends.latest - at == longest
    assert plan.ends.earliest - at == looks + shortest


@given(specs(), times)
def test_the_steps_are_those_that_a_rollout_takes(drawn, at):
    assert tuple(each.step for each in forecast(drawn, at).steps) == compile_plan(drawn)


@given(specs(), times)
def test_a_way_back_waits_for_no_window(drawn, at):
    plan = forecast(drawn, at, returns=True)

    assert plan.starts.earliest == plan.starts.latest == at
    assert [type(each.step) for each in plan.steps] == [Promote]
    assert plan.no_return is None


@given(specs(), times, windows)
def test_another_window_that_denies_never_makes_anything_sooner(drawn, at, window):
    assume(window.kind is WindowKind.DENY)

    free, bound = forecast(drawn, at), forecast(drawn, at, house=(window,))

    for sooner, later in zip(moments(free, "earliest"), moments(bound, "earliest"), strict=True):
        assert later is None or (sooner is not None and sooner <= later)


ONE_STEP = Canary(
    steps=(CanaryStep(weight=Weight(12_500), bake=Bake(minimum=2 * MINUTE, maximum=30 * MINUTE)),),
    promotion_bake=Bake(minimum=20 * MINUTE, maximum=HOUR),
)


def test_a_bake_needs_its_least_time_and_a_window_that_ends_after_it_began():
    slow = replace(spec(), strategy=ONE_STEP, measuring=Measuring(window=5 * MINUTE, lag=3 * MINUTE))

    shift, promote = forecast(slow, NOON + MINUTE).steps

    assert shift.ends.earliest == NOON + 8 * MINUTE  # the window up to 12:05, seen at 12:08
    assert promote.ends.earliest == NOON + 28 * MINUTE


def test_pushed_windows_make_the_least_time_the_bound():
    pushed = replace(
        spec(),
        strategy=ONE_STEP,
        measuring=Measuring(window=MINUTE / 4, lag=timedelta(0), source=ObservationsSource()),
    )

    assert forecast(pushed, NOON).steps[0].ends.earliest == NOON + 2 * MINUTE


def test_the_start_waits_for_its_window_and_says_which():
    held = replace(spec(), calendar=(a_window(WindowKind.DENY, timedelta(0), HOUR, ReleaseAction.START),))

    plan = forecast(held, NOON)

    assert plan.starts.earliest == plan.steps[0].begins.earliest == NOON + HOUR
    assert plan.held.startswith("release window w denies start")


def test_the_first_weight_is_not_held_and_the_next_one_is():
    held = replace(spec(), calendar=(a_window(WindowKind.DENY, timedelta(0), DAY, ReleaseAction.ADVANCE),))

    first, *others = forecast(held, NOON).steps

    assert first.held == ""
    assert first.begins.earliest == NOON
    assert others[0].held.startswith("release window w denies advance")
    assert others[0].begins.earliest == NOON + DAY


def test_what_no_window_ever_lets_go_on_never_ends():
    shut = a_window(WindowKind.ALLOW, -2 * DAY, -DAY, ReleaseAction.PROMOTE)

    plan = forecast(replace(spec(), calendar=(shut,)), NOON)

    assert plan.steps[0].ends.earliest is not None
    assert (plan.ends.earliest, plan.ends.latest, plan.warm.latest) == (None, None, None)


def test_beyond_the_hook_of_no_return_nothing_is_taken_back():
    hooked = replace(spec(), strategy=ONE_STEP, hooks=(a_hook(Stage.BEFORE_PROMOTION, no_return=True),))

    plan = forecast(hooked, NOON)

    assert [type(each.step) for each in plan.steps] == [Shift, RunHook, Promote]
    assert plan.no_return == 1
    assert [each.beyond_return for each in plan.steps] == [False, False, True]


@pytest.mark.parametrize(
    ("kind", "shift", "promotion"),
    [
        (TargetKind.CONTAINER_APP, 13_000, 99_000),
        (TargetKind.HTTP_ROUTE, 12_500, 99_500),
        (TargetKind.APP_SERVICE_SLOT, 12_500, 99_500),
        (TargetKind.TRAFFIC_MANAGER, 12_500, 99_500),
    ],
)
def test_each_step_says_what_a_target_makes_of_its_weight(kind, shift, promotion):
    base = spec()
    judging = replace(base.judging, hold_back=Weight(500))
    targets = (replace(base.targets[0], kind=kind),)

    plan = forecast(replace(base, strategy=ONE_STEP, targets=targets, judging=judging), NOON)

    assert [share.given for each in plan.steps for share in each.shares] == [shift, promotion]


def test_two_weights_that_come_to_the_same_are_found():
    base = spec()
    bake = ONE_STEP.promotion_bake
    steps = tuple(CanaryStep(weight=Weight(weight), bake=bake) for weight in (400, 900, 12_500, 12_600, 50_000))
    apps = (replace(base.targets[0], kind=TargetKind.CONTAINER_APP), replace(base.targets[0], name="exact"))

    plan = forecast(replace(base, strategy=replace(ONE_STEP, steps=steps), targets=apps), NOON)

    found = [(first, second, share.target, share.given) for first, second, share in same_shares(plan)]
    assert found == [(0, 1, "web", 1_000), (2, 3, "web", 13_000)]
