"""What the guides show as code runs, and comes to what they say."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_of_the_judgement_takes_the_bad_version_back_at_its_second_window():
    guide = (ROOT / "docs" / "guides" / "judgement.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)

    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)

    assert [line.split(" | ")[0] for line in ran.stdout.splitlines()] == ["undecided", "degraded", "degraded"]
