"""Every real manifest of Flagger and Argo Rollouts: imported or refused with a reason, and each value accounted for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.wire.peers.accounts import Accounts, Fate, Known, Line
from shared.wire.peers.flagger_fields import ALERT_PROVIDER, CANARY, METRIC_TEMPLATE
from shared.wire.peers.importing import Import, import_files
from shared.wire.peers.manifests import File
from shared.wire.spec import parse_spec
from shared.wire.spec_schema import release_spec_schema
from tests.unit.wire.payload_samples import FOLDER, samples
from tests.unit.wire.peers.manifests import part_at

CANARIES = samples("flagger/canary/*.yaml")
ROLLOUTS = samples("argo-rollouts/rollout/*.yaml")
TEMPLATES = samples("flagger/metrictemplate/*.yaml") + samples("flagger/alertprovider/*.yaml")
ANALYSES = samples("argo-rollouts/*analysistemplate/*.yaml")
OTHERS = samples("argo-rollouts/experiment/*.yaml") + samples("argo-rollouts/analysisrun/*.yaml")
NO_TARGET, NO_ANALYSIS = "spec.targetRef: is missing", "spec.analysis: is missing: it says how the release goes"
REFUSED = {
    "doc-CHANGELOG-my-canary.yaml": [NO_TARGET, NO_ANALYSIS],
    "doc-README-app.yaml": [NO_TARGET, NO_ANALYSIS],
    "doc-faq-frontend.yaml": [NO_TARGET, NO_ANALYSIS],
    "doc-gatewayapi-progressive-delivery-podinfo~5.yaml": [NO_TARGET, NO_ANALYSIS],
    "doc-gatewayapi-progressive-delivery-podinfo~9.yaml": [NO_TARGET, NO_ANALYSIS],
    "doc-istio-progressive-delivery-podinfo~3.yaml": [NO_TARGET],
    "doc-istio-progressive-delivery-x.yaml": ["metadata.name: is missing", NO_TARGET, NO_ANALYSIS],
    "doc-alb-x.yaml": ["metadata.name: is missing"],
    "e2e-step-plugin-template-rollout-step-plugin-e2e--name.yaml": [
        'metadata.name: found "step-plugin-e2e-$$name$$"; allowed is a name of lower-case letters, digits, and inner '
        "hyphens and dots"
    ],
}
"""Canaries and Rollouts that their peer would not take either: parts of one, shown in a page, and a template of one."""
TAKEN_CANARIES = [path for path in CANARIES if path.name not in REFUSED]
TAKEN_ROLLOUTS = [path for path in ROLLOUTS if path.name not in REFUSED]
WHOLE = {"spec.strategy.blueGreen.analysis"}
"""Fields of a proposal that no release has: nothing is known of them, and that is said."""

pytestmark = pytest.mark.skipif(not CANARIES or not ROLLOUTS, reason=f"no manifests in {FOLDER}")


def name(path: Path) -> str:
    return path.name


def given(*paths: Path) -> Import:
    return import_files([File(path.name, path.read_bytes()) for path in paths])


@pytest.mark.parametrize("path", CANARIES + ROLLOUTS + TEMPLATES + ANALYSES + OTHERS, ids=name)
def test_a_manifest_is_imported_or_refused_with_a_reason(path):
    result = given(path)

    assert bool(result.specs) is not bool(result.refusals)
    for spec in result.specs:
        parse_spec(spec.text().encode())
    for refusal in result.refusals:
        assert refusal.problem.line is not None
        assert refusal.problem.message


@pytest.mark.parametrize("path", [path for path in CANARIES + ROLLOUTS if path.name in REFUSED], ids=name)
def test_what_is_no_whole_manifest_is_refused_for_what_it_lacks(path):
    refusals = given(path).refusals

    assert [f"{each.problem.path}: {each.problem.message}" for each in refusals] == REFUSED[path.name]


@pytest.mark.parametrize("path", TAKEN_CANARIES + TAKEN_ROLLOUTS, ids=name)
def test_every_value_is_accounted_for_by_its_path(path):
    result = given(path)

    assert result.specs
    assert unaccounted(result, path) == []


@pytest.mark.parametrize("path", TAKEN_CANARIES, ids=name)
def test_every_value_is_accounted_for_beside_all_templates_of_the_peer(path):
    readable = [each for each in TEMPLATES if can_be_read(each)]
    result = given(path, *readable)

    assert result.specs
    assert [unaccounted(result, each) for each in (path, *readable)] == [[] for _ in (path, *readable)]


@pytest.mark.parametrize("path", TAKEN_ROLLOUTS, ids=name)
def test_every_value_is_accounted_for_beside_all_analyses_of_the_peer(path):
    readable = [each for each in ANALYSES if can_be_read(each)]
    result = given(path, *readable)

    assert result.specs
    assert [unaccounted(result, each) for each in (path, *readable)] == [[] for _ in (path, *readable)]


@pytest.mark.parametrize("path", CANARIES + ROLLOUTS, ids=name)
def test_what_has_no_equal_says_what_was_chosen_instead(path):
    for line in given(path).lines:
        assert (line.fate not in (Fate.NO_EQUAL, Fate.UNKNOWN)) or "; chosen: " in line.words
        assert line.fate is not Fate.UNKNOWN or line.path in WHOLE


def test_a_test_of_two_versions_by_header_is_an_experiment():
    [path] = [path for path in CANARIES if path.name.startswith("e2e-gatewayapi-test-ab")]
    if "experiment" not in release_spec_schema()["properties"]["strategy"]["properties"]:
        pytest.skip("release specs have no experiments")

    [spec] = given(path).specs
    assert spec.document["strategy"]["experiment"]["audience"] == {"header": "x-canary", "value": "insider"}


KNOWN = {"Canary": CANARY, "MetricTemplate": METRIC_TEMPLATE, "AlertProvider": ALERT_PROVIDER}


@pytest.mark.parametrize("kind", sorted(KNOWN))
def test_each_field_that_flagger_publishes_is_known(kind):
    path = FOLDER / "flagger" / "spec" / "crd.yaml"
    if not path.exists():
        pytest.skip(f"no {path.name} in {FOLDER}")
    [published] = [each for each in yaml.safe_load_all(path.read_text()) if each["spec"]["names"]["kind"] == kind]
    schema = published["spec"]["versions"][0]["schema"]["openAPIV3Schema"]

    assert [path for path in fields(schema) if not is_known(KNOWN[kind], path)] == []


def unaccounted(result: Import, path: Path) -> list[str]:
    """The values of a file on which no line says more than that its whole document was looked at."""
    lines = [line for line in result.lines if line.file == path.name and line.fate is not Fate.CHOSEN]
    documents = [each for each in yaml.load_all(path.read_text(), yaml.BaseLoader) if each is not None]
    return [
        leaf
        for number, document in enumerate(documents, start=1)
        for leaf in leaves(document, "")
        if not any(line.document == number and covers(line, leaf) for line in lines)
    ]


def covers(line: Line, leaf: str) -> bool:
    if line.path in ("", "spec") and "provider of the type" not in line.words:
        return False
    return leaf == line.path or leaf.startswith((f"{line.path}.", f"{line.path}["))


def leaves(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, member in value.items():
            yield from leaves(member, f"{path}.{key}".removeprefix("."))
    elif isinstance(value, list) and value:
        for index, entry in enumerate(value):
            yield from leaves(entry, f"{path}[{index}]")
    else:
        yield path


def can_be_read(path: Path) -> bool:
    return "not YAML" not in str(given(path).refusals[0]) and "a key must be" not in str(given(path).refusals[0])


def fields(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    if schema.get("properties"):
        for key, inner in schema["properties"].items():
            yield from fields(inner, f"{path}.{key}".removeprefix("."))
    elif schema.get("type") == "array":
        yield from fields(schema["items"], f"{path}[]")
    elif isinstance(schema.get("additionalProperties"), dict):
        yield from fields(schema["additionalProperties"], f"{path}.any")
    else:
        yield path


def is_known(known: Known, path: str) -> bool:
    [line] = Accounts(known).lines(part_at(path), "", 1)
    return line.fate is not Fate.UNKNOWN
