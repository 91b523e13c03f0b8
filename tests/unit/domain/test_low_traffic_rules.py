"""Too few requests for a verdict: what the spec says is done, nothing advances, and plans that fit the traffic."""

from datetime import timedelta

import pytest

from shared.domain.analysis.dispersion import Dispersion
from shared.domain.analysis.guards import Guard, Metric, Ratio
from shared.domain.analysis.parts import Baseline, RatePart
from shared.domain.analysis.ramp import ramp_for
from shared.domain.rollout import events as e
from shared.domain.rollout.effects import Notify
from shared.domain.rollout.fitting import fitted
from shared.domain.rollout.judging import config_for
from shared.domain.rollout.plan import AwaitApproval, Promote, Shift, compile_canary
from shared.domain.rollout.spec import Bake, Canary, CanaryStep, Gate, Judging, LowTraffic, Outcome, Topic
from shared.domain.rollout.state import Doing, Phase
from shared.domain.rollout.weight import Weight
from tests.unit.domain.measurements import met
from tests.unit.domain.outside import GOOD, NOTHING
from tests.unit.domain.specs import BAKE, HOUR, MINUTE, WEBHOOK, canary, spec
from tests.unit.domain.states import Story, baking, promoted, started

FEW = met(2, 0, 50)
DAY = timedelta(days=1)


def with_few(low_traffic: LowTraffic, reach=baking, **more) -> Story:
    story = reach(spec(judging=Judging(low_traffic=low_traffic), notifications=(WEBHOOK,), **more))
    story.site.users_meet = FEW
    return story


def extended(story: Story) -> list[e.BakeExtended]:
    return story.named(e.BakeExtended)


@pytest.mark.parametrize("reach", [baking, promoted])
def test_hold_stays_at_the_weight_and_tells_people_once(reach):
    story = with_few(LowTraffic.HOLD, reach)
    began, step = story.live.baking_since, story.live.step
    told = len([row for row in story.opened if isinstance(row.effect, Notify)])

    story.go_until(lambda: bool(extended(story)))
    assert story.now == began + BAKE.maximum
    story.go_until(lambda: story.now > began + 20 * HOUR)

    (line,) = extended(story)
    assert line.until == began + BAKE.maximum + DAY
    assert (story.live.step, story.live.doing) == (step, Doing.BAKING)
    told_since = [row.effect for row in story.opened if isinstance(row.effect, Notify)][told:]
    assert [effect.topic for effect in told_since] == [Topic.WAITING]
    assert "too few requests for a verdict at " in told_since[0].text


def test_hold_goes_on_judging_and_moves_on_when_there_is_evidence():
    story = with_few(LowTraffic.HOLD)
    story.go_until(lambda: bool(extended(story))).wait(3 * HOUR)
    story.site.users_meet = GOOD
    story.go_to(Doing.AWAITING_APPROVAL)
    assert story.live.step == 1


def test_hold_reminds_after_a_day():
    story = with_few(LowTraffic.HOLD)
    began = story.now
    story.go_until(lambda: story.now > began + 2 * DAY + HOUR, limit=20_000)
    assert len(extended(story)) == 3


def test_a_hold_in_which_the_source_falls_silent_ends_as_the_bake_would_have():
    story = with_few(LowTraffic.HOLD)
    story.go_until(lambda: bool(extended(story)))
    lacked = story.now
    story.site.users_meet = NOTHING
    story.go_until(lambda: story.live.phase is Phase.ROLLING_BACK)
    assert BAKE.maximum <= story.now - lacked <= BAKE.maximum + 5 * MINUTE
    assert story.live.ending.phase is Phase.FAILED
    assert "no-data" in story.live.ending.reason


def test_a_hold_outlasts_windows_in_which_nothing_is_measured():
    story = with_few(LowTraffic.HOLD)
    story.go_until(lambda: bool(extended(story)))
    for _ in range(20):
        story.site.users_meet = NOTHING
        story.go_until(lambda: story.web.judgement.verdict == "no-data")
        story.site.users_meet = FEW
        story.go_until(lambda: story.web.judgement.verdict == "undecided")
    assert (story.live.step, story.live.doing) == (0, Doing.BAKING)


def test_a_hold_ends_where_something_else_is_in_the_way_by_then():
    story = with_few(LowTraffic.HOLD)
    story.go_until(lambda: bool(extended(story)))
    story.site.users_meet = GOOD
    story.outside.unreadable_versions = True
    story.go_until(lambda: story.live.phase is Phase.ROLLING_BACK)
    assert story.live.step == 0
    assert story.now - extended(story)[0].at < BAKE.maximum + 5 * MINUTE


