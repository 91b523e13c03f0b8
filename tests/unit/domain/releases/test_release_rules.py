"""The rules of a release: each standing of a member with each thing that can happen."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.names import ApplicationName, CommandId, ReleaseId, RolloutId
from shared.domain.releases import events as e
from shared.domain.releases.commands import (
    CommandGiven,
    Lapse,
    MemberReported,
    ReleaseAction,
    RowDone,
)
from shared.domain.releases.decide import decide, next_look, refusal
from shared.domain.releases.state import OVER_WITH, Release, ReleasePhase
from shared.domain.rollout.membership import CLOSED, END, PROMOTION, Hold, Report, Stage, Standing
from tests.unit.domain.releases.tale import HOUR, NAMES, NOON, Tale, begin, override

GOING = (Standing.EXPECTED, Standing.PENDING, Standing.MOVING, Standing.WAITING)
GONE = (Standing.GOING_BACK, Standing.BACK, Standing.REMAINS)


def test_every_member_is_asked_to_begin_in_its_order():
    decision = decide(Release(id=ReleaseId("autumn")), begin(), now=NOON)

    assert [row.application for row in decision.state.commands] == list(NAMES)
    assert decision.opened == decision.state.rows
    assert decision.state.phase is ReleasePhase.PROGRESSING


def test_a_release_begins_once():
    tale = Tale()

    assert tale.tell(begin("db", "web")).events == ()


def test_a_stage_is_opened_when_all_wait_before_it():
    tale = Tale().wait_at(1, "db", "api")
    assert tale.state.opened == CLOSED

    tale.wait_at(1, "web")

    assert tale.state.opened == 1
    assert sorted(tale.give()) == sorted(NAMES)


def test_those_at_the_earliest_stage_go_on_first_and_the_others_hold():
    tale = Tale().wait_at(PROMOTION, "db").wait_at(2, "api").wait_at(1, "web")

    assert tale.state.opened == 1
    assert tale.give() == ["web"]
    tale.report("web", Standing.MOVING)
    tale.wait_at(PROMOTION, "web")
    assert tale.state.opened == 2
    assert tale.give() == ["api"]


@pytest.mark.parametrize("standing", [standing for standing in GOING if standing is not Standing.WAITING])
def test_nothing_is_opened_while_a_member_stands_so(standing):
    tale = Tale().wait_at(1, "db", "api")
    tale.report("web", standing)

    assert tale.state.opened == CLOSED


@pytest.mark.parametrize("hold", [Hold.PAUSED, Hold.FROZEN, Hold.WINDOW])
def test_nothing_is_opened_while_a_member_is_held(hold):
    tale = Tale().wait_at(1, "db", "api")
    tale.report("web", Standing.WAITING, stage=Stage(1), hold=hold)
    assert tale.state.opened == CLOSED

    tale.report("web", Standing.WAITING, stage=Stage(1))
    assert tale.state.opened == 1


def test_a_member_that_has_not_heard_yet_that_its_stage_is_open_holds_the_next_one():
    tale = Tale().wait_at(1)
    tale.report("db", Standing.MOVING)
    tale.wait_at(2, "db")
    tale.report("api", Standing.MOVING)
    tale.wait_at(2, "api")

    assert tale.state.opened == 1  # web still says that it waits before 1


def test_a_member_that_succeeded_already_holds_nobody_up():
    tale = Tale()
    tale.report("db", Standing.SUCCEEDED)
    tale.wait_at(1, "api", "web")

    assert tale.state.opened == 1


def test_the_release_succeeds_with_the_last_member():
    tale = Tale().wait_at(END)
    for name in NAMES:
        assert not tale.state.phase.is_terminal
        tale.report(name, Standing.SUCCEEDED)

    assert tale.state.phase is ReleasePhase.SUCCEEDED
    assert next_look(tale.state) is None


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize("others", [*GOING, Standing.SUCCEEDED])
@pytest.mark.parametrize("name", NAMES)
def test_a_member_that_goes_back_takes_all_others_back_wherever_they_stand(others, gone, name):
    tale = Tale()
    for other in NAMES:
        if other != name:
            tale.report(other, others, stage=Stage(5))
    tale.report(name, gone, ends="rolled-back")

    assert tale.state.phase is ReleasePhase.ROLLING_BACK
    while (asked := tale.asked_back()) and tale.standing(asked[-1]) not in OVER_WITH:
        assert all(tale.standing(after) in OVER_WITH for after in NAMES[NAMES.index(asked[-1]) + 1 :])
        tale.report(asked[-1], Standing.GOING_BACK)
        tale.report(asked[-1], Standing.BACK)
    assert [each for each in tale.asked_back() if each != name] == [each for each in reversed(NAMES) if each != name]
    assert tale.state.phase is (ReleasePhase.FAILED if gone is Standing.REMAINS else ReleasePhase.ROLLED_BACK) or (
        gone is Standing.GOING_BACK
    )


@pytest.mark.parametrize("ends", ["rolled-back", "aborted", "failed"])
def test_the_release_ends_as_the_member_that_went_back(ends):
    tale = Tale("db", "web")
    tale.report("web", Standing.BACK, ends=ends)
    tale.report("db", Standing.BACK)

    assert tale.state.phase == ends
    assert "web goes back: web said so" in tale.state.reason


def test_what_cannot_be_taken_back_is_said_and_the_release_has_failed():
    tale = Tale("db", "web").wait_at(PROMOTION, "db", "web")
    tale.tell(override(ReleaseAction.ROLLBACK))
    tale.report("web", Standing.BACK)
    tale.report("db", Standing.REMAINS, reason="beyond the point of no return")

    assert tale.state.phase is ReleasePhase.FAILED
    assert "db stays at 2: beyond the point of no return" in tale.state.reason


@pytest.mark.parametrize("standing", GOING)
def test_a_member_that_says_nothing_takes_all_back(standing):
    tale = Tale("db", "web")
    tale.report("db", standing, stage=Stage(1))
    for _ in range(3):
        tale.pass_time(timedelta(minutes=19))
        tale.report("web", Standing.MOVING)
    assert tale.state.phase is ReleasePhase.PROGRESSING

    tale.pass_time(timedelta(minutes=5))

    assert tale.state.phase is ReleasePhase.ROLLING_BACK
    assert tale.state.ending is not None
    assert tale.state.ending.phase is ReleasePhase.FAILED
    assert tale.state.reason == "db has said nothing for 1:00:00"


def test_a_member_that_waits_its_turn_behind_another_rollout_takes_all_back_after_the_deadline():
    tale = Tale("db", "web")
    for _ in range(7):
        tale.report("web", Standing.PENDING)
        tale.report("db", Standing.WAITING, stage=Stage(1))
        tale.pass_time(timedelta(minutes=10))

    assert tale.state.phase is ReleasePhase.ROLLING_BACK
    assert tale.state.reason == "web waited its turn for 1:00:00"


def test_the_time_in_which_a_member_was_held_is_no_wait_for_its_turn():
    tale = Tale("db", "web")
    for hold in (Hold.NOT, Hold.WINDOW, Hold.NOT):
        for _ in range(5):
            tale.report("web", Standing.PENDING, hold=hold)
            tale.report("db", Standing.WAITING, stage=Stage(1))
            tale.pass_time(timedelta(minutes=10))

    assert tale.state.phase is ReleasePhase.PROGRESSING


@pytest.mark.parametrize("hold", [Hold.PAUSED, Hold.FROZEN, Hold.WINDOW])
@pytest.mark.parametrize("standing", [Standing.PENDING, Standing.MOVING, Standing.WAITING])
def test_a_member_that_is_held_is_waited_for(standing, hold):
    tale = Tale("db", "web")
    for _ in range(60):
        tale.report("web", standing, stage=Stage(1), hold=hold)
        tale.report("db", Standing.MOVING)
        tale.pass_time(timedelta(minutes=30))

    assert tale.state.phase is ReleasePhase.PROGRESSING


@pytest.mark.parametrize("standing", [Standing.PENDING, Standing.MOVING, Standing.WAITING])
def test_a_member_whose_release_windows_never_open_takes_all_back_after_the_deadline(standing):
    tale = Tale("db", "web")
    for _ in range(6):
        assert tale.state.phase is ReleasePhase.PROGRESSING
        tale.report("web", standing, stage=Stage(1), hold=Hold.SHUT)
        tale.report("db", Standing.WAITING, stage=Stage(1))
        tale.pass_time(timedelta(minutes=10))

    assert tale.state.phase is ReleasePhase.ROLLING_BACK
    assert tale.state.reason == "web had no release window to go on in for 1:00:00"


def test_all_are_asked_how_they_stand_three_times_in_a_deadline():
    tale = Tale()
    asked = []
    for _ in range(3):
        look = next_look(tale.state)
        assert look is not None
        tale.pass_time(look - tale.now)
        asked.append((tale.now - NOON, tale.give()))
        for name in NAMES:
            tale.report(name, Standing.MOVING)

    assert asked == [(timedelta(minutes=20 * n), list(NAMES)) for n in (1, 2, 3)]


def test_a_member_that_is_not_back_in_time_is_gone_past_and_asked_on():
    tale = Tale("db", "web")
    tale.tell(override(ReleaseAction.ROLLBACK))
    assert tale.asked_back() == ["web"]
    for _ in range(5):
        tale.pass_time(timedelta(minutes=15))
        tale.report("db", Standing.MOVING)

    assert tale.asked_back() == ["web", "db"]
    assert tale.state.stuck == "not known to be back: web"
    tale.report("db", Standing.BACK)
    assert not tale.state.phase.is_terminal
    tale.give()
    tale.pass_time(timedelta(minutes=20))
    assert tale.give() == ["web"]
    tale.report("web", Standing.BACK)
    assert tale.state.phase is ReleasePhase.ROLLED_BACK


def test_one_that_succeeded_long_ago_is_waited_for_when_it_is_asked_back():
    tale = Tale("db", "web").wait_at(END, "db", "web")
    tale.report("web", Standing.SUCCEEDED)
    for _ in range(6):
        tale.report("db", Standing.MOVING)
        tale.pass_time(timedelta(minutes=20))
    tale.report("db", Standing.GOING_BACK)

    assert tale.asked_back() == ["web"]
    assert not tale.happened(e.MemberGivenUp)


def test_a_member_that_was_never_asked_to_begin_is_back():
    tale = Tale("db", "web")
    tale.tell(override(ReleaseAction.ABORT))
    (row,) = tale.state.commands

    tale.tell(CommandGiven(row.id, never_began=ApplicationName("web")))

    assert tale.standing("web") is Standing.BACK
    assert tale.asked_back() == ["web", "db"]


@pytest.mark.parametrize("standing", list(Standing))
def test_an_older_report_is_late_and_changes_nothing(standing):
    tale = Tale()
    tale.report("db", Standing.MOVING, sequence=9)

    assert tale.report("db", standing, sequence=8).events == ()


@pytest.mark.parametrize("standing", list(Standing))
def test_the_same_report_twice_is_an_answer_and_no_news(standing):
    tale = Tale()
    tale.report("db", standing, sequence=7)
    opened = len(tale.state.commands)

    again = tale.report("db", standing, sequence=7).events

    assert all(isinstance(event, e.MemberAnswered) for event in again)
    assert len(tale.state.commands) == opened


def test_a_report_of_another_rollout_or_of_nobody_changes_nothing():
    tale = Tale()
    other = Report(application=ApplicationName("db"), rollout=RolloutId("db-9"), standing=Standing.BACK, sequence=5)
    nobody = replace(other, application=ApplicationName("nobody"))

    assert tale.tell(MemberReported(id=CommandId("a"), report=other)).events == ()
    assert tale.tell(MemberReported(id=CommandId("b"), report=nobody)).events == ()


REFUSED = {
    ReleasePhase.PROGRESSING: {ReleaseAction.RESUME},
    ReleasePhase.PAUSED: {ReleaseAction.PAUSE},
    ReleasePhase.ROLLING_BACK: set(ReleaseAction),
    ReleasePhase.SUCCEEDED: set(ReleaseAction),
    ReleasePhase.ROLLED_BACK: set(ReleaseAction),
    ReleasePhase.ABORTED: set(ReleaseAction),
    ReleasePhase.FAILED: set(ReleaseAction),
}


@pytest.mark.parametrize("phase", REFUSED)
@pytest.mark.parametrize("action", list(ReleaseAction))
def test_a_persons_command_is_done_or_refused_by_the_same_table_at_the_door_and_on_its_turn(phase, action):
    tale = Tale()
    tale.state = replace(tale.state, phase=phase)
    if phase is ReleasePhase.ROLLING_BACK:
        tale.tell(Lapse())
        tale.state = replace(tale.state, ending=e.ReleaseEnding(phase=ReleasePhase.ROLLED_BACK, reason="because"))
    said_no = action in REFUSED[phase]

    assert (refusal(tale.state, action) is not None) is said_no
    decided = tale.tell(override(action)).events
    assert any(isinstance(event, e.OverrideRefused) for event in decided) is said_no


def test_abort_is_for_releases_whose_promotion_is_not_open():
    tale = Tale().wait_at(PROMOTION)

    assert refusal(tale.state, ReleaseAction.ABORT) == "promotion has begun: use rollback"
    assert refusal(tale.state, ReleaseAction.ROLLBACK) is None


def test_nothing_is_opened_while_the_release_is_paused():
    tale = Tale()
    tale.tell(override(ReleaseAction.PAUSE))
    tale.wait_at(1)
    assert tale.state.opened == CLOSED

    tale.tell(override(ReleaseAction.RESUME))
    assert tale.state.opened == 1


def test_people_are_told_once_each_of_what_becomes_of_a_release():
    tale = Tale("db", "web")
    assert tale.news() == [("started", "release autumn began: db 2, web 2")]
    tale.tell(override(ReleaseAction.PAUSE))
    assert tale.news() == [("paused", "release autumn was paused by alice: as agreed")]
    tale.tell(override(ReleaseAction.RESUME))
    tale.wait_at(1, "db", "web")
    tale.report("web", Standing.GOING_BACK, ends="failed")
    assert tale.news() == [("failed", "release autumn is taken back: web goes back: web said so")]
    for _ in range(5):
        tale.pass_time(timedelta(minutes=15))
        tale.report("db", Standing.GOING_BACK)
    [(topic, text)] = tale.news()
    assert (topic, text.split(":")[:2]) == ("stuck", ["release autumn", " web is not known to be back"])
    tale.report("db", Standing.BACK)
    tale.report("web", Standing.BACK)
    assert tale.news() == [("failed", "release autumn failed: web goes back: web said so")]


def test_a_paused_release_reminds_every_day_and_goes_on_standing_still():
    tale = Tale("db", "web")
    tale.news()
    tale.tell(override(ReleaseAction.PAUSE))
    tale.news()
    told = []
    for _ in range(3 * 72 + 1):
        tale.pass_time(timedelta(minutes=20))
        told += [(tale.now - NOON, *each) for each in tale.news()]
        for name in ("db", "web"):
            tale.report(name, Standing.WAITING, stage=Stage(1))

    assert told == [(timedelta(days=day), "paused", "release autumn is still paused") for day in (1, 2, 3)]
    assert (tale.state.phase, tale.state.opened) == (ReleasePhase.PAUSED, CLOSED)


def test_a_reminder_is_looked_for_when_it_is_due_also_where_members_are_asked_less_often():
    patient = replace(begin("db", "web"), patience=timedelta(days=7))
    begun = decide(Release(id=ReleaseId("autumn")), patient, now=NOON).state
    paused = decide(begun, override(ReleaseAction.PAUSE), now=NOON + HOUR).state

    assert next_look(paused) == NOON + HOUR + timedelta(days=1)


@pytest.mark.parametrize("action", [ReleaseAction.RESUME, ReleaseAction.ABORT])
def test_what_is_not_paused_any_more_does_not_remind(action):
    tale = Tale("db", "web")
    tale.tell(override(ReleaseAction.PAUSE))
    tale.pass_time(timedelta(minutes=10))
    tale.tell(override(action))

    assert tale.state.remind_at is None
    for _ in range(100):
        tale.pass_time(timedelta(minutes=20))
        tale.report("db", Standing.MOVING)
    assert not tale.happened(e.PauseReminded)


def test_the_line_in_the_list_is_written_after_what_changes_it_and_is_one():
    tale = Tale("db", "web")
    [row] = tale.state.listings
    tale.tell(override(ReleaseAction.PAUSE))
    assert tale.state.listings == (row,)

    assert tale.tell(RowDone(row.id)).closed == (row.id,)
    assert tale.tell(RowDone(row.id)).events == ()
    tale.report("db", Standing.EXPECTED)
    assert tale.state.listings == ()
    tale.tell(override(ReleaseAction.ABORT))
    assert len(tale.state.listings) == 1


REPORTS = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(list(Standing)),
    st.sampled_from([CLOSED, Stage(0), Stage(1), Stage(2), PROMOTION, END]),
    st.sampled_from(list(Hold)),
)
HAPPENINGS = st.one_of(
    REPORTS, REPORTS, st.sampled_from(list(ReleaseAction)), st.sampled_from([1, 20, 61]), st.just("give")
)


@given(st.lists(HAPPENINGS, max_size=40))
def test_in_any_order_of_happenings_the_way_is_never_closed_and_what_is_over_stays_over(happenings):
    tale = Tale()
    for each in happenings:
        before = tale.state
        match each:
            case "give":
                tale.give()
            case ReleaseAction():
                tale.tell(override(each))
            case int():
                tale.pass_time(timedelta(minutes=each))
            case name, standing, stage, hold:
                tale.report(name, standing, stage=stage, hold=hold)
        assert tale.state.opened >= before.opened
        # A refused override is told in the history, and so counted; it moves nothing else.
        stands = replace(tale.state, commands=(), sequence=before.sequence)
        assert not before.phase.is_terminal or stands == replace(before, commands=())
        assert len(tale.state.listings) <= 1
        assert not (before.phase is ReleasePhase.ROLLING_BACK and tale.state.opened > before.opened)
        look = next_look(tale.state)
        assert tale.state.phase.is_terminal or look is not None, "a release that is not over is looked at again"
        assert look is None or look > tale.now or tale.tell(Lapse()).events or next_look(tale.state) > tale.now
