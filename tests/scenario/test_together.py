"""Several applications as one release: they go on together, and what one cannot keep, all give back in reverse."""

import json
from datetime import timedelta

import pytest

from shared.domain.errors import InvalidError, RejectedError, TryLaterError
from shared.domain.names import ApplicationName, application_key, release_key
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.spec import Place
from shared.domain.wake_up import WakeUp
from shared.ports.rollout_store import Change
from tests.scenario.together_world import WHOLE, TogetherWorld
from tests.scenario.world import QUEUE

TWO = ("db", "web")
THREE = ("db", "api", "web")
HOUR = timedelta(hours=1)
NO_RETURN = """
hooks:
  - {name: migrate, at: before-promotion, pointOfNoReturn: true, webhook: {url: "https://hooks.example/migrate"}}
"""


@pytest.fixture
def world(tmp_path):
    return TogetherWorld(tmp_path, *TWO)


@pytest.fixture
def three(tmp_path):
    return TogetherWorld(tmp_path, *THREE)


def opened(world) -> list[str]:
    return [line["stage"] for line in world.lines() if line["type"] == "StageOpened"]


def at_stage(world, stage: str) -> bool:
    """Whether all members are past their wait for this stage, and not at the next one yet."""
    moving = all(member["standing"] in ("moving", "waiting") for member in world.whole()["members"])
    return world.whole()["opened"] == stage and moving


def is_moving(world, stage: str, name: str) -> bool:
    """Whether the application is on its way in this stage, and its users meet version 2."""
    member = world.member(name)
    return world.whole()["opened"] == stage and member["standing"] == "moving" and member["doing"] == "baking"


def bodies(world) -> list[str]:
    return [message.body for message in world.notifier.posted]


def ends_of(world) -> dict[str, str]:
    return {name: world.phase(world.rollout_of(name)) for name in world.names}


def test_all_go_on_together_and_all_succeed(three):
    world = three
    world.release()

    assert world.run_to_the_end() == "succeeded"
    assert world.served() == {"db": "2", "api": "2", "web": "2"}
    assert set(ends_of(world).values()) == {"succeeded"}
    assert opened(world) == ["weight 1", "weight 2", "weight 3", "the promotion", "the end"]


def test_no_member_enters_a_stage_before_every_other_has_passed_the_one_before_or_has_none_left(three):
    world = three
    world.release()
    world.run_to_the_end()

    at = {line["stage"]: line["at"] for line in world.lines() if line["type"] == "StageOpened"}
    for name in THREE:
        rollout = world.rollout(world.rollout_of(name))
        stages = [step.get("awaits_release") for step in rollout["plan"]]
        for line in world.events(rollout["id"]):
            before = stages[line["step"] - 1] if line["type"] == "StepEntered" and line["step"] else None
            assert before is None or line["at"] == at[before], (name, before)
    passed = {
        (name, line["step"]): line["at"]
        for name in THREE
        for line in world.events(world.rollout_of(name))
        if line["type"] == "StepPassed"
    }
    assert passed["db", 1] < at["the promotion"]
    assert max(passed["api", 1], passed["web", 1]) == at["weight 2"]


def test_no_member_ends_before_all_were_judged_healthy_in_production(world):
    world.release()
    world.run_until(lambda: world.served()["db"] == "2")
    world.site.send(world.target_of("db"), 0)  # nobody can judge it for a while

    world.run_for(timedelta(minutes=20))

    assert world.member("web")["waits_for"] == "the others, before the end"
    assert (world.member("db")["standing"], world.whole()["opened"]) == ("moving", "the promotion")
    world.site.send(world.target_of("db"), 20)
    assert world.run_to_the_end() == "succeeded"


@pytest.mark.parametrize("bad", THREE)
@pytest.mark.parametrize("stage", ["weight 1", "the promotion"])
def test_a_bad_guard_in_any_of_them_at_any_stage_takes_all_back_in_reverse_order(tmp_path, stage, bad):
    world = TogetherWorld(tmp_path, *THREE)
    world.release()
    world.run_until(lambda: is_moving(world, stage, bad))
    world.hurt(bad)

    assert world.run_to_the_end() == "rolled-back"
    assert f"{bad} goes back: degraded" in world.whole()["reason"]
    assert set(ends_of(world).values()) == {"rolled-back"}
    assert world.served() == {"db": "1", "api": "1", "web": "1"}
    assert set(world.shares().values()) == {0}
    others = [name for name in reversed(THREE) if name != bad]
    assert [name for name in world.order_back() if name != bad] == others
    ended = [world.rollout(world.rollout_of(name))["ended"] for name in THREE if name != bad]
    assert ended == sorted(ended, reverse=True)


