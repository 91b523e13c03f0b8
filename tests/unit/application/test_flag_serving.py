"""The flag server: warm, never in the way, and as good as it can be while the store is unwell."""

import json
import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Event
from typing import Any

import pytest

from shared.adapters.re2.regexes import Re2Regexes
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.flag_snapshots import SqliteFlagSnapshots
from shared.adapters.sqlite.flag_usage import SqliteFlagUsage
from shared.application import flag_serving
from shared.application.evaluations import Evaluations
from shared.application.flag_chunks import slot_of_flag, slot_of_segment
from shared.application.flag_serving import FIRST_RETRY_AFTER, MAX_AGE, RETRY_AFTER, FlagServer
from shared.application.flag_usage import UsageNotes
from shared.domain.errors import TryLaterError
from shared.domain.flags.evaluation import ErrorCode, Reason
from shared.domain.flags.model import During, Flag, Prerequisite
from shared.domain.names import EnvironmentName, FlagKey
from shared.ports.flag_snapshots import Head
from shared.wire.ofrep import write_bulk
from shared.wire.published_flags import (
    Chunk,
    PublishedFlag,
    name_of_chunk,
    write_chunk,
)
from shared.wire.published_flags import read_published_flag as read_flag
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
        self.database = Database(folder / "store.db")
        self.snapshots = Watched(SqliteFlagSnapshots(self.database))
        self.server = FlagServer(self.snapshots, self.clock, Re2Regexes())

    def publish(self, *flags: Flag) -> None:
        store = self.snapshots._inner
        head = store.read_head(LIVE)
        chunks = {slot_of_flag(each.key): self.write(each) for each in flags}
        store.move_head(LIVE, Head(head.etag, tuple({**dict(head.chunks), **chunks}.items())))

    def publish_together(self, *flags: Flag, broken: str = "") -> None:
        """Publish flags in one chunk and nothing else; of what is `broken` the type is none."""
        store = self.snapshots._inner
        store.move_head(LIVE, Head(store.read_head(LIVE).etag, (("f00", self.write(*flags, broken=broken)),)))

    def write(self, *flags: Flag, broken: str = "") -> str:
        published = [PublishedFlag(flag=each, revision=1, changed=NOON, changed_by="alice") for each in flags]
        lines = write_chunk(Chunk(flags=tuple(published))).split("\n")
        of_broken = f'{{"flag":{{"key":"{broken}"'
        document = "\n".join(
            line.replace('"type":"boolean"', '"type":"?"') if line.startswith(of_broken) else line for line in lines
        )
        self.snapshots._inner.write_chunk(LIVE, name_of_chunk(document), document, self.clock.now())
        return name_of_chunk(document)

    def variant(self, key: FlagKey = A) -> str:
        ruleset = self.server.served(LIVE).ruleset
        return ruleset.evaluate(key, {"targetingKey": "u"}, now=NOON.timestamp(), region="").variant

    def variant_now(self, key: FlagKey) -> str:
        now = self.clock.now().timestamp()
        return self.server.served(LIVE).ruleset.evaluate(key, {}, now=now, region="").variant

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

    assert (len(served.ruleset), served.content.head.etag, served.stale_since) == (0, None, None)


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
    scene.variant(B)
    scene.calls()
    scene.publish(flag(key=A, default=ON, rules=()))
    scene.clock.time += MAX_AGE

    after = scene.server.served(LIVE)
    assert scene.variant() == ON
    assert scene.calls() == {"read_head": 1, "read_chunk": 1}
    assert after.content.flags[B] is before.content.flags[B]
    assert after.ruleset.alone[B] is before.ruleset.alone[B]


def test_what_stands_unchanged_beside_what_changed_in_a_chunk_stays_as_it_was(scene):
    scene.publish_together(flag(key=A), flag(key=B))
    before = scene.server.served(LIVE)
    scene.variant(A)
    scene.variant(B)
    scene.publish_together(flag(key=A, default=ON, rules=()), flag(key=B))
    scene.clock.time += MAX_AGE

    after = scene.server.served(LIVE)
    assert after.content.flags[B] is before.content.flags[B]
    assert after.ruleset.alone[B] is before.ruleset.alone[B]
    assert A not in after.ruleset.alone
    assert scene.variant(A) == ON


def test_a_flag_is_read_when_it_is_first_asked_for_or_needed(scene, monkeypatch):
    read = []
    monkeypatch.setattr(flag_serving, "read_published_flag", lambda line: read.append(line) or read_flag(line))
    needs_b = flag(key=A, prerequisites=(Prerequisite(B, (ON,)),))
    scene.publish_together(needs_b, flag(key=B), flag(key=FlagKey("c")))

    scene.server.served(LIVE)
    assert read == []
    scene.variant(A)
    scene.variant(A)
    assert [json.loads(line)["flag"]["key"] for line in read] == [A, B]


def test_a_flag_that_cannot_be_read_is_not_there_for_those_beside_it_and_is_told_once(scene, caplog):
    needs_b = flag(key=A, prerequisites=(Prerequisite(B, (ON,)),))
    scene.publish_together(flag(key=B), flag(key=FlagKey("c"), default=ON, rules=()), needs_b, broken=B)

    for number in range(3):
        ruleset = scene.server.served(LIVE).ruleset
        asked = {"now": NOON.timestamp(), "region": ""}
        assert ruleset.evaluate(B, {}, **asked).error is ErrorCode.FLAG_NOT_FOUND
        assert ruleset.evaluate(A, {}, **asked).reason is Reason.PREREQUISITE
        found = [each.flag for each in ruleset.evaluate_all({}, **asked)]
        assert found == ["a", "c", *(f"new-{each}" for each in range(number))]
        assert len(ruleset) == len(found)
        assert scene.server.latest(LIVE).flags.keys() == set(found)
        scene.publish(flag(key=FlagKey(f"new-{number}")))
        scene.clock.time += MAX_AGE
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert caplog.records[0].message.startswith("b cannot be served: ")


