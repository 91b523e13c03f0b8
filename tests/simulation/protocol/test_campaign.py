"""Running many: shards that other sizes share, a sum that is read back as it was, and a table of what was reached."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.simulation.protocol import campaign
from tests.simulation.protocol.campaign import SHARD, Tally, keep, kept, run_seeds, shards
from tests.simulation.protocol.coverage import add_up, table


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
    monkeypatch.setattr(campaign, "code_in_force", lambda: "this")
    first = campaign.campaign(1, 2, workers=1, said=lambda total: None)

    def nobody(*_: object, **__: object) -> None:
        raise AssertionError("what is kept is not run again")

    monkeypatch.setattr(campaign, "run_seeds", nobody)
    again = campaign.campaign(1, 2, workers=1, said=lambda total: None)
    assert again.to_json() == first.to_json()


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"text"',
        b'{"schedules": 2}',
        {"calls": "many"},
        {"calls": None},
        {"ended": [1]},
        {"ended": None},
        {"failures": [[1]]},
        {"coverage": [["paused", "Tick", 1]]},
        {"coverage": [["paused", "Tick", "none", "often"]]},
        {"schedules": 1},
    ],
    ids=str,
)
def test_a_shard_that_cannot_be_read_is_taken_for_none(broken, tmp_path):
    seeds = range(1, 3)
    tally = run_seeds(seeds)
    keep(tmp_path, seeds, tally)
    assert kept(tmp_path, seeds).to_json() == tally.to_json()

    (path,) = tmp_path.iterdir()
    path.write_bytes(broken if isinstance(broken, bytes) else json.dumps({**tally.to_json(), **broken}).encode())
    assert kept(tmp_path, seeds) is None


def test_a_run_mends_what_it_finds_broken(tmp_path, monkeypatch):
    monkeypatch.setattr(campaign, "KEPT", tmp_path)
    monkeypatch.setattr(campaign, "code_in_force", lambda: "this")
    first = campaign.campaign(1, 2, workers=1, said=lambda total: None)
    (path,) = tmp_path.rglob("*.json")
    path.write_text("{")

    again = campaign.campaign(1, 2, workers=1, said=lambda total: None)
    assert (again.schedules, again.coverage) == (first.schedules, first.coverage)
    assert Tally.from_json(json.loads(path.read_text())).to_json() == again.to_json()


def test_runs_that_keep_the_same_shard_at_once_do_not_meet(tmp_path):
    seeds, tally = range(1, 3), Tally(schedules=2, ended=Counter({f"end {number}": 1 for number in range(5_000)}))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: keep(tmp_path, seeds, tally), range(100)))
    assert kept(tmp_path, seeds).to_json() == tally.to_json()
    assert [path.name for path in tmp_path.iterdir()] == ["1-2.json"]


def test_the_table_says_what_was_decided_and_what_was_hit():
    total = add_up([{("paused", "Tick", "none"): 3, ("paused", "Tick", "refuse"): 2}, {("paused", "Tick", "none"): 1}])
    lines = table(total)
    assert any("Tick" in line and "4 / 2 (1)" in line for line in lines)
    assert any("refuse" in line and "2" in line for line in lines)
    assert isinstance(total, Counter)
