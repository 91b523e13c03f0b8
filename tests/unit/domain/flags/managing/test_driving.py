"""A rollout drives one rule of a flag: nobody else writes it meanwhile, and the kill switch always works."""

from dataclasses import replace

import pytest

from shared.domain.errors import RejectedError
from shared.domain.flags.managing import events as e
from shared.domain.flags.managing.commands import Drive, Release
from shared.domain.flags.managing.decide import decide
from shared.domain.flags.managing.driving import weight_in
from shared.domain.flags.managing.refusals import UnknownFlagError
from shared.domain.flags.managing.serves import serve_of
from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.model import (
    EVERYBODY,
    WHOLE,
    Attribute,
    During,
    Hashing,
    Prerequisite,
    RegionOverride,
    Rule,
    Share,
    Split,
    Target,
    Variant,
)
from shared.domain.names import FlagKey, RolloutId, VariantName, Version
from tests.unit.domain.flags.managing.tale import EVERYONE, NOON, OFF, ON, ROLLOUT, STAFF, Tale, flag

OTHER = RolloutId("shop-ba9876543210")
THIRD = RolloutId("shop-3333333333ff")


def driven(rule: str | None = "everyone") -> Tale:
    tale = Tale()
    tale.drive(5_000, rule)
    return tale


def split(weight: int, seed: str = "new-checkout/everyone") -> Split:
    return Split(shares=(Share(ON, weight), Share(OFF, WHOLE - weight)), seed=seed)


def test_the_candidate_stands_first_and_its_weight_moves_on_one_seed():
    tale = driven()
    assert tale.flag.rules[1].serve == split(5_000)
    tale.drive(25_000)

    assert tale.flag.rules[1].serve == split(25_000)
    assert tale.flag.rules[0] == STAFF
    assert tale.drive(25_000).events == ()
    assert [event.weight for event in tale.happened(e.FlagDriven)] == [5_000, 25_000]
    assert len(tale.happened(e.DriveBegun)) == 1


def test_a_split_that_is_there_keeps_its_seed_and_its_way():
    own = Split(shares=(Share(OFF, 3),), seed="old", hashing=Hashing.LAUNCHDARKLY)
    tale = Tale()
    tale.save(flag(default=own))
    tale.drive(5_000, None)

    assert tale.flag.default == replace(own, shares=split(5_000).shares)


@pytest.mark.parametrize("left_at", [0, WHOLE])
def test_a_later_rollout_divides_users_as_the_split_did_that_an_earlier_one_left_as_one_variant(left_at):
    own = Split(shares=split(0).shares, seed="old", by=Attribute(("company",)), hashing=Hashing.LAUNCHDARKLY)
    tale = Tale()
    tale.save(flag(default=own))
    tale.drive(left_at, None)
    tale.release()
    assert tale.flag.default == (ON if left_at else OFF)

    tale.drive(5_000, None, rollout=OTHER)
    tale.drive(5_000, "everyone", rollout=OTHER)
    assert tale.flag.default == replace(own, shares=split(5_000).shares)
    assert tale.flag.rules[1].serve == split(5_000)
    tale.drive(0, None, rollout=OTHER)
    tale.tell(Release(rollout=OTHER))
    assert len([each for each in tale.state.divided_by if each.rule is None]) == 1


@pytest.mark.parametrize(("ended_at", "left"), [(0, OFF), (WHOLE, ON), (50_000, split(5_000)), (None, split(5_000))])
def test_who_lets_go_leaves_what_the_rollout_ended_at_and_not_what_landed_late(ended_at, left):
    tale = Tale()
    tale.save(flag())
    tale.drive(5_000, "everyone")
    tale.tell(Release(rollout=ROLLOUT, share=ended_at))

    assert tale.flag.rules[1].serve == left
    assert not tale.state.drivers


