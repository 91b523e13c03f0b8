"""The pure core: every decision of a whole release, taken again and again, and one judgement of six kinds of guards."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from shared.application import drive
from shared.domain.analysis.sequence import AnalysisState, step
from shared.wire.documents import _converter
from tests.bench.measurement import Measurement, summarize, timed
from tests.scenario.world import World
from tests.unit.domain.analysis.worlds import (
    BOTH,
    DECLINED,
    ERRORS,
    MEMORY,
    ORDERS,
    TAILS,
    USUAL_TIMES,
    before,
    begun,
    judging,
    lasting,
    served,
)

ROUNDS = 100
GUARDS = (ERRORS, TAILS, DECLINED, ORDERS, MEMORY, BOTH)
WINDOWS = 300


def measure(folder: Path) -> Iterator[Measurement]:
    """Record what a promotion of three steps asks of the core, then ask it `ROUNDS` times."""
    folder.mkdir()
    with recorded_decisions() as decisions:
        world = World(folder)
        ended = world.run_to_end(world.deploy("2"))
        assert ended == "succeeded", ended
    note = f"the {len(decisions)} decisions of a promotion in three steps, {ROUNDS} times"
    yield summarize("decide, evolve and react in the pure core", timed(decisions * ROUNDS), note=note)
    yield from _judgement()


def _judgement() -> Iterator[Measurement]:
    """Judge windows by guards of six kinds, then write and read what is remembered of them."""
    config = judging(*GUARDS)
    state = begun(config, before(_met(3_000)))
    calls: list[Callable[[], object]] = []
    for window in lasting(range(WINDOWS), _met(300), _met(2_700)):
        calls.append(partial(step, state, window, config))
        state, _, _ = step(state, window, config)
    yield summarize("judge a window by guards of six kinds", timed(calls), note=f"{WINDOWS} windows of one rollout")
    document = _written(state)
    note = f"{len(document) / 1000:.1f} KB of JSON after {WINDOWS} windows"
    yield summarize("write and read what they remember", timed([partial(_again, document)] * WINDOWS), note=note)


def _met(requests: float):
    figures = {"declined": 0.02 * requests, "orders": 0.05 * requests, "memory": 70.0}
    return served(requests, 0.01 * requests, times=USUAL_TIMES, latency_ms=80.0, **figures)


def _written(state: AnalysisState) -> str:
    return json.dumps(_converter().unstructure(state, unstructure_as=AnalysisState), separators=(",", ":"))


def _again(document: str) -> str:
    return _written(_converter().structure(json.loads(document), AnalysisState))


@contextmanager
def recorded_decisions() -> Iterator[list[Callable[[], object]]]:
    """Collect each decision that is taken inside, so that it can be taken again with the same arguments."""
    original, found = drive.decide, []

    def recording(*arguments: object, **named: object) -> object:
        found.append(partial(original, *arguments, **named))
        return original(*arguments, **named)

    drive.decide = recording
    try:
        yield found
    finally:
        drive.decide = original
