"""`python -m tests.simulation.model`: search the scenarios, and say what was found."""

import argparse
import sys
from datetime import timedelta

from tests.simulation.model.moves import Faults
from tests.simulation.model.phases import SMALL, WITH_FAILURES, explore
from tests.simulation.model.report import line, trace_of
from tests.simulation.model.scenarios import SCENARIOS, check
from tests.unit.domain.specs import blue_green, canary, spec


def main() -> int:
    """Return 1 when a law was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.model", description=__doc__)
    parser.add_argument("--crashes", type=int, default=1, help="workers that die, at any moment")
    parser.add_argument("--locks", type=int, default=0, help="locks that are lost while their worker goes on")
    parser.add_argument("--stalls", type=int, default=0, help="workers that stand still for a minute")
    parser.add_argument("--scenario", default="", help="only those with this in their name and a full stop")
    parser.add_argument("--states", type=int, default=20_000_000, help="search at most so many states of each")
    parser.add_argument("--rules", action="store_true", help="only the rules alone: every situation of small plans")
    asked = parser.parse_args()
    if asked.rules:
        return _rules()
    faults, broken = Faults(asked.crashes, asked.locks, asked.stalls), False
    for scenario in SCENARIOS.values():
        if asked.scenario in scenario.name + ".":
            found = check(scenario, faults, at_most=asked.states)
            print(line(scenario.name, faults, found), flush=True)
            if found.broken:
                broken = True
                print(trace_of(found), flush=True)
    return int(broken)


def _rules() -> int:
    """Say how many situations there are for each kind of plan, and whether an end can be reached from all."""
    trapped = 0
    plans = (
        ("blue and green, with failures", blue_green(), WITH_FAILURES),
        ("a canary with a gate", canary(), SMALL),
    )
    for name, strategy, moves in plans:
        found = explore(spec(strategy=strategy, keep_warm=timedelta(0)), moves=moves)
        ways, traps = sum(map(len, found.ways.values())), found.trapped()
        trapped += len(traps)
        print(
            f"{name}: {len(found.ways):,} situations, {ways:,} ways between them, {len(traps)} without a way to an end"
        )
        for trap in traps[:3]:
            print(f"  {trap}")
    return int(trapped > 0)


if __name__ == "__main__":
    sys.exit(main())
