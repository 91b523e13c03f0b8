"""Weights say a share as nearly as whole numbers can, and no step on the way sends users where they should not be."""

from itertools import product

import pytest

from shared.adapters.traffic_manager.profile import Endpoint, Pair
from shared.adapters.traffic_manager.weighted import LEAST_TOTAL, Setting, changes, read_share, total_of
from shared.adapters.traffic_manager.weights import within
from shared.domain.errors import RejectedError
from shared.domain.rollout.rounding import nearest, share_of
from shared.domain.rollout.weight import ALL, NONE, Weight


def an_endpoint(name, weight, enabled=True, **fields):
    stated = {"kind": "azureEndpoints", "priority": 1, "health": "Online", "host": "", **fields}
    return Endpoint(name=name, weight=weight, enabled=enabled, resource="", **stated)


def a_pair(stable, candidate, *others):
    return Pair(an_endpoint("blue", *stable), an_endpoint("green", *candidate), tuple(others))


def after(pair, written):
    """The pair once these changes are made."""
    for endpoint, setting in written:
        changed = an_endpoint(endpoint.name, setting.weight, setting.enabled)
        pair = Pair(
            changed if endpoint.name == "blue" else pair.stable,
            changed if endpoint.name == "green" else pair.candidate,
            pair.others,
        )
    return pair


@pytest.mark.parametrize(
    ("share", "weights", "rounded"),
    [
        (1, (1, 1000), 100),
        (100, (1, 999), 100),
        (1_000, (10, 990), 1_000),
        (5_000, (50, 950), 5_000),
        (12_500, (125, 875), 12_500),
        (33_333, (333, 666), 33_333),
        (50_000, (500, 500), 50_000),
        (66_667, (666, 333), 66_667),
        (99_999, (1000, 1), 99_900),
    ],
)
def test_a_share_becomes_the_nearest_pair_of_weights_that_people_can_read(share, weights, rounded):
    assert nearest(Weight(share)) == weights
    assert share_of(*weights) == rounded


@pytest.mark.parametrize("share", [*range(100, 99_901, 997), 10, 49_990, 50_010, 99_950])
def test_a_share_is_rounded_by_at_most_a_thousandth_of_a_step_of_one_in_eight(share):
    """0.013 percentage points between 0.1 % and 99.9 %, and to the ends of that range outside it."""
    kept = min(max(share, 100), 99_900)

    candidate, stable = nearest(Weight(share))

    assert 1 <= candidate <= 1000
    assert 1 <= stable <= 1000
    assert abs(share_of(candidate, stable) - kept) <= 13


@pytest.mark.parametrize("tenth", range(1, 1000, 37))
def test_each_tenth_of_a_percent_is_exact(tenth):
    assert share_of(*nearest(Weight(tenth * 100))) == tenth * 100


@pytest.mark.parametrize(("total", "share"), [(100, 1), (100, 33_333), (1000, 5_000), (2, 50_000), (150, 99_999)])
def test_within_a_total_both_have_a_part_and_together_the_total(total, share):
    candidate, stable = within(total, Weight(share))

    assert candidate + stable == total
    assert candidate >= 1
    assert stable >= 1
    assert abs(share_of(candidate, stable) - share) <= ALL / total


STATES = [(1, True), (1, False), (19, True), (500, True), (950, True), (1000, True), (1000, False)]
SHARES = [NONE, Weight(1), Weight(5_000), Weight(50_000), Weight(95_000), ALL]


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("others", [(), (an_endpoint("far", 700),)], ids=["alone", "beside another"])
def test_no_call_on_the_way_disables_both_or_gives_the_candidate_more_than_before_and_after(others, share):
    for stable, candidate in product(STATES, STATES):
        before = a_pair(stable, candidate, *others)
        if others and NONE < share < ALL and total_of(before) < LEAST_TOTAL:
            continue  # refused, which another test shows

        written = changes(before, share)

        end = after(before, written)
        most = max(read_share(before), read_share(end))
        assert abs(read_share(end) - share) <= 1_000
        assert (read_share(end) == NONE, read_share(end) == ALL) == (share == NONE, share == ALL)
        for done in range(1, len(written)):
            halfway = after(before, written[:done])
            assert halfway.stable.enabled or halfway.candidate.enabled
            assert read_share(halfway) <= most
        assert changes(end, share) == ()


@pytest.mark.parametrize("share", SHARES)
def test_beside_others_the_two_keep_the_weight_that_they_have_together(share):
    before = a_pair((400, True), (1, False), an_endpoint("far", 700))

    end = after(before, changes(before, share))

    assert end.stable.pull + end.candidate.pull == 400


def test_an_other_endpoint_that_is_disabled_leaves_the_weights_free():
    before = a_pair((4, True), (1, False), an_endpoint("far", 700, enabled=False))

    assert changes(before, Weight(5_000))[-1] == (before.candidate, Setting(enabled=True, weight=50))


@pytest.mark.parametrize("weight", [1, 4, LEAST_TOTAL - 1])
def test_too_little_weight_beside_others_is_refused_with_the_fix(weight):
    before = a_pair((weight, True), (1, False), an_endpoint("far", 1))

    with pytest.raises(RejectedError, match=r"0.001 % cannot be set: blue and green have a weight of \d+ together"):
        changes(before, Weight(1))


def test_too_little_weight_is_no_reason_to_refuse_a_way_back():
    before = a_pair((1, True), (1, True), an_endpoint("far", 1))

    assert [endpoint.name for endpoint, _ in changes(before, NONE)] == ["green", "blue"]


def test_a_rollback_takes_the_candidate_out_first():
    before = a_pair((500, True), (500, True), an_endpoint("far", 700))

    assert changes(before, NONE) == (
        (before.candidate, Setting(enabled=False, weight=500)),
        (before.stable, Setting(enabled=True, weight=1000)),
    )


def test_a_rollback_of_everyone_lets_the_stable_endpoint_in_first():
    before = a_pair((1, False), (1000, True))

    assert [(endpoint.name, setting.enabled) for endpoint, setting in changes(before, NONE)] == [
        ("blue", True),
        ("green", False),
    ]


def test_a_first_step_makes_the_stable_endpoint_heavy_before_the_candidate_comes_in():
    before = a_pair((1, True), (1, False))

    assert changes(before, Weight(5_000)) == (
        (before.stable, Setting(enabled=True, weight=950)),
        (before.candidate, Setting(enabled=True, weight=50)),
    )


def test_other_weights_with_the_same_share_are_left_as_they_are():
    assert changes(a_pair((19, True), (1, True)), Weight(5_000)) == ()
