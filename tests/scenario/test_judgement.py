"""The judgement in the engine: attempts, hold-back, late windows, silence, little traffic and pushed windows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.application import aggregate as aggregates
from shared.domain.analysis.measurement import Lack, Missing
from shared.domain.analysis.sequence import AnalysisState
from shared.domain.rollout.judging import config_for
from shared.domain.rollout.spec import Judging, LowTraffic, Notification, Place, Topic
from shared.domain.rollout.weight import Weight
from shared.domain.wake_up import WakeUp
from tests.scenario.kills import KilledError, Killer, killable_keeping
from tests.scenario.pushed_world import PushedWorld, report
from tests.scenario.world import QUEUE, SPEC, World

DEFAULTS = SPEC[: SPEC.index("guards:")]
"""The default guards: errors, latency and the candidate's share."""
SHORT = SPEC.replace("[5, 25, 50]", "[5]")
WAKE = WakeUp(key="application:shop", fence="")
HOOK = Notification(name="ops", url="https://example.org/hook", topics=tuple(Topic))


def analysis(world: World) -> AnalysisState:
    live = aggregates.load(world.keeping.store, WAKE.key).application.live
    assert live is not None
    return live.targets[0].analysis


def at_bake(world: World, rollout: str, share: float):
    return lambda: world.rollout(rollout)["doing"] == "baking" and world.share() == share


def in_promotion_bake(world: World, rollout: str):
    return lambda: world.rollout(rollout)["doing"] == "baking" and world.production() == "2"


def because(world: World, rollout: str) -> list[str]:
    return [line["because"] for line in world.events(rollout) if line["type"] == "HoldBackEnded"]


def told(world: World, topic: str) -> int:
    return sum(f'"{topic}"' in posted.body for posted in world.notifier.posted)


# Retries


def test_each_retry_of_a_version_is_another_attempt_and_has_less_alpha_to_spend(world):
    alphas = []
    rollout = world.deploy("2", error_rate=0.5)
    for attempt in (1, 2, 3):
        assert world.run_to_end(rollout) == "rolled-back"
        assert world.rollout(rollout)["attempt"] == attempt
        alphas.append(config_for(world.spec, attempt).alpha)
        rollout = world.override("retry") if attempt < 3 else rollout
    assert alphas == sorted(alphas, reverse=True)
    assert sum(alphas) <= world.spec.judging.alpha


def test_a_new_deployment_of_a_version_that_was_taken_back_is_a_retry(world):
    world.run_to_end(world.deploy("2", error_rate=0.5))
    again = world.deploy("2")
    assert world.run_to_end(again) == "succeeded"
    assert world.rollout(again)["attempt"] == 2

    other = world.deploy("3")
    world.run_to_end(other)
    assert world.rollout(other)["attempt"] == 1


def test_what_was_learnt_before_traffic_moved_is_told(world):
    world.run_for(timedelta(minutes=90))
    rollout = world.deploy("2")
    world.settle()
    (passed,) = [line for line in world.events(rollout) if line["type"] == "PreflightPassed"]
    assert passed["learned"]["web"]["minutes"] == 60
    assert passed["learned"]["web"]["requests_per_second"] == pytest.approx(20)


# The hold-back


def test_users_are_held_back_while_the_promoted_version_bakes_and_then_let_go(world):
    rollout = world.deploy("2")
    world.run_until(in_promotion_bake(world, rollout))
    assert (world.share(), world.rollout(rollout)["weight"]) == (5, 95)

    assert world.run_to_end(rollout) == "succeeded"

    assert (world.share(), world.production()) == (0, "2")
    assert because(world, rollout) == ["every target was judged healthy in production"]
    assert world.rollout(rollout)["pinned_until"] is not None
    happened = world.happened(rollout)
    assert happened[happened.index("HoldBackEnded") :] == ["HoldBackEnded", "WeightObserved", "RolloutEnded"]


@pytest.mark.parametrize("how", ["alert", "override", "errors"])
def test_a_rollback_while_users_are_held_back_leaves_the_old_version_with_everyone(world, how):
    rollout = world.deploy("2")
    world.run_until(in_promotion_bake(world, rollout))
    if how == "alert":
        world.alert()
    elif how == "override":
        world.override("rollback")
    else:
        world.site.deploy(world.target, Place.PRODUCTION, "2", error_rate=0.3)
    rules = []
    world.site.before_set_share = rules.append

    assert world.run_to_end(rollout) == "rolled-back"

    assert (world.share(), world.production()) == (0, "1")
    assert set(rules) <= {0}
    assert world.rollout(rollout)["targets"][0]["observed"] == 0


