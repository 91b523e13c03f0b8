"""OpenFeature's evaluation suite, and flagd's over what was imported, asked by OpenFeature's own client for Python.

Both are public; where they are not beside the repository, or where `SLIPWAY_FLAG_SUITES` says, the tests are skipped.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from openfeature.api import get_client, set_provider_and_wait
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider

from tests.functions.api_client import Api, running_api
from tests.functions.openfeature_steps import Told
from tests.gherkin import Scenario, scenarios_of
from tests.unit.wire.flags.suites import FOLDER

OPENFEATURE = FOLDER / "openfeature-spec"
TESTBED = FOLDER / "flagd-testbed"
EVALUATOR = TESTBED / "evaluator" / "flags" / "testkit-flags.json"
FILES = (
    "testing-flags",
    "disabled-flags",
    "custom-ops",
    "edge-case-flags",
    "zero-flags",
    "metadata-flags",
    "changing-flag",
)
"""Of the flags that flagd's older suite asks for."""
WAYS = ("1", "2", "3")
REFUSED = {
    "error-targeting-flag",
    "missing-variant-targeting-flag",
    "ref-to-nonexistent-evaluator-flag",
    "timestamp-flag",
}
"""What cannot be said here: two attributes that are compared, and what is broken there too."""
BEYOND = {
    "Type mismatch error [Number evaluations 1]": "Python's client takes true for a whole number",
    "Fractional operator invalid implicit inputs": "over OFREP a targeting key that is no text is a wrong request",
    "Resolves flag with no defaultValue correctly": "deprecated there: it was an error and is none any more",
}
_CLAUSES = (
    (re.compile(r"!(\w+)"), lambda name: {"not": {"attribute": name, "op": "in", "values": [True]}}),
    (re.compile(r"(\w+) == '([^']*)'"), lambda name, text: {"attribute": name, "op": "in", "values": [text]}),
    (re.compile(r"(\w+) > (\d+)"), lambda name, number: {"attribute": name, "op": ">", "values": [int(number)]}),
)


@contextmanager
def environments(folder: Path, *names: str) -> Iterator[tuple[Api, dict[str, OpenFeatureClient]]]:
    """Serve the app with these environments, and yield a client of OpenFeature's for each."""
    keys = {name: f"a-key-for-evaluating-{name}-0123456789" for name in names}
    settings = {
        "SLIPWAY_FLAG_ENVIRONMENTS": ";".join(names),
        "SLIPWAY_FLAG_KEYS": ";".join(f"{name}/suite={key}" for name, key in keys.items()),
        "SLIPWAY_FLAG_MAX_AGE": "0",
    }
    with patch.dict("os.environ", settings), running_api(folder) as api:
        clients = {}
        for name, key in keys.items():
            provider = OFREPProvider(api.url, headers_factory=lambda key=key: {"Authorization": f"Bearer {key}"})
            set_provider_and_wait(provider, domain=f"suite-{name}")
            clients[name] = get_client(domain=f"suite-{name}")
        yield api, clients


def ours(key: str, flag: dict[str, Any]) -> dict[str, Any]:
    """Return a flag of OpenFeature's test data as a document of ours."""
    variants, default = {**flag["variants"], "code": None}, flag.get("defaultVariant") or "code"
    [kind] = {type(value) for value in flag["variants"].values()}
    types = {bool: "boolean", str: "string", int: "integer", float: "number", dict: "object"}
    document = {"key": key, "type": types[kind], "variants": variants, "default": default, "off": "code"}
    document |= {"enabled": not flag.get("disabled", False), "metadata": flag.get("flagMetadata") or {}}
    if "contextEvaluator" in flag:
        asked, then = re.fullmatch(r"(.*) \? '(.*)' : ''", flag["contextEvaluator"]).groups()
        document["rules"] = [{"id": "rule", "if": {"all": list(map(clause, asked.split(" && ")))}, "serve": then}]
    return document


