"""Releases on the real stack that are measured by the version that served, wherever it sat."""

import pytest

from local.cloud.logs import WORKSPACE
from local.interruption import Interruption
from local.json_calls import exchange
from local.stack import SHOP_SPEC, running_stack
from tests.sandbox import RESOURCE_GROUP, SUBSCRIPTION, fetch
from tests.scenario.test_real_stack import Shop

CONTAINER_APP = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers/Microsoft.App/containerApps/shop"
)
SOURCES = {
    "metrics by revision": f"""
      kind: azure-monitor
      resource: {CONTAINER_APP}
      splitBy: revisionName
      failures: Requests
      failuresWhere: {{dimension: statusCodeCategory, value: 5xx}}
      latency: ''
""",
    "telemetry by version": f"""
      kind: log-analytics
      workspace: {WORKSPACE}
      splitBy: version
""",
}


def spec(source: str) -> bytes:
    """The sandbox's spec with another source, judged by errors alone, in two large steps."""
    lines = [line for line in SHOP_SPEC.read_text().splitlines() if "metric: latency" not in line]
    text = "\n".join(lines).replace("steps: [5, 25, 50]", "steps: [25, 50]")
    source = f"metrics:\n  window: 5s\n  lag: 0s\n  source:{SOURCES[source]}"
    return text.replace("metrics: {window: 5s, lag: 0s}", source).encode()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with running_stack(tmp_path_factory.mktemp("stack"), Interruption()) as stack:
        shop = Shop(stack)
        shop.control.start_load(site="shop", rps=60, clients="fresh", seconds=900)
        yield shop


@pytest.fixture(params=SOURCES)
def measured(shop, request):
    """The shop, whose spec names a source that tells versions apart."""
    headers = {"X-API-Key": shop.stack.key, "Content-Type": "application/yaml"}
    address = f"{shop.stack.url}/api/applications/shop"
    assert exchange("PUT", address, body=spec(request.param), headers=headers).status == 200
    return shop


@pytest.mark.slow
def test_a_broken_version_is_taken_back(measured):
    _, rollout = measured.release(error_rate=0.5)

    view = measured.end(rollout)

    assert view["phase"] == "rolled-back", view["reason"]
    assert measured.rules() == []


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("measured", ["telemetry by version"], indirect=True)
def test_a_sound_version_is_promoted(measured):
    version, rollout = measured.release()

    measured.wait(lambda: measured.rollout(rollout)["ended"], seconds=240)

    view = measured.rollout(rollout)
    assert view["phase"] == "succeeded", view["reason"]
    assert fetch(f"{measured.stack.edge}/version").json()["version"] == version
