"""The demo counts a step's requests and no other's, and knows how far chance may take a share."""

import pytest

from local.story.seen import LoadSeen, RolloutSeen
from local.story.shares import StepMeter, StepShare


def rollout(*, wanted, observed=None, doing="baking", phase="progressing", step=0):
    return RolloutSeen(
        id="shop-1",
        version="2",
        phase=phase,
        doing=doing,
        step=step,
        plan=(5.0, 25.0, 100.0),
        wanted=wanted,
        observed=wanted if observed is None else observed,
        guards=(),
        reason="",
        pinned_until=None,
        pinned_requests=None,
    )


def load(stable, candidate, *, in_flight=0):
    return LoadSeen(
        sent=stable + candidate + in_flight,
        answered=stable + candidate,
        lost=0,
        requests={"1": stable, "2": candidate},
    )


def share(**changes):
    plain = {"version": "2", "label": "step 1", "wanted": 25.0, "requests": 1000, "to_candidate": 250, "in_flight": 0}
    return StepShare(**{**plain, **changes})


def test_a_step_counts_from_after_its_first_look_to_before_its_last():
    meter = StepMeter("2")

    meter.look(load(100, 0), rollout(wanted=5.0), load(110, 1))
    meter.look(load(205, 6), rollout(wanted=5.0), load(300, 40))

    assert [(each.requests, each.to_candidate) for each in meter.shares] == [(100, 5)]


def test_what_passes_between_two_steps_belongs_to_neither():
    meter = StepMeter("2")

    meter.look(load(0, 0), rollout(wanted=5.0), load(0, 0))
    meter.look(load(95, 5), rollout(wanted=5.0), load(96, 5))
    meter.look(load(120, 20), rollout(wanted=25.0, step=1), load(130, 25))
    meter.look(load(205, 50), rollout(wanted=25.0, step=1), load(205, 50))

    assert [(each.label, each.wanted, each.requests, each.to_candidate) for each in meter.shares] == [
        ("step 1", 5.0, 100, 5),
        ("step 2", 25.0, 100, 25),
    ]


@pytest.mark.parametrize(
    "unsettled",
    [
        rollout(wanted=25.0, observed=5.0, step=1, doing="shifting traffic"),
        rollout(wanted=5.0, doing="swapping", phase="promoting"),
        rollout(wanted=25.0, observed=5.0, step=1),
    ],
)
def test_nothing_is_counted_while_traffic_is_being_moved(unsettled):
    meter = StepMeter("2")

    meter.look(load(0, 0), unsettled, load(10, 10))
    meter.look(load(50, 50), unsettled, load(60, 60))

    assert meter.shares == []


def test_a_pause_is_the_same_step():
    meter = StepMeter("2")

    meter.look(load(0, 0), rollout(wanted=5.0), load(0, 0))
    meter.look(load(95, 5), rollout(wanted=5.0, phase="paused"), load(95, 5))
    meter.look(load(190, 10), rollout(wanted=5.0), load(190, 10))

    assert [(each.label, each.requests) for each in meter.shares] == [("step 1", 200)]


def test_a_rollout_that_ended_at_0_is_measured_as_taken_back():
    meter = StepMeter("2")

    meter.look(load(0, 0), rollout(wanted=0.0, phase="rolled-back", doing="nothing"), load(0, 7))
    meter.look(load(100, 7), rollout(wanted=0.0, phase="rolled-back", doing="nothing"), load(100, 7))

    assert [(each.label, each.share, each.fits) for each in meter.shares] == [("taken back", 0.0, True)]


@pytest.mark.parametrize(("to_candidate", "fits"), [(250, True), (304, True), (196, True), (305, False), (195, False)])
def test_a_share_fits_within_four_standard_errors(to_candidate, fits):
    # 4 * sqrt(0.25 * 0.75 / 1000) is 5.477 %
    assert share(to_candidate=to_candidate).fits is fits


def test_at_all_and_at_nothing_there_is_no_chance():
    assert share(wanted=100.0, to_candidate=1000).fits
    assert not share(wanted=100.0, to_candidate=999).fits
    assert not share(wanted=0.0, to_candidate=1).fits


def test_requests_under_way_when_the_step_began_are_allowed_for():
    assert share(wanted=100.0, to_candidate=997, in_flight=3).fits
    assert not share(wanted=100.0, to_candidate=996, in_flight=3).fits


def test_a_step_without_requests_proves_nothing():
    assert share(requests=0, to_candidate=0).share is None
    assert not share(requests=0, to_candidate=0).fits


@pytest.mark.parametrize(("standard_errors", "tolerance"), [(3, 4.11), (4, 5.48)])
def test_a_story_says_how_far_chance_may_take_its_shares(standard_errors, tolerance):
    meter = StepMeter("2", standard_errors=standard_errors)
    meter.look(load(0, 0), rollout(wanted=25.0), load(0, 0))
    meter.look(load(750, 250), rollout(wanted=25.0), load(760, 250))

    assert meter.shares[0].tolerance == pytest.approx(tolerance, abs=0.005)
