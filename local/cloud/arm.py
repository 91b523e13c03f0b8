"""The part of the Azure management API that `azure-mgmt-web` 11 calls for sites, slots, rules, settings and swaps.

Same URLs, api-version, status codes and error bodies (`{"error": {"code", "message"}}`). Any bearer token is good.
"""

from typing import Any

from local.cloud.arm_words import check_version, find_resource, no_such_call, not_found
from local.cloud.faults import SWAP_KINDS, Faults
from local.cloud.http_json import ApiError, JsonCall, Reply
from local.cloud.live_site import BusyError, LiveSite, PreparedError
from local.cloud.site_settings import answer_settings, read_target
from local.cloud.state import PRODUCTION, RoutingRule, Slot, Swap, SwapPhase
from local.cloud.traffic_manager.arm import ProfilesApi

API_VERSION = "2025-05-01"
_LOCATION = "West Europe"


class ManagementApi:
    """Answers calls on the sites of one subscription and resource group each, and hands on those on profiles."""

    def __init__(
        self, sites: dict[str, LiveSite], profiles: ProfilesApi, faults: Faults, *, swap_seconds: float
    ) -> None:
        self._sites = sites
        self._profiles = profiles
        self._faults = faults
        self._swap_seconds = swap_seconds

    def answer(self, call: JsonCall) -> Reply:
        """Carry out one call. Raises `ApiError`."""
        if ProfilesApi.takes(call):
            return self._profiles.answer(call)
        check_version(call, API_VERSION)
        match call.segments:
            case ["subscriptions", subscription, "resourcegroups", group, "providers", "microsoft.web", "sites", *rest]:
                if not rest:
                    raise no_such_call(call)
                site = find_resource(self._sites.values(), "Microsoft.Web/sites", subscription, group, rest[0])
                return self._answer_site(site, call, rest[1:])
            case _:
                raise no_such_call(call)

    def _answer_site(self, site: LiveSite, call: JsonCall, rest: list[str]) -> Reply:
        try:
            return self._answer_place(site, call, rest)
        except PreparedError as error:
            raise ApiError(409, "Conflict", str(error)) from error
        except BusyError as error:
            raise _conflict(str(error)) from error

    def _answer_place(self, site: LiveSite, call: JsonCall, rest: list[str]) -> Reply:
        match call.method, rest:
            case "GET", ["slots"]:
                slots = [_describe(site, slot) for slot in site.state.slots if slot.name != PRODUCTION]
                return Reply(200, {"value": slots, "nextLink": None})
            case _, ["slots", name, *inner]:
                slot = site.state.slot(name)
                if slot is None or slot.name == PRODUCTION:
                    raise not_found(f"Microsoft.Web/sites/{site.state.name}/slots/{name}", site.state.resource_group)
                return self._answer_slot(site, slot, call, inner)
            case "PATCH" | "PUT", ["config", "web"]:
                site.set_rules(_read_rules(site, call.body))
                return Reply(200, _describe_config(site, site.state.slots[0]))
            case _:
                return self._answer_slot(site, site.state.slots[0], call, rest)

    def _answer_slot(self, site: LiveSite, slot: Slot, call: JsonCall, rest: list[str]) -> Reply:
        match call.method, rest:
            case "GET", []:
                return Reply(200, _describe(site, slot))
            case "GET", ["config", "web"]:
                return Reply(200, _describe_config(site, slot))
            case "POST", ["start" | "stop" as action]:
                site.set_running(slot.name, running=action == "start")
                return Reply(200)
            case "POST", ["slotsswap"]:
                return self._swap(site, slot, call)
            case "GET", ["operationresults", swap_id]:
                return _swap_result(site, swap_id, call)
            case _:
                answered = answer_settings(site, slot, call, rest)
                if answered is None:
                    raise no_such_call(call)
                return answered

    def _swap(self, site: LiveSite, slot: Slot, call: JsonCall) -> Reply:
        other = read_target(site, call)
        if other.name == slot.name:
            raise ApiError(400, "BadRequest", "Source and target slots must differ.")
        # Swapping the site itself means: bring the named slot into production.
        source, destination = (other, slot) if slot.name == PRODUCTION else (slot, other)
        swap = self._begin_swap(site, source.name, destination.name, call)
        return Reply(202, None, {"Location": _result_url(site, slot, swap, call), "Retry-After": "1"})

    def _begin_swap(self, site: LiveSite, source: str, destination: str, call: JsonCall) -> Swap:
        fault = self._faults.take("swap", SWAP_KINDS, method=call.method, path=call.path)
        if fault is not None and fault.kind == "swap-conflict":
            raise _conflict("an ordered fault")
        slow = fault.delay_seconds if fault is not None and fault.kind == "slow-swap" else 0.0
        doomed = fault is not None and fault.kind == "swap-fails"
        return site.begin_swap(source, destination, seconds=self._swap_seconds + slow, doomed=doomed)


