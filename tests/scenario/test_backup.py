"""A backup of a live account, and what goes on from it in an empty one."""

import gzip
import stat
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from cli.archive_file import ArchiveError, read_archive
from cli.copying import DiffersError
from shared.adapters.azure_tables.archive import TableArchive
from shared.adapters.azure_tables.dead_letters import TableDeadLetters
from shared.adapters.azure_tables.flag_snapshots import TableFlagSnapshots
from shared.adapters.azure_tables.flag_usage import TableFlagUsage
from shared.adapters.azure_tables.observations import TableObservations
from shared.adapters.azure_tables.open_markers import TableOpenMarkers
from shared.adapters.azure_tables.rollout_store import TableRolloutStore
from shared.adapters.azure_tables.table import Table
from shared.adapters.azure_tables.view_index import TableViewIndex
from shared.adapters.sqlite.broker import SqliteBroker
from shared.domain.archive import Entry, Kind
from shared.domain.errors import RejectedError, TryLaterError, VersionConflictError
from shared.domain.names import CommandId, Version
from shared.domain.rollout.spec import Place
from tests.azurite import azurite
from tests.scenario.backups import (
    FailsOnce,
    LostError,
    back_up,
    back_up_of,
    breaks_at,
    move_into,
    never_asked,
    rehearsed,
    restored,
)
from tests.scenario.flag_world import KEY, LIVE
from tests.scenario.pushed_world import PushedWorld, report
from tests.scenario.test_flags_as_targets import made, reach
from tests.scenario.together_world import TogetherWorld
from tests.scenario.world import SHOP, World

__all__ = ["azurite"]

EVENT = "ci-run-1"
LATER = timedelta(minutes=10)


def at_step(number):
    return lambda world, rollout: world.run_until(lambda: world.rollout(rollout)["step"] == number)


def paused(world, rollout):
    at_step(1)(world, rollout)
    world.override("pause", "lunch")
    world.settle()


def taken_back(world, rollout):
    at_step(1)(world, rollout)
    world.override("rollback", "a bad feeling")


def swapping(world, rollout):
    world.run_until(lambda: world.rollout(rollout)["doing"] == "swapping")


def promoted(world, rollout):
    world.run_until(lambda: world.production() == "2")


def over(world, rollout):
    world.run_to_end(rollout)


MOMENTS = {
    "accepted and not looked at": (lambda world, rollout: None, "succeeded"),
    "at the first weight": (at_step(0), "succeeded"),
    "at the second weight": (at_step(1), "succeeded"),
    "paused": (paused, "succeeded"),
    "swapping": (swapping, "succeeded"),
    "promoted, and watched": (promoted, "succeeded"),
    "with a rollback in its inbox": (taken_back, "rolled-back"),
    "over, and kept warm": (over, "succeeded"),
}


@pytest.fixture
def world(tmp_path):
    (tmp_path / "first").mkdir()
    return World(tmp_path / "first")


def backed_up(world, path, reach):
    """Deploy, go on to a moment, and copy everything; return the rollout and its history so far."""
    rollout = world.deploy("2", event=EVENT)
    reach(world, rollout)
    back_up(world, path)
    return rollout, world.events(rollout)


def assert_whole(world, rollout, so_far) -> None:
    """History goes on from where it was, without a gap, and the same deployment again is the same rollout."""
    lines = world.events(rollout)
    numbers = [line["sequence"] for line in lines]
    assert lines[: len(so_far)] == so_far
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert world.announce("2", EVENT) == rollout
    world.settle()
    assert world.events(rollout)[: len(lines)] == lines
    assert world.happened(rollout).count("RolloutStarted") == 1


def watch_shares(world, rollout):
    """Take down each weight that is set from now on and what was proven then, until the swap."""
    seen = []

    def take_down(share):
        (target,) = world.rollout(rollout)["targets"] or [{"proven": 0}]
        if world.production() == "1":
            seen.append((share / 1000, target["proven"]))

    world.site.before_set_share = take_down
    return seen


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_rollout_goes_on_from_a_backup_to_the_end_that_it_would_have_had(world, tmp_path, moment):
    reach_it, end = MOMENTS[moment]
    rollout, so_far = backed_up(world, tmp_path / "a.backup", reach_it)
    before = world.rollout(rollout)
    move_into(world, tmp_path / "second")
    restored(world, tmp_path / "a.backup")

    assert world.rollout(rollout) == before
    shares = watch_shares(world, rollout)
    if moment == "paused":
        world.settle()
        assert world.phase(rollout) == "paused"
        world.override("resume")
    assert world.run_to_end(rollout) == end
    assert all(share <= proven for share, proven in shares), shares
    assert world.production() == ("2" if end == "succeeded" else "1")
    assert_whole(world, rollout, so_far)


