"""Unleash's own specification of its constraints, each said as a condition of ours.

It is public; where it is not beside the repository, or where `SLIPWAY_FLAG_SUITES` says, the tests are skipped. Only
toggles whose strategies are constraints alone, or segments of them, are asked for.
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.adapters.re2.regexes import Re2Regexes
from shared.domain.flags.compile import compile_flags
from shared.domain.flags.model import All, AnyOf, Attribute, Condition, Not
from tests.unit.domain.flags.flags import NOON, on_if
from tests.unit.domain.flags.test_unleash_operators import OPERATORS, condition_of
from tests.unit.wire.flags.suites import FOLDER

SUITE = FOLDER / "unleash" / "specifications"
REGEXES = Re2Regexes()
NOBODY = AnyOf(())


def condition(constraint: dict[str, Any]) -> Condition:
    """Return what a constraint is here; one that nobody understands holds for nobody."""
    operator = constraint["operator"]
    if operator not in OPERATORS:
        return NOBODY
    values = constraint.get("values") or ([constraint["value"]] if "value" in constraint else [])
    if operator == "REGEX" and not all(map(is_pattern, values)):
        return NOBODY
    asked = condition_of(
        operator,
        *values,
        inverted=constraint.get("inverted", False),
        ignores_case=constraint.get("caseInsensitive", False),
    )
    where = Attribute((constraint["contextName"],))
    return Not(replace(asked.condition, attribute=where)) if isinstance(asked, Not) else replace(asked, attribute=where)


def is_pattern(text: str) -> bool:
    try:
        REGEXES(text)
    except ValueError:
        return False
    return True


def strategies(feature: dict[str, Any], segments: dict[int, list[dict[str, Any]]]) -> Condition:
    each = [
        All(
            tuple(map(condition, strategy.get("constraints") or ()))
            + tuple(
                All(tuple(map(condition, segments[number]))) if number in segments else NOBODY
                for number in strategy.get("segments", ())
            )
        )
        for strategy in feature["strategies"]
    ]
    return AnyOf(tuple(each)) if each else All(())


def cases() -> list[Any]:
    found = []
    for file in sorted(SUITE.glob("*-*.json")):
        document = json.loads(file.read_text())
        state = document["state"] if "features" in document.get("state", {}) else {"features": []}
        segments = {each["id"]: each["constraints"] for each in state.get("segments", ())}
        plain = {
            each["name"]: each
            for each in state["features"]
            if not each.get("dependencies") and all(strategy["name"] == "default" for strategy in each["strategies"])
        }
        for test in document.get("tests", ()):
            if test["toggleName"] in plain:
                asked = (plain[test["toggleName"]], segments, test)
                found.append(pytest.param(*asked, id=f"{file.stem}: {test['description']}"))
    return found


@pytest.mark.skipif(not SUITE.is_dir(), reason=f"Unleash's specification is not in {SUITE}")
@pytest.mark.parametrize(("feature", "segments", "test"), cases())
def test_what_unleash_says_of_a_constraint_is_so_here(feature, segments, test):
    context = {name: value for name, value in test["context"].items() if name != "properties"}
    context |= test["context"].get("properties", {})
    flag = on_if(strategies(feature, segments), enabled=feature["enabled"])

    answer = compile_flags([flag], (), regexes=REGEXES).evaluate(flag.key, context, now=NOON, region="")

    assert answer.error is None
    assert (answer.variant == "on") is test["expectedResult"]
