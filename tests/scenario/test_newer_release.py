"""What a newer release left is left alone by this one: nothing is overwritten, nobody else waits, and it is told."""

import json
import logging
import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.sqlite.broker import SqliteBroker
from shared.adapters.sqlite.database import Database
from shared.application.dead_letters import LETTERS
from shared.application.wake import LEFT_ALONE_AT_MOST
from shared.domain.dead_letters.decide import Redrive
from shared.domain.errors import NewerReleaseError
from shared.domain.flags.managing.commands import NEW, Kill, SaveFlag, Unread
from shared.domain.flags.model import Flag
from shared.domain.names import CommandId, FlagKey, key_of_flag
from shared.ports.command_queue import WakeUp
from shared.ports.rollout_store import Change, HistoryEntry, InboxEntry
from shared.wire.message_properties import attempt_in
from shared.wire.problems import problem_of
from shared.wire.published_flags import name_of_chunk
from shared.wire.resources import resource_group
from shared.wire.spec import parse_spec
from shared.wire.wake_ups import encode_wake_up, parse_wake_up
from tests.functions.alerts import alert
from tests.golden.record_stores import FLAG, FLAG_LATER, LIVE
from tests.scenario.together_world import TogetherWorld
from tests.scenario.world import NOON, QUEUE, SITE, SPEC, World

KEY = "application:shop"
NEWER = '{"schema":2,"value":{"what":"nobody here knows"}}'


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.live = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    return world


def left_by_newer(world, key: str = KEY, document: str = NEWER) -> str:
    """A newer release commits a state; return what stood there."""
    loaded = world.keeping.store.load(key)
    world.keeping.store.commit(Change(key=key, etag=loaded.etag, document=document))
    return loaded.document


def standing(world) -> list[str]:
    """Everything that stands in the store, but the letters and the markers."""
    connection = sqlite3.connect(world.folder / "store.db")
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = sorted(set(tables) - {"markers", "open_markers", "dead_letters"})
        return [str(row) for table in kept for row in connection.execute(f"SELECT * FROM {table}")]
    finally:
        connection.close()


def test_a_newer_state_is_left_as_it_is_and_its_wake_ups_wait_a_minute_each_without_a_letter(world, caplog):
    left_by_newer(world)
    before = standing(world)
    caplog.set_level(logging.WARNING)

    world.run_for(timedelta(minutes=30))

    assert standing(world) == before
    assert world.letters() == []
    assert world.failures == []
    told = [
        record.getMessage() for record in caplog.records if "schema 2 was written by a newer" in record.getMessage()
    ]
    assert 10 <= len(told) <= 100
    assert "application:shop" in told[0]
    assert world.broker.dead_letters(QUEUE) == ()


def test_the_rollout_goes_on_when_the_newer_release_is_back(world):
    good = left_by_newer(world)
    world.run_for(timedelta(minutes=10))
    left_by_newer(world, document=good)

    assert world.run_to_end(world.live) == "succeeded"


def test_after_a_day_a_newer_state_is_a_letter_that_can_be_redriven(world):
    good = left_by_newer(world)
    world.app.wake_ups.handle(WakeUp(key=KEY, fence="", attempt=LEFT_ALONE_AT_MOST), redelivered=False)
    (letter,) = world.letters(application="shop")
    assert "schema 2 was written by a newer release" in letter["reason"]

    left_by_newer(world, document=good)
    world.app.dead_letters.act(letter["id"], Redrive(id=CommandId("r"), by="alice", why="updated"))

    assert world.run_to_end(world.live) == "succeeded"


