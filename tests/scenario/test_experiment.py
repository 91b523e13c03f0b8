"""Experiments on the virtual clock: both versions side by side, a report, and what follows from it."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from jsonschema import Draft202012Validator

from shared.domain.analysis.measurement import Lack, Missing
from shared.domain.errors import TryLaterError, UnansweredError
from shared.domain.rollout.audience import CarriedIn, RequestMark
from shared.domain.rollout.spec import Place
from shared.domain.rollout.timing import window_floor
from shared.domain.rollout.weight import Weight
from shared.wire.api_document import api_document
from tests.scenario.kills import KilledError, Killer, killable_keeping
from tests.scenario.world import SITE, World

WEB = f"{{name: web, kind: app-service-slot, resource: {SITE}, slot: candidate}}"
APP = f"{{name: app, kind: container-app, resource: {SITE.replace('Web/sites', 'App/containerApps')}}}"
ROUTE = """{name: route, kind: http-route, places: [blue, green],
     resource: "https://k.example/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/shop"}"""
PAID = "goal: {value: paid, better: higher}"
BETA = RequestMark(carried_in=CarriedIn.COOKIE, name="beta", value="1")
AUDIENCE = 'audience: {cookie: beta, value: "1", share: 20}'


def spec(
    *, target=WEB, goal=PAID, ends="after: 30m", promote="winner", more="", window="5m", bake="10m", over="5m"
) -> str:
    pages, pointer = (
        ("{kind: web, url: 'https://m.example/{version}?since={since}'}", "/paid")
        if target is ROUTE
        else ("", "OrdersPaid")
    )
    return f"""
application: shop
targets:
  - {target}
strategy:
  experiment:
    {goal}
    ends: {{{ends}}}
    promote: {promote}
    bake: {{min: {bake}, max: 3h}}
    {more}
deadlines: {{progress: 1h}}
metrics:
  window: {window}
  lag: 2m
  {f"source: {pages}" if pages else ""}
  values:
    - {{name: paid, kind: counter, query: {pointer}}}
guards:
  - {{name: errors, metric: error-rate, max: 5%, over: {over}, minimumRequests: 20}}
  - {{name: compared, metric: error-rate, ratio: {{max: 1.5, slack: 1%}}, over: {over}, minimumRequests: 20}}
