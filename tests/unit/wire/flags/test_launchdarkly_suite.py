"""LaunchDarkly's own evaluation data: what its SDKs serve is what is served after the import."""

import re

import pytest

from shared.domain.flags.compile import compile_flags
from shared.domain.flags.evaluation import ErrorCode, Reason
from shared.domain.flags.explain import explain
from shared.wire.flags.launchdarkly import import_launchdarkly
from tests.unit.domain.flags.patterns import python_regexes
from tests.unit.wire.flags.launchdarkly_suite import SUITE, cases

REASONS = {
    "OFF": {Reason.OFF},
    "FALLTHROUGH": {Reason.DEFAULT, Reason.STATIC, Reason.SPLIT},
    "TARGET_MATCH": {Reason.TARGET},
    "RULE_MATCH": {Reason.RULE, Reason.SPLIT},
    "PREREQUISITE_FAILED": {Reason.PREREQUISITE},
    "ERROR": {Reason.ERROR},
}
CASES = [case for path in sorted(SUITE.glob("*.yml")) for case in cases(path)] if SUITE.is_dir() else []


@pytest.mark.skipif(not SUITE.is_dir(), reason="LaunchDarkly's evaluation data is not there")
def test_the_data_is_there_in_full():
    assert len(CASES) >= 256


@pytest.mark.parametrize("case", CASES, ids=lambda case: re.sub(r"\W+", "-", case.name))
def test_what_launchdarkly_serves_is_served_after_the_import(case):
    found = import_launchdarkly(case.data, regexes=python_regexes)
    rules = compile_flags(found.flags, found.segments, regexes=python_regexes)
    served = rules.evaluate(case.flag, case.context, now=0.0, region="")
    expected, why = case.expected, case.expected.get("reason", {})
    if why and why.get("errorKind") != "WRONG_TYPE":
        assert served.reason in REASONS[why["kind"]]
    if why.get("errorKind") == "WRONG_TYPE":  # which only its caller can see
        assert type(served.value) is not type(case.default)
        return
    if why.get("kind") == "ERROR":
        is_refused = case.flag in {each.subject for each in found.refused}
        is_unknown = why["errorKind"] == "FLAG_NOT_FOUND" or is_refused
        assert served.error is (ErrorCode.FLAG_NOT_FOUND if is_unknown else ErrorCode.PARSE_ERROR)
        return
    [flag] = [each for each in found.flags if each.key == case.flag]
    value = case.default if served.value is None else served.value
    assert value == expected["value"]
    assert isinstance(value, bool) is isinstance(expected["value"], bool)
    if expected.get("variationIndex") is not None:
        assert flag.variants[expected["variationIndex"]].name == served.variant
    if "prerequisiteKey" in why:
        assert served.because == why["prerequisiteKey"]
    if "ruleId" in why:
        assert served.because == why["ruleId"]
    told = explain(
        case.flag,
        case.context,
        {each.key: each for each in found.flags},
        {each.key: each for each in found.segments},
        now=0.0,
        region="",
        regexes=python_regexes,
    )
    assert told.evaluation == served
