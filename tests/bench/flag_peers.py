"""The same flag in other products, timed by itself: run with the Python of an environment that has their packages.

Prints one JSON object on its last line: the seconds that one evaluation took in each pass, and the share of users who
have the flag. Nothing of the project is imported here, and nothing is sent anywhere.
"""

import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

USERS, PASSES = 10_000, 5
DOMAIN, COUNTRIES, PERCENT = "@example.com", ["DE", "FR", "NL"], 20
Ask = Callable[[str, str, str], bool]
"""Whether the user of this key, e-mail address and country has the flag."""


def users(count: int = USERS) -> Iterator[tuple[str, str, str]]:
    """Return one user in ten with an address of the domain, and one in four in a country of the list."""
    for number in range(count):
        domain = DOMAIN if number % 10 == 0 else "@mail.org"
        yield f"user-{number}", f"user-{number}{domain}", ("DE", "US", "GB", "BR")[number % 4]


def timed_passes(ask: Ask, passes: int = PASSES) -> tuple[list[float], float]:
    """Return the seconds that one evaluation took in each pass over all users, and the share who have the flag."""
    everybody, took, on = list(users()), [], 0
    for _ in range(passes):
        began = time.perf_counter()
        on = sum(ask(key, email, country) for key, email, country in everybody)
        took.append((time.perf_counter() - began) / len(everybody))
    return took, on / len(everybody)


def flagd() -> Ask:
    from openfeature.contrib.tools.flagd.core import FlagdCore
    from openfeature.evaluation_context import EvaluationContext

    ends = {"ends_with": [{"var": "email"}, DOMAIN]}
    listed = {"in": [{"var": "country"}, COUNTRIES]}
    split = {"fractional": [["on", PERCENT], ["off", 100 - PERCENT]]}
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    core = FlagdCore()
    core.set_flags({"flags": {"checkout": flag | {"targeting": {"if": [{"or": [ends, listed]}, "on", split]}}}})

    def ask(key: str, email: str, country: str) -> bool:
        context = EvaluationContext(targeting_key=key, attributes={"email": email, "country": country})
        return core.resolve_boolean_value("checkout", default_value=False, ctx=context).value

    return ask


def microsoft() -> Ask:
    """It has no rules on attributes: they are a filter in code, as its users must write them."""
    from featuremanagement import FeatureFilter, FeatureManager, TargetingContext

    @FeatureFilter.alias("Audience")
    class AudienceFilter(FeatureFilter):
        def evaluate(self, context, **named):
            return named["email"].endswith(DOMAIN) or named["country"] in COUNTRIES

    targeting = {"name": "Microsoft.Targeting", "parameters": {"Audience": {"DefaultRolloutPercentage": PERCENT}}}
    conditions = {"requirement_type": "Any", "client_filters": [{"name": "Audience", "parameters": {}}, targeting]}
    flags = [{"id": "checkout", "enabled": True, "conditions": conditions}]
    manager = FeatureManager({"feature_management": {"feature_flags": flags}}, feature_filters=[AudienceFilter()])

    def ask(key: str, email: str, country: str) -> bool:
        return manager.is_enabled("checkout", TargetingContext(user_id=key), email=email, country=country)

    return ask


def growthbook() -> Ask:
    from growthbook.common_types import EvaluationContext, Feature, GlobalContext, Options, StackContext, UserContext
    from growthbook.core import eval_feature

    condition = {"$or": [{"email": {"$regex": "@example\\.com$"}}, {"country": {"$in": COUNTRIES}}]}
    rules = [
        {"condition": condition, "force": True},
        {"force": True, "coverage": PERCENT / 100, "hashAttribute": "id"},
    ]
    everything = GlobalContext(Options(), {"checkout": Feature(defaultValue=False, rules=rules)})

    def ask(key: str, email: str, country: str) -> bool:
        user = UserContext(attributes={"id": key, "email": email, "country": country})
        return eval_feature("checkout", EvaluationContext(user, everything, StackContext())).on

    return ask


def launchdarkly() -> Ask:
    import ldclient
    from ldclient.integrations import Files

    rules = [
        {"id": "address", "variation": 0, "clauses": [{"attribute": "email", "op": "endsWith", "values": [DOMAIN]}]},
        {"id": "country", "variation": 0, "clauses": [{"attribute": "country", "op": "in", "values": COUNTRIES}]},
    ]
    weights = [{"variation": 0, "weight": PERCENT * 1000}, {"variation": 1, "weight": (100 - PERCENT) * 1000}]
    flag = {"key": "checkout", "version": 1, "on": True, "salt": "salt", "variations": [True, False]}
    flag |= {"offVariation": 1, "fallthrough": {"rollout": {"variations": weights}}, "rules": rules}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flags.json"
        path.write_text(json.dumps({"flags": {"checkout": flag}}))
        source = Files.new_data_source(paths=[str(path)])
        client = ldclient.LDClient(ldclient.Config("none", update_processor_class=source, send_events=False), 5)

    def ask(key: str, email: str, country: str) -> bool:
        context = ldclient.Context.builder(key).set("email", email).set("country", country).build()
        return client.variation_detail("checkout", context, default=False).value

    return ask


