"""Alerts of Azure Monitor in its common alert schema, as action groups and queues deliver them.

Foreign and many-voiced: fields may be null, missing or new. Only what an alert cannot be understood without is
insisted on: which alert it is, whether it fired, and when.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.domain.errors import InvalidError, Problem
from shared.domain.names import CommandId
from shared.wire.findings import shown
from shared.wire.identities import identity
from shared.wire.json_source import read_json
from shared.wire.timestamps import microseconds, parse_american_time, parse_time

COMMON_SCHEMA: Final = "azureMonitorCommonAlertSchema"
LONGEST_TEXT: Final = 2000
MOST_RESOURCES: Final = 100

_SWITCH: Final = (
    "switch on the common alert schema for this action of the action group "
    '(portal: "Enable the common alert schema: Yes"; templates: "useCommonAlertSchema": true)'
)
_OTHER_SCHEMAS: Final = {
    "AzureMonitorMetricAlert": "a metric alert",
    "Microsoft.Insights/activityLogs": "an activity log alert",
    "Microsoft.Insights/LogAlert": "a log alert",
    "AIP Budget Notification": "a budget notification",
}
_RESOURCE_DIMENSIONS: Final = frozenset({"microsoft.resourceid", "_resourceid"})
_CONTROL: Final = re.compile("[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureAlert:
    """An alert that fired or was resolved."""

    command_id: CommandId
    """The same for every delivery of the same firing or resolving."""
    fired: bool
    """False when it was resolved."""
    at: datetime
    """When it fired or was resolved."""
    fired_at: datetime
    alert_id: str
    rule: str
    """Empty where Azure names none."""
    severity: str
    """`Sev0` (critical) to `Sev4`, or empty."""
    resources: tuple[str, ...]
    """Ids of the resources that it is about, in lower case, without a slash at the end."""
    description: str
    service: str
    """What watched: `Platform`, `Log Analytics`, ... or empty."""


def parse_alert(body: bytes) -> AzureAlert:
    """Return the alert in a body.

    Raises `InvalidError`: for another schema of Azure Monitor it says which one it is and how to switch on the
    common one.
    """
    document = read_json(body)
    if not isinstance(document, dict):
        raise _invalid("", f"found {shown(document)}; allowed is an alert, a JSON object")
    data = document.get("data")
    if not _is_common(document) or not isinstance(data, dict):
        raise _other_schema(document)
    essentials = data.get("essentials")
    if not isinstance(essentials, dict):
        raise _invalid("data.essentials", f"found {shown(essentials)}; allowed is an object")
    return _alert(essentials, data.get("alertContext"))


def _alert(essentials: dict[str, Any], context: Any) -> AzureAlert:
    alert_id = _alert_id(essentials)
    fired = _fired(essentials)
    fired_at = _time(essentials, "firedDateTime")
    at = fired_at if fired or not essentials.get("resolvedDateTime") else _time(essentials, "resolvedDateTime")
    return AzureAlert(
        command_id=identity("azure-monitor", alert_id, "fired" if fired else "resolved", str(microseconds(at))),
        fired=fired,
        at=at,
        fired_at=fired_at,
        alert_id=alert_id,
        rule=_text(essentials.get("alertRule")),
        severity=_text(essentials.get("severity")),
        resources=_resources(essentials, context),
        description=_text(essentials.get("description")),
        service=_text(essentials.get("monitoringService")),
    )


def _alert_id(essentials: dict[str, Any]) -> str:
    for name in ("alertId", "originAlertId"):
        value = essentials.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip().lower()
    raise _invalid("data.essentials.alertId", "is missing: without it the same alert cannot be known again")


def _fired(essentials: dict[str, Any]) -> bool:
    condition = essentials.get("monitorCondition")
    match condition.strip().lower() if isinstance(condition, str) else None:
        case "fired":
            return True
        case "resolved":
            return False
        case _:
            raise _invalid(
                "data.essentials.monitorCondition", f"found {shown(condition)}; allowed is Fired or Resolved"
            )


def _time(essentials: dict[str, Any], name: str) -> datetime:
    value = essentials.get(name)
    path = f"data.essentials.{name}"
    if not isinstance(value, str):
        raise _invalid(path, "is missing" if value is None else f"found {shown(value)}; allowed is a time")
    try:
        return parse_american_time(value) if "/" in value else parse_time(value, zone_required=False)
    except ValueError as error:
        raise _invalid(path, f"found {shown(value)}; allowed is a time such as 2026-04-05T17:31:00Z") from error


def _resources(essentials: dict[str, Any], context: Any) -> tuple[str, ...]:
    """Return the targets, and what the dimensions name: a log alert's target is only the workspace it searched."""
    targets = essentials.get("alertTargetIDs")
    named = [*(targets if isinstance(targets, list) else [targets]), *_dimensions(context)]
    ids = (resource.strip().rstrip("/").lower() for resource in named if isinstance(resource, str))
    return tuple(dict.fromkeys(resource for resource in ids if resource.startswith("/")))[:MOST_RESOURCES]


def _dimensions(context: Any) -> Iterator[Any]:
    for condition in _list(_member(_member(context, "condition"), "allOf")):
        for dimension in _list(_member(condition, "dimensions")):
            if _text(_member(dimension, "name")).lower() in _RESOURCE_DIMENSIONS:
                yield _member(dimension, "value")


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return _CONTROL.sub(" ", str(value)).strip()[:LONGEST_TEXT]


def _is_common(document: dict[str, Any]) -> bool:
    schema = document.get("schemaId")
    return isinstance(schema, str) and schema.lower() == COMMON_SCHEMA.lower()


def _other_schema(document: dict[str, Any]) -> InvalidError:
    schema = document.get("schemaId")
    if _is_common(document):
        return _invalid("data", f"found {shown(document.get('data'))}; allowed is an object with essentials")
    if schema is not None:
        kind = _OTHER_SCHEMAS.get(schema, "another schema") if isinstance(schema, str) else "another schema"
        return _invalid("schemaId", f"found {shown(schema)}, {kind} outside the common alert schema; {_SWITCH}")
    return _invalid("schemaId", f"is missing: {_without_schema(document)}")


def _without_schema(document: dict[str, Any]) -> str:
    if "status" in document and "context" in document:
        return f"this is a classic alert; {_SWITCH}"
    if "SearchQuery" in document or "AlertRuleName" in document:
        return f"this is a log alert (version 1) outside the common alert schema; {_SWITCH}"
    if "alertContext" in document:
        return "this is an alertContext alone, without the essentials that say what it is about"
    return f'allowed is "{COMMON_SCHEMA}"'


def _invalid(path: str, message: str) -> InvalidError:
    return InvalidError(Problem(path, message))
