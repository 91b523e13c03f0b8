"""The specs and the report that the guide to flags as targets shows are what Slipway reads."""

import json
import re
from pathlib import Path

import pytest

from shared.domain.flags.split_names import SplitName
from shared.domain.rollout.measuring import AzureMonitorSource
from shared.domain.rollout.spec import TargetKind
from shared.wire.flag_events import parse_flag_events
from shared.wire.flag_split import flag_split, parse_flag_split
from shared.wire.spec import parse_spec

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "guides" / "flags-as-targets.md").read_text()
WHOLE, SOURCE = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)


def test_the_spec_of_the_guide_is_whole():
    spec = parse_spec(WHOLE.encode(), "application/yaml")

    (target,) = spec.targets
    assert (target.kind, target.variant) == (TargetKind.FEATURE_FLAG, "on")
    assert parse_flag_split(target.resource) == SplitName(environment="production", flag="new-checkout")
    assert {guard.name for guard in spec.guards} >= {"errors", "compared", "orders"}
    assert len(spec.alert_resources) == 1


def test_a_dimension_of_azure_monitor_tells_the_variants_apart():
    spec = parse_spec((WHOLE.partition("metrics:")[0] + SOURCE).encode(), "application/yaml")

    assert isinstance(spec.measuring.source, AzureMonitorSource)
    assert spec.measuring.source.split_by == "variant"


def test_the_report_of_the_guide_is_taken():
    (shown,) = re.findall(r"events -d '\n(.*?)'\n```", GUIDE, re.DOTALL)
    (report,) = parse_flag_events(json.loads(shown), sender="anonymous")

    assert [name for name, _ in report.variants] == ["on", "off"]
    assert report.variants[0][1].named("orders").value == 7


@pytest.mark.parametrize("text", re.findall(r"^\| `(flag:[^`]+)`", GUIDE, re.MULTILINE))
def test_each_split_of_the_guide_is_read_and_written_back(text):
    assert flag_split(parse_flag_split(text)) == text
