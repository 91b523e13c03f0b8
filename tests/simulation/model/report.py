"""What a search came to, for people."""

from tests.simulation.model.moves import Faults
from tests.simulation.model.search import Found


def line(name: str, faults: Faults, found: Found) -> str:
    """Return a line of the table: what was searched, how far, and how the rollouts ended."""
    ends = "; ".join(f"{' + '.join(how) or 'waits'} {count}" for how, count in sorted(found.phases.items()))
    size = f"{found.states:,} states, {found.transitions:,} transitions, depth {found.depth}, {found.seconds:.0f} s"
    allowed = f"{faults.crashes} crashes, {faults.locks} locks lost, {faults.stalls} stalls"
    verdict = "BROKEN" if found.broken else "holds" if found.is_whole else "holds so far (not all was searched)"
    return f"{name} ({allowed}): {verdict}: {size}; ends: {ends}"


def trace_of(found: Found) -> str:
    """Return the shortest way to the broken law: when, who, what."""
    lines = [f"  {now:%H:%M:%S}  {step}" for now, step in found.trace]
    return "\n".join([f"  broken: {found.broken}", *lines])
