"""Observations as anybody can push them: what one sender saw of one version in one window, in JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.domain.analysis.measurement import Sample
from shared.domain.errors import InvalidError, Problem
from shared.domain.names import ApplicationName, TargetName, Version
from shared.wire.content_encoding import decoded
from shared.wire.fields import SLUG, VERSION
from shared.wire.findings import Part
from shared.wire.identities import header_of
from shared.wire.json_source import read_json
from shared.wire.observed_sample import SAMPLE_FIELDS, read_sample, refuse_others, required
from shared.wire.one_or_several import place_of, read_one_or_several
from shared.wire.timestamps import EPOCH, parse_time

LONGEST_DOCUMENT: Final = 4 * 1024 * 1024
"""How many bytes a request may have when it is not compressed any more."""
LONGEST_SENDER: Final = 255
SENDER_HEADER: Final = "x-slipway-sender"
ANONYMOUS: Final = "anonymous"
"""Who sends where nobody says. There can be only one of them: two without names would repeat each other."""

_FIELDS: Final = ("application", "target", "version", "window", "seconds", "sender", *SAMPLE_FIELDS)
_LONGEST_WINDOW: Final = 86_400
_LAST_EPOCH_SECOND: Final = 10_000_000_000
"""The year 2286: later ones are milliseconds by mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One observation as it was sent; `place` is where it stands in the request, `""` for one by itself."""

    place: str
    application: ApplicationName
    target: TargetName | None
    """None: the only one that the application has."""
    version: Version
    start: datetime
    length: timedelta
    sender: str
    sample: Sample


def read_document(headers: Mapping[str, str], body: bytes) -> Any:
    """Return the JSON value in a request, which may be compressed with gzip.

    Raises `InvalidError`, and `TooLongError` when it is longer than is read.
    """
    kind = (header_of(headers, "content-type") or "").partition(";")[0].strip().lower()
    if "protobuf" in kind:
        raise InvalidError(
            Problem(
                "Content-Type", f"found {kind:.60}; allowed is application/json: set the exporter's encoding to json"
            )
        )
    return read_json(decoded(headers, body, at_most=LONGEST_DOCUMENT), at_most=LONGEST_DOCUMENT)


def sender_of(headers: Mapping[str, str]) -> str:
    """Return who sends, by the header `X-Slipway-Sender`."""
    return (header_of(headers, SENDER_HEADER) or "").strip()[:LONGEST_SENDER] or ANONYMOUS


def parse_observations(document: Any, *, sender: str) -> tuple[Reported, ...]:
    """Return the observation that the document is, or all under its member `observations`.

    `sender` is who sends where an observation does not say. Raises `InvalidError` naming each field that is wrong:
    then none of them is taken.
    """
    return read_one_or_several(document, "observations", "observations", lambda part: _reported(part, sender))


def _reported(part: Part, sender: str) -> Reported:
    refuse_others(part, _FIELDS)
    start, length = read_window(part)
    return Reported(
        place=place_of(part, "observations"),
        application=ApplicationName(required(part, "application", _slug, "")),
        target=TargetName(name) if (name := part.child("target").read(_name, "")) else None,
        version=Version(required(part, "version", _version, "")),
        start=start,
        length=length,
        sender=read_sender(part, sender),
        sample=read_sample(part),
    )


def read_window(part: Part) -> tuple[datetime, timedelta]:
    """Read `window` and `seconds`: the start of a window and its length."""
    length = timedelta(seconds=required(part, "seconds", _seconds, 1))
    start = required(part, "window", _start, EPOCH)
    if part.is_sound and (start - EPOCH) % length:
        part.child("window").refuse(
            f"windows of {length.total_seconds():g} s begin at whole multiples of their length since 1970"
        )
    return start, length


def read_sender(part: Part, sender: str) -> str:
    """Read `sender`; who sent the request where it does not say."""
    return part.child("sender").read(_name, sender)


def _slug(value: object) -> str:
    if isinstance(value, str) and SLUG.fullmatch(value):
        return value
    raise ValueError("allowed are lower-case letters, digits and inner hyphens, at most 63 characters")


def _version(value: object) -> str:
    if isinstance(value, str) and VERSION.fullmatch(value):
        return value
    raise ValueError("allowed is a text of visible ASCII characters without spaces")


def _name(value: object) -> str:
    if isinstance(value, str) and 0 < len(value) <= LONGEST_SENDER:
        return value
    raise ValueError(f"allowed is a text of 1 to {LONGEST_SENDER} characters")


def _seconds(value: Any) -> int:
    is_whole = isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
    if is_whole and 1 <= value <= _LONGEST_WINDOW:
        return int(value)
    raise ValueError(f"allowed is the length of the window in whole seconds, 1 to {_LONGEST_WINDOW}")


def _start(value: Any) -> datetime:
    if isinstance(value, str):
        return parse_time(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        if value >= _LAST_EPOCH_SECOND:
            raise ValueError("allowed are seconds since 1970; these would be milliseconds")
        return EPOCH + timedelta(seconds=value)
    raise ValueError("allowed is the start of the window, an RFC 3339 time or seconds since 1970")