@pytest.mark.parametrize(
    "ask",
    [
        lambda world: world.announce("3"),
        lambda world: world.override("pause"),
        lambda world: world.alert(),
        lambda world: world.app.intake.accept_spec(world.spec, "test"),
        lambda world: world.app.views.application(world.spec.application),
        lambda world: world.app.views.rollout(world.live),
        lambda world: world.app.views.history(world.live, 0),
    ],
    ids=["deployment", "override", "alert", "spec", "application", "rollout", "history"],
)
def test_who_asks_about_it_is_told_to_try_later_and_why(world, ask):
    left_by_newer(world)
    before = standing(world)

    with pytest.raises(NewerReleaseError) as told:
        ask(world)

    status, document = problem_of(told.value)
    assert (status, document["type"], document["retryAfter"]) == (503, "urn:slipway:problem:newer-release", 60)
    assert "schema 2 was written by a newer release; this one reads up to 1" in document["detail"]
    assert standing(world) == before


def test_an_alert_about_it_goes_back_to_its_queue_and_acts_when_it_can(world):
    good = left_by_newer(world)
    world.app.events.take_queued("azure-monitor", json.dumps(alert()).encode())
    assert world.letters() == []
    left_by_newer(world, document=good)
    world.clock.time += timedelta(minutes=2)
    delivery = world.broker.receive("slipway-alerts", owner="test")
    world.app.events.take_queued("azure-monitor", delivery.body, attempt_in(delivery.properties))

    assert world.run_to_end(world.live) == "rolled-back"


def test_a_newer_event_is_left_where_it_is_and_the_rollout_goes_on(world):
    loaded = world.keeping.store.load(KEY)
    sequence = json.loads(loaded.document)["value"]["application"]["sequence"] + 1
    newer = loaded.document.replace(f'"sequence":{sequence - 1}', f'"sequence":{sequence}', 1)
    world.keeping.store.commit(
        Change(key=KEY, etag=loaded.etag, document=newer, history=(HistoryEntry(sequence, NEWER),))
    )

    world.run_until(lambda: world.production() == "2")

    (kept,) = world.keeping.store.history(KEY, after=sequence - 1, up_to=sequence, limit=1)
    assert kept.document == NEWER


def test_a_newer_fact_in_the_inbox_holds_its_application_and_is_not_passed_over(world):
    world.keeping.store.accept(KEY, "newer", NEWER, InboxEntry("newer", NEWER, world.clock.now()))
    world.override("abort")
    before = standing(world)

    world.run_for(timedelta(minutes=5))

    assert standing(world) == before
    assert world.letters() == []


def test_a_field_that_only_a_newer_release_knows_is_passed_over_within_a_schema(world):
    loaded = world.keeping.store.load(KEY)
    left_by_newer(world, document=loaded.document.replace('"value":{', '"value":{"colour":"blue",', 1))

    assert world.run_to_end(world.live) == "succeeded"


def test_the_other_applications_of_the_house_do_not_notice(tmp_path):
    world = TogetherWorld(tmp_path, "db", "api")
    world.announce_alone("db", "2")
    world.settle()
    left_by_newer(world, "application:db")
    rollout = world.announce_alone("api", "2")

    world.run_until(lambda: world.app.views.rollout(rollout)["ended"] is not None)

    assert world.app.views.rollout(rollout)["phase"] == "succeeded"


@pytest.mark.parametrize("tag", ["wake-up/2", "wake-up/12"])
def test_a_newer_message_is_put_back_as_it_came_each_time_for_later(world, tag):
    newer = encode_wake_up(WakeUp(key="application:other", fence="f")).replace(b"wake-up/1", tag.encode())
    with pytest.raises(NewerReleaseError) as told:
        parse_wake_up(newer)
    attempt = 0
    for _ in range(3):
        world.app.wake_ups.put_back(newer, told.value, key="application:other", attempt=attempt)
        world.broker.release_locks()
        assert world.broker.accept_session(QUEUE, "application:other", "test")
        assert world.broker.receive(QUEUE, session="application:other", owner="test") is None
        world.clock.time += timedelta(seconds=60)
        world.broker.accept_session(QUEUE, "application:other", "test")
        delivery = world.broker.receive(QUEUE, session="application:other", owner="test")
        assert delivery.body == newer
        attempt = attempt_in(delivery.properties)
        world.broker.complete(delivery)

    assert attempt == 3
    assert world.letters() == []


