"""What of LaunchDarkly's flags and segments is read, what is told of it, and what is refused."""

import json
from pathlib import Path

import pytest

from shared.adapters.re2.regexes import Re2Regexes
from shared.domain.errors import InvalidError
from shared.domain.flags.compile import compile_flags
from shared.domain.flags.evaluation import Reason
from shared.domain.flags.model import FlagType, Hashing
from shared.domain.flags.problems import problems_of
from shared.wire.flags.launchdarkly import import_launchdarkly
from shared.wire.flags.notes import Fate

WORLDS = json.loads((Path(__file__).parent / "vectors" / "launchdarkly.json").read_text())
RE2 = Re2Regexes()


def flag(**members):
    return {"on": True, "variations": [True, False], "offVariation": 1, "fallthrough": {"variation": 1}} | members


def clause(op, *values, **members):
    return {"attribute": "x", "op": op, "values": list(values)} | members


def ruled(*clauses, **members):
    return flag(rules=[{"id": "r", "variation": 0, "clauses": list(clauses)} | members])


def imported(*, segments=None, **flags):
    return import_launchdarkly({"flags": flags, "segments": segments or {}}, regexes=RE2)


def served(found, context, key="checkout"):
    rules = compile_flags(found.flags, found.segments, regexes=RE2)
    return rules.evaluate(key, context, now=0.0, region="")


def notes(found):
    return [(note.subject, note.fate, note.words) for note in found.notes]


def refusals(found):
    return [(each.subject, each.problem.path, each.problem.message) for each in found.refused]


@pytest.mark.parametrize("world", WORLDS, ids=range(len(WORLDS)))
def test_who_got_a_variation_from_its_sdk_gets_it_here(world):
    """The answers are those of launchdarkly-server-sdk 9.20 to random flags, segments and contexts."""
    found = import_launchdarkly(world["document"], regexes=RE2)
    rules = compile_flags(found.flags, found.segments, regexes=RE2)
    assert found.refused == ()
    for context, answers in world["answers"]:
        for key, _, value, kind in answers:
            answer = rules.evaluate(key, context, now=0.0, region="")
            assert (answer.value, answer.reason is Reason.ERROR) == (value, kind == "ERROR"), (key, context)


def test_a_flag_is_read_with_its_names_and_its_way_of_hashing():
    weights = [{"variation": 1, "weight": 40_000}, {"variation": 0, "weight": 60_000}]
    rollout = {"variations": weights, "bucketBy": "/team/id", "contextKind": "organisation"}
    found = imported(checkout=flag(salt="s", fallthrough={"rollout": rollout}, description="d", tags=["a"]))
    [read] = found.flags
    assert found.notes == found.refused == ()
    assert [(each.name, each.value) for each in read.variants] == [("true", True), ("false", False)]
    assert (read.off, read.type, read.description, read.tags) == ("false", FlagType.BOOLEAN, "d", ("a",))
    assert (read.default.seed, read.default.hashing) == ("checkout.s", Hashing.LAUNCHDARKLY)
    assert (read.default.by.path, read.default.by.kind) == (("team", "id"), "organisation")
    assert [(each.variant, each.weight) for each in read.default.shares] == [("false", 40_000), ("true", 60_000)]
    assert problems_of(read, {}, {}, regexes=RE2) == ()


def test_other_variations_are_numbered():
    [read] = imported(checkout=flag(variations=["a", "b"])).flags
    assert [each.name for each in read.variants] == ["variation-0", "variation-1"]


def test_flags_and_segments_may_come_in_lists_and_what_is_deleted_is_not_there():
    document = {
        "flags": [flag(key="a"), flag(key="b") | {"deleted": True}],
        "segments": [{"key": "s"}, {"key": "t", "deleted": True}],
    }
    found = import_launchdarkly(document)
    assert ([each.key for each in found.flags], [each.key for each in found.segments]) == (["a"], ["s"])