def test_extend_gives_the_longest_bake_three_times_more_and_then_holds():
    story = with_few(LowTraffic.EXTEND)
    began = story.live.baking_since
    story.go_until(lambda: len(extended(story)) == 4)
    spans = [round((line.until - began) / BAKE.maximum) for line in extended(story)]
    assert spans[:3] == [2, 3, 4]
    assert extended(story)[3].until == began + 4 * BAKE.maximum + DAY


def test_ask_pauses_and_the_resumed_step_gets_its_whole_time_again():
    story = with_few(LowTraffic.ASK)
    story.go_until(lambda: story.live.phase is Phase.PAUSED)
    assert story.live.reason == "too few requests for a verdict at 5 %"
    story.override("resume")
    assert story.live.baking_since == story.now


def test_a_bake_that_ends_without_a_verdict_for_another_reason_does_what_the_bake_says():
    story = with_few(LowTraffic.HOLD)
    story.site.users_meet = NOTHING
    story.go_until(lambda: story.live.phase is Phase.ROLLING_BACK)
    assert extended(story) == []
    assert story.live.ending.phase is Phase.FAILED


def test_one_target_without_data_is_not_excused_by_another_with_few_requests():
    story = Story(spec(targets=("web", "west")))
    for name in ("web", "west"):
        story.outside.site(name).candidate = "2"
    story.deploy().go_to(Doing.BAKING)
    story.outside.site("web").users_meet = FEW
    story.outside.site("west").users_meet = NOTHING
    story.go_until(lambda: story.live.phase is Phase.ROLLING_BACK)
    assert extended(story) == []


@pytest.mark.parametrize(("hold", "release"), [("pause", "resume"), ("freeze", "unfreeze")])
def test_an_extended_bake_stands_still_while_it_is_held(hold, release):
    story = with_few(LowTraffic.HOLD)
    story.go_until(lambda: bool(extended(story)))
    until = story.live.bake_until
    story.override(hold).wait(7 * HOUR).override(release)
    assert story.live.bake_until == until + 7 * HOUR


def test_the_next_step_begins_with_its_own_longest_bake():
    story = with_few(LowTraffic.HOLD)
    story.go_until(lambda: bool(extended(story)))
    story.site.users_meet = GOOD
    story.go_to(Doing.AWAITING_APPROVAL)
    assert (story.live.bake_until, story.live.extensions) == (None, 0)


# Plans that fit


def bake(minutes: int) -> Bake:
    return Bake(minimum=minutes * MINUTE, maximum=60 * MINUTE)


def gate(name: str) -> Gate:
    return Gate(name=name, timeout=DAY, otherwise=Outcome.ROLLBACK)


def plan_of(*steps: CanaryStep) -> tuple:
    return compile_canary(Canary(steps=steps, promotion_bake=bake(9), promotion_gate=gate("last")), Weight(5_000))


def step(percent: float, minutes: int = 2, name: str | None = None) -> CanaryStep:
    weight = Weight(round(percent * 1000))
    return CanaryStep(weight=weight, bake=bake(minutes), gate=gate(name) if name else None)


def bigger(plan: tuple, *rates: float) -> tuple:
    baselines = tuple(Baseline(minutes=60, requests_per_second=rate) for rate in rates)
    judging = Judging(low_traffic=LowTraffic.BIGGER_FIRST_STEP)
    return fitted(plan, judging, config_for(spec(), 1), baselines)


def shown(plan: tuple) -> list:
    """Weights in percent, gates by their names, promotion as its hold-back."""
    return [
        s.weight / 1000 if isinstance(s, Shift) else s.gate.name if isinstance(s, AwaitApproval) else s.hold_back
        for s in plan
    ]


RAMP = plan_of(step(1), step(5, 3, "qa"), step(25, 4), step(50, 5, "boss"))


@pytest.mark.parametrize(
    ("per_second", "plan"),
    [
        (100.0, [1, "qa", 5, 25, "boss", 50, "last", 5_000]),
        (25.0, [1, "qa", 5, 25, "boss", 50, "last", 5_000]),
        (12.0, [3, "qa", 5, 25, "boss", 50, "last", 5_000]),
        (2.5, ["qa", 10, 25, "boss", 50, "last", 5_000]),
        (1.0, ["qa", 25, "boss", 50, "last", 5_000]),
        (0.01, ["qa", "boss", 50, "last", 5_000]),
    ],
)
def test_the_first_weight_gets_thirty_requests_in_the_least_dwell_and_never_more_than_the_last(per_second, plan):
    assert shown(bigger(RAMP, per_second)) == plan


