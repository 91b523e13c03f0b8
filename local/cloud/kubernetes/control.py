"""The cluster's control API, for tries and tests; Slipway itself never calls it. No authorization, loopback only.

GET /sandbox/health
    {"status": "ok"}
GET /sandbox/routes/{namespace}/{name}
    The object as the API keeps it.
POST /sandbox/services/{name}/deploy {"version", "error_rate"?, "latency_ms"?}
    Answers {"service", "host", "version"} once the new version is healthy and serves.
GET /sandbox/traffic
    {version: {"requests", "failures"}}: what users met at the edge since the start.
POST /sandbox/gateway {"lag_seconds"?, "accepts"?, "rule_names"?, "seed"?}
    How long the gateway takes to see what was written, whether it accepts routes, and whether the API knows names
    of rules: answers with all three. `seed`: how it deals requests from now on.
POST /sandbox/faults {"kind", "count"?, "method"?, "retry_after"?, "applied"?, "patch"?, "manager"?}
    The next `count` (1) calls on the API, of one method where it is named, meet "401" to "504"; "drop": the line
    breaks; "garbage": 200 with a page; "overtaken": `manager` applies `patch` just before. `applied`: the call is
    carried out, only its answer is lost.
DELETE /sandbox/faults
    Ends them all.
"""

import json
from typing import Any

from aiohttp import web

from local.cloud.fields import BadFieldError, Fields
from local.cloud.instance import StartError
from local.cloud.kubernetes.faults import KINDS, Trouble, Troubles
from local.cloud.kubernetes.gateway import Gateway
from local.cloud.kubernetes.services import Service, Services
from local.cloud.kubernetes.store import RefusedError, RouteStore
from local.cloud.orders import read_deployment
from local.cloud.reports import describe_split

_METHODS = ("", "GET", "POST", "PUT", "PATCH", "DELETE")


class ControlApi:
    """Answers the calls that the module's docstring lists."""

    def __init__(self, store: RouteStore, services: Services, gateway: Gateway, troubles: Troubles) -> None:
        self._store = store
        self._services = services
        self._gateway = gateway
        self._troubles = troubles

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one call."""
        try:
            body = await request.read()
            return web.json_response(await self._carry_out(request, json.loads(body) if body.strip() else {}))
        except BadFieldError as error:
            said = {"code": "BadField", "field": error.field, "message": str(error)}
            return web.json_response({"error": said}, status=400)
        except RefusedError as error:
            return web.json_response({"error": {"code": error.reason, "message": str(error)}}, status=error.status)
        except StartError as error:
            return web.json_response({"error": {"code": "DidNotStart", "message": str(error)}}, status=409)
        except ValueError as error:
            return web.json_response({"error": {"code": "BadRequest", "message": str(error)}}, status=400)

    async def _carry_out(self, request: web.BaseRequest, body: Any) -> Any:
        match request.method, request.path.split("/")[2:]:
            case "GET", ["health"]:
                return {"status": "ok"}
            case "GET", ["routes", namespace, name]:
                return self._store.get((namespace, name))
            case "POST", ["services", name, "deploy"]:
                service = self._find(name)
                await self._services.deploy(service, read_deployment(body))
                return describe_service(service)
            case "GET", ["traffic"]:
                return describe_split(self._gateway.traffic)
            case "POST", ["gateway"]:
                return self._set_gateway(body)
            case "POST", ["faults"]:
                self._troubles.ordered.append(_read_trouble(body))
                return {"faults": len(self._troubles.ordered)}
            case "DELETE", ["faults"]:
                self._troubles.ordered.clear()
                return {"faults": 0}
        raise RefusedError(404, "NotFound", f"there is no {request.method} {request.path}")

    def _find(self, name: str) -> Service:
        service = self._services.by_name.get(name)
        if service is None:
            raise RefusedError(404, "NotFound", f"there is no service {name}")
        return service

    def _set_gateway(self, body: Any) -> dict[str, Any]:
        fields = Fields(body, "lag_seconds", "accepts", "rule_names", "seed")
        self._gateway.lag_seconds = fields.number("lag_seconds", 0, 60, self._gateway.lag_seconds)
        if "accepts" in body:
            self._gateway.accepts = fields.flag("accepts")
        if "rule_names" in body:
            self._store.rule_names = fields.flag("rule_names")
        if "seed" in body:
            self._gateway.random.seed(fields.integer("seed", 0, 2**63 - 1, 0))
        return {
            "lag_seconds": self._gateway.lag_seconds,
            "accepts": self._gateway.accepts,
            "rule_names": self._store.rule_names,
        }


def describe_service(service: Service) -> dict[str, str]:
    """Return a Service as the control API tells it."""
    version = service.instance.deployment.version
    return {"service": service.name, "host": service.host, "version": version}


def _read_trouble(body: Any) -> Trouble:
    fields = Fields(body, "kind", "count", "method", "retry_after", "applied", "patch", "manager")
    patch = body.get("patch", [])
    if not isinstance(patch, list):
        raise BadFieldError("patch", "must be a JSON Patch")
    return Trouble(
        kind=fields.choice("kind", KINDS),
        left=fields.integer("count", 1, 1_000_000, 1),
        method=fields.choice("method", _METHODS, ""),
        retry_after=fields.optional_integer("retry_after", 0, 3600),
        applied=fields.flag("applied"),
        patch=patch,
        manager=fields.text("manager", "kubectl-edit"),
    )
