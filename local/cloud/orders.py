"""The bodies that the control API takes, read into plain values."""

import time
from typing import Any

from local.cloud.faults import KINDS_ON, SILENT_KINDS, STATUS_KINDS, SWAP_KINDS, UPDATE_KINDS, Fault
from local.cloud.fields import BadFieldError, Fields
from local.cloud.load import LoadOrder
from local.cloud.state import Deployment

_ALL_KINDS = (*STATUS_KINDS, *SILENT_KINDS, *SWAP_KINDS, *UPDATE_KINDS)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def read_deployment(body: Any) -> Deployment:
    """Read what a slot is to serve. Raises `BadFieldError`."""
    fields = Fields(body, "version", "error_rate", "latency_ms")
    return Deployment(
        fields.text("version"), fields.number("error_rate", 0, 1, 0.0), fields.number("latency_ms", 0, 60_000, 0.0)
    )


def read_order(body: Any) -> LoadOrder:
    """Read what traffic is wanted. Raises `BadFieldError`."""
    fields = Fields(body, "site", "rps", "seconds", "clients", "users", "visits", "requests", "path", "method", "seed")
    requests = fields.optional_integer("requests", 1, 10_000_000)
    if requests is not None and isinstance(body, dict) and ("rps" in body or "seconds" in body):
        raise BadFieldError("requests", "is sent as fast as is sensible: it cannot stand beside rps or seconds")
    path = fields.text("path", "/checkout")
    if not path.startswith("/") or not path.isascii() or " " in path:
        raise BadFieldError("path", "must begin with / and be printable ASCII without spaces")
    return LoadOrder(
        site=fields.text("site"),
        rps=fields.number("rps", 0.01, 5000) if requests is None else 0.0,
        seconds=fields.number("seconds", 0, 31_536_000, 0.0) or None,
        requests=requests,
        sticky=fields.choice("clients", ("fresh", "sticky"), "fresh") == "sticky",
        users=fields.integer("users", 1, 100_000, 50),
        visits=fields.optional_integer("visits", 1, 1_000_000),
        path=path,
        method=fields.choice("method", ("GET", "POST"), "GET"),
        seed=fields.integer("seed", 0, 2**63 - 1, 0),
    )


def read_fault(body: Any, fault_id: str) -> Fault:
    """Read what is to go wrong, from now on. Raises `BadFieldError`."""
    fields = Fields(
        body, "on", "kind", "seconds", "count", "method", "path", "slot", "retry_after", "delay_seconds", "applied"
    )
    on = fields.choice("on", tuple(KINDS_ON))
    kind = fields.choice("kind", _ALL_KINDS)
    if kind not in KINDS_ON[on]:
        raise BadFieldError("kind", f"on {on} must be one of {', '.join(KINDS_ON[on])}")
    retry_after = fields.optional_integer("retry_after", 0, 3600)
    return Fault(
        id=fault_id,
        on=on,
        kind=kind,
        until=time.monotonic() + fields.number("seconds", 0.1, 86_400, 60.0),
        left=fields.optional_integer("count", 1, 1_000_000),
        method=fields.choice("method", ("", *_METHODS), ""),
        path=fields.text("path", ""),
        slot=fields.text("slot", ""),
        retry_after=fields.integer("retry_after", 0, 3600, 1) if kind == "429" else retry_after,
        delay_seconds=fields.number("delay_seconds", 0, 3600, 20.0),
        applied=fields.flag("applied"),
    )
