"""Which series are of which arm: by the place's own resource, or by the value of a dimension."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shared.adapters.azure_monitor.batch_reader import BatchReader, Resource
from shared.adapters.azure_monitor.figures import Figure, Figures
from shared.adapters.azure_monitor.filters import Wanted
from shared.adapters.azure_monitor.sampling import ArmSeries, ValueSeries
from shared.adapters.azure_monitor.series import Series, Tagged, mean, total
from shared.domain.errors import RejectedError
from shared.domain.rollout.measuring import AzureMonitorSource, ValueKind
from shared.domain.rollout.spec import Place
from shared.ports.metrics_source import WindowQuestion
from shared.wire.resource_id import parse_resource_id
from shared.wire.site_id import parse_site_id

SITES = "microsoft.web/sites"
SLOTS = "microsoft.web/sites/slots"
REVISION_NAME = "revisionname"

Answers = Mapping[Figure, tuple[Tagged, ...]]


@dataclass(frozen=True, slots=True)
class Arms:
    """Both arms' series."""

    candidate: ArmSeries
    stable: ArmSeries


def read_arms(reader: BatchReader, question: WindowQuestion, source: AzureMonitorSource, figures: Figures) -> Arms:
    """Return both arms' series. Raises `TryLaterError` or `RejectedError`."""
    if source.split_by:
        return _by_dimension(reader, question, source, figures)
    return _by_place(reader, question, source, figures)


def place_resource(question: WindowQuestion, source: AzureMonitorSource, place: Place) -> Resource:
    """Return the site, for production, or its slot, as the resource of a place."""
    site = parse_site_id(source.resource or question.target.resource)
    if place is Place.PRODUCTION:
        return Resource(str(site), source.namespace or SITES)
    return Resource(site.slot(question.target.slot), source.namespace or SLOTS)


def split_resource(question: WindowQuestion, source: AzureMonitorSource) -> Resource:
    """Return the one resource whose metrics are divided by a dimension."""
    resource = parse_resource_id(source.resource or question.target.resource)
    return Resource(resource.text, source.namespace or resource.kind)


def wanted_versions(question: WindowQuestion, dimension: str) -> Wanted:
    """Return which values of the dimension are asked for: both versions, or all where an arm is whatever is left.

    Raises `RejectedError` when the versions do not tell the arms apart.
    """
    candidate, stable = names_of(question, dimension)
    if candidate is None and stable is None:
        raise RejectedError("metrics.source.splitBy: no version is named, so the arms cannot be told apart")
    if candidate is None or stable is None:
        return Wanted(dimension)
    if candidate.lower() == stable.lower():
        raise RejectedError(f"metrics.source.splitBy: both arms are version {candidate}")
    return Wanted(dimension, (candidate, stable))


def names_of(question: WindowQuestion, dimension: str) -> tuple[str | None, str | None]:
    """Return what the dimension calls candidate and stable: a revision by its name, where that is known."""
    located = question.target.located
    if located is None or dimension.lower() != REVISION_NAME:
        return question.candidate.version, question.stable.version
    places = {Place.PRODUCTION: located.stable, Place.CANDIDATE: located.candidate}
    return places[question.candidate.place], places[question.stable.place]


def _by_place(reader: BatchReader, question: WindowQuestion, source: AzureMonitorSource, figures: Figures) -> Arms:
    places = {
        place: _arm(
            figures, reader.read(place_resource(question, source, place), figures.every(), None), source, _everything
        )
        for place in (Place.PRODUCTION, Place.CANDIDATE)
    }
    return Arms(candidate=places[question.candidate.place], stable=places[question.stable.place])


def _by_dimension(reader: BatchReader, question: WindowQuestion, source: AzureMonitorSource, figures: Figures) -> Arms:
    wanted = wanted_versions(question, source.split_by)
    read = reader.read(split_resource(question, source), figures.every(), wanted)
    candidate, stable = names_of(question, source.split_by)
    return Arms(
        candidate=_arm(figures, read, source, _is_of(source.split_by, candidate, stable)),
        stable=_arm(figures, read, source, _is_of(source.split_by, stable, candidate)),
    )


def _everything(_: Tagged) -> bool:
    return True


def _is_of(dimension: str, version: str | None, other: str | None) -> Callable[[Tagged], bool]:
    """Return whether a series is of the version, or where none is named, of anything but the other one."""
    name = dimension.lower()

    def check(tagged: Tagged) -> bool:
        found = tagged.tags.get(name)
        if found is None:
            return False
        return found.lower() == version.lower() if version is not None else found.lower() != (other or "").lower()

    return check


def _arm(figures: Figures, read: Answers, source: AzureMonitorSource, is_ours: Callable[[Tagged], bool]) -> ArmSeries:
    ours = {
        figure: tuple(
            tagged for tagged in all_ if is_ours(tagged) and (not figure.where or figure.where.holds(tagged.tags))
        )
        for figure, all_ in read.items()
    }

    def sum_of(figure: Figure) -> Series:
        return total([tagged.series for tagged in ours[figure]])

    return ArmSeries(
        requests=sum_of(figures.requests),
        failures=sum_of(figures.failures),
        latency=_weighted(ours[figures.latency], ours[figures.requests]) if figures.latency else None,
        latency_unit=source.latency_unit,
        values=tuple(
            ValueSeries(
                value.query,
                sum_of(value.value)
                if value.query.kind is ValueKind.COUNTER
                else mean([(tagged.series, None) for tagged in ours[value.value]]),
                sum_of(value.of) if value.of else None,
            )
            for value in figures.values
        ),
    )


def _weighted(averages: Sequence[Tagged], requests: Sequence[Tagged]) -> Series:
    """Return the mean of averages, weighted by the requests with the same dimension values."""
    return mean(
        [
            (average.series, total([asked.series for asked in requests if asked.is_like(average)]))
            for average in averages
        ]
    )
