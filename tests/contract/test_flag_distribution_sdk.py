"""What is written to App Configuration, read by Microsoft's own libraries: they serve everybody as we do."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from azure.appconfiguration import AzureAppConfigurationClient
from featuremanagement import FeatureManager, TargetingContext

from local.cloud.flag_stores.app_configuration import AppConfigurationStandIn
from local.cloud.flag_stores.serving import served
from shared.adapters.app_configuration.flag_distribution import AppConfigurationFlags
from shared.adapters.re2.regexes import Re2Regexes
from shared.domain.flags.compile import compile_flags
from shared.domain.flags.model import (
    Attribute,
    Clause,
    During,
    Flag,
    FlagType,
    Hashing,
    Operator,
    Rule,
    Share,
    Split,
    Target,
    Variant,
)
from shared.domain.names import FlagKey, VariantName
from shared.wire.flags.microsoft import import_microsoft
from tests.sandbox_sdk import AnyToken
from tests.unit.domain.flags.managing.tale import NOON, OFF, ON, flag

USERS = [f"user-{number}" for number in range(400)] + ["ann", "bob"]
GROUPS = [(), ("staff",), ("staff", "beta"), ("else",)]
PLAIN = flag(rules=(), default=ON)
RED, BLUE, GREEN = VariantName("red"), VariantName("blue"), VariantName("green")
COLOUR = Flag(
    key=FlagKey("colour"),
    type=FlagType.STRING,
    variants=(Variant(RED, "#f00"), Variant(BLUE, "#00f"), Variant(GREEN, "#0f0")),
    default=RED,
    off=GREEN,
)


def divided(key: str, *shares: tuple[VariantName, int]) -> Split:
    parts = tuple(Share(*share) for share in shares)
    return Split(shares=parts, seed=f"allocation\n{key}", hashing=Hashing.MICROSOFT)


def members(path: str, *values: str) -> Clause:
    return Clause(attribute=Attribute((path,)), operator=Operator.IN, values=values)


AUDIENCE: dict[str, Any] = {
    "id": "audience",
    "enabled": True,
    "conditions": {
        "client_filters": [
            {
                "name": "Microsoft.Targeting",
                "parameters": {
                    "Audience": {
                        "Users": ["ann"],
                        "Groups": [{"Name": "staff", "RolloutPercentage": 40}],
                        "DefaultRolloutPercentage": 15,
                        "Exclusion": {"Users": ["bob"], "Groups": ["else"]},
                    }
                },
            }
        ]
    },
}
FLAGS: dict[str, tuple[Flag, tuple[Any, ...]]] = {
    "on": (PLAIN, ()),
    "off": (replace(PLAIN, default=OFF), ()),
    "disabled": (replace(PLAIN, enabled=False), ()),
    "killed": (replace(PLAIN, killed=True), ()),
    "killed-text": (replace(COLOUR, killed=True), ()),
    "text": (COLOUR, ()),
    "users": (replace(COLOUR, targets=(Target(variant=BLUE, values=("ann", "bob")),)), ()),
    "groups": (
        replace(COLOUR, rules=(Rule(id="staff", condition=members("groups", "staff"), serve=BLUE),)),
        (),
    ),
    "percentile": (replace(COLOUR, default=divided("colour", (BLUE, 10_000), (GREEN, 30_000), (RED, 60_000))), ()),
    "boolean-percentile": (replace(PLAIN, default=divided(PLAIN.key, (ON, 5_000), (OFF, 95_000))), ()),
    "all-of-it": (
        replace(
            COLOUR,
            targets=(Target(variant=BLUE, values=("ann",)),),
            rules=(Rule(id="staff", condition=members("groups", "staff"), serve=GREEN),),
            default=divided("colour", (BLUE, 25_000), (RED, 75_000)),
        ),
        (),
    ),
    "window": (
        replace(
            PLAIN, default=OFF, rules=(Rule(id="now", condition=During(since=NOON - timedelta(days=900)), serve=ON),)
        ),
        (),
    ),
}
IMPORTED = import_microsoft({"feature_management": {"feature_flags": [AUDIENCE]}})
FLAGS["audience"] = (IMPORTED.flags[0], IMPORTED.segments)


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[AppConfigurationFlags, str]]:
    with served(AppConfigurationStandIn()) as http:
        yield AppConfigurationFlags(http.url, "live", AnyToken(), allow_http=True), http.url


def read_back(url: str) -> list[dict[str, Any]]:
    """The flags as an application reads them that uses Microsoft's SDK."""
    client = AzureAppConfigurationClient(url, AnyToken(), retry_total=0)
    found = client.list_configuration_settings(
        key_filter=".appconfig.featureflag/*", label_filter="live", enforce_https=False
    )
    return [json.loads(setting.value) for setting in found]


def theirs(manager: FeatureManager, key: str, user: str, groups: tuple[str, ...], *, is_boolean: bool) -> Any:
    context = TargetingContext(user_id=user, groups=list(groups))
    if is_boolean:
        return manager.is_enabled(key, context)
    variant = manager.get_variant(key, context)
    return variant.configuration if variant is not None else None


@pytest.mark.parametrize("name", FLAGS)
def test_microsofts_library_serves_everybody_as_we_do_where_nothing_is_noted_as_lost(store, name):
    adapter, url = store
    wanted, segments = FLAGS[name]
    notes = adapter.bring_up(wanted.key, wanted, segments)
    assert [note for note in notes if not note.startswith("said otherwise")] == []

    manager = FeatureManager({"feature_management": {"feature_flags": read_back(url)}})
    ours = compile_flags([wanted], segments, regexes=Re2Regexes())
    is_boolean = wanted.type is FlagType.BOOLEAN
    differ = [
        (user, groups)
        for user in USERS
        for groups in GROUPS
        if theirs(manager, wanted.key, user, groups, is_boolean=is_boolean)
        != ours.evaluate(
            wanted.key, {"targetingKey": user, "groups": list(groups)}, now=NOON.timestamp(), region=""
        ).value
    ]

    assert differ == []
