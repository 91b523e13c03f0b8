"""A document for another product holds only what serves there what it serves here, and who needs the rest goes too."""

import pytest

from shared.domain.flags.model import (
    Attribute,
    Clause,
    During,
    Flag,
    FlagType,
    InLayer,
    InSegment,
    Operator,
    Prerequisite,
    RegionOverride,
    Rule,
    Segment,
    SegmentRule,
    Share,
    Split,
    Variant,
)
from shared.wire.flags.faithful import faithful
from shared.wire.flags.flagd_export import export_flagd
from shared.wire.flags.launchdarkly_export import export_launchdarkly
from shared.wire.flags.microsoft_export import export_microsoft, key_values
from shared.wire.flags.notes import Fate, Refused, in_short

WRITERS = {
    "flagd": export_flagd,
    "microsoft": export_microsoft,
    "app-configuration": lambda flags, segments: key_values(export_microsoft(flags, segments)),
    "launchdarkly": export_launchdarkly,
}
LAYER = InLayer(layer="l", since=0, until=1)
MATCHES = Clause(attribute=Attribute(("a",)), operator=Operator.MATCHES, values=("x",))


def flag(key, **members):
    variants = (Variant("on", value=True), Variant("off", value=False))
    return Flag(**{"key": key, "type": FlagType.BOOLEAN, "variants": variants, "default": "on", "off": "off"} | members)


def keys(exported):
    document = exported.document
    if "feature_management" in document:
        return [each["id"] for each in document["feature_management"]["feature_flags"]]
    if "items" in document:
        return [each["key"].rpartition("/")[2] for each in document["items"]]
    return list(document["flags"])


def refused(exported):
    return {(each.subject, each.is_segment) for each in exported.refused}


@pytest.mark.parametrize("target", WRITERS)
@pytest.mark.parametrize(
    "members",
    [
        {"rules": (Rule(id="minors", condition=LAYER, serve="off"),)},
        {"regions": (("eu", RegionOverride(enabled=False)),)},
        {"prerequisites": (Prerequisite("nowhere", ("on",)),)},
    ],
    ids=["a rule", "a region", "a prerequisite"],
)
def test_a_flag_that_would_serve_more_is_left_out_and_the_others_are_written(target, members):
    listed = [flag("wide", **members), flag("plain", owner="ann")]

    exported = faithful(WRITERS[target], listed, ())

    assert (keys(exported), refused(exported)) == (["plain"], {("wide", False)})
    assert "serves differently" in str(exported.refused[0])
    assert Fate.SERVES not in [note.fate for note in exported.notes]
    assert keys(WRITERS[target](listed, ())) == ["wide", "plain"]


@pytest.mark.parametrize("target", WRITERS)
def test_who_is_only_divided_anew_is_written(target):
    split = Split(shares=(Share("on", 20_000), Share("off", 80_000)), seed="f")

    exported = faithful(WRITERS[target], [flag("f", default=split, owner="ann")], ())

    assert (keys(exported), exported.refused) == (["f"], ())
    assert Fate.DIVIDED in [note.fate for note in exported.notes]


@pytest.mark.parametrize("target", ["flagd", "launchdarkly"])
def test_who_needs_a_flag_that_is_left_out_is_left_out_too(target):
    base = flag("base", rules=(Rule(id="r", condition=LAYER, serve="off"),))
    middle = flag("middle", prerequisites=(Prerequisite("base", ("on",)),))
    top = flag("top", prerequisites=(Prerequisite("middle", ("on",)),))

    exported = faithful(WRITERS[target], [top, middle, base, flag("plain")], ())

    assert keys(exported) == ["plain"]
    assert refused(exported) == {("top", False), ("middle", False), ("base", False)}


@pytest.mark.parametrize("target", ["flagd", "launchdarkly"])
def test_who_asks_for_a_segment_that_cannot_be_said_is_left_out_too(target):
    inner = Segment(key="inner", rules=(SegmentRule(condition=LAYER),))
    outer = Segment(key="outer", rules=(SegmentRule(condition=InSegment(("inner",))),))
    asks = flag("asks", rules=(Rule(id="r", condition=InSegment(("outer",)), serve="off"),))
    # A flag may have the key of a segment.
    same = flag("inner")

    exported = faithful(WRITERS[target], [asks, same], [inner, outer])

    assert keys(exported) == ["inner"]
    assert ("asks", False) in refused(exported)
    assert exported.document.get("segments", {}) == exported.document.get("$evaluators", {}) == {}


def test_what_flagd_cannot_have_at_all_is_refused_with_losses_too():
    listed = Flag(
        key="list",
        type=FlagType.OBJECT,
        variants=(Variant("on", value=[1]), Variant("off", value={})),
        default="on",
        off="off",
    )

    assert refused(export_flagd([listed])) == {("list", False)}


def test_a_rule_of_microsoft_that_serves_the_codes_own_default_to_some_is_a_loss():
    variants = (Variant("on", value=True), Variant("own", value=None), Variant("off", value=False))
    split = Split(shares=(Share("own", 50_000), Share("off", 50_000)), seed="f")
    rule = Rule(id="r", condition=Clause(attribute=Attribute(("targetingKey",)), operator=Operator.IS_SET), serve=split)

    assert refused(faithful(export_microsoft, [flag("f", variants=variants, rules=(rule,))], ())) == {("f", False)}


def test_a_flag_that_is_off_goes_to_flagd_for_it_serves_the_same_there():
    off = flag("f", killed=True, schedule=During(), rules=(Rule(id="r", condition=MATCHES, serve="on"),))

    assert keys(faithful(export_flagd, [off], ())) == ["f"]


def test_of_many_losses_the_first_are_told_in_a_line_with_room_for_the_fix():
    assert in_short(["a", "b"]) == "a; b"
    assert in_short(["a", "x" * 500, "c", "d"]) == f"a; {'x' * 107}...; and 2 more"


def test_what_is_refused_is_told_by_its_key():
    [told] = faithful(export_microsoft, [flag("f", regions=(("eu", RegionOverride(enabled=False)),))], ()).refused

    assert isinstance(told, Refused)
    assert str(told).startswith("f: serves differently: what the regions eu do otherwise")