def test_a_slot_that_ci_overwrites_meanwhile_gets_no_users(world):
    world.respec(judging=Judging(hold_back=Weight(20_000)))
    rollout = world.deploy("2")
    world.run_until(in_promotion_bake(world, rollout))
    assert world.share() == 20
    newer = world.deploy("3")
    world.settle()
    assert world.share() == 0
    assert because(world, rollout) == ["their place serves 3 where 1 should be"]

    assert world.run_to_end(rollout) == "succeeded"
    assert world.run_to_end(newer) == "succeeded"
    assert world.production() == "3"


def test_a_rule_that_somebody_moves_while_users_are_held_back_is_put_right(world):
    rollout = world.deploy("2")
    world.run_until(in_promotion_bake(world, rollout))
    world.site.move_by_hand(world.target, 60_000)
    world.run_for(timedelta(minutes=1, seconds=5))
    assert world.share() == 5
    assert "DriftFound" in world.happened(rollout)
    assert world.run_to_end(rollout) == "succeeded"


def test_a_person_promotes_before_any_weight_and_users_are_held_back_on_what_is_verified(tmp_path):
    world = World(tmp_path, SPEC.replace("[5, 25, 50]", "[{weight: 5, gate: {name: qa, timeout: 4h}}]"))
    rollout = world.deploy("2")
    world.run_until(lambda: world.phase(rollout) == "waiting")
    world.override("promote")
    world.run_until(in_promotion_bake(world, rollout))
    assert world.share() == 5
    assert world.run_to_end(rollout) == "succeeded"


def test_a_promotion_bake_without_a_verdict_can_be_ended_by_a_person(world):
    rollout = world.deploy("2")
    world.run_until(in_promotion_bake(world, rollout))
    world.site.send(world.target, 0.02)
    world.run_for(timedelta(hours=3))
    assert world.phase(rollout) == "promoting"

    world.override("skip", "looks good")

    assert world.run_to_end(rollout) == "succeeded"
    assert world.share() == 0


def test_a_spec_without_a_hold_back_compares_with_what_was_learnt_before(tmp_path):
    world = World(tmp_path)
    world.respec(judging=Judging(hold_back=Weight(0)))
    world.run_for(timedelta(minutes=30))
    rollout = world.deploy("2")
    assert world.run_to_end(rollout) == "succeeded"
    assert because(world, rollout) == []


def test_a_worker_killed_at_any_write_while_users_are_held_back_changes_nothing_about_the_end(tmp_path):
    counting = Killer()
    wanted, calls = held_back_with(tmp_path / "clean", counting), counting.calls
    assert len(calls) > 10

    for at in range(1, len(calls) + 1):
        for after in (False, True):
            assert held_back_with(tmp_path / f"{at}-{after}", Killer(at, after=after)) == wanted, (at, after)


@pytest.mark.parametrize("moment", ["before_set_share", "after_set_share"])
@pytest.mark.parametrize("share", [5_000, 0])
def test_a_worker_killed_around_the_call_that_holds_users_back_changes_nothing_about_the_end(tmp_path, moment, share):
    world = World(tmp_path, SHORT)
    rollout = world.deploy("2", event="e")
    world.run_until(lambda: world.rollout(rollout)["doing"] == "swapping")

    def kill(asked: int) -> None:
        if asked == share:
            setattr(world.site, moment, lambda asked: None)
            raise KilledError(moment)

    world.site.move_by_hand(world.target, 7_000)
    setattr(world.site, moment, kill)

    assert world.run_to_end(rollout) == "succeeded"
    assert (world.share(), world.production()) == (0, "2")
    assert world.happened(rollout)[-1] == "RolloutEnded"


def held_back_with(folder, killer: Killer) -> list[str]:
    folder.mkdir()
    world = World(folder, SHORT)
    rollout = world.deploy("2", event="e")
    world.run_until(lambda: world.production() == "2")
    world.change = killable_keeping(killer)
    world.start()
    assert world.run_to_end(rollout) == "succeeded"
    world.run_for(timedelta(minutes=10))
    assert (world.share(), world.production()) == (0, "2")
    assert [call.method for call in world.site.calls].count("begin_swap") == 1
    return world.happened(rollout)


# Windows that come late, or never