@pytest.mark.parametrize(
    ("moment", "later", "end", "production"),
    [
        ("accepted and not looked at", LATER, "succeeded", "2"),
        ("at the second weight", timedelta(minutes=2), "succeeded", "2"),
        ("swapping", timedelta(minutes=2), "succeeded", "2"),
        ("with a rollback in its inbox", LATER, "rolled-back", "1"),
    ],
)
def test_a_rollout_that_the_world_has_left_behind_catches_up(world, tmp_path, moment, later, end, production):
    rollout, so_far = backed_up(world, tmp_path / "a.backup", MOMENTS[moment][0])
    world.run_for(later)
    move_into(world, tmp_path / "second")
    restored(world, tmp_path / "a.backup")
    shares = watch_shares(world, rollout)

    assert world.run_to_end(rollout) == end
    assert all(share <= proven for share, proven in shares), shares
    assert world.production() == production
    assert_whole(world, rollout, so_far)


def test_a_version_that_was_promoted_since_goes_back_for_the_backup_has_not_proven_it(world, tmp_path):
    """Nobody is left with a version that this account never saw judged; deployed again, it is released again."""
    rollout, so_far = backed_up(world, tmp_path / "a.backup", at_step(1))
    world.run_to_end(rollout)
    assert world.production() == "2"
    move_into(world, tmp_path / "second")
    restored(world, tmp_path / "a.backup")

    assert world.run_to_end(rollout) == "failed"

    assert "candidate replaced" in world.rollout(rollout)["reason"]
    assert (world.production(), world.share()) == ("1", 0)
    assert_whole(world, rollout, so_far)
    assert world.run_to_end(world.announce("2", "once more")) == "succeeded"
    assert world.production() == "2"


def test_a_rollout_that_was_taken_back_since_is_judged_anew_at_the_weight_that_the_backup_had_proven(world, tmp_path):
    rollout, so_far = backed_up(world, tmp_path / "a.backup", at_step(1))
    world.site.deploy(world.target, Place.CANDIDATE, "2", error_rate=0.5)
    assert world.run_to_end(rollout) == "rolled-back"
    move_into(world, tmp_path / "second")
    restored(world, tmp_path / "a.backup")
    shares = watch_shares(world, rollout)

    assert world.run_to_end(rollout) == "rolled-back"
    assert all(share <= proven for share, proven in shares), shares
    assert (world.share(), world.production()) == (0, "1")
    assert "errors" in world.rollout(rollout)["reason"]
    assert_whole(world, rollout, so_far)


def test_lists_and_the_owners_of_resources_are_made_anew_and_alerts_find_their_rollout(world, tmp_path):
    rollout, _ = backed_up(world, tmp_path / "a.backup", at_step(1))
    listed = world.app.views.applications(None)
    move_into(world, tmp_path / "second")
    restored(world, tmp_path / "a.backup")

    assert world.app.views.applications(None) == listed
    world.alert()
    assert world.run_to_end(rollout) == "rolled-back"


def test_what_was_scheduled_is_scheduled_anew_at_once(world, tmp_path):
    """No sweep is waited for: the messages of before are gone, and the state says when they were to come."""
    backed_up(world, tmp_path / "a.backup", at_step(1))
    due = world.broker.next_due("slipway-commands")
    move_into(world, tmp_path / "second")
    restored(world, tmp_path / "a.backup")
    world.settle()

    assert world.broker.next_due("slipway-commands") == due


def test_a_wake_up_that_is_lost_is_made_up_for_by_the_sweep(world, tmp_path):
    rollout, so_far = backed_up(world, tmp_path / "a.backup", at_step(1))
    move_into(world, tmp_path / "second")
    restored(world, tmp_path / "a.backup")
    world.broker = SqliteBroker(world.folder / "another-queue.db", now=world.clock.now)
    world.start()

    assert world.run_to_end(rollout) == "succeeded"
    assert_whole(world, rollout, so_far)


