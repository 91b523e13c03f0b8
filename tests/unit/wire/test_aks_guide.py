"""The target and the setting that the AKS guide shows are what Slipway reads."""

import json
import re
from pathlib import Path

from shared.domain.rollout.spec import NamedPlace, TargetKind
from shared.settings import Settings
from shared.wire.route_url import parse_route_url
from shared.wire.spec import parse_spec
from shared.wire.yaml_source import read_yaml
from tests.unit.wire.spec_documents import SMALLEST, body_of

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "guides" / "aks.md").read_text()
CA = "LS0tLS1CRUdJTi..."


def _code(language):
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def _target():
    shown = read_yaml(_code("yaml")[0].encode()).value
    (target,) = parse_spec(body_of(SMALLEST | shown)).targets
    return target


def test_the_target_of_the_guide_is_a_route_with_two_places():
    target = _target()

    assert target.kind is TargetKind.HTTP_ROUTE
    assert target.places == (
        NamedPlace(name="shop-blue", host="blue.shop.example.com"),
        NamedPlace(name="shop-green", host="green.shop.example.com"),
    )


def test_the_setting_of_the_guide_lists_the_targets_server():
    (entry,) = json.loads(_code("json")[0])
    assert entry.pop("ca") == CA, "cut short in the guide"

    found = Settings.from_env({"SLIPWAY_DATA": "x", "SLIPWAY_KUBERNETES_CLUSTERS": json.dumps([entry])})

    (cluster,) = found.kubernetes_clusters
    assert cluster.server == parse_route_url(_target().resource).server
    assert cluster.token_setting == "SLIPWAY_SECRET_AKS"


def test_the_role_of_the_guide_names_the_targets_route_and_no_more():
    role = read_yaml(_code("yaml")[1].partition("---")[0].encode()).value
    route = parse_route_url(_target().resource)

    assert role["metadata"]["namespace"] == route.namespace
    assert role["rules"] == [
        {
            "apiGroups": ["gateway.networking.k8s.io"],
            "resources": ["httproutes"],
            "resourceNames": [route.name],
            "verbs": ["get", "patch"],
        }
    ]
