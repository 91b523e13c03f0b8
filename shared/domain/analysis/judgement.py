"""What the guards say, each and together."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The only words that the engine hears from the analysis. Only `healthy` advances."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNDECIDED = "undecided"
    NO_DATA = "no-data"
    ERROR = "error"


WORST_FIRST = (Verdict.DEGRADED, Verdict.ERROR, Verdict.NO_DATA, Verdict.UNDECIDED, Verdict.HEALTHY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The numbers behind one guard's verdict."""

    guard: str
    verdict: Verdict
    says: str
    """One sentence for people, with the numbers in it."""
    value: float | None = None
    limit: float | None = None
    reference: float | None = None
    """The stable's value, for a guard that compares."""
    requests: float = 0
    """Candidate requests that the verdict rests on."""
    odds: float | None = None
    """Evidence against the guard's promise, as odds: 41 is 41 : 1; for a guard that tests."""
    p_value: float | None = None
    """The chance of so much evidence, at any time, for a candidate that keeps the promise: 1 / the highest odds."""
    interval: tuple[float, float] | None = None
    """Where the candidate's value less stable's lies: a confidence sequence, valid however often it is looked at."""
    smallest_visible: float | None = None
    """The smallest regression that would have shown by now, as a multiple of stable's value."""
    windows: int = 0
    """How many windows entered the evidence."""
    decides: bool = True
    """Whether the verdict counts; False for a guard that only notifies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One verdict for one target, with the evidence of each guard."""

    verdict: Verdict
    evidence: tuple[Evidence, ...] = ()
    concern: str | None = None
    """Something that a person should look at: pause and warn, without taking back."""
    lacks_traffic: bool = False
    """Whether it is undecided only because there were too few requests yet."""
    holds: str = ""
    """Why it holds although nothing is wrong yet, in a sentence."""
    odds: float | None = None
    """Evidence against the candidate of all guards that test together."""

    def because(self) -> str:
        """Say what the verdict rests on: the evidence of the guards that share it."""
        said = "; ".join(e.says for e in self.evidence if e.verdict is self.verdict and e.decides)
        return "; ".join(filter(None, (self.holds, said)))


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict that wins when several stand side by side; `undecided` when there is none."""
    found = set(verdicts)
    return next((verdict for verdict in WORST_FIRST if verdict in found), Verdict.UNDECIDED)
