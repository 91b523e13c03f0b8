"""What a search came to, for people."""

from typing import Any

from tests.simulation.model.moves import Faults
from tests.simulation.model.search import Found


def line(name: str, faults: Faults, found: Found) -> str:
    """Return a line of the table: what was searched, how far, and how the rollouts ended."""
    ends = "; ".join(f"{' + '.join(how) or 'waits'} {count}" for how, count in sorted(found.phases.items()))
    size = f"{found.states:,} states, {found.transitions:,} transitions, depth {found.depth}, {found.seconds:.0f} s"
    allowed = f"{faults.crashes} crashes, {faults.locks} locks lost, {faults.stalls} stalls"
    return f"{name} ({allowed}): {_verdict(found)}: {size}; ends: {ends}"


def document(name: str, faults: Faults, found: Found) -> dict[str, Any]:
    """Return the same for machines, with the way to a broken law."""
    return {
        "scenario": name,
        "crashes": faults.crashes,
        "locks": faults.locks,
        "stalls": faults.stalls,
        "verdict": _verdict(found),
        "is_whole": found.is_whole,
        "states": found.states,
        "transitions": found.transitions,
        "depth": found.depth,
        "seconds": round(found.seconds, 1),
        "ends": [{"rollouts": list(how), "states": count} for how, count in sorted(found.phases.items())],
        "broken": found.broken,
        "trace": [{"at": now.isoformat(), "step": str(step)} for now, step in found.trace],
    }


def _verdict(found: Found) -> str:
    return "BROKEN" if found.broken else "holds" if found.is_whole else "holds so far (not all was searched)"


def trace_of(found: Found) -> str:
    """Return the shortest way to the broken law: when, who, what."""
    lines = [f"  {now:%H:%M:%S}  {step}" for now, step in found.trace]
    return "\n".join([f"  broken: {found.broken}", *lines])
