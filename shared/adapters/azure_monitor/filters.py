"""The filter of a metrics call: which values of which dimensions bring a series each.

Azure's form is `A eq 'a1' or A eq 'a2' and B eq 'b'`: `or` binds values of one dimension, `and` joins dimensions. A
value that cannot stand in it for certain is not put in: then every value is asked for, and chosen from here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.errors import RejectedError

_DIMENSION = re.compile(r"[A-Za-z_][\w./ -]{0,127}", re.ASCII)
_PLAIN = re.compile(r"[\w.:@/+ -]{1,256}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Condition:
    """A dimension has a value, in any case."""

    dimension: str
    value: str

    def holds(self, tags: dict[str, str]) -> bool:
        """Whether a series with these dimension values, names in lower case, is one of these."""
        found = tags.get(self.dimension.lower())
        return found is not None and found.lower() == self.value.lower()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A dimension, and which of its values bring a series each; none: every value."""

    dimension: str
    values: tuple[str, ...] = ()


def filter_text(*wanted: Wanted) -> str | None:
    """Return the filter for these dimensions, or None for none. Raises `RejectedError` for what is no dimension."""
    return " and ".join(_clause(each) for each in wanted) or None


def _clause(wanted: Wanted) -> str:
    if not _DIMENSION.fullmatch(wanted.dimension):
        raise RejectedError(f"'{wanted.dimension[:100]}' is not the name of a dimension")
    values: Iterable[str] = wanted.values if all(_PLAIN.fullmatch(value) for value in wanted.values) else ()
    return " or ".join(f"{wanted.dimension} eq '{value}'" for value in values) or f"{wanted.dimension} eq '*'"