def test_who_has_the_candidate_already_keeps_it_also_where_it_stood_last_and_in_a_later_rollout():
    def stands_last(weight: int) -> tuple[Share, Share]:
        return Share(OFF, WHOLE - weight), Share(ON, weight)

    tale = Tale()
    tale.save(flag(default=Split(shares=stands_last(20_000), seed="s")))
    for weight in (25_000, 0):
        tale.drive(weight, None)
        assert tale.flag.default == Split(shares=stands_last(weight), seed="s")
    tale.release()
    tale.drive(5_000, None, rollout=OTHER)
    assert tale.flag.default == Split(shares=stands_last(5_000), seed="s")
    tale.drive(WHOLE, None, rollout=OTHER)
    tale.tell(Release(rollout=OTHER))
    tale.tell(Drive(rollout=THIRD, rule=None, candidate=OFF, stable=ON, weight=1_000, returns=True))
    assert tale.flag.default == Split(shares=stands_last(99_000), seed="s")


def test_the_candidate_stands_first_where_others_than_the_targeting_key_place_users():
    by_company = Split(shares=(Share(OFF, 80_000), Share(ON, 20_000)), seed="s", by=Attribute(("company",)))
    tale = Tale()
    tale.save(flag(default=by_company))
    tale.drive(25_000, None)

    assert tale.flag.default == replace(by_company, shares=split(25_000).shares)


def test_the_default_is_driven_where_no_rule_is_named():
    assert driven(None).flag.default == split(5_000, "new-checkout")


@pytest.mark.parametrize(
    "wanted",
    [
        flag(),
        flag(rules=(STAFF,)),
        flag(rules=(STAFF, replace(EVERYONE, serve=split(6_000)))),
        flag(rules=(STAFF, replace(EVERYONE, serve=split(5_000), condition=STAFF.condition))),
        flag(rules=(STAFF, replace(EVERYONE, serve=split(5_000))), variants=(Variant(ON, 1), Variant(OFF, False))),
    ],
    ids=["its serve", "its end", "its weight", "its audience", "the value that it brings"],
)
def test_others_cannot_write_what_is_driven(wanted):
    tale = driven()

    with pytest.raises(RejectedError, match=f"rollout {ROLLOUT} drives rule everyone"):
        tale.save(wanted)
    with pytest.raises(RejectedError, match=ROLLOUT):
        tale.archive()


NEWCOMERS = Rule(id="newcomers", condition=EVERYBODY, serve=OFF)
PASSES_ON = Split(shares=(Share(ON, 50_000), Share(None, 50_000)), seed="s")
WHO_ELSE_MEETS_IT = {
    "a rule above": {"rules": (NEWCOMERS, STAFF)},
    "a rule less above": {"rules": ()},
    "whom a rule above takes": {"rules": (replace(STAFF, condition=EVERYBODY),)},
    "whom a rule above passes on": {"rules": (replace(STAFF, serve=PASSES_ON),)},
    "the schedule": {"schedule": During(until=NOON)},
    "the prerequisites": {"prerequisites": (Prerequisite(FlagKey("other"), (ON,)),)},
    "a region that is off": {"regions": (("eu", RegionOverride(enabled=False)),)},
}


@pytest.mark.parametrize("rule", ["everyone", None])
@pytest.mark.parametrize("changes", WHO_ELSE_MEETS_IT.values(), ids=WHO_ELSE_MEETS_IT)
def test_others_cannot_change_who_meets_what_is_driven(changes, rule):
    tale = driven(rule)
    rules = (*changes.get("rules", tale.flag.rules[:1]), *tale.flag.rules[1:])

    with pytest.raises(RejectedError, match=f"rollout {ROLLOUT} drives .*, and this changes who meets it"):
        tale.save(replace(tale.flag, **{**changes, "rules": rules}))


def test_others_cannot_give_a_region_a_default_of_its_own_while_the_default_of_all_is_driven():
    regions = (("eu", RegionOverride(default=ON)),)

    tale = driven()
    tale.save(replace(tale.flag, regions=regions))
    tale = driven(None)
    with pytest.raises(RejectedError, match="this changes who meets it"):
        tale.save(replace(tale.flag, regions=regions))
    tale = Tale()
    tale.tell(to_eu(5_000))
    tale.save(replace(tale.flag, regions=(*tale.flag.regions, ("us", RegionOverride(default=ON)))))


