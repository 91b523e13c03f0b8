"""The cluster's HTTPRoutes: versions, generations, and who owns which field.

Every write gives the object a new `resourceVersion`; one of what is wanted a new `generation` too. Who writes a field
with another value than it had becomes its only owner, as with every manager that does not apply server-side.
"""

import copy
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local.cloud.kubernetes.schema import admit, find_mistakes

Key = tuple[str, str]
API_VERSION = "gateway.networking.k8s.io/v1"


class RefusedError(Exception):
    """The API refuses a write; `status` and `reason` are what it answers."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class RouteStore:
    """The routes by namespace and name. `save` is told each time of what is kept, before anybody else is."""

    def __init__(self, remembered: dict[str, Any], save: Callable[[dict[str, Any]], None]) -> None:
        self.rule_names = True
        """Whether this version of the API knows names of rules."""
        self._version = int(remembered.get("version", 1000))
        self._routes: dict[Key, dict[str, Any]] = {
            (route["metadata"]["namespace"], route["metadata"]["name"]): route for route in remembered.get("routes", ())
        }
        self._save = save

    def get(self, key: Key) -> dict[str, Any]:
        """Return a copy of a route. Raises `RefusedError`."""
        route = self._routes.get(key)
        if route is None:
            raise RefusedError(404, "NotFound", f'httproutes.gateway.networking.k8s.io "{key[1]}" not found')
        return copy.deepcopy(route)

    def all(self, namespace: str | None = None) -> list[dict[str, Any]]:
        """Return copies of all routes, or those of a namespace."""
        return [copy.deepcopy(route) for key, route in self._routes.items() if namespace in (None, key[0])]

    def create(self, key: Key, wanted: dict[str, Any], manager: str) -> dict[str, Any]:
        """Keep a new route. Raises `RefusedError`."""
        if key in self._routes:
            raise RefusedError(409, "AlreadyExists", f'httproutes.gateway.networking.k8s.io "{key[1]}" already exists')
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        blank = {
            "apiVersion": API_VERSION,
            "kind": "HTTPRoute",
            "metadata": {"name": key[1], "namespace": key[0], "uid": str(uuid.uuid4()), "creationTimestamp": now},
            "spec": {},
        }
        return self._write(key, blank, wanted, manager)

    def replace(self, key: Key, wanted: dict[str, Any], manager: str) -> dict[str, Any]:
        """Put another wording in a route's place. One that names a `resourceVersion` holds for that version only."""
        before = self.get(key)
        named = (wanted.get("metadata") or {}).get("resourceVersion")
        if named not in (None, "", before["metadata"]["resourceVersion"]):
            raise RefusedError(
                409,
                "Conflict",
                f'Operation cannot be fulfilled on httproutes.gateway.networking.k8s.io "{key[1]}": the object has '
                "been modified; please apply your changes to the latest version and try again",
            )
        return self._write(key, before, wanted, manager)

    def set_status(self, key: Key, parents: list[dict[str, Any]]) -> None:
        """Write down what a gateway says of a route: a new version, but no new generation."""
        route = self.get(key)
        route["status"] = {"parents": copy.deepcopy(parents)}
        self._keep(key, route)

    def delete(self, key: Key) -> None:
        """Forget a route. Raises `RefusedError`."""
        self.get(key)
        del self._routes[key]
        self._save(self._remember())

    def _write(self, key: Key, before: dict[str, Any], wanted: dict[str, Any], manager: str) -> dict[str, Any]:
        route = copy.deepcopy(before)
        metadata, sent = route["metadata"], wanted.get("metadata") or {}
        for name in ("labels", "annotations", "ownerReferences"):
            metadata.pop(name, None)
            if sent.get(name):
                metadata[name] = copy.deepcopy(sent[name])
        route["spec"] = admit(wanted.get("spec"), rule_names=self.rule_names)
        mistakes = find_mistakes(route["spec"])
        if mistakes:
            said = "; ".join(mistakes)
            raise RefusedError(422, "Invalid", f'HTTPRoute.gateway.networking.k8s.io "{key[1]}" is invalid: {said}')
        if route == before:
            return route
        if route["spec"] != before["spec"]:
            metadata["generation"] = metadata.get("generation", 0) + 1
        _own(route, before, manager)
        return self._keep(key, route)

    def _keep(self, key: Key, route: dict[str, Any]) -> dict[str, Any]:
        self._version += 1
        route["metadata"]["resourceVersion"] = str(self._version)
        self._routes[key] = route
        self._save(self._remember())
        return copy.deepcopy(route)

    def _remember(self) -> dict[str, Any]:
        return {"version": self._version, "routes": list(self._routes.values())}


def _own(route: dict[str, Any], before: dict[str, Any], manager: str) -> None:
    """Give the fields that changed to the manager, and take them from all others."""
    changed = {
        f"f:{name}"
        for name in route["spec"].keys() | before["spec"].keys()
        if route["spec"].get(name) != before["spec"].get(name)
    }
    entries = []
    for entry in copy.deepcopy(before["metadata"].get("managedFields", [])):
        fields = entry["fieldsV1"]["f:spec"]
        if entry["manager"] == manager:
            changed |= fields.keys()
        elif kept := {name: fields[name] for name in fields if name not in changed}:
            entries.append({**entry, "fieldsV1": {"f:spec": kept}})
    if changed:
        owned: dict[str, Any] = {"f:spec": {name: {} for name in sorted(changed)}}
        entries.append(
            {
                "manager": manager,
                "operation": "Update",
                "apiVersion": API_VERSION,
                "fieldsType": "FieldsV1",
                "fieldsV1": owned,
            }
        )
    route["metadata"]["managedFields"] = entries