def test_each_begins_to_go_back_when_the_one_after_it_is_back(three):
    world = three
    world.release()
    world.run_until(lambda: at_stage(world, "the promotion") and is_moving(world, "the promotion", "db"))
    world.steer("rollback", "as agreed")
    world.run_to_the_end()

    def times(name: str, kind: str) -> str:
        return next(line["at"] for line in world.events(world.rollout_of(name)) if line["type"] == kind)

    assert times("api", "RollbackBegun") >= times("web", "RolloutEnded")
    assert times("db", "RollbackBegun") >= times("api", "RolloutEnded")
    assert times("db", "RollbackBegun") > times("api", "RollbackBegun")  # a swap back takes its time


def test_one_that_waits_for_the_end_goes_back_when_its_guards_say_so_and_takes_all_with_it(world):
    world.release()
    world.run_until(lambda: world.served()["db"] == "2")
    world.site.send(world.target_of("db"), 0)  # nobody can judge it for a while
    world.run_until(lambda: world.member("web")["waits_for"] == "the others, before the end")
    world.hurt("web")

    assert world.run_to_the_end() == "rolled-back"
    assert world.served() == {"db": "1", "web": "1"}


def test_a_member_that_has_succeeded_is_taken_back_while_the_version_before_is_warm(world):
    world.release()
    world.run_until(lambda: world.whole()["opened"] == "the end" or world.member("web")["standing"] == "succeeded")
    world.app.wake_ups.handle(WakeUp(key=application_key("web"), fence=""), redelivered=False)
    assert world.phase(world.rollout_of("web")) == "succeeded"
    world.hurt("db")  # db is the slowest to end: nobody has woken it since the end was opened
    world.alert_for("db")

    assert world.run_to_the_end() == "rolled-back"
    assert world.served() == {"db": "1", "web": "1"}
    assert world.member("web")["standing"] == "back"
    assert world.phase(world.rollout_of("web")) == "succeeded"  # what ended stays ended; another rollout took it back


def test_an_alert_for_one_takes_all_back(world):
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "db"))
    world.alert_for("web")

    assert world.run_to_the_end() == "rolled-back"
    assert "web goes back: alert errors-high fired" in world.whole()["reason"]


def test_a_person_who_takes_one_back_takes_all_back(world):
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "db"))
    world.tell("db", "abort")

    assert world.run_to_the_end() == "aborted"
    assert set(ends_of(world).values()) == {"aborted"}


def test_a_paused_member_holds_the_others_and_goes_on_with_them(world):
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "db"))
    world.tell("db", "pause")
    world.run_for(3 * HOUR)

    assert world.whole()["opened"] == "weight 1"
    assert world.member("db")["waits_for"] == "it is paused"
    assert world.member("web")["waits_for"] == "the others, before weight 2"
    world.tell("db", "resume")
    assert world.run_to_the_end() == "succeeded"


def test_a_paused_release_opens_nothing_and_goes_on_when_it_is_resumed(world):
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "db"))
    world.steer("pause", "a look at the logs")
    world.run_for(5 * HOUR)

    assert (world.whole()["phase"], world.whole()["opened"]) == ("paused", "weight 1")
    assert world.member("web")["waits_for"] == "the release to be resumed"
    world.steer("resume")
    assert world.run_to_the_end() == "succeeded"


TEAM = "notifications:\n  - {name: team, url: https://hooks.example/team, topics: [started, paused, succeeded]}\n"
OWNER = "notifications:\n  - {name: owner, url: https://hooks.example/owner, topics: [paused]}\n"


def told(world, name: str) -> list[str]:
    """What a webhook heard of the release itself."""
    texts = [json.loads(each.body)["text"] for each in world.notifier.posted if each.notification == name]
    return [text for text in texts if text.startswith("release autumn")]


