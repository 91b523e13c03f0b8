"""What every store of open markers promises."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.azure_tables.open_markers import TableOpenMarkers
from shared.adapters.azure_tables.operation import put
from shared.adapters.memory.open_markers import MemoryOpenMarkers
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.open_markers import SqliteOpenMarkers
from shared.domain.errors import RejectedError
from shared.wire.side_rows import marker_row
from shared.wire.table_keys import EPOCH
from shared.wire.table_limits import TableRow
from shared.wire.table_text import pack

NOON = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def markers(twinned):
    if twinned is None:
        return MemoryOpenMarkers()
    return SqliteOpenMarkers(twinned) if isinstance(twinned, Database) else TableOpenMarkers(twinned)


def overdue_keys(markers, now=NOON) -> list[str]:
    return [marker.key for marker in markers.overdue(now, limit=100)]


def test_nothing_is_overdue_at_first(markers):
    assert markers.overdue(NOON, limit=10) == ()


def test_a_marker_is_overdue_from_its_due_time_on(markers):
    markers.open("application:shop", NOON)
    assert markers.overdue(NOON - timedelta(microseconds=1), limit=10) == ()
    (marker,) = markers.overdue(NOON, limit=10)
    assert (marker.key, marker.due) == ("application:shop", NOON)


def test_those_overdue_for_longest_come_first_and_no_more_than_the_limit(markers):
    for minutes in (5, 1, 4, 2, 3):
        markers.open(f"application:{minutes}", NOON - minutes * MINUTE)
    assert [marker.key for marker in markers.overdue(NOON, limit=3)] == [
        "application:5",
        "application:4",
        "application:3",
    ]
    assert markers.overdue(NOON, limit=0) == ()


def test_opening_again_moves_the_due_time_and_renews_the_token(markers):
    markers.open("a", NOON)
    (before,) = markers.overdue(NOON, limit=10)
    markers.open("a", NOON + MINUTE)
    assert markers.overdue(NOON, limit=10) == ()
    (after,) = markers.overdue(NOON + MINUTE, limit=10)
    assert after.due == NOON + MINUTE
    assert after.token != before.token


def test_opening_again_for_the_same_time_renews_the_token(markers):
    markers.open("a", NOON)
    (before,) = markers.overdue(NOON, limit=10)
    markers.open("a", NOON)
    (after,) = markers.overdue(NOON, limit=10)
    assert after.token != before.token


def test_a_closed_marker_is_gone(markers):
    markers.open("a", NOON)
    markers.open("b", NOON)
    (marker,) = [marker for marker in markers.overdue(NOON, limit=10) if marker.key == "a"]
    markers.close("a", marker.token)
    markers.close("a", marker.token)
    assert overdue_keys(markers) == ["b"]


def test_closing_with_an_old_token_does_nothing(markers):
    markers.open("a", NOON)
    (old,) = markers.overdue(NOON, limit=10)
    markers.open("a", NOON)
    markers.close("a", old.token)
    assert overdue_keys(markers) == ["a"]


def test_a_token_closes_no_other_marker(markers):
    markers.open("a", NOON)
    (marker,) = markers.overdue(NOON, limit=10)
    markers.open("b", NOON)
    markers.close("b", marker.token)
    assert sorted(overdue_keys(markers)) == ["a", "b"]


def test_a_marker_opened_while_the_old_one_is_closed_is_never_lost(markers):
    for round_number in range(10):
        key = f"application:{round_number}"
        markers.open(key, NOON)
        (old,) = [marker for marker in markers.overdue(NOON, limit=100) if marker.key == key]
        with ThreadPoolExecutor(2) as threads:
            opened = threads.submit(markers.open, key, NOON)
            closed = threads.submit(markers.close, key, old.token)
            opened.result()
            closed.result()
        assert key in overdue_keys(markers)


def test_many_markers_with_odd_keys_are_all_found(markers):
    keys = {f"application:{number}/ü#?🚀" for number in range(40)}
    for key in keys:
        markers.open(key, NOON)
    assert set(overdue_keys(markers)) == keys


def test_a_key_that_is_too_long_is_rejected(markers):
    with pytest.raises(RejectedError, match="1 KiB"):
        markers.open("k" * 600, NOON)


def test_putting_off_moves_only_the_marker_that_was_read(markers):
    markers.open("a", NOON)
    (read,) = markers.overdue(NOON, limit=10)
    markers.put_off("a", read.token, NOON + 2 * MINUTE)
    assert overdue_keys(markers, NOON + MINUTE) == []
    assert overdue_keys(markers, NOON + 2 * MINUTE) == ["a"]


def test_putting_off_does_nothing_to_a_marker_that_was_opened_again(markers):
    markers.open("a", NOON)
    (read,) = markers.overdue(NOON, limit=10)
    markers.open("a", NOON)
    markers.put_off("a", read.token, NOON + 60 * MINUTE)
    assert overdue_keys(markers, NOON) == ["a"]


def test_putting_off_a_marker_that_is_gone_does_not_bring_it_back(markers):
    markers.open("a", NOON)
    (read,) = markers.overdue(NOON, limit=10)
    markers.close("a", read.token)
    markers.put_off("a", read.token, NOON)
    assert overdue_keys(markers, NOON) == []


@pytest.mark.parametrize("due", ["soon", "9000000000000000000", "-9000000000000000000"])
def test_a_damaged_marker_is_overdue_until_it_is_written_anew(backing, due):
    markers = SqliteOpenMarkers(backing) if isinstance(backing, Database) else TableOpenMarkers(backing)
    markers.open("a", NOON + MINUTE)
    damage(backing, "a", due)
    (found,) = markers.overdue(NOON, limit=10)
    assert (found.key, found.due) == ("a", EPOCH)
    markers.put_off("a", found.token, NOON + MINUTE)
    assert overdue_keys(markers) == []
    (mended,) = markers.overdue(NOON + MINUTE, limit=10)
    assert mended.due == NOON + MINUTE


def damage(backing, key: str, due: str) -> None:
    if isinstance(backing, Database):
        with backing.writing() as connection:
            connection.execute("UPDATE open_markers SET due = ? WHERE aggregate = ?", (due, pack(key)))
    else:
        row = marker_row(key, NOON)
        backing.transact([put(TableRow(row.partition, row.key, {"due": due}))])
