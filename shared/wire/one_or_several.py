"""A request that is one report, or several of them under a member."""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from shared.wire.findings import Findings, Part, found
from shared.wire.observed_sample import refuse_others
from shared.wire.source import Source

T = TypeVar("T")

AT_MOST: Final = 100
"""So many reports one request may hold."""


def read_one_or_several(document: Any, member: str, noun: str, read: Callable[[Part], T | None]) -> tuple[T, ...]:
    """Return what `read` makes of the document, or of each entry of the list that is its `member`.

    `noun` is what several of them are called. Raises `InvalidError` naming each wrong field: then none is taken.
    """
    findings = Findings(Source(document))
    whole = Part(document, (), findings)
    parts: tuple[Part, ...] = (whole,)
    if isinstance(document, dict) and member in document:
        refuse_others(whole, (member,))
        parts = tuple(_listed(whole.child(member), noun))
    reports = [read(part) for part in parts if _is_object(part)]
    findings.raise_if_any()
    return tuple(each for each in reports if each is not None)


def place_of(part: Part, member: str) -> str:
    """Return where a report stands in its request, `""` for one by itself."""
    return f"{member}[{part.path[1]}]" if part.path else ""


def _listed(part: Part, noun: str) -> Iterator[Part]:
    if not isinstance(part.value, list) or not part.value:
        part.refuse(f"{found(part.path, part.value)}allowed is a list of 1 to {AT_MOST} {noun}")
    elif len(part.value) > AT_MOST:
        part.refuse(f"has {len(part.value)} {noun}; allowed are at most {AT_MOST} in one request")
    else:
        yield from part.children()


def _is_object(part: Part) -> bool:
    if isinstance(part.value, dict):
        return True
    part.refuse(f"{found(part.path, part.value)}allowed is a JSON object")
    return False
