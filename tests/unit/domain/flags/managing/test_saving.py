"""Saving a flag: no update is lost, the kill switch stands by itself, and what is served follows."""

import pytest

from shared.domain.errors import InvalidError, Problem
from shared.domain.flags.managing import events as e
from shared.domain.flags.managing.commands import NEW, Archive, Kill, Revive, Unread
from shared.domain.flags.managing.refusals import RevisionError, RevisionUnsaidError, UnknownFlagError
from shared.domain.flags.model import Variant
from tests.unit.domain.flags.managing.tale import KEY, OFF, ON, Tale, flag


def test_a_new_flag_is_its_first_revision():
    tale = Tale(saved=False)
    decision = tale.save(flag(), expected=Unread.UNSAID)

    assert (tale.state.revision, tale.flag, tale.state.changed_by) == (1, flag(), "alice")
    assert len(decision.opened) == 1


def test_a_flag_that_is_so_already_is_nothing_new_whatever_was_read():
    tale = Tale()

    for expected in (NEW, 7, *Unread):
        assert tale.save(flag(), expected=expected).events == ()


@pytest.mark.parametrize(
    ("expected", "error"),
    [(NEW, RevisionError), (2, RevisionError), (Unread.UNSAID, RevisionUnsaidError)],
)
def test_what_was_not_read_is_not_overwritten(expected, error):
    tale = Tale()

    with pytest.raises(error, match="revision 1"):
        tale.save(flag(enabled=False), expected=expected)
    assert tale.flag == flag()


@pytest.mark.parametrize("expected", [1, Unread.ANY])
def test_what_was_read_is_overwritten_and_history_says_which_fields(expected):
    tale = Tale()
    tale.save(flag(enabled=False, owner="shop"), expected=expected)

    (_, saved) = tale.happened(e.FlagSaved)
    assert (saved.revision, saved.fields) == (2, ("enabled", "owner"))


@pytest.mark.parametrize("expected", [1, Unread.ANY])
def test_a_flag_that_is_not_there_has_no_revision_to_be_read(expected):
    with pytest.raises(RevisionError):
        Tale(saved=False).save(flag(), expected=expected)


def test_true_and_1_are_different_values():
    tale = Tale()

    assert tale.save(flag(variants=(Variant(ON, 1), Variant(OFF, False)))).events


def test_what_is_wrong_with_a_flag_refuses_it():
    tale = Tale()
    tale.wrong = [Problem("rules[0]", "asks for segment staff, which is not there")]

    with pytest.raises(InvalidError, match="staff"):
        tale.save(flag(enabled=False))


def test_a_document_that_says_nothing_of_the_kill_switch_leaves_it_thrown():
    tale = Tale()
    tale.kill()
    tale.save(flag(owner="shop"))

    assert tale.flag == flag(owner="shop", killed=True)


def test_a_document_cannot_throw_the_kill_switch_but_a_new_flag_may_come_killed():
    with pytest.raises(InvalidError, match="kill"):
        Tale().save(flag(killed=True))
    new = Tale(saved=False)
    new.save(flag(killed=True), expected=NEW)
    assert new.flag.killed


def test_killing_and_reviving_are_revisions_and_repeat_without_harm():
    tale = Tale()
    tale.kill()
    assert (tale.flag.killed, tale.state.revision) == (True, 2)
    assert tale.kill().events == ()
    with pytest.raises(RevisionError):
        tale.save(flag(owner="shop"), expected=1)

    tale.tell(Revive(by="bob", why="mended"))
    assert (tale.flag.killed, tale.state.revision) == (False, 3)
    assert tale.tell(Revive(by="bob", why="mended")).events == ()


def test_an_archived_flag_is_not_there_and_can_be_saved_anew():
    tale = Tale()
    tale.archive()

    assert tale.state.live is None
    assert tale.archive().events == ()
    for command in (Kill(by="b", why=""), Revive(by="b", why="")):
        with pytest.raises(UnknownFlagError, match="archived"):
            tale.tell(command)
    tale.save(flag(owner="shop"), expected=NEW)
    assert (tale.state.revision, tale.state.live) == (3, flag(owner="shop"))


def test_nobody_archives_a_flag_that_they_did_not_read():
    tale = Tale()
    tale.kill()

    with pytest.raises(RevisionError):
        tale.tell(Archive(by="alice", why="", expected=1, id="a"))
    with pytest.raises(UnknownFlagError, match=KEY):
        Tale(saved=False).archive()


def test_one_row_stands_for_all_that_is_to_be_published_and_goes_when_that_is_done():
    tale = Tale()
    assert len(tale.save(flag(owner="a")).opened) == 1
    assert tale.kill().opened == ()
    rows = tale.state.effects

    decision = tale.publish()

    assert (decision.closed, tale.state.effects) == (rows, ())
    assert tale.publish().events == ()
    assert tale.save(flag(owner="b")).opened > rows
