"""`python -m cli check`: a release spec is read offline, and everything that is wrong with it is told."""

import json
from pathlib import Path

import pytest

from cli.__main__ import main

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "slipway.yaml"
WAVE_AT = next(n for n, line in enumerate(EXAMPLE.read_text().splitlines(), 1) if "wave: 1" in line)


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "slipway.yaml"
    path.write_text(EXAMPLE.read_text().replace("application: shop", "application: Shop").replace("wave: 1", "wave: x"))
    return str(path)


def test_a_good_spec_is_ok(capsys):
    assert main(["check", str(EXAMPLE)]) == 0
    assert capsys.readouterr().out == "ok\n"


def test_every_problem_is_told_with_its_line(broken, capsys):
    assert main(["check", broken]) == 1

    told = capsys.readouterr()
    assert told.out == ""
    first, second = told.err.splitlines()
    assert first.startswith(f'{broken}:3: application: found "Shop"')
    assert second.startswith(f"{broken}:{WAVE_AT}: targets[0].wave: ")


def test_json_says_the_same(broken, capsys):
    assert main(["check", broken, "--json"]) == 1

    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    lines = [(each["path"], each["line"]) for each in told["problems"]]
    assert lines == [("application", 3), ("targets[0].wave", WAVE_AT)]


def test_json_of_a_good_spec_names_the_application(capsys):
    assert main(["check", str(EXAMPLE), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "application": "shop", "problems": []}


def test_a_file_that_is_not_there_is_no_good_spec(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none.yaml")]) == 1
    assert "none.yaml: No such file or directory" in capsys.readouterr().err


def test_a_file_beyond_all_bounds_is_refused(tmp_path, capsys):
    path = tmp_path / "long.yaml"
    path.write_bytes(b"a" * 300_000)

    assert main(["check", str(path)]) == 1
    assert "at most 262144 are read" in capsys.readouterr().err
