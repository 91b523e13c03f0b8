"""Semantic versions 2.0 (semver.org), by precedence: build metadata does not count."""

import re
from typing import TypeAlias

from shared.domain.flags.model import Json

Version: TypeAlias = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]
"""Compares as the versions do."""

_NUMBER = r"(0|[1-9]\d{0,17})"
_PART = r"(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION = re.compile(
    rf"{_NUMBER}(?:\.{_NUMBER}(?:\.{_NUMBER})?)?(?:-({_PART}(?:\.{_PART})*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)
_RELEASE, _BEFORE_RELEASE = 1, 0
_LONGEST = 256
_GREATEST_NUMBER = 10**16
"""Greater ones are written with an exponent, which no version has."""


def lenient_version_of(value: Json) -> Version | None:
    """Return the version of what may begin with a v, or be a number, which is read as it is written."""
    if isinstance(value, str):
        return version_of(value[1:] if value[:1] in ("v", "V") else value)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= _GREATEST_NUMBER:
        return None
    return version_of(str(value))


def version_of(value: Json) -> Version | None:
    """Return the version, None where the value is none. `2` and `2.1` are `2.0.0` and `2.1.0`."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    match = _VERSION.fullmatch(value)
    if match is None:
        return None
    major, minor, patch = (int(match[index] or 0) for index in (1, 2, 3))
    if match[4] is None:
        return (major, minor, patch, _RELEASE, ())
    return (major, minor, patch, _BEFORE_RELEASE, tuple(map(_part, match[4].split("."))))


def _part(text: str) -> tuple[int, int, str]:
    """Numbers come before texts, and are compared as numbers."""
    return (0, int(text), "") if text.isdigit() else (1, 0, text)
