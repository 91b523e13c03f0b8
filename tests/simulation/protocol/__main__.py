"""`make simulate`: many schedules and what they reached, one schedule to read, or the seeded defects."""

import argparse
import json
import os
import sys
from collections import Counter
from time import monotonic

from tests import command_line
from tests.command_line import INTERRUPTED, asked_of, whole
from tests.simulation.protocol import coverage, reachable
from tests.simulation.protocol.campaign import Failure, Tally, campaign
from tests.simulation.protocol.drawing import draw
from tests.simulation.protocol.found import FOUND, stored
from tests.simulation.protocol.outcome import run, traced
from tests.simulation.protocol.schedule import Schedule
from tests.simulation.protocol.shrinking import shrink

AGAIN = "make simulate REPLAY={}"


def main() -> int:
    """Do what was asked for; return 1 where a law is broken, or a defect is not found."""
    parser = asked_of(
        "simulate",
        __doc__,
        "make simulate N=20000             # so many schedules; broken off, the same command goes on",
        "make simulate REPLAY=673 SHRINK=1 # all that happens in one of them, made small if it breaks a law",
    )
    parser.add_argument("--count", type=whole("N", 1), default=2_000, help="how many schedules (N=)")
    parser.add_argument("--seed", type=whole("SEED", 0), default=1, help="the seed of the first one (SEED=)")
    parser.add_argument("--workers", type=whole("WORKERS", 1), default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--replay", help="run one schedule and print all that happens: a seed, or a file (REPLAY=)")
    parser.add_argument("--shrink", action="store_true", help="make the replayed schedule smaller first (SHRINK=1)")
    parser.add_argument(
        "--defects", metavar="NAME", help="find each seeded defect (DEFECTS=1), or the one of this name"
    )
    parser.add_argument("--keep", action="store_true", help="keep what was shrunk or found as files that are tests")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--fresh", action="store_true", help="run anew what was run before by the same code")
    asked = parser.parse_args()
    if asked.shrink and not asked.replay:
        parser.error("SHRINK=1 makes one schedule small: say which, such as REPLAY=673")
    if asked.replay:
        return _replay(asked.replay, smaller=asked.shrink, keep=asked.keep)
    if asked.defects:
        return _find_defects(asked)
    return _run(asked)


def _find_defects(asked: argparse.Namespace) -> int:
    from tests.simulation.protocol.defects.defect import every_defect
    from tests.simulation.protocol.defects.search import search

    names = [each.name for each in every_defect()]
    if asked.defects != "1" and asked.defects not in names:
        print(f"no defect has the name {asked.defects!r}; there are: {', '.join(names)}", file=sys.stderr)
        return 2
    wanted = () if asked.defects == "1" else (asked.defects,)
    return search(workers=asked.workers, as_json=asked.json, keep=asked.keep, names=wanted)


def _run(asked: argparse.Namespace) -> int:
    began = monotonic()
    kept: list[int] = []

    def said(total: Tally) -> None:
        kept.append(total.schedules)
        rate = (total.schedules - kept[0]) / max(monotonic() - began, 0.001)
        left = f"{(asked.count - total.schedules) / rate / 60:,.0f} min left" if rate else "begun"
        told = f"\r{total.schedules:,} of {asked.count:,} schedules, {rate:.1f}/s, {left}, {len(total.failures)} broken"
        print(told, end="", file=sys.stderr, flush=True)

    try:
        total = campaign(asked.seed, asked.count, workers=asked.workers, said=said, fresh=asked.fresh)
    except (KeyboardInterrupt, SystemExit) as ended:
        print("\nbroken off: what has run is kept, and the same command goes on from there", file=sys.stderr)
        return ended.code if isinstance(ended, SystemExit) and isinstance(ended.code, int) else INTERRUPTED
    seconds = monotonic() - began
    print(file=sys.stderr)
    if asked.json:
        missing = reachable.never_reached(total.coverage)
        took = {"kept_from_before": kept[0], "seconds": round(seconds, 1)}
        print(json.dumps({**total.to_json(), **took, "never_reached": missing}, indent=1))
    else:
        _tell(total, kept[0], seconds)
    return 1 if total.failures else 0


def _tell(total: Tally, kept: int, seconds: float) -> None:
    print("\n".join(coverage.table(total.coverage)))
    reached, possible = reachable.filled(total.coverage)
    print("", *reachable.told(reachable.never_reached(total.coverage)), sep="\n")
    each = 1000 * total.cpu_seconds / max(total.schedules, 1)
    print(
        f"\n{total.schedules:,} schedules ({_how_run(total.schedules - kept, kept, seconds)}; "
        f"{each:.0f} ms of a core each): {total.calls:,} port calls, {total.deliveries:,} deliveries"
    )
    print(f"rollouts that ended: {', '.join(f'{count:,} {phase}' for phase, count in sorted(total.ended.items()))}")
    print(f"cells of phase x command x fault reached: {reached:,} of {possible:,} (JSON=1 lists the others)")
    if not total.failures:
        print("every law held in every schedule")
        return
    for law, count in Counter(failure.law for failure in total.failures).most_common():
        print(f"\nBROKEN in {count} schedules: {law}")
        for failure in [each for each in total.failures if each.law == law][:3]:
            _tell_failure(failure)


def _how_run(now: int, kept: int, seconds: float) -> str:
    """Say how fast those were that ran now: what is read from before takes no time, and is no speed."""
    ran = f"{now:,} run now in {seconds:.0f} s, {now / max(seconds, 0.001):.1f}/s" if now else "none run now"
    return f"{kept:,} kept from before, {ran}" if kept else ran


def _tell_failure(failure: Failure) -> None:
    print(f"  seed {failure.seed}: {failure.told[:300]}")
    print(f"    read it, made small: {AGAIN.format(failure.seed)} SHRINK=1")


def _replay(which: str, *, smaller: bool, keep: bool) -> int:
    try:
        schedule = draw(int(which)) if which.isdecimal() else stored(which)
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no schedule stands in it"
        allowed = "allowed is a seed, such as 673, or a file that holds a schedule"
        print(f"REPLAY={which}: {why or error}; {allowed}", file=sys.stderr)
        return 2
    outcome = run(schedule)
    if outcome.law and smaller:
        print(f"{outcome.law}: leaving out what is not needed for it", file=sys.stderr)
        schedule = shrink(schedule, outcome.law)
    print(schedule.to_json())
    outcome, _ = traced(schedule, sys.stdout)
    if keep and outcome.law:
        _keep(schedule, outcome.law)
    print(f"\n{f'BROKEN: {outcome.law}: {outcome.told}' if outcome.law else 'every law held'}")
    return 1 if outcome.law else 0


def _keep(schedule: Schedule, law: str) -> None:
    path = FOUND / f"{law.replace(' ', '-')}-{schedule.seed}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(schedule.to_json())
    print(f"kept as {path}", file=sys.stderr)


if __name__ == "__main__":
    command_line.run(main)
