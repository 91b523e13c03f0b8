"""Whatever a context is, every flag has an answer and an explanation: nobody who asks can make the flags fail."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.re2.regexes import Re2Regexes
from shared.domain.flags.compile import compile_flags
from shared.domain.flags.explain import explain
from shared.domain.flags.model import (
    WHOLE,
    AnyOf,
    Attribute,
    Clause,
    Hashing,
    InLayer,
    InSegment,
    Members,
    Operator,
    SegmentRule,
    Share,
    Split,
    Target,
)
from tests.unit.domain.flags.flags import NOON, flag, on_if, segment

REGEXES = Re2Regexes()
GREAT = 10**5000
"""Python refuses to write its digits."""
NAMES = ("targetingKey", "x", "key", "kind", "anonymous", "custom", "region", "user", "organisation", "_meta", "")


def nested(levels, value=None):
    for _ in range(levels):
        value = [{"": value}] if levels % 2 else [value]
    return value


DEEP = nested(500)
texts = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=6),
    st.sampled_from(
        ["u1", "multi", "user", "\ud800", "\x00", "1e999", "-0", "9" * 500, "2026-02-30T25:61:61Z", "a" * 9999]
    ),
    st.sampled_from(["1.0.0-" + "0" * 300, "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:60-23:59", "1" * 400 + ".5"]),
)
scalars = st.one_of(
    texts,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1e300, -1e300, 1e308, 5e-324, 2**63, -(2**64), 2**1024, 10**400]),
)
names = st.one_of(st.sampled_from(NAMES), texts)
values = st.recursive(
    st.one_of(scalars, scalars, st.just(DEEP)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=8,
)
contexts = st.one_of(
    st.dictionaries(st.sampled_from(NAMES), values, max_size=6),
    st.dictionaries(names, values, max_size=4),
    st.builds(lambda user: {"kind": "multi", "user": user, "organisation": user}, values),
)

WANTED = (
    "u1",
    "1",
    1,
    -0.0,
    1e300,
    2**1024,
    "1.0.0-rc.1",
    "2026-01-01T00:00:00Z",
    "",
    [[]],
    {"": [{}]},
    nested(40),
    None,
)
PATTERNS = ("^u", "(?i)A+", "\\x{10FFFF}", "")
WHERE = [
    Attribute(path, kind)
    for path in (("x",), ("targetingKey",), ("", "x"), ("x", "", "x"), ("kind",), ("key",), ("region",), ("anonymous",))
    for kind in (None, "user", "organisation", "")
]


def clause(number, operator, where):
    wanted = PATTERNS if operator is Operator.MATCHES else () if operator is Operator.IS_SET else WANTED
    return Clause(
        attribute=where,
        operator=operator,
        values=wanted,
        negated=number % 2 == 0,
        ignores_case=number % 3 == 0,
        strict=number % 5 == 0,
    )


def split(where, hashing, seed, last="off"):
    half = WHOLE // 2
    return Split(shares=(Share("on", half), Share(last, WHOLE - half)), seed=seed, by=where, hashing=hashing)


CLAUSES = [
    clause(number, operator, WHERE[(number * 7 + where) % len(WHERE)])
    for where in range(4)
    for number, operator in enumerate(list(Operator) * 2)
]
SPLITS = [split(where, hashing, seed) for hashing in Hashing for seed in ("", "s\ud800") for where in WHERE[::3]]
SEGMENTS = [
    segment(
        "staff",
        included=tuple(Members(("u1",), where) for where in WHERE[:12]),
        rules=tuple(
            SegmentRule(condition=CLAUSES[number], share=split(where, hashing, "", None))
            for number, (where, hashing) in enumerate(zip(WHERE, list(Hashing) * 9, strict=False))
        ),
    )
]
FLAGS = [
    *[on_if(each, key=f"clause-{number}") for number, each in enumerate(CLAUSES)],
    *[flag(f"split-{number}", default=each) for number, each in enumerate(SPLITS)],
    on_if(AnyOf(tuple(InLayer(layer="l", since=0, until=1, by=where) for where in WHERE)), key="layers"),
    flag("targets", targets=tuple(Target(variant="on", values=("u1", ""), by=where) for where in WHERE)),
    on_if(InSegment(("staff",)), key="segment"),
]
RULES = compile_flags(FLAGS, SEGMENTS, regexes=REGEXES)


@settings(max_examples=150, deadline=None)
@given(contexts, st.one_of(st.just(""), texts))
def test_no_context_makes_a_flag_fail(context, region):
    answers = RULES.evaluate_all(context, now=NOON, region=region)

    assert {each.variant for each in answers} <= {"on", "off"}
    assert all(each.reason != "error" or each.error == "TARGETING_KEY_MISSING" for each in answers)


def test_nothing_is_too_great_or_too_deep_wherever_it_stands():
    for value in (GREAT, -GREAT, 10**400, 1e300, -1e300, 2**64, -(2**64) - 1, DEEP, nested(501)):
        for inside in (value, [value], dict.fromkeys(NAMES, value)):
            context = dict.fromkeys(NAMES, inside)
            assert {each.variant for each in RULES.evaluate_all(context, now=NOON, region="")} == {"on", "off"}


@settings(max_examples=30, deadline=None)
@given(contexts, st.data())
def test_no_context_makes_an_explanation_fail(context, data):
    flags, segments = {each.key: each for each in FLAGS}, {each.key: each for each in SEGMENTS}
    for key in data.draw(st.lists(st.sampled_from([each.key for each in FLAGS]), min_size=20, max_size=20)):
        told = explain(key, context, flags, segments, now=NOON, region="", regexes=REGEXES)
        assert told.evaluation == RULES.evaluate(key, context, now=NOON, region="")
