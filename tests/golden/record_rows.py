"""Records golden files of what is stored or sent beside the aggregates; `python -m tests.golden.record` calls it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from shared.domain.analysis.measurement import Histogram, Sample, Value
from shared.domain.base_lines import BaseLine, Heard, SeriesSeen
from shared.domain.dead_letters.letter import DeadLetter, Discarded, Redriven, Refused
from shared.domain.names import ApplicationName, CommandId, RolloutId, TargetName, Version
from shared.domain.observations import ClosedWindow, Observation
from shared.domain.points import Counted
from shared.ports.command_queue import WakeUp
from shared.wire.claims import Claim, write_claim
from shared.wire.dead_letters import write_letter
from shared.wire.documents import Answer, write_answer
from shared.wire.flag_snapshot_rows import write_chunks
from shared.wire.observation_rows import write_base_line, write_closed, write_observation
from shared.wire.wake_ups import encode_wake_up

FOLDER: Final = Path(__file__).parent / "rows"
NOON: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER: Final = NOON + timedelta(minutes=5)
MINUTE: Final = timedelta(minutes=1)
HISTOGRAM: Final = Histogram((10.0, 100.0), (3, 4, 1))
SAMPLE: Final = Sample(
    requests=120, failures=2, latency_ms=12.5, histogram=HISTOGRAM, values=(Value(name="orders", value=3.0),)
)
REFUSED: Final = Refused(reason="the queue gave it up: odd — and long", at=NOON, again=LATER, times=3, attempts=10)
LETTERS: Final = (
    DeadLetter(
        id="l1", source="commands", about=("application:shop",), body=b'{"a": "\xc3\xbc"}', happenings=(REFUSED,)
    ),
    DeadLetter(
        id="l1",
        source="azure-monitor",
        body=b"\xff\x00",
        is_whole=False,
        left_out=2,
        happenings=(
            REFUSED,
            Redriven(command=CommandId("c1"), by="alice", why="mended", at=NOON, sent=LATER),
            Refused(reason="again", at=LATER),
            Redriven(command=CommandId("c2"), by="alice", why="mended", at=NOON),
            Discarded(command=CommandId("c3"), by="bob", why="no use", at=LATER),
        ),
    ),
)
WAKE_UPS: Final = (
    WakeUp(key="application:shop", fence="7"),
    WakeUp(key="flag:production/new", fence="", attempt=3, marker="m|1", observed=True),
)
CLAIMS: Final = (
    Claim(resource="/sites/shop", owner=ApplicationName("shop"), since=NOON),
    Claim(resource="/sites/shop", owner=None, since=LATER),
)
ANSWERS: Final = (
    Answer(rollout=RolloutId("shop-0123456789ab"), version=Version("2"), new=True),
    Answer(rollout=None, version=None, new=False),
)
OBSERVED: Final = (
    Observation(
        application=ApplicationName("shop"),
        target=TargetName("web"),
        version=Version("2"),
        start=NOON,
        length=MINUTE,
        sender="pod-1",
        sample=SAMPLE,
        part="a",
        is_last=True,
        series=("s1", "s2"),
    ),
)
CLOSED: Final = (ClosedWindow(start=NOON, length=MINUTE, samples=((Version("1"), SAMPLE), (Version("2"), SAMPLE))),)
BASE_LINES: Final = (
    BaseLine(
        until=LATER,
        before=NOON,
        series=(
            (
                "s1",
                SeriesSeen(start=NOON, end=LATER, counted=Counted(count=5.0, total_ms=60.0, histogram=HISTOGRAM)),
            ),
        ),
        metrics=(("http.server.request.duration", Heard(LATER, NOON)),),
    ),
)
HEADS: Final = ((("f00", "0f3c"), ("s01", "1a39")),)


def rows() -> dict[str, list[str]]:
    """Return one of each as it is stored or sent."""
    return {
        "letters": [write_letter(each) for each in LETTERS],
        "wake-ups": [encode_wake_up(each).decode() for each in WAKE_UPS],
        "claims": [write_claim(each) for each in CLAIMS],
        "answers": [write_answer(each) for each in ANSWERS],
        "observations": [write_observation(each) for each in OBSERVED],
        "closed-windows": [write_closed(each) for each in CLOSED],
        "base-lines": [write_base_line(each) for each in BASE_LINES],
        "flag-heads": [write_chunks(each) for each in HEADS],
    }


def record(schema: int) -> None:
    """Write the files that are not there yet."""
    for name, texts in rows().items():
        path = FOLDER / f"schema-{schema}" / f"{name}.json"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_lines(texts), encoding="utf-8")


def _lines(texts: list[str]) -> str:
    """One stored text a line, so that a difference can be read."""
    return "[\n" + ",\n".join(json.dumps(text, ensure_ascii=False) for text in texts) + "\n]\n"


def values() -> Mapping[str, Any]:
    """Return what the files of the schema that they were recorded with mean."""
    return {
        "letters": LETTERS,
        "wake-ups": WAKE_UPS,
        "claims": CLAIMS,
        "answers": ANSWERS,
        "observations": OBSERVED,
        "closed-windows": CLOSED,
        "base-lines": BASE_LINES,
        "flag-heads": HEADS,
    }
