"""What goes on by itself waits for release windows; taking back never does, and a person may go against them."""

from datetime import timedelta

import pytest

from shared.domain.errors import InvalidError, RejectedError
from shared.domain.rollout.spec import Place
from shared.wire.house_calendar import parse_house_windows
from shared.wire.spec import parse_spec
from tests.scenario.world import NOON, SHOP, SPEC, World

HOUR = timedelta(hours=1)
# Noon of a Monday in November, UTC.
FROM_TWO = '{name: afternoon, allow: "0 14 * * *", for: 2h, actions: [ACTIONS]}'
UNTIL_TWO = '{name: lunch, deny: "0 12 * * *", for: 2h, actions: [ACTIONS]}'


def spec(window, actions="start, advance, promote"):
    return SPEC + f"releaseWindows:\n  - {window.replace('ACTIONS', actions)}\n"


def entered(world, rollout):
    """When each step was entered, and why."""
    return [(line["at"][11:16], line["because"]) for line in world.events(rollout) if line["type"] == "StepEntered"]


@pytest.mark.parametrize("window", [FROM_TWO, UNTIL_TWO])
def test_nothing_starts_outside_its_window_and_the_wait_says_until_when(tmp_path, window):
    world = World(tmp_path, spec(window, "start"))
    rollout = world.deploy("2")
    world.run_for(HOUR)

    view = world.rollout(rollout)
    assert view["phase"] == "pending"
    assert "it is allowed again at 2026-11-23 14:00:00 UTC" in view["reason"]
    assert world.share() == 0
    world.run_until(lambda: world.share() > 0)
    assert NOON + 2 * HOUR <= world.clock.time < NOON + 2 * HOUR + timedelta(minutes=2)
    assert world.run_to_end(rollout) == "succeeded"


def test_what_waits_is_told_once(tmp_path):
    world = World(tmp_path, spec(UNTIL_TWO, "start"))
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() > 0)

    assert world.happened(rollout).count("RolloutHeld") == 1


def test_a_weight_that_was_judged_waits_for_the_window_and_no_deadline_passes_meanwhile(tmp_path):
    world = World(tmp_path, spec('{name: quiet, deny: "2 12 * * *", for: 5h, actions: [advance]}'))
    rollout = world.deploy("2")
    world.run_for(4 * HOUR)

    view = world.rollout(rollout)
    assert (world.share(), view["phase"]) == (5, "progressing")
    assert "release window quiet denies advance" in view["reason"]
    assert world.run_to_end(rollout) == "succeeded"


def test_the_promotion_waits_for_a_window_of_its_own(tmp_path):
    world = World(tmp_path, spec('{name: morning, allow: "0 20 * * *", for: 2h, actions: [promote]}'))
    rollout = world.deploy("2")
    world.run_for(5 * HOUR)

    assert (world.share(), world.production()) == (50, "1")
    world.run_until(lambda: world.production() == "2")
    assert world.clock.time >= NOON + 8 * HOUR
    assert world.run_to_end(rollout) == "succeeded"


def test_a_switch_without_a_preview_waits_for_the_window_of_promotions(tmp_path):
    switch = (
        SPEC[: SPEC.index("  canary:")]
        + "  blueGreen:\n    bake: {min: 5m, max: 30m}\n"
        + SPEC[SPEC.index("metrics:") :]
    )
    world = World(
        tmp_path, switch + 'releaseWindows:\n  - {name: lunch, deny: "0 12 * * *", for: 2h, actions: [promote]}\n'
    )
    rollout = world.deploy("2")
    world.run_for(HOUR)

    assert world.production() == "1"
    assert "release window lunch denies promote" in world.rollout(rollout)["reason"]
    world.run_until(lambda: world.production() == "2")
    assert NOON + 2 * HOUR <= world.clock.time < NOON + 2 * HOUR + timedelta(minutes=5)
    assert world.run_to_end(rollout) == "succeeded"


def test_what_is_bad_is_taken_back_at_once_whatever_the_window(tmp_path):
    world = World(tmp_path, spec('{name: quiet, deny: "2 12 * * *", for: 12h}'))
    rollout = world.deploy("2")
    world.run_for(2 * HOUR)
    world.site.deploy(world.target, Place.CANDIDATE, "2", error_rate=0.5)

    assert world.run_to_end(rollout) == "rolled-back"
    assert world.clock.time < NOON + 3 * HOUR


def test_what_was_good_when_the_window_opens_must_still_be_good(tmp_path):
    world = World(tmp_path, spec('{name: quiet, deny: "2 12 * * *", for: 2h, actions: [advance]}'))
    rollout = world.deploy("2")
    world.run_for(2 * HOUR - timedelta(minutes=1))
    world.site.deploy(world.target, Place.CANDIDATE, "2", error_rate=0.5)

    assert world.run_to_end(rollout) == "rolled-back"
    assert max(call.detail for call in world.site.calls if call.method == "set_share") == "5000"