def delay(world: World, minutes: set[int], until: timedelta) -> None:
    """Let the windows of these minutes after now have values only this long after their end."""
    read, began = world.site.read_windows, world.clock.now()
    nothing = Missing(Lack.NO_DATA, "not yet")

    def read_delayed(question):
        return tuple(
            replace(window, candidate=nothing, stable=nothing)
            if (window.start - began) // timedelta(minutes=1) in minutes and window.end + until > world.clock.now()
            else window
            for window in read(question)
        )

    world.site.read_windows = read_delayed


def test_late_windows_all_count_and_hold_nothing_up(tmp_path):
    (tmp_path / "late").mkdir()
    (tmp_path / "clean").mkdir()
    spec = SPEC.replace("min: 2m", "min: 15m")
    late, clean = World(tmp_path / "late", spec), World(tmp_path / "clean", spec)
    counted = []
    for world in (late, clean):
        rollout = world.deploy("2")
        if world is late:
            delay(world, {3, 4, 7, 9}, timedelta(minutes=5))
        world.run_until(lambda world=world, rollout=rollout: world.share() == 25 or world.rollout(rollout)["ended"])
        counted.append(analysis(world).windows)
        assert world.run_to_end(rollout) == "succeeded"
    assert counted[0] == counted[1]


def test_windows_that_are_lost_for_good_hold_only_while_they_are_the_newest(world):
    rollout = world.deploy("2")
    delay(world, {1, 4, 6, 7, 12}, timedelta(days=9))
    assert world.run_to_end(rollout) == "succeeded"


def test_a_late_window_that_is_bad_takes_the_release_back(tmp_path):
    world = World(tmp_path, SPEC.replace("min: 2m", "min: 15m"))
    rollout = world.deploy("2")
    world.run_until(at_bake(world, rollout, 5))
    world.run_for(timedelta(minutes=1))
    delay(world, {0, 1}, timedelta(minutes=5))
    world.site.deploy(world.target, Place.CANDIDATE, "2", error_rate=0.6)
    world.run_for(timedelta(minutes=2))
    world.site.deploy(world.target, Place.CANDIDATE, "2")
    assert world.run_to_end(rollout) == "rolled-back"
    assert world.share() == 0


# A candidate that reports nothing


def silent_from_now(world: World) -> None:
    read, began = world.site.read_windows, world.clock.now()
    nothing = Missing(Lack.NO_DATA, "no series")
    world.site.read_windows = lambda question: tuple(
        replace(window, candidate=nothing) if window.end > began else window for window in read(question)
    )


def test_a_candidate_that_reports_nothing_pauses_and_is_never_promoted(tmp_path):
    world = World(tmp_path, DEFAULTS)
    world.respec(notifications=(HOOK,))
    world.run_for(timedelta(minutes=60))
    rollout = world.deploy("2")
    world.run_until(at_bake(world, rollout, 5))
    silent_from_now(world)

    world.run_until(lambda: world.phase(rollout) == "paused")

    assert "the candidate has reported nothing since" in world.rollout(rollout)["reason"]
    assert world.rollout(rollout)["targets"][0]["concern"] is not None
    assert told(world, "paused") == 1
    world.run_for(timedelta(hours=30))
    assert (world.phase(rollout), world.share()) == ("paused", 5)

    world.override("resume", "go on")
    assert world.run_to_end(rollout) == "failed"
    assert "StepPassed" not in world.happened(rollout)


def test_a_candidate_that_loses_half_of_its_requests_pauses_and_a_person_may_accept_it(tmp_path):
    world = World(tmp_path, DEFAULTS)
    world.run_for(timedelta(minutes=60))
    rollout = world.deploy("2")
    read = world.site.read_windows

    def read_half(question):
        return tuple(
            replace(window, candidate=replace(window.candidate, requests=window.candidate.requests / 2))
            if not isinstance(window.candidate, Missing)
            else window
            for window in read(question)
        )

    world.site.read_windows = read_half
    world.run_until(lambda: world.phase(rollout) == "paused")
    assert "share" in world.rollout(rollout)["reason"]

    world.override("resume", "it is known")
    world.run_until(at_bake(world, rollout, 25))


# Little traffic


