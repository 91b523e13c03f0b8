"""Which label values may still come beside those that are there: a healthy application has no failures to show.

A filter for failures that never matched is a mistake where it asks for a value that nobody will ever say
(`code="5xx"` where codes are numbers), and no mistake where it asks for one that has only not been said yet
(`code=~"5.."` where all codes were 200).
"""

import re
from collections.abc import Iterable
from typing import Final

from shared.adapters.prometheus.selector import Matcher

_VOCABULARIES: Final = (
    frozenset(str(status) for status in range(100, 600)),
    frozenset(f"{kind}{tail}" for kind in range(1, 6) for tail in ("xx", "XX")),
    frozenset({"OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists"})
    | {"PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented"}
    | {"Internal", "Unavailable", "DataLoss", "Unauthenticated"},
    frozenset(str(code) for code in range(17)),
    frozenset({"true", "false"}),
    frozenset({"True", "False"}),
    frozenset({"success", "failure"}),
    frozenset({"success", "error"}),
    frozenset({"ok", "error"}),
)
"""HTTP statuses and their classes, gRPC codes by name and by number, and the usual pairs."""


def may_come(matcher: Matcher, values: Iterable[str]) -> bool:
    """Whether the matcher can match a value of the same kind as these, none of which it matches."""
    known = set(values) - {""}
    if not known:
        return False
    if matcher.is_negative:
        return True
    return any(
        known <= vocabulary and any(matches(matcher, value) for value in vocabulary) for vocabulary in _VOCABULARIES
    )


def matches(matcher: Matcher, value: str) -> bool:
    """Whether the matcher matches. A pattern that only Prometheus can read matches nothing here."""
    if matcher.operator in ("=", "!="):
        found = matcher.value == value
    else:
        try:
            found = re.fullmatch(matcher.value, value) is not None
        except re.error:
            return False
    return found is not matcher.is_negative