def test_a_newer_message_that_nobody_could_read_for_a_day_is_a_letter(world):
    newer = encode_wake_up(WakeUp(key=KEY, fence="f")).replace(b"wake-up/1", b"wake-up/2")
    with pytest.raises(NewerReleaseError) as told:
        parse_wake_up(newer)
    world.app.wake_ups.put_back(newer, told.value, key=KEY, attempt=LEFT_ALONE_AT_MOST)

    (letter,) = world.letters()
    assert "a wake-up of schema 2 was written by a newer release" in letter["reason"]
    assert letter["body"] == newer.decode()
    assert letter["history"][0]["attempts"] == LEFT_ALONE_AT_MOST + 1
    with pytest.raises(NewerReleaseError):
        world.app.dead_letters.act(letter["id"], Redrive(id=CommandId("r"), by="alice", why="too early"))
    assert world.letters()[0]["state"] == "open"


def test_a_wake_up_of_a_kind_that_only_a_newer_release_knows_is_put_off(world):
    world.app.wake_ups.handle(WakeUp(key="profile:shop", fence=""), redelivered=False)

    assert world.letters() == []
    assert world.keeping.store.load("profile:shop").document is None
    world.clock.time += timedelta(seconds=61)
    assert world.broker.accept_session(QUEUE, "profile:shop", "test")


def test_a_newer_letter_is_not_overwritten_and_what_was_to_be_laid_aside_waits(world):
    world.app.events.take_queued("azure-monitor", b"garbage")
    (letter,) = world.letters()
    database = Database(world.folder / "store.db")
    with database.writing() as connection:
        connection.execute("UPDATE dead_letters SET document = ?", (NEWER,))

    world.app.events.take_queued("azure-monitor", b"garbage")

    assert world.broker.depth("slipway-alerts") == 1
    (shown,) = world.letters(state="all")
    assert (shown["id"], shown["state"]) == (letter["id"], "unread")
    assert world.app.dead_letter_list.show(letter["id"]) == shown
    with pytest.raises(NewerReleaseError):
        world.app.dead_letters.act(letter["id"], Redrive(id=CommandId("r"), by="alice", why="w"))
    world.app.wake_ups.handle(WakeUp(key=f"{LETTERS}{letter['id']}", fence="", marker="m"), redelivered=False)
    with database.reading() as connection:
        assert connection.execute("SELECT document FROM dead_letters").fetchall() == [(NEWER,)]


@pytest.mark.parametrize("body", [encode_wake_up(WakeUp(key=KEY, fence="")), b'{"type": "wake-up/2"}'])
def test_after_a_day_what_has_a_newer_letter_already_waits_on_and_is_not_tried_without_a_pause(world, body):
    left_by_newer(world)
    world.app.wake_ups.take_over(body, "the queue gave it up")
    with Database(world.folder / "store.db").writing() as connection:
        connection.execute("UPDATE dead_letters SET document = ?", (NEWER,))
    before = world.broker.depth(QUEUE)

    try:
        parsed = replace(parse_wake_up(body), attempt=LEFT_ALONE_AT_MOST)
        world.app.wake_ups.handle(parsed, redelivered=False)
    except NewerReleaseError as error:
        world.app.wake_ups.put_back(body, error, key=KEY, attempt=LEFT_ALONE_AT_MOST)

    assert world.broker.depth(QUEUE) == before + 1
    assert world.letters(state="all")[0]["state"] == "unread"


