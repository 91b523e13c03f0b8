"""Experiments in the rules: what counts, when it is over, and what follows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.analysis.measurement import Sample
from shared.domain.experiments.experiment import Arm
from shared.domain.names import TargetName
from shared.domain.rollout import events as e
from shared.domain.rollout.audience import MarkedUsers
from shared.domain.rollout.commands import AudienceWasSet
from shared.domain.rollout.effects import SetAudience
from shared.domain.rollout.experimenting import assumed, standing
from shared.domain.rollout.forecast import forecast
from shared.domain.rollout.plan import RunHook
from shared.domain.rollout.spec import Promotes, Stage
from shared.domain.rollout.state import Doing, Phase
from shared.domain.rollout.weight import Weight
from tests.unit.domain.outside import BAD
from tests.unit.domain.specs import BETA, HOUR, MINUTE, NOON, ab_test, hook, spec
from tests.unit.domain.states import Story

WORSE = Sample(requests=1_000, failures=20, latency_ms=50)
MARKED = MarkedUsers(mark=BETA)


def compared(strategy=None, targets=("web",), stable=WORSE, **options) -> Story:
    """Both versions serve; the stable one fails in 20 of 1000 requests, the candidate in one."""
    story = Story(spec(strategy=strategy or ab_test(), targets=targets, **options)).deploy()
    for name in targets:
        story.outside.site(TargetName(name)).stable_meets = stable
    return story.go_to(Doing.BAKING)


def ended(story: Story) -> Story:
    story.go_to_end()
    return story.settle()


def with_audience_under_way() -> Story:
    """The router is being told of the audience, and has not answered yet."""
    story = Story(spec(strategy=ab_test(audience=MARKED), targets=("route",))).deploy()
    while not story.rows(SetAudience):
        story.tick()
    return story


def over(story: Story) -> e.ExperimentEnded:
    [event] = story.named(e.ExperimentEnded)
    return event


def test_every_whole_window_of_the_hour_counts_once():
    story = ended(compared())

    report = standing(story.archived[-1])
    assert report.requests == 60 * 2_000
    assert over(story).winner is Arm.CANDIDATE


def test_several_targets_are_counted_together():
    story = ended(compared(targets=("web", "west")))

    assert standing(story.archived[-1]).requests == 2 * 60 * 2_000


def test_what_is_counted_stays_as_it_was_when_it_was_over():
    story = compared(ab_test(Promotes.BY_HAND)).go_to(Doing.DECIDING)
    counted = story.web.totals
    for _ in range(5):
        story.look().settle()

    assert story.live.phase is Phase.WAITING
    assert story.web.totals == counted


def test_a_pause_stops_the_clock_of_the_experiment_and_the_evidence_goes_on():
    story = compared().wait(10 * MINUTE).override("pause")
    story.go_until(lambda: story.now >= NOON + 2 * HOUR)
    assert not story.named(e.ExperimentEnded)
    assert story.web.totals.requests > 60 * 2_000

    ended(story.override("resume"))
    assert over(story).at >= NOON + 2 * HOUR


def test_a_person_may_promote_before_it_is_over_and_the_report_stands_as_it_was():
    story = compared().wait(20 * MINUTE).tick().override("promote")

    assert story.go_to_end().phase is Phase.SUCCEEDED
    assert not story.named(e.ExperimentEnded)
    assert standing(story.archived[-1]).requests > 0


def test_beyond_the_point_of_no_return_a_loser_is_not_taken_back_but_calls_a_person():
    strategy = ab_test()
    story = compared(strategy, hooks=(hook(Stage.EXPAND, no_return=True),), stable=Sample(requests=1_000, failures=1))
    story.go_until(lambda: story.live.phase is Phase.PAUSED)

    assert "point of no return" in story.live.reason


def test_while_a_person_is_waited_for_what_is_degraded_goes_back():
    story = compared(ab_test(Promotes.BY_HAND)).go_to(Doing.DECIDING)
    story.site.users_meet = BAD

    assert story.go_to_end().phase is Phase.ROLLED_BACK
    assert story.archived[-1].reason.startswith("degraded")


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_it_waits_for_a_decision_and_not_at_a_gate(action):
    story = compared(ab_test(Promotes.BY_HAND)).go_to(Doing.DECIDING).override(action)

    assert story.named(e.CommandRefused)[-1].reason == "it does not wait at a gate"


def test_hooks_before_an_increase_are_called_before_both_versions_serve():
    plan = Story(spec(strategy=ab_test(), hooks=(hook(Stage.BEFORE_INCREASE),))).deploy().live.plan

    assert [isinstance(step, RunHook) for step in plan] == [True, False, True, False]


def test_the_audience_is_set_at_the_begin_and_removed_with_the_promotion():
    story = compared(ab_test(audience=MARKED), targets=("route",))
    site = story.outside.site(TargetName("route"))
    assert (site.audience, site.share) == (BETA, 0)

    ended(story)
    assert site.audience is None
    assert [event.mark for event in story.named(e.AudienceObserved)] == [BETA, None]


def test_a_router_that_does_not_heed_the_audience_is_told_again():
    story = with_audience_under_way()
    row = story.row(SetAudience)
    story.tell(AudienceWasSet(row.id, story.live.targets[0].audience_level, None))

    assert story.state.open_effect(row.id) is not None
    assert not story.named(e.AudienceObserved)


def test_an_answer_for_an_audience_that_is_not_wanted_any_more_says_nothing():
    story = with_audience_under_way()
    row, level = story.row(SetAudience), story.live.targets[0].audience_level
    story.override("rollback")
    story.tell(AudienceWasSet(row.id, level, BETA))

    assert not story.named(e.AudienceObserved)
    assert story.rows(SetAudience)


def test_an_audience_is_no_reason_to_judge_less():
    """Guards that compare are in force, though nobody is sent by weight."""
    story = compared(ab_test(audience=MARKED), targets=("route",), stable=Sample(requests=1_000, failures=1))
    story.outside.site(TargetName("route")).users_meet = Sample(requests=1_000, failures=40, latency_ms=50)

    assert story.go_to_end().phase is Phase.ROLLED_BACK
    assert "compared" in story.archived[-1].reason


def test_its_plan_says_what_the_report_takes_for_granted():
    def told(targets, strategy):
        first = spec(strategy=strategy, targets=targets)
        return assumed(Story(first).deploy().live.plan, first)

    assert told(("web",), ab_test()) == ()
    assert "revisions" in told(("app",), ab_test())[0]
    assert "DNS" in told(("dns",), ab_test())[0]
    assert "divide requests, not users" in told(("route",), ab_test())[0]
    assert told(("route",), ab_test(audience=replace(MARKED, share=Weight(20_000)))) == ()
    assert "audience.share" in told(("route",), ab_test(audience=MARKED))[0]


@pytest.mark.parametrize(
    ("strategy", "least", "most"),
    [
        (ab_test(), HOUR, HOUR),
        (ab_test(when_decided=True), timedelta(0), HOUR),
        (ab_test(Promotes.BY_HAND), HOUR, HOUR + timedelta(days=30)),
    ],
)
def test_a_forecast_knows_how_long_it_takes(strategy, least, most):
    step = forecast(spec(strategy=strategy), NOON).steps[0]

    assert step.ends.earliest - step.begins.earliest == least
    assert step.ends.latest - step.begins.latest == most
