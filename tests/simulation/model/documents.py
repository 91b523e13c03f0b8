"""Stored documents, read and written once each: the same text is the same frozen value."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from shared.application import aggregate
from shared.calls import deadline
from shared.wire.documents import Envelope, read_envelope, write_envelope

KEPT_AT_MOST = 4_000
_texts: OrderedDict[int, tuple[Envelope, str]] = OrderedDict()
"""The documents of the applications that were written last; each keeps its own, so that no other has its id."""
_same: dict[str, str] = {}


@cache
def envelope_in(text: str) -> Envelope:
    """Return the application that a document holds."""
    return read_envelope(text)


def text_of(envelope: Envelope) -> str:
    """Return an application's document."""
    known = _texts.get(id(envelope))
    if known is None:
        text = write_envelope(envelope)
        _texts[id(envelope)] = known = (envelope, _same.setdefault(text, text))
        if len(_texts) > KEPT_AT_MOST:
            _texts.popitem(last=False)
    return known[1]


def forget() -> None:
    """Let go of every document."""
    envelope_in.cache_clear()
    _texts.clear()
    _same.clear()


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
