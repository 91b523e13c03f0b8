"""What a flag serves: the order of its questions, what is missing, what is broken."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.flags.compile import compile_flags, next_boundary
from shared.domain.flags.evaluation import ErrorCode, Reason
from shared.domain.flags.model import (
    WHOLE,
    All,
    AnyOf,
    Attribute,
    Clause,
    During,
    FlagType,
    Hashing,
    InSegment,
    Members,
    Not,
    Operator,
    Prerequisite,
    RegionOverride,
    Rule,
    SegmentRule,
    Share,
    Split,
    Target,
    Variant,
)
from tests.unit.domain.flags.flags import NOON, evaluated, flag, is_on, on_if, segment
from tests.unit.domain.flags.patterns import python_regexes

ANN = {"targetingKey": "ann", "plan": "pro"}
PRO = Clause(attribute=Attribute(("plan",)), operator=Operator.IN, values=("pro",))
PAST = During(until=datetime.fromtimestamp(NOON - 1, tz=UTC))


def half(*variants, **fields):
    first, second = variants or ("on", "off")
    fields = {"seed": "checkout"} | fields
    return Split(shares=(Share(first, WHOLE // 2), Share(second, WHOLE // 2)), **fields)


def served(*flags, context=ANN, **fields):
    found = evaluated(list(flags), context, **fields)
    return found.variant, found.reason, found.because


def test_a_flag_without_questions_serves_everybody_the_same():
    assert served(flag(default="on")) == ("on", Reason.STATIC, "")


def test_the_first_answer_stands():
    """Each question taken away lets the next one answer."""
    everything = {
        "killed": True,
        "enabled": False,
        "schedule": PAST,
        "prerequisites": (Prerequisite("other", ("on",)),),
        "targets": (Target(variant="on", values=("ann",)),),
        "rules": (Rule(id="pros", condition=PRO, serve="on"),),
        "default": "on",
    }
    other = flag("other")
    expected = [
        ("off", Reason.KILLED, ""),
        ("off", Reason.OFF, ""),
        ("off", Reason.OUTSIDE_SCHEDULE, ""),
        ("off", Reason.PREREQUISITE, "other"),
        ("on", Reason.TARGET, ""),
        ("on", Reason.RULE, "pros"),
        ("on", Reason.STATIC, ""),
    ]
    for answer, asked in zip(expected, everything, strict=True):
        assert served(flag(**everything), other) == answer
        everything = {name: value for name, value in everything.items() if name != asked}


def test_a_rule_that_nobody_meets_leaves_the_default():
    assert served(on_if(PRO), context={"targetingKey": "bob"}) == ("off", Reason.DEFAULT, "")


def test_the_first_rule_that_holds_answers():
    rules = (Rule(id="none", condition=AnyOf(()), serve="on"), Rule(id="all", condition=All(()), serve="on"))
    assert served(flag(rules=rules)) == ("on", Reason.RULE, "all")


def test_a_share_without_a_variant_passes_its_users_on():
    passing = Split(shares=(Share("on", 0), Share(None, WHOLE)), seed="checkout")
    rules = (Rule(id="some", condition=PRO, serve=passing), Rule(id="rest", condition=PRO, serve="on"))
    assert served(flag(rules=rules)) == ("on", Reason.RULE, "rest")


def test_a_split_says_whose_it_is():
    everybody = Split(shares=(Share("on", WHOLE),), seed="checkout")
    assert served(flag(rules=(Rule(id="half", condition=PRO, serve=everybody),))) == ("on", Reason.SPLIT, "half")
    assert served(flag(default=everybody)) == ("on", Reason.SPLIT, "")


def test_the_first_target_that_names_somebody_answers():
    targets = (
        Target(variant="on", values=("bob",)),
        Target(variant="off", values=("ann", "bob")),
        Target(variant="on", values=("ann",)),
    )
    assert served(flag(targets=targets)) == ("off", Reason.TARGET, "")
    assert served(flag(targets=targets), context={"targetingKey": "bob"}) == ("on", Reason.TARGET, "")


def test_a_target_may_look_at_a_list():
    groups = Target(variant="on", values=("ring1", "ring2"), by=Attribute(("groups",)))
    assert served(flag(targets=(groups,)), context={"groups": ["staff", "ring2"]})[0] == "on"
    assert served(flag(targets=(groups,)), context={"groups": ["staff"]})[0] == "off"


def test_of_several_targets_that_a_list_names_the_first_answers_whatever_the_order_of_the_list():
    targets = (
        Target(variant="on", values=("ring1",), by=Attribute(("groups",))),
        Target(variant="off", values=("ring2",), by=Attribute(("groups",))),
    )
    assert served(flag(targets=targets), context={"groups": ["ring2", "ring1"]})[0] == "on"


@pytest.mark.parametrize(
    ("override", "enabled", "expected"),
    [
        (RegionOverride(), True, ("off", Reason.DEFAULT, "")),
        (RegionOverride(enabled=False), True, ("off", Reason.OFF, "")),
        (RegionOverride(enabled=True, default="on"), False, ("on", Reason.DEFAULT, "")),
        (RegionOverride(default="on"), True, ("on", Reason.DEFAULT, "")),
        (RegionOverride(default="on"), False, ("off", Reason.OFF, "")),
    ],
)
def test_a_region_does_otherwise(override, enabled, expected):
    regional = flag(enabled=enabled, regions=(("westeurope", override),))
    assert served(regional, region="westeurope") == expected
    assert served(regional, context={"region": "westeurope"}, region="northeurope") == expected
    elsewhere = ("off", Reason.DEFAULT if enabled else Reason.OFF, "")
    assert served(regional, region="northeurope") == elsewhere
    assert served(regional, context={"region": "northeurope"}, region="westeurope") == elsewhere


def test_the_kill_switch_stands_above_the_region():
    killed = flag(killed=True, regions=(("westeurope", RegionOverride(enabled=True, default="on")),))
    assert served(killed, region="westeurope") == ("off", Reason.KILLED, "")


@pytest.mark.parametrize(
    ("needed", "met"),
    [
        (flag("other", default="on"), True),
        (flag("other"), False),
        (flag("other", default="on", enabled=False, off="on"), False),
        (flag("other", default="on", killed=True, off="on"), False),
        (flag("other", default="on", schedule=PAST, off="on"), False),
        (flag("other", default="gone", off="on"), False),
        (flag("other", off="on", prerequisites=(Prerequisite("third", ("on",)),)), True),
        (flag("another", default="on"), False),
    ],
)
def test_a_prerequisite_is_met_by_a_flag_that_is_on_and_serves_what_is_asked(needed, met):
    asking = flag(default="on", prerequisites=(Prerequisite("other", ("on",)),))
    expected = ("on", Reason.DEFAULT, "") if met else ("off", Reason.PREREQUISITE, "other")
    assert served(asking, needed) == expected


def test_a_prerequisite_may_have_prerequisites():
    third = flag("third")
    second = flag("second", default="on", prerequisites=(Prerequisite("third", ("on",)),))
    first = flag(default="on", prerequisites=(Prerequisite("second", ("on",)),))
    assert served(first, second, third) == ("off", Reason.PREREQUISITE, "second")
    assert served(first, second, flag("third", default="on")) == ("on", Reason.DEFAULT, "")


@pytest.mark.parametrize("context", [{}, {"targetingKey": None}, {"targetingKey": True}, {"targetingKey": ["ann"]}])
@pytest.mark.parametrize("hashing", [each for each in Hashing if each is not Hashing.LAUNCHDARKLY])
def test_a_split_of_users_needs_to_know_who_asks(context, hashing):
    by_default = flag(default=half("on", "on", hashing=hashing))
    by_rule = flag(rules=(Rule(id="r", condition=All(()), serve=half("on", "on", hashing=hashing)),))
    for asked in (by_default, by_rule):
        found = evaluated(asked, context)
        assert (found.variant, found.reason, found.error) == ("off", Reason.ERROR, ErrorCode.TARGETING_KEY_MISSING)


def test_who_needs_a_flag_that_needs_the_key_needs_it_too():
    asking = flag(default="on", prerequisites=(Prerequisite("other", ("on",)),))
    found = evaluated([asking, flag("other", default=half())], {})
    assert (found.flag, found.error) == ("checkout", ErrorCode.TARGETING_KEY_MISSING)


def test_a_rule_that_answers_first_needs_no_key():
    asked = flag(rules=(Rule(id="pros", condition=PRO, serve="on"),), default=half())
    assert evaluated(asked, {"plan": "pro"}).reason is Reason.RULE


def test_without_the_attribute_a_split_passes_on_in_a_rule_and_serves_the_last_share_by_default():
    tenants = half("on", "off", by=Attribute(("tenant",)))
    rules = (Rule(id="tenants", condition=PRO, serve=tenants), Rule(id="rest", condition=PRO, serve="on"))
    assert served(flag(rules=rules)) == ("on", Reason.RULE, "rest")
    assert served(flag(default=half("off", "on", by=Attribute(("tenant",))))) == ("on", Reason.SPLIT, "")
    ended = Split(shares=(Share("on", WHOLE), Share("off", 0)), seed="s", by=Attribute(("tenant",)))
    assert served(flag(default=ended)) == ("on", Reason.SPLIT, ""), "a share of nobody is nobody's"


def test_launchdarkly_places_whom_it_cannot_place_at_the_beginning():
    asked = half("on", "off", hashing=Hashing.LAUNCHDARKLY, by=Attribute(("key",), "organisation"))
    assert served(flag(default=asked)) == ("on", Reason.SPLIT, "")


def test_a_segment_has_who_is_included_and_else_who_meets_a_rule_and_is_not_excluded():
    staff = segment(
        included=(Members(("ann", "bob")),),
        excluded=(Members(("bob", "cid")),),
        rules=(SegmentRule(condition=PRO),),
    )
    inside = [
        is_on(InSegment(("staff",)), {"targetingKey": key, "plan": plan}, segments=[staff])
        for key, plan in (("ann", ""), ("bob", ""), ("cid", "pro"), ("dan", "pro"), ("dan", "free"))
    ]
    assert inside == [True, True, False, True, False]


def test_a_segments_share_has_nobody_who_has_no_key():
    share = Split(shares=(Share("in", WHOLE), Share(None, 0)), seed="staff")
    staff = segment(rules=(SegmentRule(condition=All(()), share=share),))
    assert is_on(InSegment(("staff",)), {"targetingKey": "ann"}, segments=[staff])
    assert not is_on(InSegment(("staff",)), {}, segments=[staff])


def test_segments_are_in_segments():
    inner, outer = segment("inner", rules=(SegmentRule(condition=PRO),)), InSegment(("inner",))
    outside = segment("outside", rules=(SegmentRule(condition=Not(outer)),))
    assert is_on(InSegment(("inner", "outside")), {}, segments=[inner, outside])
    assert not is_on(InSegment(("inner", "outside"), negated=True), ANN, segments=[inner, outside])
    assert not is_on(InSegment(("outside",)), ANN, segments=[inner, outside])


@pytest.mark.parametrize(
    "broken",
    [
        on_if(InSegment(("gone",))),
        on_if(InSegment(("circle",))),
        on_if(InSegment(("broken",))),
        on_if(Clause(attribute=Attribute(("x",)), operator=Operator.MATCHES, values=("(",))),
        on_if(Clause(attribute=Attribute(()), operator=Operator.IN, values=("x",))),
        on_if(During()),
        flag(default="gone"),
        flag(default=Split(shares=(), seed="")),
        flag(default=Split(shares=(Share("on", -1), Share("off", WHOLE)), seed="")),
        flag(default=Split(shares=(Share("on", 1), Share(None, WHOLE)), seed="")),
        flag(rules=(Rule(id="r", condition=PRO, serve="gone"),)),
        flag(targets=(Target(variant="gone", values=("ann",)),)),
        flag(regions=(("westeurope", RegionOverride(default="gone")),)),
        flag(schedule=During(since=datetime(2026, 1, 2, tzinfo=UTC), until=datetime(2026, 1, 1, tzinfo=UTC))),
        flag(prerequisites=(Prerequisite("checkout", ("on",)),)),
        flag(prerequisites=(Prerequisite("second", ("on",)),)),
        flag(variants=(Variant("on", value=True), Variant("off", value=False), Variant("on", value=None))),
    ],
)
def test_a_broken_flag_serves_its_off_variant_alone_and_says_why(broken):
    second = flag("second", prerequisites=(Prerequisite("third", ("on",)),))
    third = flag("third", prerequisites=(Prerequisite("second", ("on",)),))
    segments = [
        segment("circle", rules=(SegmentRule(condition=InSegment(("circle",))),)),
        segment("broken", rules=(SegmentRule(condition=InSegment(("gone",))),)),
    ]
    fine = flag("fine", default="on")
    rules = compile_flags([broken, second, third, fine], segments, regexes=python_regexes)
    found = rules.evaluate("checkout", ANN, now=NOON, region="")
    assert (found.variant, found.value, found.reason) == ("off", False, Reason.ERROR)
    assert found.error is ErrorCode.PARSE_ERROR
    assert found.because
    assert [each.variant for each in rules.evaluate_all(ANN, now=NOON, region="")][-1] == "on"


@pytest.mark.parametrize(("value", "expected"), [(1, "1.0"), (1.5, "1.5"), (10**400, f"{10**400}")])
def test_a_number_is_served_as_a_float_as_far_as_there_are_any(value, expected):
    number = flag(type=FlagType.NUMBER, variants=(Variant("on", value), Variant("off", 0)), default="on")
    assert repr(evaluated(number).value) == expected


def test_a_broken_flag_that_is_off_is_off():
    assert evaluated(flag(default="gone", enabled=False)).reason is Reason.OFF
    assert evaluated(flag(default="gone", killed=True)).reason is Reason.KILLED


def test_a_flag_whose_off_variant_is_gone_has_no_value():
    found = evaluated(flag(off="gone"))
    assert (found.variant, found.value, found.error) == ("gone", None, ErrorCode.PARSE_ERROR)


def test_a_flag_that_is_not_there_is_an_answer_too():
    rules = compile_flags([], [], regexes=python_regexes)
    assert rules.evaluate("gone", ANN, now=NOON, region="").error is ErrorCode.FLAG_NOT_FOUND


def test_nesting_cannot_overflow_the_stack():
    deep = PRO
    for _ in range(5000):
        deep = Not(deep)
    chain = [segment(f"s{n}", rules=(SegmentRule(condition=InSegment((f"s{n + 1}",))),)) for n in range(5000)]
    needs = [flag(f"f{n}", prerequisites=(Prerequisite(f"f{n + 1}", ("on",)),)) for n in range(5000)]
    for asked in ([on_if(deep)], [on_if(InSegment(("s0",)))], needs):
        assert evaluated(asked, ANN, segments=chain).error is ErrorCode.PARSE_ERROR


def test_the_deepest_nesting_is_asked():
    deep = PRO
    for _ in range(18):
        deep = Not(deep)
    assert is_on(deep, ANN)
    chain = [segment(f"s{n}", rules=(SegmentRule(condition=InSegment((f"s{n + 1}",))),)) for n in range(18)]
    last = segment("s18", rules=(SegmentRule(condition=PRO),))
    assert is_on(InSegment(("s0",)), ANN, segments=[*chain, last])
    needs = [flag(f"f{n}", default="on", prerequisites=(Prerequisite(f"f{n + 1}", ("on",)),)) for n in range(20)]
    assert evaluated([*needs, flag("f20", default="on")]).variant == "on"


def test_a_web_of_segments_is_looked_at_in_no_time():
    web = [
        segment(f"s{n}", rules=tuple(SegmentRule(condition=InSegment((f"s{n + 1}",))) for _ in range(4)))
        for n in range(17)
    ]
    assert is_on(InSegment(("s0",)), ANN, segments=[*web, segment("s17", rules=(SegmentRule(condition=PRO),))])


def test_everybody_who_gets_an_answer_gets_the_same_one():
    rules = compile_flags([flag(default=half())], [], regexes=python_regexes)
    answers = {id(rules.evaluate("checkout", {"targetingKey": f"{n}"}, now=NOON, region="")) for n in range(100)}
    assert len(answers) == 2


def test_what_did_not_change_is_not_compiled_again():
    begin = datetime.fromtimestamp(NOON, tz=UTC)
    alone = [flag(f"f{n}", default=half(), schedule=During(since=begin - timedelta(days=n))) for n in (1, 2)]
    needing = [on_if(InSegment(("staff",)), key="segment"), flag("need", prerequisites=(Prerequisite("f1", ("on",)),))]
    staff = segment(rules=(SegmentRule(condition=PRO),))
    before = compile_flags([*alone, *needing], [staff], regexes=python_regexes)
    before.evaluate_all(ANN, now=NOON, region="")
    new = [alone[0], flag("f2", default="on"), *needing, flag("f3", default="on")]
    after = compile_flags(new, [segment()], regexes=python_regexes, earlier=before)
    fresh = compile_flags(new, [segment()], regexes=python_regexes)
    assert dict(after.alone) == {"f1": before.alone["f1"]}
    assert after.evaluate_all(ANN, now=NOON, region="") == fresh.evaluate_all(ANN, now=NOON, region="")
    assert after.alone["f1"] is before.alone["f1"]
    assert set(after.alone) == {"f1", "f2", "f3"}
    assert after.windows == fresh.windows
    assert before.evaluate("segment", ANN, now=NOON, region="").variant == "on"


@pytest.mark.parametrize("value", [10**400, -(10**400), 1e308, float("inf"), float("nan"), "\ud800", [[]], {"": {}}])
def test_no_value_of_a_context_is_too_strange_to_ask_about(value):
    context = {"targetingKey": value, "x": value, "region": value, "kind": value}
    wanted = (10**400, -1.0, "5", "\udfff", [[]], {}, "2026-01-01T00:00:00Z", "1.0.0", None, True)
    clauses = [
        Clause(attribute=Attribute(("x",), kind), operator=operator, values=wanted, negated=True, ignores_case=ignores)
        for operator in Operator
        for kind in (None, "user")
        for ignores in (True, False)
        if operator is not Operator.MATCHES
    ]
    flags = [on_if(each, key=f"c{number}") for number, each in enumerate(clauses)]
    for by in (Attribute(("x",)), Attribute(("targetingKey",))):
        for seed in ("", "seed"):
            flags += [flag(f"{by}{seed}{each}", default=half(seed=seed, by=by, hashing=each)) for each in Hashing]
    rules = compile_flags(flags, [], regexes=python_regexes)
    assert len(rules.evaluate_all(context, now=NOON, region="westeurope")) == len(flags)


def test_a_flag_and_the_segments_that_it_asks_for_are_compiled_when_it_is_first_asked_for():
    made = []

    def regexes(pattern):
        made.append(pattern)
        return python_regexes(pattern)

    def matches(pattern):
        return Clause(attribute=Attribute(("x",)), operator=Operator.MATCHES, values=(pattern,))

    segments = [segment(key, rules=(SegmentRule(condition=matches(key)),)) for key in ("staff", "other")]
    needed = on_if(matches("b"), key="b")
    flags = [on_if(InSegment(("staff",)), key="a", prerequisites=(Prerequisite("b", ("on",)),)), needed]
    rules = compile_flags([*flags, on_if(matches("c"), key="c")], segments, regexes=regexes)
    assert made == []
    rules.evaluate("a", {"x": "b staff"}, now=NOON, region="")
    assert made == ["staff", "b"]
    rules.evaluate("a", {"x": "b staff"}, now=NOON, region="")
    rules.evaluate("b", {}, now=NOON, region="")
    assert made == ["staff", "b"]


def test_a_flag_that_cannot_even_be_compiled_answers_for_itself_alone():
    def regexes(pattern):
        raise RuntimeError(pattern)

    clause = Clause(attribute=Attribute(("x",)), operator=Operator.MATCHES, values=("sad",))
    needs = flag("needs", prerequisites=(Prerequisite("sad", ("on",)),))
    rules = compile_flags([on_if(clause, key="sad"), needs, flag("fine", default="on")], [], regexes=regexes)
    for _ in range(2):
        sad, unmet, fine = rules.evaluate_all(ANN, now=NOON, region="")
        assert (sad.variant, sad.value, sad.error) == ("off", False, ErrorCode.GENERAL)
        assert "sad" in sad.because
        assert (unmet.reason, fine.variant) == (Reason.PREREQUISITE, "on")


def test_nothing_is_remembered_of_flags_that_are_not_there():
    rules = compile_flags([flag()], [], regexes=python_regexes)
    for number in range(100):
        assert rules.evaluate(f"gone-{number}", ANN, now=NOON, region="").error is ErrorCode.FLAG_NOT_FOUND
    assert len(rules._programs) == 0


def test_a_restart_does_not_move_anybody():
    def everybody():
        rules = compile_flags([flag(default=half())], [], regexes=python_regexes)
        return [rules.evaluate("checkout", {"targetingKey": f"{n}"}, now=NOON, region="").variant for n in range(200)]

    assert everybody() == everybody()


def test_the_next_boundary_is_when_time_alone_may_change_an_answer():
    begin = datetime.fromtimestamp(NOON, tz=UTC)
    flags = [
        flag("a", schedule=During(since=begin + timedelta(hours=3))),
        on_if(Not(During(since=begin - timedelta(hours=1), until=begin + timedelta(hours=2)))),
    ]
    rules = compile_flags(flags, [], regexes=python_regexes)
    boundaries = [next_boundary(rules, NOON + hours * 3600) for hours in (-2, 0, 2, 3)]
    assert boundaries == [NOON - 3600, NOON + 7200, NOON + 10_800, None]
    assert next_boundary(compile_flags([flag()], [], regexes=python_regexes), NOON) is None


def test_a_schedule_counts_its_beginning_in_and_its_end_out():
    begin = datetime.fromtimestamp(NOON, tz=UTC)
    asked = flag(default="on", schedule=During(since=begin, until=begin + timedelta(hours=1)))
    assert [evaluated(asked, now=NOON + late).variant for late in (-1, 0, 3599, 3600)] == ["off", "on", "on", "off"]
