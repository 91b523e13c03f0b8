"""Prerequisites in flagd's documents: it has none, so another flag of the document is asked by its targeting."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.flags.compile import compile_flags
from shared.domain.flags.model import (
    Attribute,
    Clause,
    During,
    Flag,
    FlagType,
    Hashing,
    Operator,
    Prerequisite,
    RegionOverride,
    Rule,
    Share,
    Split,
    Target,
    Variant,
)
from shared.wire.flags.flagd import import_flagd
from shared.wire.flags.flagd_export import export_flagd
from shared.wire.flags.notes import Fate
from tests.unit.domain.flags.patterns import python_regexes
from tests.unit.wire.flags.suites import flagd_schema, needs_suites

NOW = datetime(2026, 11, 1, tzinfo=UTC)
EMAIL = Attribute(("email",))
STAFF = Clause(attribute=EMAIL, operator=Operator.ENDS_WITH, values=("@shop",))
BETA = Clause(attribute=Attribute(("beta",)), operator=Operator.IN, values=(True,))
CONTEXTS = [
    {"targetingKey": f"user-{number}", "email": mail, "beta": beta}
    for number in range(8)
    for mail in ("ann@shop", "bob@else")
    for beta in (True, False)
]


def flag(key, **fields):
    variants = (Variant("a", "A"), Variant("b", "B"), Variant("c", "C"))
    return Flag(**({"key": key, "type": FlagType.STRING, "variants": variants, "default": "a", "off": "c"} | fields))


def needs(key, *variants):
    return (Prerequisite(key, variants),)


def divided(seed, hashing=Hashing.FLAGD_2, by=EMAIL):
    return Split(shares=(Share("a", 1), Share("b", 1)), seed=seed, by=by, hashing=hashing)


def goes_and_comes_back(*flags, way=Hashing.FLAGD_2, now=NOW):
    """Assert that flagd's document serves what ours do, and that nothing of them is lost."""
    exported = export_flagd(flags)
    assert [
        str(note) for note in exported.notes if note.fate is not Fate.CHANGED and "it is off" not in note.words
    ] == []
    again = import_flagd(exported.document, hashing=way)
    assert again.refused == ()
    before = compile_flags(flags, (), regexes=python_regexes)
    after = compile_flags(again.flags, again.segments, regexes=python_regexes)
    for each in flags:
        for context in CONTEXTS:
            served = [
                rules.evaluate(each.key, context, now=now.timestamp(), region="").value for rules in (before, after)
            ]
            assert served[0] == served[1], (each.key, context)
    return exported.document


BASE = flag("base", rules=(Rule(id="staff", condition=STAFF, serve="b"),))


@pytest.mark.parametrize("wanted", [("a",), ("b",), ("c",), ("a", "b"), ("a", "b", "c")])
@pytest.mark.parametrize(
    "base",
    [
        flag("base"),
        BASE,
        replace(BASE, enabled=False),
        replace(BASE, killed=True),
        replace(BASE, schedule=During(since=datetime(2026, 1, 1, tzinfo=UTC))),
        replace(BASE, schedule=During(until=datetime(2026, 1, 1, tzinfo=UTC)), off="a"),
        replace(BASE, targets=(Target(variant="c", values=("user-1", "user-2")),)),
        replace(BASE, default=divided("seed-", by=EMAIL)),
        replace(BASE, default=divided("base", by=Attribute(("targetingKey",)))),
    ],
    ids=["plain", "rule", "off", "killed", "inside", "outside", "targets", "by email", "by its own key"],
)
def test_a_prerequisite_is_met_there_where_it_is_here(base, wanted):
    above = flag("above", rules=(Rule(id="beta", condition=BETA, serve="b"),), prerequisites=needs("base", *wanted))

    goes_and_comes_back(base, above)
    goes_and_comes_back(above, base)


def test_a_prerequisite_may_have_its_own_and_several_may_have_the_same():
    middle = replace(BASE, key="middle", prerequisites=needs("base", "a"))
    top = flag("top", prerequisites=(*needs("middle", "a", "c"), *needs("base", "a", "b")), default="b")
    other = flag("other", prerequisites=needs("base", "b"), default="b")

    document = goes_and_comes_back(top, middle, BASE, other)

    assert set(document["$evaluators"]) == {"flag-base", "flag-middle"}
    assert list(document["$evaluators"]) == ["flag-middle", "flag-base"], "each before those that it refers to"


@needs_suites
def test_a_document_with_prerequisites_is_one_of_flagd():
    middle = replace(BASE, key="middle", prerequisites=needs("base", "a"))
    document = export_flagd([BASE, middle, flag("top", prerequisites=needs("middle", "b"))]).document

    assert list(flagd_schema("flags.json").iter_errors(document)) == []


@pytest.mark.parametrize(
    ("base", "says"),
    [
        (None, "it is not in the document"),
        (replace(BASE, prerequisites=needs("above", "a")), "that above must be on: it needs itself"),
        (replace(BASE, default=divided("base", Hashing.FLAGD_3, Attribute(("targetingKey",)))), "by its own key"),
        (replace(BASE, regions=(("eu", RegionOverride(enabled=False)),)), "regions decide about it"),
        (replace(BASE, variants=(Variant("a", None), *BASE.variants[1:])), "the code's own default"),
        (
            replace(BASE, rules=(Rule(id="r", condition=replace(STAFF, operator=Operator.MATCHES), serve="b"),)),
            "the rule r: the operator matches",
        ),
    ],
)
def test_a_prerequisite_that_cannot_be_asked_is_told(base, says):
    above = flag("above", prerequisites=needs("base", "a"))

    told = [str(note) for note in export_flagd([above, *([] if base is None else [base])]).notes]

    assert any(
        note.startswith("above: serves differently: that base must be on: ") and says in note for note in told
    ), told


NULLS = st.sampled_from([("a",), ("b",), ("c",), ("a", "c"), ()])


@settings(max_examples=60, deadline=None)
@given(
    NULLS,
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["a", "b", "c", divided("s")]),
    st.booleans(),
)
def test_the_codes_own_default_stays_that_beside_a_default_variant(nulls, default, off, serve, scheduled):
    variants = tuple(replace(each, value=None) if each.name in nulls else each for each in BASE.variants)
    schedule = During(since=datetime(2026, 12, 1, tzinfo=UTC)) if scheduled else None
    rules = (Rule(id="staff", condition=STAFF, serve=serve), Rule(id="beta", condition=BETA, serve="c"))
    asked = flag("f", variants=variants, default=default, off=off, rules=rules, schedule=schedule)

    for now in (NOW, datetime(2026, 12, 24, tzinfo=UTC)):
        goes_and_comes_back(asked, now=now)
