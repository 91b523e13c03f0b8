"""What moves, finds and looks at the variants of a flag keeps the promises of its ports, on real aggregates."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.flags.places import FlagPlaces, FlagProbe
from shared.adapters.flags.traffic_router import FlagRouter
from shared.application.flag_rollouts import FlagsOfRollouts
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.flags.model import Variant
from shared.domain.names import RolloutId, VariantName, Version
from shared.domain.rollout.spec import Located, Mover, Place, Target, TargetKind
from shared.domain.rollout.weight import ALL, NONE, Weight
from shared.wire.flag_split import parse_flag_split
from tests.scenario.flag_world import BLUE, GREEN, SPLIT, FlagWorld, checkout
from tests.scenario.world import SPEC

ROLLOUT, OTHER = RolloutId("shop-0123456789ab"), RolloutId("shop-ba9876543210")
BARE = Target(name="checkout", kind=TargetKind.FEATURE_FLAG, resource=SPLIT, variant=GREEN)
FOUND = Located(stable=BLUE, candidate=GREEN)
TARGET = replace(BARE, located=FOUND, mover=Mover(rollout=ROLLOUT, version=Version("2"), returns=False))
AGE = timedelta(seconds=5)
NAME = parse_flag_split(SPLIT)


@pytest.fixture
def world(tmp_path):
    return FlagWorld(tmp_path, SPEC, flag=checkout(), deploy_first=False)


@pytest.fixture
def flags(world):
    return FlagsOfRollouts(world.app.flag_changes)


@pytest.fixture
def router(flags):
    return FlagRouter(flags)


def test_a_split_that_was_never_divided_gives_nothing_to_the_candidate(router):
    assert router.read_share(TARGET) == NONE


@pytest.mark.parametrize("share", [1, 5_000, 33_333, 99_999, 100_000])
def test_the_share_that_was_set_is_exactly_the_share_in_force(router, share):
    router.set_share(TARGET, Weight(share))

    assert router.read_share(TARGET) == share


def test_setting_the_same_share_twice_is_harmless_and_makes_no_revision(router, world):
    router.set_share(TARGET, Weight(25_000))
    revision = world.state.revision
    router.set_share(TARGET, Weight(25_000))

    assert (router.read_share(TARGET), world.state.revision) == (25_000, revision)


def test_the_share_is_what_was_decided_by_whichever_worker(router, world):
    router.set_share(TARGET, Weight(25_000))
    other = FlagWorld(world.folder, SPEC, deploy_first=False, clock=world.clock)
    FlagRouter(FlagsOfRollouts(other.app.flag_changes)).set_share(TARGET, Weight(5_000))

    assert router.read_share(TARGET) == 5_000


def test_before_its_variants_are_known_and_for_no_rollout_it_is_refused(router):
    with pytest.raises(RejectedError, match="a preflight finds them"):
        router.set_share(replace(TARGET, located=None), ALL)
    with pytest.raises(RejectedError, match="a preflight finds them"):
        router.read_share(replace(TARGET, located=None))
    with pytest.raises(RejectedError, match="by a rollout, and by nobody else"):
        router.set_share(replace(TARGET, mover=None), ALL)


def test_another_rollout_is_refused_for_good_until_the_first_has_let_go(router, flags):
    router.set_share(TARGET, Weight(5_000))
    theirs = replace(TARGET, mover=Mover(rollout=OTHER, version=Version("3"), returns=False))
    with pytest.raises(RejectedError, match=f"rollout {ROLLOUT} drives"):
        router.set_share(theirs, Weight(1))

    flags.let_go(NAME, RolloutId("shop-of-nothing"))
    flags.let_go(NAME, ROLLOUT)
    flags.let_go(NAME, ROLLOUT)
    router.set_share(theirs, Weight(1))
    assert router.read_share(theirs) == 1


@pytest.mark.parametrize("drove", [True, False])
def test_who_has_let_go_moves_nobody_any_more_whether_it_ever_did_or_not(router, flags, drove):
    if drove:
        router.set_share(TARGET, Weight(5_000))
        router.set_share(TARGET, NONE)
    flags.let_go(NAME, ROLLOUT)

    with pytest.raises(RejectedError, match="has let go of this flag"):
        router.set_share(TARGET, Weight(5_000))
    assert router.read_share(TARGET) == NONE


class Unwell:
    """A store that answers nothing."""

    def __getattr__(self, name: str) -> Any:
        raise TryLaterError(f"{name}: the store is unwell")


def test_a_store_that_is_unwell_is_to_be_tried_later(tmp_path):
    world = FlagWorld(tmp_path, SPEC, deploy_first=False)
    world.change = lambda keeping: replace(keeping, store=Unwell(), markers=Unwell())
    world.start()
    flags = FlagsOfRollouts(world.app.flag_changes)
    router = FlagRouter(flags)

    for call in (
        lambda: router.read_share(TARGET),
        lambda: router.set_share(TARGET, ALL),
        lambda: FlagPlaces(flags, AGE).find_places(TARGET, Version("2")),
        lambda: FlagProbe(flags).read_version(TARGET, Place.CANDIDATE),
        lambda: flags.let_go(NAME, ROLLOUT),
    ):
        with pytest.raises(TryLaterError):
            call()


def test_the_places_stay_for_the_whole_rollout_and_users_follow_within_the_age_of_flags(router, flags):
    places = FlagPlaces(flags, AGE)
    found = places.find_places(TARGET, Version("2"))
    assert found == Located(stable=BLUE, candidate=GREEN, settles=AGE)

    for share in (5_000, 95_000, 100_000):
        router.set_share(TARGET, Weight(share))
        assert places.find_places(TARGET, Version("2")) == found


def test_the_candidates_variant_stands_for_the_rollouts_version_and_the_stable_one_for_its_own(flags, world):
    probe = FlagProbe(flags)

    assert probe.read_version(TARGET, Place.CANDIDATE) == "2"
    assert probe.read_version(TARGET, Place.PRODUCTION) == BLUE
    assert probe.read_health(TARGET, Place.CANDIDATE).healthy
    red = VariantName("red")
    world.save(checkout(variants=(Variant(BLUE, "old"), Variant(red, "x"))))
    with pytest.raises(TryLaterError, match="has no variant green any more"):
        probe.read_version(TARGET, Place.CANDIDATE)
