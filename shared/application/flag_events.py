"""Taking in what users of a flag's variants met: as observations of each application that releases that flag."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shared.application import aggregate as aggregates
from shared.application.accept import MATCHES_AT_MOST
from shared.application.claims import using
from shared.application.flag_environments import FlagEnvironments
from shared.application.observed import ObservationIntake, Refusal, Taken
from shared.application.publish import RESOURCES
from shared.domain.errors import InvalidError, Problem, RejectedError
from shared.domain.names import ApplicationName, TargetName, Version, application_key
from shared.ports.rollout_store import RolloutStore
from shared.ports.view_index import ViewIndex
from shared.wire.flag_events import ReportedFlag
from shared.wire.flag_split import flag_split
from shared.wire.observations import Reported
from shared.wire.resources import resource_group


@dataclass(frozen=True, slots=True)
class FlagEvents:
    """Maps reports by flag and variant onto targets: a variant's name stands where a version would.

    Every method raises `TryLaterError` when the store is unwell: send it again.
    """

    store: RolloutStore
    index: ViewIndex
    observations: ObservationIntake
    environments: FlagEnvironments

    def take(self, reports: Sequence[ReportedFlag]) -> Taken:
        """Store what each report tells, by itself: one that is refused keeps none of the others out."""
        refused: list[Refusal] = []
        found: list[tuple[int, Reported]] = []
        for index, report in enumerate(reports):
            try:
                found += [(index, each) for each in self._observations(report)]
            except (InvalidError, RejectedError) as error:
                refused.append(Refusal(index, error))
        taken = self.observations.take([reported for _, reported in found])
        refused += [Refusal(found[each.index][0], each.error) for each in taken.refused]
        return replace(taken, refused=tuple(sorted(refused, key=lambda each: each.index)))

    def _observations(self, report: ReportedFlag) -> Iterator[Reported]:
        try:
            split = report.split_in(self.environments.named(report.environment))
        except InvalidError as error:
            at = f"{report.place}." if report.place else ""
            raise InvalidError(*(Problem(f"{at}{each.path}", each.message) for each in error.problems)) from error
        places = tuple(self._targets(flag_split(split)))
        if not places:
            raise RejectedError(
                f"no application releases {split.in_words}: name {flag_split(split)} as the resource of a target first"
            )
        for application, target in places:
            for variant, sample in report.variants:
                yield Reported(
                    place=".".join(part for part in (report.place, "variants", variant) if part),
                    application=application,
                    target=target,
                    version=Version(variant),
                    start=report.start,
                    length=report.length,
                    sender=report.sender,
                    sample=sample,
                )

    def _targets(self, resource: str) -> Iterator[tuple[ApplicationName, TargetName]]:
        page = self.index.page(RESOURCES, resource_group(resource), after=None, limit=MATCHES_AT_MOST)
        for row in page.rows:
            name = ApplicationName(row.key)
            target = using(aggregates.load(self.store, application_key(name)).application, resource)
            if target is not None:
                yield name, target
