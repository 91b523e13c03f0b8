"""The sandbox's management API, called by Microsoft's own client over a real socket."""

import time

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceResponseTimeoutError,
)
from azure.mgmt.web.models import CsmSlotEntity, Experiments, RampUpRule, SiteConfig, SiteConfigResource

from tests.sandbox import RESOURCE_GROUP, SITE, SITE_ID, TOKEN, fetch, running_cloud, wait_until
from tests.sandbox_sdk import web_client

CONFIG = f"{SITE_ID}/config/web?api-version=2025-05-01"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud"), swap_seconds=0.5) as cloud:
        yield cloud


@pytest.fixture
def apps(cloud):
    yield web_client(cloud.management).web_apps
    cloud.control.clear_faults()
    wait_until(lambda: (cloud.control.site()["swap"] or {}).get("phase") != "running", within=10)
    set_rules(cloud, web_client(cloud.management).web_apps, [])


def set_rules(cloud, apps, weights):
    rules = [
        RampUpRule(name=name, action_host_name=cloud.slots[name].removeprefix("http://"), reroute_percentage=weight)
        for name, weight in weights
    ]
    return patch_rules(apps, rules)


def patch_rules(apps, rules):
    config = SiteConfigResource(properties=SiteConfig(experiments=Experiments(ramp_up_rules=rules)))
    return apps.update_configuration(RESOURCE_GROUP, SITE, config)


def begin_swap(apps, **options):
    return apps.begin_swap_slot_with_production(
        RESOURCE_GROUP, SITE, CsmSlotEntity(target_slot="candidate", preserve_vnet=True), **options
    )


def versions(cloud):
    return {name: fetch(f"{url}/version?x-ms-routing-name=self").json()["version"] for name, url in cloud.slots.items()}


def test_the_site_tells_its_host_name_and_state(cloud, apps):
    site = apps.get(RESOURCE_GROUP, SITE)

    assert site.id == SITE_ID
    assert site.properties.default_host_name == cloud.edge.removeprefix("http://")
    assert site.properties.host_names == [site.properties.default_host_name]
    assert site.properties.state == "Running"


def test_slots_are_listed_without_production(cloud, apps):
    slots = list(apps.list_slots(RESOURCE_GROUP, SITE))

    assert [slot.name for slot in slots] == ["shop/candidate"]
    assert slots[0].properties.default_host_name == cloud.slots["candidate"].removeprefix("http://")


def test_a_slot_is_found_in_any_case(apps):
    assert apps.get_slot("SandBox", "SHOP", "Candidate").name == "shop/candidate"


@pytest.mark.parametrize(
    ("group", "site", "slot"),
    [("elsewhere", SITE, None), (RESOURCE_GROUP, "other", None), (RESOURCE_GROUP, SITE, "other")],
)
def test_what_does_not_exist_is_not_found(apps, group, site, slot):
    with pytest.raises(ResourceNotFoundError) as caught:
        apps.get_slot(group, site, slot) if slot else apps.get(group, site)

    assert caught.value.error.code in ("ResourceNotFound", "ResourceGroupNotFound")


def test_an_unknown_subscription_is_not_found(cloud):
    with pytest.raises(ResourceNotFoundError) as caught:
        web_client(cloud.management, "00000000-0000-0000-0000-00000000dead").web_apps.get(RESOURCE_GROUP, SITE)

    assert caught.value.error.code == "SubscriptionNotFound"


def test_rules_that_were_set_are_read_back(cloud, apps):
    set_rules(cloud, apps, [("candidate", 12.5)])

    (rule,) = apps.get_configuration(RESOURCE_GROUP, SITE).properties.experiments.ramp_up_rules
    assert (rule.name, rule.reroute_percentage) == ("candidate", 12.5)
    assert rule.action_host_name == cloud.slots["candidate"].removeprefix("http://")


