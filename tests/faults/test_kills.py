"""The real host, ended by `kill -9` twenty times while it releases the shop: the short form of `make faults`."""

from tests.faults.campaign import run_campaign


def test_a_host_killed_twenty_times_releases_as_if_nothing_had_happened(tmp_path):
    result = run_campaign(tmp_path, kills=20, rollouts=4, seed=11, until_swept=False)

    assert result.wrong == []
    assert len(result.kills) == 20
    assert any(kill.was_ready for kill in result.kills)
