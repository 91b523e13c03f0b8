"""The specs in the guides of targets are read as they stand."""

import re
from pathlib import Path

import pytest
import yaml

from shared.domain.rollout.spec import TargetKind
from shared.wire.plan_words import spec_warnings
from shared.wire.spec import parse_spec
from tests.unit.domain.specs import NOON

GUIDES = Path(__file__).parents[3] / "docs" / "guides"
HEAD = "application: shop\nstrategy: {canary: {steps: [10, 50]}}\n"
KINDS = {
    "container-apps": TargetKind.CONTAINER_APP,
    "traffic-manager": TargetKind.TRAFFIC_MANAGER,
    "aks": TargetKind.HTTP_ROUTE,
}


@pytest.mark.parametrize(("guide", "kind"), KINDS.items())
def test_the_target_at_the_head_of_a_guide_is_a_good_one(guide, kind):
    text = (GUIDES / f"{guide}.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert block is not None

    spec = parse_spec((HEAD + block[1]).encode(), "application/yaml")

    assert [target.kind for target in spec.targets] == [kind]
    assert list(spec_warnings(spec, NOON)) == []


@pytest.mark.parametrize(("guide", "kind"), KINDS.items())
def test_the_spec_that_a_guide_registers_in_the_sandbox_is_a_good_one(guide, kind):
    text = (GUIDES / f"{guide}.md").read_text(encoding="utf-8").partition("## Try it")[2]
    block = re.search(r"--data-binary @- <<EOF\n(.*?)EOF", text, re.DOTALL)
    assert block is not None
    where = yaml.safe_load((GUIDES / f"{guide}.md").read_text().split("```yaml\n")[1].split("```")[0])
    resource = where["targets"][0]["resource"]
    filled = re.sub(r"\$(RESOURCE|PROFILE)", resource, block[1])
    filled = filled.replace("$SERVER/", "https://cluster.example.com/")
    filled = re.sub(r"\$(BLUE|GREEN)", r"\1.example.com", filled)

    spec = parse_spec(filled.encode(), "application/yaml")

    assert [target.kind for target in spec.targets] == [kind]
