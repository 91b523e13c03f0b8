"""A swap with preview on the real stack: Microsoft's SDK, two processes with settings, and users all along."""

import pytest

from local.interruption import Interruption
from local.json_calls import exchange
from local.stack import running_stack
from tests.sandbox import CANDIDATE_ID, SITE_ID, TOKEN, Control, fetch, wait_until
from tests.steady_users import SteadyUsers, at_host

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("real-preview")]
SPEC = f"""
application: shop
targets:
  - name: web
    kind: app-service-slot
    resource: {SITE_ID}
    slot: candidate
    swapWithPreview: true
    health: {{passes: 2, every: 2s}}
strategy:
  blueGreen: {{bake: {{min: 5s, max: 5m}}}}
metrics: {{window: 5s, lag: 0s}}
guards:
  - {{name: errors, metric: error-rate, max: 5%, over: 5s, minimumRequests: 10}}
judgement: {{holdBack: 0}}
deadlines: {{preflight: 2m, progress: PROGRESS}}
"""


class Site:
    """The site of a running stack, with a setting that stays with its slot."""

    def __init__(self, stack) -> None:
        self.stack = stack
        self.control = Control(stack.cloud)
        self._manage("PUT", f"{SITE_ID}/config/slotConfigNames", {"properties": {"appSettingNames": ["SHOP_DATABASE"]}})

    def put_database(self, place: str, value: str) -> None:
        self._manage("PUT", f"{place}/config/appsettings", {"properties": {"SHOP_DATABASE": value}})

    def database(self, slot: str) -> str:
        """Return which database the version in a slot works with, by its own account."""
        host = self.slot(slot)["host"]
        return fetch(f"http://{host}/settings?x-ms-routing-name=self").json().get("SHOP_DATABASE", "")

    def slot(self, name: str) -> dict:
        return next(each for each in self.control.site()["slots"] if each["slot"] == name)

    def is_prepared(self) -> bool:
        return self._manage("GET", CANDIDATE_ID)["properties"]["targetSwapSlot"] == "production"

    def release(self, version: str, *, progress: str) -> str:
        url, key = f"{self.stack.url}/api", {"X-API-Key": self.stack.key}
        body = SPEC.replace("PROGRESS", progress).encode()
        put = exchange(
            "PUT", f"{url}/applications/shop", body=body, headers={**key, "Content-Type": "application/yaml"}
        )
        assert put.status < 300, put.body
        self.control.deploy(version)
        announced = {"application": "shop", "version": version}
        answer = fetch(f"{url}/deployments", method="POST", body=announced, headers=key)
        assert answer.status == 202, answer.body
        return answer.json()["rollout"]

    def rollout(self, rollout: str) -> dict:
        return self._ask(f"rollouts/{rollout}")

    def happened(self, rollout: str) -> list[str]:
        return [event["type"] for event in self._ask(f"rollouts/{rollout}/history")["events"]]

    def end(self, rollout: str) -> dict:
        wait_until(lambda: self.rollout(rollout)["ended"], within=150)
        return self.rollout(rollout)

    def _ask(self, path: str) -> dict:
        return fetch(f"{self.stack.url}/api/{path}", headers={"X-API-Key": self.stack.key}).json()

    def _manage(self, method: str, path: str, body=None) -> dict:
        got = fetch(f"{self.stack.cloud}{path}?api-version=2025-05-01", method=method, body=body, headers=TOKEN)
        assert got.status < 300, got.body
        return got.json()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with running_stack(tmp_path_factory.mktemp("stack"), Interruption(), seed=7) as stack:
        yield Site(stack)


@pytest.fixture
def users(site):
    with SteadyUsers(at_host(site.control.site()["edge"]), rps=30.0).coming() as users:
        yield users


def test_what_was_seen_well_with_productions_settings_is_what_production_gets(site, users):
    site.put_database(SITE_ID, "of production")
    site.put_database(CANDIDATE_ID, "of the slot")

    rollout = site.release("2", progress="5m")
    wait_until(lambda: site.is_prepared() and site.database("candidate") == "of production", within=90)
    verified = site.slot("candidate")["process"]
    view = site.end(rollout)

    assert view["phase"] == "succeeded", view["reason"]
    assert site.slot("production")["process"] == verified
    assert (site.database("production"), site.is_prepared()) == ("of production", False)
    wait_until(lambda: site.database("candidate") == "of the slot", within=30)
    assert not users.failed()


def test_a_version_that_fails_with_productions_settings_never_gets_there_and_the_slot_gets_its_own_back(site, users):
    before = site.slot("production")["version"]
    site.put_database(SITE_ID, "unreachable")
    site.put_database(CANDIDATE_ID, "of the slot")

    rollout = site.release("3", progress="25s")
    view = site.end(rollout)

    assert view["phase"] == "failed"
    assert "SwapBegun" not in site.happened(rollout)
    assert (site.slot("production")["version"], site.is_prepared()) == (before, False)
    wait_until(lambda: site.database("candidate") == "of the slot", within=30)
    assert not users.failed()
