"""Each call goes to the adapter of the target's kind; what a kind cannot do is refused by the target's name."""

from datetime import UTC, datetime

import pytest

from shared.adapters.memory.site import MemorySite
from shared.application.by_kind import KindAdapters, TargetsByKind
from shared.domain.errors import RejectedError
from shared.domain.rollout.spec import TargetKind
from shared.ports.audience import CarriedIn, RequestMark
from tests.unit.domain.specs import target

BETA = RequestMark(carried_in=CarriedIn.COOKIE, name="beta", value="1")


@pytest.fixture
def targets():
    site = MemorySite(lambda: datetime(2026, 11, 23, 12, tzinfo=UTC))

    def adapters(audience):
        return KindAdapters(router=site, host_of=lambda target, place: "", audience=audience)

    return TargetsByKind(
        {TargetKind.HTTP_ROUTE: adapters(site), TargetKind.APP_SERVICE_SLOT: adapters(None)},
    )


def test_an_audience_goes_to_the_adapter_of_its_kind(targets):
    targets.set_audience(target("route"), BETA)

    assert targets.read_audience(target("route")) == BETA


def test_a_kind_that_cannot_send_marked_requests_says_so(targets):
    with pytest.raises(
        RejectedError, match="web: targets of kind app-service-slot cannot send marked requests to a place"
    ):
        targets.set_audience(target("web"), BETA)
    with pytest.raises(RejectedError, match="cannot send marked requests"):
        targets.read_audience(target("web"))
