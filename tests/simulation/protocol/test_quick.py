"""Running quickly changes how long a schedule takes, and nothing else."""

import dataclasses
import gc
import pickle
from datetime import UTC, datetime

import pytest

from shared.domain.names import ApplicationName, RolloutId, Version
from shared.domain.rollout import rollout_state
from shared.domain.rollout.rollout_state import Rollout
from tests.simulation.protocol.drawing import draw
from tests.simulation.protocol.outcome import traced
from tests.simulation.protocol.quick import quickly

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def rollout() -> Rollout:
    return Rollout(
        id=RolloutId("r-1"), application=ApplicationName("shop"), version=Version("2"), requested=NOON, attempt=3
    )


@pytest.mark.parametrize("seed", [3, 16, 48, 673])
def test_a_schedule_tells_the_same_story_call_for_call(seed):
    slowly = traced(draw(seed))
    with quickly():
        assert traced(draw(seed)) == slowly


def test_a_value_is_the_same_in_every_way():
    usual = rollout()
    with quickly():
        made = rollout()
        changed = rollout_state.replace(made, attempt=4)
    assert type(made) is type(changed) is Rollout
    assert made == usual
    assert (hash(made), repr(made)) == (hash(usual), repr(usual))
    assert changed == dataclasses.replace(usual, attempt=4)
    assert pickle.loads(pickle.dumps(made)) == usual


def test_a_value_stays_frozen():
    with quickly():
        made = rollout()
        with pytest.raises(dataclasses.FrozenInstanceError):
            made.attempt = 4
        with pytest.raises(dataclasses.FrozenInstanceError):
            rollout_state.replace(made, attempt=4).attempt = 5


def test_what_is_no_field_is_refused():
    with quickly():
        with pytest.raises(TypeError):
            Rollout(colour="red")
        with pytest.raises(TypeError):
            rollout_state.replace(rollout(), colour="red")


def test_afterwards_all_is_as_it_was():
    before = (Rollout.__init__, rollout_state.replace, gc.get_threshold())
    with quickly():
        assert Rollout.__init__ is not before[0]
        assert rollout_state.replace is not before[1]
    assert (Rollout.__init__, rollout_state.replace, gc.get_threshold()) == before
    assert rollout_state.replace is dataclasses.replace
