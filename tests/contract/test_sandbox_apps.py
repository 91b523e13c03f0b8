"""The sandbox's Container Apps: by Microsoft's own client over a real socket, and as users meet them."""

import time
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.appcontainers import ContainerAppsAPIClient

from tests.app_world import API_VERSION, APPS_ID, app_world
from tests.sandbox import RESOURCE_GROUP, SITE, SUBSCRIPTION, TOKEN, fetch, is_running, wait_until
from tests.sandbox_sdk import AllowHttp, AnyToken


@pytest.fixture(scope="module")
def module_world(tmp_path_factory):
    with app_world(tmp_path_factory.mktemp("cloud")) as world:
        yield world


@pytest.fixture
def world(module_world):
    with module_world.scene():
        yield module_world


@pytest.fixture(scope="module")
def sdk(module_world):
    return ContainerAppsAPIClient(
        AnyToken(),
        SUBSCRIPTION,
        module_world.cloud.management,
        per_call_policies=[AllowHttp()],
        retry_total=0,
        polling_interval=0,
    )


def update(sdk, app, configuration, **options):
    body = {"properties": {"configuration": configuration}}
    return sdk.container_apps.begin_update(RESOURCE_GROUP, app.name, body, **options)


def weights(app, **by_suffix):
    entries = [{"revisionName": app.revision(suffix), "weight": weight} for suffix, weight in by_suffix.items()]
    return {"ingress": {"traffic": entries}}


def pid_of(app, suffix):
    revisions = app.world.cloud.control.call("GET", f"apps/{app.name}")["revisions"]
    return next(each["process"] for each in revisions if each["revision"] == app.revision(suffix))


@pytest.fixture(scope="module")
def plain(module_world):
    """An app that no test changes."""
    return module_world.new_app(mode="multiple")


def test_an_update_is_a_long_operation_that_the_sdk_sees_through_to_the_app_as_it_is(world, sdk):
    app = world.pinned_app()
    seen = {}

    done = update(sdk, app, weights(app, v2=100), **kept_in(seen)).result(timeout=20)

    (entry,) = done.properties.configuration.ingress.traffic
    assert (entry.revision_name, entry.weight) == (app.revision("v2"), 100)
    assert done.properties.provisioning_state == "Succeeded"
    assert app.in_force() == {app.revision("v2"): 100}
    assert fetch(seen["Azure-AsyncOperation"], headers=TOKEN).json()["status"] == "Succeeded"
    assert fetch(seen["Location"], headers=TOKEN).json()["name"] == app.name


def test_an_update_is_told_at_once_and_divides_traffic_only_when_it_has_succeeded(world, sdk):
    app = world.pinned_app()
    world.cloud.control.add_fault(on="update", kind="slow-update", count=1, delay_seconds=3600)
    seen = {}

    update(sdk, app, weights(app, v2=100), polling=False, **kept_in(seen))

    told = sdk.container_apps.get(RESOURCE_GROUP, app.name).properties
    revision = sdk.container_apps_revisions.get_revision(RESOURCE_GROUP, app.name, app.revision("v2"))
    assert told.configuration.ingress.traffic[0].revision_name == app.revision("v2")
    assert (told.provisioning_state, revision.properties.traffic_weight) == ("InProgress", 0)
    assert fetch(seen["Azure-AsyncOperation"], headers=TOKEN).json()["status"] == "InProgress"
    assert fetch(seen["Location"], headers=TOKEN).status == 202
    assert app.send(20) == {"1": 20}


def kept_in(seen):
    """Keep the headers of the answer that begins an update, which alone has a Location."""

    def keep(got):
        if "Location" in got.http_response.headers:
            seen.update(got.http_response.headers)

    return {"raw_response_hook": keep}


def test_an_update_that_is_ordered_to_fail_says_so_and_changes_nothing_for_users(world, sdk):
    app = world.pinned_app()
    world.cloud.control.add_fault(on="update", kind="update-fails", count=1)

    with pytest.raises(HttpResponseError, match="An ordered fault"):
        update(sdk, app, weights(app, v2=100)).result(timeout=20)

    assert app.in_force() == {app.revision("0000000"): 100}
    assert app.told()["provisioningState"] == "Failed"


