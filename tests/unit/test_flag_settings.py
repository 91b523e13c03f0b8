"""What the operator says of flags: environments with their approvals, keys for evaluating, maximum age, region."""

import pytest

from shared.application.access import Access
from shared.application.flag_environments import FlagEnvironments
from shared.domain.errors import InvalidError
from shared.domain.names import EnvironmentName
from shared.settings import AppConfigurationStore, LaunchDarklyEnvironment, Settings, SettingsError

KEY = "the-web-evaluation-key-0123456789"


def read(**env: str) -> Settings:
    return Settings.from_env({"SLIPWAY_DATA": "x", **env})


def test_without_settings_there_is_one_environment_without_approvals():
    settings = read()

    assert (dict(settings.flag_environments), dict(settings.flag_keys)) == ({"production": 0}, {})
    assert (settings.flag_max_age, settings.region) == (5.0, "")


def test_environments_come_in_their_order_with_their_approvals():
    settings = read(SLIPWAY_FLAG_ENVIRONMENTS="production=2; test = 0;dev")

    assert list(settings.flag_environments.items()) == [("production", 2), ("test", 0), ("dev", 0)]


@pytest.mark.parametrize("text", ["", ";", "Production", "a=1;a=2", "a=11", "a=-1", "a=x", "a/b", "-a", "a" * 33])
def test_environments_that_make_no_sense_are_refused(text):
    with pytest.raises(SettingsError, match="SLIPWAY_FLAG_ENVIRONMENTS"):
        read(SLIPWAY_FLAG_ENVIRONMENTS=text)


@pytest.mark.parametrize("owner", ["web", "test/web", "production/"])
def test_a_key_is_for_an_environment_that_is_there(owner):
    with pytest.raises(SettingsError, match="SLIPWAY_FLAG_KEYS") as raised:
        read(SLIPWAY_FLAG_KEYS=f"{owner}={KEY}")
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("text", ["-1", "3601", "soon", "nan"])
def test_a_maximum_age_that_makes_no_sense_is_refused(text):
    with pytest.raises(SettingsError, match="SLIPWAY_FLAG_MAX_AGE"):
        read(SLIPWAY_FLAG_MAX_AGE=text)


def test_the_region_is_the_operators_or_that_of_app_service_as_azure_names_it_elsewhere():
    assert read(REGION_NAME="West Europe").region == "westeurope"
    assert read(REGION_NAME="West Europe", SLIPWAY_REGION="eu").region == "eu"
    assert read(SLIPWAY_FLAG_MAX_AGE="0.5").flag_max_age == 0.5


def test_an_evaluation_key_is_good_for_its_environment_and_for_nothing_else():
    access = Access({}, {}, {"production/web": KEY})

    assert access.evaluator({"Authorization": f"Bearer {KEY}"}) == "production"
    assert access.evaluator({"X-API-Key": KEY[:-1]}) is None
    assert access.evaluator({}) is None
    assert access.operator({"X-API-Key": KEY}) is None
    assert access.source("observations", {"X-API-Key": KEY}, KEY) is None


def test_an_environment_that_is_not_named_is_the_first():
    environments = FlagEnvironments({EnvironmentName("live"): 2, EnvironmentName("test"): 0})

    assert environments.named(None) == "live"
    assert environments.approvals_in(environments.named("test")) == 0
    with pytest.raises(InvalidError, match="live, test"):
        environments.named("dev")


APP_CONFIGURATION = '{"kind": "app-configuration", "endpoint": "https://shop.azconfig.io/", "label": "live"}'
LAUNCHDARKLY = '{"kind": "launchdarkly", "project": "shop", "environment": "live", "tokenSetting": "SLIPWAY_SECRET_LD"}'


def test_each_environment_may_distribute_its_flags_to_one_place():
    settings = read(
        SLIPWAY_FLAG_ENVIRONMENTS="production;test",
        SLIPWAY_FLAG_DISTRIBUTION=f'{{"production": {APP_CONFIGURATION}, "test": {LAUNCHDARKLY}}}',
    )

    assert settings.flag_distribution == {
        "production": AppConfigurationStore(endpoint="https://shop.azconfig.io", label="live"),
        "test": LaunchDarklyEnvironment(
            project="shop",
            environment="live",
            token_setting="SLIPWAY_SECRET_LD",
            endpoint="https://app.launchdarkly.com",
        ),
    }
    assert read().flag_distribution == {}


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "[]",
        '{"production": 3}',
        '{"production": {"kind": "flagd"}}',
        '{"production": {"kind": "app-configuration"}}',
        '{"production": {"kind": "app-configuration", "endpoint": "http://shop.azconfig.io"}}',
        '{"production": {"kind": "app-configuration", "endpoint": "https://shop.azconfig.io/kv"}}',
        '{"production": {"kind": "app-configuration", "endpoint": "https://me@shop.azconfig.io"}}',
        '{"production": {"kind": "app-configuration", "endpoint": "https://[", "label": "x"}}',
        '{"production": {"kind": "app-configuration", "endpoint": "https://a", "label": ""}}',
        '{"production": {"kind": "app-configuration", "endpoint": "https://a", "token": "x"}}',
        '{"production": {"kind": "launchdarkly", "project": "shop", "environment": "live"}}',
        '{"production": {"kind": "launchdarkly", "project": "a", "environment": "x", "tokenSetting": "SLIPWAY_KEYS"}}',
        LAUNCHDARKLY.join(('{"production": ', "}")).replace('"shop"', '"a/b"'),
        f'{{"elsewhere": {APP_CONFIGURATION}}}',
    ],
)
def test_a_distribution_that_makes_no_sense_is_refused(text):
    with pytest.raises(SettingsError, match="SLIPWAY_FLAG_DISTRIBUTION"):
        read(SLIPWAY_FLAG_DISTRIBUTION=text)
