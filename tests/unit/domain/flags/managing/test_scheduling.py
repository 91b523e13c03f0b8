"""Changes that wait for their time: made on the flag as it is then, or refused with the reason in history."""

import pytest

from shared.domain.errors import InvalidError, Problem, RejectedError
from shared.domain.flags.managing import events as e
from shared.domain.flags.managing.commands import CancelScheduled, Lapse
from shared.domain.flags.managing.decide import next_look
from shared.domain.flags.managing.state import SCHEDULED_AT_MOST
from tests.unit.domain.flags.managing.tale import HOUR, NOON, ON, Tale, flag


def scheduled() -> Tale:
    tale = Tale()
    tale.schedule(flag(default=ON))
    return tale


def test_a_change_is_made_at_its_time_and_not_before():
    tale = scheduled()
    assert next_look(tale.state) == NOON + HOUR
    assert tale.pass_time(HOUR / 2).events == ()

    decision = tale.pass_time(HOUR / 2)

    saved = tale.happened(e.FlagSaved)[-1]
    assert (tale.flag, saved.by, saved.why, saved.change) == (flag(default=ON), "alice", "the sale", "later")
    assert (tale.state.scheduled, next_look(tale.state)) == ((), None)
    assert len(decision.opened) == 1
    assert tale.tell(Lapse()).events == ()


def test_what_others_changed_beside_it_stays():
    tale = scheduled()
    tale.save(flag(owner="shop"))
    tale.kill()
    tale.pass_time()

    assert tale.flag == flag(default=ON, owner="shop", killed=True)


def test_a_change_of_what_others_changed_is_refused_with_the_reason_in_history():
    tale = scheduled()
    tale.save(flag(default="off", enabled=False))
    tale.save(flag(default=ON, rules=()))
    tale.save(flag(default="off", rules=()))
    tale.pass_time()

    (refused,) = tale.happened(e.ScheduledRefused)
    assert refused.why == "it was made against revision 1, and revision 4 changed default otherwise"
    assert (tale.flag.default, tale.state.scheduled) == ("off", ())


def test_a_change_that_became_wrong_or_needless_is_refused():
    tale = scheduled()
    tale.schedule(flag(default=ON), change="again")
    tale.wrong = [Problem("default", "is no variant")]
    tale.tell(CancelScheduled(id="again", by="bob", why=""))
    tale.pass_time()
    assert "default: is no variant" in tale.happened(e.ScheduledRefused)[0].why

    needless = scheduled()
    needless.save(flag(default=ON))
    needless.pass_time()
    assert needless.happened(e.ScheduledRefused)[0].why == "the flag is so already"


def test_archiving_ends_what_waits():
    tale = scheduled()
    tale.archive()

    assert (tale.state.scheduled, tale.happened(e.ScheduledRefused)[0].why) == ((), "the flag is archived")


def test_changes_are_made_in_the_order_of_their_times():
    tale = Tale()
    tale.schedule(flag(owner="second"), 2 * HOUR, change="b")
    tale.schedule(flag(enabled=False), HOUR, change="a")
    assert [change.id for change in tale.state.scheduled] == ["a", "b"]

    tale.pass_time(3 * HOUR)

    assert tale.flag == flag(owner="second", enabled=False)
    assert [saved.change for saved in tale.happened(e.FlagSaved)[1:]] == ["a", "b"]


def test_a_change_is_cancelled_once():
    tale = scheduled()
    tale.tell(CancelScheduled(id="later", by="bob", why="no sale"))

    assert tale.pass_time().events == ()
    with pytest.raises(RejectedError, match="later"):
        tale.tell(CancelScheduled(id="later", by="bob", why="no sale"))


def test_the_same_request_again_is_one_change():
    assert scheduled().schedule(flag(default=ON)).events == ()


@pytest.mark.parametrize("span", [0 * HOUR, -HOUR])
def test_the_past_is_refused(span):
    with pytest.raises(InvalidError, match="past"):
        Tale().schedule(flag(default=ON), span)


