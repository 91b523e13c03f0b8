"""The target that the App Service guide shows is what Slipway reads."""

import re
from pathlib import Path

from shared.domain.rollout.plan import Prepare, compile_plan
from shared.domain.rollout.spec import TargetKind
from shared.wire.spec import parse_spec
from shared.wire.yaml_source import read_yaml
from tests.unit.wire.spec_documents import SMALLEST, body_of

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "guides" / "app-service.md").read_text()


def test_the_target_of_the_guide_is_a_slot_that_is_swapped_with_preview():
    (shown,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    spec = parse_spec(body_of(SMALLEST | read_yaml(shown.encode()).value))

    (target,) = spec.targets
    assert (target.kind, target.slot) == (TargetKind.APP_SERVICE_SLOT, "candidate")
    assert any(isinstance(step, Prepare) for step in compile_plan(spec))
