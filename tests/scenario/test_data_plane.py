"""The sandbox's data plane really divides traffic, really pins clients, and loses nothing that it should keep."""

import itertools
import time
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from tests.sandbox import TOKEN, fetch, running_cloud, wait_until

REQUESTS = 20_000
LEAST_RATE = 50
"""Requests a second on a machine that is busy with much else."""


@pytest.fixture
def cloud(tmp_path):
    with running_cloud(tmp_path, seed=7, swap_seconds=1.0) as cloud:
        yield cloud


def standard_error(share, draws):
    return (share * (1 - share) / draws) ** 0.5


def share_of(split, version):
    return split.get(version, {"requests": 0})["requests"] / sum(tally["requests"] for tally in split.values())


def remembered(cloud):
    """What must be the same after a restart; only the processes are new."""
    site = cloud.control.site()
    for slot in site["slots"]:
        del slot["process"]
    return site, cloud.slots, cloud.control.traffic(), cloud.control.pinned(), cloud.control.call("GET", "metrics")


@pytest.mark.parametrize("weight", [1, 5, 25, 50])
def test_the_share_of_fresh_clients_is_the_weight(cloud, weight):
    cloud.control.deploy("2")
    cloud.set_weight(weight)

    load = cloud.control.run_load(requests=REQUESTS, clients="fresh", within=REQUESTS / LEAST_RATE)

    assert load["failed"] == 0
    assert cloud.control.traffic() == load["versions"]
    wanted = weight / 100
    assert abs(share_of(load["versions"], "2") - wanted) <= 3 * standard_error(wanted, REQUESTS)


def test_returning_clients_keep_their_share_when_the_weight_moves(cloud):
    users, visits = 400, 8
    cloud.control.deploy("2")
    cloud.set_weight(10)
    load_id = cloud.control.start_load(rps=1500, clients="sticky", users=users)
    wait_until(lambda: cloud.control.load(load_id)["answered"] >= users * visits, within=30)
    pinned = cloud.control.pinned()["slots"]

    cloud.set_weight(90)
    before = cloud.control.load(load_id)
    wait_until(lambda: cloud.control.load(load_id)["answered"] >= before["answered"] + users * visits, within=30)
    after = cloud.control.stop_load(load_id)

    assert sum(pinned.values()) == users
    assert abs(pinned["candidate"] / users - 0.10) <= 3 * standard_error(0.10, users)
    assert cloud.control.pinned()["slots"] == pinned
    # Each client comes equally often, so the share of requests is the share of clients, but for one unfinished round.
    assert abs(share_of(after["versions"], "2") - pinned["candidate"] / users) < users / after["answered"]
    fresh = cloud.control.run_load(requests=2000, clients="fresh")
    assert abs(share_of(fresh["versions"], "2") - 0.90) <= 3 * standard_error(0.90, 2000)


def test_the_share_follows_a_new_weight_only_as_fast_as_clients_are_replaced(cloud):
    """Clients come `visits` times, evenly spread in age, so in each round 1 in `visits` comes for the first time.

    Those are dealt by the new weight and keep their place, so in the j-th round after the weight moved from w1 to w2
    the expected share is w1 + (w2 - w1) * min(1, j / visits).
    """
    users, visits, old, new = 500, 4, 0.10, 0.60
    cloud.control.deploy("2")
    cloud.set_weight(old * 100)
    load_id = cloud.control.start_load(rps=1000, clients="sticky", users=users, visits=visits, seed=3)
    wait_until(lambda: cloud.control.load(load_id)["answered"] >= users * visits, within=30)

    start = cloud.control.load(load_id)
    cloud.set_weight(new * 100)
    seen = []
    while not seen or seen[-1][0] < users * (visits + 2):
        load = cloud.control.load(load_id)
        counted = load["versions"]["2"]["requests"] - start["versions"]["2"]["requests"]
        seen.append((load["answered"] - start["answered"], counted))
        time.sleep(0.05)

    shares = (old + (new - old) * min(1, turn / visits) for turn in itertools.count(1))
    expected = list(itertools.accumulate(share for share in itertools.islice(shares, visits + 4) for _ in range(users)))
    for answered, counted in seen:
        if answered > users / 2:
            # One client's draw decides up to `visits` requests, so they err together.
            error = (visits * answered * 0.25) ** 0.5
            assert abs(counted - expected[answered - 1]) <= 3 * error
    total, candidates = seen[-1]
    without_lag = new * total
    assert without_lag - candidates > 3 * (visits * total * 0.25) ** 0.5, "the lag that cookies cause is not to be seen"


