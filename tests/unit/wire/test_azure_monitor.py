"""Alerts of Azure Monitor: the common schema is understood, every other one is named."""

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import InvalidError, Problem
from shared.wire.azure_monitor import AzureAlert, parse_alert
from tests.unit.wire.payload_samples import samples

COMMON = [path for path in samples("azure-monitor/common-schema/*.json") if b'"schemaId"' in path.read_bytes()]
FOREIGN = sorted(set(samples("azure-monitor/*/*.json")) - set(COMMON))

SITE = "/subscriptions/S/resourcegroups/shop/providers/Microsoft.Web/sites/Shop"
ALERT: dict[str, Any] = {
    "schemaId": "azureMonitorCommonAlertSchema",
    "data": {
        "essentials": {
            "alertId": "/subscriptions/<subscription ID>/providers/Microsoft.AlertsManagement/alerts/A1",
            "alertRule": "too many errors",
            "severity": "Sev1",
            "signalType": "Metric",
            "monitorCondition": "Fired",
            "monitoringService": "Platform",
            "alertTargetIDs": [SITE],
            "originAlertId": "o1",
            "firedDateTime": "2026-05-01T10:00:00.1234567Z",
            "description": "more than 2 %",
            "essentialsVersion": "1.0",
            "alertContextVersion": "1.0",
        },
        "alertContext": {"condition": {"allOf": [{"dimensions": []}]}},
    },
}
FIRED = datetime(2026, 5, 1, 10, 0, 0, 123456, tzinfo=UTC)


def with_essentials(**changes: Any) -> bytes:
    document = copy.deepcopy(ALERT)
    document["data"]["essentials"] |= changes
    return json.dumps(document).encode()


def refused(body: bytes) -> Problem:
    with pytest.raises(InvalidError) as error:
        parse_alert(body)
    [problem] = error.value.problems
    return problem


def test_a_fired_alert_says_what_it_is_about():
    alert = parse_alert(with_essentials())

    assert alert == AzureAlert(
        command_id=alert.command_id,
        fired=True,
        at=FIRED,
        fired_at=FIRED,
        alert_id="/subscriptions/<subscription id>/providers/microsoft.alertsmanagement/alerts/a1",
        rule="too many errors",
        severity="Sev1",
        resources=(SITE.lower(),),
        description="more than 2 %",
        service="Platform",
    )


def test_a_resolved_alert_knows_both_times():
    alert = parse_alert(with_essentials(monitorCondition="Resolved", resolvedDateTime="2026-05-01T12:05:00+02:00"))

    assert (alert.fired, alert.at, alert.fired_at) == (False, datetime(2026, 5, 1, 10, 5, tzinfo=UTC), FIRED)


def test_the_same_alert_delivered_again_is_the_same_command():
    again = with_essentials(description="told in other words", firedDateTime="2026-05-01T12:00:00.1234567+02:00")

    assert parse_alert(again).command_id == parse_alert(with_essentials()).command_id


@pytest.mark.parametrize(
    "changes",
    [
        {"alertId": "/subscriptions/<subscription ID>/providers/Microsoft.AlertsManagement/alerts/A2"},
        {"monitorCondition": "Resolved"},
        {"firedDateTime": "2026-05-01T10:00:00.223Z"},
    ],
)
def test_another_alert_another_condition_or_another_time_is_another_command(changes):
    assert parse_alert(with_essentials(**changes)).command_id != parse_alert(with_essentials()).command_id


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"alertRule": None}, "rule", ""),
        ({"severity": None}, "severity", ""),
        ({"severity": 3}, "severity", "3"),
        ({"description": None}, "description", ""),
        ({"description": {"odd": 1}}, "description", ""),
        ({"description": "a\nb\x00c"}, "description", "a b c"),
        ({"description": "x" * 9000}, "description", "x" * 2000),
        ({"monitorCondition": "fired"}, "fired", True),
        ({"monitorCondition": "RESOLVED"}, "fired", False),
        ({"alertTargetIDs": None}, "resources", ()),
        ({"alertTargetIDs": []}, "resources", ()),
        ({"alertTargetIDs": SITE}, "resources", (SITE.lower(),)),
        ({"alertTargetIDs": [None, 7, "", "no id", f"{SITE}/", SITE.upper()]}, "resources", (SITE.lower(),)),
        ({"alertId": None}, "alert_id", "o1"),
        ({"firedDateTime": "2026-05-01T10:00:00"}, "at", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ({"firedDateTime": "5/1/2026 10:00:00 PM"}, "at", datetime(2026, 5, 1, 22, tzinfo=UTC)),
        ({"new": "field"}, "fired", True),
    ],
)
def test_what_may_be_null_odd_or_new_is_taken_as_far_as_it_goes(changes, field, value):
    assert getattr(parse_alert(with_essentials(**changes)), field) == value


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"alertId": None, "originAlertId": None}, "data.essentials.alertId"),
        ({"alertId": 7, "originAlertId": " "}, "data.essentials.alertId"),
        ({"monitorCondition": None}, "data.essentials.monitorCondition"),
        ({"monitorCondition": "Acknowledged"}, "data.essentials.monitorCondition"),
        ({"firedDateTime": None}, "data.essentials.firedDateTime"),
        ({"firedDateTime": "yesterday"}, "data.essentials.firedDateTime"),
        ({"firedDateTime": "2026-02-30T10:00:00Z"}, "data.essentials.firedDateTime"),
        ({"firedDateTime": "0001-01-01T00:00:00+14:00"}, "data.essentials.firedDateTime"),
        ({"monitorCondition": "Resolved", "resolvedDateTime": "soon"}, "data.essentials.resolvedDateTime"),
    ],
)
def test_what_an_alert_cannot_be_understood_without_is_missed_by_its_path(changes, path):
    assert refused(with_essentials(**changes)).path == path


