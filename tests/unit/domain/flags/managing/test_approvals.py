"""Changes that wait for approval: different people, never the author, and worth nothing after a later edit."""

import pytest

from shared.domain.errors import Problem, RejectedError
from shared.domain.flags.managing import events as e
from shared.domain.flags.managing.commands import Approve, Reject
from tests.unit.domain.flags.managing.tale import HOUR, KEY, OFF, ON, Tale, flag


def proposed(approvals: int = 2) -> Tale:
    tale = Tale(approvals)
    tale.save(flag(enabled=False))
    return tale


def test_a_save_becomes_a_proposal_and_changes_nothing():
    tale = proposed()

    assert (tale.flag, tale.state.revision) == (flag(), 1)
    assert tale.state.proposal is not None
    assert tale.state.proposal.fields == ("enabled",)
    assert tale.state.effects == ()


def test_with_the_last_approval_it_is_made_in_the_authors_name():
    tale = proposed()
    tale.approve("bob")
    assert tale.flag == flag()

    tale.approve("carol")

    saved = tale.happened(e.FlagSaved)[-1]
    assert (saved.by, saved.approved_by, saved.fields) == ("alice", ("bob", "carol"), ("enabled",))
    assert (tale.flag, tale.state.proposal) == (flag(enabled=False), None)


def test_the_author_cannot_approve_and_nobody_counts_twice():
    tale = proposed()
    with pytest.raises(RejectedError, match="somebody else"):
        tale.approve("alice")

    tale.approve("bob")
    assert tale.approve("bob").events == ()
    assert tale.flag == flag()


def test_a_later_edit_begins_without_approvals_and_the_earlier_one_cannot_be_approved_any_more():
    tale = proposed()
    tale.approve("bob")
    first = tale.state.proposal
    tale.save(flag(enabled=False, default=ON), by="carol")

    assert tale.state.proposal is not None
    assert tale.state.proposal.approvals == ()
    assert tale.happened(e.ProposalVoided)[0].proposal == first.id
    with pytest.raises(RejectedError, match="not the one that waits"):
        tale.tell(Approve(proposal=first.id, by="dave"))


def test_the_same_proposal_again_keeps_its_approvals():
    tale = proposed()
    tale.approve("bob")

    assert tale.save(flag(enabled=False)).events == ()
    assert len(tale.state.proposal.approvals) == 1


def test_a_proposal_is_rejected_by_anybody_who_says_why():
    tale = proposed()
    tale.tell(Reject(proposal=tale.state.proposal.id, by="alice", why="not yet"))

    assert tale.state.proposal is None
    with pytest.raises(RejectedError, match="waits for approval"):
        tale.tell(Reject(proposal="c2", by="alice", why="not yet"))


def test_the_kill_switch_waits_for_nobody_and_a_proposal_outlives_it():
    tale = proposed(1)
    tale.kill()
    assert tale.flag.killed

    tale.approve("bob")
    assert tale.flag == flag(enabled=False, killed=True)


def test_what_others_changed_beside_it_stays():
    tale = proposed(1)
    tale.drive(5_000)
    tale.release()

    tale.approve("bob")

    assert tale.flag.enabled is False
    assert tale.flag.rules[1].serve != OFF


def test_a_proposal_whose_fields_were_changed_meanwhile_comes_to_nothing_and_says_so():
    tale = Tale(1)
    tale.save(flag(rules=()))
    tale.drive(5_000)
    tale.approve("bob")

    (voided,) = tale.happened(e.ProposalVoided)
    assert "revision 2 changed rules" in voided.why
    assert tale.state.proposal is None
    assert len(tale.flag.rules) == 2


def test_a_proposal_that_became_wrong_comes_to_nothing_and_says_so():
    tale = proposed(1)
    tale.wrong = [Problem("rules[0]", "asks for segment staff, which is not there")]
    tale.approve("bob")

    assert "segment staff" in tale.happened(e.ProposalVoided)[0].why
    assert tale.flag == flag()


def test_archiving_waits_for_approval_too():
    tale = Tale(1)
    tale.archive()
    assert not tale.state.archived

    tale.approve("bob")

    assert (tale.state.archived, tale.state.proposal) == (True, None)
    assert tale.happened(e.FlagArchived)[0].approved_by == ("bob",)


def test_a_later_time_waits_for_approval_and_then_for_its_time():
    tale = Tale(1)
    tale.schedule(flag(enabled=False))
    assert tale.state.scheduled == ()
    assert tale.schedule(flag(enabled=False)).events == ()

    tale.approve("bob")
    assert (len(tale.state.scheduled), tale.state.proposal, tale.flag) == (1, None, flag())

    tale.pass_time(HOUR)
    assert tale.flag == flag(enabled=False)


def test_a_new_flag_waits_for_approval():
    tale = Tale(1, saved=False)
    tale.save(flag(), expected=0)
    assert tale.state.live is None

    tale.approve("bob")
    assert (tale.state.live, tale.state.revision, tale.state.key) == (flag(), 1, KEY)