def test_rules_and_cookies_stay_when_versions_are_swapped(cloud):
    cloud.control.deploy("2")
    cloud.set_weight(100)
    browser = build_opener(HTTPCookieProcessor())
    before = [browser.open(f"{cloud.edge}/").headers["X-Version"] for _ in range(3)]
    rules = cloud.control.site()["rules"]

    cloud.swap()

    assert before == ["2"] * 3
    assert cloud.control.site()["rules"] == rules
    assert browser.open(f"{cloud.edge}/").headers["X-Version"] == "1", "the cookie names the slot, not the version"
    assert fetch(f"{cloud.edge}/").headers["x-version"] == "1", "the rule still sends new clients to the slot"
    assert fetch(f"{cloud.edge}/?x-ms-routing-name=self").headers["x-version"] == "2"


def test_a_client_pinned_to_a_slot_stays_there_at_weight_0(cloud):
    cloud.control.deploy("2")
    cloud.set_weight(100)
    browser = build_opener(HTTPCookieProcessor())
    browser.open(f"{cloud.edge}/")

    cloud.set_weight(0)

    assert browser.open(f"{cloud.edge}/").headers["X-Version"] == "2"
    assert fetch(f"{cloud.edge}/").headers["x-version"] == "1"
    assert cloud.control.pinned() == {"slots": {"production": 1, "candidate": 1}, "versions": {"1": 1, "2": 1}}


def test_a_swap_and_a_deployment_under_load_lose_no_request(cloud):
    cloud.control.deploy("2", latency_ms=40)
    cloud.control.deploy("1", latency_ms=40, slot="production")
    load_id = cloud.control.start_load(rps=300)
    wait_until(lambda: cloud.control.load(load_id)["answered"] > 50, within=10)

    cloud.swap()
    wait_until(lambda: "2" in cloud.control.load(load_id)["versions"], within=10)
    cloud.control.deploy("3", latency_ms=5, slot="production")
    wait_until(lambda: "3" in cloud.control.load(load_id)["versions"], within=10)
    load = cloud.control.stop_load(load_id)

    assert (load["failed"], load["skipped"], load["error"]) == (0, 0, "")
    assert load["sent"] == load["answered"]
    assert set(load["versions"]) == {"1", "2", "3"}


def test_a_power_cut_changes_nothing_that_was_said(cloud):
    cloud.control.deploy("2", error_rate=0.25, latency_ms=3)
    cloud.set_weight(30)
    cloud.control.set_lag(9)
    cloud.swap()
    cloud.control.run_load(requests=500, clients="sticky")
    time.sleep(1.2)
    before = remembered(cloud)

    cloud.kill()
    cloud.start()

    assert remembered(cloud) == before
    assert fetch(f"{cloud.edge}/", headers={"Cookie": "x-ms-routing-name=candidate"}).headers["x-version"] == "1"
    assert fetch(f"{cloud.edge}/", headers={"Cookie": "x-ms-routing-name=self"}).headers["x-version"] == "2"


def test_a_power_cut_under_load_forgets_at_most_the_last_second_of_counts(cloud):
    rate = 200
    load_id = cloud.control.start_load(rps=rate)
    wait_until(lambda: cloud.control.load(load_id)["answered"] > 2 * rate, within=10)
    seen = cloud.control.traffic()["1"]["requests"]

    cloud.kill()
    cloud.start()

    assert seen - cloud.control.traffic()["1"]["requests"] <= rate


def test_a_swap_that_a_power_cut_interrupts_is_finished_after_it(cloud):
    cloud.control.deploy("2")
    location = cloud.begin_swap()
    assert fetch(location, headers=TOKEN).status == 202

    cloud.kill()
    cloud.start()

    assert fetch(location, headers=TOKEN).status == 202
    wait_until(lambda: fetch(location, headers=TOKEN).status == 200, within=20)
    assert fetch(f"{cloud.edge}/").headers["x-version"] == "2"
    assert [slot["version"] for slot in cloud.control.site()["slots"]] == ["2", "1"]
