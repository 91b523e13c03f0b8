"""Flags and segments of every shape that a document can say."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from shared.domain.flags.model import (
    BY_KEY,
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
from shared.domain.flags.operators import VERSION_OPERATORS
from shared.wire.flags.conditions import CASE_OPERATORS, NUMBER_OPERATORS, TEXT_OPERATORS, TIME_OPERATORS
from shared.wire.flags.splits import IN

NAMES = st.sampled_from(["on", "off", "a b", "größe", "x/y~z", "1", "true"])
TEXTS = st.sampled_from(["", "a", "Ann", "@x.example", "1", "2.0", "ß", "/", "a\nb"])
TIMES = st.sampled_from([datetime(2027, 1, day, 8, 30, 0, 250_000 * (day % 2), tzinfo=UTC) for day in range(4, 11)])
ATTRIBUTES = st.builds(
    Attribute,
    st.sampled_from([("targetingKey",), ("email",), ("/odd",), ("address", "city"), ("a/b", "~"), ("", "x")]),
    st.sampled_from([None, None, "user"]),
)
NUMBERS = st.integers(-5, 5) | st.sampled_from([0.5, 1e15, -2.25])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2))
VERSIONS = st.sampled_from(["1", "2.1", "2.1.0-rc.1", "3.0.0+5"])
DATES = st.sampled_from(["2027-01-01T00:00:00Z", "2027-01-01T00:00:00.5+02:00", 0, 1.5])


METADATA = st.sampled_from([(), (("ticket", "SHOP-1"), ("number", 7), ("ratio", 0.5), ("beta", True))])
NETWORKS = st.sampled_from(["10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "::1", "0.0.0.0/0"])


@st.composite
def clauses(draw: st.DrawFn) -> Clause:
    operator = draw(st.sampled_from(list(Operator)))
    if operator is Operator.IS_SET:
        values = st.just(())
    elif operator is Operator.IN_NETWORK:
        values = st.lists(NETWORKS, min_size=1, max_size=3).map(tuple)
    elif operator is Operator.IN:
        values = st.lists(JSON, min_size=1, max_size=3).map(tuple)
    else:
        kind = TEXTS if operator in TEXT_OPERATORS else NUMBERS if operator in NUMBER_OPERATORS else VERSIONS
        values = st.lists(DATES if operator in TIME_OPERATORS else kind, min_size=1, max_size=3).map(tuple)
    return Clause(
        attribute=draw(ATTRIBUTES),
        operator=operator,
        values=draw(values),
        negated=draw(st.booleans()),
        ignores_case=operator in CASE_OPERATORS and draw(st.booleans()),
        strict=operator in NUMBER_OPERATORS and draw(st.booleans()),
        lenient=operator in VERSION_OPERATORS and draw(st.booleans()),
    )


@st.composite
def periods(draw: st.DrawFn) -> During:
    since = draw(TIMES)
    if draw(st.booleans()):
        open_end = draw(st.sampled_from(["since", "until", "both"]))
        until = since + timedelta(hours=1)
        return During(since=since if open_end != "until" else None, until=until if open_end != "since" else None)
    offset = timedelta(minutes=draw(st.sampled_from([0, 90, -300])))
    first = (since + offset).weekday()
    days = draw(st.sampled_from([(), (first,), tuple(sorted({first, (first + 2) % 7}))]))
    recurrence = Recurrence(
        every=draw(st.integers(1, 3)),
        weekdays=days,
        first_weekday=draw(st.integers(0, 6)),
        times=draw(st.sampled_from([None, 3])),
        ends=draw(st.sampled_from([None, since + timedelta(days=30)])),
        offset=offset,
    )
    return During(since=since, until=since + timedelta(hours=2), recurrence=recurrence)


def layers() -> st.SearchStrategy[InLayer]:
    low = st.integers(0, WHOLE - 1)
    return low.flatmap(
        lambda since: st.builds(
            InLayer,
            layer=NAMES,
            since=st.just(since),
            until=st.integers(since + 1, WHOLE),
            by=ATTRIBUTES,
        )
    )


SEGMENTS = st.builds(InSegment, st.sampled_from([("staff",), ("staff", "beta.2")]), negated=st.booleans())
CONDITIONS = st.recursive(
    clauses() | SEGMENTS | layers() | periods(),
    lambda inner: (
        st.builds(All, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=5,
)


@st.composite
def splits(draw: st.DrawFn, names: tuple[str, ...], *, passes_on: bool) -> Split:
    hashing = draw(st.sampled_from(list(Hashing)))
    weights = draw(st.lists(st.integers(0, WHOLE // 4), min_size=1, max_size=3))
    if hashing is Hashing.SLIPWAY or draw(st.booleans()):
        weights.append(WHOLE - sum(weights))
    else:
        weights.append(1)
    variants = st.sampled_from([*names, None] if passes_on else list(names))
    return Split(
        shares=tuple(Share(draw(variants), weight) for weight in weights),
        seed=draw(TEXTS),
        by=draw(ATTRIBUTES),
        hashing=hashing,
    )


VALUES = {
    FlagType.BOOLEAN: st.booleans(),
    FlagType.STRING: TEXTS,
    FlagType.INTEGER: st.integers(-(10**20), 10**20),
    FlagType.NUMBER: NUMBERS,
    FlagType.OBJECT: st.dictionaries(TEXTS, JSON, max_size=2) | st.lists(JSON, max_size=2),
}


@st.composite
def flags(draw: st.DrawFn) -> Flag:
    flag_type = draw(st.sampled_from(list(FlagType)))
    names = tuple(draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)))
    variants = tuple(Variant(name, draw(st.none() | VALUES[flag_type])) for name in names)
    serve = st.sampled_from(names) | splits(names, passes_on=False)
    rule_serve = st.sampled_from(names) | splits(names, passes_on=True)
    rules = [
        Rule(id=f"rule {n}", condition=draw(CONDITIONS), serve=draw(rule_serve), description=draw(TEXTS))
        for n in range(draw(st.integers(0, 3)))
    ]
    targets = st.builds(
        Target, variant=st.sampled_from(names), values=st.lists(TEXTS, min_size=1, max_size=3).map(tuple), by=ATTRIBUTES
    )
    override = st.builds(RegionOverride, enabled=st.booleans(), default=st.none() | serve)
    return Flag(
        key=draw(st.sampled_from(["new-checkout", "a/b.c_d/1"])),
        type=flag_type,
        variants=variants,
        default=draw(serve),
        off=draw(st.sampled_from(names)),
        enabled=draw(st.booleans()),
        killed=draw(st.booleans()),
        schedule=draw(st.none() | periods()),
        prerequisites=draw(st.sampled_from([(), (Prerequisite("other", ("on", "beta")),)])),
        targets=tuple(draw(st.lists(targets, max_size=2))),
        rules=tuple(rules),
        regions=tuple((region, draw(override)) for region in draw(st.sampled_from([(), ("westeurope", "eastus2")]))),
        description=draw(TEXTS),
        owner=draw(TEXTS),
        tags=draw(st.sampled_from([(), ("checkout", "q3")])),
        expires=draw(st.none() | TIMES),
        metadata=draw(METADATA),
    )


@st.composite
def segment_rules(draw: st.DrawFn) -> SegmentRule:
    hashing = draw(st.sampled_from(list(Hashing)))
    total = WHOLE if hashing is Hashing.SLIPWAY else draw(st.sampled_from([WHOLE, 7]))
    weight = draw(st.integers(0, total))
    shares = (Share(IN, weight), Share(None, total - weight))
    share = Split(shares=shares, seed=draw(TEXTS), by=draw(ATTRIBUTES), hashing=hashing)
    return SegmentRule(condition=draw(CONDITIONS), share=draw(st.sampled_from([None, share])))


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    members = st.builds(Members, st.lists(TEXTS, min_size=1, max_size=3).map(tuple), ATTRIBUTES)
    return Segment(
        key=draw(st.sampled_from(["staff", "beta.2"])),
        included=tuple(draw(st.lists(members, max_size=2))),
        excluded=tuple(draw(st.lists(members, max_size=2))),
        rules=tuple(draw(st.lists(segment_rules(), max_size=2))),
        description=draw(TEXTS),
    )


def contexts() -> st.SearchStrategy[dict]:
    """Contexts that have what the flags ask for, often enough."""
    city = st.dictionaries(st.just("city"), TEXTS | NUMBERS, max_size=1)
    return st.fixed_dictionaries(
        {},
        optional={
            "targetingKey": st.sampled_from(["a", "Ann", "1", "user-7", "@x.example"]),
            "email": TEXTS | NUMBERS | st.booleans() | VERSIONS,
            "/odd": TEXTS | VERSIONS,
            "address": city,
        },
    )


@st.composite
def plain_flags(draw: st.DrawFn, conditions: st.SearchStrategy, hashing: Hashing, by: st.SearchStrategy) -> Flag:
    """Flags without what other products have no word for; the conditions are for the caller to say."""
    variants = (Variant("on", value=True), Variant("off", value=False))
    names = st.sampled_from(["on", "off"])

    def split(*, passes_on: bool) -> st.SearchStrategy[Split]:
        other = st.sampled_from(["off", None]) if passes_on else st.just("off")
        return st.builds(
            lambda weight, rest, place: Split(
                shares=(Share("on", weight), Share(rest, WHOLE - weight)),
                seed="f" if place == BY_KEY else "",
                by=place,
                hashing=hashing,
            ),
            st.sampled_from([0, 20_000, 50_000, 99_999, WHOLE]),
            other,
            by,
        )

    rules = [
        Rule(id=f"r{n}", condition=draw(conditions), serve=draw(names | split(passes_on=True)))
        for n in range(draw(st.integers(0, 3)))
    ]
    targets = [Target(variant=draw(names), values=("Ann", "user-7"))] if draw(st.booleans()) else []
    return Flag(
        key="f",
        type=FlagType.BOOLEAN,
        variants=variants,
        default=draw(names | split(passes_on=False)),
        off="off",
        enabled=draw(st.sampled_from([True, True, True, False])),
        targets=tuple(targets),
        rules=tuple(rules),
    )
