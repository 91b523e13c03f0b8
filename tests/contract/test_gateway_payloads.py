"""HTTPRoutes as others write them are read without a loss, and only those that name both backends are divided."""

from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from local.cloud.kubernetes.json_patch import apply_patch
from shared.adapters.gateway_api.audience_rules import plan_mark, read_mark
from shared.adapters.gateway_api.division import plan_share, read_share
from shared.adapters.gateway_api.owners import find_other_owner
from shared.adapters.gateway_api.route import read_route
from shared.domain.rollout.spec import Located
from shared.domain.rollout.weight import Weight
from shared.ports.audience import CarriedIn, RequestMark

PAYLOADS = Path(__file__).parents[3] / "shared/payloads"
FOLDERS = ("gateway-api/httproute-examples", "flagger")
FILES = sorted(path for folder in FOLDERS for path in (PAYLOADS / folder).rglob("*.yaml"))
CRD = PAYLOADS / "gateway-api/spec/gateway.networking.k8s.io_httproutes.yaml"
HEADER = RequestMark(carried_in=CarriedIn.HEADER, name="X-Preview", value="1")
COOKIE = RequestMark(carried_in=CarriedIn.COOKIE, name="preview", value="1")
STORED = {"resourceVersion": "1", "generation": 1}


def _routes(text):
    for document in yaml.safe_load_all(text):
        if isinstance(document, dict) and document.get("kind") == "HTTPRoute":
            yield {**document, "metadata": {**document["metadata"], **STORED}}


@pytest.mark.skipif(not FILES, reason="the example routes are not beside the project")
def test_every_example_is_read_with_all_its_rules_and_backends():
    read = 0
    for path in FILES:
        for document in _routes(path.read_text()):
            route = read_route(document)
            wanted = [
                [(one["name"], one.get("weight", 1)) for one in rule.get("backendRefs", ())]
                for rule in document["spec"].get("rules", ())
            ]
            assert [[(one.name, one.weight) for one in rule.backends] for rule in route.rules] == wanted, path.name
            assert find_other_owner(route) is None, path.name
            read += 1
    assert read >= 20


@pytest.mark.skipif(not FILES or not CRD.exists(), reason="the example routes are not beside the project")
@pytest.mark.parametrize("mark", [HEADER, COOKIE], ids=["header", "cookie"])
def test_what_we_write_into_an_example_is_what_the_api_takes_and_goes_without_a_trace(mark):
    """Each example is divided first: its rules with one backend get a second one, as a team does it."""
    schema = Draft202012Validator(_schema())
    for path in FILES:
        for document in _routes(path.read_text()):
            before, located = _with_a_second_backend(document)
            if located is None:
                continue
            shared = _patched(before, plan_share, located, Weight(33_333))
            marked = _patched(shared, plan_mark, located, mark)
            assert not list(schema.iter_errors(marked["spec"])), path.name
            assert read_share(read_route(marked), located) == 33_333
            assert read_mark(read_route(marked), located) == mark
            assert _patched(marked, plan_mark, located, None) == shared


def _schema():
    (version,) = [one for one in yaml.safe_load(CRD.read_text())["spec"]["versions"] if one["name"] == "v1"]
    return version["schema"]["openAPIV3Schema"]["properties"]["spec"]


def _with_a_second_backend(document):
    rules = [dict(rule) for rule in document["spec"].get("rules", ())]
    served = [rule for rule in rules if len(rule.get("backendRefs", ())) == 1]
    if not served:
        return document, None
    stable = served[0]["backendRefs"][0]["name"]
    for rule in served:
        if rule["backendRefs"][0]["name"] == stable:
            rule["backendRefs"] = [*rule["backendRefs"], {**rule["backendRefs"][0], "name": "next", "weight": 0}]
    return {**document, "spec": {**document["spec"], "rules": rules}}, Located(stable=stable, candidate="next")


def _patched(document, plan, *wanted):
    return apply_patch(document, plan(read_route(document), *wanted))
