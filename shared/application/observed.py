"""Taking in what is pushed: each observation is stored once, and the last one of a window wakes its application."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.application import aggregate as aggregates
from shared.application.accept import UnknownApplicationError
from shared.application.observed_windows import ObservedPlace, WindowKeeper
from shared.domain.base_lines import increases
from shared.domain.errors import InvalidError, Problem, RejectedError, SlipwayError, TryLaterError, VersionConflictError
from shared.domain.names import ApplicationName, TargetName, application_key
from shared.domain.observations import Observation, Spot, time_refusal
from shared.domain.points import Cut, Kind, LeftOut, Point, Report, cut, sound, wanted
from shared.domain.rollout.measuring import ValueKind
from shared.domain.rollout.observing import is_watched, observed_spec, observed_target
from shared.domain.rollout.state import Application
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue
from shared.ports.observations import ROWS_AT_MOST, ClosedWindows, KeptBaseLine, Observations
from shared.ports.rollout_store import RolloutStore
from shared.wire.observations import Reported

CONFLICTS_AT_MOST = 10


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which observation of a request was not taken, counted from 0, and why."""

    index: int
    error: SlipwayError


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a request: how many observations are new, how many were known, and which were refused."""

    accepted: int
    repeated: int
    refused: tuple[Refusal, ...] = ()

    def check(self) -> None:
        """Raise what the first of them was refused for, when all were; what is wrong with the others is told too."""
        errors = [refusal.error for refusal in self.refused]
        if not errors or self.accepted or self.repeated:
            return
        problems = [each for error in errors if isinstance(error, InvalidError) for each in error.problems]
        raise InvalidError(*problems) if isinstance(errors[0], InvalidError) else errors[0]


@dataclass(frozen=True, slots=True)
class TakenPoints:
    """What became of points: how many count now, how many were counted before, and which cannot count."""

    accepted: int
    repeated: int
    left_out: tuple[LeftOut, ...] = ()


@dataclass(slots=True)
class _Tally:
    """What becomes of points, as it goes."""

    accepted: int = 0
    repeated: int = 0
    left_out: list[LeftOut] = field(default_factory=list)

    def add(self, cuts: Sequence[Cut], new: Sequence[bool]) -> None:
        for each, is_new in zip(cuts, new, strict=True):
            if is_new:
                self.accepted += each.points
            else:
                self.repeated += each.points

    def leave_out(self, cuts: Iterable[Cut], why: str) -> None:
        self.left_out.extend(LeftOut(each.points, why) for each in cuts)

    def include(self, other: "_Tally") -> None:
        self.accepted += other.accepted
        self.repeated += other.repeated
        self.left_out.extend(other.left_out)


@dataclass(slots=True)
class _Applications:
    """The applications that one request speaks of, each loaded once."""

    store: RolloutStore
    known: dict[ApplicationName, Application] = field(default_factory=dict)

    def place(self, name: ApplicationName, target: TargetName | None, length: timedelta | None) -> ObservedPlace:
        """Return where observations of this target belong. Raises when they are not wanted there."""
        if name not in self.known:
            self.known[name] = aggregates.load(self.store, application_key(name)).application
        state = self.known[name]
        if state.spec is None:
            raise UnknownApplicationError(f"there is no application {name}: PUT its release spec first")
        spec = observed_spec(state, length)
        found = observed_target(spec, target)
        spot = Spot(application=name, target=found.name, length=spec.measuring.window)
        return ObservedPlace(spot, spec.measuring.values, is_watched(state))


@dataclass(frozen=True, slots=True)
class ObservationIntake:
    """The door for what is pushed. Every method raises `TryLaterError` when the store is unwell: then send it again,
    for what was stored already is only a repeat.
    """

    store: RolloutStore
    observations: Observations
    windows: ClosedWindows
    queue: CommandQueue
    clock: Clock

    @property
    def _keeper(self) -> WindowKeeper:
        return WindowKeeper(self.observations, self.windows, self.queue, self.clock)

    def take(self, reported: Sequence[Reported]) -> Taken:
        """Store observations, each by itself: one that is refused keeps none of the others out."""
        applications, now = _Applications(self.store), self.clock.now()
        refused: list[Refusal] = []
        by_place: dict[ObservedPlace, list[Observation]] = {}
        for index, each in enumerate(reported):
            try:
                place = applications.place(each.application, each.target, each.length)
                _check(each, place, now)
            except (InvalidError, RejectedError) as error:
                refused.append(Refusal(index, _at(each.place, error)))
                continue
            by_place.setdefault(place, []).append(_observation(each, place.spot))
        new = [flag for place, rows in by_place.items() for flag in self._add(place, rows)]
        for place, rows in by_place.items():
            self._keeper.see_to(place, sorted({row.start for row in rows}))
        return Taken(sum(new), len(new) - sum(new), tuple(refused))

    def take_points(self, reports: Sequence[Report]) -> TakenPoints:
        """Store what points of time series say, as observations of the application's own windows."""
        applications, now = _Applications(self.store), self.clock.now()
        tally = _Tally()
        deltas: dict[ObservedPlace, list[Cut]] = {}
        starts: dict[ObservedPlace, set[datetime]] = {}
        for pushed in reports:
            try:
                place = applications.place(pushed.application, pushed.target, None)
            except (InvalidError, RejectedError) as error:
                tally.left_out.extend(_all_of(pushed, f"{pushed.application}: {error}"))
                continue
            report = _sound(pushed, place, tally)
            if any(point.is_cumulative for point in report.points):
                cuts = self._count(report, place, tally, now)
                starts.setdefault(place, set()).update(each.observation.start for each in cuts)
            else:
                deltas.setdefault(place, []).extend(_timely(_cut(report, place, report.points, tally), tally, now))
        for place, cuts in deltas.items():
            tally.add(cuts, self._add(place, [each.observation for each in cuts]))
            starts.setdefault(place, set()).update(each.observation.start for each in cuts)
        for place, told in starts.items():
            self._keeper.see_to(place, sorted(told))
        return TakenPoints(tally.accepted, tally.repeated, tuple(tally.left_out))

    def _count(self, report: Report, place: ObservedPlace, tally: _Tally, now: datetime) -> Sequence[Cut]:
        """Store a report with cumulative points, again from the start when another one of its sender was faster."""
        for _ in range(CONFLICTS_AT_MOST):
            attempt = _Tally()
            try:
                cuts = self._try_to_count(report, place, attempt, now)
            except VersionConflictError:
                continue
            tally.include(attempt)
            return cuts
        raise TryLaterError(f"{report.sender} sends too much at once to tell its counters apart", after_seconds=1)

    def _try_to_count(self, report: Report, place: ObservedPlace, tally: _Tally, now: datetime) -> Sequence[Cut]:
        spot = place.spot
        kept = self.observations.base_line(spot, report.version, report.sender)
        found = increases(kept.base if kept else None, report.points, spot.length)
        tally.repeated += found.repeated
        tally.left_out.extend(found.left_out)
        cuts = _timely(_cut(report, place, found.points, tally), tally, now)
        if found.base is None or (kept is not None and found.base == kept.base):
            tally.add(cuts, self._add(place, [each.observation for each in cuts]))
            return cuts
        if len(cuts) > ROWS_AT_MOST:
            tally.leave_out(cuts[ROWS_AT_MOST:], f"a sender tells of at most {ROWS_AT_MOST} moments at once")
            cuts = cuts[:ROWS_AT_MOST]
        moved = KeptBaseLine(
            version=report.version, sender=report.sender, base=found.base, etag=kept.etag if kept else None
        )
        tally.add(cuts, self.observations.add(spot, [each.observation for each in cuts], moved))
        return cuts

    def _add(self, place: ObservedPlace, rows: Sequence[Observation]) -> tuple[bool, ...]:
        """Store observations of one place; say of each whether it is new."""
        chunks = [rows[at : at + ROWS_AT_MOST] for at in range(0, len(rows), ROWS_AT_MOST)]
        return tuple(flag for chunk in chunks for flag in self.observations.add(place.spot, chunk))


