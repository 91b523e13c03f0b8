"""Which rows of a table pushed observations are: one partition for each target of an application.

o|{application}|{target}
    b|{hash}                                base line of one sender's cumulative points; `seen` is when it last moved
    c|{start}|{seconds}                     closed window, with what all senders said together
    r|{start}|{seconds}|0                   window that was opened: something was told of it
    r|{start}|{seconds}|1|{hash}            what one sender told

Times are microseconds since 1970. The hash is that of version, sender and part: the same observation is the same row.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from shared.domain.analysis.measurement import Histogram, Sample, Value
from shared.domain.base_lines import BaseLine, Heard, SeriesSeen
from shared.domain.names import Version
from shared.domain.observations import ClosedWindow, Observation, Spot
from shared.domain.points import Counted
from shared.wire.stored_form import refuse_newer_list, refusing_broken
from shared.wire.table_keys import escape_key, micros, moment, padded
from shared.wire.table_limits import TableRow
from shared.wire.table_text import join, split

BASE_LINES = ("b|", "b}")
"""Half-open range of row keys, as the next ones."""
CLOSED = "c|"
TOLD = "r|"
SEEN = "seen"
_OPENED = "0"
_TIME = "a time in microseconds since 1970"
_ROW = "a stored row of what was observed"


def partition_of(spot: Spot) -> str:
    """Return the partition key of a target, whatever the length of its windows."""
    return f"o|{escape_key(spot.application)}|{escape_key(spot.target)}"


def told_key(observation: Observation) -> str:
    """Return the row key of an observation."""
    digest = _hash(observation.version, observation.sender, observation.part)
    return f"{_window_key(TOLD, observation.start, observation.length)}|1|{digest}"


def told_row(spot: Spot, observation: Observation) -> TableRow:
    """Return the row of an observation."""
    return TableRow(partition_of(spot), told_key(observation), split(write_observation(observation)))


def opened_row(spot: Spot, start: datetime) -> TableRow:
    """Return the row that says that something was told of the window."""
    return TableRow(partition_of(spot), f"{_window_key(TOLD, start, spot.length)}|{_OPENED}", split(""))


def closed_row(spot: Spot, window: ClosedWindow) -> TableRow:
    """Return the row of a closed window."""
    return TableRow(partition_of(spot), _window_key(CLOSED, window.start, window.length), split(write_closed(window)))


def base_line_key(version: Version, sender: str) -> str:
    """Return the row key of a sender's base line."""
    return f"{BASE_LINES[0]}{_hash(version, sender)}"


def base_line_row(spot: Spot, version: Version, sender: str, base: BaseLine) -> TableRow:
    """Return the row of a sender's base line."""
    properties = {SEEN: time_key(base.until), **split(write_base_line(base))}
    return TableRow(partition_of(spot), base_line_key(version, sender), properties)


def since_key(kind: str, start: datetime) -> str:
    """Return the least row key of windows of this kind that begin at `start` or later."""
    return f"{kind}{time_key(start)}"


def time_key(at: datetime) -> str:
    """Return the time as text that sorts; a time before 1970 as 1970."""
    return padded(max(0, micros(at)), _TIME)


def told_in(spot: Spot, key: str, properties: Mapping[str, str]) -> Observation | datetime | None:
    """Return the observation in a row, the start of the window that it says was opened, or None for other windows.

    Raises `RejectedError` for a row that is broken, and `NewerReleaseError`.
    """
    with refusing_broken(_ROW):
        start, seconds, kind = key.removeprefix(TOLD).split("|")[:3]
        if timedelta(seconds=int(seconds)) != spot.length:
            return None
        at = moment(int(start))
        return at if kind == _OPENED else read_observation(spot, at, join(properties))


def closed_in(spot: Spot, key: str, properties: Mapping[str, str]) -> ClosedWindow | None:
    """Return the closed window in a row, or None for one of another length.

    Raises `RejectedError` for a row that is broken, and `NewerReleaseError`.
    """
    with refusing_broken(_ROW):
        start, seconds = key.removeprefix(CLOSED).split("|")
        if timedelta(seconds=int(seconds)) != spot.length:
            return None
        return read_closed(moment(int(start)), spot.length, join(properties))


def write_observation(observation: Observation) -> str:
    """Return what a sender told as a document."""
    document = [
        observation.version,
        observation.sender,
        observation.part,
        observation.is_last,
        _sample_document(observation.sample),
        list(observation.series),
    ]
    return json.dumps(document, separators=(",", ":"))