def test_a_log_alert_is_also_about_the_resource_that_its_dimensions_name():
    document = copy.deepcopy(ALERT)
    document["data"]["alertContext"]["condition"]["allOf"] = [
        {
            "dimensions": [
                {"name": "_ResourceId", "value": f"{SITE}2"},
                {"name": "Computer", "value": "/subscriptions/x"},
            ]
        },
        {"dimensions": [{"name": "microsoft.resourceId", "value": f"{SITE}3"}, "odd", {"name": None}]},
        "odd",
    ]

    alert = parse_alert(json.dumps(document).encode())

    assert alert.resources == (SITE.lower(), f"{SITE}2".lower(), f"{SITE}3".lower())


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        ({"schemaId": "AzureMonitorMetricAlert", "data": {}}, "schemaId", "AzureMonitorMetricAlert"),
        ({"schemaId": "Microsoft.Insights/activityLogs", "data": {}}, "schemaId", "an activity log alert"),
        ({"schemaId": {"x": 1}, "data": {}}, "schemaId", "another schema"),
        ({"status": "Activated", "context": {}}, "schemaId", "classic alert"),
        ({"SubscriptionId": "s", "AlertRuleName": "r"}, "schemaId", "log alert (version 1)"),
    ],
)
def test_another_schema_is_named_with_the_switch_to_the_common_one(document, path, words):
    problem = refused(json.dumps(document).encode())

    assert problem.path == path
    assert words in problem.message
    assert "useCommonAlertSchema" in problem.message


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], ""),
        (None, ""),
        ({}, "schemaId"),
        ({"alertContext": {}}, "schemaId"),
        ({"schemaId": "azureMonitorCommonAlertSchema"}, "data"),
        ({"schemaId": "azureMonitorCommonAlertSchema", "data": []}, "data"),
        ({"schemaId": "azureMonitorCommonAlertSchema", "data": {}}, "data.essentials"),
    ],
)
def test_what_is_no_alert_is_refused_by_what_is_missing(document, path):
    assert refused(json.dumps(document).encode()).path == path


@pytest.mark.skipif(not COMMON, reason="the samples of Azure Monitor are not here")
@pytest.mark.parametrize("path", COMMON, ids=lambda path: path.stem)
def test_real_alerts_of_the_common_schema_are_understood(path: Path):
    essentials = json.loads(path.read_bytes())["data"]["essentials"]

    alert = parse_alert(path.read_bytes())

    assert alert.fired is (essentials["monitorCondition"] == "Fired")
    assert alert.rule == (essentials["alertRule"] or "")
    assert alert.severity == (essentials["severity"] or "")
    assert alert.resources == tuple(target.lower() for target in essentials["alertTargetIDs"] or ())
    assert abs(alert.fired_at - datetime.fromisoformat(essentials["firedDateTime"])) < timedelta(milliseconds=1)


@pytest.mark.skipif(not FOREIGN, reason="the samples of Azure Monitor are not here")
@pytest.mark.parametrize("path", FOREIGN, ids=lambda path: f"{path.parent.stem}/{path.stem}")
def test_real_payloads_of_other_schemas_are_refused_by_name(path: Path):
    problem = refused(path.read_bytes())

    if b"//" in path.read_bytes()[:8]:
        assert "not JSON" in problem.message
    elif path.parent.name == "alert-context-fragments" or path.stem.endswith("context"):
        assert "without the essentials" in problem.message
    else:
        assert "useCommonAlertSchema" in problem.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_mutated_alert_is_understood_or_refused_and_nothing_else(data):
    document = copy.deepcopy(ALERT) if not COMMON else json.loads(data.draw(st.sampled_from(COMMON)).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.sampled_from(containers(document)))
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if keys:
            at[data.draw(st.sampled_from(keys))] = data.draw(json_values)

    try:
        alert = parse_alert(json.dumps(document).encode())
    except InvalidError as error:
        told = error.problems
        assert told
    else:
        assert alert.at.tzinfo is UTC
        assert all(resource == resource.lower() for resource in alert.resources)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 3000), st.integers(0, 3000), st.binary(max_size=5))
def test_a_torn_alert_is_understood_or_refused_and_nothing_else(start, length, noise):
    body = with_essentials()
    torn = body[:start] + noise + body[start + length :]
    try:
        parse_alert(torn)
    except InvalidError as error:
        told = error.problems
        assert told


def containers(value: Any) -> list[Any]:
    inside = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    here = [value] if isinstance(value, dict | list) else []
    return here + [container for each in inside for container in containers(each)]
