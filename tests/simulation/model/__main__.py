"""`make model`: search the scenarios, and say what was found."""

import argparse
import json
import sys
from datetime import timedelta

from tests import command_line
from tests.command_line import asked_of, whole
from tests.simulation.model.moves import Faults
from tests.simulation.model.phases import SMALL, WITH_FAILURES, explore
from tests.simulation.model.report import document, line, trace_of
from tests.simulation.model.scenarios import SCENARIOS, Scenario, check
from tests.unit.domain.specs import blue_green, canary, spec


def main() -> int:
    """Return 1 when a law was broken."""
    parser = asked_of(
        "model",
        __doc__,
        'make model SCENARIO="a swap"     # the scenarios with this in their name',
        "make model CRASHES=2 STALLS=1   # more goes wrong, which takes far longer",
    )
    parser.add_argument("--crashes", type=whole("CRASHES", 0), default=1, help="workers that die, at any moment")
    parser.add_argument(
        "--locks", type=whole("LOCKS", 0), default=0, help="locks that are lost while their worker goes on"
    )
    parser.add_argument("--stalls", type=whole("STALLS", 0), default=0, help="workers that stand still for a minute")
    parser.add_argument("--scenario", default="", help="only those with this in their name and a full stop")
    parser.add_argument("--states", type=int, default=20_000_000, help="search at most so many states of each")
    parser.add_argument("--rules", action="store_true", help="only the rules alone: every situation of small plans")
    parser.add_argument("--json", action="store_true", help="print JSON for machines, at the end (JSON=1)")
    asked = parser.parse_args()
    if asked.rules:
        return _rules()
    wanted = [each for each in SCENARIOS.values() if asked.scenario in each.name + "."]
    if not wanted:
        names = "\n  ".join(each.name for each in SCENARIOS.values())
        print(f"no scenario has {asked.scenario!r} in its name; there are:\n  {names}", file=sys.stderr)
        return 2
    return _search(wanted, Faults(asked.crashes, asked.locks, asked.stalls), asked)


def _search(wanted: list[Scenario], faults: Faults, asked: argparse.Namespace) -> int:
    documents, broken = [], False
    for scenario in wanted:
        found = check(scenario, faults, at_most=asked.states)
        documents.append(document(scenario.name, faults, found))
        print(line(scenario.name, faults, found), file=sys.stderr if asked.json else sys.stdout, flush=True)
        if found.broken:
            broken = True
            print(trace_of(found), file=sys.stderr if asked.json else sys.stdout, flush=True)
    if asked.json:
        print(json.dumps(documents, indent=2))
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
    command_line.run(main)