def read_observation(spot: Spot, start: datetime, document: str) -> Observation:
    """Return what `write_observation` was given. Raises `RejectedError`, and `NewerReleaseError`, as all here do."""
    with refusing_broken(_ROW):
        version, sender, part, is_last, sample, series = _listed(document)
        return Observation(
            application=spot.application,
            target=spot.target,
            version=Version(_text(version)),
            start=start,
            length=spot.length,
            sender=_text(sender),
            sample=_sample(sample),
            part=_text(part),
            is_last=bool(is_last),
            series=tuple(map(_text, series)),
        )


def write_closed(window: ClosedWindow) -> str:
    """Return the numbers of a closed window as a document."""
    document = [[version, _sample_document(sample)] for version, sample in window.samples]
    return json.dumps(document, separators=(",", ":"))


def read_closed(start: datetime, length: timedelta, document: str) -> ClosedWindow:
    """Return what `write_closed` was given. Raises `RejectedError`, and `NewerReleaseError`."""
    with refusing_broken(_ROW):
        samples = tuple((Version(_text(version)), _sample(sample)) for version, sample in _listed(document))
    return ClosedWindow(start=start, length=length, samples=samples)


def write_base_line(base: BaseLine) -> str:
    """Return the base line as a document, with the edges that series share written once."""
    edges: dict[tuple[float, ...], int] = {}
    series = [[name, *_series_document(seen, edges)] for name, seen in base.series]
    metrics = [[name, _time(heard.until), _time(heard.before)] for name, heard in base.metrics]
    document = [_time(base.until), _time(base.before), list(edges), series, metrics]
    return json.dumps(document, separators=(",", ":"))


def read_base_line(document: str) -> BaseLine:
    """Return what `write_base_line` was given. Raises `RejectedError`, and `NewerReleaseError`."""
    with refusing_broken(_ROW):
        until, before, edges, series, metrics = _listed(document)
        return BaseLine(
            until=moment(until),
            before=_moment(before),
            series=tuple((_text(name), _series(entry, edges)) for name, *entry in series),
            metrics=tuple((_text(name), Heard(moment(last), _moment(earlier))) for name, last, earlier in metrics),
        )


def _listed(document: str) -> list[Any]:
    """Return the list in a row. Raises `NewerReleaseError` for a row of a newer release."""
    found = json.loads(document)
    refuse_newer_list(found)
    listed: list[Any] = found
    return listed


def _series_document(seen: SeriesSeen, edges: dict[tuple[float, ...], int]) -> list[Any]:
    counted, histogram = seen.counted, seen.counted.histogram
    known = edges.setdefault(histogram.edges, len(edges)) if histogram else None
    counts = list(histogram.counts) if histogram else None
    return [_time(seen.start), _time(seen.end), counted.count, counted.total_ms, known, counts]


def _series(entry: Sequence[Any], edges: Sequence[Sequence[float]]) -> SeriesSeen:
    start, end, count, total, known, counts = entry
    histogram = None if known is None else Histogram(_numbers(edges[known]), _numbers(counts))
    counted = Counted(count=_number(count), total_ms=_number_or_none(total), histogram=histogram)
    return SeriesSeen(_moment(start), moment(end), counted)


def _sample_document(sample: Sample) -> list[Any]:
    histogram = [list(sample.histogram.edges), list(sample.histogram.counts)] if sample.histogram else None
    values = [[value.name, value.value, value.of] for value in sample.values]
    return [sample.requests, sample.failures, sample.latency_ms, histogram, values]


def _sample(document: Sequence[Any]) -> Sample:
    requests, failures, latency_ms, histogram, values = document
    return Sample(
        requests=_number(requests),
        failures=_number(failures),
        latency_ms=_number_or_none(latency_ms),
        histogram=Histogram(_numbers(histogram[0]), _numbers(histogram[1])) if histogram else None,
        values=tuple(
            Value(name=_text(name), value=_number(value), of=_number_or_none(of)) for name, value, of in values
        ),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r:.40} is no number")
    return value


def _number_or_none(value: Any) -> float | None:
    return None if value is None else _number(value)


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(map(_number, values))


def _window_key(kind: str, start: datetime, length: timedelta) -> str:
    return f"{since_key(kind, start)}|{length // timedelta(seconds=1):06d}"


def _time(at: datetime | None) -> int | None:
    return None if at is None else micros(at)


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else moment(microseconds)


def _hash(*parts: str) -> str:
    return sha256(json.dumps(parts).encode()).hexdigest()[:32]