def test_an_address_that_all_members_name_hears_once_of_what_becomes_of_the_release(tmp_path):
    world = TogetherWorld(tmp_path, *THREE, db=TEAM, api=OWNER, web=TEAM)
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "db"))
    world.steer("pause", "a look at the logs")
    world.run_for(timedelta(hours=49))
    world.steer("resume")
    assert world.run_to_the_end() == "succeeded"

    paused = ["release autumn was paused by alice: a look at the logs", *["release autumn is still paused"] * 2]
    assert told(world, "owner") == paused
    began, ended = "release autumn began: db 2, api 2, web 2", "release autumn succeeded: every member serves everyone"
    assert told(world, "team") == [began, *paused, ended]
    ids = [each.message_id for each in world.notifier.posted]
    assert len(set(ids)) == len(ids)


def test_an_address_that_is_unwell_is_told_later_and_keeps_nothing_else_from_going_on(tmp_path):
    world = TogetherWorld(tmp_path, *TWO, db=TEAM)
    world.notifier.fail(TryLaterError("503"))
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "db"))
    assert told(world, "team") == []
    world.notifier.mend()

    assert world.run_to_the_end() == "succeeded"
    assert told(world, "team")[-1] == "release autumn succeeded: every member serves everyone"


def test_the_list_shows_a_release_as_it_stands(world):
    world.release()
    world.run_until(lambda: world.whole()["opened"] == "weight 1")
    world.settle()
    [line] = world.app.releases.listing.page(None)["releases"]
    assert (line["id"], line["phase"], line["opened"]) == ("autumn", "progressing", "weight 1")
    assert line["members"] == [{"application": name, "version": "2"} for name in TWO]

    world.run_to_the_end()
    [line] = world.app.releases.listing.page(None)["releases"]
    shown = world.whole()
    assert {key: line[key] for key in line.keys() & shown.keys() - {"members", "links"}} == {
        key: shown[key] for key in line.keys() & shown.keys() - {"members", "links"}
    }


def test_a_paused_release_goes_back_all_the_same(world):
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "db"))
    world.steer("pause")
    world.hurt("web")

    assert world.run_to_the_end() == "rolled-back"


@pytest.mark.parametrize(("action", "ends"), [("abort", "aborted"), ("rollback", "rolled-back")])
def test_a_person_takes_the_whole_release_back(world, action, ends):
    world.release()
    world.run_until(lambda: is_moving(world, "weight 2", "web"))
    world.steer(action, "as agreed")

    assert world.run_to_the_end() == ends
    assert set(ends_of(world).values()) == {ends}
    assert world.rollout(world.rollout_of("db"))["reason"].startswith("release autumn: ")
    assert "as agreed" in world.rollout(world.rollout_of("db"))["reason"]
    assert world.served() == {"db": "1", "web": "1"}


def test_members_that_were_never_asked_to_begin_never_do(world):
    world.release()
    world.steer("abort")

    assert world.run_to_the_end() == "aborted"
    assert [member["reason"] for member in world.whole()["members"]] == ["it had not been asked to begin"] * 2
    assert all(world.app.views.rollout(world.rollout_of(name)) is None for name in TWO)


def test_abort_is_refused_once_the_promotion_is_open_and_everything_once_it_is_over(world):
    world.release()
    world.run_until(lambda: world.whole()["opened"] == "the promotion")
    with pytest.raises(RejectedError, match="promotion has begun: use rollback"):
        world.steer("abort")
    world.steer("rollback")
    world.run_to_the_end()

    with pytest.raises(RejectedError, match="release autumn rolled-back"):
        world.steer("rollback")


def test_a_member_whose_application_is_frozen_from_the_start_is_waited_for_and_nobody_meets_anything(world):
    world.freeze("db")
    world.release()
    world.run_for(30 * HOUR)

    assert (world.whole()["phase"], world.member("db")["waits_for"]) == ("progressing", "it is frozen")
    assert not [call for call in world.site.calls if call.method == "set_share" and call.detail != "0"]
    world.tell("db", "unfreeze")
    assert world.run_to_the_end() == "succeeded"


