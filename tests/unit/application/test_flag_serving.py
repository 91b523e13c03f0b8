"""The flag server: warm, never in the way, and as good as it can be while the store is unwell."""

import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from shared.adapters.re2.regexes import Re2Regexes
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.flag_snapshots import SqliteFlagSnapshots
from shared.application.flag_publish import slot_of_flag, slot_of_segment
from shared.application.flag_serving import FIRST_RETRY_AFTER, MAX_AGE, RETRY_AFTER, FlagServer
from shared.domain.errors import TryLaterError
from shared.domain.flags.model import Flag
from shared.domain.names import EnvironmentName, FlagKey
from shared.ports.flag_snapshots import Head
from shared.wire.flag_documents import Chunk, PublishedFlag, name_of_chunk, write_chunk
from tests.unit.domain.flags.managing.tale import NOON, ON, flag

LIVE = EnvironmentName("production")
A, B = FlagKey("a"), FlagKey("b")
assert slot_of_flag(A) != slot_of_flag(B)


class Clock:
    def __init__(self) -> None:
        self.time = NOON

    def now(self):
        return self.time


class Watched:
    """Counts calls, and lets them fail or wait."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.calls: Counter[str] = Counter()
        self.fails = False
        self.waits: Event | None = None
        self.reached = Event()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            self.reached.set()
            if self.waits is not None:
                assert self.waits.wait(10)
            if self.fails:
                raise TryLaterError("the store is unwell")
            return found(*args, **kwargs)

        return call


class Scene:
    def __init__(self, folder) -> None:
        self.clock = Clock()
        self.snapshots = Watched(SqliteFlagSnapshots(Database(folder / "store.db")))
        self.server = FlagServer(self.snapshots, self.clock, Re2Regexes())

    def publish(self, *flags: Flag) -> None:
        store = self.snapshots._inner
        head, chunks = store.read_head(LIVE), {}
        for each in flags:
            published = PublishedFlag(flag=each, revision=1, changed=NOON, changed_by="alice")
            document = write_chunk(Chunk(flags=(published,)))
            store.write_chunk(LIVE, name_of_chunk(document), document, self.clock.now())
            chunks[slot_of_flag(each.key)] = name_of_chunk(document)
        store.move_head(LIVE, Head(head.etag, tuple({**dict(head.chunks), **chunks}.items())))

    def variant(self, key: FlagKey = A) -> str:
        ruleset = self.server.served(LIVE).ruleset
        return ruleset.evaluate(key, {"targetingKey": "u"}, now=NOON.timestamp(), region="").variant

    def calls(self) -> dict[str, int]:
        found, self.snapshots.calls = dict(self.snapshots.calls), Counter()
        return found


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path)
    scene.publish(flag(key=A), flag(key=B))
    return scene


def test_an_environment_without_flags_is_served_as_empty(tmp_path):
    served = Scene(tmp_path).server.served(LIVE)

    assert (len(served.ruleset), served.content.etag, served.stale_since) == (0, None, None)


def test_a_warm_worker_reads_nothing_within_the_maximum_age_and_one_head_after_it(scene):
    scene.variant()
    assert scene.calls() == {"read_head": 1, "read_chunk": 2}
    scene.clock.time += MAX_AGE - timedelta(milliseconds=1)
    scene.variant()
    assert scene.calls() == {}

    scene.clock.time += timedelta(milliseconds=1)
    scene.variant()
    scene.variant()
    assert scene.calls() == {"read_head": 1}


def test_only_the_chunk_that_changed_is_read_again_and_what_did_not_change_stays_compiled(scene):
    before = scene.server.served(LIVE)
    scene.calls()
    scene.publish(flag(key=A, default=ON, rules=()))
    scene.clock.time += MAX_AGE

    after = scene.server.served(LIVE)
    assert scene.variant() == ON
    assert scene.calls() == {"read_head": 1, "read_chunk": 1}
    assert after.content.flags[B] is before.content.flags[B]
    assert after.ruleset.alone[B] is before.ruleset.alone[B]


def test_a_flag_that_went_is_served_no_more(scene):
    scene.variant()
    scene.publish(flag(key=A))
    store = scene.snapshots._inner
    store.move_head(LIVE, Head(store.read_head(LIVE).etag, ()))
    scene.clock.time += MAX_AGE

    assert scene.server.served(LIVE).content.flags == {}


def test_one_request_reads_and_those_beside_it_are_served_the_old_flags(scene):
    scene.variant()
    scene.publish(flag(key=A, default=ON, rules=()))
    scene.clock.time += MAX_AGE
    scene.calls()
    scene.snapshots.waits = Event()
    scene.snapshots.reached.clear()

    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(scene.variant)
        assert scene.snapshots.reached.wait(10)
        assert [scene.variant() for _ in range(5)] == ["off"] * 5
        scene.snapshots.waits.set()
        assert slow.result() == ON
    assert scene.calls() == {"read_head": 1, "read_chunk": 1}
    assert scene.variant() == ON


def test_all_who_come_first_wait_for_one_read(scene):
    scene.snapshots.waits = Event()

    with ThreadPoolExecutor(6) as threads:
        asked = [threads.submit(scene.variant) for _ in range(6)]
        assert scene.snapshots.reached.wait(10)
        scene.snapshots.waits.set()
        assert [each.result() for each in asked] == ["off"] * 6
    assert scene.calls() == {"read_head": 1, "read_chunk": 2}


def test_while_the_store_is_unwell_the_old_flags_are_served_and_say_since_when(scene, caplog):
    caplog.set_level(logging.WARNING)
    scene.variant()
    scene.calls()
    scene.snapshots.fails = True
    scene.clock.time += MAX_AGE
    failed_at = scene.clock.now()

    for _ in range(10):
        assert scene.variant() == "off"
    assert scene.server.served(LIVE).stale_since == failed_at
    assert scene.calls() == {"read_head": 1}
    scene.clock.time += RETRY_AFTER
    assert scene.variant() == "off"
    assert scene.calls() == {"read_head": 1}
    assert scene.server.served(LIVE).stale_since == failed_at
    assert [record.levelname for record in caplog.records].count("WARNING") == 1

    scene.snapshots.fails = False
    scene.publish(flag(key=A, default=ON, rules=()))
    scene.clock.time += RETRY_AFTER
    assert scene.variant() == ON
    assert scene.server.served(LIVE).stale_since is None


def test_a_store_that_is_well_again_without_news_ends_the_staleness_too(scene):
    scene.variant()
    scene.snapshots.fails = True
    scene.clock.time += MAX_AGE
    scene.variant()
    scene.snapshots.fails = False
    scene.clock.time += RETRY_AFTER

    assert scene.server.served(LIVE).stale_since is None


def test_where_nothing_was_ever_read_the_trouble_is_told_without_asking_each_time(scene):
    scene.snapshots.fails = True
    for _ in range(5):
        with pytest.raises(TryLaterError):
            scene.variant()
    assert scene.calls() == {"read_head": 1}

    scene.snapshots.fails = False
    scene.clock.time += FIRST_RETRY_AFTER
    assert scene.variant() == "off"


def test_a_chunk_that_is_gone_means_that_the_head_moved_on(scene):
    store = scene.snapshots._inner
    stale = store.read_head(LIVE)
    scene.publish(flag(key=A, default=ON, rules=()))
    store.prune(LIVE, {name for _, name in store.read_head(LIVE).chunks}, NOON + MAX_AGE, at_most=9)
    heads = iter([stale, store.read_head(LIVE)])
    scene.snapshots._inner = _WithHeads(store, heads)

    assert scene.variant() == ON


def test_a_chunk_that_never_comes_is_told_as_trouble(scene):
    store = scene.snapshots._inner
    store.move_head(LIVE, Head(store.read_head(LIVE).etag, (("f00", "nobody"),)))

    with pytest.raises(TryLaterError, match="faster"):
        scene.variant()


class _WithHeads:
    def __init__(self, store: Any, heads: Any) -> None:
        self._store, self._heads = store, heads

    def read_head(self, environment):
        return next(self._heads)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_who_changes_flags_reads_the_newest_and_no_chunk_twice(scene):
    scene.server.latest(LIVE)
    assert scene.calls() == {"read_head": 1, "read_chunk": 2}
    assert scene.server.latest(LIVE) is scene.server.served(LIVE).content
    assert scene.calls() == {"read_head": 1}
    scene.publish(flag(key=A, default=ON, rules=()))

    assert scene.server.latest(LIVE).flags[A].flag == flag(key=A, default=ON, rules=())
    assert scene.variant() == ON
    assert scene.calls() == {"read_head": 1, "read_chunk": 1}


def test_who_changes_flags_is_told_of_trouble_and_who_asks_for_them_is_not(scene):
    scene.variant()
    scene.snapshots.fails = True

    with pytest.raises(TryLaterError):
        scene.server.latest(LIVE)
    assert scene.variant() == "off"


def test_flags_and_segments_have_chunks_of_their_own():
    slots = {slot_of_flag(f"flag-{number}") for number in range(2000)}

    assert len(slots) == 64
    assert len({slot_of_segment(f"segment-{number}") for number in range(2000)}) == 16
    assert not slots & {slot_of_segment(f"segment-{number}") for number in range(2000)}


def test_a_flag_that_is_broken_does_not_keep_others_from_being_served(scene):
    broken = replace(flag(key=A), default="nowhere")
    scene.publish(broken)

    assert scene.variant(B) == "off"
    assert scene.variant(A) == "off"
