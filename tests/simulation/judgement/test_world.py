"""The simulated world is what it says, and the loop around it is closed."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from shared.domain.analysis.measurement import Missing, Sample
from tests.simulation.judgement import campaign
from tests.simulation.judgement.campaign import run_cells
from tests.simulation.judgement.cells import Cell
from tests.simulation.judgement.figures import interval
from tests.simulation.judgement.loop import Answer, release
from tests.simulation.judgement.peers import PEERS
from tests.simulation.judgement.ramps import FIVE
from tests.simulation.judgement.scenarios import SCENARIOS
from tests.simulation.judgement.traffic import Traffic


def world(name: str, *, seed: int = 1, rps: float = 50, **changes: object) -> Traffic:
    scenario = replace(SCENARIOS[name], **changes)
    return Traffic(scenario, base=0.01, rps=rps, window_seconds=60, rng=np.random.default_rng(seed))


class Fixed:
    """Holds one weight for ever."""

    def __init__(self, weight: float) -> None:
        self.answer = Answer(weight=weight)

    def begin(self, history):
        return self.answer

    def look(self, minute, windows):
        return self.answer


def test_history_is_an_hour_of_the_stable_version_alone():
    history = world("aa").history()
    assert len(history) == 60
    assert all(isinstance(window.candidate, Missing) for window in history)
    assert sum(window.stable.requests for window in history) == pytest.approx(180_000, rel=0.02)
    assert sum(window.stable.failures for window in history) == pytest.approx(1_800, rel=0.1)


def test_traffic_is_split_by_weight_and_every_request_has_a_response_time():
    windows = world("aa").at_weight(0.25, 0).windows
    candidate, stable = (sum(getattr(w, side).requests for w in windows) for side in ("candidate", "stable"))
    assert candidate / (candidate + stable) == pytest.approx(0.25, rel=0.03)
    assert all(window.candidate.histogram.total == window.candidate.requests for window in windows)


@pytest.mark.parametrize(("name", "harmed"), [("aa", 0), ("total", 0.99 * 18_000), ("p5", 0.05 * 18_000)])
def test_harm_is_what_the_candidate_does_worse_than_stable_until_the_horizon(name, harmed):
    assert release(Fixed(0.1), world(name), lag=1).harmed == pytest.approx(harmed, abs=1)


def test_clusters_keep_the_mean_and_widen_the_spread():
    calm, rough = (
        np.array([w.stable.failures for seed in range(20) for w in world(name, seed=seed, rps=500).history()])
        for name in ("aa", "clusters4")
    )
    assert rough.mean() == pytest.approx(calm.mean(), rel=0.05)
    assert rough.var() / calm.var() == pytest.approx(2 * 4 - 1, rel=0.2)


def test_sticky_clients_follow_the_weight_slowly():
    traffic = world("sticky", rps=5000)
    shares = [_share(window) for window in traffic.at_weight(0.5, 0).windows[:20]]
    assert shares[0] < 0.1
    assert shares[-1] == pytest.approx(0.5, rel=0.02)
    after = [_share(window) for window in traffic.at_weight(0.1, 20).windows]
    assert after[0] > 0.4
    assert after[-1] == pytest.approx(0.1, rel=0.05)


def test_new_instances_are_cold_in_proportion_at_each_increase():
    traffic = world("cold_again", rps=50_000)
    assert _error_rate(traffic.at_weight(0.05, 0).windows[:2]) == pytest.approx(0.04, rel=0.03)
    half_new = traffic.at_weight(0.1, 5).windows
    assert _error_rate(half_new[:2]) == pytest.approx(0.025, rel=0.03)
    assert _error_rate(half_new[2:10]) == pytest.approx(0.01, rel=0.03)


def test_figures_do_not_depend_on_the_number_of_processes():
    cells = [Cell("late", driver="flagger"), Cell("x5", driver="flagger-ramp")]
    one, two = (list(run_cells(cells, seed=3, runs=30, jobs=jobs)) for jobs in (1, 2))
    assert [str(row.figures) for row in one] == [str(row.figures) for row in two]


def test_a_finished_cell_is_not_run_again(tmp_path, monkeypatch):
    monkeypatch.setattr(campaign, "STORE", tmp_path / "cells.jsonl")
    cells = [Cell("aa", 0.001, driver="flagger-ramp"), Cell("x5", driver="flagger-ramp")]
    begun = next(run_cells(cells, seed=3, runs=10, jobs=1, resume=True))
    with campaign.STORE.open("a") as store:
        store.write('\n{"name": "cut sh')
    again = list(run_cells(cells, seed=3, runs=10, jobs=1, resume=True))
    assert again[0].seconds == begun.seconds
    assert [row.cell for row in again] == cells
    assert json.loads(json.dumps(again[0].plain(), allow_nan=False))["figures"]["requests_to_rollback"] is None


@pytest.mark.parametrize(
    ("peer", "requests"),
    [("flagger", 7 * 300), ("flagger-ramp", 7 * 150), ("argo-99", 5 * 150), ("kayenta", 30 * 300), ("alarm-5", 900)],
)
def test_peers_take_back_a_total_failure_when_their_rules_say(peer, requests):
    outcome = release(PEERS[peer](FIVE, timedelta(minutes=1)), world("total"), lag=1)
    assert outcome.requests == pytest.approx(requests)


def test_the_interval_of_a_share_is_exact():
    assert interval(0, 200) == (0.0, pytest.approx(0.018275, abs=1e-5))
    assert interval(200, 200)[0] == pytest.approx(0.981725, abs=1e-5)


def _share(window) -> float:
    return window.candidate.requests / (window.candidate.requests + window.stable.requests)


def _error_rate(windows) -> float:
    samples = [window.candidate for window in windows if isinstance(window.candidate, Sample)]
    return sum(sample.failures for sample in samples) / sum(sample.requests for sample in samples)
