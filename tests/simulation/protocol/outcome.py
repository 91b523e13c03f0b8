"""Running one schedule to its outcome: what it needed, what it reached, and which law it broke, if any."""

import logging
import traceback
from dataclasses import dataclass, field
from typing import TextIO

from tests.simulation.protocol.schedule import Schedule
from tests.simulation.protocol.simulation import LawBrokenError, Simulation
from tests.simulation.protocol.trace import Trace


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a schedule. `law` is empty where every law held."""

    law: str
    told: str
    calls: int
    deliveries: int
    ended: tuple[str, ...] = ()
    """The phases in which rollouts ended."""
    coverage: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """How often each fault met each command in each phase; `none` counts decisions."""


def run(schedule: Schedule, trace: Trace | None = None) -> Outcome:
    """Run the schedule. Deterministic: the same one comes to the same outcome, call for call."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    world = Simulation(schedule, trace=trace)
    law = told = ""
    try:
        world.run()
    except LawBrokenError as error:
        law, told = error.law, error.told
    except Exception as error:  # noqa: BLE001 - whatever comes out of the application here is a finding
        law, told = "nothing surprises", "".join(traceback.format_exception(error))[-600:]
    finally:
        logging.disable(before)
    ended = tuple(sorted(world.watch.over.values()))
    return Outcome(law, told, world.calls, world.deliveries, ended, dict(world.watch.coverage))


def traced(schedule: Schedule, out: TextIO | None = None) -> tuple[Outcome, list[str]]:
    """Run the schedule, and return its outcome with every line of what happened."""
    trace = Trace(out)
    return run(schedule, trace), trace.lines
