"""The judgement: what one costs, and a few rows of what it does (`JUDGEMENT=full` prints them all)."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import numpy as np
from rich.table import Table

from shared.domain.analysis.defaults import default_guards
from shared.domain.analysis.guards import GuardConfig
from shared.domain.analysis.history import learn
from shared.domain.analysis.sequence import AnalysisState, begin_step, step
from shared.domain.rollout.weight import from_percent
from tests.bench.measurement import Measurement, summarize, timed
from tests.simulation.judgement.campaign import Row, run_cells
from tests.simulation.judgement.cells import short
from tests.simulation.judgement.scenarios import SCENARIOS
from tests.simulation.judgement.table import terminal
from tests.simulation.judgement.traffic import EPOCH, Traffic

RUNS = 60
SEED = 1
GUARDS = 6


def measure() -> Iterator[Measurement]:
    """Judge the windows of an hour, with as many guards as a careful spec has."""
    length = timedelta(minutes=1)
    named = default_guards(length)
    guards = tuple(replace(guard, name=f"{guard.name} {n}") for n in range(-(-GUARDS // len(named))) for guard in named)
    config = GuardConfig(window=length, guards=guards[:GUARDS])
    traffic = Traffic(SCENARIOS["aa"], base=0.01, rps=50, window_seconds=60, rng=np.random.default_rng(SEED))
    history = traffic.history()
    learnt = AnalysisState(baseline=learn(history, config))
    state = begin_step(learnt, EPOCH, weight=from_percent(10), next_weight=from_percent(25))
    calls = []
    for window in traffic.at_weight(0.1, 0).windows:
        calls.append(partial(step, state, window, config))
        state, _, _ = step(state, window, config)
    yield summarize(f"judge a window by {GUARDS} guards", timed(calls * 5), note="an hour of windows, 5 times")
    note = "60 windows of one minute, once a rollout"
    yield summarize("learn from an hour of stable", timed([partial(learn, history, config)] * 20), note=note)


def rows() -> Sequence[Row]:
    """Simulate the short form of the table."""
    return tuple(run_cells(short(), seed=SEED, runs=RUNS, jobs=os.cpu_count() or 1))


def table(found: Sequence[Row]) -> Table:
    """Return it for people."""
    return terminal(found, f"the judgement in simulated releases, {RUNS} runs a cell, seed {SEED}")
