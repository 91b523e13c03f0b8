"""`python -m tests.simulation.model`: search the scenarios, and say what was found."""

import argparse
import sys

from tests.simulation.model.moves import Faults
from tests.simulation.model.report import line, trace_of
from tests.simulation.model.scenarios import SCENARIOS, check


def main() -> int:
    """Return 1 when a law was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.model", description=__doc__)
    parser.add_argument("--crashes", type=int, default=1, help="workers that die, at any moment")
    parser.add_argument("--locks", type=int, default=0, help="locks that are lost while their worker goes on")
    parser.add_argument("--stalls", type=int, default=0, help="workers that stand still for a minute")
    parser.add_argument("--scenario", default="", help="only those with this in their name")
    parser.add_argument("--states", type=int, default=20_000_000, help="search at most so many states of each")
    asked = parser.parse_args()
    faults, broken = Faults(asked.crashes, asked.locks, asked.stalls), False
    for scenario in SCENARIOS.values():
        if asked.scenario in scenario.name:
            found = check(scenario, faults, at_most=asked.states)
            print(line(scenario.name, faults, found), flush=True)
            if found.broken:
                broken = True
                print(trace_of(found), flush=True)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
