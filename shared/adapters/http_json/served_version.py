"""Reading the version out of an answer: from a header, or from a member of a JSON body."""

import json
from typing import Any

from shared.adapters.http_json.json_pointer import resolve_pointer
from shared.calls.http_exchange import Answer
from shared.domain.names import Version
from shared.domain.rollout.spec import VersionProbe

LONGEST_VERSION = 200
LARGEST_BODY = 64 * 1024


class NoVersionError(Exception):
    """The answer names no version; the message says why."""


def served_version(answer: Answer, probe: VersionProbe) -> Version:
    """Return the version that the answer names. Raises `NoVersionError`."""
    if not 200 <= answer.status < 300:
        raise NoVersionError(f"HTTP {answer.status}")
    if probe.header is not None:
        return _checked(answer.header(probe.header), f"header {probe.header}")
    return _checked(_member(answer, probe.pointer or ""), f"member '{probe.pointer or ''}'")


def _member(answer: Answer, pointer: str) -> Any:
    if answer.cut:
        raise NoVersionError(f"more than {LARGEST_BODY} bytes")
    try:
        # A number keeps its digits as they stand: 1.10 is not 1.1.
        document = json.loads(answer.body, parse_int=str, parse_float=str, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise NoVersionError("no JSON") from error
    try:
        return resolve_pointer(document, pointer)
    except (LookupError, ValueError) as error:
        raise NoVersionError(f"no member '{pointer}'") from error


def _checked(found: Any, where: str) -> Version:
    if not isinstance(found, str) or not found or len(found) > LONGEST_VERSION or not found.isprintable():
        raise NoVersionError(f"the {where} is not a text of 1 to {LONGEST_VERSION} printable characters")
    return Version(found)
