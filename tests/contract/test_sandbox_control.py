"""The sandbox's control API: what it answers, and what it refuses."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox import ROOT, SITE, fetch, is_running, running_cloud, wait_until


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud"), swap_seconds=0.5) as cloud:
        yield cloud


def refused(cloud, method, path, body):
    got = fetch(f"{cloud.management}/sandbox/{path}", method=method, body=body)
    return got.status, got.json()["error"].get("field")


def test_the_first_start_serves_version_1_in_both_slots(tmp_path):
    with running_cloud(tmp_path) as cloud:
        site = cloud.control.site()

    assert [(slot["slot"], slot["version"], slot["error_rate"]) for slot in site["slots"]] == [
        ("production", "1", 0),
        ("candidate", "1", 0),
    ]
    assert (site["rules"], site["swap"]) == ([], None)


def test_a_deployment_serves_when_it_is_answered(cloud):
    cloud.control.deploy("good-2", latency_ms=60)

    began = time.monotonic()
    got = fetch(f"{cloud.slots['candidate']}/checkout")

    assert got.headers["x-version"] == "good-2"
    assert time.monotonic() - began >= 0.06


def test_a_slow_request_is_finished_by_the_version_that_began_it(cloud):
    cloud.control.deploy("slow", latency_ms=4000)
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(fetch, f"{cloud.slots['candidate']}/checkout")
        time.sleep(0.3)
        cloud.control.deploy("quick")
        began = fetch(f"{cloud.slots['candidate']}/checkout")

        assert not asked.done()
        assert began.headers["x-version"] == "quick"
        assert (asked.result().status, asked.result().headers["x-version"]) == (200, "slow")


def test_the_error_rate_is_the_share_of_checkouts_that_fail(cloud):
    cloud.control.deploy("bad-3", error_rate=0.3, slot="production")
    failed = cloud.control.run_load(requests=2000)["failed"]
    home = cloud.control.run_load(requests=100, path="/")["failed"]
    cloud.control.deploy("1", slot="production")

    assert abs(failed / 2000 - 0.3) < 3 * (0.3 * 0.7 / 2000) ** 0.5
    assert home == 0


def test_a_load_at_a_rate_sends_that_many_and_ends(cloud):
    load = cloud.control.run_load(rps=200, seconds=1.5)

    assert load["sent"] == load["answered"] == sum(split["requests"] for split in load["versions"].values())
    assert load["sent"] == 300
    assert sum(s["requests"] for minute in load["minutes"].values() for s in minute.values()) == load["sent"]


def test_a_load_without_an_end_runs_until_it_is_stopped(cloud):
    load_id = cloud.control.start_load(rps=100, clients="sticky", users=5)
    wait_until(lambda: cloud.control.load(load_id)["answered"] > 20, within=10)
    assert not cloud.control.load(load_id)["done"]

    stopped = cloud.control.stop_load(load_id)

    assert stopped["done"]
    assert stopped["sent"] == stopped["answered"]
    assert cloud.control.load(load_id)["sent"] == stopped["sent"]


def test_traffic_counts_users_but_not_probes(cloud):
    before = cloud.control.traffic().get("1", {"requests": 0})["requests"]

    fetch(f"{cloud.edge}/checkout")
    fetch(f"{cloud.edge}/checkout", headers={"Cookie": "x-ms-routing-name=self"})
    fetch(f"{cloud.edge}/version?x-ms-routing-name=self")
    fetch(f"{cloud.slots['candidate']}/version")

    assert cloud.control.traffic()["1"]["requests"] - before == 2


def test_a_body_is_carried_to_the_shop_and_its_answer_back(cloud):
    got = fetch(f"{cloud.edge}/checkout", method="POST", body={"basket": ["lantern"] * 1000})

    assert got.status == 200
    assert got.json()["version"] == "1"


def test_a_head_request_gets_the_length_and_no_body(cloud):
    whole, head = fetch(f"{cloud.edge}/"), fetch(f"{cloud.edge}/", method="HEAD")

    assert head.body == b""
    assert head.headers["content-length"] == str(len(whole.body))


def test_a_process_that_dies_is_started_again_and_meanwhile_answers_are_502_or_503(cloud):
    killed = cloud.control.kill("candidate")["killed"]

    wait_until(lambda: not is_running(killed), within=5)
    seen = {fetch(f"{cloud.slots['candidate']}/version").status}
    wait_until(lambda: seen.add(fetch(f"{cloud.slots['candidate']}/version").status) or 200 in seen, within=10)

    assert seen <= {200, 502, 503}
    assert len(seen) > 1


@pytest.mark.parametrize("kind", ["500", "429", "503"])
def test_a_fault_on_a_slot_is_what_its_clients_get(cloud, kind):
    cloud.control.add_fault(on="slot", slot="candidate", kind=kind, path="/healthz", count=1)

    assert fetch(f"{cloud.edge}/healthz").status == 200
    assert fetch(f"{cloud.slots['candidate']}/version").status == 200
    assert fetch(f"{cloud.slots['candidate']}/healthz").status == int(kind)
    assert fetch(f"{cloud.slots['candidate']}/healthz").status == 200


def test_a_fault_that_hangs_is_over_when_faults_are_cleared(cloud):
    command = [sys.executable, "-c", f"import urllib.request; urllib.request.urlopen({cloud.edge!r})"]
    cloud.control.add_fault(on="slot", slot="production", kind="hang", count=1)
    hanging = subprocess.Popen(command, stderr=subprocess.PIPE)
    wait_until(lambda: cloud.control.call("GET", "faults")["faults"] == [], within=10)
    assert hanging.poll() is None

    cloud.control.add_fault(on="slot", slot="candidate", kind="500")
    cloud.control.clear_faults()

    _, message = hanging.communicate(timeout=10)
    assert b"504" in message


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", f"sites/{SITE}/slots/candidate/deploy", {}, "version"),
        ("POST", f"sites/{SITE}/slots/candidate/deploy", {"version": 2}, "version"),
        ("POST", f"sites/{SITE}/slots/candidate/deploy", {"version": "2\r\nX: y"}, "version"),
        ("POST", f"sites/{SITE}/slots/candidate/deploy", {"version": "2", "error_rate": 1.5}, "error_rate"),
        ("POST", f"sites/{SITE}/slots/candidate/deploy", {"version": "2", "latency": 5}, "latency"),
        ("POST", f"sites/{SITE}/slots/candidate/deploy", ["2"], ""),
        ("POST", "load", {"site": SITE}, "rps"),
        ("POST", "load", {"site": SITE, "rps": True}, "rps"),
        ("POST", "load", {"site": SITE, "rps": 5, "clients": "shy"}, "clients"),
        ("POST", "load", {"site": SITE, "rps": 5, "requests": 5}, "requests"),
        ("POST", "load", {"site": SITE, "rps": 5, "path": "checkout"}, "path"),
        ("POST", "faults", {"on": "moon", "kind": "500"}, "on"),
        ("POST", "faults", {"on": "metrics", "kind": "slow-swap"}, "kind"),
        ("POST", "faults", {"on": "metrics", "kind": "500", "applied": 1}, "applied"),
        ("POST", "metrics", {"lag_seconds": -1}, "lag_seconds"),
        ("POST", "metrics", {"lag_seconds": "1"}, "lag_seconds"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(cloud, method, path, body, field):
    assert refused(cloud, method, path, body) == (400, field)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "sites/other"), ("GET", "load/load-999"), ("POST", f"sites/{SITE}/slots/x/deploy"), ("PUT", "faults")],
)
def test_what_does_not_exist_is_404(cloud, method, path):
    assert refused(cloud, method, path, {"version": "2"} if "deploy" in path else None)[0] == 404


def test_a_body_that_is_not_json_is_400(cloud):
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-d", "{", f"{cloud.management}/sandbox/load"]

    assert subprocess.run(command, capture_output=True, check=True).stdout == b"400"


def test_no_deployment_is_taken_while_a_swap_runs(cloud):
    url = f"{cloud.management}{cloud.control.site()['resource']}/slotsswap?api-version=2025-05-01"
    fetch(url, method="POST", body={"targetSlot": "candidate"}, headers={"Authorization": "Bearer x"})

    assert refused(cloud, "POST", f"sites/{SITE}/slots/candidate/deploy", {"version": "9"})[0] == 409
    wait_until(lambda: cloud.control.site()["swap"]["phase"] == "done", within=10)


def test_a_second_sandbox_cannot_have_the_same_folder(cloud):
    command = [sys.executable, "-m", "local.cloud", "--data", str(cloud.folder)]

    second = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=20, check=False)

    assert second.returncode == 1
    assert b"another sandbox works in" in second.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_child_is_left_however_it_ends(tmp_path, how):
    with running_cloud(tmp_path) as cloud:
        cloud.control.start_load(rps=50)
        children = [slot["process"] for slot in cloud.control.site()["slots"]]
        assert all(is_running(child) for child in children)

        cloud.process.send_signal(how)
        code = cloud.process.wait(timeout=20)

    assert code == (-9 if how is signal.SIGKILL else 0)
    wait_until(lambda: not any(is_running(child) for child in children), within=5)


def test_it_ends_when_the_pipe_of_its_starter_closes(tmp_path):
    with running_cloud(tmp_path) as cloud:
        cloud.process.stdin.close()

        assert cloud.process.wait(timeout=20) == 0


def test_the_ready_line_is_one_line_of_json(cloud):
    assert json.loads(json.dumps(cloud.slots))["production"] == cloud.edge
