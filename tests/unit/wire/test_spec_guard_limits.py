"""Guards that could never be broken are refused: they look like a promise and are none."""

import pytest

from shared.domain.errors import InvalidError
from shared.wire.spec import parse_spec
from tests.scenario.world import SITE

SPEC = """
application: shop
targets: [{name: web, kind: app-service-slot, resource: SITE, slot: candidate}]
strategy: {canary: {steps: [5, 25]}}
guards: [{name: errors, metric: error-rate, GUARD}]
""".replace("SITE", SITE)


@pytest.mark.parametrize("guard", ["max: 100%", "tolerance: no worse than 100 points"])
def test_a_guard_under_which_every_request_may_fail_is_refused(guard):
    with pytest.raises(InvalidError, match="every request may fail"):
        parse_spec(SPEC.replace("GUARD", guard).encode(), "application/yaml")


@pytest.mark.parametrize("guard", ["max: 99%", "tolerance: no worse than 99 points"])
def test_a_guard_that_can_be_broken_is_taken(guard):
    assert parse_spec(SPEC.replace("GUARD", guard).encode(), "application/yaml").guards