def test_others_may_write_the_rest():
    tale = driven()
    rules = (replace(STAFF, serve=OFF), *tale.flag.rules[1:], NEWCOMERS)
    targets = (Target(variant=ON, values=("ann",)),)
    tale.save(replace(tale.flag, rules=rules, owner="shop", targets=targets, default=ON))

    assert (tale.flag.rules, tale.flag.owner, tale.flag.targets) == (rules, "shop", targets)


def test_the_kill_switch_always_works_and_the_rollout_goes_on_below_it():
    tale = driven()
    tale.kill()
    tale.drive(25_000)

    assert tale.flag.killed
    assert tale.flag.rules[1].serve == split(25_000)


def test_a_driven_flag_is_revived_only_when_its_rollout_was_told_of_the_kill():
    tale = driven()
    tale.kill()
    with pytest.raises(RejectedError, match=f"rollout {ROLLOUT} is still being told"):
        tale.revive()
    assert tale.flag.killed

    tale.publish()
    tale.revive()
    assert not tale.flag.killed


def test_a_scheduled_change_of_what_is_driven_is_refused_at_its_time():
    tale = Tale()
    tale.schedule(flag(rules=(STAFF,)))
    tale.drive(5_000)
    tale.pass_time()

    assert "rules" in tale.happened(e.ScheduledRefused)[0].why


def test_a_killed_flag_says_who_killed_it_and_nobody_begins_to_drive_it_but_a_return():
    tale = Tale()
    tale.kill()
    with pytest.raises(RejectedError, match="the flag was killed by bob"):
        tale.drive(5_000)

    tale.tell(Drive(rollout=ROLLOUT, rule=None, candidate=ON, stable=OFF, weight=1, returns=True))
    assert weight_in(tale.flag.default, ON) == 1


def test_a_split_has_one_driver_and_one_rollout_may_drive_several_splits():
    tale = driven()

    with pytest.raises(RejectedError, match=f"rollout {ROLLOUT} drives rule everyone of this flag already"):
        tale.drive(5_000, rollout=OTHER)
    with pytest.raises(RejectedError, match="from off to on"):
        tale.tell(Drive(rollout=ROLLOUT, rule="everyone", candidate=OFF, stable=ON, weight=1))
    tale.drive(5_000, None, rollout=OTHER)
    tale.tell(Drive(rollout=ROLLOUT, rule=None, region="eu", candidate=ON, stable=OFF, weight=7_000))

    splits = [(driver.rollout, driver.rule, driver.region) for driver in tale.state.drivers]
    assert splits == [(ROLLOUT, "everyone", None), (OTHER, None, None), (ROLLOUT, None, "eu")]
    with pytest.raises(RejectedError, match="drives the default of region eu"):
        tale.save(replace(tale.flag, regions=()))
    tale.release()
    assert [driver.rollout for driver in tale.state.drivers] == [OTHER]


def test_a_region_gets_a_default_of_its_own_on_the_seed_of_the_flag():
    tale = Tale()
    tale.tell(Drive(rollout=ROLLOUT, rule=None, region="eu", candidate=ON, stable=OFF, weight=7_000))

    assert tale.flag.default == OFF
    assert dict(tale.flag.regions)["eu"].default == split(7_000, "new-checkout")
    tale.tell(Drive(rollout=ROLLOUT, rule=None, region="eu", candidate=ON, stable=OFF, weight=WHOLE))
    tale.release()
    assert dict(tale.flag.regions)["eu"].default == ON


def to_eu(weight: int) -> Drive:
    return Drive(rollout=ROLLOUT, rule=None, region="eu", candidate=ON, stable=OFF, weight=weight)


def test_a_region_without_a_default_of_its_own_has_none_after_a_way_back_either():
    tale = Tale()
    tale.save(flag(regions=(("us", RegionOverride(default=ON)),)))
    before = tale.flag
    tale.tell(to_eu(7_000))
    tale.tell(to_eu(0))
    revision = tale.state.revision
    tale.release()

    assert tale.flag == before
    assert tale.state.revision == revision + 1
    tale.tell(replace(to_eu(9_000), rollout=OTHER))
    assert serve_of(tale.flag, None, "eu") == split(9_000, "new-checkout"), "a later ramp divides users alike"


