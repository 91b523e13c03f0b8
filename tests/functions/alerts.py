"""Alerts of Azure Monitor for tests: one of our own, and the real samples about our site."""

import json
from pathlib import Path
from typing import Any

from tests.functions.api_client import SITE
from tests.unit.wire.payload_samples import samples

SAMPLES = [path for path in samples("azure-monitor/common-schema/*.json") if b'"schemaId"' in path.read_bytes()]
OTHER_SCHEMAS = sorted(
    {*samples("azure-monitor/non-common-schema/*.json"), *samples("azure-monitor/classic-legacy/*.json")}
)
NO_SAMPLES = "the payload samples do not lie beside the project"


def alert(*, target: str | None = SITE, fired: bool = True, alert_id: str = "a1", **essentials: Any) -> dict[str, Any]:
    """An alert in the common schema; `target` None names no resource."""
    at = {"firedDateTime": "2026-11-24T09:00:00Z"}
    if not fired:
        at["resolvedDateTime"] = "2026-11-24T09:30:00Z"
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": f"/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/{alert_id}",
                "alertRule": "too many errors",
                "severity": "Sev1",
                "monitorCondition": "Fired" if fired else "Resolved",
                "alertTargetIDs": [target] if target else None,
                **at,
                **essentials,
            },
            "alertContext": {},
        },
    }


def about_our_site(sample: Path, *, fired: bool = True) -> bytes:
    """A real sample, its target replaced by our site in other case."""
    document = json.loads(sample.read_text(encoding="utf-8-sig"))
    essentials = document["data"]["essentials"]
    essentials["alertTargetIDs"] = [SITE.upper()]
    if not fired:
        essentials |= {"monitorCondition": "Resolved", "resolvedDateTime": essentials["firedDateTime"]}
    return json.dumps(document).encode()
