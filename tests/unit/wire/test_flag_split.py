"""A split of a flag as the resource of a target: read, written back, and told from every other."""

import pytest

from shared.domain.errors import RejectedError
from shared.domain.flags.split_names import SplitName
from shared.wire.flag_split import flag_split, parse_flag_split
from shared.wire.resources import normal_resource, resource_group
from tests.unit.wire.spec_documents import SMALLEST, body_of, refused
from tests.unit.wire.test_spec_capabilities import document

SPLITS = {
    "flag:production/new-checkout": SplitName(environment="production", flag="new-checkout"),
    "flag:test/shop/New.page": SplitName(environment="test", flag="shop/New.page"),
    "flag:production/x#rule:the beta users": SplitName(environment="production", flag="x", rule="the beta users"),
    "flag:production/x#region:west-europe": SplitName(environment="production", flag="x", region="west-europe"),
}


@pytest.mark.parametrize("text", SPLITS)
def test_it_names_one_split(text):
    assert parse_flag_split(text) == SPLITS[text]
    assert flag_split(SPLITS[text]) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "flag:x",
        "flag:/x",
        "flag:Production/x",
        "flag:production/",
        "flag:production/x#",
        "flag:production/x#rule:",
        "flag:production/x#segment:beta",
        "flag:production/x#region:EU",
        "flag:production/x#rule:a#region:eu",
        "production/x",
        " flag:production/x",
    ],
)
def test_anything_else_is_none_and_says_what_is_allowed(text):
    with pytest.raises(RejectedError):
        parse_flag_split(text)
    target = {"name": "flag", "kind": "feature-flag", "resource": text or "x"}
    problems = refused(SMALLEST | {"targets": [target], "metrics": {"source": {"kind": "observations"}}})
    assert [problem.path for problem in problems] == ["targets[0].resource"]
    assert "flag:<environment>/<key>" in problems[0].message


def test_names_that_differ_in_case_are_different_splits_and_spaces_around_are_none():
    assert normal_resource("flag:production/New") != normal_resource("flag:production/new")
    assert resource_group(" flag:production/new ") == resource_group("flag:production/new")


@pytest.mark.parametrize("field", ["version", "health", "slot", "places"])
def test_a_variant_is_no_place_that_could_be_asked(field):
    value = {"places": ["a", "b"], "slot": "candidate"}.get(field, {"path": "/x"})
    wrong = document("feature-flag")
    wrong["targets"][0][field] = value

    assert [problem.path for problem in refused(wrong)] == [f"targets[0].{field}"]
    assert body_of(wrong)


def test_only_a_flag_has_a_variant():
    wrong = document("container-app")
    wrong["targets"][0]["variant"] = "on"

    (problem,) = refused(wrong)
    assert problem.path == "targets[0].variant"
