"""The whole cluster: what was remembered brought back to life, and put away again in order.

It begins with one route, `default/shop`, of one gateway, that divides all paths between the Services shop-blue (all
of it) and shop-green (none).
"""

import json
import ssl
from pathlib import Path
from typing import Any

from aiohttp import web

from local.cloud.instance import Instance
from local.cloud.kubernetes.api import KubernetesApi
from local.cloud.kubernetes.control import ControlApi, describe_service
from local.cloud.kubernetes.faults import Troubles
from local.cloud.kubernetes.gateway import Gateway
from local.cloud.kubernetes.services import Service, Services
from local.cloud.kubernetes.store import RouteStore
from local.cloud.ports import listen_on, port_of
from local.cloud.state import Deployment

SERVICES = ("shop-blue", "shop-green")
ROUTE = ("default", "shop")
_FIRST_VERSION = Deployment("1")
_FIRST_ROUTE: dict[str, Any] = {
    "spec": {
        "parentRefs": [{"name": "shop-gateway"}],
        "rules": [
            {
                "backendRefs": [
                    {"name": SERVICES[0], "port": 80, "weight": 1},
                    {"name": SERVICES[1], "port": 80, "weight": 0},
                ]
            }
        ],
    }
}


class Cluster:
    """One cluster in one data folder. What it is told is written down before it is answered."""

    def __init__(self, folder: Path, *, token: str, seed: int, tls: ssl.SSLContext | None = None) -> None:
        """`token` is the only one that the API takes; with `tls` it speaks https. Raises `OSError` for a taken port."""
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "kubernetes.json"
        known = json.loads(self._file.read_text()) if self._file.exists() else {}
        ports, versions = known.get("ports", {}), known.get("versions", {})
        self._tls = tls
        self._listening = listen_on(ports.get("api", 0))
        edge = listen_on(ports.get("edge", 0))
        self._edge_port = port_of(edge)
        self._routes: dict[str, Any] = known.get("store", {})
        self._services = Services(
            {
                name: Service(name, listen_on(ports.get(name, 0)), Instance(_deployed(versions.get(name)), seed=seed))
                for name in SERVICES
            },
            seed,
            self._save,
        )
        self._store = RouteStore(self._routes, self._keep_routes)
        self._gateway = Gateway(self._store, self._services, edge, seed=seed)
        troubles = Troubles()
        self._api = KubernetesApi(self._store, troubles, token)
        self._control = ControlApi(self._store, self._services, self._gateway, troubles)
        self._runner: web.ServerRunner | None = None

    async def start(self) -> dict[str, Any]:
        """Bring everything up and return what the ready line says. Raises `StartError`."""
        if not self._store.all():
            self._store.create(ROUTE, _FIRST_ROUTE, "kubectl-create")
        await self._services.start()
        await self._gateway.start()
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=1.0)
        await self._runner.setup()
        await web.SockSite(self._runner, self._listening, ssl_context=self._tls).start()
        self._save()
        return {
            "server": f"{'https' if self._tls else 'http'}://127.0.0.1:{port_of(self._listening)}",
            "edge": f"http://127.0.0.1:{self._edge_port}",
            "services": [describe_service(service) for service in self._services.by_name.values()],
        }

    async def stop(self) -> None:
        """Put everything away; no process of ours is left."""
        if self._runner is not None:
            await self._runner.cleanup()
        await self._gateway.stop()
        await self._services.stop()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith("/sandbox/"):
            return await self._control.answer(request)
        return await self._api.answer(request)

    def _keep_routes(self, routes: dict[str, Any]) -> None:
        self._routes = routes
        self._save()

    def _save(self) -> None:
        services = self._services.by_name.values()
        ports = {service.name: port_of(service.listening) for service in services}
        deployed = {service.name: service.instance.deployment for service in services}
        known = {
            "ports": {"api": port_of(self._listening), "edge": self._edge_port, **ports},
            "versions": {name: [one.version, one.error_rate, one.latency_ms] for name, one in deployed.items()},
            "store": self._routes,
        }
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(known))
        fresh.replace(self._file)


def _deployed(known: list[Any] | None) -> Deployment:
    return Deployment(*known) if known else _FIRST_VERSION
