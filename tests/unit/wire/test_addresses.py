"""Names in addresses."""

import pytest

from shared.wire.addresses import application_in, rollout_in


@pytest.mark.parametrize("name", ["shop", "a", "0", "shop-2", "x" * 63])
def test_what_can_be_an_applications_name_is_one(name):
    assert application_in(name) == name
    assert rollout_in(f"{name}-0123456789ab") == f"{name}-0123456789ab"


@pytest.mark.parametrize(
    "text", ["", "Shop", "shop ", "shop\n", "-a", "a-", "x" * 64, "a/b", "a%2Fb", "..", "größe", "a\tb", "x" * 100_000]
)
def test_what_can_be_no_name_names_nobody(text):
    assert application_in(text) is None
    assert rollout_in(f"{text}-0123456789ab") is None


@pytest.mark.parametrize(
    "text", ["shop", "shop-", "shop-0123456789a", "shop-0123456789abc", "shop-0123456789AB", "-0123456789ab"]
)
def test_what_is_no_rollouts_id_names_no_rollout(text):
    assert rollout_in(text) is None
