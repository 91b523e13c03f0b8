"""What is wrong with the settings of an Azure Monitor source, each in one sentence that names the field."""

import re
from collections.abc import Iterator
from dataclasses import replace

from shared.adapters.azure_monitor.arms import place_resource, split_resource
from shared.adapters.azure_monitor.batch_reader import BatchReader, Resource
from shared.adapters.azure_monitor.figures import Figure, Figures
from shared.adapters.azure_monitor.filters import Condition, Wanted
from shared.adapters.azure_monitor.series import Tagged
from shared.calls.azure_errors import is_bad_request
from shared.domain.errors import RejectedError
from shared.domain.rollout.measuring import AzureMonitorSource, Unit
from shared.domain.rollout.spec import Place
from shared.ports.metrics_source import WindowQuestion

_UNITS = {Unit.SECONDS: "seconds", Unit.MILLISECONDS: "milliseconds"}
_SAID_OF_METRICS = re.compile(r"Valid metrics: *(?P<known>[^:]*)", re.IGNORECASE)
_SAID_OF_DIMENSIONS = re.compile(r"dimension combination: .*?supported ones are: *(?P<known>.*?)(?:, TraceId|$)")
_MOST_NAMED = 10


def find_faults(
    reader: BatchReader, question: WindowQuestion, source: AzureMonitorSource, figures: Figures
) -> Iterator[str]:
    """Yield each fault. Raises `TryLaterError`, and `RejectedError` where no single metric is refused."""
    resources = _resources(question, source)
    split = Wanted(source.split_by) if source.split_by else None
    refused = tuple(_refused(reader, resources[0], figures, split))
    yield from refused
    if refused:
        return
    yield from _wrong_unit(reader, resources[0], source, figures, split)
    if split is not None:
        yield from _unknown_versions(reader, resources[0], question, figures.requests, split)
    if figures.failures.where is not None:
        yield from _never_matches(reader, resources, figures.failures, figures.failures.where)


def _resources(question: WindowQuestion, source: AzureMonitorSource) -> tuple[Resource, ...]:
    if source.split_by:
        return (split_resource(question, source),)
    return tuple(place_resource(question, source, place) for place in (Place.PRODUCTION, Place.CANDIDATE))


def _refused(reader: BatchReader, resource: Resource, figures: Figures, split: Wanted | None) -> Iterator[str]:
    """Yield what is refused of each metric, asked alone: one that does not exist, or has not that dimension."""
    try:
        reader.read(resource, figures.every(), split)
    except RejectedError:
        for figure in figures.every():
            try:
                reader.read(resource, (figure,), split)
            except RejectedError as error:
                if not is_bad_request(error):
                    raise
                yield _explain(figure, str(error), split)


def _explain(figure: Figure, refusal: str, split: Wanted | None) -> str:
    if (said := _SAID_OF_METRICS.search(refusal)) is not None:
        return f"{figure.field}: there is no metric {figure.metric}; there are {_some(said['known'].split(','))}"
    if (said := _SAID_OF_DIMENSIONS.search(refusal)) is not None:
        asked = [split.dimension] if split else []
        asked += [figure.where.dimension] if figure.where else []
        known = _some(said["known"].split(",")) or "none"
        return f"{figure.field}: {figure.metric} is not divided by {' and '.join(asked)}; its dimensions are {known}"
    return f"{figure.field}: {figure.metric} is refused: {refusal}"


def _some(names: list[str]) -> str:
    known = [name.strip() for name in names if name.strip()]
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return ", ".join(known[:_MOST_NAMED]) + more


def _wrong_unit(
    reader: BatchReader, resource: Resource, source: AzureMonitorSource, figures: Figures, split: Wanted | None
) -> Iterator[str]:
    if figures.latency is None:
        return
    told = reader.read_unit(resource, figures.latency, *((split,) if split else ()))
    if told.lower() in _UNITS.values() and told.lower() != _UNITS.get(source.latency_unit):
        yield f"metrics.source.latencyUnit: {source.latency} is told in {told}, not in {source.latency_unit}"


def _unknown_versions(
    reader: BatchReader, resource: Resource, question: WindowQuestion, requests: Figure, split: Wanted
) -> Iterator[str]:
    found = _values(reader.read(resource, (requests,), split)[requests], split.dimension)
    if not found:
        whole = reader.read(resource, (requests,), None)[requests]
        if _has_values(whole):
            yield f"metrics.source.splitBy: {requests.metric} has values, and none of them names a {split.dimension}"
        return
    stable = question.stable.version
    if stable is not None and stable.lower() not in {value.lower() for value in found}:
        yield f"metrics.source.splitBy: no {split.dimension} is {stable}; there are {_some(sorted(found))}"


def _never_matches(
    reader: BatchReader, resources: tuple[Resource, ...], failures: Figure, where: Condition
) -> Iterator[str]:
    """Yield a filter that no value passed, and that none of their kind can: of 2xx and 4xx none is 500.

    One that no value passed so far, such as 5xx of 2xx and 4xx, may wait for its first failure.
    """
    unfiltered, every = replace(failures, where=None), Wanted(where.dimension)
    found: set[str] = set()
    for resource in resources:
        found |= _values(reader.read(resource, (unfiltered,), every)[unfiltered], where.dimension)
    forms = {_form(value) for value in found}
    if any("0" in form for form in forms) and _form(where.value) not in forms:
        yield (
            f"metrics.source.failuresWhere: no {where.dimension} of {failures.metric} was {where.value}, or like it; "
            f"there were {_some(sorted(found))}"
        )


def _form(value: str) -> str:
    """Return what a value looks like: in lower case, with 0 for every digit."""
    return re.sub(r"\d", "0", value.lower())


def _values(series: tuple[Tagged, ...], dimension: str) -> set[str]:
    return {tagged.tags[dimension.lower()] for tagged in series if dimension.lower() in tagged.tags}


def _has_values(series: tuple[Tagged, ...]) -> bool:
    return any(value is not None for tagged in series for value in tagged.series.values.values())
