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
    assert json.loads(capsys.readouterr().out) == {
        "ok": True,
        "application": "shop",
        "problems": [],
        "warnings": [],
    }


TWO = """# two applications of one team
%YAML 1.2
---
{first}
--- # the other one
{second}
---
"""


def written(tmp_path, *texts: str) -> str:
    path = tmp_path / "specs.yaml"
    path.write_text(TWO.format(first=texts[0], second=texts[1]))
    return str(path)


def small(name: str, site: str | None = None) -> str:
    resource = f"/subscriptions/{'1' * 8}-1111-1111-1111-{'1' * 12}/resourceGroups/g/providers/Microsoft.Web/sites/"
    return (
        f"application: {name}\n"
        f"targets: [{{name: web, kind: app-service-slot, resource: {resource}{site or name}, slot: next}}]\n"
        "strategy: {canary: {steps: [5]}}"
    )


def test_several_specs_are_the_documents_of_one_file(tmp_path, capsys):
    name = written(tmp_path, small("shop"), small("kiosk"))

    assert main(["check", name]) == 0
    assert capsys.readouterr().out == "shop: ok\nkiosk: ok\n"
    assert main(["check", name, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], [each["application"] for each in told["specs"]]) == (True, ["shop", "kiosk"])


def test_a_problem_in_a_later_document_has_its_line_in_the_file(tmp_path, capsys):
    name = written(tmp_path, small("shop"), small("kiosk").replace("[5]", "[500]"))

    assert main(["check", name]) == 1

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"{name}:10: strategy.canary.steps[0]: found 500")


def test_two_documents_for_one_application_or_one_resource_are_refused(tmp_path, capsys):
    assert main(["check", written(tmp_path, small("shop"), small("shop"))]) == 1
    assert "shop stands in two documents" in capsys.readouterr().err

    assert main(["check", written(tmp_path, small("shop"), small("kiosk", "SHOP"))]) == 1
    assert "kiosk: targets[0].resource: the application shop has the same resource" in capsys.readouterr().err


def test_a_release_window_that_lies_in_the_past_is_warned_of_and_refuses_nothing(tmp_path, capsys):
    path = tmp_path / "slipway.yaml"
    path.write_text(
        small("shop")
        + "\nreleaseWindows:\n"
        + "- {name: launch, allow: {from: 2020-01-01T09:00:00, until: 2020-01-01T17:00:00}, timeZone: Europe/Berlin}\n"
        + "- {name: later, allow: {from: 2199-01-01T09:00:00, until: 2199-01-02T17:00:00}}\n"
    )
    never = "it cannot end: release windows do not let it go on within a year"
    warning = (
        "release window launch lies in the past, it ended at 2020-01-01T17:00:00 (Europe/Berlin): "
        "it allows nothing any more"
    )

    assert main(["check", str(path)]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("ok\n", f"{path}: look: {never}\n{path}: look: {warning}\n")
    assert main(["check", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["warnings"] == [never, warning]
    assert main(["plan", str(path), "--json"]) == 0
    assert warning in json.loads(capsys.readouterr().out)["warnings"]


@pytest.mark.parametrize("window", ["{allow: 0 9 29 2 *, for: 1h}", "{deny: 0 0 * * *, for: 1d}"])
def test_a_window_that_never_lets_it_end_is_warned_of_as_the_plan_warns(tmp_path, capsys, window):
    path = tmp_path / "slipway.yaml"
    path.write_text(small("shop") + f"\nreleaseWindows:\n- {window.replace('{', '{name: odd, ', 1)}\n")

    assert main(["check", str(path), "--json"]) == 0
    warnings = json.loads(capsys.readouterr().out)["warnings"]
    assert main(["plan", str(path), "--json"]) == 0
    assert warnings == json.loads(capsys.readouterr().out)["warnings"]
    assert warnings == ["it cannot end: release windows do not let it go on within a year"]


def test_a_file_that_is_not_there_is_no_good_spec(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none.yaml")]) == 1
    assert "none.yaml: No such file or directory" in capsys.readouterr().err


def test_a_file_beyond_all_bounds_is_refused(tmp_path, capsys):
    path = tmp_path / "long.yaml"
    path.write_bytes(b"a" * 300_000)

    assert main(["check", str(path)]) == 1
    assert "at most 262144 are read" in capsys.readouterr().err
