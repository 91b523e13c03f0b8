"""Running many: shards that other sizes share, a sum that is read back as it was, and a table of what was reached."""

from collections import Counter

import pytest

from tests.simulation.protocol import campaign
from tests.simulation.protocol.campaign import SHARD, Tally, run_seeds, shards
from tests.simulation.protocol.coverage import add_up, filled, table
from tests.simulation.protocol.faults import EVERY_CALL, KINDS
from tests.simulation.protocol.faulty import Faulty


def test_every_seed_is_in_one_shard():
    for first, count in ((1, 10), (1, 1_000), (249, 3), (700, 800)):
        seeds = [seed for shard in shards(first, count) for seed in shard]
        assert seeds == list(range(first, first + count))
        assert all(len(shard) <= SHARD for shard in shards(first, count))


def test_a_longer_run_shares_the_shards_of_a_shorter_one():
    assert set(list(shards(1, 600))[:-1]) <= set(shards(1, 5_000))


def test_what_was_kept_is_read_back_as_it_was():
    tally = run_seeds(range(1, 4))
    back = Tally.from_json(tally.to_json())
    assert (back.coverage, back.ended, back.calls) == (tally.coverage, tally.ended, tally.calls)
    assert tally.schedules == 3


def test_a_run_that_was_broken_off_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(campaign, "KEPT", tmp_path)
    first = campaign.campaign(1, 2, workers=1, said=lambda total: None)

    def nobody(*_: object, **__: object) -> None:
        raise AssertionError("what is kept is not run again")

    monkeypatch.setattr(campaign, "run_seeds", nobody)
    again = campaign.campaign(1, 2, workers=1, said=lambda total: None)
    assert again.to_json() == first.to_json()


def test_the_table_says_what_was_decided_and_what_was_hit():
    total = add_up([{("paused", "Tick", "none"): 3, ("paused", "Tick", "refuse"): 2}, {("paused", "Tick", "none"): 1}])
    lines = table(total)
    assert any("Tick" in line and "4 / 2 (1)" in line for line in lines)
    assert any("refuse" in line and "2" in line for line in lines)
    assert filled(total) == (2, 2)
    assert isinstance(total, Counter)


@pytest.mark.parametrize("method", EVERY_CALL)
def test_every_fault_that_may_be_drawn_can_happen(method):
    for kind in KINDS[method]:
        assert hasattr(Faulty, "_" + kind.replace(" ", "_")), kind
