"""Every situation of a small plan: the laws of walks hold in each, and an end can be reached from each."""

from datetime import timedelta

import pytest

from shared.domain.rollout import on_tick
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.events import Looked
from shared.domain.rollout.phases import Phase
from shared.domain.rollout.readings import Readings
from shared.domain.rollout.state import Rollout
from shared.domain.rollout.timing import SETTLE_LOOK
from tests.simulation.model.phases import Map, explore
from tests.unit.domain.specs import blue_green, canary, spec

PLANS = {"blue and green": blue_green(), "a canary with a gate": canary()}


@pytest.fixture(scope="module", params=PLANS, ids=str)
def found(request) -> Map:
    return explore(spec(strategy=PLANS[request.param], keep_warm=timedelta(0)))


def test_every_situation_is_searched(found):
    assert found.is_whole
    assert len(found.ways) > 150
    seen = {phase for phase, _ in found.seen}
    assert seen >= {Phase.PROGRESSING, Phase.PAUSED, Phase.PROMOTING, Phase.ROLLING_BACK}


def test_an_end_can_be_reached_from_every_situation(found):
    assert found.trapped() == []


def _settle_for_ever(draft: Draft, live: Rollout, _readings: Readings) -> None:
    draft.record(Looked(at=draft.now, rollout=live.id, look_at=draft.now + SETTLE_LOOK))


def test_a_rollback_that_never_ends_is_found(monkeypatch):
    monkeypatch.setattr(on_tick, "decide_settled", _settle_for_ever)
    lost = explore(spec(strategy=blue_green(), keep_warm=timedelta(0)))

    assert lost.trapped()
    assert len(lost.trapped()) < len(lost.ways)