def test_an_empty_list_clears_the_rules(cloud, apps):
    set_rules(cloud, apps, [("candidate", 12.5)])
    set_rules(cloud, apps, [])

    assert apps.get_configuration(RESOURCE_GROUP, SITE).properties.experiments.ramp_up_rules == []


@pytest.mark.parametrize("weight", [-1, 100.5])
def test_a_percentage_outside_0_to_100_is_refused(cloud, apps, weight):
    with pytest.raises(HttpResponseError) as caught:
        set_rules(cloud, apps, [("candidate", weight)])

    assert caught.value.status_code == 400
    assert "reroutePercentage" in caught.value.error.message


def test_a_rule_to_an_unknown_host_is_refused_and_changes_nothing(cloud, apps):
    set_rules(cloud, apps, [("candidate", 5)])

    with pytest.raises(HttpResponseError) as caught:
        patch_rules(apps, [RampUpRule(name="x", action_host_name="example.org", reroute_percentage=5)])

    assert caught.value.status_code == 400
    assert len(apps.get_configuration(RESOURCE_GROUP, SITE).properties.experiments.ramp_up_rules) == 1


def test_a_swap_exchanges_what_the_slots_serve_and_says_so(cloud, apps):
    cloud.control.deploy("swap-a")
    before = versions(cloud)

    begin_swap(apps).result(timeout=20)

    assert versions(cloud) == {"production": before["candidate"], "candidate": before["production"]}
    for resource in (apps.get(RESOURCE_GROUP, SITE), apps.get_slot(RESOURCE_GROUP, SITE, "candidate")):
        status = resource.properties.slot_swap_status
        assert (status.source_slot_name, status.destination_slot_name) == ("candidate", "production")
        assert abs(status.timestamp_utc.timestamp() - time.time()) < 20


def test_a_slot_can_be_swapped_into_production_by_its_own_name(cloud, apps):
    cloud.control.deploy("swap-b")

    entity = CsmSlotEntity(target_slot="production", preserve_vnet=True)
    apps.begin_swap_slot(RESOURCE_GROUP, SITE, "candidate", entity).result(timeout=20)

    assert versions(cloud)["production"] == "swap-b"


def test_a_second_swap_while_one_runs_is_a_conflict(cloud, apps):
    begin_swap(apps, polling=False)

    with pytest.raises(ResourceExistsError) as caught:
        begin_swap(apps)

    assert caught.value.status_code == 409
    assert caught.value.error.code == "Conflict"


def test_a_swap_can_be_watched_by_its_location_alone(cloud, apps):
    seen = {}
    begin_swap(apps, polling=False, raw_response_hook=lambda got: seen.update(got.http_response.headers))

    assert fetch(seen["Location"], headers=TOKEN).status == 202
    wait_until(lambda: fetch(seen["Location"], headers=TOKEN).status == 200, within=10)


def test_a_swap_of_a_slot_that_does_not_answer_fails_and_exchanges_nothing(cloud, apps):
    before = versions(cloud)
    apps.stop_slot(RESOURCE_GROUP, SITE, "candidate")
    try:
        with pytest.raises(HttpResponseError, match="did not respond to http ping"):
            begin_swap(apps).result(timeout=60)
        assert apps.get_slot(RESOURCE_GROUP, SITE, "candidate").properties.state == "Stopped"
        assert fetch(cloud.slots["candidate"]).status == 403
    finally:
        apps.start_slot(RESOURCE_GROUP, SITE, "candidate")
    assert versions(cloud) == before


def test_a_swap_ordered_to_fail_exchanges_nothing(cloud, apps):
    before = versions(cloud)
    cloud.control.add_fault(on="swap", kind="swap-fails", count=1)

    with pytest.raises(HttpResponseError, match="Cannot swap"):
        begin_swap(apps).result(timeout=20)

    assert versions(cloud) == before


def test_a_swap_ordered_to_conflict_is_not_begun(cloud, apps):
    cloud.control.add_fault(on="swap", kind="swap-conflict", count=1)

    with pytest.raises(ResourceExistsError):
        begin_swap(apps)

    assert (cloud.control.site()["swap"] or {}).get("phase") != "running"