@pytest.mark.parametrize("action", ["skip", "promote"])
def test_a_person_goes_on_against_the_window_and_history_says_so(tmp_path, action):
    world = World(tmp_path, spec('{name: quiet, deny: "2 12 * * *", for: 12h}'))
    rollout = world.deploy("2")
    world.run_for(HOUR)
    world.override(action, "hotfix")
    world.settle()

    _, because = entered(world, rollout)[-1]
    assert "by alice: hotfix" in because
    assert "against the calendar: release window quiet denies" in because


def test_a_return_after_success_waits_for_no_window(tmp_path):
    world = World(tmp_path, SPEC)
    world.run_to_end(world.deploy("2"))
    world.app.intake.accept_spec(parse_spec(spec('{name: never, deny: "0 0 * * *", for: 24h}').encode()), "test")
    back = world.override("rollback")

    assert world.run_to_end(back) == "succeeded"
    assert world.production() == "1"


def test_windows_of_the_house_hold_every_application(tmp_path):
    house = parse_house_windows(
        '- {name: black-friday, deny: {from: "2026-11-23T00:00:00", until: "2026-11-24T00:00:00"}}'
    )
    world = World(tmp_path, SPEC, house=house)
    rollout = world.deploy("2")
    world.run_for(6 * HOUR)

    assert world.phase(rollout) == "pending"
    assert "black-friday" in world.rollout(rollout)["reason"]
    world.run_until(lambda: world.share() > 0, 12 * HOUR)
    assert world.clock.time >= NOON + 12 * HOUR


def test_windows_of_the_house_that_are_taken_away_let_go_within_a_quarter_of_an_hour(tmp_path):
    house = parse_house_windows(
        '- {name: black-friday, deny: {from: "2026-11-23T00:00:00", until: "2026-11-30T00:00:00"}}'
    )
    world = World(tmp_path, SPEC, house=house)
    rollout = world.deploy("2")
    world.run_for(HOUR)
    assert world.phase(rollout) == "pending"

    world.house = ()
    world.start()
    world.run_until(lambda: world.share() > 0, timedelta(minutes=20))
    assert world.phase(rollout) == "progressing"


@pytest.mark.parametrize("action", ["skip", "promote"])
def test_who_skips_begins_in_a_closed_window_and_nothing_else_does(tmp_path, action):
    world = World(tmp_path, spec('{name: quiet, deny: "0 12 * * *", for: 12h, actions: [start]}'))
    rollout = world.deploy("2")
    world.run_for(HOUR)
    if action == "promote":
        with pytest.raises(RejectedError, match="skip begins it all the same"):
            world.override(action)
        return
    world.override(action, "hotfix")
    assert world.run_to_end(rollout) == "succeeded"
    (passed,) = [line for line in world.events(rollout) if line["type"] == "WindowSkipped"]
    assert passed["because"].startswith("window skipped by alice: hotfix (against the calendar: release window quiet")
    assert (passed["action"], passed["by"]) == ("start", "alice")


def test_a_window_that_never_opens_says_so_and_abort_still_ends_it(tmp_path):
    world = World(tmp_path, spec('{name: once, allow: {from: "2020-01-01T00:00:00", until: "2020-01-02T00:00:00"}}'))
    rollout = world.deploy("2")
    world.run_for(HOUR)

    assert "at no time within a year" in world.rollout(rollout)["reason"]
    world.override("abort")
    assert world.run_to_end(rollout) == "aborted"


def test_a_newer_deployment_takes_the_place_of_one_that_waits_for_a_window(tmp_path):
    world = World(tmp_path, spec(UNTIL_TWO))
    first = world.deploy("2")
    world.run_for(HOUR / 2)
    second = world.deploy("3")
    world.run_until(lambda: world.share() > 0)

    assert world.phase(first) == "aborted"
    assert world.rollout(second)["phase"] == "progressing"


def test_a_spec_without_windows_makes_what_waits_start(tmp_path):
    world = World(tmp_path, spec(UNTIL_TWO))
    rollout = world.deploy("2")
    world.run_for(HOUR / 2)
    world.respec(calendar=())
    world.run_until(lambda: world.share() > 0, timedelta(minutes=5))

    assert world.phase(rollout) == "progressing"
    assert world.app.views.application(SHOP)["live"]["id"] == rollout


def test_windows_of_the_house_that_cannot_be_read_are_refused_by_their_path():
    with pytest.raises(InvalidError, match=r"releaseWindows\[0\]\.timeZone"):
        parse_house_windows('- {name: night, deny: "0 22 * * *", for: 8h, timeZone: Mars/Base}')
    with pytest.raises(InvalidError):
        parse_house_windows("name: night")
    assert parse_house_windows("  ") == ()
