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
from shared.domain.flags.managing.serves import serve_of
from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.split_names import SplitName
from shared.domain.names import ApplicationName, TargetName, Version, application_key
from shared.ports.driven_flags import DrivenFlags
from shared.ports.rollout_store import RolloutStore
from shared.ports.view_index import ViewIndex
from shared.wire.flag_events import ReportedFlag
from shared.wire.flag_split import flag_split
from shared.wire.observations import Reported
from shared.wire.resources import resource_group


@dataclass(frozen=True, slots=True)
class Note:
    """What is to be said of a report that was taken, counted from 0."""

    index: int
    words: str


@dataclass(frozen=True, slots=True)
class TakenEvents:
    """What became of a request, and what is to be said of what was taken."""

    taken: Taken
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class FlagEvents:
    """Maps reports by flag and variant onto targets: a variant's name stands where a version would.

    Every method raises `TryLaterError` when the store is unwell: send it again.
    """

    store: RolloutStore
    index: ViewIndex
    observations: ObservationIntake
    environments: FlagEnvironments
    flags: DrivenFlags

    def take(self, reports: Sequence[ReportedFlag]) -> TakenEvents:
        """Store what each report tells, by itself: one that is refused keeps none of the others out."""
        refused: list[Refusal] = []
        notes: list[Note] = []
        found: list[tuple[int, Reported]] = []
        for index, report in enumerate(reports):
            try:
                split = self._split(report)
                state = self.flags.state(split)
                found += [(index, each) for each in self._observations(report, split, state)]
            except (InvalidError, RejectedError) as error:
                refused.append(Refusal(index, error))
                continue
            refused += [Refusal(index, error) for error in _strangers(report, split, state)]
            if state.driver_of(split.rule, split.region) is None:
                notes.append(Note(index, f"no rollout drives {split.in_words} now: nobody is judged by this"))
        taken = self.observations.take([reported for _, reported in found])
        refused += [Refusal(found[each.index][0], each.error) for each in taken.refused]
        in_order = tuple(sorted(refused, key=lambda each: each.index))
        return TakenEvents(replace(taken, refused=in_order), tuple(notes))

    def _split(self, report: ReportedFlag) -> SplitName:
        try:
            return report.split_in(self.environments.named(report.environment))
        except InvalidError as error:
            raise InvalidError(*(Problem(_at(report, each.path), each.message) for each in error.problems)) from error

    def _observations(self, report: ReportedFlag, split: SplitName, state: FlagState) -> Iterator[Reported]:
        places = tuple(self._targets(flag_split(split)))
        if not places:
            raise RejectedError(
                f"no application releases {split.in_words}: name {flag_split(split)} as the resource of a target first"
            )
        if state.flag is None:
            raise RejectedError(f"there is no flag {split.environment}/{split.flag}")
        if serve_of(state.flag, split.rule, split.region) is None:
            raise RejectedError(f"{split.in_words} is not there")
        known = {each.name for each in state.flag.variants}
        for application, target in places:
            for variant, sample in report.variants:
                if variant not in known:
                    continue
                yield Reported(
                    place=_at(report, f"variants.{variant}"),
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


def _strangers(report: ReportedFlag, split: SplitName, state: FlagState) -> Iterator[RejectedError]:
    """Say which variants of the report the flag does not have, one that is archived by now as it was."""
    known = sorted(each.name for each in state.flag.variants) if state.flag is not None else []
    for variant, _ in report.variants:
        if variant not in known:
            at = _at(report, f"variants.{variant}")
            yield RejectedError(f"{at}: flag {split.environment}/{split.flag} has only {', '.join(known)}")


def _at(report: ReportedFlag, path: str) -> str:
    return f"{report.place}.{path}" if report.place else path