def test_each_dead_letter_is_looked_at_for_it_may_be_on_its_way_back(world, tmp_path):
    world.app.wake_ups.refuse(b"garbage", RejectedError("no wake-up"))
    (letter,) = world.keeping.letters.page(after=None, limit=9)
    back_up(world, tmp_path / "a.backup")
    move_into(world, tmp_path / "second")
    restored(world, tmp_path / "a.backup")

    assert world.keeping.letters.page(after=None, limit=9) == (letter,)
    marked = world.keeping.markers.overdue(world.clock.now() + timedelta(hours=1), limit=9)
    assert f"dead-letter:{letter.id}" in {marker.key for marker in marked}
    world.run_for(timedelta(minutes=30))
    assert world.keeping.markers.overdue(world.clock.now() + timedelta(days=60), limit=9) == ()


def test_an_account_is_copied_while_it_works_and_each_copy_goes_on(world, tmp_path):
    """Each page is one chunk, and before each a message is delivered or time passes."""
    rollout = world.deploy("2", event=EVENT)
    for number in range(24):
        back_up(world, tmp_path / f"{number}.backup", lambda _call: step_on(world), a_chunk_a_page=True)
    assert world.rollout(rollout)["ended"]

    for number in (0, 3, 8, 12, 23):
        move_into(world, tmp_path / f"world {number}")
        restored(world, tmp_path / f"{number}.backup")
        so_far = world.events(rollout)
        assert world.run_to_end(rollout) in ("succeeded", "failed")
        assert_whole(world, rollout, so_far)


def step_on(world) -> None:
    if not world.deliver_one():
        world.pass_to_next(world.clock.now() + timedelta(hours=1))


def test_what_is_sent_again_after_a_restore_is_known(world, tmp_path):
    """Also what waits in the inbox, and what was refused."""
    rollout = world.deploy("2", event=EVENT)
    world.alert("a1")
    back_up(world, tmp_path / "a.backup")
    move_into(world, tmp_path / "second")
    restored(world, tmp_path / "a.backup")

    world.alert("a1")
    assert world.announce("2", EVENT) == rollout
    with pytest.raises(RejectedError, match="was used for version 2"):
        world.app.intake.accept_deployment(SHOP, Version("3"), CommandId(EVENT), "ci")
    world.settle()
    assert world.happened(rollout).count("RolloutStarted") == 1


def test_flags_are_served_as_before_and_the_rollout_that_drives_one_goes_on(tmp_path):
    world = made(tmp_path / "first")
    rollout = world.announce("2.4.1", EVENT)
    reach(world, 5)
    users = with_the_new_variant(world)
    back_up(world, tmp_path / "a.backup")
    world.run_to_end(rollout)
    move_into(world, tmp_path / "second")
    assert not world.app.flags.latest(LIVE).plain_flags
    restored(world, tmp_path / "a.backup")

    assert with_the_new_variant(world) == users
    assert len(users) > 20
    assert world.run_to_end(rollout) == "succeeded"
    assert len(with_the_new_variant(world)) == 1000


def with_the_new_variant(world) -> set[str]:
    """Who gets it, of a thousand users that ask a worker that has just looked."""
    world.app.flags.latest(LIVE)
    users = [f"user-{number}" for number in range(1000)]
    answers = {user: world.app.evaluations.one(LIVE, KEY, {"targetingKey": user}) for user in users}
    return {user for user, answer in answers.items() if answer is not None and answer.value == "new"}


def test_a_kill_that_the_copy_of_the_flag_has_and_that_of_its_rollout_has_not_is_told_anew(tmp_path):
    """Applications are read before flags: the kill switch is thrown between the two."""
    world = made(tmp_path / "first")
    rollout = world.announce("2.4.1", EVENT)
    reach(world, 5)
    archive, killed = world.keeping.archive, []

    class KilledBeforeFlagsAreRead:
        def read(self, cursor):
            if cursor is not None and cursor.place.startswith("flag:") and not killed:
                killed.append(world.kill(why="it hurts"))
            return archive.read(cursor)

    back_up(world, tmp_path / "a.backup", archive=KilledBeforeFlagsAreRead())
    assert killed
    move_into(world, tmp_path / "second")
    restored(world, tmp_path / "a.backup")
    assert world.phase(rollout) == "progressing"

    assert world.run_to_end(rollout) == "rolled-back"
    assert "it hurts" in world.rollout(rollout)["reason"]