@pytest.mark.parametrize(
    ("region", "default"),
    [(RegionOverride(default=OFF), OFF), (RegionOverride(enabled=True), ON)],
    ids=["it had one of its own", "the flag's became another one meanwhile"],
)
def test_a_region_keeps_its_default_where_a_way_back_would_change_what_it_serves(region, default):
    tale = Tale()
    tale.save(flag(regions=(("eu", region),)))
    tale.tell(to_eu(7_000))
    tale.save(replace(tale.flag, default=default))
    tale.tell(to_eu(0))
    tale.release()

    assert tale.flag.regions == (("eu", replace(region, default=OFF)),)


def test_a_driven_flag_cannot_be_switched_off_by_others_but_by_the_kill_switch():
    tale = driven()

    with pytest.raises(RejectedError, match="the kill switch works meanwhile"):
        tale.save(replace(tale.flag, enabled=False))


def test_one_that_has_let_go_begins_nothing_anew():
    tale = driven()
    tale.release()

    with pytest.raises(RejectedError, match="has let go"):
        tale.drive(25_000)


def test_one_that_is_over_and_drove_nothing_begins_nothing_by_a_late_write():
    tale = Tale()
    before = tale.state
    tale.release()

    with pytest.raises(RejectedError, match="has let go"):
        tale.drive(5_000)
    assert (tale.state.sequence, tale.state.revision, tale.state.effects) == (before.sequence, before.revision, ())
    once = tale.state
    tale.release()
    assert tale.state == once


def test_a_flag_that_never_was_is_not_made_by_who_lets_go_of_it():
    assert decide(FlagState(key=FlagKey("nothing")), Release(rollout=ROLLOUT), now=NOON).events == ()


def test_who_has_the_place_of_whom_is_remembered_of_a_rollout_that_went_all_the_way():
    tale = Tale()
    forward = Drive(rollout=ROLLOUT, rule=None, candidate=ON, stable=OFF, weight=5_000, version=Version("7"))
    tale.tell(forward)
    tale.tell(replace(forward, weight=0))
    tale.release()
    assert tale.state.rolled_out == ()

    for rollout, candidate, stable, version in ((OTHER, ON, OFF, "7"), (THIRD, OFF, ON, "6")):
        command = replace(forward, rollout=rollout, candidate=candidate, stable=stable, version=Version(version))
        tale.tell(replace(command, weight=WHOLE))
        tale.tell(Release(rollout=rollout))
        (last,) = tale.state.rolled_out
        assert (last.variant, last.version, last.replaced) == (candidate, version, stable)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"rule": "nobody"}, "no rule nobody"),
        ({"candidate": VariantName("blue")}, "no variant blue"),
        ({"stable": VariantName("blue")}, "no variant blue"),
        ({"stable": ON}, "cannot be"),
        ({"weight": WHOLE + 1}, "100000"),
        ({"weight": -1}, "100000"),
    ],
)
def test_what_is_not_there_cannot_be_driven(changes, why):
    command = Drive(rollout=ROLLOUT, rule="everyone", candidate=ON, stable=OFF, weight=1)

    with pytest.raises(RejectedError, match=why):
        Tale().tell(replace(command, **changes))
    with pytest.raises(UnknownFlagError):
        Tale(saved=False).tell(command)


@pytest.mark.parametrize(("weight", "serve"), [(WHOLE, ON), (0, OFF), (5_000, split(5_000))])
def test_a_rollout_that_leaves_leaves_one_variant_where_it_came_to_an_end(weight, serve):
    tale = driven()
    tale.drive(weight)
    revision = tale.state.revision
    tale.release()

    assert (tale.flag.rules[1].serve, tale.state.drivers) == (serve, ())
    assert tale.state.revision == revision + (serve in (ON, OFF))
    assert tale.release().events == ()
    tale.save(flag(rules=(replace(EVERYONE, condition=EVERYBODY),)))