def test_one_update_at_a_time(world, sdk):
    app = world.pinned_app()
    world.cloud.control.add_fault(on="update", kind="slow-update", count=1, delay_seconds=3600)
    update(sdk, app, weights(app, v2=100), polling=False)

    with pytest.raises(ResourceExistsError) as caught:
        update(sdk, app, weights(app, v2=50, **{"0000000": 50}))

    assert caught.value.error.code == "ContainerAppOperationInProgress"


def test_in_single_mode_weights_are_taken_and_ignored_and_a_new_revision_takes_over(world, sdk):
    app = world.new_app()

    update(sdk, app, weights(app, **{"0000000": 100})).result(timeout=20)
    first = pid_of(app, "0000000")
    app.deploy("2", suffix="v2")

    (entry,) = sdk.container_apps.get(RESOURCE_GROUP, app.name).properties.configuration.ingress.traffic
    assert (entry.latest_revision, entry.weight) == (True, 100)
    assert app.send(30) == {"2": 30}
    listed = sdk.container_apps_revisions.list_revisions(RESOURCE_GROUP, app.name)
    found = {each.name: each.properties.active for each in listed}
    assert found == {app.revision("0000000"): False, app.revision("v2"): True}
    wait_until(lambda: not is_running(first), within=10)


def test_a_new_revision_gets_nothing_while_traffic_goes_by_name_and_everything_while_it_goes_to_the_latest(world, sdk):
    app = world.pinned_app()
    assert app.send(30) == {"1": 30}

    update(sdk, app, {"ingress": {"traffic": [{"latestRevision": True, "weight": 100}]}}).result(timeout=20)
    latest = app.send(30)
    app.deploy("3", suffix="v3")

    assert latest == {"2": 30}
    assert app.send(30) == {"3": 30}


def test_a_revision_that_is_deactivated_answers_nobody_until_it_is_activated(world, sdk):
    app = world.pinned_app()
    name = app.revision("v2")
    revisions = sdk.container_apps_revisions
    host = revisions.get_revision(RESOURCE_GROUP, app.name, name).properties.fqdn
    assert fetch(f"http://{host}/version").json()["version"] == "2"

    revisions.deactivate_revision(RESOURCE_GROUP, app.name, name)
    assert fetch(f"http://{host}/version").status == 404
    with pytest.raises(HttpResponseError, match="is not active"):
        update(sdk, app, weights(app, v2=100))
    revisions.activate_revision(RESOURCE_GROUP, app.name, name)

    wait_until(lambda: fetch(f"http://{host}/version").status == 200, within=20)
    assert revisions.get_revision(RESOURCE_GROUP, app.name, name).properties.provisioning_state == "Provisioned"


def test_a_client_stays_by_its_affinity_cookie_for_its_session_and_fresh_ones_do_not(world):
    app = world.pinned_app(sticky=True)
    app.update(weights(app, v2=100))
    edge = world.cloud.control.call("GET", f"apps/{app.name}")["edge"]
    browser = build_opener(HTTPCookieProcessor())
    first = browser.open(edge)

    app.update(weights(app, **{"0000000": 100}))

    assert "acaAffinity=" in first.headers["Set-Cookie"]
    assert "Max-Age" not in first.headers["Set-Cookie"]
    assert [browser.open(edge).headers["X-Version"] for _ in range(5)] == ["2"] * 5
    assert app.send(20) == {"1": 20}
    app.deactivate("v2")
    assert browser.open(edge).headers["X-Version"] == "1"


def test_without_affinity_no_cookie_is_given(world):
    app = world.pinned_app()

    assert "set-cookie" not in fetch(world.cloud.control.call("GET", f"apps/{app.name}")["edge"]).headers