def _check(reported: Reported, place: ObservedPlace, now: datetime) -> None:
    why_not = time_refusal(reported.start, reported.length, now)
    if why_not is not None:
        raise InvalidError(Problem("window", why_not))
    known = {query.name: query.kind for query in place.values}
    for value in reported.sample.values:
        if value.name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise InvalidError(Problem(f"values.{value.name:.60}", f"is no value of the release spec; it has: {names}"))
        if known[value.name] is ValueKind.COUNTER and value.value < 0:
            raise InvalidError(Problem(f"values.{value.name:.60}", f"found {value.value:g}; a counter is not negative"))


def _observation(reported: Reported, spot: Spot) -> Observation:
    return Observation(
        application=spot.application,
        target=spot.target,
        version=reported.version,
        start=reported.start,
        length=reported.length,
        sender=reported.sender,
        sample=reported.sample,
    )


def _at(place: str, error: SlipwayError) -> SlipwayError:
    """Return the error with its fields where they stand in the request."""
    if not isinstance(error, InvalidError) or not place:
        return error
    return InvalidError(*(Problem(f"{place}.{each.path}", each.message) for each in error.problems))


def _all_of(report: Report, why: str) -> Iterable[LeftOut]:
    requests = sum(point.kind is Kind.REQUESTS for point in report.points)
    return (LeftOut(requests, why),) if requests else ()


def _sound(report: Report, place: ObservedPlace, tally: _Tally) -> Report:
    """Return the report with the points that are wanted and can be reckoned with."""
    points, left_out = sound(wanted(report.points, place.values))
    tally.left_out.extend(left_out)
    return replace(report, points=points)


def _cut(report: Report, place: ObservedPlace, points: Sequence[Point], tally: _Tally) -> tuple[Cut, ...]:
    spot = place.spot
    cuts, left_out = cut(report, spot.target, points, spot.length, place.values)
    tally.left_out.extend(left_out)
    return cuts


def _timely(cuts: Iterable[Cut], tally: _Tally, now: datetime) -> list[Cut]:
    timely: list[Cut] = []
    for each in cuts:
        why_not = time_refusal(each.observation.start, each.observation.length, now)
        if why_not is None:
            timely.append(each)
        else:
            tally.leave_out([each], why_not)
    return timely
