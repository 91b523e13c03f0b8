"""The part of the Azure management API that `azure-mgmt-appcontainers` 5 calls for apps, revisions and updates.

Same URLs, api-version, status codes and error bodies. An update is a long operation: its configuration is told at
once, with `provisioningState` InProgress, and is in force when the operation has succeeded.
"""

from dataclasses import replace
from typing import Any

from local.cloud.app_state import Config, ContainerApp, Entry, Mode, Provisioning, Revision, Update, UpdatePhase
from local.cloud.apps import Apps
from local.cloud.arm_words import check_version, find_resource, no_such_call, not_found
from local.cloud.faults import UPDATE_KINDS, Faults
from local.cloud.http_json import ApiError, JsonCall, Reply
from local.cloud.live_app import LiveApp
from local.cloud.live_site import BusyError

API_VERSION = "2026-07-01"
_LOCATION = "West Europe"
_REGION = "westeurope"
_UPDATE_SECONDS = 0.3


class ContainerAppsApi:
    """Answers calls on the apps of one subscription and resource group each."""

    def __init__(self, apps: Apps, faults: Faults) -> None:
        self._apps = apps
        self._faults = faults

    def answer(self, call: JsonCall) -> Reply:
        """Carry out one call. Raises `ApiError`."""
        check_version(call, API_VERSION)
        match call.segments:
            case ["subscriptions", subscription, "resourcegroups", group, "providers", _, "containerapps", name, *rest]:
                found = find_resource(
                    self._apps.live.values(), "Microsoft.App/containerApps", subscription, group, name
                )
                return self._answer_app(found, call, rest)
            case ["subscriptions", _, "providers", _, "locations", _, kind, update_id] if call.method == "GET":
                return self._tell_update(kind, update_id, call)
            case _:
                raise no_such_call(call)

    def _answer_app(self, app: LiveApp, call: JsonCall, rest: list[str]) -> Reply:
        match call.method, rest:
            case "GET", []:
                return Reply(200, _describe(app.state))
            case "PATCH", []:
                return self._update(app, call)
            case "GET", ["revisions"]:
                return Reply(200, {"value": [_describe_revision(app.state, each) for each in app.state.revisions]})
            case _, ["revisions", name, *inner]:
                revision = app.state.revision(name)
                if revision is None:
                    resource = f"Microsoft.App/containerApps/{app.state.name}/revisions/{name}"
                    raise not_found(resource, app.state.resource_group)
                return _answer_revision(app, revision, call, inner)
            case _:
                raise no_such_call(call)

    def _update(self, app: LiveApp, call: JsonCall) -> Reply:
        wanted = _read_config(app.state, call.body)
        fault = self._faults.take("update", UPDATE_KINDS, method=call.method, path=call.path)
        if fault is not None and fault.kind == "update-conflict":
            raise _in_progress(app.state)
        slow = fault.delay_seconds if fault is not None and fault.kind == "slow-update" else 0.0
        doomed = fault is not None and fault.kind == "update-fails"
        try:
            update = app.begin_update(wanted, seconds=_UPDATE_SECONDS + slow, doomed=doomed)
        except BusyError as error:
            raise _in_progress(app.state) from error
        base = f"http://{call.host}{_update_path(app.state, 'containerappOperation{}', update)}"
        return Reply(
            202,
            None,
            {
                "Azure-AsyncOperation": f"{base.format('Statuses')}?api-version={API_VERSION}&azureAsyncOperation=true",
                "Location": f"{base.format('Results')}?api-version={API_VERSION}",
            },
        )

    def _tell_update(self, kind: str, update_id: str, call: JsonCall) -> Reply:
        for app in self._apps.live.values():
            update = next((each for each in app.state.updates if each.id == update_id), None)
            if update is None:
                continue
            if kind == "containerappoperationstatuses":
                return Reply(200, _describe_update(app.state, update))
            if kind == "containerappoperationresults" and update.phase is UpdatePhase.RUNNING:
                return Reply(202, None, {"Location": f"http://{call.host}{call.target}"})
            if kind == "containerappoperationresults":
                return Reply(200, _describe(app.state))
        raise ApiError(404, "NotFound", f"The operation '{update_id}' is not known.")


def _answer_revision(app: LiveApp, revision: Revision, call: JsonCall, rest: list[str]) -> Reply:
    match call.method, rest:
        case "GET", []:
            return Reply(200, _describe_revision(app.state, revision))
        case "POST", ["activate" | "deactivate" as action]:
            try:
                app.set_active(revision.name, active=action == "activate")
            except BusyError as error:
                raise _in_progress(app.state) from error
            return Reply(200)
        case _:
            raise no_such_call(call)


def _read_config(app: ContainerApp, body: Any) -> Config:
    """Read a merge patch of what an update can change."""
    match body:
        case {"properties": {"configuration": dict(patch), **others}} if not others:
            pass
        case _:
            raise _bad_request(
                "InvalidRequestContent", "The sandbox keeps properties.configuration, and no other part."
            )
    ingress = patch.pop("ingress", {}) or {}
    mode = patch.pop("activeRevisionsMode", app.wanted.mode)
    traffic, sticky = ingress.pop("traffic", None), ingress.pop("stickySessions", None)
    for unknown in (*patch, *ingress):
        raise _bad_request("InvalidRequestContent", f"The sandbox does not keep configuration.{unknown}.")
    if not isinstance(mode, str) or mode.capitalize() not in tuple(Mode):
        raise _bad_request("ContainerAppInvalidActiveRevisionsMode", f"activeRevisionsMode must not be {mode!r}.")
    config = replace(app.wanted, mode=Mode(mode.capitalize()))
    if sticky is not None:
        config = replace(config, sticky=sticky.get("affinity") == "sticky")
    return config if traffic is None else replace(config, traffic=_read_traffic(app, traffic))