def unleash() -> Ask:
    from UnleashClient import UnleashClient
    from UnleashClient.cache import FileCache

    ends = {"contextName": "email", "operator": "STR_ENDS_WITH", "values": [DOMAIN]}
    listed = {"contextName": "country", "operator": "IN", "values": COUNTRIES}
    gradual = {"rollout": str(PERCENT), "stickiness": "userId", "groupId": "checkout"}
    strategies = [
        {"name": "default", "parameters": {}, "constraints": [ends]},
        {"name": "default", "parameters": {}, "constraints": [listed]},
        {"name": "flexibleRollout", "parameters": gradual, "constraints": []},
    ]
    folder = tempfile.TemporaryDirectory(prefix="slipway-bench-")
    cache = FileCache("bench", directory=folder.name)
    cache.bootstrap_from_dict(
        {"version": 2, "features": [{"name": "checkout", "enabled": True, "strategies": strategies}]}
    )
    client = UnleashClient("http://127.0.0.1:9", "bench", cache=cache, disable_metrics=True, disable_registration=True)
    client.initialize_client(fetch_toggles=False)

    def ask(key: str, email: str, country: str, _kept: object = folder) -> bool:
        return client.is_enabled("checkout", {"userId": key, "properties": {"email": email, "country": country}})

    return ask


def flagsmith() -> Ask:
    from flag_engine.engine import get_evaluation_result

    def segment(key: str, condition: dict, priority: int) -> dict:
        override = {"key": "1", "name": "checkout", "enabled": True, "value": None, "priority": priority}
        return {
            "key": key,
            "name": key,
            "rules": [{"type": "ALL", "conditions": [condition]}],
            "overrides": [override],
        }

    segments = {
        "address": segment("address", {"property": "email", "operator": "REGEX", "value": ".*@example\\.com$"}, 1),
        "country": segment("country", {"property": "country", "operator": "IN", "value": COUNTRIES}, 2),
        "split": segment(
            "split", {"property": "$.identity.key", "operator": "PERCENTAGE_SPLIT", "value": str(PERCENT)}, 3
        ),
    }
    features = {"checkout": {"key": "1", "name": "checkout", "enabled": False, "value": None}}
    environment = {"key": "bench", "name": "bench"}

    def ask(key: str, email: str, country: str) -> bool:
        identity = {"identifier": key, "key": key, "traits": {"email": email, "country": country}}
        context = {"environment": environment, "identity": identity, "segments": segments, "features": features}
        return get_evaluation_result(context)["flags"]["checkout"]["enabled"]

    return ask


def statsig() -> Ask:
    from statsig_python_core import DataStore, DataStoreResponse, Statsig, StatsigOptions, StatsigUser

    def condition(kind: str, operator: str | None, target: object, field: str | None) -> dict:
        return {
            "type": kind,
            "targetValue": target,
            "operator": operator,
            "field": field,
            "additionalValues": {},
            "isDeviceBased": False,
            "idType": "userID",
        }

    conditions = {
        "address": condition("user_field", "str_ends_with_any", [DOMAIN], "email"),
        "country": condition("user_field", "any", COUNTRIES, "country"),
        "all": condition("public", None, None, None),
    }

    def rule(name: str, percent: int) -> dict:
        return {
            "name": name,
            "id": name,
            "salt": name,
            "passPercentage": percent,
            "conditions": [name],
            "returnValue": True,
            "idType": "userID",
        }

    gate = {
        "name": "checkout",
        "type": "feature_gate",
        "salt": "salt",
        "enabled": True,
        "defaultValue": False,
        "rules": [rule("address", 100), rule("country", 100), rule("all", PERCENT)],
        "idType": "userID",
        "entity": "feature_gate",
        "version": 1,
    }
    specs = {
        "has_updates": True,
        "time": 1,
        "feature_gates": {"checkout": gate},
        "dynamic_configs": {},
        "layer_configs": {},
        "condition_map": conditions,
        "layers": {},
        "experiment_to_layer": {},
        "company_id": "bench",
        "checksum": "1",
    }

    class Stored(DataStore):
        def get(self, key):
            return DataStoreResponse(result=json.dumps(specs), time=1)

    options = StatsigOptions(disable_network=True, disable_all_logging=True, data_store=Stored())
    client = Statsig("secret-bench", options)
    client.initialize().wait()

    def ask(key: str, email: str, country: str) -> bool:
        return client.get_feature_gate(StatsigUser(key, email=email, country=country), "checkout").value

    return ask


PEERS: dict[str, Callable[[], Ask]] = {
    "openfeature-flagd-core": flagd,
    "featuremanagement": microsoft,
    "growthbook": growthbook,
    "launchdarkly-server-sdk": launchdarkly,
    "UnleashClient": unleash,
    "flagsmith-flag-engine": flagsmith,
    "statsig-python-core": statsig,
}
"""By the name of the package."""


def main(name: str) -> None:
    """Time one product, in a process of its own, and print what was found."""
    logging.disable(logging.CRITICAL)
    took, share = timed_passes(PEERS[name]())
    print(json.dumps({"seconds": took, "share": share, "version": version(name)}))


if __name__ == "__main__":
    main(sys.argv[1])
