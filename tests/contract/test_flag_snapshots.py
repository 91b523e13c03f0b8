"""What every keeper of flag snapshots promises, on SQLite, on Azure Table Storage (its emulator) and in memory."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.azure_tables.flag_snapshots import TableFlagSnapshots
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.flag_snapshots import SqliteFlagSnapshots
from shared.domain.errors import RejectedError, VersionConflictError
from shared.domain.flags.turns import Turn
from shared.domain.names import EnvironmentName
from shared.ports.flag_snapshots import Head
from tests.simulation.protocol.snapshots import MemoryFlagSnapshots

LIVE = EnvironmentName("production")
TEST = EnvironmentName("test")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def snapshots(twinned):
    if twinned is None:
        return MemoryFlagSnapshots()
    return SqliteFlagSnapshots(twinned) if isinstance(twinned, Database) else TableFlagSnapshots(twinned)


def write(snapshots, *names: str, at: datetime = NOON) -> None:
    for name in names:
        snapshots.write_chunk(LIVE, name, f"chunk {name}", at)


def there(snapshots, *names: str) -> list[str]:
    return [name for name in names if snapshots.read_chunk(LIVE, name) is not None]


def test_an_environment_that_never_was_has_an_empty_head_and_no_chunk(snapshots):
    assert snapshots.read_head(LIVE) == Head(None)
    assert snapshots.read_chunk(LIVE, "a") is None
    assert snapshots.prune(LIVE, (), NOON, at_most=5) == 0


def test_a_moved_head_is_read_back_with_its_slots_in_order(snapshots):
    etag = snapshots.move_head(LIVE, Head(None, (("b", "2"), ("a", "1"))))

    assert snapshots.read_head(LIVE) == Head(etag, (("a", "1"), ("b", "2")))


@pytest.mark.parametrize("name", ["new-checkout", "a/b 🚀 ü", "a\x00\ud800", "x" * 256])
def test_whose_turn_it_is_is_read_back_with_the_head_until_it_is_somebody_elses_or_nobodys(snapshots, name):
    turn = Turn(f"flag:{LIVE}/{name}", name, 7, NOON + timedelta(microseconds=1))
    first = snapshots.move_head(LIVE, Head(None, (("a", "1"),), turn))
    assert snapshots.read_head(LIVE) == Head(first, (("a", "1"),), turn)
    assert snapshots.read_head(TEST) == Head(None)

    other = replace(turn, version=8)
    second = snapshots.move_head(LIVE, Head(first, (("a", "1"),), other))
    assert snapshots.read_head(LIVE) == Head(second, (("a", "1"),), other)
    with pytest.raises(VersionConflictError):
        snapshots.move_head(LIVE, Head(first, (("a", "1"),), turn))
    assert snapshots.read_head(LIVE).turn == other
    third = snapshots.move_head(LIVE, Head(second, (("a", "2"),)))
    assert snapshots.read_head(LIVE) == Head(third, (("a", "2"),))


@pytest.mark.parametrize("how", ["as new", "by an old etag", "where there is none"])
def test_a_head_that_was_moved_by_somebody_else_conflicts_and_stays(snapshots, how):
    first = snapshots.move_head(LIVE, Head(None, (("a", "1"),)))
    second = snapshots.move_head(LIVE, Head(first, (("a", "2"),)))
    assert second != first
    stale = {"as new": (LIVE, None), "by an old etag": (LIVE, first), "where there is none": (TEST, second)}[how]

    with pytest.raises(VersionConflictError):
        snapshots.move_head(stale[0], Head(stale[1], (("a", "3"),)))
    assert snapshots.read_head(LIVE) == Head(second, (("a", "2"),))
    assert snapshots.read_head(TEST) == Head(None)


def test_of_many_who_move_a_head_at_once_one_does(snapshots):
    etag = snapshots.move_head(LIVE, Head(None))

    def move(number: int) -> bool:
        try:
            snapshots.move_head(LIVE, Head(etag, (("a", str(number)),)))
        except VersionConflictError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(move, range(4))) == [False, False, False, True]


@pytest.mark.parametrize(
    "text",
    ["", "🚀 ü", "a\x00\ud800", '\\"quoted"', "x" * 1_000_000, "x" + "🚀" * 240_000],
    ids=lambda text: ascii(text[:9]),
)
def test_any_text_comes_back_unchanged(snapshots, text):
    snapshots.write_chunk(LIVE, "a", text, NOON)

    assert snapshots.read_chunk(LIVE, "a") == text
    assert snapshots.read_chunk(LIVE, "a!") is None
    assert snapshots.read_chunk(TEST, "a") is None


def test_a_chunk_that_no_transaction_takes_is_rejected_by_its_limit(snapshots):
    with pytest.raises(RejectedError, match=r"4 MiB|a chunk takes"):
        snapshots.write_chunk(LIVE, "a", "x" * 5_000_000, NOON)
    assert snapshots.read_chunk(LIVE, "a") is None


def test_what_is_old_and_not_kept_is_pruned(snapshots):
    write(snapshots, "old", "kept")
    write(snapshots, "new", at=NOON + HOUR)

    assert snapshots.prune(LIVE, {"kept"}, NOON + HOUR, at_most=5) == 1
    assert there(snapshots, "old", "kept", "new") == ["kept", "new"]
    assert snapshots.prune(LIVE, {"kept"}, NOON + HOUR, at_most=5) == 0


def test_a_chunk_that_is_written_again_is_new_again(snapshots):
    write(snapshots, "a", "b")
    write(snapshots, "a", at=NOON + HOUR)

    snapshots.prune(LIVE, (), NOON + HOUR, at_most=5)
    assert there(snapshots, "a", "b") == ["a"]
    snapshots.prune(LIVE, (), NOON + 2 * HOUR, at_most=5)
    assert there(snapshots, "a") == []


def test_pruning_is_bounded_and_gets_there_however_much_is_kept(snapshots):
    keep = [f"k{number}" for number in range(6)]
    write(snapshots, *keep, "a", "b", "c")

    assert snapshots.prune(LIVE, keep, NOON + HOUR, at_most=2) == 2
    assert snapshots.prune(LIVE, keep, NOON + HOUR, at_most=2) == 1
    assert there(snapshots, *keep, "a", "b", "c") == keep


def test_environments_are_apart(snapshots):
    write(snapshots, "a")
    snapshots.move_head(LIVE, Head(None, (("s", "a"),)))

    assert snapshots.read_head(TEST) == Head(None)
    assert snapshots.prune(TEST, (), NOON + HOUR, at_most=5) == 0
    assert there(snapshots, "a") == ["a"]
