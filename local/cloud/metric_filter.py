"""The filter of a metrics call, as Azure Monitor reads it: `A eq 'a1' or A eq 'a2' and B eq '*'`.

`or` joins values of one dimension and binds closer than `and`, which joins dimensions. Names and values compare
without case.
"""

import re
from dataclasses import dataclass

from local.cloud.http_json import ApiError

_TERM = re.compile(r"\s*(?P<name>[\w./ -]+?)\s+eq\s+'(?P<value>(?:[^']|'')*)'\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DimensionFilter:
    """Which values each named dimension may have; None: every value."""

    wanted: dict[str, frozenset[str] | None]
    """By name in lower case, in the order of the filter."""

    def takes(self, tags: dict[str, str]) -> bool:
        """Whether something with these dimension values, names in lower case, is counted."""
        return all(
            name in tags and (values is None or tags[name].lower() in values) for name, values in self.wanted.items()
        )


def parse_filter(text: str) -> DimensionFilter:
    """Read a filter; an empty one names no dimension. Raises `ApiError`."""
    wanted: dict[str, frozenset[str] | None] = {}
    for clause in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE) if text.strip() else ():
        name, values = _parse_clause(clause)
        if name in wanted:
            raise _bad(text)
        wanted[name] = values
    return DimensionFilter(wanted)


def _parse_clause(clause: str) -> tuple[str, frozenset[str] | None]:
    terms = [_TERM.fullmatch(term) for term in re.split(r"\s+or\s+", clause, flags=re.IGNORECASE)]
    found = [(term["name"].lower(), term["value"].replace("''", "'").lower()) for term in terms if term]
    if len(found) != len(terms) or len({name for name, _ in found}) != 1:
        raise _bad(clause)
    values = frozenset(value for _, value in found)
    return found[0][0], None if "*" in values else values


def _bad(text: str) -> ApiError:
    return ApiError(400, "BadRequest", f"Invalid filter: {text[:200]}")
