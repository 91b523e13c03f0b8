"""What is stored or sent beside the aggregates is read by every later release, and left alone when it is newer."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from shared.domain.errors import NewerReleaseError, RejectedError
from shared.domain.names import ApplicationName, TargetName
from shared.domain.observations import Spot
from shared.wire.claims import read_claim
from shared.wire.dead_letters import read_letter
from shared.wire.documents import read_answer
from shared.wire.flag_snapshot_rows import read_chunks
from shared.wire.observation_rows import read_base_line, read_closed, read_observation
from shared.wire.wake_ups import parse_wake_up
from tests.golden.record_rows import FOLDER, MINUTE, NOON, rows, values

SPOT: Final = Spot(application=ApplicationName("shop"), target=TargetName("web"), length=MINUTE)
READERS: Final[dict[str, Callable[[str], Any]]] = {
    "letters": lambda text: read_letter("l1", text),
    "wake-ups": lambda text: parse_wake_up(text.encode()),
    "claims": read_claim,
    "answers": read_answer,
    "observations": lambda text: read_observation(SPOT, NOON, text),
    "closed-windows": lambda text: read_closed(NOON, timedelta(minutes=1), text),
    "base-lines": read_base_line,
    "flag-heads": read_chunks,
}
GOLDEN: Final = sorted(FOLDER.glob("schema-*/*.json"))
NEWER: Final = {"wake-ups": '{"type":"wake-up/2"}', "claims": '{"type":"claim/2"}'}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_a_release_stored_means_the_same_to_this_one(path):
    found = [READERS[path.stem](text) for text in json.loads(path.read_text(encoding="utf-8"))]

    assert found == list(values()[path.stem])


def test_every_kind_has_a_golden_file_of_the_newest_schema():
    assert {path.stem for path in GOLDEN if path.parent == GOLDEN[-1].parent} == set(rows()) == set(READERS)


@pytest.mark.parametrize("kind", READERS)
def test_what_a_newer_release_wrote_is_told_from_what_is_broken(kind):
    with pytest.raises(NewerReleaseError, match="schema 2 was written by a newer release"):
        READERS[kind](NEWER.get(kind, '{"schema":2,"value":{}}'))


@pytest.mark.parametrize(
    "happenings",
    [[], [{"type": "Discarded", "command": "c", "by": "b", "why": "w", "at": "2026-11-23T12:00:00+00:00"}]],
)
def test_a_letter_that_says_of_no_refusal_is_broken(happenings):
    letter = json.loads(rows()["letters"][0])
    letter["value"]["happenings"] = happenings

    with pytest.raises(RejectedError, match="it says of no refusal"):
        read_letter("l1", json.dumps(letter))
