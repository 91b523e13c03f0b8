"""A delivery of the broker in the words in which Azure's Service Bus extension tells the worker."""

import json
from datetime import UTC, datetime
from typing import Any

from azure.functions.meta import Datum

from local.hosting.function_index import IndexedFunction
from local.hosting.invocation import Invocation
from shared.adapters.sqlite.deliveries import Delivery


def message_invocation(function: IndexedFunction, delivery: Delivery) -> Invocation:
    """Return what fires `function` for this delivery.

    Without `data_type=BINARY` on the binding the real host reads a body as text, so that bytes that are no
    UTF-8 come out damaged; so they do here.
    """
    if str(function.trigger.options.get("dataType", "")).upper() == "BINARY":
        body = Datum(delivery.body, "bytes")
    else:
        body = Datum(delivery.body.decode("utf-8", errors="replace"), "string")
    return Invocation(body, _metadata(delivery))


def _metadata(delivery: Delivery) -> dict[str, Any]:
    """Text stays text, the rest becomes JSON: so the host fills the worker's trigger metadata."""
    properties = dict(delivery.properties)
    values: dict[str, Any] = {
        "ApplicationProperties": properties,
        "DeliveryCount": delivery.delivery_count,
        "EnqueuedSequenceNumber": delivery.sequence,
        "EnqueuedTimeUtc": _time(delivery.enqueued),
        "LockToken": delivery.lock_token,
        "LockedUntil": _time(delivery.locked_until),
        "MessageId": delivery.message_id,
        "PartitionKey": delivery.session_id,
        "SequenceNumber": delivery.sequence,
        "SessionId": delivery.session_id,
        "UserProperties": properties,
    }
    return {
        name: Datum(value, "string") if isinstance(value, str) else Datum(json.dumps(value), "json")
        for name, value in values.items()
        if value is not None
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
