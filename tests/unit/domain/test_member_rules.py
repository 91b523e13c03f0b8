"""A member of a release: where its plan waits, what opens the way, what it tells, and how it goes back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.names import CommandId, RolloutId, Version
from shared.domain.rollout import events as e
from shared.domain.rollout.calendar import ReleaseAction, WindowKind
from shared.domain.rollout.commands import TellOfRelease
from shared.domain.rollout.effects import Notify, TellRelease
from shared.domain.rollout.membership import CLOSED, END, PROMOTION, START, Hold, Stage, Standing
from shared.domain.rollout.plan import AwaitApproval, AwaitRelease, Promote, RunHook, Shift, compile_plan
from shared.domain.rollout.spec import Bake, BlueGreen, Outcome, Spec, Topic
from shared.domain.rollout.spec import Stage as HookStage
from shared.domain.rollout.state import Doing, Phase
from tests.unit.domain.members import DEPLOY, MEMBERSHIP, Member, steer
from tests.unit.domain.outside import BAD
from tests.unit.domain.specs import HOUR, MINUTE, WEBHOOK, bake, canary, hook, quiet_until, spec
from tests.unit.domain.states import Story


def shape(first: Spec) -> list[str]:
    words = {AwaitApproval: "gate", RunHook: "hook", Shift: "weight", Promote: "promote"}
    plan = compile_plan(first, staged=True)
    return [f"wait {step.stage}" if isinstance(step, AwaitRelease) else words[type(step)] for step in plan]


def test_a_plan_waits_before_each_weight_and_the_promotion_behind_their_gates():
    assert shape(spec()) == ["wait 1", "weight", "gate", "wait 2", "weight", "wait 1000", "promote"]


def test_a_plan_waits_at_the_start_where_anything_comes_before_the_first_weight():
    gated = shape(spec(strategy=canary(first_gate=True)))
    hooked = shape(spec(hooks=(hook(HookStage.EXPAND), hook(HookStage.BEFORE_INCREASE))))

    assert gated[:4] == ["wait 0", "gate", "wait 1", "weight"]
    assert hooked[:5] == ["wait 0", "hook", "wait 1", "hook", "weight"]


def test_a_switch_waits_at_the_start_before_testers_come_and_before_everyone_is_switched():
    seen_first = BlueGreen(bake=bake(), preview_bake=Bake(minimum=MINUTE, maximum=HOUR))

    assert shape(spec(strategy=seen_first)) == ["wait 0", "weight", "wait 1000", "promote"]
    assert shape(spec(strategy=BlueGreen(bake=bake()))) == ["wait 1000", "promote"]


def test_a_rollout_of_its_own_waits_for_nobody():
    assert not [step for step in compile_plan(spec()) if isinstance(step, AwaitRelease)]


def test_it_holds_at_each_stage_until_the_release_opens_it():
    member = Member().wait_before(Stage(1))
    member.wait(30 * MINUTE).tick()
    assert (member.live.doing, member.live.weight) == (Doing.AWAITING_RELEASE, 0)

    member.open(START).tick()
    assert member.live.doing is Doing.AWAITING_RELEASE

    member.open(1).tick()
    assert (member.live.doing, member.web.wanted) == (Doing.SHIFTING, 5_000)


def test_what_was_opened_before_it_is_reached_is_entered_at_once():
    member = Member().open(2).tick().tick()

    assert (member.live.doing, member.web.wanted) == (Doing.SHIFTING, 5_000)


def test_an_older_level_that_comes_late_closes_nothing():
    member = Member().open(2).open(1).open(CLOSED)

    assert member.live.member is not None
    assert member.live.member.opened == 2


def test_nothing_goes_on_while_what_should_be_there_cannot_be_verified():
    member = Member().wait_before(Stage(2))
    member.site.trouble = "503"
    member.open(2).tick()
    assert member.live.doing is Doing.AWAITING_RELEASE

    member.go_until(lambda: member.live.phase is Phase.ROLLING_BACK)

    assert "no progress in time while awaiting the release" in member.live.reason


def test_guards_go_on_while_it_waits():
    member = Member().wait_before(Stage(2))
    member.site.users_meet = BAD
    member.go_until(lambda: member.live.phase is Phase.ROLLING_BACK)

    assert member.told.standing is Standing.GOING_BACK
    assert member.told.ends == "rolled-back"


def test_it_waits_before_its_end_until_the_release_opens_that_and_longer_than_its_bake():
    member = Member().wait_before(END)
    assert "waits for release autumn" in member.live.reason
    for _ in range(6):
        member.wait(20 * MINUTE).tick().open(PROMOTION)
    assert member.live.phase is Phase.PROMOTING

    member.open(END)
    assert member.go_to_end().phase is Phase.SUCCEEDED
    assert member.told.standing is Standing.SUCCEEDED


@pytest.mark.parametrize("stage", [Stage(1), Stage(2), PROMOTION, END])
def test_a_release_that_says_nothing_for_too_long_is_gone_and_it_goes_back(stage):
    member = Member().wait_before(stage)
    member.wait(59 * MINUTE).tick()
    assert member.live.phase in (Phase.WAITING, Phase.PROMOTING)

    member.wait(MINUTE).tick()

    assert member.live.phase is Phase.ROLLING_BACK
    assert member.live.reason == "release autumn has said nothing for 1:00:00"


@pytest.mark.parametrize("stage", [Stage(1), END])
def test_a_word_of_the_release_is_a_sign_of_life(stage):
    member = Member().wait_before(stage)
    for _ in range(8):
        member.wait(50 * MINUTE).open(CLOSED).tick()

    assert member.live.phase in (Phase.WAITING, Phase.PROMOTING)


def test_a_deadline_whose_outcome_is_pause_does_not_keep_it_from_going_back_when_the_release_has_gone():
    member = Member(spec(otherwise=Outcome.PAUSE)).wait_before(Stage(2))
    member.wait(HOUR).tick()

    assert member.live.phase is Phase.ROLLING_BACK


def test_whoever_is_asked_answers_though_nothing_has_changed():
    member = Member().wait_before(Stage(1))
    before = len(member.opened)
    member.open(CLOSED)

    assert len(member.opened) == before + 1
    assert (member.told.standing, member.told.stage) == (Standing.WAITING, 1)


def test_it_tells_that_it_is_paused_and_that_it_is_frozen():
    member = Member().wait_before(Stage(2)).override("pause")
    assert (member.told.standing, member.told.hold) == (Standing.WAITING, Hold.PAUSED)
    member.override("resume")
    assert member.told.hold is Hold.NOT
    member.override("freeze")
    assert member.told.hold is Hold.FROZEN
    member.override("unfreeze")
    assert member.told.hold is Hold.NOT


def test_it_tells_at_once_that_a_release_window_holds_it_and_when_asked_later_that_none_does():
    member = Member(spec(calendar=(quiet_until(15, ReleaseAction.START),)))
    assert (member.told.standing, member.told.hold) == (Standing.PENDING, Hold.WINDOW)
    assert "release window quiet denies start" in member.told.reason

    member.wait(4 * HOUR).tick()
    assert (member.told.standing, member.told.hold) == (Standing.MOVING, Hold.NOT)


def test_a_window_that_has_opened_holds_nobody_though_the_next_step_is_not_entered_yet():
    member = Member(spec(calendar=(quiet_until(15, ReleaseAction.PROMOTE),))).wait_before(Stage(2)).open(2)
    member.go_until(lambda: member.told.hold is Hold.WINDOW)
    assert member.told.standing is Standing.MOVING

    member.site.trouble = "503"
    member.wait(3 * HOUR).open(2)
    assert (member.told.standing, member.told.hold) == (Standing.MOVING, Hold.NOT)


@pytest.mark.parametrize(
    ("action", "standing"), [(ReleaseAction.START, Standing.PENDING), (ReleaseAction.PROMOTE, Standing.MOVING)]
)
def test_windows_that_never_open_are_told_of_as_what_they_are(action, standing):
    """The only one that would let it go on lies in the past as a whole."""
    over = replace(quiet_until(1, action), kind=WindowKind.ALLOW)
    member = Member(spec(calendar=(over,)))
    if standing is Standing.MOVING:
        member.wait_before(Stage(2)).open(2)
        member.go_until(lambda: member.told.hold is not Hold.NOT)

    assert (member.told.standing, member.told.hold) == (standing, Hold.SHUT)
    assert "at no time within a year" in member.told.reason


def test_it_goes_back_when_the_release_says_so():
    member = Member().wait_before(Stage(2)).go_back()
    ended = member.go_to_end()

    assert (ended.phase, ended.reason) == (Phase.ROLLED_BACK, "release autumn: web goes back")
    assert member.told.standing is Standing.BACK
    assert member.outside.is_clean()


def test_to_be_asked_twice_to_go_back_is_to_be_asked_once():
    member = Member().wait_before(Stage(2)).go_back().go_back()

    assert len(member.named(e.RollbackBegun)) == 1
    assert member.told.standing is Standing.GOING_BACK


def test_one_that_waits_its_turn_is_over_when_the_release_goes_back():
    story = Story(spec()).deploy("1.9", 7)
    story.tell(DEPLOY)
    assert story.state.pending is not None
    story.tell(steer(back="web goes back"))

    assert story.state.pending is None
    assert story.archived[-1].phase is Phase.ROLLED_BACK


def test_a_frozen_one_goes_back_all_the_same():
    member = Member().wait_before(Stage(2)).override("freeze").go_back()

    assert member.live.phase is Phase.ROLLING_BACK


def test_one_that_succeeded_comes_back_while_the_version_before_is_warm():
    member = Member().wait_before(END).open(END)
    member.go_to_end()
    member.settle().go_back()
    assert (member.live.id, member.live.returns, member.told.standing) == ("shop-9", True, Standing.GOING_BACK)
    assert member.told.rollout == "shop-1"

    member.go_back()  # asked again, while it is on its way
    member.go_to_end()

    assert member.told.standing is Standing.BACK
    assert member.site.production == "1"


def test_one_that_succeeded_comes_back_while_its_application_is_frozen():
    member = Member().wait_before(END).open(END)
    member.go_to_end()
    member.settle().override("freeze").go_back()
    assert (member.told.standing, member.told.hold) == (Standing.GOING_BACK, Hold.NOT)

    member.go_to_end()

    assert (member.told.standing, member.site.production) == (Standing.BACK, "1")


def test_one_that_succeeded_remains_when_the_version_before_is_gone_and_a_person_is_called():
    member = Member(spec(notifications=(WEBHOOK,))).wait_before(END).open(END)
    member.go_to_end()
    member.settle().wait(timedelta(hours=2)).tick().go_back()

    assert member.told.standing is Standing.REMAINS
    assert "is not kept warm any more" in member.told.reason
    calls = [row.effect.text for row in member.opened if isinstance(row.effect, Notify)]
    assert any("release autumn cannot take shop-1 back" in text for text in calls)


def test_one_that_was_followed_by_another_rollout_remains():
    member = Member().wait_before(END).open(END)
    member.go_to_end()
    member.settle().deploy("3", 3).go_back()

    assert member.told.standing is Standing.REMAINS
    assert "rollout shop-3 followed it" in member.told.reason
    assert member.live.version == "3"


def test_beyond_the_point_of_no_return_it_stays_and_waits_for_a_person():
    member = Member(spec(hooks=(hook(HookStage.BEFORE_PROMOTION, no_return=True),)))
    member.wait_before(PROMOTION).open(PROMOTION).go_until(lambda: member.live.no_return != "").go_back()

    assert (member.live.phase, member.told.standing) == (Phase.PAUSED, Standing.REMAINS)


def test_it_tells_those_whom_the_release_names_and_nothing_else_changes():
    member = Member().wait_before(Stage(1))
    before = member.state
    tell = TellOfRelease(
        id=CommandId("told"),
        rollout=RolloutId("shop-1"),
        topic=Topic.PAUSED,
        text="release autumn is still paused",
        notifications=(WEBHOOK, replace(WEBHOOK, name="other", url="https://hooks.example/other")),
    )
    decision = member.tell(tell)

    told = [row.effect for row in decision.opened]
    assert told == [Notify(each, tell.topic, tell.rollout, tell.text) for each in tell.notifications]
    outbox = {"effects": before.effects, "effects_made": before.effects_made}
    assert replace(member.state, **outbox) == before


def test_a_deployment_that_is_refused_is_told():
    story = Story(spec()).deploy("2", 7)
    story.tell(DEPLOY)

    report = [row.effect for row in story.opened if isinstance(row.effect, TellRelease)][-1].report
    assert (report.standing, report.ends, report.rollout) == (Standing.BACK, "failed", "shop-1")


def test_the_version_before_is_no_shortcut_for_a_member():
    """A rollout that returns goes at once; a member waits for the others."""
    member = Member().wait_before(END).open(END)
    member.go_to_end()
    member.site.candidate = "1"
    other = replace(MEMBERSHIP, rollout=RolloutId("shop-5"))
    member.tell(replace(DEPLOY, id=CommandId("b"), rollout=other.rollout, version=Version("1"), membership=other))

    assert not member.live.returns
    assert isinstance(member.live.plan[0], AwaitRelease)


def test_a_retry_of_a_member_is_a_rollout_of_its_own():
    member = Member().wait_before(Stage(2)).go_back()
    member.go_to_end()
    member.override("retry")

    assert member.live.member is None


def test_reports_come_in_the_order_in_which_things_happened():
    member = Member().wait_before(END).open(END)
    member.go_to_end()
    reports = [row.effect.report for row in member.opened if isinstance(row.effect, TellRelease)]

    assert [report.sequence for report in reports] == sorted(report.sequence for report in reports)
    assert {report.rollout for report in reports} == {"shop-1"}
