"""While users meet the candidate: what is verified, kept, judged, and what moves a rollout on or back."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.rollout import events as e
from shared.domain.rollout.commands import Tick, WeightWasSet
from shared.domain.rollout.needs import needs
from shared.domain.rollout.on_tick import next_look
from shared.domain.rollout.readings import Readings, ReadVersion, ReadWindows, Trouble
from shared.domain.rollout.spec import Judging, LowTraffic, Place
from shared.domain.rollout.state import Doing, Phase, Side
from shared.domain.rollout.weight import ALL, NONE, Weight
from tests.unit.domain.measurements import NO_DATA
from tests.unit.domain.outside import BAD, BROKEN, GOOD, IDLE
from tests.unit.domain.specs import BAKE, COMPARED, ERRORS, MINUTE, canary, spec
from tests.unit.domain.states import at_gate, baking, clearing, promoted, shifting
from tests.unit.domain.walks import MEETINGS, NEVER_A_PASS


def test_preflight_proves_the_first_weight_and_a_step_the_next():
    story = shifting()
    assert (story.web.wanted, story.web.proven) == (5_000, 5_000)

    story.settle().go_to(Doing.AWAITING_APPROVAL)
    assert (story.web.wanted, story.web.proven) == (5_000, 50_000)

    story.override("approve").go_to(Doing.BAKING, step=2)
    assert (story.web.wanted, story.web.proven) == (50_000, 50_000)

    story.go_to(Doing.SWAPPING)
    assert (story.web.wanted, story.web.proven) == (50_000, ALL)


@pytest.mark.parametrize("reach", [baking, promoted])
@pytest.mark.parametrize("meeting", NEVER_A_PASS)
def test_what_is_not_healthy_never_passes(reach, meeting):
    story = reach(spec(judging=Judging(low_traffic=LowTraffic.ASK)))
    story.site.users_meet = MEETINGS[meeting]
    step = story.live.step

    story.go_until(lambda: story.live.phase in (Phase.ROLLING_BACK, Phase.PAUSED))

    assert story.live.step == step
    if meeting == "too few":
        assert story.live.reason == f"too few requests for a verdict at {5 if reach is baking else 95} %"
    else:
        assert story.live.ending.phase in (Phase.FAILED, Phase.ROLLED_BACK)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*NEVER_A_PASS, "blind"]), min_size=1, max_size=40), st.booleans())
def test_no_sequence_of_readings_without_a_healthy_one_passes_a_step(meetings, after_promotion):
    story = promoted() if after_promotion else baking()
    for meeting in meetings:
        story.site.trouble = "503" if meeting == "blind" else None
        story.site.users_meet = MEETINGS.get(meeting, GOOD)
        story.wait(MINUTE).tick()
        if story.state.live is None or story.live.phase is Phase.ROLLING_BACK:
            break
    passed = [event.step for event in story.named(e.StepPassed)]
    assert passed == ([0, 2] if after_promotion else [])


def test_windows_of_before_the_weight_do_not_pass_a_step():
    story = at_gate().override("approve").tick()
    story.settle()
    story.site.users_meet = IDLE

    story.go_until(lambda: story.live.phase is Phase.ROLLING_BACK)

    assert story.named(e.StepPassed)[-1].step == 0


def test_a_verdict_that_grew_old_does_not_pass_a_step():
    patient = canary()
    slow = replace(patient.steps[0], bake=replace(BAKE, minimum=8 * MINUTE))
    story = baking(spec(strategy=replace(patient, steps=(slow, *patient.steps[1:]))))
    while story.web.judgement is None or story.web.judgement.verdict != "healthy":
        story.look()

    while story.now - story.live.baking_since < 10 * MINUTE:
        story.now = next_look(story.state)
        asked = needs(story.state, Tick(), story.now)
        seen = {need: () if isinstance(need, ReadWindows) else story.outside.read([need]).seen[need] for need in asked}
        story.tell(Tick(), Readings(seen))

    assert story.web.judgement.verdict == "healthy"
    assert (story.live.step, story.live.doing) == (0, Doing.BAKING)


def test_a_window_of_another_place_or_span_is_not_asked_for_twice():
    story = baking().wait(5 * MINUTE)
    asked = [need for need in needs(story.state, Tick(), story.now) if isinstance(need, ReadWindows)]
    story.tick()
    (first,) = asked
    assert story.web.analysis.newest == story.web.analysis.seen_until == first.until
    assert [n for n in needs(story.state, Tick(), story.now) if isinstance(n, ReadWindows)] == []


def test_after_promotion_the_candidate_is_measured_in_production_from_the_swap_on():
    story = promoted()
    swapped = story.web.candidate_since
    story.wait(5 * MINUTE)
    (asked,) = [need for need in needs(story.state, Tick(), story.now) if isinstance(need, ReadWindows)]
    assert asked.measured_at is Place.PRODUCTION
    assert asked.since >= swapped


def test_a_window_with_a_swap_in_it_is_dropped():
    story = promoted()
    story.wait(5 * MINUTE)
    (asked,) = [need for need in needs(story.state, Tick(), story.now) if isinstance(need, ReadWindows)]
    assert asked.since - story.web.candidate_since < MINUTE
    assert (asked.since - story.web.candidate_since).total_seconds() > 0


@pytest.mark.parametrize("guards", [(ERRORS,), (ERRORS, COMPARED)])
def test_a_promoted_version_is_judged_though_the_old_one_has_no_traffic(guards):
    story = promoted(spec(guards=guards, judging=Judging(hold_back=NONE)))
    story.site.stable_meets = NO_DATA

    ended = story.go_to_end()

    assert ended.phase is Phase.SUCCEEDED
    assert ended.ended - story.named(e.BakeStarted)[-1].at < BAKE.maximum / 2


def test_a_guard_that_does_not_compare_does_not_wait_for_the_stable_version():
    story = baking(spec(guards=(ERRORS,)))
    story.site.stable_meets = NO_DATA

    story.go_to(Doing.AWAITING_APPROVAL)

    assert story.now - story.named(e.BakeStarted)[0].at < BAKE.maximum / 2


def test_a_window_without_data_is_waited_for_before_it_counts_as_empty():
    story = baking()
    story.site.users_meet = NO_DATA
    story.wait(3 * MINUTE).tick()
    assert (story.web.analysis.newest, story.web.judgement) == (None, None)

    story.site.users_meet = GOOD
    story.look()

    assert story.web.judgement.verdict == "healthy"


def test_a_window_that_stays_without_data_is_judged_as_such():
    story = baking()
    story.site.users_meet = NO_DATA
    story.wait(6 * MINUTE).tick()
    assert story.web.judgement.verdict == "no-data"


def test_metrics_that_cannot_be_read_are_an_error_and_forget_nothing():
    story = baking().wait(4 * MINUTE)
    story.site.users_meet = BROKEN
    story.tick()
    assert story.web.judgement.verdict == "error"

    story.site.users_meet = GOOD
    story.go_to(Doing.AWAITING_APPROVAL)

    assert story.live.step == 1


@pytest.mark.parametrize("reach", [baking, at_gate, promoted])
def test_a_degraded_candidate_is_taken_back_at_the_next_look(reach):
    story = reach()
    story.site.users_meet = BAD
    story.wait(5 * MINUTE).tick()

    assert story.live.phase is Phase.ROLLING_BACK
    assert story.live.ending.reason.startswith("degraded: ")
    assert "errors: candidate " in story.live.ending.reason
    assert " outside the limit 5 %" in story.live.ending.reason
    assert story.go_to_end().phase is Phase.ROLLED_BACK
    assert (story.site.production, story.site.share) == ("1", 0)


@pytest.mark.parametrize("reach", [baking, at_gate, promoted])
def test_an_unreadable_version_holds_a_step_but_replaces_nobody(reach):
    story = reach().wait(5 * MINUTE)
    step = story.live.step
    asked = needs(story.state, Tick(), story.now)
    seen = {
        need: Trouble("502") if isinstance(need, ReadVersion) else story.outside.read([need]).seen[need]
        for need in asked
    }
    story.tell(Tick(), Readings(seen))

    assert (story.live.step, story.named(e.CandidateReplaced)) == (step, [])


@pytest.mark.parametrize(("reach", "place"), [(baking, "candidate"), (at_gate, "candidate"), (promoted, "production")])
def test_a_place_that_serves_another_version_takes_the_release_back_at_once(reach, place):
    story = reach().wait(5 * MINUTE)
    setattr(story.site, place, "9")
    story.tick()

    assert story.live.ending.phase is Phase.FAILED
    assert story.live.ending.reason == "candidate replaced: web serves 9 where 2 should be"
    assert story.web.wanted == 0


@pytest.mark.parametrize("found", [0, 1_000, 80_000])
def test_a_weight_that_somebody_moved_is_told_and_put_right(found):
    story = baking().wait(MINUTE * 2)
    story.site.share = found
    story.tick()

    (drift,) = story.named(e.DriftFound)
    assert (drift.found, drift.wanted) == (found, 5_000)
    assert story.web.observed == found
    story.settle()
    assert (story.site.share, story.web.observed) == (5_000, 5_000)


def test_a_rule_that_appears_after_promotion_is_told_as_the_candidates_share():
    story = promoted().wait(MINUTE * 2)
    story.site.share = 30_000
    story.tick()

    (drift,) = story.named(e.DriftFound)
    assert (drift.found, drift.wanted) == (70_000, 95_000)
    assert story.web.observed == 70_000
    story.settle()
    assert (story.site.share, story.web.observed) == (5_000, 95_000)


def test_drift_is_told_once_while_it_is_being_put_right():
    story = baking().wait(MINUTE * 2)
    story.site.share = 80_000
    story.tick().wait(MINUTE).tick()
    assert len(story.named(e.DriftFound)) == 1


def test_a_step_is_not_passed_while_the_weight_is_another_one():
    story = baking().wait(4 * MINUTE)
    story.site.share = 1_000
    story.tick()
    assert (story.live.step, story.web.is_settled) == (0, False)


def test_a_weight_that_the_router_rounds_is_no_drift():
    story = shifting()
    row = story.row()
    story.site.share = 4_900
    story.tell(_weight_was_set(row.id, story.web.generation, 4_900))
    story.wait(2 * MINUTE).tick()
    assert story.live.doing is Doing.BAKING
    assert story.named(e.DriftFound) == []


@pytest.mark.parametrize("share", [0, 3_900, 6_100, 100_000])
def test_a_weight_that_the_router_does_not_confirm_is_not_there(share):
    story = shifting()
    story.tell(_weight_was_set(story.row().id, story.web.generation, share))
    assert story.live.doing is Doing.SHIFTING
    assert story.row().attempt == 1


@pytest.mark.parametrize("reach", [baking, at_gate, clearing, promoted])
def test_after_a_rollback_began_nothing_raises_a_weight_again(reach):
    story = reach().override("rollback")
    while story.state.live is not None:
        assert (story.web.wanted, story.web.wanted_side) == (0, Side.STABLE)
        story.settle()
        if story.state.live is not None:
            story.look()
            story.site.finish_swap()


def _weight_was_set(row, generation, share):
    return WeightWasSet(row, generation, Weight(share))
