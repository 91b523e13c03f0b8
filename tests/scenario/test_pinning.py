"""A Container App that gives a new revision everyone is found, and where its spec allows made to wait, at once."""

from collections.abc import Iterator

import pytest

from local.interruption import Interruption
from local.json_calls import exchange
from local.stack import running_stack
from tests.sandbox import Control, fetch, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pinning")]

SPEC = """
application: {name}
targets: [{{name: it, kind: container-app, resource: {resource}, converts: {converts}}}]
strategy: {{canary: {{steps: [50], bake: {{min: 5s, max: 5m}}}}}}
metrics: {{window: 5s, lag: 0s, source: {{kind: observations}}}}
guards: [{{name: errors, metric: error-rate, max: 5%, over: 5s, minimumRequests: 10}}]
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator:
    with running_stack(tmp_path_factory.mktemp("stack"), Interruption(), seed=7) as stack:
        yield stack


def ask(stack, method, path, body=None):
    return fetch(stack.url + path, method=method, body=body, headers={"X-API-Key": stack.key})


def made(stack, name, mode):
    return Control(stack.cloud).call("POST", "apps", {"app": name, "mode": mode})


def found(stack, name, resource, *, converts):
    """Register an application and return what is found of its target."""
    body = SPEC.format(name=name, resource=resource, converts=str(converts).lower()).encode()
    headers = {"X-API-Key": stack.key, "Content-Type": "application/yaml"}
    answer = exchange("PUT", f"{stack.url}/api/applications/{name}", body=body, headers=headers)
    assert answer.status == 201, answer.body
    wait_until(lambda: ask(stack, "GET", f"/api/applications/{name}").json()["pinning"], within=20)
    [seen] = ask(stack, "GET", f"/api/applications/{name}").json()["pinning"]
    return seen


def revise(stack, name, version):
    Control(stack.cloud).call("POST", f"apps/{name}/revisions", {"version": version, "suffix": f"v{version}"})


def version_of_users(app):
    return {fetch(f"{app['edge']}/version").json()["version"] for _ in range(20)}


@pytest.mark.parametrize("mode", ["single", "multiple"])
def test_a_revision_after_the_registration_gets_nobody_before_it_is_released(stack, mode):
    app = made(stack, f"new-{mode}", mode)

    seen = found(stack, f"new-{mode}", app["resource"], converts=True)

    assert (seen["target"], seen["pinned"]) == ("it", True)
    assert "its traffic was pinned to" in seen["says"]
    revise(stack, f"new-{mode}", "2")
    assert version_of_users(app) == {"1"}


def test_one_that_may_not_be_converted_is_told_with_the_fix(stack):
    app = made(stack, "asis", "multiple")

    seen = found(stack, "asis", app["resource"], converts=False)

    assert seen["pinned"] is False
    assert "latestRevision: true, so a new revision gets it at once" in seen["says"]


def test_a_version_that_served_before_it_was_announced_is_said_not_to_be_judged(stack):
    app = made(stack, "early", "single")
    revise(stack, "early", "2")
    wait_until(lambda: version_of_users(app) == {"2"}, within=20)
    found(stack, "early", app["resource"], converts=True)

    rollout = ask(stack, "POST", "/api/deployments", {"application": "early", "version": "2"}).json()["location"]
    wait_until(lambda: ask(stack, "GET", rollout).json()["ended"], within=30)

    view = ask(stack, "GET", rollout).json()
    assert (view["phase"], view["reason"]) == (
        "succeeded",
        "production serves 2 already: it served everyone before it was announced, was not released from here, and was "
        "not judged",
    )