@pytest.mark.parametrize(
    ("configuration", "says"),
    [
        ({"ingress": {"traffic": [{"latestRevision": True, "weight": 99}]}}, "sum of the weights of"),
        ({"ingress": {"traffic": [{"latestRevision": True, "weight": 99.5}]}}, "must be a whole number"),
        ({"ingress": {"traffic": [{"revisionName": "app--nowhere", "weight": 100}]}}, "of traffic was not found"),
        ({"ingress": {"traffic": [{"weight": 100}]}}, "either revisionName or latestRevision"),
        ({"activeRevisionsMode": "Several"}, "activeRevisionsMode must not be 'Several'"),
        ({"ingress": {"targetPort": 80}}, "does not keep configuration.targetPort"),
    ],
    ids=["sum", "fraction", "unknown", "nobody", "mode", "field"],
)
def test_a_wrong_configuration_is_refused_and_changes_nothing(plain, sdk, configuration, says):
    with pytest.raises(HttpResponseError, match=says) as caught:
        update(sdk, plain, configuration)

    assert caught.value.status_code == 400
    assert plain.told()["configuration"]["ingress"]["traffic"] == [{"weight": 100, "latestRevision": True}]


@pytest.mark.parametrize(("group", "app"), [("elsewhere", "app1"), (RESOURCE_GROUP, "nowhere")])
def test_what_does_not_exist_is_not_found(sdk, group, app):
    with pytest.raises(ResourceNotFoundError):
        sdk.container_apps.get(group, app)


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        (f"?api-version={API_VERSION}", {}, 401, "AuthenticationFailed"),
        ("", TOKEN, 400, "MissingApiVersionParameter"),
        ("?api-version=2022-01-01", TOKEN, 400, "InvalidApiVersionParameter"),
        (f"/nonsense?api-version={API_VERSION}", TOKEN, 404, "NotFound"),
        (f"/revisions/app--nowhere?api-version={API_VERSION}", TOKEN, 404, "ResourceNotFound"),
    ],
)
def test_a_wrong_call_is_refused_in_arms_words(plain, path, headers, status, code):
    got = fetch(f"{plain.world.cloud.management}{APPS_ID}/{plain.name}{path}", headers=headers)

    assert (got.status, got.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("apps", {"app": SITE}, 400),
        ("apps", {"app": "A b"}, 400),
        ("apps", {"app": "fine", "mode": "several"}, 400),
        ("apps/nowhere/revisions", {"version": "2"}, 404),
    ],
)
def test_a_wrong_order_is_refused(world, path, body, status):
    assert fetch(f"{world.cloud.management}/sandbox/{path}", method="POST", body=body).status == status


def test_names_are_given_once(plain):
    control = f"{plain.world.cloud.management}/sandbox/apps"

    assert fetch(control, method="POST", body={"app": plain.name}).status == 409
    again = {"version": "2", "suffix": "0000000"}
    assert fetch(f"{control}/{plain.name}/revisions", method="POST", body=again).status == 409


def test_a_power_cut_changes_nothing_that_was_said_and_an_update_that_it_interrupts_is_finished(tmp_path):
    with app_world(tmp_path) as world:
        app = world.pinned_app()
        app.update(weights(app, v2=30, **{"0000000": 70}))
        app.send(200)
        time.sleep(1.2)
        world.cloud.control.add_fault(on="update", kind="slow-update", count=1, delay_seconds=1.0)
        body = {"properties": {"configuration": weights(app, v2=100)}}
        url = f"{world.cloud.management}{APPS_ID}/{app.name}?api-version={API_VERSION}"
        assert fetch(url, method="PATCH", body=body, headers=TOKEN).status == 202
        before = said(world, app)

        world.cloud.kill()
        world.cloud.start()

        assert said(world, app) == before
        app.settle()
        assert app.send(20) == {"2": 20}


def said(world, app):
    told = world.cloud.control.call("GET", f"apps/{app.name}")
    hosts = [(each["revision"], each["host"], each["version"], each["active"]) for each in told["revisions"]]
    wanted = app.told()["configuration"]
    return told["edge"], hosts, wanted, world.cloud.control.call("GET", f"apps/{app.name}/traffic")