@pytest.mark.parametrize("file", ["store.db", "queue.db"])
def test_a_file_whose_tables_a_newer_release_changed_is_not_touched(tmp_path, file):
    World(tmp_path).broker.close()
    connection = sqlite3.connect(tmp_path / file)
    connection.execute("PRAGMA user_version = 2")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    before = (tmp_path / file).read_bytes()

    def use() -> None:
        if file == "queue.db":
            SqliteBroker(tmp_path / file, now=lambda: NOON)
        with Database(tmp_path / file).writing():
            pass

    with pytest.raises(NewerReleaseError, match=f"{file}, a file of schema 2 was written by a newer release"):
        use()
    assert (tmp_path / file).read_bytes() == before


def test_a_newer_flag_is_left_alone_and_the_other_flags_are_changed_and_served(world):
    key = key_of_flag(LIVE, FLAG.key)
    other = replace(FLAG, key=FlagKey("other"))
    for flag in (FLAG, other):
        world.app.flag_changes.tell(LIVE, flag.key, saving(flag))
    left_by_newer(world, key)

    with pytest.raises(NewerReleaseError):
        world.app.flag_changes.tell(LIVE, FLAG.key, Kill(by="bob", why="it hurts"))
    world.app.wake_ups.handle(WakeUp(key=key, fence=""), redelivered=False)
    world.app.flag_changes.tell(LIVE, other.key, Kill(by="bob", why="it hurts"))

    assert world.keeping.store.load(key).document == NEWER
    world.start()
    flags = world.app.flags.served(LIVE).content.flags
    assert (flags[FLAG.key].flag, flags[other.key].flag.killed) == (FLAG, True)
    assert world.letters() == []


def test_newer_flags_as_they_are_served_are_not_overwritten_and_the_older_are_served_on(world):
    world.app.flag_changes.tell(LIVE, FLAG.key, saving(FLAG))
    snapshots = world.keeping.snapshots
    serving = world.app.flags
    assert serving.served(LIVE).content.flags[FLAG.key].flag == FLAG
    head = snapshots.read_head(LIVE)
    name = name_of_chunk(NEWER)
    snapshots.write_chunk(LIVE, name, NEWER, world.clock.now())
    newer = replace(head, chunks=tuple((slot, name) for slot, _ in head.chunks))
    snapshots.move_head(LIVE, newer)
    world.clock.time += timedelta(minutes=1)

    assert serving.served(LIVE).content.flags[FLAG.key].flag == FLAG
    assert serving.served(LIVE).stale_since is not None
    with pytest.raises(NewerReleaseError):
        world.app.flag_changes.tell(LIVE, FLAG.key, replace(saving(FLAG_LATER), expected=Unread.ANY, id="c-2"))
    world.settle()
    assert snapshots.read_head(LIVE).chunks == newer.chunks
    assert snapshots.read_chunk(LIVE, name) == NEWER


def test_a_newer_release_of_several_applications_is_left_alone_and_its_members_stand(tmp_path):
    world = TogetherWorld(tmp_path, "db", "api")
    release = world.release()
    world.run_until(lambda: all(share > 0 for share in world.shares().values()))
    left_by_newer(world, f"release:{release}")
    before = world.keeping.store.load(f"release:{release}").document

    with pytest.raises(NewerReleaseError):
        world.app.releases.view(release)
    world.run_for(timedelta(minutes=20))

    assert world.keeping.store.load(f"release:{release}").document == before
    assert world.letters() == []
    assert all(share < 100 for share in world.shares().values())


def test_a_newer_claim_keeps_its_resource_from_being_taken_and_stands(world):
    key = f"claim:{resource_group(SITE)}"
    left_by_newer(world, key, '{"type": "claim/2"}')
    other = parse_spec(SPEC.replace("application: shop", "application: other").encode(), "application/yaml")

    with pytest.raises(NewerReleaseError, match="a claim of schema 2"):
        world.app.intake.accept_spec(other, "test")

    assert world.keeping.store.load(key).document == '{"type": "claim/2"}'
    assert world.app.views.application(other.application) is None


def saving(flag: Flag) -> SaveFlag:
    return SaveFlag(flag=flag, by="alice", why="as agreed", expected=NEW, id="c-1")
