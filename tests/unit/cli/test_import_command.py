"""`python -m cli import`: the spec on one stream, the report on the other, and an exit code that says how it went."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.__main__ import main
from shared.wire.spec import parse_spec
from tests.unit.wire.peers.manifests import CANARY, ROLLOUT, TEMPLATE, rollout

ROOT = Path(__file__).parents[3]


@pytest.fixture
def file(tmp_path):
    def write(text: str, name: str = "canary.yaml") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def test_the_spec_comes_on_the_standard_output_and_the_report_on_the_other(file, capsys):
    name = file(CANARY)

    assert main(["import", name]) == 0

    told = capsys.readouterr()
    assert parse_spec(told.out.encode()).application == "shop"
    assert f"{name}:11: spec.analysis.interval: becomes: strategy.canary.bake.min" in told.err
    assert "strategy.canary.steps: chosen: 5, 25 and 50" in told.err


def test_the_server_stands_in_the_resource(file, capsys):
    assert main(["import", file(CANARY), "--server", "https://shop.example.org:6443/"]) == 0

    told = capsys.readouterr()
    assert parse_spec(told.out.encode()).targets[0].resource.startswith("https://shop.example.org:6443/apis/")
    assert "--server" not in told.err


def test_the_spec_goes_into_a_file_where_one_is_named(file, capsys, tmp_path):
    output = tmp_path / "slipway.yaml"

    assert main(["import", file(CANARY), "--output", str(output)]) == 0

    assert parse_spec(output.read_bytes()).application == "shop"
    assert capsys.readouterr().out == ""


def test_two_specs_are_two_documents_and_no_single_file(file, capsys, tmp_path):
    names = [file(CANARY), file(rollout("canary: {steps: [{setWeight: 5}]}"), "rollout.yaml")]

    assert main(["import", *names]) == 0
    first, second = capsys.readouterr().out.split("---\n")
    assert parse_spec(first.encode()).application == parse_spec(second.encode()).application == "shop"

    assert main(["import", *names, "--output", str(tmp_path / "slipway.yaml")]) == 1
    assert "--output takes one" in capsys.readouterr().err


def test_several_specs_go_each_into_a_file_of_its_own(file, capsys, tmp_path):
    manifest = rollout("canary: {steps: [{setWeight: 5}]}").replace("name: shop", "name: kiosk", 1)
    folder = tmp_path / "made" / "specs"

    assert main(["import", file(CANARY), file(manifest, "rollout.yaml"), "--output-dir", str(folder)]) == 0

    assert capsys.readouterr().out == ""
    assert {path.name for path in folder.iterdir()} == {"shop.yaml", "kiosk.yaml"}
    assert parse_spec((folder / "kiosk.yaml").read_bytes()).application == "kiosk"


def test_two_specs_for_one_application_are_no_two_files(file, capsys, tmp_path):
    names = [file(CANARY), file(rollout("canary: {steps: [{setWeight: 5}]}"), "rollout.yaml")]

    assert main(["import", *names, "--output-dir", str(tmp_path / "specs")]) == 1

    assert "shop: more than one spec is for this application" in capsys.readouterr().err
    assert not (tmp_path / "specs").exists()


def test_what_is_imported_of_several_can_be_checked_and_planned_as_it_comes(file, capsys, tmp_path):
    manifest = rollout("canary: {steps: [{setWeight: 5}]}").replace("name: shop", "name: kiosk", 1)
    assert main(["import", file(CANARY), file(manifest, "rollout.yaml")]) == 0
    stream = file(capsys.readouterr().out, "specs.yaml")

    assert main(["check", stream]) == 0
    assert capsys.readouterr().out == "shop: ok\nkiosk: ok\n"
    assert main(["plan", stream, "--json"]) == 0
    plans = json.loads(capsys.readouterr().out)["plans"]
    assert [plan["application"] for plan in plans] == ["shop", "kiosk"]
    assert main(["plan", stream]) == 0
    assert capsys.readouterr().out.count("starts ") == 2
    assert not (tmp_path / "slipway.yaml").exists()


def test_json_holds_the_specs_and_every_line(file, capsys):
    assert main(["import", file(CANARY), "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["imported"] is True
    assert told["specs"][0]["spec"]["application"] == "shop"
    [line] = [line for line in told["lines"] if line["path"] == "spec.analysis.threshold"]
    assert (line["fate"], line["line"], line["document"]) == ("becomes", 12, 1)
    assert told["refusals"] == []


def test_what_is_refused_says_why_and_writes_no_spec(file, capsys):
    name = file(CANARY.replace("1m", "soon"))

    assert main(["import", name]) == 1

    told = capsys.readouterr()
    assert told.out == ""
    assert f'refused: {name}:11: spec.analysis.interval: found "soon"; allowed is a duration' in told.err


def test_what_is_refused_is_in_the_json_too(file, capsys):
    assert main(["import", file(ROLLOUT), file("a: [", "broken.yaml"), "--json"]) == 1

    told = json.loads(capsys.readouterr().out)
    assert (told["imported"], told["specs"]) == (False, [])
    assert [refusal["line"] for refusal in told["refusals"]] == [2]


def test_a_file_that_is_not_there_is_refused(tmp_path, capsys):
    assert main(["import", str(tmp_path / "none.yaml")]) == 1

    assert "none.yaml: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["import"],
        ["import", "a.yaml", "--server", "shop"],
        ["import", "a.yaml", "--server", "https://a/b"],
        ["export"],
    ],
)
def test_a_command_line_that_is_not_understood_ends_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "usage: " in capsys.readouterr().err


@pytest.mark.parametrize("command", ["import", "check"])
def test_help_shows_examples(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    assert ended.value.code == 0
    assert f"examples:\n  python -m cli {command} " in capsys.readouterr().out


def test_the_whole_chain_runs_as_programs():
    template = TEMPLATE.replace("QUERY", "up").replace("CONDITION", "successCondition: result[0] == 1")
    manifests = rollout("canary: {analysis: {templates: [{templateName: checks}]}, steps: [{setWeight: 5}]}")
    program = [sys.executable, "-m", "cli"]
    made = subprocess.run(
        [*program, "import", "-"],
        input=f"{manifests}\n---\n{template}".encode(),
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=True,
    )
    checked = subprocess.run(
        [*program, "check", "-"], input=made.stdout, cwd=ROOT, capture_output=True, timeout=120, check=True
    )

    assert checked.stdout == b"ok\n"
    assert b"standard input:" in made.stderr
