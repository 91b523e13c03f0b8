"""What is wrong with a flag is told when it is saved, with the field that it is in."""

from datetime import UTC, datetime

import pytest

from shared.domain.flags.model import (
    WHOLE,
    All,
    AnyOf,
    Attribute,
    Clause,
    During,
    FlagType,
    InLayer,
    InSegment,
    Members,
    Not,
    Operator,
    Prerequisite,
    Recurrence,
    RegionOverride,
    Rule,
    SegmentRule,
    Share,
    Split,
    Target,
    Variant,
)
from shared.domain.flags.problems import MOST_PATTERNS, MOST_VALUES, problems_of, problems_of_segment
from tests.unit.domain.flags.flags import flag, is_on, on_if, segment
from tests.unit.domain.flags.patterns import python_regexes

X = Attribute(("x",))
LATER, EARLIER = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


def told(asked, *others, segments=()):
    flags, known = {each.key: each for each in others}, {each.key: each for each in segments}
    return [(each.path, each.message) for each in problems_of(asked, flags, known, regexes=python_regexes)]


def clause(operator, *values):
    return Clause(attribute=X, operator=Operator(operator), values=values)


def split(*shares, **fields):
    return Split(shares=tuple(Share(*each) for each in shares), seed="", **fields)


@pytest.mark.parametrize(
    ("asked", "path", "message"),
    [
        (flag(off="gone"), "off", "no variant of this flag; allowed are on, off"),
        (flag(default="gone"), "default", "no variant"),
        (flag(default=split(("gone", WHOLE))), "default.split.shares[0].variant", "no variant"),
        (flag(default=split((None, WHOLE))), "default.split.shares[0].variant", "only a rule does"),
        (flag(default=split()), "default.split.shares", "no shares"),
        (flag(default=split(("on", 5))), "default.split.shares", "sum to 5"),
        (flag(default=split(("on", -1), ("off", WHOLE + 1))), "default.split.shares", "-1 or more"),
        (flag(default=split(("on", WHOLE), by=Attribute(()))), "default.split.by", "names nothing"),
        (flag(variants=(Variant("on", 1), Variant("off", value=False))), "variants.on", "type boolean"),
        (flag(type=FlagType.INTEGER, variants=(Variant("off", 1.5),)), "variants.off", "type integer"),
        (flag(variants=(Variant("off", value=True), Variant("off", value=False))), "variants", "twice"),
        (flag(schedule=During(since=LATER, until=EARLIER)), "schedule", "ends before it begins"),
        (flag(targets=(Target(variant="gone", values=()),)), "targets[0].variant", "no variant"),
        (flag(targets=(Target(variant="on", values=(), by=Attribute(("",))),)), "targets[0].by", "names nothing"),
        (flag(regions=(("westeurope", RegionOverride(default="gone")),)), "regions.westeurope.default", "no variant"),
        (flag(prerequisites=(Prerequisite("gone", ("on",)),)), "prerequisites[0].flag", "there is no flag 'gone'"),
        (
            flag(prerequisites=(Prerequisite("other", ("maybe",)),)),
            "prerequisites[0].variants[0]",
            "no variant of other",
        ),
        (flag(prerequisites=(Prerequisite("other", ()),)), "prerequisites[0].variants", "names no variant"),
        (flag(prerequisites=(Prerequisite("checkout", ("on",)),)), "prerequisites", "checkout -> checkout"),
        (flag(prerequisites=(Prerequisite("back", ("on",)),)), "prerequisites", "checkout -> back -> checkout"),
        (flag(rules=(Rule(id="r", condition=All(()), serve="gone"),)), "rules[0].serve", "no variant"),
        (flag(rules=(Rule(id="r", condition=All(()), serve="on"),) * 2), "rules[1].id", "an earlier rule"),
        (on_if(InSegment(("gone",))), "rules[0].if.segment", "there is no segment 'gone'"),
        (on_if(InSegment(("staff", "gone"))), "rules[0].if.segment[1]", "there is no segment 'gone'"),
        (on_if(InSegment(("broken",))), "rules[0].if.segment", "the segment broken is broken: rules[0].if.segment"),
        (on_if(InSegment(("circle",))), "rules[0].if", "circle -> circle"),
        (on_if(All((AnyOf((Not(clause("matches", "(")),)),))), "rules[0].if.all[0].any[0].not.values[0]", "RE2"),
        (on_if(clause("<", 1, "one")), "rules[0].if.values[1]", "allowed with < is a number"),
        (on_if(clause("before", "2026-01-01")), "rules[0].if.values[0]", "RFC 3339"),
        (on_if(clause("semver=", "v1")), "rules[0].if.values[0]", "a semantic version"),
        (on_if(clause("contains", 5)), "rules[0].if.values[0]", "a text"),
        (on_if(clause("is-set", 5)), "rules[0].if.values", "takes no values"),
        (on_if(Clause(attribute=Attribute(()), operator=Operator.IS_SET)), "rules[0].if.attribute", "names nothing"),
        (on_if(InLayer(layer="l", since=5, until=5)), "rules[0].if", "no part of a layer"),
        (on_if(InLayer(layer="l", since=0, until=WHOLE + 1)), "rules[0].if", "no part of a layer"),
        (on_if(During(since=EARLIER, recurrence=Recurrence(every=1))), "rules[0].if", "without a first occurrence"),
    ],
)
def test_each_problem_names_its_field(asked, path, message):
    other = flag("other")
    back = flag("back", prerequisites=(Prerequisite("checkout", ("on",)),))
    segments = [
        segment("staff"),
        segment("circle", rules=(SegmentRule(condition=InSegment(("circle",))),)),
        segment("broken", rules=(SegmentRule(condition=InSegment(("gone",))),)),
    ]
    [(where, why)] = told(asked, other, back, segments=segments)
    assert where == path
    assert message in why


