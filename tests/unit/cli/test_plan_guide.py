"""What the guide to plans shows is what the command says."""

import re
import shlex
from pathlib import Path

from cli.__main__ import main

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "plan.md").read_text()


def test_the_plan_in_the_guide_is_the_one_of_its_spec(tmp_path, monkeypatch, capsys):
    (spec,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    ((command, shown),) = re.findall(r"```console\n\$ python -m cli (.*?)\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / "shop.yaml").write_text(spec)
    monkeypatch.chdir(tmp_path)

    assert main(shlex.split(command)) == 0

    assert capsys.readouterr().out == shown


def test_the_guide_has_an_example_of_all_that_it_explains():
    for words in ("becomes", "held:", "gate qa", "rolled-back", "aborted", "note:"):
        assert words in GUIDE
