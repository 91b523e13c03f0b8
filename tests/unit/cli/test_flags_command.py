"""`python -m cli flags`: documents of flags are read offline, and what is not carried is told beside the result."""

import json
from pathlib import Path

import pytest

from cli.__main__ import main

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
FLAGD = {
    "flags": {
        "good": {
            "state": "ENABLED",
            "variants": {"on": True, "off": False},
            "defaultVariant": "off",
            "metadata": {"v": []},
        },
    }
}
COLLECTION = {
    "flags": [{"key": "a", "rules": [{"id": "r", "if": {"segment": "staff"}, "serve": "on"}]}],
    "segments": [{"key": "staff", "included": [{"values": ["ann"]}]}],
}


@pytest.fixture
def file(tmp_path):
    def write(document, name="flags.json"):
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(path)

    return write


def test_an_import_writes_flags_and_tells_what_is_not_carried(file, capsys):
    assert main(["flags", "import", "--from", "flagd", file(FLAGD)]) == 0

    told = capsys.readouterr()
    assert [flag["key"] for flag in json.loads(told.out)["flags"]] == ["good"]
    assert told.err == "good: not carried: the metadata v\n"


def test_what_is_imported_can_be_checked(file, capsys):
    main(["flags", "import", "--from", "flagd", file(FLAGD)])
    name = file(capsys.readouterr().out, "ours.json")

    assert main(["flags", "check", name]) == 0
    assert capsys.readouterr().out == "ok\n"


def test_a_flag_that_cannot_be_imported_is_told_and_the_others_are_written(file, capsys):
    bad = FLAGD["flags"]["good"] | {"targeting": {"%": [{"var": "x"}, 2]}}

    assert main(["flags", "import", "--from", "flagd", file({"flags": FLAGD["flags"] | {"bad": bad}})]) == 1

    told = capsys.readouterr()
    assert "refused: bad: targeting: " in told.err
    assert len(json.loads(told.out)["flags"]) == 1


def test_json_says_the_same(file, capsys):
    bad = FLAGD["flags"]["good"] | {"targeting": {"%": [{"var": "x"}, 2]}}

    assert main(["flags", "import", "--from", "flagd", "--json", file({"flags": FLAGD["flags"] | {"bad": bad}})]) == 1

    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], len(told["flags"]), told["segments"]) == (False, 1, [])
    assert told["notes"][0] == {"subject": "good", "fate": "not carried", "says": "the metadata v"}
    assert told["refused"][0]["subject"] == "bad"


@pytest.mark.parametrize(
    ("origin", "document"),
    [
        ("microsoft", {"feature_management": {"feature_flags": [{"id": "f", "enabled": True}]}}),
        (
            "launchdarkly",
            {"flags": {"f": {"key": "f", "on": True, "variations": [True], "fallthrough": {"variation": 0}}}},
        ),
    ],
)
def test_other_products_are_imported_too(origin, document, file, capsys):
    assert main(["flags", "import", "--from", origin, file(document)]) == 0
    assert json.loads(capsys.readouterr().out)["flags"][0]["key"] == "f"


def test_the_document_of_another_product_is_not_taken_for_one(file, capsys):
    assert main(["flags", "import", "--from", "launchdarkly", file(FLAGD)]) == 1
    assert "no LaunchDarkly SDK data" in capsys.readouterr().err


def test_the_way_that_flagd_hashed_can_be_said(file, capsys):
    split = FLAGD["flags"]["good"] | {"targeting": {"fractional": [["on", 1], ["off", 1]]}}

    main(["flags", "import", "--from", "flagd", "--flagd-hashing", "1", file({"flags": {"f": split}})])

    rules = json.loads(capsys.readouterr().out)["flags"][0]["rules"]
    assert rules[-1]["serve"]["split"]["hashing"] == "flagd-1"


