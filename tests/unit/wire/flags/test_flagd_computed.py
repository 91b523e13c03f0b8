"""flagd's targeting where it computes: an attribute or a share decides the variant, a weight, or a condition.

`vectors/flagd_computed.json` holds what the public package openfeature-flagd-core 2.0.0 served of a document to 48
contexts; where it served an error, what stands there begins with an exclamation mark.
"""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from shared.domain.flags.compile import compile_flags
from shared.domain.flags.explain import explain
from shared.wire.flags.flagd import WAYS, import_flagd
from shared.wire.flags.flagd_export import export_flagd
from shared.wire.flags.notes import Fate
from tests.unit.domain.flags.patterns import python_regexes

VECTORS = json.loads((Path(__file__).parent / "vectors" / "flagd_computed.json").read_text())
IMPORTED = import_flagd(VECTORS["document"])
RULESET = compile_flags(IMPORTED.flags, IMPORTED.segments, regexes=python_regexes)
CASES = [(key, list(zip(VECTORS["contexts"], served, strict=True))) for key, served in VECTORS["variants"].items()]


@pytest.mark.parametrize(("key", "served"), CASES, ids=VECTORS["variants"])
def test_who_got_a_variant_of_flagd_gets_it_here(key, served):
    assert [str(each) for each in IMPORTED.refused if each.subject == key] == []
    for context, variant in served:
        answer = RULESET.evaluate(key, context, now=0.0, region="")
        assert answer.error is None
        assert answer.variant == ("green" if variant.startswith("!") else variant), context


@pytest.mark.parametrize(("key", "served"), CASES, ids=VECTORS["variants"])
def test_it_is_explained_as_it_is_served(key, served):
    flags, segments = ({each.key: each for each in listed} for listed in (IMPORTED.flags, IMPORTED.segments))
    for context, _ in served[:12]:
        told = explain(key, context, flags, segments, now=0.0, region="", regexes=python_regexes)
        assert told.evaluation == RULESET.evaluate(key, context, now=0.0, region="")


@pytest.mark.parametrize(("key", "served"), CASES, ids=VECTORS["variants"])
def test_what_is_exported_serves_the_same_when_it_comes_back(key, served):
    [flag] = [flag for flag in IMPORTED.flags if flag.key == key]
    exported = export_flagd([flag], IMPORTED.segments)
    back = import_flagd(exported.document)
    assert back.refused == ()
    if any(note.fate is not Fate.CHANGED for note in exported.notes):
        return
    again = compile_flags(back.flags, back.segments, regexes=python_regexes)
    for context, _ in served:
        before = RULESET.evaluate(key, context, now=0.0, region="")
        assert again.evaluate(key, context, now=0.0, region="").value == before.value, context


def imported(targeting, way="3"):
    flag = {"state": "ENABLED", "variants": {"a": "A", "b": "B"}, "defaultVariant": "b", "targeting": targeting}
    result = import_flagd({"flags": {"shop/f": flag}}, hashing=WAYS[way])
    assert result.refused == ()
    return result


def test_a_share_that_a_condition_asks_for_becomes_a_segment():
    result = imported({"if": [{"fractional": [{"var": "email"}, [False, 1], [True, 2], [False, 1]]}, "a", "b"]})

    assert [segment.key for segment in result.segments] == ["shop.f.fractional-1", "shop.f.fractional-2"]
    assert sorted(segment.rules[0].share.shares[0].weight for segment in result.segments) == [1, 3]


def test_two_conditions_that_ask_for_the_same_share_have_one_segment():
    asked = {"fractional": [[True, 1], [False, 1]]}

    assert len(imported({"if": [asked, "a", {"!": [asked]}, "b"]}).segments) == 1


@pytest.mark.parametrize(("way", "value", "variant"), [("1", 7, "b"), ("2", 7, "b"), ("2", "7", "a"), ("3", 7, "a")])
def test_only_the_third_way_divides_by_what_is_no_text(way, value, variant):
    result = imported({"fractional": [{"var": "n"}, ["a", 1]]}, way)

    answer = compile_flags(result.flags, result.segments, regexes=python_regexes).evaluate(
        "shop/f", {"n": value}, now=0.0, region=""
    )
    assert answer.variant == variant


def test_weights_that_depend_on_very_much_are_refused():
    weight = {"if": [{"==": [{"var": "x"}, 1]}, 1, 2]}
    flag = {"state": "ENABLED", "variants": {"a": 1}, "targeting": {"fractional": [["a", weight]] * 40}}

    [refused] = import_flagd({"flags": {"f": flag}}).refused

    assert "too many weights" in str(refused)


def test_who_cannot_be_divided_gets_the_default_as_if_nobody_had_asked():
    result = imported({"fractional": [["a", 1]]})
    answers = compile_flags(result.flags, (), regexes=lambda text: re.compile(text).search)

    assert answers.evaluate("shop/f", {}, now=0.0, region="").reason == "default"
    assert answers.evaluate("shop/f", {"targetingKey": "ann"}, now=0.0, region="").reason == "split"


@pytest.mark.parametrize("many", [13, 25])
@pytest.mark.parametrize("asks", ["a condition", "a comparison", "a weight"])
def test_conditions_that_double_at_each_level_are_refused_before_they_are_written_out(many, asks):
    asked: Any = {"==": [{"var": "x"}, 1]}
    for _ in range(many):
        one = {"and": [asked, {"var": "y"}]}
        if asks == "a condition":
            asked = {"if": [one, "on", "off"]}
        elif asks == "a comparison":
            asked = {"==": [{"if": [one, "a", "a"]}, "a"]}
        else:
            asked = {"==": [{"fractional": [["a", {"if": [one, 1, 2]}], ["b", 1]]}, "a"]}
    variants = {"on": True, "off": False}
    flag = {"state": "ENABLED", "variants": variants, "defaultVariant": "off", "targeting": {"if": [asked, "on"]}}
    began = time.process_time()

    result = import_flagd({"flags": {"f": flag}})

    assert [each.problem.message for each in result.refused] == ["with all that it depends on it is too long"]
    assert time.process_time() - began < 10