def test_a_sound_flag_has_no_problems():
    asked = flag(
        default=split(("on", 20_000), ("off", 80_000)),
        prerequisites=(Prerequisite("other", ("on", "off")),),
        rules=(Rule(id="r", condition=InSegment(("staff",)), serve=split(("on", 1), (None, WHOLE - 1))),),
    )
    assert told(asked, flag("other"), segments=[segment()]) == []


def test_all_problems_are_told_at_once():
    asked = flag(default="gone", off="gone", rules=(Rule(id="r", condition=InSegment(("gone",)), serve="gone"),))
    assert [path for path, _ in told(asked)] == ["off", "default", "rules[0].if.segment", "rules[0].serve"]


def test_conditions_and_prerequisites_may_nest_twenty_levels():
    deep = clause("in", "x")
    for _ in range(19):
        deep = Not(deep)
    needs = [flag(f"f{n}", prerequisites=(Prerequisite(f"f{n + 1}", ("on",)),)) for n in range(1, 22)]
    assert told(on_if(deep)) == []
    assert told(on_if(Not(deep))) == [("rules[0].if", "conditions and segments nest deeper than 20 levels")]
    [(path, why)] = told(flag(prerequisites=(Prerequisite("f1", ("on",)),)), *needs)
    assert (path, why) == ("prerequisites", "prerequisites nest deeper than 20 levels")


def test_the_flag_is_looked_at_as_it_will_be():
    """It is asked among the others as they stand, but it stands there itself in its new form."""
    new = flag(prerequisites=(Prerequisite("other", ("on",)),))
    other = flag("other", prerequisites=(Prerequisite("checkout", ("on",)),))
    assert told(new, flag("checkout"), other)[0][0] == "prerequisites"


def test_patterns_are_looked_at_where_somebody_can_read_them():
    assert problems_of(on_if(clause("matches", "(")), {}, {}) == ()


def test_a_segment_is_told_its_problems_too():
    circle = segment("a", rules=(SegmentRule(condition=InSegment(("b",))),))
    other = segment("b", rules=(SegmentRule(condition=InSegment(("a",))),))
    [problem] = problems_of_segment(circle, {"b": other}, regexes=python_regexes)
    assert (problem.path, "a -> b -> a" in problem.message) == ("rules", True)
    wrong = segment(rules=(SegmentRule(condition=clause("matches", "("), share=split(("in", -1))),))
    found = problems_of_segment(wrong, {}, regexes=python_regexes)
    assert [each.path for each in found] == ["rules[0].if.values[0]", "rules[0].share.shares"]


def test_more_patterns_than_can_be_made_ready_while_somebody_waits_are_refused_before_any_is():
    made = []

    def counted(pattern):
        made.append(pattern)
        return python_regexes(pattern)

    def deep(count):
        return Not(AnyOf((All((clause("matches", *map(str, range(count))),)), clause("in", "x"))))

    assert problems_of(on_if(deep(MOST_PATTERNS)), {}, {}, regexes=counted) == ()
    assert len(made) == MOST_PATTERNS
    for problems in (
        problems_of(on_if(deep(MOST_PATTERNS + 1)), {}, {}, regexes=counted),
        problems_of_segment(segment(rules=(SegmentRule(condition=deep(MOST_PATTERNS + 1)),)), {}, regexes=counted),
    ):
        assert [(each.path, f"{MOST_PATTERNS} regular expressions" in each.message) for each in problems] == [
            ("rules", True)
        ]
    assert len(made) == MOST_PATTERNS


def test_no_flag_and_no_segment_compares_with_more_values_than_a_document_may():
    half = Clause(attribute=X, operator=Operator.IN, values=tuple(map(str, range(MOST_VALUES // 2))))
    inner = Not(All((half, half)))
    target = Target(variant="on", values=("one more",))

    assert told(on_if(inner)) == []
    assert told(on_if(inner, targets=(target,))) == [
        ("", "compares with 10001 values; allowed are at most 10000 a flag: make a segment of them")
    ]
    members = Members(tuple(map(str, range(MOST_VALUES))))
    assert problems_of_segment(segment(included=(members,)), {}) == ()
    [problem] = problems_of_segment(segment(included=(members, Members(("one more",)))), {})
    assert problem.message == "compares with 10001 values; allowed are at most 10000 a segment"


def test_a_flag_that_was_saved_before_there_was_a_limit_is_served_on():
    values = tuple(map(str, range(MOST_VALUES + 1)))

    assert is_on(Clause(attribute=X, operator=Operator.IN, values=values), {"x": "7"})