@pytest.mark.parametrize("steps", [2, 20, 60, 200])
def test_a_release_of_several_applications_goes_on_together_also_when_it_moved_while_it_was_read(tmp_path, steps):
    """Members are read before their release, and what they told each other since is told anew, or is known."""
    (tmp_path / "first").mkdir()
    world = TogetherWorld(tmp_path / "first", "api", "web")
    world.release()
    for _ in range(steps):
        step_on(world)
    back_up(world, tmp_path / "a.backup", lambda _call: step_on(world), a_chunk_a_page=True)
    move_into(world, tmp_path / "second")
    restored(world, tmp_path / "a.backup")

    world.run_until(lambda: world.whole()["ended"] is not None, timedelta(hours=12))

    assert world.whole()["phase"] in ("succeeded", "rolled-back", "failed")
    versions = {"2"} if world.whole()["phase"] == "succeeded" else {"1"}
    world.run_for(timedelta(hours=3))
    assert set(world.served().values()) == versions
    numbers = [line["sequence"] for line in world.lines()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_what_was_pushed_counts_once_before_and_after(tmp_path):
    (tmp_path / "first").mkdir()
    world = PushedWorld(tmp_path / "first")
    world.deploy("2", event=EVENT)
    world.at_window(3)
    told = [report(0), report(0, version="2", requests=10, failures=1), report(1, sender="b", requests=7)]
    world.push(*told)
    seen = world.read(0, 2)
    back_up(world, tmp_path / "a.backup")
    move_into(world, tmp_path / "second")
    restored(world, tmp_path / "a.backup")

    assert seen
    assert world.read(0, 2) == seen
    assert (world.push(*told).repeated, world.read(0, 2)) == (3, seen)
    assert world.push(report(1, sender="c")).accepted == 1


def write_only(world, path) -> None:
    """Restore as far as that nothing is woken."""

    def stop(call):
        if call == "wake":
            raise LostError("lost")

    with pytest.raises(LostError):
        restored(world, path, between=stop)


def in_tables(table, clock):
    return lambda keeping: replace(
        keeping,
        store=TableRolloutStore(table, now=clock.now),
        markers=TableOpenMarkers(table),
        index=TableViewIndex(table),
        letters=TableDeadLetters(table),
        observations=TableObservations(table),
        snapshots=TableFlagSnapshots(table),
        usage=TableFlagUsage(table),
        archive=TableArchive(table),
    )


@pytest.fixture
def table(azurite):
    table = Table.from_connection_string(azurite.connection_string, name=f"t{uuid.uuid4().hex}")
    yield table
    table.close()


def test_a_live_rollout_moves_from_the_file_into_table_storage_and_back(world, tmp_path, table):
    rollout, so_far = backed_up(world, tmp_path / "a.backup", at_step(0))
    embedded = world.change
    world.change = in_tables(table, world.clock)
    move_into(world, tmp_path / "second")
    there = restored(world, tmp_path / "a.backup").manifest
    world.run_until(lambda: world.rollout(rollout)["step"] == 1)
    back_up(world, tmp_path / "b.backup")
    world.change = embedded
    move_into(world, tmp_path / "third")
    restored(world, tmp_path / "b.backup")

    assert there.tally.sections[Kind.STATE].count == 2
    assert world.run_to_end(rollout) == "succeeded"
    assert_whole(world, rollout, so_far)


def test_a_backup_of_what_was_restored_is_the_same_in_every_store(world, tmp_path, table):
    """Stores keep entries in different orders; the checksums of sections are those of the same entries."""
    backed_up(world, tmp_path / "a.backup", at_step(1))
    account = world.app
    world.change = in_tables(table, world.clock)
    move_into(world, tmp_path / "second")
    first = back_up_of(account, tmp_path / "again.backup", world)
    write_only(world, tmp_path / "a.backup")
    second = back_up(world, tmp_path / "b.backup")

    assert first.tally.differences(second.tally) == ()


def test_a_restore_that_breaks_off_anywhere_is_begun_again(world, tmp_path):
    rollout, so_far = backed_up(world, tmp_path / "a.backup", at_step(1))
    move_into(world, tmp_path / "second")
    calls = 0
    for number in range(1, 30):
        try:
            restored(world, tmp_path / "a.backup", between=breaks_at(number))
        except LostError:
            calls += 1
        else:
            break

    assert calls >= 4
    assert world.run_to_end(rollout) == "succeeded"
    assert_whole(world, rollout, so_far)


@pytest.mark.parametrize("is_done_before", [False, True])
def test_a_store_that_fails_in_a_restore_is_tried_again(world, tmp_path, is_done_before):
    """Each call that writes fails once, before it is carried out or after."""
    rollout, so_far = backed_up(world, tmp_path / "a.backup", at_step(1))
    failing = FailsOnce(is_done_before)
    world.change = failing.keeping
    move_into(world, tmp_path / "second")
    for _ in range(200):
        try:
            restored(world, tmp_path / "a.backup")
        except (TryLaterError, VersionConflictError):
            continue
        break
    failing.is_awake = False

    assert failing.failed >= {"write", "commit", "put", "open", "send"}
    assert world.run_to_end(rollout) == "succeeded"
    assert_whole(world, rollout, so_far)


def test_restoring_the_same_archive_twice_writes_nothing_the_second_time(world, tmp_path):
    rollout, so_far = backed_up(world, tmp_path / "a.backup", at_step(1))
    move_into(world, tmp_path / "second")
    assert restored(world, tmp_path / "a.backup").was == "writing"
    world.run_to_end(rollout)
    after = world.events(rollout)

    assert restored(world, tmp_path / "a.backup").was == "done"
    assert world.events(rollout) == after
    assert world.phase(rollout) == "succeeded"
    assert_whole(world, rollout, so_far)


def test_an_account_that_is_not_empty_is_left_alone_and_says_what_it_holds(world, tmp_path):
    rollout, _ = backed_up(world, tmp_path / "a.backup", at_step(1))
    before = world.events(rollout)

    for ask in (rehearsed, restored):
        with pytest.raises(RejectedError, match="the account is not empty: it holds application:shop, claim:"):
            ask(world, tmp_path / "a.backup")
    assert world.events(rollout) == before


def test_an_account_that_holds_only_what_is_beside_applications_is_not_empty_either(world, tmp_path):
    back_up(world, tmp_path / "a.backup")
    move_into(world, tmp_path / "second")
    world.keeping.archive.write([Entry(Kind.USAGE, "production", "new-checkout", "2026-05-04")])

    with pytest.raises(RejectedError, match="it holds production:"):
        restored(world, tmp_path / "a.backup")


def test_an_account_is_made_of_one_archive(world, tmp_path):
    back_up(world, tmp_path / "a.backup")
    world.deploy("2")
    back_up(world, tmp_path / "b.backup")
    move_into(world, tmp_path / "second")
    write_only(world, tmp_path / "a.backup")

    with pytest.raises(RejectedError, match="is made of another archive already"):
        restored(world, tmp_path / "b.backup")


def test_a_dry_run_writes_nothing(world, tmp_path):
    back_up(world, tmp_path / "a.backup")
    move_into(world, tmp_path / "second")

    assert rehearsed(world, tmp_path / "a.backup") == "writing"
    assert world.keeping.archive.keys(after="", limit=9) == ()


def test_nothing_is_woken_where_something_else_writes_meanwhile(world, tmp_path):
    """Its state moved while the rest was written: what goes on there would be neither the one nor the other."""
    backed_up(world, tmp_path / "a.backup", at_step(1))
    move_into(world, tmp_path / "second")

    def interfere(call):
        if call == "page":
            world.announce("3")

    with pytest.raises(DiffersError, match=r"inbox: 0 in the archive, 1 in the account.*Nothing was woken"):
        restored(world, tmp_path / "a.backup", between=interfere)


def test_nothing_more_is_written_once_it_is_worked_on(world, tmp_path):
    manifest = back_up(world, tmp_path / "a.backup")
    move_into(world, tmp_path / "second")
    restored(world, tmp_path / "a.backup")
    entry = Entry(Kind.RECORD, "application:shop", "shop-0123456789ab", "{}")

    with pytest.raises(RejectedError, match="all of this archive was written here before"):
        world.app.restore.write(manifest.sha256, [entry])
    with pytest.raises(RejectedError, match="begin it first"):
        world.app.restore.write("0" * 64, [entry])


def test_what_a_newer_release_stored_is_refused_before_anything_is_written(world, tmp_path):
    newer = Entry(Kind.STATE, "application:new", "", '{"schema":99,"value":{}}')
    world.keeping.archive.write([newer])
    back_up(world, tmp_path / "a.backup")
    move_into(world, tmp_path / "second")

    with pytest.raises(RejectedError, match="stored this, in schema 99: this one reads up to"):
        restored(world, tmp_path / "a.backup")
    assert world.keeping.archive.keys(after="", limit=9) == ()


def test_what_cannot_be_read_is_restored_and_told(world, tmp_path):
    broken = Entry(Kind.STATE, "application:broken", "", '{"schema":1,"value":{}}')
    world.keeping.archive.write([broken])
    back_up(world, tmp_path / "a.backup")
    move_into(world, tmp_path / "second")

    assert restored(world, tmp_path / "a.backup").unread == ("application:broken",)
    assert world.keeping.store.load("application:broken").document == broken.text


@pytest.fixture
def archive(world, tmp_path):
    path = tmp_path / "a.backup"
    backed_up(world, path, at_step(1))
    return path


def test_the_file_is_for_its_owner_alone_and_never_replaces_another(world, archive):
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with pytest.raises(ArchiveError, match="is there already"):
        back_up(world, archive)


def test_a_file_that_was_not_finished_is_not_there(world, tmp_path):
    with pytest.raises(LostError):
        back_up(world, tmp_path / "a.backup", breaks_at(2), a_chunk_a_page=True)

    assert [each.name for each in tmp_path.iterdir()] == ["first"]


def test_a_torn_file_is_refused_wherever_it_is_torn_and_nothing_is_asked(world, tmp_path, archive):
    whole = archive.read_bytes()
    for length in {0, 1, 9, 20, *range(100, len(whole), 199), len(whole) - 9, len(whole) - 1}:
        archive.write_bytes(whole[:length])
        with pytest.raises(ArchiveError):
            restored(world, archive, between=never_asked)
    lines = gzip.decompress(whole).splitlines(keepends=True)
    for count in (1, 2, len(lines) - 1):
        archive.write_bytes(gzip.compress(b"".join(lines[:count])))
        with pytest.raises(ArchiveError, match="torn: its last line, with the checksums, is missing"):
            restored(world, archive, between=never_asked)


def test_a_changed_byte_is_found_wherever_it_is(world, archive):
    """In the compressed file, and in what it holds where somebody packed that anew."""
    whole = archive.read_bytes()
    for at in range(10, len(whole), 97):  # the ten bytes before are the head of gzip: they hold nothing
        archive.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ArchiveError):
            read_archive(archive, lambda _entry: None)
    text = gzip.decompress(whole)
    for at in range(0, len(text), 499):
        archive.write_bytes(gzip.compress(text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :], 1))
        with pytest.raises(ArchiveError):
            read_archive(archive, lambda _entry: None)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"kind":"state"', b'"kind":"state', r"is damaged: line \d+ cannot be read\. Take another copy"),
        (
            b'"kind":"state"',
            b'"kind":"stote"',
            r"is damaged: line \d+ is no entry \(kind: found .*\)\. Take another copy",
        ),
        (
            b"shop",
            b"shap",
            r"history: \d+ in both, but not the same ones: their checksum is \w{12}… by its last line, \w{12}… in",
        ),
        (b'"schema":1,"sections"', b'"schema":3,"sections"', r"changed \(schema: 3 by its last line, 1 in it\)\. Take"),
        (
            b'{"kind":"state"',
            b'{ "kind":"state"',
            r"changed \(the same entries in another order, or written in another way\)",
        ),
        (b'"slipway-backup"', b'"slipway-backap"', r"is no backup of Slipway, or its first line is damaged"),
    ],
)
def test_what_is_damaged_is_said_with_what_to_do(archive, old, new, says):
    text = gzip.decompress(archive.read_bytes())
    assert old in text
    archive.write_bytes(gzip.compress(text.replace(old, new, 1)))

    with pytest.raises(ArchiveError, match=says):
        read_archive(archive, lambda _entry: None)


def test_lines_that_are_left_out_doubled_moved_or_added_are_found(archive):
    head, *lines, end = gzip.decompress(archive.read_bytes()).splitlines(keepends=True)
    for changed in (
        [head, *lines[1:], end],
        [head, lines[0], *lines, end],
        [head, lines[1], lines[0], *lines[2:], end],
        [head, *lines, end, lines[0]],
        [*lines, end],
        [head, *lines, end.replace(b'"schema":1', b'"schema":0')],
        [head.replace(b'"format":1', b'"format":2'), *lines, end],
        [head, lines[0].replace(b'"kind"', b' "kind"'), *lines[1:], end],
    ):
        archive.write_bytes(gzip.compress(b"".join(changed)))
        with pytest.raises(ArchiveError):
            read_archive(archive, lambda _entry: None)
