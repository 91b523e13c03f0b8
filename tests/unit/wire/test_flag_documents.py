"""The stored forms of flags and segments: read back as they were written, or refused clearly."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.errors import NewerReleaseError, RejectedError
from shared.domain.flags.managing.events import FlagEvent
from shared.domain.flags.managing.segments import SegmentEvent, SegmentState
from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.model import (
    All,
    AnyOf,
    Clause,
    During,
    Flag,
    InLayer,
    InSegment,
    Not,
    Rule,
    Segment,
    SegmentRule,
    Variant,
)
from shared.wire import flag_documents as documents
from shared.wire import published_flags
from shared.wire.alarms import Alarm
from shared.wire.flag_documents import FlagEnvelope, SegmentEnvelope
from shared.wire.published_flags import Chunk, PublishedFlag, PublishedSegment
from tests.golden.record_flags import recorded
from tests.unit.domain.flags.flags import flag

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - given a zone
SPANS = st.integers(0, 10**9).map(lambda milliseconds: timedelta(milliseconds=milliseconds))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
LEAVES = st.deferred(
    lambda: st.one_of(
        st.builds(Clause, values=st.lists(JSON, max_size=3).map(tuple)),
        st.builds(InSegment),
        st.builds(InLayer),
        st.builds(During),
    )
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple).map(All),
        st.lists(inner, max_size=3).map(tuple).map(AnyOf),
        inner.map(Not),
    ),
    max_leaves=4,
)


@pytest.fixture(autouse=True)
def _values():
    st.register_type_strategy(datetime, TIMES)
    st.register_type_strategy(timedelta, SPANS)
    st.register_type_strategy(Variant, st.builds(Variant, value=JSON))
    st.register_type_strategy(Rule, st.builds(Rule, condition=CONDITIONS))
    st.register_type_strategy(SegmentRule, st.builds(SegmentRule, condition=CONDITIONS))


def same(one: object, other: object) -> bool:
    """Also the kinds of numbers: to Python true is 1. A time of UTC has no fold."""
    return repr(one).replace(", fold=1", "") == repr(other).replace(", fold=1", "")


RELAXED = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("kind", get_args(FlagEvent), ids=lambda kind: kind.__name__)
@RELAXED
@given(data=st.data())
def test_every_event_of_a_flag_is_read_back_as_it_was_written(kind, data):
    event = data.draw(st.from_type(kind))

    assert same(documents.read_flag_event(documents.write_flag_event(event)), event)


@pytest.mark.parametrize("kind", get_args(SegmentEvent), ids=lambda kind: kind.__name__)
@RELAXED
@given(data=st.data())
def test_every_event_of_a_segment_is_read_back_as_it_was_written(kind, data):
    event = data.draw(st.from_type(kind))

    assert same(documents.read_segment_event(documents.write_segment_event(event)), event)


@RELAXED
@given(st.deferred(lambda: st.from_type(FlagState)), TIMES)
def test_the_state_of_a_flag_is_read_back_as_it_was_written(state, at):
    envelope = FlagEnvelope(state=state, version=4, alarms=(Alarm("1", at),))

    assert same(documents.read_flag_state(documents.write_flag_state(envelope)), envelope)


@RELAXED
@given(st.deferred(lambda: st.from_type(SegmentState)))
def test_the_state_of_a_segment_is_read_back_as_it_was_written(state):
    envelope = SegmentEnvelope(state=state, version=4)

    assert same(documents.read_segment_state(documents.write_segment_state(envelope)), envelope)


@RELAXED
@given(st.deferred(lambda: st.from_type(Flag)), st.deferred(lambda: st.from_type(Segment)), TIMES)
def test_revisions_and_chunks_are_read_back_as_they_were_written(flag, segment, at):
    assert same(documents.read_flag_revision(documents.write_flag_revision(flag)), flag)
    assert same(documents.read_segment_revision(documents.write_segment_revision(segment)), segment)
    chunk = Chunk(
        flags=(PublishedFlag(flag=flag, revision=3, changed=at, changed_by="alice"),),
        segments=(PublishedSegment(segment=segment, revision=3, changed=at, changed_by="alice"),),
    )
    assert same(published_flags.read_chunk(published_flags.write_chunk(chunk)), chunk)


@RELAXED
@given(st.deferred(lambda: st.from_type(Flag)), TIMES)
def test_each_flag_of_a_chunk_is_found_without_reading_it(flag, at):
    published = PublishedFlag(flag=flag, revision=3, changed=at, changed_by="a\nb")
    text = published_flags.write_chunk(Chunk(flags=(published,)))
    on_one_line = json.dumps(json.loads(text))
    for stored in (text, on_one_line):
        opened = published_flags.open_chunk(stored)
        assert list(opened.flags) == [flag.key]
        assert not opened.segments
        assert same(published_flags.read_published_flag(opened.flags[flag.key]), published)


def test_a_flag_of_a_chunk_that_is_broken_keeps_no_other_from_being_read():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    one, other = (PublishedFlag(flag=flag(key), revision=3, changed=at, changed_by="ann") for key in ("one", "other"))
    first, broken, second, last = published_flags.write_chunk(Chunk(flags=(one, other))).split("\n")
    opened = published_flags.open_chunk("\n".join([first, broken[: len(broken) // 2], second, last]))

    assert published_flags.read_published_flag(opened.flags["other"]) == other
    with pytest.raises(RejectedError, match="not what this release writes"):
        published_flags.read_published_flag(opened.flags["one"])


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"schema":1}', '{"schema":1,"value":[]}', '{"schema":1,"value":{"flags":[1]}}', "\x00"]
)
def test_a_broken_chunk_is_refused_clearly(text):
    with pytest.raises(RejectedError, match="not what this release writes"):
        published_flags.open_chunk(text)


def test_a_chunk_is_named_by_what_it_holds():
    empty = published_flags.write_chunk(Chunk())

    assert published_flags.name_of_chunk(empty) == published_flags.name_of_chunk(empty)
    assert published_flags.name_of_chunk(empty) != published_flags.name_of_chunk(f"{empty} ")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema":1,"value":{}}', '{"schema":0,"value":{}}', "\x00"])
def test_a_broken_document_is_refused_clearly(text):
    with pytest.raises(RejectedError, match="not what this release writes"):
        documents.read_flag_state(text)


def test_a_document_of_a_newer_version_is_refused_clearly():
    with pytest.raises(NewerReleaseError, match="schema 99 was written by a newer release"):
        published_flags.read_chunk('{"schema":99,"value":{}}')


READERS = {
    "flag-events": (documents.read_flag_event, documents.write_flag_event),
    "flag-state": (documents.read_flag_state, documents.write_flag_state),
    "flag-revision": (documents.read_flag_revision, documents.write_flag_revision),
    "segment-events": (documents.read_segment_event, documents.write_segment_event),
    "segment-state": (documents.read_segment_state, documents.write_segment_state),
    "segment-revision": (documents.read_segment_revision, documents.write_segment_revision),
    "chunk": (published_flags.read_chunk, published_flags.write_chunk),
}
GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "flags").glob("schema-*/*.json"))


def stored(path: Path) -> list[tuple[str, dict]]:
    kept = json.loads(path.read_text(encoding="utf-8"))
    return [(name, document) for name, held in kept.items() for document in held]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_an_earlier_release_stored_is_read_and_written_as_it_was(path):
    for name, document in stored(path):
        read, write = READERS[name]
        assert json.loads(write(read(json.dumps(document)))) == document


def test_every_event_and_every_life_has_a_golden_document():
    kinds = {(name, document["value"].get("type")) for path in GOLDEN for name, document in stored(path)}

    assert {kind.__name__ for kind in get_args(FlagEvent)} == {kind for name, kind in kinds if name == "flag-events"}
    assert {kind.__name__ for kind in get_args(SegmentEvent)} == {
        kind for name, kind in kinds if name == "segment-events"
    }
    assert set(recorded()) <= {path.stem for path in GOLDEN}, "run: python -m tests.golden.record"
    assert {name for name, _ in kinds} == set(READERS)