def test_a_slow_swap_takes_longer(cloud, apps):
    cloud.control.add_fault(on="swap", kind="slow-swap", count=1, delay_seconds=1.5)

    began = time.monotonic()
    begin_swap(apps).result(timeout=20)

    assert time.monotonic() - began >= 2.0


def test_an_unknown_target_slot_is_not_found(apps):
    with pytest.raises(ResourceNotFoundError):
        apps.begin_swap_slot_with_production(
            RESOURCE_GROUP, SITE, CsmSlotEntity(target_slot="nowhere", preserve_vnet=True)
        )


def test_the_settings_name_the_version_of_the_slot(cloud, apps):
    cloud.control.deploy("settings-1")

    settings = apps.list_application_settings_slot(RESOURCE_GROUP, SITE, "candidate")

    assert settings.properties["VERSION"] == "settings-1"


def test_throttling_says_when_to_come_back(cloud, apps):
    cloud.control.add_fault(on="management", kind="429", count=1, retry_after=17)

    with pytest.raises(HttpResponseError) as caught:
        apps.get(RESOURCE_GROUP, SITE)

    assert caught.value.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "17"


def test_the_clients_own_retries_ride_over_a_short_fault(cloud, apps):
    cloud.control.add_fault(on="management", kind="500", count=2)

    client = web_client(cloud.management, retry_total=3, retry_backoff_factor=0.01)

    assert client.web_apps.get(RESOURCE_GROUP, SITE).name == SITE


def test_a_fault_filtered_by_method_and_path_spares_other_calls(cloud, apps):
    cloud.control.add_fault(on="management", kind="500", method="PATCH", path="config/web")

    assert apps.get_configuration(RESOURCE_GROUP, SITE).name == "web"
    with pytest.raises(HttpResponseError):
        set_rules(cloud, apps, [])


def test_a_call_that_times_out_was_not_carried_out(cloud, apps):
    cloud.control.add_fault(on="management", kind="timeout", method="PATCH", count=1)

    with pytest.raises(ServiceResponseTimeoutError):
        set_rules(cloud, web_client(cloud.management, read_timeout=0.5).web_apps, [("candidate", 42)])

    assert cloud.control.site()["rules"] == []


def test_a_call_whose_answer_is_lost_was_carried_out(cloud, apps):
    cloud.control.add_fault(on="management", kind="timeout", method="PATCH", count=1, applied=True)

    with pytest.raises(ServiceResponseTimeoutError):
        set_rules(cloud, web_client(cloud.management, read_timeout=0.5).web_apps, [("candidate", 42)])

    assert [rule["percentage"] for rule in cloud.control.site()["rules"]] == [42]


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        (CONFIG, {}, 401, "AuthenticationFailed"),
        (f"{SITE_ID}/config/web", TOKEN, 400, "MissingApiVersionParameter"),
        (f"{SITE_ID}/config/web?api-version=2015-01-01", TOKEN, 400, "InvalidApiVersionParameter"),
        (f"{SITE_ID}/nonsense?api-version=2025-05-01", TOKEN, 404, "NotFound"),
    ],
)
def test_a_wrong_call_is_refused_in_arms_words(cloud, path, headers, status, code):
    got = fetch(cloud.management + path, headers=headers)

    assert got.status == status
    assert got.json()["error"]["code"] == code


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"properties": None},
        {"properties": {"experiments": {"rampUpRules": [{}]}}},
        {
            "properties": {
                "experiments": {"rampUpRules": [{"name": "a", "actionHostName": "b", "reroutePercentage": "5"}]}
            }
        },
        {"properties": {"experiments": {"rampUpRules": []}, "alwaysOn": True}},
    ],
)
def test_a_malformed_configuration_is_a_bad_request(cloud, body):
    got = fetch(cloud.management + CONFIG, method="PATCH", body=body, headers=TOKEN)

    assert got.status == 400