@pytest.mark.parametrize(
    "document", [[], {"flags": 5}, {"flags": {"a": 5}}, {"flags": [{"on": True}]}, {"segments": "s"}]
)
def test_what_is_no_document_is_refused_as_a_whole(document):
    with pytest.raises(InvalidError):
        import_launchdarkly(document)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (ruled(clause("segmentMatch", "gone")), 'no segment "gone" came with it'),
        (ruled(clause("nearly", "a")), 'the operator "nearly" is unknown'),
        (ruled(clause("lessThan", "5", 5)), '< compares with no "5"'),
        (ruled(clause("before", "yesterday")), 'before compares with no "yesterday"'),
        (ruled(clause("semVerEqual", "v1")), 'semver= compares with no "v1"'),
        (ruled(clause("contains", 5)), "contains compares with no 5"),
        (ruled(clause("matches", "(?=x)")), 'matches compares with no "(?=x)"'),
        (flag(prerequisites=[{"key": "gone", "variation": 0}]), 'the flag "gone" did not come with it'),
        (flag(prerequisites=[{"key": "other", "variation": 9}]), 'the flag "other" has no such variation'),
        (flag(offVariation=None), "it has no off variation: code-default"),
        ({"on": False, "variations": [True, False], "offVariation": 1}, "it is off and has no fallthrough"),
        (flag(variations=[True, "a"]), "its variations are of several types"),
    ],
)
def test_what_is_said_otherwise_here_is_told_and_changes_nothing(value, words):
    found = imported(checkout=value, other=flag())
    [(subject, fate, told)] = notes(found)
    assert (subject, fate) == ("checkout", Fate.CHANGED)
    assert words in told


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (flag(trackEvents=True, migration={"checkRatio": 1}), "migration, trackEvents"),
        (
            flag(fallthrough={"rollout": {"kind": "experiment", "variations": [{"variation": 0, "weight": 100_000}]}}),
            "who is measured in it is not carried",
        ),
    ],
)
def test_what_is_lost_is_told(value, words):
    [(subject, fate, told)] = notes(imported(checkout=value))
    assert (subject, fate) == ("checkout", Fate.LOST)
    assert words in told


def test_a_big_segment_has_nobody_here():
    found = imported(
        segments={"big": {"unbounded": True, "included": ["ann"]}}, checkout=ruled(clause("segmentMatch", "big"))
    )
    [(subject, fate, told)] = notes(found)
    assert (subject, fate) == ("big", Fate.LOST)
    assert "a big segment" in told
    assert served(found, {"kind": "user", "key": "ann"}).value is False


def test_a_flag_without_an_off_variation_serves_the_codes_own_default():
    answer = served(imported(checkout=flag(on=False, offVariation=None)), {"key": "ann"})
    assert (answer.value, answer.reason) == (None, Reason.OFF)


