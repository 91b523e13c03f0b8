"""What is written for LaunchDarkly's SDKs serves the same when it comes back, and what has no word there is noted."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.flags.compile import compile_flags
from shared.domain.flags.model import (
    BY_KEY,
    AnyOf,
    Attribute,
    Clause,
    During,
    Flag,
    FlagType,
    Hashing,
    InLayer,
    InSegment,
    Members,
    Not,
    Operator,
    Prerequisite,
    Rule,
    Segment,
    SegmentRule,
    Share,
    Split,
    Target,
    Variant,
)
from shared.wire.flags.launchdarkly import import_launchdarkly
from shared.wire.flags.launchdarkly_export import export_launchdarkly
from shared.wire.flags.notes import Fate
from tests.unit.wire.flags.flag_values import clauses, contexts, flags, plain_flags, segments

USER_KEY = Attribute(("key",), "user")
VARIANTS = (Variant("true", value=True), Variant("false", value=False))


def flag(**members):
    given = {"key": "f", "type": FlagType.BOOLEAN, "variants": VARIANTS, "default": "false", "off": "false"}
    return Flag(**(given | members))


def lost(exported):
    return [note.words for note in exported.notes if note.fate is not Fate.CHANGED]


def ruleset(listed, segments=()):
    return compile_flags(listed, segments, regexes=lambda text: re.compile(text).search)


def test_splits_targets_and_segments_come_back_as_they_were():
    share = Split(
        shares=(Share("in", 30_000), Share(None, 70_000)), seed="s.salt", by=USER_KEY, hashing=Hashing.LAUNCHDARKLY
    )
    segment = Segment(
        key="s",
        included=(Members(("ann",), USER_KEY),),
        rules=(
            SegmentRule(
                condition=Clause(
                    attribute=Attribute(("email",), "user"), operator=Operator.ENDS_WITH, values=("@x.example",)
                ),
                share=share,
            ),
        ),
    )
    split = Split(
        shares=(Share("true", 20_000), Share("false", 80_000)),
        seed="f.pepper",
        by=USER_KEY,
        hashing=Hashing.LAUNCHDARKLY,
    )
    written = flag(default=split, rules=(Rule(id="r", condition=InSegment(("s",)), serve="true"),))

    exported = export_launchdarkly([written], [segment])
    back = import_launchdarkly(exported.document)

    assert lost(exported) == []
    assert (exported.document["flags"]["f"]["salt"], exported.document["segments"]["s"]["salt"]) == ("pepper", "salt")
    assert back.refused == ()
    before, after = ruleset([written], [segment]), ruleset(back.flags, back.segments)
    for number in range(200):
        context = {"kind": "user", "key": f"user-{number}", "email": "u@x.example"}
        assert (
            before.evaluate("f", context, now=0.0, region="").value
            == after.evaluate("f", context, now=0.0, region="").value
        )


def test_any_becomes_several_rules():
    either = AnyOf(tuple(Clause(attribute=Attribute((name,)), operator=Operator.IN, values=(1,)) for name in "ab"))

    exported = export_launchdarkly([flag(rules=(Rule(id="r", condition=either, serve="true"),))])

    rules = exported.document["flags"]["f"]["rules"]
    assert [(rule["id"], rule["clauses"][0]["attribute"]) for rule in rules] == [("r-1", "a"), ("r-2", "b")]


def test_a_seed_of_its_own_is_a_number():
    split = Split(
        shares=(Share("true", 1), Share("false", 99_999)), seed="61", by=USER_KEY, hashing=Hashing.LAUNCHDARKLY
    )

    exported = export_launchdarkly([flag(default=split)])

    assert exported.document["flags"]["f"]["fallthrough"]["rollout"]["seed"] == 61
    assert lost(exported) == []


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"rules": (Rule(id="r", condition=InLayer(layer="l", since=0, until=1), serve="true"),)}, "a part of a layer"),
        ({"rules": (Rule(id="r", condition=During(), serve="true"),)}, "a time window"),
        ({"rules": (Rule(id="r", condition=Not(InSegment(("s",))), serve="true"),)}, "a negated condition"),
        ({"owner": "ann"}, "the field owner"),
        ({"schedule": During()}, "the field schedule"),
        ({"prerequisites": (Prerequisite("other", ("on",)),)}, "that other must be on"),
        ({"default": Split(shares=(Share("true", 100_000),), seed="f")}, "does not hash as slipway does"),
        (
            {
                "rules": (
                    Rule(id="r", condition=InSegment(("s",)), serve=Split(shares=(Share(None, 100_000),), seed="f")),
                )
            },
            "passes users on",
        ),
    ],
)
def test_what_has_no_word_there_is_noted(members, says):
    assert any(says in words for words in lost(export_launchdarkly([flag(**members)])))


def test_an_attribute_with_an_empty_name_is_noted_and_named_nowhere():
    where = Attribute(("", "x"))
    split = Split(shares=(Share("true", 1), Share("false", 99_999)), seed="61", by=where, hashing=Hashing.LAUNCHDARKLY)
    clause = Clause(attribute=where, operator=Operator.IN, values=(1,))
    rules = (Rule(id="r", condition=clause, serve="true"),)

    exported = export_launchdarkly(
        [flag(default=split, rules=rules, targets=(Target(variant="true", values=("u",), by=where),))]
    )

    assert lost(exported) == [
        "a target of true by another attribute than the key",
        "the rule r: an attribute with an empty name",
        "an attribute has no empty name there",
    ]
    assert "//x" not in json.dumps(exported.document)


@settings(max_examples=40, deadline=None)
@given(st.lists(flags(), max_size=2), segments())
def test_everything_can_be_written(listed, segment):
    document = export_launchdarkly(listed, [segment]).document

    assert json.loads(json.dumps(document)) == document


PLACES = st.sampled_from([BY_KEY, Attribute(("email",))])


@settings(max_examples=60, deadline=None)
@given(plain_flags(clauses(), Hashing.LAUNCHDARKLY, PLACES), st.lists(contexts(), min_size=5, max_size=5))
def test_what_is_exported_without_loss_serves_the_same(written, asking):
    exported = export_launchdarkly([written])
    if lost(exported) or any("reads as a number" in note.words for note in exported.notes):
        return
    back = import_launchdarkly(exported.document)
    assert back.refused == ()
    before, after = ruleset([written]), ruleset(back.flags)
    for context in asking:
        if "targetingKey" in context:
            asked = [each.evaluate("f", context, now=1.8e9, region="") for each in (before, after)]
            assert asked[0].value == asked[1].value
