"""The query of an address: what a route takes, each once, and nothing else.

A parameter that is passed over in silence is a wish that nobody hears: `?afetr=3` would answer the first page again.
"""

from collections import Counter
from urllib.parse import parse_qsl

from shared.domain.errors import InvalidError, Problem
from shared.wire.findings import closest

_TOLD_AT_MOST = 10
_LONGEST_NAME = 60


def check_query(url: str, takes: tuple[str, ...]) -> None:
    """Raise `InvalidError` that names each parameter of `url` that is none of `takes`, or that comes twice.

    No value is repeated: it may be a key.
    """
    # Not taken apart as a URL: a host that is none is no reason to fail here.
    query = url.partition("#")[0].partition("?")[2]
    counts = Counter(name for name, value in parse_qsl(query, keep_blank_values=True) if name or value)
    problems = [
        Problem(name[:_LONGEST_NAME], message)
        for name, count in counts.items()
        if (message := _wrong(name, count, takes)) is not None
    ]
    if problems:
        raise InvalidError(*problems[:_TOLD_AT_MOST])


def _wrong(name: str, count: int, takes: tuple[str, ...]) -> str | None:
    if name not in takes:
        allowed = (
            f"allowed {'is' if len(takes) == 1 else 'are'} {', '.join(takes)}" if takes else "this route takes none"
        )
        return f"is not a query parameter here{closest(name, takes)}; {allowed}"
    return f"is given {count} times; allowed is once" if count > 1 else None
