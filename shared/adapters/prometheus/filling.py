"""Filling `$version` and `$window` into a query of the team's own, so that no version can change what is asked.

| where | `$version` becomes |
|---|---|
| in a text that a label is compared with by `=` or `!=` | the version |
| in a text that a label is compared with by `=~` or `!~` | a regular expression that matches just the version |
| in another text | the version |
| outside of texts | the version, as a text of its own |

For an arm that is whatever the other arm is not, the other version is filled in and the comparison turned round:
`version="$version"` becomes `version!="2"`. `$window` becomes the window's length, such as `60s`, outside of texts.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.adapters.prometheus.promql_text import duration, exactly, quote, read_text, skip_gap
from shared.domain.names import Version

_VERSION: Final = re.compile(r"\$(?:version\b|\{version\})")
_WINDOW: Final = re.compile(r"\$(?:window\b|\{window\})")
_COMPARISON: Final = re.compile(r"(=~|!~|!=|(?<![=<>!])=)(?:\s|#[^\n]*\n)*\Z")
_OPPOSITE: Final = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}


@dataclass(frozen=True, slots=True)
class Filling:
    """What is filled in for one arm."""

    version: Version
    window: timedelta
    is_other: bool = False
    """Whether the arm is everything but this version."""


def names_window(query: str) -> bool:
    """Whether the query says itself over which time it counts."""
    return any(_WINDOW.search(part) for part, is_text in _parts(query) if not is_text)


def names_version(query: str) -> bool:
    """Whether the query says itself which version it is about."""
    return any(_VERSION.search(part) for part, _ in _parts(query))


def fill(query: str, filling: Filling) -> str | None:
    """Return the query for one arm; None where what it says of the version cannot be turned round.

    Raises ValueError for a text that does not end, or with an escape that PromQL does not know.
    """
    filled = ""
    for part, is_text in _parts(query):
        if not is_text:
            if filling.is_other and _VERSION.search(part):
                return None
            filled += _WINDOW.sub(duration(filling.window), _VERSION.sub(lambda _: quote(filling.version), part))
        elif not _VERSION.search(part):
            filled += part
        else:
            compared = _COMPARISON.search(filled)
            if compared is None and filling.is_other:
                return None
            operator = compared.group(1) if compared else ""
            if compared and filling.is_other:
                filled = filled[: compared.start()] + _OPPOSITE[operator]
            filled += _filled_text(part, filling.version, is_pattern=operator.endswith("~"))
    return filled


def _filled_text(part: str, version: Version, *, is_pattern: bool) -> str:
    meant = read_text(part, 0)
    assert meant
    value = exactly(version) if is_pattern else version
    return quote(_VERSION.sub(lambda _: value, meant[0]))


def _parts(query: str) -> list[tuple[str, bool]]:
    """Return the query cut into texts (True) and what is between them, without remarks."""
    parts: list[tuple[str, bool]] = []
    begin = at = 0
    while at < len(query):
        if query[at] == "#":
            parts.append((f"{query[begin:at]} ", False))
            begin = at = skip_gap(query, at)
        elif query[at] in "\"'`":
            read = read_text(query, at)
            if read is None:
                raise ValueError("a text in the query does not end")
            parts.extend(((query[begin:at], False), (query[at : read[1]], True)))
            begin = at = read[1]
        else:
            at += 1
    return [*parts, (query[begin:], False)]
