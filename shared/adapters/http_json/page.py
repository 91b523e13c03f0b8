"""A page of JSON: one answer read strictly. `true` and `"5"` are no numbers, and neither is NaN."""

import json
from dataclasses import dataclass
from math import isfinite
from typing import Any

from shared.adapters.http_json.json_pointer import resolve_pointer
from shared.domain.analysis.measurement import Histogram


class UnusableError(Exception):
    """A member is not what it should be; the message names it."""


class _Digits(str):
    """A number as it stands in the page, so that 1.10 is not 1.1 where it names a version."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A JSON document whose members are asked for by JSON pointer."""

    document: Any

    def has(self, pointer: str) -> bool:
        """Whether there is such a member, be it null. Raises `UnusableError` for what is no pointer."""
        try:
            self._find(pointer)
        except LookupError:
            return False
        return True

    def number(self, pointer: str) -> float | None:
        """Return a number; None where there is no such member, or null. Raises `UnusableError` for anything else."""
        found = self._member(pointer)
        return None if found is None else _number(found, pointer)

    def count(self, pointer: str) -> float | None:
        """Return a number that is not negative; None where there is none. Raises `UnusableError`."""
        found = self.number(pointer)
        if found is not None and found < 0:
            raise UnusableError(f"{pointer} is {found:g}, which is no count")
        return found

    def text(self, pointer: str) -> str | None:
        """Return a text, or a number as it is written; None where there is none. Raises `UnusableError`."""
        found = self._member(pointer)
        if found is not None and not isinstance(found, str):
            raise UnusableError(f"{pointer} is no text")
        return found

    def histogram(self, pointer: str, factor: float) -> Histogram | None:
        """Return an object with `edges` and `counts` as a histogram, edges times `factor`. Raises `UnusableError`."""
        match self._member(pointer):
            case None:
                return None
            case {"edges": list(edges), "counts": list(counts)}:
                histogram = Histogram(
                    tuple(round(_number(edge, f"{pointer}/edges") * factor, 6) for edge in edges),
                    tuple(_number(count, f"{pointer}/counts") for count in counts),
                )
            case _:
                raise UnusableError(f"{pointer} is no object with edges and counts")
        if not histogram.is_plausible:
            raise UnusableError(
                f"{pointer} is no histogram: rising edges, and one count more than edges, none of them negative"
            )
        return histogram

    def names(self) -> tuple[str, ...]:
        """Return the pointers to the document's own members."""
        return tuple(f"/{name}" for name in self.document) if isinstance(self.document, dict) else ()

    def _member(self, pointer: str) -> Any:
        try:
            return self._find(pointer)
        except LookupError:
            return None

    def _find(self, pointer: str) -> Any:
        try:
            return resolve_pointer(self.document, pointer)
        except ValueError as error:
            raise UnusableError(str(error)) from error


def read_page(body: bytes) -> Page:
    """Return the page. Raises ValueError for what is no JSON."""
    try:
        return Page(json.loads(body, parse_int=_Digits, parse_float=_Digits, parse_constant=_Constant))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


class _Constant:
    """NaN or infinity, which JSON does not have."""

    def __init__(self, name: str) -> None:
        self.name = name


def _number(found: Any, pointer: str) -> float:
    if not isinstance(found, _Digits):
        raise UnusableError(f"{pointer} is no number")
    number = float(found)
    if not isfinite(number):
        raise UnusableError(f"{pointer} is too large")
    return number
