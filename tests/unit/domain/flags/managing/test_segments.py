"""Changing segments: no update is lost, and none goes that is asked for."""

from dataclasses import replace

import pytest

from shared.domain.errors import RejectedError
from shared.domain.flags.managing.commands import NEW, Published, Unread
from shared.domain.flags.managing.refusals import RevisionError, RevisionUnsaidError, UnknownFlagError
from shared.domain.flags.managing.segments import (
    DeleteSegment,
    SaveSegment,
    SegmentState,
    decide_segment,
    evolve_segment,
)
from shared.domain.flags.model import Members, Segment
from shared.domain.names import SegmentKey
from tests.unit.domain.flags.managing.tale import NOON

STAFF = Segment(key=SegmentKey("staff"), included=(Members(("ann",)),))
FRESH = SegmentState(key=STAFF.key)


def tell(state, command):
    decision = decide_segment(state, command, now=NOON)
    folded = state
    for event in decision.events:
        folded = evolve_segment(folded, event)
    assert replace(folded, effects=(), effects_made=0) == replace(decision.state, effects=(), effects_made=0)
    return decision


def save(state, segment=STAFF, expected=NEW):
    return tell(state, SaveSegment(segment=segment, by="alice", why="", expected=expected))


def delete(state, expected, *used_by):
    return tell(state, DeleteSegment(by="alice", why="", expected=expected, used_by=used_by))


def test_a_segment_is_saved_changed_and_deleted_in_revisions_that_never_come_again():
    first = save(FRESH)
    second = save(first.state, replace(STAFF, description="ours"), 1)
    gone = delete(second.state, 2)
    again = save(gone.state)

    assert [each.state.revision for each in (first, second, gone, again)] == [1, 2, 3, 4]
    assert [each.state.sequence for each in (first, second, gone, again)] == [1, 2, 3, 4]
    assert (first.opened, second.opened, gone.state.segment) == (first.state.effects, (), None)
    closed = tell(again.state, Published(again.state.effects))
    assert (closed.closed, closed.state.effects) == (first.opened, ())
    assert tell(closed.state, Published(first.opened)).events == ()


def test_a_segment_that_is_so_already_is_nothing_new():
    assert save(save(FRESH).state, expected=9).events == ()


@pytest.mark.parametrize(
    ("expected", "error"), [(NEW, RevisionError), (2, RevisionError), (Unread.UNSAID, RevisionUnsaidError)]
)
def test_what_was_not_read_is_not_overwritten(expected, error):
    saved = save(FRESH).state

    with pytest.raises(error):
        save(saved, replace(STAFF, description="ours"), expected)
    with pytest.raises(error):
        delete(saved, expected)


def test_a_segment_that_is_not_there_is_not_deleted_nor_overwritten():
    with pytest.raises(UnknownFlagError):
        delete(FRESH, Unread.ANY)
    with pytest.raises(RevisionError):
        save(FRESH, expected=Unread.ANY)


def test_a_segment_that_is_asked_for_stays():
    with pytest.raises(RejectedError, match="flag new-checkout, segment all"):
        delete(save(FRESH).state, 1, "flag new-checkout", "segment all")
