"""What is explained is what is served."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.flags.buckets import line_of
from shared.domain.flags.compile import compile_flags
from shared.domain.flags.evaluation import ErrorCode
from shared.domain.flags.explain import explain
from shared.domain.flags.explanation import Asked
from shared.domain.flags.model import (
    WHOLE,
    All,
    AnyOf,
    Attribute,
    Clause,
    During,
    InLayer,
    InSegment,
    Members,
    Operator,
    Prerequisite,
    Rule,
    SegmentRule,
    Share,
    Split,
    Target,
)
from tests.unit.domain.flags.flags import NOON, flag, on_if, segment
from tests.unit.domain.flags.patterns import python_regexes
from tests.unit.domain.flags.random_flags import (
    BEGIN,
    REGIONS,
    all_flags,
    all_segments,
    contexts,
    moments,
    sound_segments,
)


def agree(flags, segments, asking, now, region):
    rules = compile_flags(flags, segments, regexes=python_regexes)
    by_key, by_name = {flag.key: flag for flag in flags}, {segment.key: segment for segment in segments}
    for context in asking:
        for key in by_key:
            told = explain(key, context, by_key, by_name, now=now, region=region, regexes=python_regexes)
            assert told.evaluation == rules.evaluate(key, context, now=now, region=region)


worlds = given(
    all_flags, all_segments, st.lists(contexts, min_size=1, max_size=4), moments, st.sampled_from([*REGIONS, ""])
)


@settings(max_examples=120, deadline=None)
@given(sound_segments, st.lists(contexts, min_size=5, max_size=10), moments)
def test_who_is_told_to_be_in_a_segment_is_in_it(segments, asking, now):
    conditions = [InSegment((each.key,)) for each in segments]
    agree([on_if(each, key=each.segments[0]) for each in conditions], segments, asking, now, "")


@settings(max_examples=50, deadline=None)
@worlds
def test_what_is_explained_is_what_is_served(flags, segments, asking, now, region):
    agree(flags, segments, asking, now, region)


@pytest.mark.long
@settings(max_examples=1000, deadline=None)
@worlds
def test_what_is_explained_is_what_is_served_in_many_worlds(flags, segments, asking, now, region):
    agree(flags, segments, asking, now, region)


def test_who_lacks_the_attribute_of_a_default_is_told_the_share_that_is_served():
    shares = (Share("on", WHOLE), Share("off", 0))
    ended = flag(default=Split(shares=shares, seed="s", by=Attribute(("tenant",))))
    agree([ended], [], [{"targetingKey": "ann"}], NOON, "")


PRO = Clause(attribute=Attribute(("plan",)), operator=Operator.IN, values=("pro",))
ANN = {"targetingKey": "ann", "plan": "pro", "groups": ["ring1"]}


def told(flags, segments=(), context=ANN):
    by_key, by_name = {each.key: each for each in flags}, {each.key: each for each in segments}
    return explain(flags[0].key, context, by_key, by_name, now=NOON, region="westeurope", regexes=python_regexes)


def lines(steps, depth=0):
    """Each question in one line: what, where, and what came of it."""
    for step in steps:
        yield f"{'  ' * depth}{step.asked} {step.path}: {step.outcome}"
        yield from lines(step.steps, depth + 1)


def test_every_question_is_told_in_its_order_with_what_came_of_it():
    staff = segment(excluded=(Members(("bob",)),), rules=(SegmentRule(condition=PRO),))
    asked = flag(
        schedule=During(until=BEGIN + timedelta(days=1000)),
        prerequisites=(Prerequisite("other", ("on",)),),
        targets=(Target(variant="on", values=("ring2",), by=Attribute(("groups",))),),
        rules=(
            Rule(id="none", condition=AnyOf((InLayer(layer="l", since=0, until=1),)), serve="on"),
            Rule(id="staff", condition=All((InSegment(("staff",)), PRO)), serve=half()),
        ),
    )
    found = told([asked, flag("other", default="on")], [staff])
    assert list(lines(found.steps)) == [
        "kill-switch killed: False",
        "enabled enabled: True",
        "schedule schedule: True",
        "prerequisite prerequisites[0]: True",
        "  kill-switch killed: False",
        "  enabled enabled: True",
        "  default default: True",
        "target targets[0]: False",
        "rule rules[0]: False",
        "  any rules[0].if: False",
        "    layer rules[0].if.any[0]: False",
        "rule rules[1]: True",
        "  all rules[1].if: True",
        "    any rules[1].if.all[0]: True",
        "      segment rules[1].if.all[0]: True",
        "        target excluded[0]: False",
        "        rule rules[0]: True",
        "          clause rules[0].if: True",
        "    clause rules[1].if.all[1]: True",
        "  split rules[1].serve.split: True",
    ]


def half():
    return Split(shares=(Share("on", WHOLE // 2), Share("off", WHOLE // 2)), seed="checkout")


def test_what_a_question_found_is_told():
    asked = flag(rules=(Rule(id="pros", condition=PRO, serve=half()),))
    rule = told([asked]).steps[-1]
    clause, split = rule.steps
    assert (rule.words, clause.found, clause.words) == ("pros", "pro", "in")
    assert (split.found, split.words) == ("ann", told([asked]).evaluation.variant)
    assert split.place == pytest.approx(line_of(half()).place_of("ann") / 2**64 * WHOLE)


def test_a_broken_flag_is_told_to_be_broken():
    last = told([on_if(InSegment(("gone",)))]).steps[-1]
    assert (last.asked, last.outcome) == (Asked.SOUND, False)
    assert "there is no segment 'gone'" in last.words


def test_what_is_told_of_a_user_without_a_key_is_that_there_is_none():
    found = told([flag(default=half())], context={})
    [split] = found.steps[-1].steps
    assert (split.outcome, split.found, split.place) == (False, None, None)
    assert found.evaluation.error is ErrorCode.TARGETING_KEY_MISSING