def _read_traffic(app: ContainerApp, entries: Any) -> tuple[Entry, ...]:
    traffic = tuple(_read_entry(app, entry) for entry in entries)
    if sum(entry.weight for entry in traffic) != 100:
        raise _bad_request("ContainerAppInvalidTraffic", "The sum of the weights of traffic must be 100.")
    labels = [entry.label for entry in traffic if entry.label]
    if len(set(labels)) < len(labels):
        raise _bad_request("ContainerAppInvalidTraffic", "A label must stand once in traffic.")
    return traffic


def _read_entry(app: ContainerApp, told: Any) -> Entry:
    weight, name = told.get("weight", 0), told.get("revisionName")
    latest, label = told.get("latestRevision") or False, told.get("label") or ""
    if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= 100:
        raise _bad_request("ContainerAppInvalidTraffic", f"A weight must be a whole number to 100, not {weight!r}.")
    if latest == bool(name):
        raise _bad_request("ContainerAppInvalidTraffic", "An entry has either revisionName or latestRevision.")
    revision = app.revision(name) if name else None
    if name and revision is None:
        raise _bad_request("RevisionNotFound", f"Revision '{name}' of traffic was not found.")
    if revision is not None and weight and not revision.active:
        raise _bad_request("RevisionInactive", f"Revision '{name}' of traffic is not active.")
    return Entry(weight=weight, revision=revision.name if revision else "", latest=latest, label=label)


def _describe(app: ContainerApp) -> dict[str, Any]:
    latest, ready = app.revisions[-1] if app.revisions else None, app.latest_ready()
    return {
        "id": resource_id(app),
        "name": app.name,
        "type": "Microsoft.App/containerApps",
        "location": _LOCATION,
        "properties": {
            "provisioningState": app.last_phase().value,
            "runningStatus": "Running",
            "latestRevisionName": latest.name if latest else None,
            "latestReadyRevisionName": ready.name if ready else None,
            "latestRevisionFqdn": latest.host_name if latest else None,
            "configuration": {
                "activeRevisionsMode": app.wanted.mode.value,
                "ingress": {
                    "fqdn": app.host_name,
                    "external": True,
                    "transport": "Auto",
                    "traffic": [_describe_entry(entry) for entry in app.wanted.traffic],
                    "stickySessions": {"affinity": "sticky"} if app.wanted.sticky else None,
                },
            },
        },
    }


def _describe_entry(entry: Entry) -> dict[str, Any]:
    told: dict[str, Any] = {"weight": entry.weight}
    told |= {"latestRevision": True} if entry.latest else {"revisionName": entry.revision}
    return told | ({"label": entry.label} if entry.label else {})


def _describe_revision(app: ContainerApp, revision: Revision) -> dict[str, Any]:
    failed = revision.provisioning is Provisioning.FAILED
    return {
        "id": f"{resource_id(app)}/revisions/{revision.name}",
        "name": revision.name,
        "type": "Microsoft.App/containerapps/revisions",
        "properties": {
            "createdTime": revision.created,
            "fqdn": revision.host_name,
            "template": {"containers": [{"name": app.name, "image": revision.image}]},
            "active": revision.active,
            "replicas": 1 if revision.serves else 0,
            "trafficWeight": app.weights().get(revision.name, 0),
            "healthState": "Healthy" if revision.serves else "None",
            "provisioningState": revision.provisioning.value,
            "provisioningError": "The image could not be pulled." if failed else None,
            "runningState": "Failed" if failed else "Running" if revision.serves else "Stopped",
        },
    }


def _describe_update(app: ContainerApp, update: Update) -> dict[str, Any]:
    told = {
        "id": _update_path(app, "containerappOperationStatuses", update),
        "name": update.id,
        "status": update.phase.value,
        "startTime": update.began,
    }
    failed = {"error": {"code": "OperationFailed", "message": "An ordered fault."}}
    return told | (failed if update.phase is UpdatePhase.FAILED else {})


def resource_id(app: ContainerApp) -> str:
    """Return the ARM id of an app."""
    base = f"/subscriptions/{app.subscription}/resourceGroups/{app.resource_group}"
    return f"{base}/providers/Microsoft.App/containerApps/{app.name}"


def _update_path(app: ContainerApp, kind: str, update: Update) -> str:
    return f"/subscriptions/{app.subscription}/providers/Microsoft.App/locations/{_REGION}/{kind}/{update.id}"


def _in_progress(app: ContainerApp) -> ApiError:
    return ApiError(
        409,
        "ContainerAppOperationInProgress",
        f"Cannot modify a container app '{app.name}' because there is an active provisioning operation in progress.",
    )


def _bad_request(code: str, message: str) -> ApiError:
    return ApiError(400, code, message)
