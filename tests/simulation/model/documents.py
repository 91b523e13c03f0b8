"""Stored documents, read and written once each: the same text is the same frozen value."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from shared.application import aggregate
from shared.calls import deadline
from shared.wire.documents import Envelope, read_envelope, write_envelope

_texts: dict[int, tuple[Envelope, str]] = {}


@cache
def envelope_in(text: str) -> Envelope:
    """Return the application that a document holds."""
    envelope = read_envelope(text)
    _texts[id(envelope)] = (envelope, text)
    return envelope


def text_of(envelope: Envelope) -> str:
    """Return an application's document."""
    known = _texts.get(id(envelope))
    if known is None:
        text = write_envelope(envelope)
        envelope_in(text)
        _texts[id(envelope)] = known = (envelope, text)
    return known[1]


def forget() -> None:
    """Let go of every document."""
    envelope_in.cache_clear()
    _texts.clear()


@contextmanager
def remembered_documents() -> Iterator[None]:
    """Let the use cases read and write applications by way of this memory.

    Also, no time passes on the machine's own clock for them: a worker may stand at a call for as long as the search is
    busy elsewhere. The time that they reckon with is the model's.
    """
    seconds = deadline.monotonic
    deadline.monotonic = lambda: 0.0  # type: ignore[attr-defined]
    aggregate.read_envelope, aggregate.write_envelope = envelope_in, text_of  # type: ignore[attr-defined]
    try:
        yield
    finally:
        aggregate.read_envelope, aggregate.write_envelope = read_envelope, write_envelope  # type: ignore[attr-defined]
        deadline.monotonic = seconds  # type: ignore[attr-defined]
        forget()
