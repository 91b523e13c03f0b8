"""How much rougher than chance a history is, and what is learnt of it."""

import numpy as np
import pytest

from shared.domain.analysis.dispersion import disperse

MINUTES = 60
SEEDS = range(8)


def clusters(mean, *, rate, requests, rng):
    """Failures by minute that come in groups of geometric size."""
    groups = rng.poisson(rate * requests / mean, MINUTES)
    return [(float(rng.geometric(1 / mean, size).sum()), float(requests)) for size in groups]


def independent(rate, requests, rng, minutes=MINUTES):
    return [(float(each), float(requests)) for each in rng.binomial(requests, rate, minutes)]


def typical(history_of):
    return float(np.median([disperse(history_of(np.random.default_rng(seed))).phi for seed in SEEDS]))


@pytest.mark.parametrize(("rate", "requests"), [(0.01, 3_000), (0.2, 3_000), (0.01, 100_000)])
def test_independent_failures_are_hardly_rougher_than_chance(rate, requests):
    assert 1.0 <= typical(lambda rng: independent(rate, requests, rng)) < 1.6


@pytest.mark.parametrize("mean", [4, 8, 15])
def test_clusters_are_as_rough_as_the_variance_of_their_sums_says(mean):
    truth = 2 * mean - 1
    found = typical(lambda rng: clusters(mean, rate=0.02, requests=20_000, rng=rng))
    assert 0.8 * truth < found < 1.7 * truth


def test_moods_that_last_are_rough_though_successive_minutes_are_alike():
    def moods(rng):
        rates = 0.01 * (1 + 0.5 * np.sin(2 * np.pi * (np.arange(MINUTES) / 30 + rng.random())))
        return [(float(each), 3_000.0) for each in rng.poisson(3_000 * rates)]

    assert typical(moods) > 2 * typical(lambda rng: independent(0.01, 3_000, rng))


def test_less_history_and_fewer_failures_are_taken_to_be_rougher():
    rng = np.random.default_rng(1)
    hour = independent(0.01, 3_000, rng)
    assert disperse(hour[:10]).phi > disperse(hour[:30]).phi > disperse(hour).phi
    assert disperse([(0.0, 3_000.0)] * MINUTES).phi > disperse(hour).phi


@pytest.mark.parametrize("history", [[], [(0.0, 100.0)], [(0.0, 0.0)] * 60, [(3.0, 100.0)] * 2])
def test_without_a_history_failures_are_taken_to_be_rough(history):
    assert disperse(history).phi >= 4.0


def test_the_usual_rate_is_what_failed_of_all_there_was():
    assert disperse([(1.0, 100.0), (0.0, 300.0)] * 30).usual == pytest.approx(0.0025)


@pytest.mark.parametrize("minutes", [1, 3, 6])
def test_an_outage_in_the_history_is_set_aside(minutes):
    calm = independent(0.01, 3_000, np.random.default_rng(2))
    outage = [*calm[:20], *[(900.0, 3_000.0)] * minutes, *calm[20 + minutes :]]
    found = disperse(outage)
    assert found.usual == pytest.approx(disperse(calm).usual, rel=0.1)
    assert found.phi < 1.5 * disperse(calm).phi
    assert found.burst > 0
    assert found.burst_minutes == minutes


def test_a_history_that_is_bad_for_half_of_the_time_is_taken_as_it_is():
    calm = independent(0.01, 3_000, np.random.default_rng(3))
    half = [minute if number % 20 < 10 else (900.0, 3_000.0) for number, minute in enumerate(calm)]
    assert disperse(half).usual > 0.1
    assert disperse(half).phi > 10


def test_a_history_without_any_outage_knows_of_none():
    calm = disperse(independent(0.01, 3_000, np.random.default_rng(4)))
    assert (calm.burst, calm.burst_minutes) == (0.0, 0.0)


@pytest.mark.parametrize("rate", [0.0, 1e-9, 1.0])
@pytest.mark.parametrize("requests", [1.0, 1e9, 1e12])
def test_no_rate_and_no_number_of_requests_makes_it_anything_but_a_number(rate, requests):
    found = disperse([(rate * requests, requests)] * MINUTES)
    assert found.usual == pytest.approx(rate)
    assert 1.0 <= found.phi < 10
