"""What an experiment adds up: the counts of both arms, however many windows they came from."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.analysis.measurement import Sample, Value, Window
from shared.domain.experiments.experiment import Counter, Goal

_NOTHING = Sample(requests=0, failures=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The counts of both arms, taken from the same windows."""

    candidate: Sample = _NOTHING
    stable: Sample = _NOTHING
    planned: float = 0.0
    """How many of all these requests were to be the candidate's, by the share in force in each window."""
    until: datetime | None = None
    """The end of the newest window in them."""

    @property
    def requests(self) -> float:
        """Of both arms together."""
        return self.candidate.requests + self.stable.requests


def with_window(totals: Totals, window: Window, goal: Goal, share: float) -> Totals:
    """Return the counts with a window in which the candidate's share was planned to be `share`.

    A window that lacks an arm stays out of both. Where one arm does not tell the goal's counter, its opportunities do
    not count for either: the requests do.
    """
    candidate, stable = window.candidate, window.stable
    if not (_is_whole(candidate) and _is_whole(stable)):
        return totals
    assert isinstance(candidate, Sample)
    assert isinstance(stable, Sample)
    name = goal.measure.name if isinstance(goal.measure, Counter) else ""
    is_told = all(_counter(name, arm) is not None for arm in (candidate, stable))
    kept = name if is_told else ""
    return Totals(
        candidate=_sum(totals.candidate, _with_counter(candidate, kept)),
        stable=_sum(totals.stable, _with_counter(stable, kept)),
        planned=totals.planned + share * (candidate.requests + stable.requests),
        until=window.end if totals.until is None else max(totals.until, window.end),
    )


def together(parts: Iterable[Totals]) -> Totals:
    """Return the counts of several targets as one."""
    whole = Totals()
    for part in parts:
        ends = [end for end in (whole.until, part.until) if end is not None]
        whole = Totals(
            candidate=_sum(whole.candidate, part.candidate),
            stable=_sum(whole.stable, part.stable),
            planned=whole.planned + part.planned,
            until=max(ends, default=None),
        )
    return whole


def _is_whole(arm: object) -> bool:
    return isinstance(arm, Sample) and arm.is_plausible


def _counter(name: str, sample: Sample) -> Value | None:
    value = sample.named(name) if name else None
    return None if value is None or value.value < 0 else value


def _with_counter(sample: Sample, name: str) -> Sample:
    """Return the counts alone, with the opportunities of the counter written out."""
    value = _counter(name, sample)
    told = () if value is None else (replace(value, of=sample.requests if value.of is None else value.of),)
    return Sample(requests=sample.requests, failures=sample.failures, values=told)


def _sum(one: Sample, other: Sample) -> Sample:
    values: dict[str, Value] = {}
    for value in (*one.values, *other.values):
        before = values.get(value.name, Value(name=value.name, value=0.0, of=0.0))
        values[value.name] = replace(
            before, value=before.value + value.value, of=(before.of or 0.0) + (value.of or 0.0)
        )
    return Sample(
        requests=one.requests + other.requests, failures=one.failures + other.failures, values=tuple(values.values())
    )
