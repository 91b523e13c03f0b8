"""How often there is something to look at: soon at first, and once a minute where nothing comes on by itself."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.rollout import settle, swap
from shared.domain.rollout.timing import HELD_LOOK, PREFLIGHT_LOOK, SETTLE_LOOK, SWAP_LOOK, rarer
from tests.unit.domain.specs import MINUTE, spec
from tests.unit.domain.states import baking

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("waited", "wait"),
    [(0 * MINUTE, 5 * SECOND), (30 * SECOND, 5 * SECOND), (5 * MINUTE, 30 * SECOND), (60 * MINUTE, MINUTE)],
)
def test_what_has_been_waited_for_long_is_looked_at_more_rarely(waited, wait):
    assert rarer(PREFLIGHT_LOOK, waited) == wait


@pytest.mark.parametrize(("stuck", "wait"), [(None, SETTLE_LOOK), ("nobody answers", HELD_LOOK)])
def test_a_way_back_that_a_person_was_called_for_is_looked_at_once_a_minute(stuck, wait):
    live = replace(baking(spec()).live, stuck=stuck)
    assert settle._until_next_look(live) == wait


@pytest.mark.parametrize(
    ("token", "stuck", "wait"),
    [("swap-1", None, SWAP_LOOK), (None, None, HELD_LOOK), ("swap-1", "nobody answers", HELD_LOOK)],
)
def test_only_a_swap_that_runs_is_looked_at_every_few_seconds(token, stuck, wait):
    live = baking(spec()).live
    live = replace(live, stuck=stuck, targets=tuple(replace(target, swap_token=token) for target in live.targets))
    assert swap._until_next_look(live) == wait
