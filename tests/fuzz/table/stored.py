"""What this project wrote itself: rows and documents of the store, perhaps by another release, perhaps damaged."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.names import ApplicationName, RolloutId, TargetName, Version
from shared.domain.observations import Spot
from shared.wire import documents, flag_documents, observation_rows, published_flags, release_documents
from shared.wire.claims import read_claim, write_claim
from shared.wire.flag_snapshot_rows import read_chunks, read_turn, write_chunks, write_turn
from shared.wire.flag_views import flag_history_line, segment_history_line
from shared.wire.history import history_line
from shared.wire.release_views import release_line
from shared.wire.table_keys import escape_key, unescape_key
from shared.wire.table_text import pack, unpack
from tests.fuzz.parser import Form, Parser, all_of, message, of_message, of_text
from tests.fuzz.seeds import given, golden
from tests.unit.domain.specs import NOON

SPOT = Spot(application=ApplicationName("shop"), target=TargetName("web"), length=timedelta(minutes=1))
BROKEN = (RejectedError, TryLaterError)
"""Damaged, or of a newer release."""


def _stored(name: str, read: Any, write: Any, member: str, folder: str = ".") -> Parser:
    return Parser(
        name=f"stored-{name}",
        read=of_text(read),
        refuses=BROKEN,
        write=lambda value: write(value).encode("utf-8", "surrogatepass"),
        seeds=golden(member, folder),
    )


def _line(name: str, read: Any, member: str, folder: str = ".") -> Parser:
    return Parser(
        name=f"line-of-{name}",
        read=of_text(lambda text: read(1, text)),
        refuses=BROKEN,
        seeds=golden(member, folder),
    )


def _opened(text: str) -> object:
    """Open a chunk and read each of its lines, as who serves flags does."""
    opened = published_flags.open_chunk(text)
    return [
        *map(published_flags.read_published_flag, opened.flags.values()),
        *map(published_flags.read_published_segment, opened.segments.values()),
    ]


def _observed(headers: Mapping[str, str], body: bytes) -> object:
    """A row is read by its key and its text."""
    text = {"d0": body.decode("utf-8", "replace")}
    told, closed = headers.get("told", ""), headers.get("closed", "")
    return all_of(
        lambda _: observation_rows.told_in(SPOT, told, text),
        lambda _: observation_rows.closed_in(SPOT, closed, text),
        refuses=BROKEN,
    )(headers)


def _keys(text: str) -> object:
    """Keys are turned back into what they were made of."""
    assert unescape_key(escape_key(text)) == text
    assert unpack(pack(text)) == text
    return text


STORED = (
    _stored("application", documents.read_envelope, documents.write_envelope, "after"),
    _stored("event", documents.read_event, documents.write_event, "events"),
    _stored("fact", documents.read_accepted, documents.write_accepted, "accepted"),
    _stored("rollout", documents.read_rollout, documents.write_rollout, "archived"),
    Parser(
        name="stored-answer",
        read=of_text(documents.read_answer),
        refuses=BROKEN,
        write=lambda answer: documents.write_answer(answer).encode("utf-8", "surrogatepass"),
        seeds=lambda: (
            documents.write_answer(
                documents.Answer(rollout=RolloutId("shop-1"), version=Version("2"), new=True)
            ).encode(),
        ),
    ),
    _stored("release", release_documents.read_release, release_documents.write_release, "release-states", "releases"),
    _stored(
        "release-event",
        release_documents.read_release_event,
        release_documents.write_release_event,
        "release-events",
        "releases",
    ),
    _stored(
        "release-command",
        release_documents.read_release_command,
        release_documents.write_release_command,
        "release-commands",
        "releases",
    ),
    _stored(
        "release-answer",
        release_documents.read_release_answer,
        release_documents.write_release_answer,
        "release-answers",
        "releases",
    ),
    _stored("flag-state", flag_documents.read_flag_state, flag_documents.write_flag_state, "flag-state", "flags"),
    _stored("flag-event", flag_documents.read_flag_event, flag_documents.write_flag_event, "flag-events", "flags"),
    _stored(
        "flag-revision", flag_documents.read_flag_revision, flag_documents.write_flag_revision, "flag-revision", "flags"
    ),
    _stored(
        "segment-state", flag_documents.read_segment_state, flag_documents.write_segment_state, "segment-state", "flags"
    ),
    _stored(
        "segment-event",
        flag_documents.read_segment_event,
        flag_documents.write_segment_event,
        "segment-events",
        "flags",
    ),
    _stored(
        "segment-revision",
        flag_documents.read_segment_revision,
        flag_documents.write_segment_revision,
        "segment-revision",
        "flags",
    ),
    _stored("chunk", published_flags.read_chunk, published_flags.write_chunk, "chunk", "flags"),
    _line("rollouts", history_line, "events"),
    _line("releases", release_line, "release-events", "releases"),
    _line("flags", flag_history_line, "flag-events", "flags"),
    _line("segments", segment_history_line, "segment-events", "flags"),
    Parser(
        name="stored-claim",
        read=of_text(read_claim),
        refuses=BROKEN,
        write=lambda claim: write_claim(claim).encode(),
        seeds=given({"type": "claim/1", "resource": "/a", "owner": "shop", "since": "2026-11-23T12:00:00+00:00"}),
    ),
    Parser(name="chunk-opened", read=of_text(_opened), refuses=BROKEN, seeds=golden("chunk", "flags")),
    Parser(
        name="stored-slots",
        read=of_text(read_chunks),
        refuses=BROKEN,
        write=lambda chunks: write_chunks(chunks).encode(),
        seeds=given({"000": "a" * 64, "001": "b" * 64}),
    ),
    Parser(
        name="observation-row",
        read=of_text(lambda text: observation_rows.read_observation(SPOT, NOON, text)),
        refuses=BROKEN,
        write=lambda row: observation_rows.write_observation(row).encode(),
        seeds=given(["2", "pod-1", "1", False, [10, 1, 200.0, [[100.0], [9, 1]], [["sales", 1.0, None]]], ["a", "b"]]),
    ),
    Parser(
        name="closed-row",
        read=of_text(lambda text: observation_rows.read_closed(NOON, SPOT.length, text)),
        refuses=BROKEN,
        write=lambda row: observation_rows.write_closed(row).encode(),
        seeds=given([["1", [10, 1, None, None, []]], ["2", [3, 0, 1.5, [[1.0], [2, 1]], []]]]),
    ),
    Parser(
        name="base-line-row",
        read=of_text(observation_rows.read_base_line),
        refuses=BROKEN,
        write=lambda row: observation_rows.write_base_line(row).encode(),
        seeds=given(
            [
                1795435200000000,
                None,
                [[0.1, 0.2]],
                [["s", 1795435200000000, 1795435260000000, 3, 1.5, 0, [1, 1, 1]]],
                [["m", 1795435200000000, None]],
            ]
        ),
    ),
    Parser(
        name="observation-rows-by-key",
        form=Form.MESSAGE,
        read=of_message(_observed),
        refuses=BROKEN,
        seeds=given(
            message(
                {"told": "r|0001795435200000000|000060|1|ab", "closed": "none"},
                b'["2", "pod-1", "1", false, [10, 1, 200.0, null, []], []]',
            ),
            message(
                {"told": "none", "closed": "c|0001795435200000000|000060"},
                b'[["1", [10, 1, null, null, []]]]',
            ),
        ),
    ),
    Parser(
        name="stored-turn",
        read=of_text(read_turn),
        refuses=BROKEN,
        write=lambda turn: b"null" if turn is None else write_turn(turn).encode(),
        seeds=given(["flag:new-checkout", "default", 7, 1795435200000000]),
    ),
    Parser(
        name="row-keys",
        form=Form.TEXT,
        read=of_text(_keys),
        seeds=given("e|0001795435200000000|ab", "w|1795435200000000|000060|a|b", "a=2Fb", '\\"x"'),
    ),
)
