"""Hypothesis on one parser: one round in the tests, round after round for as long as there is time in `make fuzz`."""

import time
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.inputs import inputs
from tests.fuzz.oracle import Finding, examine
from tests.fuzz.parser import Parser

A_ROUND = 500
"""Examples of one round: few enough that time is looked at often."""


@dataclass(slots=True)
class Tally:
    """What a run came to so far."""

    examples: int = 0
    taken: int = 0
    findings: dict[str, Finding] = field(default_factory=dict)
    """The smallest input of each kind."""

    def note(self, finding: Finding | None, *, taken: bool) -> None:
        """Count one example."""
        self.examples += 1
        self.taken += taken
        if finding is not None:
            known = self.findings.get(finding.kind)
            if known is None or len(finding.data) < len(known.data):
                self.findings[finding.kind] = finding


def run_round(parser: Parser, number: int, examples: int, tally: Tally) -> None:
    """Try so many inputs; the same number makes the same ones. Findings are counted and do not end the round."""

    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @seed(number)
    @given(inputs(parser))
    def tried(data: bytes) -> None:
        finding, taken = examine(parser, data)
        tally.note(finding, taken=taken)

    tried()


def run_for(parser: Parser, seconds: float, first: int) -> Tally:
    """Try inputs for so long."""
    tally, ends, number = Tally(), time.monotonic() + seconds, first
    while time.monotonic() < ends:
        run_round(parser, number, A_ROUND, tally)
        number += 1
    return tally
