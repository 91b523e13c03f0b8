"""What the control API answers, as JSON values."""

import time
from dataclasses import asdict
from typing import Any

from local.cloud.arm import resource_id
from local.cloud.faults import Fault
from local.cloud.live_site import LiveSite
from local.cloud.load import Load
from local.cloud.meter import Tally
from local.cloud.routing import PIN_SECONDS
from local.cloud.state import Slot


def describe_site(site: LiveSite) -> dict[str, Any]:
    """Return a site with its slots, rules and newest swap."""
    state = site.state
    newest = state.swaps[-1] if state.swaps else None
    swap = None if newest is None else {**asdict(newest), "phase": newest.phase.value}
    return {
        "site": state.name,
        "resource": resource_id(site, state.slots[0]),
        "edge": f"http://{state.slots[0].host_name}",
        "slots": [describe_slot(site, slot) for slot in state.slots],
        "rules": [asdict(rule) for rule in state.rules],
        "swap": swap,
    }


def describe_slot(site: LiveSite, slot: Slot) -> dict[str, Any]:
    """Return a slot, what it serves and its process."""
    return {
        "slot": slot.name,
        "host": slot.host_name,
        **asdict(slot.deployment),
        "running": slot.running,
        "process": site.instances[slot.name].process_id,
    }


def describe_split(split: dict[str, Tally]) -> dict[str, Any]:
    """Return requests and failures by version."""
    return {
        version: {"requests": tally.requests, "failures": tally.failures} for version, tally in sorted(split.items())
    }


def describe_pins(site: LiveSite) -> dict[str, Any]:
    """Return how many unexpired routing cookies name each slot, and which version serves them now."""
    now = int(time.time())
    slots = {name: meter.total(now - PIN_SECONDS, now + 1).pins for name, meter in site.meters.items()}
    versions: dict[str, int] = {}
    for slot in site.state.slots:
        versions[slot.deployment.version] = versions.get(slot.deployment.version, 0) + slots[slot.name]
    return {"slots": slots, "versions": versions}


def describe_load(load: Load) -> dict[str, Any]:
    """Return how far a load is."""
    return {
        "id": load.id,
        "site": load.order.site,
        "sent": load.sent,
        "answered": load.answered,
        "failed": load.failed,
        "skipped": load.skipped,
        "done": load.done,
        "error": load.error,
        "versions": describe_split(load.versions),
        "minutes": {minute: describe_split(split) for minute, split in load.minutes.items()},
    }


def describe_fault(fault: Fault) -> dict[str, Any]:
    """Return a fault and how much of it is left."""
    return {
        "id": fault.id,
        "on": fault.on,
        "kind": fault.kind,
        "seconds_left": round(max(fault.until - time.monotonic(), 0.0), 3),
        "count_left": fault.left,
        "method": fault.method,
        "path": fault.path,
        "slot": fault.slot,
        "applied": fault.applied,
    }