def test_threads_that_ask_first_at_the_same_time_get_the_same(scene):
    flags = [flag(key=FlagKey(f"f{number}"), default=ON, rules=()) for number in range(200)]
    scene.publish_together(*flags)
    ruleset, begin = scene.server.served(LIVE).ruleset, Barrier(4)

    def ask(_: int) -> tuple[Any, ...]:
        begin.wait(10)
        return ruleset.evaluate_all({}, now=NOON.timestamp(), region="")

    with ThreadPoolExecutor(4) as threads:
        answers = set(threads.map(ask, range(4)))
    assert [[each.variant for each in answer] for answer in answers] == [[ON] * 200]


def test_a_schedule_that_opens_changes_the_tag_of_all_flags_at_that_moment_without_news(scene):
    opens = flag(key=A, default=ON, rules=(), schedule=During(since=NOON + timedelta(seconds=3)))
    scene.publish_together(opens, flag(key=B))
    evaluations = Evaluations(scene.server, UsageNotes(SqliteFlagUsage(scene.database)), scene.clock)

    def tag() -> str:
        answers, _ = evaluations.all(LIVE, {"targetingKey": "u"})
        return write_bulk(answers, {})[1]

    assert timedelta(seconds=3) < MAX_AGE
    first = tag()
    scene.clock.time = NOON + timedelta(seconds=3) - timedelta(microseconds=1)
    assert tag() == first
    scene.calls()
    scene.clock.time = NOON + timedelta(seconds=3)
    assert tag() != first
    assert scene.variant_now(A) == ON
    assert scene.calls() == {}, "it was the time alone"


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


def test_after_an_idle_hour_nobody_is_served_what_was_kept_while_one_reads(scene):
    scene.variant()
    scene.publish(flag(key=A, default=ON, rules=()))
    scene.clock.time += timedelta(hours=1)

    assert served_while_one_reads(scene) == [ON] * 5
    assert scene.calls() == {"read_head": 1, "read_chunk": 1}


def test_what_this_worker_changed_is_served_to_whoever_asks_afterwards(scene):
    scene.variant()
    scene.publish(flag(key=A, default=ON, rules=()))
    scene.server.look_again(LIVE)

    assert served_while_one_reads(scene) == [ON] * 5


def served_while_one_reads(scene):
    """What five requests are served that come while the first of them reads."""
    scene.calls()
    scene.snapshots.waits = Event()
    scene.snapshots.reached.clear()
    with ThreadPoolExecutor(5) as threads:
        first = threads.submit(scene.variant)
        assert scene.snapshots.reached.wait(10)
        others = [threads.submit(scene.variant) for _ in range(4)]
        scene.snapshots.waits.set()
        return [each.result() for each in (first, *others)]


def test_a_change_that_comes_while_the_head_is_read_is_looked_for_once_more(scene):
    scene.variant()
    scene.clock.time += MAX_AGE
    read_head = scene.snapshots._inner.read_head

    def change_meanwhile(environment):
        head = read_head(environment)
        scene.snapshots._inner.read_head = read_head
        scene.publish(flag(key=A, default=ON, rules=()))
        scene.server.look_again(LIVE)
        return head

    scene.snapshots._inner.read_head = change_meanwhile

    assert (scene.variant(), scene.variant()) == ("off", ON)


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


class _WithReadHead:
    def __init__(self, store: Any, read_head: Any) -> None:
        self._store, self.read_head = store, read_head

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


def test_what_this_worker_changed_while_a_read_failed_is_looked_for_at_once(scene):
    scene.variant()
    scene.clock.time += MAX_AGE
    store = scene.snapshots._inner

    def fails_after_a_change(environment: EnvironmentName) -> Head:
        scene.snapshots._inner = store
        scene.publish(flag(key=A, default=ON, rules=()))
        scene.server.look_again(environment)
        raise TryLaterError("no answer came in time")

    scene.snapshots._inner = _WithReadHead(store, fails_after_a_change)
    assert scene.variant() == "off"
    assert scene.variant() == ON


def test_who_asks_for_flags_waits_for_a_read_that_is_under_way_and_not_for_all_that_are_to_come(scene, monkeypatch):
    monkeypatch.setattr(flag_serving, "WAITS_AT_MOST_SECONDS", 0.1)
    scene.variant()
    scene.clock.time += timedelta(hours=1)
    scene.snapshots.waits = Event()
    scene.snapshots.reached.clear()

    with ThreadPoolExecutor(3) as threads:
        changing = [threads.submit(scene.server.latest, LIVE) for _ in range(3)]
        assert scene.snapshots.reached.wait(10)
        assert scene.variant() == "off"
        assert not any(each.done() for each in changing)
        scene.snapshots.waits.set()


def test_a_read_that_failed_for_who_changes_flags_is_waited_for_by_nobody_who_asks_for_them(scene):
    scene.variant()
    scene.snapshots.fails = True
    with pytest.raises(TryLaterError):
        scene.server.latest(LIVE)
    assert scene.server.served(LIVE).stale_since is None, "it was read within the maximum age"

    scene.clock.time += timedelta(hours=1)
    with pytest.raises(TryLaterError):
        scene.server.latest(LIVE)
    scene.calls()
    assert scene.server.served(LIVE).stale_since == scene.clock.now()
    assert scene.calls() == {}


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
