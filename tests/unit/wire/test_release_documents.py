"""The stored forms of releases: read back as they were written, or refused clearly."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import NewerReleaseError, RejectedError
from shared.domain.releases.commands import AcceptedByRelease, Lapse, ReleaseAction
from shared.domain.releases.decide import decide
from shared.domain.releases.events import RecordedInRelease, ReleaseEvent, SilentInRelease
from shared.domain.releases.state import OpenRow, Release, ReleasePhase
from shared.wire import release_documents as documents
from shared.wire.alarms import Alarm
from shared.wire.release_documents import ReleaseAnswer, ReleaseEnvelope
from shared.wire.release_views import release_line
from tests.unit.domain.releases.tale import override
from tests.unit.domain.releases.tales import TALES

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - given a zone
SPANS = st.integers(0, 10**9).map(lambda milliseconds: timedelta(milliseconds=milliseconds))

GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "releases").glob("schema-*/*.json"))
OLDEST = "paused-before-there-were-reminders"
READERS = {
    "release-states": (documents.read_release, documents.write_release),
    "release-events": (documents.read_release_event, documents.write_release_event),
    "release-commands": (documents.read_release_command, documents.write_release_command),
    "release-answers": (documents.read_release_answer, documents.write_release_answer),
}


@pytest.fixture(autouse=True)
def _values():
    st.register_type_strategy(datetime, TIMES)
    st.register_type_strategy(timedelta, SPANS)


@pytest.mark.parametrize("kind", get_args(ReleaseEvent), ids=lambda kind: kind.__name__)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_every_event_is_read_back_as_it_was_written_and_can_be_shown(kind, data):
    event = data.draw(st.from_type(kind))
    text = documents.write_release_event(event)

    assert documents.read_release_event(text) == event
    assert release_line(7, text)["type"] == kind.__name__


@pytest.mark.parametrize("kind", get_args(AcceptedByRelease), ids=lambda kind: kind.__name__)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_every_accepted_fact_is_read_back_as_it_was_written(kind, data):
    command = data.draw(st.from_type(kind))

    assert documents.read_release_command(documents.write_release_command(command)) == command


@settings(max_examples=20, deadline=None)
@given(data=st.data(), at=TIMES)
def test_a_release_is_read_back_as_it_was_written(data, at):
    release, version = data.draw(st.from_type(Release)), data.draw(st.integers(0, 9))
    alarmed = ReleaseEnvelope(release=release, version=version, alarms=(Alarm("1", at),))

    assert documents.read_release(documents.write_release(alarmed)) == alarmed


@pytest.mark.parametrize("kind", get_args(OpenRow), ids=lambda kind: kind.__name__)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_every_outbox_row_is_written_under_its_name(kind, data):
    document = json.loads(documents.write_open_row(data.draw(st.from_type(kind))))

    assert document["value"]["type"] == kind.__name__


@given(st.builds(ReleaseAnswer))
def test_an_answer_is_read_back_as_it_was_written(answer):
    assert documents.read_release_answer(documents.write_release_answer(answer)) == answer


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema":1,"value":{}}', '{"schema":0,"value":{}}', "\x00"])
def test_a_broken_document_is_refused_clearly(text):
    with pytest.raises(RejectedError, match="not what this release writes"):
        documents.read_release(text)


def test_a_document_of_a_newer_version_is_refused_clearly():
    with pytest.raises(NewerReleaseError, match="schema 99 was written by a newer release"):
        documents.read_release('{"schema":99,"value":{}}')


def test_an_event_is_recorded_or_silent_and_never_both():
    assert set(get_args(ReleaseEvent)) == set(get_args(RecordedInRelease)) | set(get_args(SilentInRelease))
    assert not set(get_args(RecordedInRelease)) & set(get_args(SilentInRelease))


def stored(path: Path) -> dict[str, list[Any]]:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_an_earlier_version_stored_of_a_release_is_read_and_stored_again_without_loss(path):
    for name, (read, write) in READERS.items():
        for line in stored(path).get(name, ()):
            assert_holds(json.loads(write(read(json.dumps(line)))), line)


def assert_holds(now: Any, then: Any) -> None:
    """Everything that was stored is there still; a newer version may add fields, and has other words for a few."""
    if isinstance(then, dict):
        named = {"rows_made" if name == "commands_made" else name: value for name, value in then.items()}
        assert now.keys() >= named.keys()
        for name, value in named.items():
            assert_holds(now[name], value)
    elif isinstance(then, list):
        assert len(now) == len(then)
        for one, other in zip(now, then, strict=True):
            assert_holds(one, other)
    else:
        assert now == then


def paused_before_there_were_reminders() -> Release:
    [path] = [path for path in GOLDEN if path.stem == OLDEST]
    return documents.read_release(json.dumps(stored(path)["release-states"][-1])).release


def test_the_ids_of_rows_go_on_where_an_earlier_version_left_off():
    release = paused_before_there_were_reminders()
    known = {row.id for row in release.rows}

    decision = decide(release, override(ReleaseAction.ROLLBACK), now=release.members[0].heard)

    assert decision.opened
    assert min(row.id for row in decision.opened) > max(known)


def test_a_release_that_was_paused_before_there_were_reminders_is_reminded_of_with_its_next_look():
    release = paused_before_there_were_reminders()
    assert (release.phase, release.remind_at) == (ReleasePhase.PAUSED, None)

    looked = decide(release, Lapse(), now=release.members[0].heard + timedelta(minutes=40)).state

    assert [row.text for row in looked.tidings] == ["release autumn is still paused"]
    assert looked.remind_at == release.members[0].heard + timedelta(days=1, minutes=40)
    assert not decide(replace(looked, tidings=()), Lapse(), now=release.members[0].heard).events


def test_every_event_fact_and_row_of_a_release_has_a_golden_document():
    def kinds(name: str) -> set[str]:
        return {line["value"]["type"] for path in GOLDEN for line in stored(path).get(name, ())}

    assert kinds("release-events") == {kind.__name__ for kind in get_args(RecordedInRelease)}
    assert kinds("release-commands") == {kind.__name__ for kind in get_args(AcceptedByRelease)}
    assert kinds("release-rows") == {kind.__name__ for kind in get_args(OpenRow)}
    assert {path.stem for path in GOLDEN} == {*TALES, OLDEST}, "run: python -m tests.golden.record"
