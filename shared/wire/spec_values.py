"""The figures of a team's own in a release spec, each asked for in the language of the source."""

import re
from collections.abc import Callable
from typing import Final

from shared.domain.rollout.measuring import Unit, ValueKind, ValueQuery
from shared.wire.findings import Part, refuse_repeats
from shared.wire.query_text import Language, parse_query
from shared.wire.spec_metrics_source import SourceKind

_METRIC: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,256}")
_POINTER: Final = re.compile(r"(/([^/~\x00-\x1f]|~[01])*)+")


def read_values(part: Part, kind: SourceKind) -> tuple[ValueQuery, ...]:
    """Read `metrics.values`, whose queries are in the language of this kind of source."""
    values = part.children()
    names = tuple(value.child("name") for value in values)
    refuse_repeats(names, lambda name: name.value, "allowed is a name that no value before it has")
    return tuple(_read_value(value, kind) for value in values)


def _read_value(part: Part, kind: SourceKind) -> ValueQuery:
    query, of = part.child("query"), part.child("of")
    if kind is SourceKind.OBSERVATIONS:
        for asked in (query, of):
            if asked.exists:
                asked.refuse("is not asked with observations: their senders push the figure under its name")
    elif not query.exists:
        query.refuse("is missing")
    return ValueQuery(
        name=part.child("name").read(str, ""),
        kind=part.child("kind").read(ValueKind, ValueKind.COUNTER),
        query=query.read(_PARSERS[kind], ""),
        of=of.read(_PARSERS[kind], ""),
        unit=part.child("unit").read(Unit, Unit.ONE),
    )


def _metric(text: str) -> str:
    if not _METRIC.fullmatch(text):
        raise ValueError("allowed is the name of a metric, at most 256 characters without line breaks")
    return text


def _pointer(text: str) -> str:
    if not _POINTER.fullmatch(text):
        raise ValueError("allowed is a JSON pointer (RFC 6901) into the page, such as /conversions")
    return text


_PARSERS: Final[dict[SourceKind, Callable[[str], str]]] = {
    SourceKind.AZURE_MONITOR: _metric,
    SourceKind.LOG_ANALYTICS: lambda text: parse_query(text, Language.KQL),
    SourceKind.PROMETHEUS: lambda text: parse_query(text, Language.PROMQL),
    SourceKind.WEB: _pointer,
    SourceKind.OBSERVATIONS: str,
}
