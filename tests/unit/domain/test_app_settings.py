"""Which app settings a spec may name: its team's own, and none of the app's."""

import pytest

from shared.domain.rollout.app_settings import may_be_sent, may_sign


@pytest.mark.parametrize("prefix", ["APPSETTING_", "appsetting_", "AppSetting_"])
def test_a_setting_of_the_app_is_its_own_under_the_name_that_app_service_mirrors_it_by_too(prefix):
    assert not may_sign(f"{prefix}SLIPWAY_KEYS")
    assert not may_sign(f"{prefix}ServiceBus")
    assert not may_be_sent(f"{prefix}SLIPWAY_SECRET_PROMETHEUS")
    assert may_sign(f"{prefix}HOOK_SECRET")