@pytest.mark.parametrize("target", ["flagd", "microsoft", "app-configuration", "launchdarkly"])
def test_flags_are_converted(target, file, capsys):
    assert main(["flags", "convert", "--to", target, "--lossy", "--json", file(COLLECTION)]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["document"]
    assert set(told) == {"ok", "document", "notes", "refused"}
    assert (told["ok"], told["refused"]) == (True, [])


MINORS = {"id": "minors", "if": {"attribute": "age", "op": "<", "values": [18]}, "serve": "off"}
DENY = {"flags": [{"key": "deny", "default": "on", "rules": [MINORS]}, {"key": "plain", "default": "on"}]}


def test_a_flag_that_would_serve_more_there_is_left_out_and_told_unless_it_is_asked_for(file, capsys):
    def written(*more: str) -> tuple[int, list[str], str]:
        code = main(["flags", "convert", "--to", "microsoft", *more, file(DENY)])
        told = capsys.readouterr()
        flags = json.loads(told.out)["feature_management"]["feature_flags"]
        return code, [flag["id"] for flag in flags], told.err

    code, keys, err = written()
    assert (code, keys) == (1, ["plain"])
    assert "refused: deny: serves differently: the rule minors" in err

    code, keys, err = written("--lossy")
    assert (code, keys) == (0, ["deny", "plain"])
    assert "refused" not in err
    assert "deny: serves differently: the rule minors" in err

    assert main(["flags", "convert", "--to", "microsoft", "--json", file(DENY)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], [each["subject"] for each in told["refused"]]) == (False, ["deny"])


def test_a_problem_is_told_with_its_line(file, capsys):
    text = "flags:\n- key: a\n- key: b\n  enabled: maybe\nsegments: []\nmore: 1\n"

    assert main(["flags", "check", file(text, "flags.yaml")]) == 1

    told = capsys.readouterr().err
    assert "flags.yaml:4: flags[1].enabled: " in told
    assert "flags.yaml:6: more: " in told


def test_what_flags_ask_of_each_other_is_checked(file, capsys):
    assert main(["flags", "check", file(COLLECTION)]) == 0
    capsys.readouterr()

    assert main(["flags", "check", "--json", file(COLLECTION | {"segments": []})]) == 1

    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert told["problems"][0]["path"].startswith("flags[0].rules[0]")


def test_a_key_stands_once(file, capsys):
    assert main(["flags", "check", file({"flags": [{"key": "a"}, {"key": "a"}]})]) == 1
    assert "flags[1].key" in capsys.readouterr().err


def test_one_flag_by_itself_is_checked(file, capsys):
    assert main(["flags", "check", file("key: a\ndefault: {percent: 5, of: on}\n", "a.yaml")]) == 0
    assert capsys.readouterr().out == "ok\n"


def test_a_file_that_is_not_there_is_refused(tmp_path, capsys):
    assert main(["flags", "check", str(tmp_path / "none.json")]) == 1
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["flag.yaml", "segment.yaml"])
def test_the_examples_are_checked(name, capsys):
    assert main(["flags", "check", str(EXAMPLES / name)]) == 0
    assert capsys.readouterr().out == "ok\n"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("key: a\nrules: [{if: {attribute: x, op: is-set}}]\n", ([], ["a"])),
        ("key: a\nexcluded: [{values: [ann]}]\n", ([], ["a"])),
        ("key: a\nrules: [{id: r, if: {segment: elsewhere}, serve: on}]\n", (["a"], [])),
        ("key: a\n", (["a"], [])),
    ],
)
def test_one_segment_by_itself_is_known_for_one(text, keys, file, capsys):
    assert main(["flags", "check", "--json", file(text, "a.yaml")]) == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["flags"], told["segments"]) == keys


@pytest.mark.parametrize(
    "wraps", [lambda flag: flag, lambda flag: {"flags": [flag]}, lambda flag: {"segments": [flag]}]
)
def test_a_pattern_that_is_none_is_told_offline(wraps, file, capsys):
    rule = {"if": {"attribute": "x", "op": "matches", "values": ["("]}}
    is_segment = "segments" in wraps({})
    wrong = {"key": "a", "rules": [rule if is_segment else {**rule, "id": "r", "serve": "on"}]}

    assert main(["flags", "check", file(wraps(wrong))]) == 1
    assert "missing )" in capsys.readouterr().err
    assert is_segment or main(["flags", "check", file({"key": "a", "rules": [rule]}, "segment.json")]) == 1