def clause(text: str) -> dict[str, Any]:
    return next(make(*found.groups()) for pattern, make in _CLAUSES if (found := pattern.fullmatch(text)))


def scenarios(*files: Path) -> list[Any]:
    return [pytest.param(each, id=re.sub(r"\W+", "-", each.name)) for file in files for each in scenarios_of(file)]


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with environments(tmp_path_factory.mktemp("openfeature"), "spec") as (api, clients):
        flags = json.loads((OPENFEATURE / "test-flags.json").read_text())
        document = {"flags": [ours(key, flag) for key, flag in flags.items()]}
        answer = api.ask("POST", "/api/flags/import?format=slipway", document)
        assert (answer.status, answer.json()["complete"]) == (200, True), answer.body
        yield clients["spec"]


OF_OPENFEATURE = [OPENFEATURE / f"{name}.feature" for name in ("evaluation_v2", "metadata", "hooks")]


@pytest.mark.skipif(not OPENFEATURE.is_dir(), reason=f"OpenFeature's suite is not in {OPENFEATURE}")
@pytest.mark.parametrize("scenario", scenarios(*OF_OPENFEATURE) if OPENFEATURE.is_dir() else [])
def test_openfeature_s_suite(client: OpenFeatureClient, scenario: Scenario):
    told_elsewhere(scenario)
    Told(client).tell(scenario)


def told_elsewhere(scenario: Scenario) -> None:
    """Skip what no server can do, or none should."""
    for name, why in BEYOND.items():
        if f": {name}" in scenario.name:
            pytest.skip(why)


def importing(api: Api, document: Any, name: str, way: str) -> None:
    query = f"format=flagd&flagd-hashing={way}&environment={name}"
    answer = api.ask("POST", f"/api/flags/import?{query}", document)
    assert answer.status == 200, answer.body
    assert {each["key"] for each in answer.json()["flags"] if each["outcome"] == "refused"} <= REFUSED


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Clients by suite and the way of hashing, such as `evaluator-2`."""
    older: dict[str, Any] = {"flags": {}, "$evaluators": {}}
    for name in (*FILES, "evaluator-refs"):
        read = json.loads((TESTBED / "flags" / f"{name}.json").read_text())
        older["flags"] |= read["flags"]
        older["$evaluators"] |= read.get("$evaluators", {})
    documents = {"evaluator": json.loads(EVALUATOR.read_text()), "testbed": older}
    names = [f"{suite}-{way}" for suite in documents for way in WAYS]
    with environments(tmp_path_factory.mktemp("flagd"), *names) as (api, clients):
        for name in names:
            suite, _, way = name.partition("-")
            importing(api, documents[suite], name, way)
        yield clients


def way_of(scenario: Scenario) -> str:
    named = [tag.removeprefix("@fractional-v") for tag in scenario.tags if re.fullmatch(r"@fractional-v\d", tag)]
    return named[0] if named else "2"


def tell(imported: dict[str, OpenFeatureClient], scenario: Scenario, suite: str) -> None:
    told_elsewhere(scenario)
    if any(f'key "{key}"' in step.text for key in REFUSED for step in scenario.steps):
        pytest.skip("the import refuses the flag, and says why")
    Told(imported[f"{suite}-{way_of(scenario)}"]).tell(scenario)


needs_testbed = pytest.mark.skipif(not TESTBED.is_dir(), reason=f"flagd's suite is not in {TESTBED}")


@needs_testbed
@pytest.mark.parametrize("scenario", scenarios(*sorted((TESTBED / "evaluator" / "gherkin").glob("*.feature"))))
def test_flagd_s_evaluator_suite(imported, scenario):
    tell(imported, scenario, "evaluator")


OLDER = [TESTBED / "gherkin" / f"{name}.feature" for name in ("evaluation", "targeting", "disabled", "metadata")]


@needs_testbed
@pytest.mark.parametrize("scenario", scenarios(*OLDER) if TESTBED.is_dir() else [])
def test_flagd_s_older_suite(imported, scenario):
    tell(imported, scenario, "testbed")