@pytest.mark.parametrize("low_traffic", LowTraffic)
def test_with_too_few_requests_nothing_advances_and_people_are_told(world, low_traffic):
    world.respec(judging=Judging(low_traffic=low_traffic), notifications=(HOOK,))
    rollout = world.deploy("2")
    world.run_until(at_bake(world, rollout, 5))
    world.site.send(world.target, 0.4)
    world.run_for(timedelta(hours=10))

    assert world.share() == 5
    assert "StepPassed" not in world.happened(rollout)
    assert "too few requests for a verdict at 5 %" in world.rollout(rollout)["reason"]
    extended = world.happened(rollout).count("BakeExtended")
    if low_traffic is LowTraffic.ASK:
        assert (world.phase(rollout), extended, told(world, "paused")) == ("paused", 0, 1)
    else:
        times = 4 if low_traffic is LowTraffic.EXTEND else 1
        assert (world.phase(rollout), extended, told(world, "waiting")) == ("progressing", times, times)


def test_traffic_that_comes_back_takes_a_held_release_on(world):
    rollout = world.deploy("2")
    world.run_until(at_bake(world, rollout, 5))
    world.site.send(world.target, 0.4)
    world.run_for(timedelta(hours=5))
    world.site.send(world.target, 20)
    assert world.run_to_end(rollout) == "succeeded"


def test_a_bigger_first_step_fits_the_traffic_before(world):
    world.respec(judging=Judging(low_traffic=LowTraffic.BIGGER_FIRST_STEP))
    world.site.send(world.target, 2)
    world.run_for(timedelta(minutes=90))
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() > 0)

    assert world.share() == 13  # 30 requests in two minutes at 2 a second, in whole percents
    (passed,) = [line for line in world.events(rollout) if line["type"] == "PreflightPassed"]
    assert [step["weight"] for step in passed["plan"]] == [13, 25, 50, 100]
    assert world.rollout(rollout)["plan"] == passed["plan"]


# Windows that are pushed


class Senders:
    """Tell of each window when it is over what the site's users met."""

    def __init__(self, world: PushedWorld) -> None:
        self.world = world
        self.number = 0

    def tell(self, *, error_rate: float = 0.0) -> None:
        """Let a window pass, and push it."""
        self.world.at_window(self.number + 1)
        candidate = 1_000 * self.world.share() / 100
        stable = 1_000 - candidate
        reports = [report(self.number, version="1", requests=stable)]
        if candidate:
            reports.append(report(self.number, version="2", requests=candidate, failures=candidate * error_rate))
        self.world.push(*reports)
        self.number += 1


def pushed(folder) -> tuple[PushedWorld, Senders, str]:
    """Version 2 has 5 % of the users; what they met has been pushed for ten minutes."""
    world = PushedWorld(folder)
    senders = Senders(world)
    for _ in range(40):
        senders.tell()
        world.settle()
    rollout = world.deploy("2")
    world.settle()
    return world, senders, rollout


def test_a_pushed_window_is_judged_when_it_comes_and_nothing_is_asked_for_in_between(tmp_path):
    world, senders, rollout = pushed(tmp_path)
    assert world.share() == 5
    for _ in range(3):
        senders.tell()
        world.settle()
    looks = {call.at for call in world.site.calls if call.method == "read_version"}
    assert len(looks) == 4, "one at the start, and one for each window"
    assert analysis(world).windows > 0

    senders.tell(error_rate=1.0)
    world.settle()

    assert world.share() == 0
    assert world.phase(rollout) in ("rolling-back", "rolled-back")


def test_an_observed_wake_up_that_comes_twice_or_for_nothing_does_no_harm(tmp_path):
    world, senders, rollout = pushed(tmp_path)
    senders.tell()
    world.settle()
    version = aggregates.load(world.keeping.store, WAKE.key).envelope.version
    for _ in range(5):
        world.keeping.queue.send(replace(WAKE, observed=True))
    world.settle()
    assert aggregates.load(world.keeping.store, WAKE.key).envelope.version == version
    assert world.phase(rollout) == "progressing"


def test_senders_that_fall_silent_are_noticed_and_are_no_pass(tmp_path):
    world, senders, rollout = pushed(tmp_path)
    senders.tell()
    world.run_for(timedelta(minutes=2))
    assert world.rollout(rollout)["targets"][0]["verdict"] == "no-data"

    assert world.run_to_end(rollout) == "failed"
    assert "no-data" in world.rollout(rollout)["reason"]


def test_a_healthy_release_with_pushed_windows_is_promoted(tmp_path):
    world, senders, rollout = pushed(tmp_path)
    for _ in range(400):
        senders.tell()
        world.settle()
        if world.rollout(rollout)["ended"]:
            break
    assert world.phase(rollout) == "succeeded"
    assert world.broker.next_due(QUEUE) is None or world.rollout(rollout)["ended"]
