"""Parts of one layer never meet in one user."""

import pytest

from shared.domain.flags.layers import layer_place
from shared.domain.flags.model import WHOLE, Attribute, InLayer
from tests.unit.domain.flags.flags import is_on

USERS = [f"user-{number}" for number in range(3000)]


def inside(since, until, layer="checkout", **fields):
    condition = InLayer(layer=layer, since=since, until=until, **fields)
    return {user for user in USERS if is_on(condition, {"targetingKey": user})}


def test_parts_that_touch_share_nobody_and_leave_nobody_out():
    first, second, third = inside(0, 20_000), inside(20_000, 70_000), inside(70_000, WHOLE)
    assert not first & second
    assert not second & third
    assert first | second | third == set(USERS)
    assert len(first) == pytest.approx(600, abs=100)


def test_two_layers_divide_users_independently():
    both = inside(0, 50_000) & inside(0, 50_000, layer="search")
    assert len(both) == pytest.approx(750, abs=110)


@pytest.mark.parametrize("user", USERS[:50])
def test_a_place_is_one_of_a_hundred_thousand(user):
    assert 0 <= layer_place("checkout")(user) < WHOLE


def test_a_part_has_its_first_place_and_not_its_end():
    place = layer_place("checkout")("ann")
    assert is_on(InLayer(layer="checkout", since=place, until=place + 1), {"targetingKey": "ann"})
    assert not is_on(InLayer(layer="checkout", since=0, until=place), {"targetingKey": "ann"})
    assert not is_on(InLayer(layer="checkout", since=place + 1, until=WHOLE), {"targetingKey": "ann"})


def test_who_has_no_key_is_in_no_part():
    condition = InLayer(layer="checkout", since=0, until=WHOLE)
    assert not is_on(condition, {})
    assert is_on(InLayer(layer="checkout", since=0, until=WHOLE, by=Attribute(("tenant",))), {"tenant": 7})