def test_the_target_with_the_least_traffic_decides():
    assert shown(bigger(RAMP, 100.0, 2.5)) == shown(bigger(RAMP, 2.5))


def test_without_traffic_before_a_plan_stays_as_it_is():
    assert bigger(RAMP, 0.0) == bigger(RAMP) == RAMP


def test_a_plan_is_fitted_only_where_the_spec_says_so():
    baseline = Baseline(minutes=60, requests_per_second=0.1)
    assert fitted(RAMP, Judging(), config_for(spec(), 1), (baseline,)) == RAMP


def test_a_fitted_plan_is_in_force_and_told_from_preflight_on():
    story = started(spec(judging=Judging(low_traffic=LowTraffic.BIGGER_FIRST_STEP)))
    story.site.stable_meets = met(60)
    story.tick()
    (passed,) = story.named(e.PreflightPassed)
    assert passed.plan == story.live.plan
    assert (story.web.wanted, story.web.proven) == (25_000, 25_000)
    assert isinstance(story.live.plan[-1], Promote)
    assert shown(story.live.plan)[0] == 25
    assert story.settle().go_to(Doing.AWAITING_APPROVAL).live.step == 1


def test_a_plan_that_fits_already_is_not_told_again():
    story = started(spec(judging=Judging(low_traffic=LowTraffic.BIGGER_FIRST_STEP))).tick()
    assert story.named(e.PreflightPassed)[0].plan == ()
    assert story.live.plan == compile_canary(canary(), Weight(5_000))


# What the smallest regression to see asks for


USUAL = (Guard(name="e", metric=Metric.ERROR_RATE, test=Ratio(), over=MINUTE),)


def seeing(smallest: float, rate: float, per_second: float, plan: tuple = RAMP) -> tuple:
    dispersion = Dispersion(phi=1.0, usual=rate)
    baseline = Baseline(minutes=60, requests_per_second=per_second, rates=(RatePart(key="e", dispersion=dispersion),))
    judging = Judging(smallest_regression=smallest)
    return fitted(plan, judging, config_for(spec(judging=judging, guards=USUAL), 1), (baseline,))


def test_weights_and_the_first_bake_follow_from_the_smallest_regression_to_see():
    plan = seeing(2.0, 0.01, 50.0)
    ramp = ramp_for(2.0, 0.01, 50.0, config_for(spec(guards=USUAL), 1))
    shifts = [each for each in plan if isinstance(each, Shift)]
    assert tuple(each.weight for each in shifts) == ramp.weights
    assert shifts[0].bake.minimum == ramp.dwell > 5 * MINUTE
    assert shifts[0].bake.maximum >= 2 * ramp.dwell
    assert all(each.bake.minimum <= 5 * MINUTE for each in shifts[1:])


@pytest.mark.parametrize("per_second", [1e-3, 1e-9, 1e-300])
def test_next_to_no_traffic_gives_a_plan_of_days_and_never_none(per_second):
    for plan in (seeing(1.3, 0.0, per_second), bigger(RAMP, per_second)):
        bake = next(each for each in plan if isinstance(each, Shift)).bake
        assert bake.minimum < bake.maximum < timedelta(days=30)


def test_a_smaller_regression_takes_longer_or_a_larger_weight():
    def first(smallest: float) -> float:
        shift = next(each for each in seeing(smallest, 0.01, 50.0) if isinstance(each, Shift))
        return shift.weight * shift.bake.minimum.total_seconds()

    assert first(1.6) > first(2.0) > first(4.0)


def test_gates_stay_before_the_weights_that_they_stood_before():
    plan = seeing(2.0, 0.01, 50.0)
    told = shown(plan)
    assert [each for each in told if isinstance(each, str)] == ["qa", "boss", "last"]
    assert told.index("qa") < next(n for n, each in enumerate(told) if isinstance(each, float) and each >= 5)
    assert told.index("boss") < told.index(50)


def test_the_first_weight_is_kept_until_the_smallest_regression_would_have_shown():
    story = started(spec(judging=Judging(smallest_regression=5.0), guards=USUAL)).tick()
    first = next(each for each in story.live.plan if isinstance(each, Shift))
    assert story.live.plan[0] == first
    began = story.settle().now
    story.go_until(lambda: story.live.step > 0)
    assert story.now - began >= first.bake.minimum
