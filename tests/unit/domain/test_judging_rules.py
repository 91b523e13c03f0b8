"""How sure a judgement must be, what it learns before traffic moves, and which windows enter it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analysis.guards import Guard, Metric, SampleRatio, Threshold
from shared.domain.analysis.judgement import Judgement, Verdict
from shared.domain.analysis.measurement import Window
from shared.domain.rollout import events as e
from shared.domain.rollout.commands import Tick
from shared.domain.rollout.evolve import evolve
from shared.domain.rollout.guarding import CONCERNS_A_LOOK
from shared.domain.rollout.judging import config_for
from shared.domain.rollout.measuring import Measuring
from shared.domain.rollout.needs import needs
from shared.domain.rollout.on_tick import next_look
from shared.domain.rollout.readings import NOTHING_READ, ReadFaults, Readings, ReadWindows, Trouble
from shared.domain.rollout.spec import Judging
from shared.domain.rollout.state import REMEMBERED_VERSIONS, Doing, Phase
from shared.domain.rollout.timing import HISTORY_WINDOWS
from tests.unit.domain.measurements import NO_DATA, met
from tests.unit.domain.outside import BAD, GOOD, NOTHING
from tests.unit.domain.specs import BAKE, COMPARED, ERRORS, HOUR, MINUTE, NOON, canary, spec
from tests.unit.domain.states import Story, at_gate, baking, promoted, ready, shifting, started, succeeded

SHARE = Guard(name="share", metric=Metric.REQUESTS, test=SampleRatio(), over=MINUTE)
SLOW = replace(canary().steps[0], bake=replace(BAKE, minimum=8 * MINUTE))
PATIENT = spec(strategy=replace(canary(), steps=(SLOW, *canary().steps[1:])))


# The chance of taking back a healthy version


@given(st.integers(1, 10), st.integers(1, 200), st.floats(0.0001, 0.2))
def test_all_targets_and_all_attempts_together_never_use_more_than_the_alpha_of_the_spec(targets, attempts, alpha):
    names = tuple(f"web{number}" for number in range(targets))
    each = [
        config_for(spec(targets=names, judging=Judging(alpha=alpha)), attempt).alpha
        for attempt in range(1, attempts + 1)
    ]
    assert targets * sum(each) <= alpha * (1 + 1e-9)
    assert all(share > 0 for share in each)


def test_the_first_attempt_gets_four_fifths_and_each_retry_half_of_the_one_before():
    alphas = [config_for(spec(judging=Judging(alpha=0.01)), attempt).alpha for attempt in (1, 2, 3, 4)]
    assert alphas == pytest.approx([0.008, 0.001, 0.0005, 0.00025])


def test_the_knobs_of_the_spec_reach_the_analysis():
    judging = Judging(risk=0.01, warm_up=2 * MINUTE, smallest_regression=3.0)
    config = config_for(spec(judging=judging, guards=(ERRORS,)), 1)
    assert (config.risk, config.warm_up, config.smallest) == (0.01, 2 * MINUTE, 3.0)
    assert (config.window, config.guards) == (MINUTE, (ERRORS,))


@pytest.mark.parametrize(("minimum", "dwell"), [(10, 10), (60, 60), (1_200, 60)])
def test_a_weight_is_watched_for_a_minute_at_least_unless_the_spec_says_less(minimum, dwell):
    bake = replace(BAKE, minimum=timedelta(seconds=minimum))
    assert config_for(spec(), 1, bake).dwell == timedelta(seconds=dwell)


def retried(story: Story, number: int) -> Story:
    story.override("rollback")
    story.go_to_end()
    return story.settle().override("retry", number).tick()


def test_a_retry_is_another_attempt_at_the_same_version():
    story = shifting()
    assert story.live.attempt == 1
    for attempt in (2, 3):
        story = retried(story, attempt)
        assert story.live.attempt == attempt
        assert story.named(e.PreflightPassed)[-1].attempt == attempt


def test_a_new_deployment_of_the_same_version_is_an_attempt_too():
    story = shifting().override("rollback")
    story.go_to_end()
    story.settle().deploy("2", 2).tick()
    assert story.live.attempt == 2


def test_another_version_has_its_own_first_attempt():
    story = shifting().override("rollback")
    story.go_to_end()
    story.settle().deploy("3", 2).tick()
    assert story.live.attempt == 1
    assert [(tried.version, tried.times) for tried in story.state.tried] == [("2", 1), ("3", 1)]


def test_a_rollout_that_never_passed_its_preflight_was_no_attempt():
    story = started().override("abort")
    story.go_to_end()
    assert story.settle().override("retry", 5).tick().live.attempt == 1


def test_a_return_to_the_version_before_is_no_attempt():
    story = succeeded().override("rollback", 7)
    story.go_to_end()
    assert [(tried.version, tried.times) for tried in story.state.tried] == [("2", 1)]


def test_only_the_attempts_at_the_last_versions_are_remembered():
    story = shifting()
    for number in range(2, REMEMBERED_VERSIONS + 4):
        story.override("rollback")
        story.go_to_end()
        story.settle().deploy(f"1.{number}", number).tick()
    assert len(story.state.tried) == REMEMBERED_VERSIONS
    assert story.state.attempts("2") == 0
    assert story.state.tried[-1].version == f"1.{REMEMBERED_VERSIONS + 3}"


# Before traffic moves


def asked_for(story: Story, kind: type) -> list:
    return [need for need in needs(story.state, Tick(), story.now) if isinstance(need, kind)]


def test_an_hour_of_the_stable_version_is_read_before_traffic_moves():
    story = ready(started(spec()))
    (windows,), (faults,) = asked_for(story, ReadWindows), asked_for(story, ReadFaults)
    assert (windows.until - windows.since, windows.length) == (HOUR, MINUTE)
    assert (faults.since, faults.until, faults.length) == (windows.since, windows.until, windows.length)


@pytest.mark.parametrize(("window", "span"), [(timedelta(seconds=15), HOUR), (timedelta(seconds=5), 20 * MINUTE)])
def test_no_more_windows_of_history_are_read_at_once_than_a_source_can_give(window, span):
    story = ready(started(spec(measuring=Measuring(window=window, lag=window))))
    (windows,) = asked_for(story, ReadWindows)
    assert windows.until - windows.since == span
    assert span / window <= HISTORY_WINDOWS


def test_the_versions_are_named_where_windows_are_asked_for():
    story = ready(started())
    (first,) = asked_for(story, ReadWindows)
    assert (first.candidate, first.stable) == ("2", "1")

    story = ready(succeeded().deploy("3", 2))
    (second,) = asked_for(story, ReadWindows)
    assert (second.candidate, second.stable) == ("3", "2")

    story = baking().wait(5 * MINUTE)
    (third,) = asked_for(story, ReadWindows)
    assert (third.candidate, third.stable) == ("2", "1")


def test_after_a_rollback_the_version_that_stayed_is_the_stable_one():
    story = baking().override("rollback")
    story.go_to_end()
    (asked,) = asked_for(ready(story.settle().deploy("3", 2)), ReadWindows)
    assert (asked.candidate, asked.stable) == ("3", "1")


def test_what_production_was_seen_to_serve_is_the_stable_version_whoever_brought_it_there():
    story = succeeded()
    story.site.production = "2-hotfix"
    story = ready(story.deploy("4", 2))
    (windows,), (faults,) = asked_for(story, ReadWindows), asked_for(story, ReadFaults)
    assert windows.stable == faults.stable == "2-hotfix"


def test_what_was_measured_of_a_version_that_has_left_production_since_is_no_baseline():
    story = ready(started())
    story.site.production = "1-hotfix"
    story.tell(Tick())
    assert story.live.doing is Doing.PREFLIGHT
    (asked,) = asked_for(story, ReadWindows)
    assert asked.stable == "1-hotfix"
    story.tell(Tick())
    assert (story.live.doing, story.web.stable_version) == (Doing.SHIFTING, "1-hotfix")


def test_what_was_measured_before_is_read_only_once_nothing_else_is_in_the_way_and_then_at_once():
    story = started()
    story.site.healthy = False
    for _ in range(3):
        assert asked_for(story, ReadWindows) == asked_for(story, ReadFaults) == []
        story.look()
    story.site.healthy = True
    story.wait(5 * MINUTE).tell(Tick())
    assert next_look(story.state) == story.now
    assert len(asked_for(story, ReadWindows)) == len(asked_for(story, ReadFaults)) == 1

    story.site.healthy = False
    story.tell(Tick())
    assert asked_for(story, ReadWindows) == asked_for(story, ReadFaults) == []


def test_what_is_wrong_with_the_source_keeps_users_away_and_is_said():
    story = started()
    story.site.faults = ("metrics.source.failures: Http6xx does not exist",)
    story.tick()
    assert story.live.doing is Doing.PREFLIGHT
    assert "web: guards cannot be judged: metrics.source.failures: Http6xx does not exist" in story.live.reason

    story.site.faults = ()
    assert story.look().live.doing is Doing.SHIFTING


def test_a_source_that_does_not_answer_keeps_users_away_and_is_said():
    story = ready(started())
    asked = needs(story.state, Tick(), story.now)
    seen = {
        need: Trouble("503") if isinstance(need, ReadWindows) else story.outside.read([need]).seen[need]
        for need in asked
    }
    story.tell(Tick(), Readings(seen))
    assert story.live.doing is Doing.PREFLIGHT
    assert story.live.reason == "preflight: web: guards cannot be judged: 503"


def test_no_history_is_no_obstacle_and_is_said():
    story = started()
    story.site.stable_meets = NOTHING
    story.tick()
    assert story.live.doing is Doing.SHIFTING
    ((_, learned),) = story.named(e.PreflightPassed)[0].learned
    assert (learned.minutes, learned.pooled) == (0, None)


@pytest.mark.parametrize("hold", ["pause", "freeze"])
def test_history_is_not_read_while_nothing_may_start(hold):
    story = started().override(hold).wait(MINUTE)
    assert asked_for(story, ReadWindows) == asked_for(story, ReadFaults) == []


def test_a_return_does_not_depend_on_what_can_be_measured():
    story = succeeded().override("rollback", 7)
    assert asked_for(story, ReadWindows) == asked_for(story, ReadFaults) == []
    assert story.go_to_end().phase is Phase.SUCCEEDED


# Which windows count


def windows_of(story: Story, *samples) -> tuple[Window, ...]:
    """The first windows at 5 %, as the source has them: from 12:00 on, a minute each."""
    return tuple(
        Window(start=NOON + n * MINUTE, end=NOON + (n + 1) * MINUTE, candidate=sample, stable=met(1_000, 1, 50))
        for n, sample in enumerate(samples)
    )


def look_at(story: Story, minute: float, *samples) -> Story:
    """Look so many minutes after noon, when the source has these windows of the candidate."""
    story.now = NOON + minute * MINUTE
    seen = dict(story.outside.read(needs(story.state, Tick(), story.now)).seen)
    for need in seen:
        if isinstance(need, ReadWindows):
            seen[need] = windows_of(story, *samples)
    story.tell(Tick(), Readings(seen))
    return story


LATE = NO_DATA


def test_a_window_that_comes_late_enters_the_evidence_and_holds_nothing_up():
    story = baking(PATIENT)
    look_at(story, 3.1, GOOD)
    look_at(story, 5.1, GOOD, LATE, GOOD)
    assert story.web.analysis.windows == 2
    assert story.web.judgement.verdict is Verdict.HEALTHY

    look_at(story, 6.1, GOOD, GOOD, GOOD, GOOD)

    assert story.web.analysis.windows == 4


def test_a_late_window_that_is_bad_takes_the_release_back():
    story = baking(PATIENT)
    look_at(story, 5.1, GOOD, LATE, GOOD)
    look_at(story, 6.1, GOOD, BAD, GOOD, GOOD)
    assert story.live.phase is Phase.ROLLING_BACK


def test_a_window_that_was_lost_holds_only_while_it_is_the_newest():
    story = baking(PATIENT)
    look_at(story, 3.1, GOOD)
    look_at(story, 6.1, GOOD, LATE, LATE, LATE)
    assert story.web.judgement.verdict is Verdict.NO_DATA

    look_at(story, 7.1, GOOD, LATE, LATE, LATE, GOOD)

    assert story.web.judgement.verdict is Verdict.HEALTHY


def test_a_torn_answer_is_an_error_until_a_whole_window_comes():
    story = baking(PATIENT)
    look_at(story, 3.1, met(10, 11))
    assert story.web.judgement.verdict is Verdict.ERROR
    assert story.web.analysis.windows == 0

    look_at(story, 4.1, GOOD, GOOD)

    assert (story.web.judgement.verdict, story.web.analysis.windows) == (Verdict.HEALTHY, 2)


def test_a_window_that_counted_is_not_judged_again_whatever_it_says_later():
    story = baking(PATIENT)
    look_at(story, 4.1, GOOD, GOOD)
    before = story.web.analysis
    look_at(story, 4.9, BAD, BAD)
    assert story.web.analysis == before


def test_after_a_long_silence_the_newest_windows_are_read():
    story = baking().override("pause").wait(5 * HOUR)
    (asked,) = asked_for(story, ReadWindows)
    assert asked.until == NOON + 5 * HOUR - 2 * MINUTE
    assert asked.until - asked.since == HOUR


def test_a_silence_of_hours_leaves_later_windows_to_be_read():
    story = baking(spec(judging=Judging())).override("pause")
    story.site.users_meet = story.site.stable_meets = NOTHING
    for _ in range(30):
        story.wait(10 * MINUTE).tick()
    story.site.users_meet = story.site.stable_meets = GOOD
    story.wait(3 * MINUTE).tick()
    assert story.web.judgement.verdict is Verdict.HEALTHY


def test_windows_from_before_the_first_users_are_no_evidence():
    story = shifting(spec(strategy=canary(first_gate=True))).wait(3 * HOUR).override("approve").tick().settle()
    story.wait(5 * MINUTE)
    (asked,) = asked_for(story, ReadWindows)
    assert asked.since > NOON + 3 * HOUR - MINUTE


# What a person should look at


def concerned(story: Story, concern: str | None = "share: requests are lost") -> Story:
    """The newest judgement is healthy and asks a person to look."""
    judgement = Judgement(verdict=Verdict.HEALTHY, concern=concern)
    judged = e.TargetJudged(
        at=story.now, rollout=story.live.id, target="web", analysis=story.web.analysis, judgement=judgement
    )
    story.state = evolve(story.state, judged)
    story.tell(Tick(), _without_windows(story))
    return story


def _without_windows(story: Story) -> Readings:
    seen = dict(story.outside.read(needs(story.state, Tick(), story.now)).seen)
    return Readings({need: () if isinstance(need, ReadWindows) else was for need, was in seen.items()})


@pytest.mark.parametrize("reach", [baking, promoted])
def test_a_concern_pauses_and_warns_and_does_not_take_back(reach):
    story = concerned(reach().wait(5 * MINUTE))
    assert (story.live.phase, story.live.reason) == (Phase.PAUSED, "web: share: requests are lost")
    assert story.live.paused.concern


def test_a_person_who_resumes_accepts_the_concern_until_the_next_step():
    story = concerned(baking().wait(5 * MINUTE)).override("resume")
    assert story.web.concern_accepted
    concerned(story)
    assert story.live.phase is Phase.PROGRESSING

    story.go_to(Doing.AWAITING_APPROVAL)

    assert not story.web.concern_accepted


def test_a_pause_that_a_person_began_accepts_no_concern():
    story = concerned(baking().override("pause").wait(5 * MINUTE)).override("resume")
    assert not story.web.concern_accepted
    concerned(story)
    assert story.live.phase is Phase.PAUSED


def test_a_guard_that_only_notifies_is_told_of_once_and_holds_nothing_up():
    quiet = Guard(name="slow", metric=Metric.LATENCY, test=Threshold(maximum=10), over=5 * MINUTE, notify_only=True)
    story = baking(spec(guards=(ERRORS, COMPARED, quiet)))
    story.go_to(Doing.AWAITING_APPROVAL)
    story.wait(5 * MINUTE).tick().wait(5 * MINUTE).tick()
    (raised,) = story.named(e.ConcernRaised)
    assert (raised.target, raised.guard) == ("web", "slow")
    assert "candidate 50 ms outside the limit 10 ms" in raised.says


def test_a_look_raises_a_few_concerns_and_the_next_one_the_rest():
    """Each concern is told to every webhook, and one transaction has no room for all of them."""
    slow = Guard(name="slow", metric=Metric.LATENCY, test=Threshold(maximum=10), over=5 * MINUTE, notify_only=True)
    many = tuple(replace(slow, name=f"slow-{number}") for number in range(CONCERNS_A_LOOK + 2))
    story = baking(spec(guards=(ERRORS, COMPARED, *many)))
    story.go_until(lambda: story.named(e.ConcernRaised) != [])
    assert [event.guard for event in story.named(e.ConcernRaised)] == [guard.name for guard in many[:CONCERNS_A_LOOK]]

    story.go_until(lambda: len(story.named(e.ConcernRaised)) > CONCERNS_A_LOOK)
    assert [event.guard for event in story.named(e.ConcernRaised)] == [guard.name for guard in many]


def test_the_share_that_somebody_moved_by_hand_is_no_sign_of_lost_requests():
    story = baking(spec(guards=(ERRORS, SHARE))).wait(4 * MINUTE)
    story.site.share = 80_000
    story.tick().settle()
    weights = [each.weight for each in story.web.analysis.weights]
    assert weights[-2:] == [80_000, 5_000]
    assert [each.at for each in story.web.analysis.weights] == sorted(each.at for each in story.web.analysis.weights)


def test_nothing_is_judged_without_a_look():
    story = at_gate()
    before = story.web.analysis
    story.tell(Tick(news=True), NOTHING_READ)
    assert story.web.analysis == before