def test_a_negated_clause_with_nothing_to_compare_holds_where_the_attribute_is_there():
    found = imported(checkout=ruled(clause("nearly", "a", negate=True)))
    assert [served(found, context).value for context in ({"key": "u", "x": 1}, {"key": "u"})] == [True, False]


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        (flag(offVariation=2), "offVariation", "found 2; the flag has the variations 0 to 1"),
        (flag(offVariation=-1), "offVariation", "found -1"),
        (flag(fallthrough={"variation": 2}), "fallthrough.variation", "found 2"),
        (flag(fallthrough={}), "fallthrough", "neither a variation nor a rollout"),
        (flag(fallthrough=None), "fallthrough", "allowed is a variation or a rollout"),
        (flag(fallthrough={"rollout": {"variations": []}}), "fallthrough.rollout.variations", "no entries"),
        (
            flag(fallthrough={"rollout": {"variations": [{"variation": 5, "weight": 1}]}}),
            "fallthrough.rollout.variations[0].variation",
            "found 5",
        ),
        (
            flag(fallthrough={"rollout": {"variations": [{"variation": 0, "weight": -1}]}}),
            "fallthrough.rollout.variations[0].weight",
            "found -1",
        ),
        (flag(targets=[{"variation": 7, "values": []}]), "targets[0].variation", "found 7"),
        (flag(targets=[{"values": []}]), "targets[0].variation", "is missing"),
        (flag(targets=["ann"]), "targets[0]", "allowed is an object"),
        (flag(targets=[{"variation": 0, "values": [5]}]), "targets[0].values[0]", "allowed is a text"),
        (ruled(clause("in", "a"), variation=3), "rules[0].variation", "found 3"),
        (ruled(clause("in", "a", attribute="")), "rules[0].clauses[0].attribute", "names no attribute"),
        (ruled(clause("in", attribute="/a~2", contextKind="user")), "rules[0].clauses[0].attribute", "a tilde"),
        (ruled(clause("in", attribute="/a//b", contextKind="user")), "rules[0].clauses[0].attribute", "empty name"),
        (ruled(clause(5, "a")), "rules[0].clauses[0].op", "allowed is a text"),
        (flag(on="yes"), "on", "allowed is true or false"),
        (flag(variations={}), "variations", "allowed is a list"),
        (ruled(clause("segmentMatch", "bad")), "rules", "it asks the segment bad, which was refused"),
        (ruled(clause("segmentMatch", "worse")), "rules", "it asks the segment worse, which was refused"),
    ],
)
def test_a_malformed_flag_is_refused_and_the_others_are_not(value, path, message):
    segments = {
        "bad": {"rules": [{"clauses": [clause("in", "a", attribute="")]}]},
        "worse": {"rules": [{"clauses": [clause("segmentMatch", "bad")]}]},
    }
    found = imported(segments=segments, checkout=value, fine=flag())
    assert [each.key for each in found.flags] == ["fine"]
    assert found.segments == ()
    refused = [each for each in refusals(found) if each[0] == "checkout"]
    assert [(each[0], each[1]) for each in refused] == [("checkout", path)]
    assert message in refused[0][2]


def test_rules_without_an_id_or_with_one_that_is_taken_are_numbered():
    rule = {"variation": 0, "clauses": []}
    [read] = imported(checkout=flag(rules=[rule | {"id": "a"}, rule, rule | {"id": "a"}])).flags
    assert [each.id for each in read.rules] == ["a", "rule-1", "rule-2"]


def test_without_regexes_patterns_are_taken_as_they_are():
    [read] = import_launchdarkly({"flags": {"checkout": ruled(clause("matches", "("))}}).flags
    assert read.rules[0].condition.values == ("(",)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"items": [{"key": "a"}]},
        {"flags": {}, "segments": {}},
        {"flags": {"a": {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on"}}},
        {"feature_management": {"feature_flags": [{"id": "a", "enabled": True}]}},
        {"flags": [{"key": "a", "variants": {"on": True}}], "segments": [{"key": "s", "included": []}]},
    ],
)
def test_the_document_of_another_product_and_an_empty_one_are_refused_as_a_whole(document):
    with pytest.raises(InvalidError, match="no LaunchDarkly SDK data"):
        import_launchdarkly(document)


def test_a_flag_of_another_product_among_its_own_is_refused_alone():
    found = imported(good=flag(), other={"state": "ENABLED", "variants": {"on": True}})

    assert ([each.key for each in found.flags], refusals(found)) == (
        ["good"],
        [("other", "variations", "is missing: this is no flag of LaunchDarkly")],
    )


@pytest.mark.parametrize("document", [{"items": [], "_links": {}}, {"key": "a", "environments": {}, "_links": {}}])
def test_the_form_of_the_rest_api_is_refused_with_where_the_sdk_data_are(document):
    with pytest.raises(InvalidError, match="sdk/latest-all"):
        import_launchdarkly(document)
