"""What the guide to experiments shows is what the parser takes and the report says."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.domain.analysis.measurement import Sample, Value
from shared.domain.experiments.experiment import Arm, ArmCounts, Better, Counter, Experiment, Goal
from shared.domain.experiments.report import report
from shared.domain.rollout.spec import AbTest
from shared.wire.experiment_view import experiment_view
from shared.wire.spec import parse_spec

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "experiments.md").read_text()


def test_its_examples_are_release_specs():
    examples = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)

    assert len(examples) == 2
    for example in examples:
        assert isinstance(parse_spec(example.encode()).strategy, AbTest)


def test_its_report_is_what_these_counts_come_to():
    [shown] = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    goal = Goal(name="paid", measure=Counter("paid"), better=Better.HIGHER)
    arms = tuple(
        ArmCounts(name, Sample(requests=36_000, failures=0, values=(Value(name="paid", value=paid),)))
        for name, paid in ((Arm.CANDIDATE, 2_340), (Arm.STABLE, 1_800))
    )
    at = datetime(2026, 11, 24, 13, 10, tzinfo=UTC)

    view = experiment_view(report(Experiment(goal=goal, share=0.5), arms, at))

    assert json.loads(shown) == rounded(view) | {"over": "time", "notes": []}


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    return round(value, 4) if isinstance(value, float) else value
