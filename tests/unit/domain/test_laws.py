"""What holds after any sequence of commands, answers, readings and time."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.rollout.commands import Action
from shared.domain.rollout.permissions import refusal
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import Place
from shared.domain.rollout.state import Phase
from tests.unit.domain.outside import DONE, GOOD, is_turned
from tests.unit.domain.walks import MOVES, SPECS, Walk

SUPPRESSED = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
WAKES = st.integers(0, 16)


def walked(first, wakes, moves) -> Walk:
    walk = Walk(first)
    walk.go(wakes)
    for move in moves:
        walk.move(move)
    return walk


def make_well(walk: Walk) -> None:
    """Nothing outside is in the way any more, and CI has put back what a way back would need."""
    live = walk.state.live
    walk.outside.hook = DONE
    for name, site in walk.outside.sites.items():
        site.trouble, site.healthy, site.users_meet, site.stable_meets = None, True, GOOD, GOOD
        target = live.target(name) if live else None
        stable = target.stable_version if target else None
        site.finish_swap()
        site.preview = Preview.NONE
        if live is None or target is None or stable is None:
            continue
        if not target.swaps:
            site.put(Place.PRODUCTION, stable, turned=is_turned(target))
            site.put(Place.CANDIDATE, live.version, turned=is_turned(target))
        elif {site.production, site.candidate} != {live.version, stable}:
            site.candidate = stable if site.production == live.version else live.version
            site.production = live.version if site.candidate == stable else stable


def assert_let_go(walk: Walk) -> None:
    """Whatever a rollout kept others from writing, they may write again once it is over, whichever way that went."""
    for rollout in walk.archived:
        targets = rollout.spec.targets if rollout.spec and rollout.started else ()
        held = {(rollout.id, target.name) for target in targets if target.kind.is_held}
        assert held <= walk.outside.let_go


@settings(max_examples=200, deadline=None, suppress_health_check=SUPPRESSED)
@given(SPECS, WAKES, st.lists(MOVES, min_size=12, max_size=40))
def test_every_decision_keeps_the_laws(first, wakes, moves):
    walk = walked(first, wakes, moves)
    walk.comes_to_rest()


@settings(max_examples=120, deadline=None, suppress_health_check=SUPPRESSED)
@given(SPECS, WAKES, st.lists(MOVES, max_size=25))
def test_a_rollback_always_ends_at_weight_0_on_the_stable_version_once_the_outside_is_well(first, wakes, moves):
    walk = walked(first, wakes, moves)
    rolled = walk.state.live
    if rolled is None or rolled.returns:
        return
    make_well(walk)
    if refusal(walk.state, Action.ROLLBACK) is None:
        walk.override(Action.ROLLBACK)

    walk.go_until(lambda: walk.state.live is None or walk.state.live.id != rolled.id)

    kept = next(rollout for rollout in walk.archived if rollout.id == rolled.id)
    for target in kept.targets:
        site = walk.outside.site(target.name)
        assert target.observed in (0, None)
        assert walk.outside.share_of_candidate(target) == 0
        assert site.preview is Preview.NONE
        assert target.stable_version in (site.serves(Place.PRODUCTION, turned=is_turned(target)), None)
    walk.settle()
    assert_let_go(walk)


@settings(max_examples=120, deadline=None, suppress_health_check=SUPPRESSED)
@given(SPECS, WAKES, st.lists(MOVES, max_size=25))
def test_nothing_waits_for_ever_for_an_outside_that_stays_unwell(first, wakes, moves):
    walk = walked(first, wakes, moves)
    walk.override(Action.UNFREEZE)
    walk.override(Action.RESUME)
    for site in walk.outside.sites.values():
        site.trouble = "503"

    def was_acted_on() -> bool:
        live = walk.state.live
        return live is None or live.stuck is not None or live.phase is Phase.PAUSED

    walk.go_until(was_acted_on, limit=3_000)


@settings(max_examples=120, deadline=None, suppress_health_check=SUPPRESSED)
@given(SPECS, WAKES, st.lists(MOVES, max_size=25))
def test_every_rollout_ends_once_the_outside_is_well_and_people_approve(first, wakes, moves):
    walk = walked(first, wakes, moves)
    make_well(walk)
    walk.override(Action.UNFREEZE)

    def approved_to_the_end() -> bool:
        for action in (Action.RESUME, Action.APPROVE):
            if refusal(walk.state, action) is None:
                walk.override(action)
        return walk.state.live is None

    walk.go_until(approved_to_the_end)

    walk.settle()
    assert_let_go(walk)
