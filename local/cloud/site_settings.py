"""App settings by the management API: each slot's own, those that stay with their slot, and swaps with preview."""

from dataclasses import asdict
from typing import Any

from local.cloud.http_json import ApiError, JsonCall, Reply
from local.cloud.live_site import LiveSite
from local.cloud.state import PRODUCTION, Slot


def answer_settings(site: LiveSite, slot: Slot, call: JsonCall, rest: list[str]) -> Reply | None:
    """Carry out a call on the settings of a slot; None where it is about something else.

    Raises `ApiError`, and `BusyError` where another operation is in the way.
    """
    match call.method, rest:
        case "POST", ["config", "appsettings", "list"]:
            return Reply(200, _describe(site, slot))
        case "PUT", ["config", "appsettings"]:
            site.set_settings(slot.name, _read_settings(slot, call.body))
            return Reply(200, _describe(site, site.state.slot(slot.name) or slot))
        case "GET", ["config", "slotconfignames"] if slot.name == PRODUCTION:
            return Reply(200, _describe_sticky(site))
        case "PUT", ["config", "slotconfignames"] if slot.name == PRODUCTION:
            site.set_sticky(_read_sticky(call.body))
            return Reply(200, _describe_sticky(site))
        case "POST", ["slotsdiffs"]:
            return Reply(200, {"value": list(_differences(site, slot, read_target(site, call))), "nextLink": None})
        case "POST", ["applyslotconfig"]:
            site.prepare(slot.name, read_target(site, call).name)
            return Reply(200)
        case "POST", ["resetslotconfig"]:
            site.reset(slot.name)
            return Reply(200)
        case _:
            return None


def read_target(site: LiveSite, call: JsonCall) -> Slot:
    """Return the slot that a body names as the target."""
    target = call.body.get("targetSlot") if isinstance(call.body, dict) else None
    if not isinstance(target, str):
        raise ApiError(400, "BadRequest", "The parameter targetSlot is required.")
    other = site.state.slot(target)
    if other is None:
        id_ = f"Microsoft.Web/sites/{site.state.name}/slots/{target}"
        raise ApiError(404, "ResourceNotFound", f"The resource '{id_}' was not found.")
    return other


def _describe(site: LiveSite, slot: Slot) -> dict[str, Any]:
    return {
        "name": "appsettings",
        "type": "Microsoft.Web/sites/config",
        "properties": {**_of_deployment(slot), **dict(site.state.settings_in(slot.name))},
    }


def _of_deployment(slot: Slot) -> dict[str, str]:
    return {key.upper(): str(value) for key, value in asdict(slot.deployment).items()}


def _read_settings(slot: Slot, body: Any) -> tuple[tuple[str, str], ...]:
    match body:
        case {"properties": dict(given)} if all(isinstance(value, str) for value in given.values()):
            return tuple((name, value) for name, value in given.items() if name not in _of_deployment(slot))
        case _:
            raise ApiError(400, "BadRequest", "The parameter properties has an invalid value.")


def _describe_sticky(site: LiveSite) -> dict[str, Any]:
    return {"name": "slotConfigNames", "properties": {"appSettingNames": list(site.state.sticky)}}


def _read_sticky(body: Any) -> list[str]:
    match body:
        case {"properties": {"appSettingNames": list(names)}} if all(isinstance(name, str) for name in names):
            return names
        case _:
            raise ApiError(400, "BadRequest", "The parameter properties has an invalid value.")


def _differences(site: LiveSite, slot: Slot, target: Slot) -> list[dict[str, Any]]:
    mine, theirs = dict(slot.settings), dict(target.settings)
    return [
        {
            "type": "Microsoft.Web/sites/slotsdiffs",
            "properties": {
                "level": "Information",
                "settingType": "AppSetting",
                "settingName": name,
                "diffRule": "SettingsWillNotBeSwapped" if name in site.state.sticky else "SettingsWillBeSwapped",
                "valueInCurrentSlot": mine.get(name),
                "valueInTargetSlot": theirs.get(name),
            },
        }
        for name in sorted({*mine, *theirs})
        if mine.get(name) != theirs.get(name)
    ]
