"""Bad days on the real stack: the host as a process, Microsoft's SDKs, real traffic through the sandbox."""

import json
import time
from collections.abc import Callable

import pytest

from local.interruption import Interruption
from local.stack import running_stack
from tests.functions.alerts import alert
from tests.sandbox import SITE_ID, Control, fetch


class Shop:
    """One running stack with traffic on it."""

    def __init__(self, stack) -> None:
        self.stack = stack
        self.control = Control(stack.cloud)
        self.versions = 1

    def call(self, method: str, path: str, body=None):
        return fetch(self.stack.url + path, method=method, body=body, headers={"X-API-Key": self.stack.key})

    def release(self, **quality: float) -> tuple[str, str]:
        """Deploy a new version and announce it; return it and its rollout."""
        self.versions += 1
        version = f"{self.versions}.0"
        self.control.deploy(version, **quality)
        answer = self.call("POST", "/api/deployments", {"application": "shop", "version": version})
        assert answer.status == 202, answer.body
        return version, answer.json()["rollout"]

    def rollout(self, rollout: str) -> dict:
        return self.call("GET", f"/api/rollouts/{rollout}").json()

    def events(self, rollout: str) -> list[dict]:
        answer = self.call("GET", f"/api/rollouts/{rollout}/history")
        assert answer.status == 200, answer.body
        return answer.json()["events"]

    def wait(self, done: Callable[[], object], seconds: float = 120) -> None:
        ends = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < ends, "not in time"
            time.sleep(0.1)

    def end(self, rollout: str) -> dict:
        self.wait(lambda: self.rollout(rollout)["ended"])
        return self.rollout(rollout)

    def baking(self, rollout: str, weight: float) -> None:
        def reached() -> bool:
            view = self.rollout(rollout)
            assert view["ended"] is None, view["reason"]
            return view["weight"] == weight and view["doing"] == "baking"

        self.wait(reached)

    def rules(self) -> list[float]:
        return [rule["percentage"] for rule in self.control.site()["rules"]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with running_stack(tmp_path_factory.mktemp("stack"), Interruption()) as stack:
        shop = Shop(stack)
        shop.control.start_load(site="shop", rps=60, clients="fresh", seconds=900)
        yield shop


def test_a_management_api_that_is_unwell_for_a_minute_is_waited_for(shop):
    version, rollout = shop.release()
    shop.baking(rollout, 5)
    for kind, seconds in (("429", 20), ("500", 20), ("timeout", 20)):
        shop.control.add_fault(on="management", kind=kind, seconds=seconds, retry_after=1)
        time.sleep(seconds)
    shop.control.clear_faults()

    view = shop.end(rollout)

    assert view["phase"] == "succeeded", view["reason"]
    assert shop.control.site()["slots"][0]["version"] == version
    assert shop.rules() == []


def test_a_bad_release_is_taken_back_and_its_users_are_counted(shop):
    _, rollout = shop.release(error_rate=0.3)

    view = shop.end(rollout)

    assert view["phase"] == "rolled-back"
    assert shop.rules() == []
    shop.wait(lambda: shop.rollout(rollout)["pinned_requests"] is not None)
    assert view["pinned_until"] is not None


def test_an_alert_reaches_the_router_in_one_hop(shop, capsys):
    _, rollout = shop.release()
    shop.baking(rollout, 5)
    began = time.monotonic()
    answer = shop.call("POST", "/api/events/azure-monitor", alert(target=SITE_ID.upper(), alert_id="one-hop"))
    assert (answer.status, answer.json()["applications"]) == (202, ["shop"])
    shop.wait(lambda: shop.rules() == [], 10)
    with capsys.disabled():
        print(f"\nalert accepted -> weight 0 at the router: {(time.monotonic() - began) * 1000:.0f} ms")

    assert shop.end(rollout)["phase"] == "rolled-back"


def test_a_candidate_slot_that_ci_overwrites_gets_no_more_users(shop):
    _, rollout = shop.release()
    shop.baking(rollout, 5)
    shop.control.deploy("somebody-elses")

    view = shop.end(rollout)

    assert view["phase"] == "failed"
    assert "candidate replaced" in view["reason"]
    assert shop.rules() == []


def test_a_weight_moved_by_hand_is_reported_and_put_right(shop):
    _, rollout = shop.release()
    shop.baking(rollout, 5)
    rule = {"name": "candidate", "actionHostName": candidate_host(shop), "reroutePercentage": 77}
    patch = {"properties": {"experiments": {"rampUpRules": [rule]}}}
    url = f"{shop.stack.cloud}{SITE_ID}/config/web?api-version=2025-05-01"
    assert fetch(url, method="PATCH", body=patch, headers={"Authorization": "Bearer x"}).status == 200
    assert shop.rules() == [77]

    shop.wait(lambda: shop.rules() in ([5], [25]), 15)

    assert "DriftFound" in [event["type"] for event in shop.events(rollout)]
    shop.call("POST", "/api/applications/shop/overrides", {"action": "abort"})
    assert shop.end(rollout)["phase"] == "aborted"


def test_a_swap_that_the_platform_fails_is_begun_again(shop):
    version, rollout = shop.release()
    shop.baking(rollout, 5)
    shop.control.add_fault(on="swap", kind="swap-fails", count=1, seconds=60)
    assert shop.call("POST", "/api/applications/shop/overrides", {"action": "promote"}).status == 202

    view = shop.end(rollout)

    assert view["phase"] == "succeeded", json.dumps(view["reason"])
    assert "SwapFailed" in [event["type"] for event in shop.events(rollout)]
    assert shop.control.site()["slots"][0]["version"] == version


def candidate_host(shop) -> str:
    return next(slot["host"] for slot in shop.control.site()["slots"] if slot["slot"] == "candidate")