def test_a_member_that_is_frozen_on_the_way_is_waited_for(world):
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "db"))
    world.freeze("db")
    world.run_for(5 * HOUR)

    assert (world.whole()["opened"], world.member("db")["waits_for"]) == ("weight 1", "it is frozen")
    world.tell("db", "unfreeze")
    assert world.run_to_the_end() == "succeeded"


def test_a_frozen_member_goes_back_with_the_others_though_it_is_frozen(world):
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "db"))
    world.freeze("db")
    world.hurt("web")

    assert world.run_to_the_end() == "rolled-back"
    assert set(world.shares().values()) == {0}


@pytest.mark.parametrize("action", ["start", "advance", "promote"])
def test_a_member_that_a_release_window_holds_is_waited_for_and_the_release_says_so(tmp_path, action):
    window = f'releaseWindows:\n  - {{name: quiet, deny: "0 12 * * *", for: 8h, actions: [{action}]}}\n'
    world = TogetherWorld(tmp_path, *TWO, web=window)
    world.release()
    world.run_for(4 * HOUR)

    web = world.member("web")
    assert (world.whole()["phase"], web["hold"]) == ("progressing", "window")
    assert web["waits_for"].startswith(
        f"a release window (release window quiet denies {action}; it is allowed again at "
    )
    world.run_for(6 * HOUR)
    assert world.member("web")["hold"] is None
    assert world.run_to_the_end() == "succeeded"


@pytest.mark.parametrize("action", ["start", "advance", "promote"])
def test_a_member_that_no_release_window_ever_lets_go_on_is_not_waited_for_for_ever(tmp_path, action):
    past = '{from: "2020-01-01T00:00:00", until: "2020-01-02T00:00:00"}'
    window = f"releaseWindows:\n  - {{name: past, allow: {past}, actions: [{action}]}}\n"
    world = TogetherWorld(tmp_path, *TWO, web=window)
    world.release()
    world.run_until(lambda: world.member("web")["hold"] == "window")
    assert "at no time within a year" in world.member("web")["waits_for"]

    assert world.run_to_the_end() == "failed"
    assert "web had no release window to go on in for 1:00:00" in world.whole()["reason"]
    assert set(world.served().values()) == {"1"}


def test_a_member_that_is_stuck_shows_why(world):
    world.release()
    world.run_until(lambda: world.served()["db"] == "2")
    world.site.fail("set_share")
    world.site.fail("read_swap")
    world.steer("rollback")
    world.run_until(lambda: world.member("web")["phase"] == "stuck")

    web = world.member("web")
    assert web["stuck"] == world.rollout(web["rollout"])["stuck"]
    plan = world.app.plans.registered(ApplicationName("web"))
    assert plan["not_now"] == f"rollout {web['rollout']} is stuck: {web['stuck']}"


def lose_messages(world, name: str) -> None:
    """From now on no delivery for this application comes about, as if its session were stuck for good."""
    drive = world.app.wake_ups.driver.drive
    world.is_lost = True

    class Deaf:
        def drive(self, wake_up, *, redelivered=False):
            if not (world.is_lost and wake_up.key == application_key(name)):
                drive(wake_up, redelivered=redelivered)

    object.__setattr__(world.app.wake_ups, "driver", Deaf())


def test_a_member_that_never_answers_hits_the_deadline_and_the_others_go_back_without_waiting_for_it(three):
    world = three
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "web"))
    lose_messages(world, "web")
    world.run_until(lambda: world.whole()["phase"] == "rolling-back")
    world.run_for(timedelta(minutes=5))

    assert world.whole()["reason"] == "web has said nothing for 1:00:00"
    assert world.whole()["stuck"] == "not known to be back: web"
    assert world.shares()["db"] == world.shares()["api"] == 0
    assert world.whole()["ended"] is None

    world.is_lost = False
    assert world.run_to_the_end() == "failed"
    assert world.shares()["web"] == 0
    assert world.whole()["stuck"] is None


def test_a_member_that_falls_silent_on_the_way_back_is_gone_past_after_the_deadline(three):
    world = three
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "web"))
    lose_messages(world, "web")
    world.run_for(timedelta(minutes=3))
    world.steer("rollback")
    world.run_for(timedelta(minutes=50))
    assert world.order_back() == ["web"]

    world.run_for(timedelta(minutes=15))

    assert world.order_back() == ["web", "api", "db"]
    assert [line["application"] for line in world.lines() if line["type"] == "MemberGivenUp"] == ["web"]
    world.is_lost = False
    assert world.run_to_the_end() == "rolled-back"