def test_a_change_of_nothing_and_one_too_many_are_refused():
    tale = Tale()
    with pytest.raises(RejectedError, match="so already"):
        tale.schedule(flag())
    for number in range(SCHEDULED_AT_MOST):
        tale.schedule(flag(owner=f"o{number}"), change=str(number))
    with pytest.raises(RejectedError, match="cancel one first"):
        tale.schedule(flag(owner="x"), change="x")


OWNERS = ("ten", "fifty", "all")


def ladder() -> Tale:
    """Three changes of one field, each accepted on top of those before it."""
    tale = Tale()
    for hours, owner in enumerate(OWNERS, start=1):
        tale.schedule(flag(owner=owner), hours * HOUR, change=owner)
    return tale


@pytest.mark.parametrize("at_once", [False, True])
def test_a_ladder_of_changes_does_not_refuse_itself(at_once):
    tale = ladder()
    assert [change.follows for change in tale.state.scheduled] == [(), ("ten",), ("ten", "fifty")]

    owners = []
    for span in (3 * HOUR,) if at_once else (HOUR, HOUR, HOUR):
        tale.pass_time(span)
        owners.append(tale.flag.owner)

    assert owners == (["all"] if at_once else list(OWNERS))
    assert [saved.change for saved in tale.happened(e.FlagSaved)[1:]] == list(OWNERS)
    assert (tale.happened(e.ScheduledRefused), tale.state.scheduled) == ([], ())


def test_what_is_switched_on_can_be_switched_off_again_to_what_it_is_now():
    tale = Tale()
    tale.schedule(flag(default=ON), HOUR, change="on")
    tale.schedule(flag(), 2 * HOUR, change="off")
    assert tale.state.scheduled[1].fields == ("default",)

    assert (tale.pass_time().events != (), tale.flag.default) == (True, ON)
    assert (tale.pass_time().events != (), tale.flag) == (True, flag())


@pytest.mark.parametrize("step", [1, 2])
def test_what_somebody_else_changes_between_two_steps_still_refuses_the_next(step):
    tale = ladder()
    tale.pass_time(step * HOUR)
    tale.save(flag(owner="a hand"))
    tale.pass_time((3 - step) * HOUR)

    why = f"it was made against revision 1, and revision {step + 2} changed owner otherwise"
    assert [refused.why for refused in tale.happened(e.ScheduledRefused)] == [why] * (3 - step)
    assert tale.flag.owner == "a hand"


def test_what_somebody_else_changes_before_the_first_step_refuses_all_of_them():
    tale = ladder()
    tale.save(flag(owner="a hand"))
    tale.pass_time(3 * HOUR)

    assert (len(tale.happened(e.ScheduledRefused)), tale.flag.owner) == (3, "a hand")


def test_a_step_that_is_cancelled_leaves_the_others():
    tale = ladder()
    tale.tell(CancelScheduled(id="fifty", by="bob", why=""))
    tale.pass_time(3 * HOUR)

    assert (tale.flag.owner, tale.happened(e.ScheduledRefused)) == ("all", [])


def test_a_change_that_was_accepted_later_is_foreign_to_one_that_it_comes_before():
    tale = Tale()
    tale.schedule(flag(owner="all"), 2 * HOUR, change="all")
    tale.schedule(flag(owner="ten"), HOUR, change="ten")
    tale.pass_time(2 * HOUR)

    assert (tale.flag.owner, tale.happened(e.ScheduledRefused)[0].change) == ("ten", "all")


def test_a_ladder_under_approvals_is_approved_step_by_step():
    tale = Tale(approvals=1)
    for hours, owner in enumerate(OWNERS, start=1):
        tale.schedule(flag(owner=owner), hours * HOUR, change=owner)
        tale.approve("bob")
    tale.pass_time(3 * HOUR)

    assert (tale.flag.owner, tale.happened(e.ScheduledRefused)) == ("all", [])
