"""What every adapter of the `Audience` promises: the one in memory as well as that of HTTPRoutes."""

import pytest

from shared.adapters.gateway_api.audience import GatewayAudience
from shared.adapters.memory.site import MemorySite
from shared.adapters.system.clock import SystemClock
from shared.ports.audience import CarriedIn, RequestMark
from tests.kubernetes_cluster import clusters_at, running_cluster

BETA = RequestMark(carried_in=CarriedIn.COOKIE, name="beta", value="1")
INSIDERS = RequestMark(carried_in=CarriedIn.HEADER, name="X-Insider", value="yes")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(params=["memory", "gateway"])
def audience(request, cluster):
    cluster.reset()
    return MemorySite(SystemClock().now) if request.param == "memory" else GatewayAudience(clusters_at(cluster.server))


def test_there_is_none_at_first(audience, cluster):
    assert audience.read_audience(cluster.target) is None


def test_it_is_what_was_set_however_often(audience, cluster):
    for _ in range(2):
        audience.set_audience(cluster.target, BETA)
        assert audience.read_audience(cluster.target) == BETA


def test_there_is_one_at_a_time(audience, cluster):
    audience.set_audience(cluster.target, BETA)
    audience.set_audience(cluster.target, INSIDERS)

    assert audience.read_audience(cluster.target) == INSIDERS


def test_there_is_none_when_it_was_taken_away_however_often(audience, cluster):
    audience.set_audience(cluster.target, BETA)
    for _ in range(2):
        audience.set_audience(cluster.target, None)
        assert audience.read_audience(cluster.target) is None
