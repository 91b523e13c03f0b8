"""No request, however odd, is answered by a 5xx. What schemathesis generates is in `tests/functions/test_openapi`."""

import pytest

from tests.functions.api_client import running_api
from tests.fuzz.routes import check_odd_requests

EXAMPLES = 800


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with running_api(tmp_path_factory.mktemp("api"), driven=True) as api:
        api.register("shop")
        api.register("busy")
        api.deploy("2", "busy")
        yield api


def test_an_odd_request_is_never_answered_by_a_5xx(api):
    check_odd_requests(api, EXAMPLES, 1)
