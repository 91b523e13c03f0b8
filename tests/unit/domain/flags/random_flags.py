"""Random flags, segments and contexts: small worlds in which everything meets everything."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from shared.domain.flags.model import (
    WHOLE,
    All,
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
    Recurrence,
    RegionOverride,
    Rule,
    Segment,
    SegmentRule,
    Share,
    Split,
    Target,
    Variant,
)

FLAG_KEYS = ("a", "b", "c")
SEGMENT_KEYS = ("s", "t")
VARIANTS = (Variant("on", value=True), Variant("off", value=False), Variant("maybe", value=None))
NAMES = ("on", "off", "maybe")
REGIONS = ("westeurope", "northeurope")
BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)

names = st.sampled_from(["targetingKey", "x", "y", "key", "kind", "anonymous", "region"])
attributes = st.builds(
    Attribute,
    st.one_of(names.map(lambda name: (name,)), st.sampled_from([("x", "y"), ("x", "x", "y")])),
    st.sampled_from([None, None, None, "user", "organisation"]),
)
texts = st.sampled_from(
    ["u1", "u2", "U1", "1", "1.0", "2", "2.0.0", "2.1.0-rc.1", "2.1.0-rc.2", "2026-03-02T08:00:00Z", "", "westeurope"]
)
scalars = st.one_of(
    texts, st.booleans(), st.integers(0, 3), st.sampled_from([1.0, 0.5, 1772438400000, float("1e300")]), st.none()
)
values = st.one_of(
    scalars,
    st.lists(scalars, max_size=3),
    st.dictionaries(st.sampled_from(["x", "y", "key"]), scalars, max_size=2),
)
known = st.sampled_from(["u1", "u2"])
parts = st.builds(
    lambda key, others: {"targetingKey": key, **others},
    known,
    st.dictionaries(
        st.sampled_from(["targetingKey", "key", "x", "y", "anonymous", "custom", "region"]), values, max_size=4
    ),
)
contexts = st.one_of(
    parts,
    st.builds(lambda part, kind: {**part, "kind": kind}, parts, st.sampled_from(["user", "organisation", 3])),
    st.builds(
        lambda user, other: {"kind": "multi", "user": user, "organisation": other}, parts, st.one_of(parts, texts)
    ),
)
operators = st.sampled_from([each for each in Operator if each is not Operator.IS_SET])
clauses = st.one_of(
    st.builds(
        Clause,
        attribute=attributes,
        operator=operators,
        values=st.lists(scalars, max_size=3).map(tuple),
        negated=st.booleans(),
        ignores_case=st.booleans(),
        strict=st.booleans(),
        lenient=st.booleans(),
    ),
    st.builds(Clause, attribute=attributes, operator=st.just(Operator.IS_SET), negated=st.booleans()),
)
windows = st.one_of(
    st.builds(During, since=st.just(BEGIN)),
    st.builds(During, until=st.just(BEGIN + timedelta(hours=30))),
    st.builds(
        During,
        since=st.just(BEGIN),
        until=st.integers(1, 24).map(lambda hours: BEGIN + timedelta(hours=hours)),
        recurrence=st.builds(
            Recurrence,
            every=st.integers(1, 3),
            weekdays=st.sampled_from([(), (0,), (0, 2, 5)]),
            first_weekday=st.integers(0, 6),
            times=st.one_of(st.none(), st.integers(1, 4)),
        ),
    ),
)
layers = st.builds(
    lambda low, size, by: InLayer(layer="layer", since=low, until=low + size, by=by),
    st.integers(0, 50_000),
    st.integers(1, 50_000),
    attributes,
)


def conditions(segments):
    """Conditions that name these segments, and now and then one that is not there."""
    named = st.lists(st.sampled_from([*segments * 8, "gone"]), max_size=2).map(tuple)
    leaves = st.one_of(clauses, clauses, layers, windows, st.builds(InSegment, named, st.booleans()))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(All, st.lists(inner, max_size=3).map(tuple)),
            st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
            st.builds(Not, inner),
        ),
        max_leaves=4,
    )


@st.composite
def splits(draw, variants):
    """Splits whose weights sum to anything, most of them to everybody."""
    weights = draw(st.lists(st.integers(0, 40_000), min_size=1, max_size=3))
    weights.append(max(WHOLE - sum(weights), 0))
    return Split(
        shares=tuple(Share(draw(variants), weight) for weight in weights),
        seed=draw(st.sampled_from(["", "seed", "other\ud800"])),
        by=draw(st.one_of(st.just(Attribute(("targetingKey",))), attributes)),
        hashing=draw(st.sampled_from(list(Hashing))),
    )


served = st.sampled_from(NAMES)
serves = st.one_of(served, splits(served))
passing = st.one_of(served, splits(st.one_of(served, st.none())))
targets = st.builds(Target, variant=served, values=st.lists(texts, max_size=3).map(tuple), by=attributes)
overrides = st.builds(
    RegionOverride, enabled=st.sampled_from([None, True, False]), default=st.one_of(st.none(), serves)
)
prerequisites = st.builds(
    Prerequisite, st.sampled_from([*FLAG_KEYS, "gone"]), st.lists(served, min_size=1, max_size=2).map(tuple)
)


@st.composite
def flags(draw, key):
    """A flag that may be broken."""
    rules = draw(st.lists(st.tuples(conditions(SEGMENT_KEYS), passing), max_size=3))
    return Flag(
        key=key,
        type=FlagType.BOOLEAN,
        variants=VARIANTS,
        default=draw(serves),
        off=draw(st.sampled_from(["off"] * 15 + ["gone"])),
        enabled=draw(st.sampled_from([True, True, True, False])),
        killed=draw(st.sampled_from([False, False, False, False, True])),
        schedule=draw(st.one_of(st.none(), st.none(), windows)),
        prerequisites=tuple(draw(st.lists(prerequisites, max_size=1))),
        targets=tuple(draw(st.lists(targets, max_size=3))),
        rules=tuple(Rule(id=f"r{n}", condition=each, serve=serve) for n, (each, serve) in enumerate(rules)),
        regions=tuple(draw(st.lists(st.tuples(st.sampled_from(REGIONS), overrides), max_size=2))),
    )


members = st.one_of(
    st.builds(Members, st.lists(known, max_size=1).map(tuple)),
    st.builds(Members, st.lists(texts, max_size=3).map(tuple), attributes),
)


@st.composite
def segments(draw, key, named=SEGMENT_KEYS):
    """A segment that may name these others."""
    share = st.one_of(st.none(), splits(st.sampled_from(["in", None])))
    met = st.one_of(st.just(All(())), conditions(named) if named else clauses)
    rules = st.builds(SegmentRule, condition=met, share=share)
    return Segment(
        key=key,
        included=tuple(draw(st.lists(members, max_size=2))),
        excluded=tuple(draw(st.lists(members, max_size=2))),
        rules=tuple(draw(st.lists(rules, max_size=2))),
    )


all_flags = st.tuples(*map(flags, FLAG_KEYS))
all_segments = st.tuples(*map(segments, SEGMENT_KEYS))
sound_segments = st.tuples(segments("s", ()), segments("t", ("s",)))
"""Without a circle, so that few of them are broken."""
moments = st.floats(0, 40 * 86_400).map(lambda seconds: BEGIN.timestamp() + seconds - 86_400)