def test_members_whose_release_has_gone_go_back_after_the_deadline(world):
    world.release()
    world.run_until(lambda: at_stage(world, "weight 1") and is_moving(world, "weight 1", "db"))

    class Gone:
        def drive(self, wake_up, *, redelivered=False):
            pass

    object.__setattr__(world.app.wake_ups, "releases", Gone())
    world.run_for(timedelta(minutes=90))

    for name in TWO:
        rollout = world.rollout(world.rollout_of(name))
        assert (rollout["phase"], rollout["reason"]) == ("failed", "release autumn has said nothing for 1:00:00")
    assert set(world.shares().values()) == {0}


def test_members_that_wait_long_are_not_silent_to_each_other(tmp_path):
    world = TogetherWorld(tmp_path, *TWO, steps={"db": "[{weight: 50, gate: {name: sign-off, timeout: 1d}}]"})
    world.release(deadline="15m")
    world.run_for(6 * HOUR)

    assert (world.whole()["phase"], world.whole()["opened"]) == ("progressing", "the start")
    world.tell("db", "approve")
    assert world.run_to_the_end() == "succeeded"


def test_a_newer_deployment_of_a_member_waits_its_turn_until_the_release_is_over(tmp_path):
    world = TogetherWorld(tmp_path, *TWO, web="whenBusy: queue\n")
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "web"))
    newer = world.announce_alone("web", "3")
    world.run_until(lambda: world.whole()["ended"] is not None)

    assert world.whole()["phase"] == "succeeded"
    assert world.rollout(newer)["phase"] in ("pending", "progressing")


def test_a_newer_deployment_that_supersedes_a_member_takes_all_back(world):
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "web"))
    newer = world.announce_alone("web", "3")
    world.run_until(lambda: world.whole()["ended"] is not None)

    assert world.whole()["phase"] == "aborted"
    assert f"web goes back: superseded by {newer}" in world.whole()["reason"]
    assert world.shares()["db"] == world.shares()["web"] == 0


def test_a_member_that_waits_behind_another_rollout_for_too_long_takes_all_back(tmp_path):
    world = TogetherWorld(tmp_path, *TWO, web="whenBusy: queue\n")
    world.put("web", "1.9")
    world.announce_alone("web", "1.9")
    world.run_until(lambda: world.shares()["web"] == 50)
    world.tell("web", "pause")
    world.release()

    assert world.run_to_the_end() == "failed"
    assert world.whole()["reason"] == "web waited its turn for 1:00:00"


def test_a_member_that_is_refused_on_its_turn_takes_all_back_before_anybody_meets_anything(world):
    world.release()
    other = world.announce_alone("db", "1.9")  # before anybody has woken the release
    world.respec_alone("db", "whenBusy: reject\n")

    assert world.run_to_the_end() == "failed"
    assert (
        world.whole()["reason"] == f"db goes back: rollout {other} is progressing, and the spec says whenBusy: reject"
    )
    assert world.member("db")["standing"] == "back"
    assert not [call for call in world.site.calls if call.target == "app" and call.method == "set_share"]


def test_a_member_whose_candidate_is_not_there_fails_in_preflight_and_takes_all_back(world):
    world.put("db", "1.9")
    world.release()

    assert world.run_to_the_end() == "failed"
    assert "db goes back: preflight" in world.whole()["reason"]
    assert not [call for call in world.site.calls if call.method == "set_share" and call.detail != "0"]


def test_beyond_the_point_of_no_return_a_member_stays_and_a_person_is_called(tmp_path):
    hooked = NO_RETURN + "notifications:\n  - {name: team, url: https://hooks.example/team}\n"
    world = TogetherWorld(tmp_path, *TWO, db=hooked)
    world.hooks.answer_at_once(HookStatus(HookState.SUCCEEDED))
    world.release()
    world.run_until(lambda: "HookEnded" in world.told("db") and is_moving(world, "the promotion", "web"))
    world.hurt("web")

    assert world.run_to_the_end() == "failed"
    assert "db stays at 2: hook migrate has passed the point of no return" in world.whole()["reason"]
    assert (world.member("db")["standing"], world.member("db")["phase"]) == ("remains", "paused")
    assert world.served() == {"db": "2", "web": "1"}
    assert any("cannot take" in body for body in bodies(world))


