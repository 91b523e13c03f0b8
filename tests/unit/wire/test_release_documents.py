"""The stored forms of releases: read back as they were written, or refused clearly."""

import json
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import RejectedError
from shared.domain.releases.commands import AcceptedByRelease
from shared.domain.releases.events import RecordedInRelease, ReleaseEvent, SilentInRelease
from shared.domain.releases.state import OpenRow, Release
from shared.wire import release_documents as documents
from shared.wire.documents import Alarm
from shared.wire.release_documents import ReleaseAnswer, ReleaseEnvelope
from shared.wire.release_views import release_line

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - given a zone
SPANS = st.integers(0, 10**9).map(lambda milliseconds: timedelta(milliseconds=milliseconds))


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
    with pytest.raises(RejectedError, match="stored by a newer release"):
        documents.read_release('{"schema":99,"value":{}}')


def test_an_event_is_recorded_or_silent_and_never_both():
    assert set(get_args(ReleaseEvent)) == set(get_args(RecordedInRelease)) | set(get_args(SilentInRelease))
    assert not set(get_args(RecordedInRelease)) & set(get_args(SilentInRelease))
