"""The stored forms of a release of several applications: state, history and inbox, each with its schema's number."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from shared.domain.names import ReleaseId
from shared.domain.releases.commands import AcceptedByRelease
from shared.domain.releases.events import ReleaseEvent
from shared.domain.releases.state import OpenRow, Release
from shared.wire.alarms import Alarm
from shared.wire.stored_form import plain_converter, read_stored, write_stored


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseEnvelope:
    """What is kept of a release: the rules' state, and what only the machinery needs."""

    release: Release
    version: int = 0
    """How many commits made this."""
    alarms: tuple[Alarm, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAnswer:
    """What an accepted fact was answered, and is answered each time that it comes again."""

    release: ReleaseId
    asked: str
    """What was asked for, so that another request under the same identity is known."""


@cache
def _converter() -> Any:
    from cattrs.strategies import configure_tagged_union

    converter = plain_converter()
    converter.register_structure_hook(Release, _release_reader(converter))
    for union in (AcceptedByRelease, ReleaseEvent, OpenRow):
        configure_tagged_union(union, converter, tag_name="type")
    return converter


def _release_reader(converter: Any) -> Callable[[Any, Any], Release]:
    """Return a reader that also takes what was stored before there were other rows than commands.

    Its count goes on: an id that comes again would be taken for a command that was given already.
    """
    from cattrs.gen import make_dict_structure_fn

    read = make_dict_structure_fn(Release, converter)

    def read_either(stored: Any, kind: Any) -> Release:
        if "commands_made" in stored:
            stored = {"rows_made": stored["commands_made"], **stored}
        return read(stored, kind)

    return read_either


def _write(value: object, kind: Any) -> str:
    return write_stored(value, kind, _converter())


def _read(text: str, kind: Any) -> Any:
    return read_stored(text, kind, _converter())


def write_release(envelope: ReleaseEnvelope) -> str:
    """Return the stored form of a release."""
    return _write(envelope, ReleaseEnvelope)


def read_release(text: str) -> ReleaseEnvelope:
    """Return the release. Raises `RejectedError` for a broken document, `NewerReleaseError` for a newer one."""
    envelope: ReleaseEnvelope = _read(text, ReleaseEnvelope)
    return envelope


def write_release_event(event: ReleaseEvent) -> str:
    """Return the stored form of a line of history."""
    return _write(event, ReleaseEvent)


def read_release_event(text: str) -> ReleaseEvent:
    """Return a line of history."""
    event: ReleaseEvent = _read(text, ReleaseEvent)
    return event


def write_release_command(command: AcceptedByRelease) -> str:
    """Return the stored form of an accepted fact."""
    return _write(command, AcceptedByRelease)


def read_release_command(text: str) -> AcceptedByRelease:
    """Return an accepted fact."""
    command: AcceptedByRelease = _read(text, AcceptedByRelease)
    return command


def write_open_row(row: OpenRow) -> str:
    """Return the stored form of an outbox row."""
    return _write(row, OpenRow)


def write_release_answer(answer: ReleaseAnswer) -> str:
    """Return the stored form of an answer."""
    return _write(answer, ReleaseAnswer)


def read_release_answer(text: str) -> ReleaseAnswer:
    """Return an answer."""
    answer: ReleaseAnswer = _read(text, ReleaseAnswer)
    return answer