def test_a_member_that_cannot_be_read_keeps_nobody_else_from_being_told(tmp_path, caplog):
    world = TogetherWorld(tmp_path, *TWO, db=TEAM, web=TEAM)
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "db"))
    key, store = application_key(ApplicationName("db")), world.keeping.store
    loaded = store.load(key)
    store.commit(Change(key=key, etag=loaded.etag, document=loaded.document.replace('"schema":1', '"schema":99')))
    world.steer("pause")
    world.settle()

    assert told(world, "team")[-1] == "release autumn was paused by alice"
    assert "those whom application:db names are told nothing of its release" in caplog.text
    assert "written by a newer release" in caplog.text


def test_the_door_refuses_what_cannot_be_released_together(world):
    with pytest.raises(InvalidError, match=r"members\[1\].application: there is no application nobody"):
        world.release(members=[{"application": "db", "version": "2"}, {"application": "nobody", "version": "2"}])
    other = world.announce_alone("db", "2")
    world.settle()
    with pytest.raises(RejectedError, match=f"db: rollout {other} brings 2, or has brought it"):
        world.release()


def test_the_same_request_is_the_same_release_and_another_under_its_id_is_refused(world):
    world.release()
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "db"))
    world.release()
    with pytest.raises(RejectedError, match="release autumn was asked for with other members"):
        world.release(deadline="2h")

    assert world.run_to_the_end() == "succeeded"
    assert [line["type"] for line in world.lines()].count("ReleaseBegun") == 1


def test_a_persons_command_counts_once(world):
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "db"))
    world.steer("pause", command="c1")
    world.steer("pause", command="c1")
    world.settle()
    world.steer("pause", command="c1")
    world.settle()

    assert [line["type"] for line in world.lines()].count("ReleasePaused") == 1
    assert "OverrideRefused" not in [line["type"] for line in world.lines()]


def test_every_message_twice_changes_nothing(three):
    world = three
    world.release()
    keys = [release_key(WHOLE), *(application_key(name) for name in THREE)]

    def echo() -> bool:
        for key in keys:
            world.app.wake_ups.handle(WakeUp(key=key, fence=""), redelivered=False)
        return world.whole()["ended"] is not None

    world.run_until(echo)

    assert world.whole()["phase"] == "succeeded"
    assert opened(world) == ["weight 1", "weight 2", "weight 3", "the promotion", "the end"]
    for name in THREE:
        entered = [line["step"] for line in world.events(world.rollout_of(name)) if line["type"] == "StepEntered"]
        assert entered == sorted(set(entered))


def test_a_queue_that_is_down_delays_and_loses_nothing(world):
    world.release()
    sends = world.keeping.queue.send
    world.run_until(lambda: is_moving(world, "weight 1", "db"))

    def down(*_args, **_kwargs):
        raise TryLaterError("the queue is down")

    type(world.keeping.queue).send, kept = down, type(world.keeping.queue).send
    try:
        world.steer("pause")
    finally:
        type(world.keeping.queue).send = kept
    assert sends is not None
    world.run_for(timedelta(minutes=10))

    assert world.whole()["phase"] == "paused"


def test_a_release_can_be_read_from_the_moment_that_it_was_accepted(world):
    world.release(name="The autumn release")

    shown = world.whole()

    assert (shown["phase"], shown["name"], shown["by"]) == ("pending", "The autumn release", "alice")
    assert [member["application"] for member in shown["members"]] == list(TWO)
    assert [member["waits_for"] for member in shown["members"]] == ["its first answer"] * 2
    world.settle()
    assert all(world.rollout(member["rollout"])["release"] == WHOLE for member in world.whole()["members"])


def test_an_application_shows_the_release_that_it_is_a_part_of(world):
    world.release()
    world.run_until(lambda: is_moving(world, "weight 1", "db"))

    assert world.app.views.application("db")["live"]["release"] == WHOLE
    assert world.broker.next_due(QUEUE) is not None
    assert world.site.read_version(world.target_of("db"), Place.CANDIDATE) == "2"