def _read_rules(site: LiveSite, body: Any) -> tuple[RoutingRule, ...]:
    match body:
        case {"properties": {"experiments": {"rampUpRules": list(entries)}, **others}} if not others:
            rules = tuple(_read_rule(site, entry) for entry in entries)
        case _:
            raise _bad_rules("the sandbox keeps properties.experiments.rampUpRules, a list, and no other setting")
    if len({rule.name for rule in rules}) < len(rules):
        raise _bad_rules("the names of rampUpRules must differ")
    if sum(rule.percentage for rule in rules) > 100:
        raise _bad_rules("the sum of reroutePercentage must not be above 100")
    return rules


def _read_rule(site: LiveSite, entry: Any) -> RoutingRule:
    match entry:
        case {"name": str(name), "actionHostName": str(host), "reroutePercentage": int() | float() as percentage}:
            rule = RoutingRule(name, host.lower(), float(percentage))
        case _:
            raise _bad_rules("a rule has name, actionHostName and reroutePercentage")
    if not 0 <= rule.percentage <= 100:
        raise _bad_rules(f"reroutePercentage must be from 0 to 100, not {percentage}")
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        raise _bad_rules(f"the name '{name}' cannot stand in a cookie")
    if (slot := site.state.slot_at(rule.host_name)) is None or slot.name == PRODUCTION:
        raise _bad_rules(f"the actionHostName '{host}' is not the host name of a slot of this site")
    return rule


def _describe(site: LiveSite, slot: Slot) -> dict[str, Any]:
    is_site = slot.name == PRODUCTION
    swap, running = site.state.last_swap(), site.state.running_swap()
    took_part = swap is not None and slot.name in (swap.source, swap.destination)
    return {
        "id": resource_id(site, slot),
        "name": site.state.name if is_site else f"{site.state.name}/{slot.name}",
        "type": "Microsoft.Web/sites" if is_site else "Microsoft.Web/sites/slots",
        "kind": "app",
        "location": _LOCATION,
        "properties": {
            "state": "Running" if slot.running else "Stopped",
            "enabled": True,
            "defaultHostName": slot.host_name,
            "hostNames": [slot.host_name],
            "enabledHostNames": [slot.host_name],
            "resourceGroup": site.state.resource_group,
            "targetSwapSlot": site.state.partner(slot.name),
            "inProgressOperationId": running.id if running is not None else None,
            "slotSwapStatus": {
                "timestampUtc": swap.ended,
                "sourceSlotName": swap.source,
                "destinationSlotName": swap.destination,
            }
            if swap is not None and took_part
            else None,
        },
    }


def _describe_config(site: LiveSite, slot: Slot) -> dict[str, Any]:
    is_site = slot.name == PRODUCTION
    rules = [
        {"name": rule.name, "actionHostName": rule.host_name, "reroutePercentage": rule.percentage}
        for rule in (site.state.rules if is_site else ())
    ]
    return {
        "id": f"{resource_id(site, slot)}/config/web",
        "name": "web",
        "type": "Microsoft.Web/sites/config" if is_site else "Microsoft.Web/sites/slots/config",
        "properties": {"experiments": {"rampUpRules": rules}},
    }


def resource_id(site: LiveSite, slot: Slot) -> str:
    """Return the ARM id of the site, for its production slot, or of another slot."""
    state = site.state
    base = f"/subscriptions/{state.subscription}/resourceGroups/{state.resource_group}"
    base += f"/providers/Microsoft.Web/sites/{state.name}"
    return base if slot.name == PRODUCTION else f"{base}/slots/{slot.name}"


def _result_url(site: LiveSite, slot: Slot, swap: Swap, call: JsonCall) -> str:
    path = f"{resource_id(site, slot)}/operationresults/{swap.id}"
    return f"http://{call.host}{path}?api-version={API_VERSION}"


def _swap_result(site: LiveSite, swap_id: str, call: JsonCall) -> Reply:
    swap = site.state.swap(swap_id)
    if swap is None:
        raise ApiError(404, "NotFound", f"The operation '{swap_id}' is not known.")
    match swap.phase:
        case SwapPhase.RUNNING:
            return Reply(202, None, {"Location": f"http://{call.host}{call.target}", "Retry-After": "1"})
        case SwapPhase.DONE:
            return Reply(200)
        case SwapPhase.FAILED:
            raise ApiError(409, "Conflict", swap.why)


def _conflict(details: str) -> ApiError:
    return ApiError(
        409, "Conflict", f"Cannot modify this site because another operation is in progress. Details: {details}."
    )


def _bad_rules(message: str) -> ApiError:
    return ApiError(400, "BadRequest", f"Invalid site configuration: {message}.")