"""


def begun(folder, *, stable=0.05, candidate=0.05, keeping=lambda kept: kept, **options):
    """Version 1 is paid by one share of its requests, version 2, just deployed, by another one."""
    world = World(folder, spec(**options), change=keeping, deploy_first=False)
    world.site.deploy(world.target, Place.PRODUCTION, "1", values={"paid": stable})
    return world, world.deploy("2", values={"paid": candidate})


def experiment(world, rollout) -> dict:
    return world.rollout(rollout)["experiment"]


def of(world, rollout, kind) -> list[dict]:
    return [line for line in world.events(rollout) if line["type"] == kind]


def undocumented(view: dict) -> list[str]:
    """What of a rollout's view the API's document does not allow."""
    schema = {"$ref": "#/components/schemas/Rollout", "components": api_document()["components"]}
    return [error.message for error in Draft202012Validator(schema).iter_errors(view)]


def is_compared(world, rollout) -> bool:
    return bool(of(world, rollout, "BakeStarted"))


def serves(world) -> str:
    """The version that a new user gets."""
    everyone_at_second = world.site.read_share(world.target) == 100_000
    return world.site.read_version(world.target, Place.CANDIDATE if everyone_at_second else Place.PRODUCTION)


@pytest.mark.parametrize("target", [WEB, APP], ids=["slot", "by weight"])
def test_a_better_candidate_wins_and_is_promoted_by_the_rule(tmp_path, target):
    world, rollout = begun(tmp_path, target=target, candidate=0.065)

    assert world.run_to_end(rollout) == "succeeded"
    assert serves(world) == "2"
    report = experiment(world, rollout)
    assert (report["winner"], report["over"]) == ("candidate", "time")
    assert report["words"].startswith("candidate wins by paid: +1.50 points")
    [ended] = of(world, rollout, "ExperimentEnded")
    assert (ended["winner"], ended["because"], ended["says"]) == ("candidate", "time", report["words"])


@pytest.mark.parametrize("target", [WEB, APP], ids=["slot", "by weight"])
def test_a_worse_candidate_loses_and_is_taken_back_with_the_report(tmp_path, target):
    world, rollout = begun(tmp_path, target=target, candidate=0.035)

    assert world.run_to_end(rollout) == "rolled-back"
    assert (serves(world), world.share()) == ("1", 0)
    assert world.rollout(rollout)["reason"].startswith("the experiment ended (time): stable wins by paid: -1.50 points")
    assert experiment(world, rollout)["winner"] == "stable"


def test_without_a_difference_there_is_no_evidence_and_it_is_taken_back(tmp_path):
    world, rollout = begun(tmp_path)

    assert world.run_to_end(rollout) == "rolled-back"
    assert serves(world) == "1"
    reason = world.rollout(rollout)["reason"]
    assert reason.startswith("the experiment ended (time): no evidence yet: 18,000 and 18,000 requests; effect +0.00")
    assert "would be seen by now" in reason
    assert experiment(world, rollout)["winner"] is None


def test_by_default_fewer_errors_win(tmp_path):
    world = World(tmp_path, spec(goal=""), deploy_first=False)
    world.site.deploy(world.target, Place.PRODUCTION, "1", error_rate=0.03)
    rollout = world.deploy("2", error_rate=0.01)

    assert world.run_to_end(rollout) == "succeeded"
    assert experiment(world, rollout)["words"].startswith("candidate wins by errors: -2.00 points")


def test_by_hand_it_waits_for_a_person_who_promotes(tmp_path):
    world, rollout = begun(tmp_path, promote="by-hand", candidate=0.065)
    world.run_until(lambda: world.phase(rollout) == "waiting")
    view = world.rollout(rollout)

    assert view["doing"] == "awaiting a decision"
    assert view["reason"].startswith("candidate wins by paid")
    world.run_for(timedelta(hours=2))
    assert (world.phase(rollout), serves(world), world.share()) == ("waiting", "1", 50)
    counted = experiment(world, rollout)
    world.override("promote")

    assert world.run_to_end(rollout) == "succeeded"
    assert serves(world) == "2"
    assert experiment(world, rollout) == counted


@pytest.mark.parametrize(("action", "phase"), [("abort", "aborted"), ("rollback", "rolled-back")])
def test_by_hand_it_waits_for_a_person_who_takes_it_back(tmp_path, action, phase):
    world, rollout = begun(tmp_path, promote="by-hand", candidate=0.065)
    world.run_until(lambda: world.phase(rollout) == "waiting")
    world.override(action)

    assert world.run_to_end(rollout) == phase
    assert (serves(world), world.share()) == ("1", 0)


def test_by_hand_it_does_not_wait_for_ever(tmp_path):
    world, rollout = begun(tmp_path, promote="by-hand", window="1h", over="1h", bake="1h", ends="after: 2h")
    world.run_until(lambda: world.phase(rollout) == "waiting")
    world.clock.time += timedelta(days=30)

    world.run_to_end(rollout)
    assert world.phase(rollout) == "failed"
    assert "nobody promoted the candidate within 30 days" in world.rollout(rollout)["reason"]
    assert world.share() == 0


def test_while_it_waits_for_a_person_a_degraded_candidate_is_taken_back(tmp_path):
    world, rollout = begun(tmp_path, promote="by-hand", candidate=0.065)
    world.run_until(lambda: world.phase(rollout) == "waiting")
    world.site.deploy(world.target, Place.CANDIDATE, "2", error_rate=0.4)

    assert world.run_to_end(rollout) == "rolled-back"
    assert world.rollout(rollout)["reason"].startswith("degraded")


def test_a_degraded_candidate_is_taken_back_at_once_whatever_the_goal_says(tmp_path):
    world = World(tmp_path, spec(window="1m"), deploy_first=False)
    world.site.deploy(world.target, Place.PRODUCTION, "1", values={"paid": 0.05})
    rollout = world.deploy("2", error_rate=0.3, values={"paid": 0.2})
    began = world.clock.time

    assert world.run_to_end(rollout) == "rolled-back"
    assert world.rollout(rollout)["reason"].startswith("degraded")
    assert world.clock.time - began < timedelta(minutes=15)
    assert not of(world, rollout, "ExperimentEnded")


def test_requests_that_were_not_divided_as_planned_void_the_verdict(tmp_path):
    world, rollout = begun(tmp_path, candidate=0.065)
    world.site.pin(world.target, Weight(20_000))

    assert world.run_to_end(rollout) == "rolled-back"
    assert (
        "no verdict: 60 % of 36,000 requests went to the candidate where 50 % were planned"
        in (world.rollout(rollout)["reason"])
    )
    report = experiment(world, rollout)
    assert (report["winner"], report["split"]["mismatch"]) == (None, True)
    assert report["goal"]["favours"] == "candidate"


def test_a_winner_ends_it_as_soon_as_it_is_decided(tmp_path):
    world, rollout = begun(tmp_path, candidate=0.075, ends="after: 2d, whenDecided: true")
    world.run_until(lambda: bool(of(world, rollout, "ExperimentEnded")))

    assert of(world, rollout, "ExperimentEnded")[0]["because"] == "decided"
    assert world.run_to_end(rollout) == "succeeded"
    assert experiment(world, rollout)["requests"] < 40_000


def test_it_ends_by_requests(tmp_path):
    world, rollout = begun(tmp_path, ends="requests: 30000")

    assert world.run_to_end(rollout) == "rolled-back"
    [ended] = of(world, rollout, "ExperimentEnded")
    assert ended["because"] == "requests"
    assert experiment(world, rollout)["requests"] == 30_000


def test_it_ends_by_time_also_when_nothing_can_be_counted_any_more(tmp_path):
    world, rollout = begun(tmp_path)
    world.run_until(lambda: is_compared(world, rollout))
    world.site.fail("read_windows", TryLaterError("the source is down"))

    assert world.run_to_end(rollout) == "rolled-back"
    assert "no evidence yet: the candidate had no requests yet" in world.rollout(rollout)["reason"]


def test_windows_that_come_twice_or_after_a_crash_count_once(tmp_path):
    killer = Killer()
    world, rollout = begun(tmp_path, keeping=killable_keeping(killer))
    for call in count():
        killer.at, killer.after = len(killer.calls) + 1 + call % 3, call % 2 == 0
        world.run_for(timedelta(minutes=4))
        if of(world, rollout, "ExperimentEnded"):
            break

    killed = [str(failure) for failure in world.failures if isinstance(failure, KilledError)]
    assert killed.count("SqliteRolloutStore.commit") > 3
    report = experiment(world, rollout)
    assert report["requests"] == 20 * 1_800
    assert report["split"]["observed"] == 0.5


def test_a_window_that_comes_late_and_those_that_are_read_again_meanwhile_count_once(tmp_path):
    world, rollout = begun(tmp_path, window="1m")
    world.run_until(lambda: is_compared(world, rollout))
    late = window_floor(world.clock.time, timedelta(minutes=1)) + timedelta(minutes=10)
    whole = world.site.read_windows

    def without_the_late_one(question):
        lacking = Missing(Lack.NO_DATA, "not here yet")
        is_here = world.clock.time >= late + timedelta(minutes=6)
        return tuple(
            window if is_here or window.start != late else replace(window, candidate=lacking)
            for window in whole(question)
        )

    world.site.read_windows = without_the_late_one
    world.run_until(lambda: bool(of(world, rollout, "ExperimentEnded")))

    assert experiment(world, rollout)["requests"] == 20 * 1_800


def test_what_was_counted_while_somebody_else_had_moved_the_weight_does_not_count(tmp_path):
    world, rollout = begun(tmp_path)
    world.run_until(lambda: is_compared(world, rollout))
    world.run_for(timedelta(minutes=7))
    world.site.move_by_hand(world.target, Weight(5_000))
    world.site.fail("set_share", until=world.clock.time + timedelta(minutes=13))

    world.run_to_end(rollout)
    report = experiment(world, rollout)
    assert report["split"]["observed"] == pytest.approx(0.5)
    assert 6_000 <= report["requests"] <= 24_000


def test_the_report_can_be_read_at_any_time(tmp_path):
    world, rollout = begun(tmp_path, candidate=0.065)
    world.run_until(lambda: is_compared(world, rollout))
    world.run_for(timedelta(minutes=15))
    report = experiment(world, rollout)

    assert report["over"] is None
    assert report["requests"] > 0
    assert undocumented(world.rollout(rollout)) == []
    assert report["goal"]["candidate"]["share"] == pytest.approx(0.065)
    assert world.rollout(rollout)["plan"][0]["experiment"]["after_seconds"] == 1800


def test_users_who_may_change_sides_are_told_of(tmp_path):
    (tmp_path / "slot").mkdir()
    (tmp_path / "app").mkdir()
    sticky, rollout = begun(tmp_path / "slot")
    sticky.run_until(lambda: is_compared(sticky, rollout))
    loose, other = begun(tmp_path / "app", target=APP)
    loose.run_until(lambda: is_compared(loose, other))

    assert experiment(sticky, rollout)["notes"] == []
    assert "keeps no user at one of them" in experiment(loose, other)["notes"][0]


def test_a_winner_is_promoted_only_when_it_is_well(tmp_path):
    world, rollout = begun(tmp_path, candidate=0.065)
    world.run_until(lambda: is_compared(world, rollout))
    world.run_for(timedelta(minutes=25))
    world.site.send(world.target, 0)

    assert world.run_to_end(rollout) == "failed"
    assert experiment(world, rollout)["winner"] == "candidate"
    assert "the candidate won its experiment and was not judged healthy in time" in world.rollout(rollout)["reason"]
    assert serves(world) == "1"


def on_a_route(folder, **options):
    """A fifth of the users bear the mark."""
    world, rollout = begun(folder, target=ROUTE, more=options.pop("more", AUDIENCE), **options)
    world.site.mark(world.target, Weight(20_000))
    return world, rollout


def audience(world):
    return world.site.read_audience(world.target)


def test_an_audience_meets_the_candidate_and_is_let_go_with_the_promotion(tmp_path):
    world, rollout = on_a_route(tmp_path, candidate=0.07)
    world.run_until(lambda: is_compared(world, rollout))
    assert (audience(world), world.share()) == (BETA, 0)

    assert world.run_to_end(rollout) == "succeeded"
    assert (audience(world), serves(world)) == (None, "2")
    report = experiment(world, rollout)
    assert report["winner"] == "candidate"
    assert (report["split"]["planned"], report["split"]["observed"]) == (pytest.approx(0.2), pytest.approx(0.2))
    assert [line["mark"] for line in of(world, rollout, "AudienceObserved")][-1] is None


def test_nobody_is_sent_by_a_mark_to_a_place_that_is_not_well(tmp_path):
    world, rollout = on_a_route(tmp_path)
    world.site.fail("set_audience", times=1)
    world.run_until(lambda: any(call.method == "set_audience" for call in world.site.calls))
    world.site.deploy(world.target, Place.CANDIDATE, "2", healthy=False, values={"paid": 0.05})
    world.run_for(timedelta(minutes=3))

    assert audience(world) is None
    world.site.deploy(world.target, Place.CANDIDATE, "2", values={"paid": 0.05})
    world.run_until(lambda: is_compared(world, rollout))
    assert audience(world) == BETA


@pytest.mark.parametrize("how", ["degraded", "by hand", "no evidence"])
def test_a_rollback_is_not_over_before_the_audience_is_removed(tmp_path, how):
    world, rollout = on_a_route(tmp_path)
    world.run_until(lambda: is_compared(world, rollout))
    world.site.fail("set_audience", until=world.clock.time + timedelta(minutes=100))
    if how == "degraded":
        world.site.deploy(world.target, Place.CANDIDATE, "2", error_rate=0.4)
    if how == "by hand":
        world.override("rollback")
    world.run_for(timedelta(minutes=90))

    assert world.phase(rollout) == "stuck"
    assert audience(world) == BETA
    assert world.run_to_end(rollout) == "rolled-back"
    assert audience(world) is None


def test_an_audience_that_comes_back_before_the_end_of_a_rollback_is_removed_again(tmp_path):
    world, rollout = on_a_route(tmp_path)
    world.run_until(lambda: is_compared(world, rollout))
    world.site.fail("set_audience", UnansweredError("no answer"), applied=True, times=1)
    world.override("rollback")
    world.run_until(lambda: world.rollout(rollout)["doing"] == "letting begun calls end")
    world.site.set_audience(world.target, BETA)

    assert world.run_to_end(rollout) == "rolled-back"
    assert audience(world) is None
    assert of(world, rollout, "AudienceMoved")


def test_an_audience_that_somebody_else_changed_is_put_right(tmp_path):
    world, rollout = on_a_route(tmp_path)
    world.run_until(lambda: is_compared(world, rollout))
    world.site.set_audience(world.target, None)
    world.run_for(timedelta(minutes=10))

    assert audience(world) == BETA
    assert of(world, rollout, "AudienceMoved")


def test_an_audience_that_chance_did_not_divide_has_no_split_to_check(tmp_path):
    world, rollout = on_a_route(tmp_path, candidate=0.07, more=AUDIENCE.replace(", share: 20", ""))
    world.run_until(lambda: is_compared(world, rollout))
    world.run_for(timedelta(minutes=15))
    report = experiment(world, rollout)

    assert report["split"] is None
    assert "may differ in more than the version" in report["notes"][-1]
