"""What routers make of a share: the nearest that they can say, and never nothing or everyone of some."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.rollout.rounding import expressible, nearest
from shared.domain.rollout.spec import TargetKind
from shared.domain.rollout.weight import ALL, NONE, Weight

EXACT = (TargetKind.APP_SERVICE_SLOT, TargetKind.HTTP_ROUTE)
some = st.integers(NONE + 1, ALL - 1).map(Weight)


@pytest.mark.parametrize("kind", TargetKind)
@pytest.mark.parametrize("share", [NONE, ALL])
def test_nobody_and_everyone_can_be_said_everywhere(kind, share):
    assert expressible(kind, share) == share


@given(st.sampled_from(TargetKind), some)
def test_some_never_become_nobody_or_everyone_and_move_by_less_than_a_percent(kind, share):
    given_ = expressible(kind, share)

    assert NONE < given_ < ALL
    assert abs(given_ - share) < 1_000


@given(st.sampled_from(EXACT), some)
def test_a_slot_and_a_route_take_a_weight_as_it_is(kind, share):
    assert expressible(kind, share) == share


@given(st.sampled_from(TargetKind), some)
def test_what_was_rounded_is_not_rounded_again(kind, share):
    assert expressible(kind, expressible(kind, share)) == expressible(kind, share)


@given(st.sampled_from(TargetKind), some, some)
def test_a_greater_share_never_becomes_the_smaller_one(kind, one, other):
    low, high = sorted((one, other))

    assert expressible(kind, low) <= expressible(kind, high)


@pytest.mark.parametrize(("share", "percent"), [(1, 1), (12_499, 12), (12_500, 13), (99_900, 99)])
def test_a_container_app_takes_whole_percents(share, percent):
    assert expressible(TargetKind.CONTAINER_APP, Weight(share)) == percent * 1000


@pytest.mark.parametrize(("share", "becomes"), [(5_000, 5_000), (12_500, 12_500), (1, 100), (99_999, 99_900)])
def test_two_endpoints_say_a_share_by_their_weights(share, becomes):
    assert expressible(TargetKind.TRAFFIC_MANAGER, Weight(share)) == becomes


def test_the_weights_of_two_endpoints_are_read_as_tenths_of_a_percent():
    assert nearest(Weight(12_500)) == (125, 875)
