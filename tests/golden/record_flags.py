"""Records golden files of the stored forms of flags and segments; `python -m tests.golden.record` calls it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.wire import flag_documents as documents
from shared.wire import published_flags
from shared.wire.alarms import Alarm
from shared.wire.flag_documents import FlagEnvelope, SegmentEnvelope
from shared.wire.published_flags import Chunk, PublishedFlag, PublishedSegment
from tests.unit.domain.flags.managing.tale import NOON, ROLLOUT, Tale
from tests.unit.domain.flags.managing.tales import SEGMENT, TALES, everything, life_of_a_segment

FOLDER = Path(__file__).parent / "flags"


def flag_life(tale: Tale) -> dict[str, Any]:
    """Return every event, the state after them, and the flag's last revision."""
    envelope = FlagEnvelope(state=tale.state, version=41, alarms=(Alarm("7", NOON),))
    return {
        "flag-events": [json.loads(documents.write_flag_event(event)) for event in tale.events],
        "flag-state": [json.loads(documents.write_flag_state(envelope))],
        "flag-revision": [json.loads(documents.write_flag_revision(tale.flag))],
    }


def segment_life() -> dict[str, Any]:
    """Return every event of a segment, its state and its revision."""
    state, events = life_of_a_segment()
    return {
        "segment-events": [json.loads(documents.write_segment_event(event)) for event in events],
        "segment-state": [json.loads(documents.write_segment_state(SegmentEnvelope(state=state, version=3)))],
        "segment-revision": [json.loads(documents.write_segment_revision(SEGMENT))],
    }


def chunk() -> dict[str, Any]:
    """Return a chunk of flags and segments."""
    flag = PublishedFlag(flag=everything(), revision=7, changed=NOON, changed_by="alice", driven_by=ROLLOUT)
    segment = PublishedSegment(segment=SEGMENT, revision=3, changed=NOON, changed_by="bob")
    return {"chunk": [json.loads(published_flags.write_chunk(Chunk(flags=(flag,), segments=(segment,))))]}


def recorded() -> dict[str, dict[str, Any]]:
    """Return what each golden file holds, by its name."""
    lives = {name: flag_life(tell()) for name, tell in TALES.items()}
    return {**lives, "segment": segment_life(), "chunk": chunk()}


def record(schema: int) -> None:
    """Write the files that are not there yet."""
    for name, document in recorded().items():
        path = FOLDER / f"schema-{schema}" / f"{name}.json"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_lines(document), encoding="utf-8")


def _lines(document: Mapping[str, Any]) -> str:
    """One stored document a line, so that a difference can be read."""
    fields = (
        f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(each, ensure_ascii=False) for each in value) + "\n]"
        for name, value in document.items()
    )
    return "{\n" + ",\n".join(fields) + "\n}\n"
