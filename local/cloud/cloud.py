"""The whole sandbox: what was remembered brought back to life, and put away again in order."""

import asyncio
import random
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import web

from local.cloud.arm import ManagementApi
from local.cloud.control import LAG_SETTING, ControlApi
from local.cloud.edge import DataPlane
from local.cloud.faults import Faults
from local.cloud.journal import Journal
from local.cloud.live_site import LiveSite
from local.cloud.load import Loads
from local.cloud.monitor import MetricsApi
from local.cloud.server import ManagementPort
from local.cloud.state import PRODUCTION, Deployment, Site, Slot

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
RESOURCE_GROUP = "sandbox"
_FIRST_VERSION = Deployment("1")
_FLUSH_SECONDS = 0.5
_STOP_LOADS_SECONDS = 3.0
_PORTS = range(21_000, 32_000)
"""Below Linux's range for outgoing connections, so that nobody takes a slot's port while the sandbox is down."""


class Cloud:
    """One sandbox in one data folder."""

    def __init__(self, folder: Path, *, port: int, edge_port: int, seed: int, swap_seconds: float) -> None:
        """Open the folder. A port of 0 means: the same as last time, or a free one the first time.

        Raises `FolderInUseError`.
        """
        self._journal = Journal(folder)
        self._port = port
        self._faults = Faults()
        self._loads = Loads()
        remembered = self._journal.load_sites() or [_first_site()]
        self._sites = {
            site.name: LiveSite(self._with_edge_port(site, edge_port), self._journal, seed=seed) for site in remembered
        }
        self._planes = [DataPlane(site, self._faults) for site in self._sites.values()]
        metrics = MetricsApi(self._sites, began=self._began(), lag_seconds=self._journal.load_setting(LAG_SETTING, 0))
        management = ManagementApi(self._sites, self._faults, swap_seconds=swap_seconds)
        control = ControlApi(self._sites, self._loads, self._faults, metrics, self._journal)
        self._management = ManagementPort(management, metrics, control, self._faults)
        self._runner: web.ServerRunner | None = None
        self._flusher: asyncio.Task[None] | None = None

    async def start(self) -> dict[str, Any]:
        """Bring everything up and return what the ready line says.

        Raises `StartError` when a version does not come up, `OSError` when a port is taken.
        """
        await asyncio.gather(*(site.start() for site in self._sites.values()))
        for plane in self._planes:
            await plane.start()
        self._flusher = asyncio.create_task(self._flush_often())
        self._runner = web.ServerRunner(web.Server(self._management.answer, access_log=None), shutdown_timeout=1.0)
        await self._runner.setup()
        port = self._port or self._journal.load_setting("port", 0) or _free_port()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self._journal.save_setting("port", port)
        for site in self._sites.values():
            site.resume_swap()
        return self._describe(port)

    async def stop(self) -> None:
        """Put everything away; no process of ours is left."""
        self._faults.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._loads.stop(), _STOP_LOADS_SECONDS)
        if self._runner is not None:
            await self._runner.cleanup()
        await asyncio.gather(*(plane.stop() for plane in self._planes))
        await asyncio.gather(*(site.stop() for site in self._sites.values()))
        if self._flusher is not None:
            self._flusher.cancel()
        self._flush()
        self._journal.close()

    def _describe(self, port: int) -> dict[str, Any]:
        first = next(iter(self._sites.values())).state
        return {
            "management": f"http://127.0.0.1:{port}",
            "edge": f"http://{first.slots[0].host_name}",
            "slots": {slot.name: f"http://{slot.host_name}" for slot in first.slots},
        }

    def _with_edge_port(self, site: Site, edge_port: int) -> Site:
        production, *others = site.slots
        port = edge_port or production.port or _free_port()
        slots = [Slot(PRODUCTION, port, production.deployment, production.running)]
        for slot in others:
            slots.append(Slot(slot.name, slot.port or _free_port(), slot.deployment, slot.running))
        placed = Site(
            subscription=site.subscription,
            resource_group=site.resource_group,
            name=site.name,
            slots=tuple(slots),
            rules=site.rules,
            swaps=site.swaps,
        )
        self._journal.save_site(placed)
        return placed

    def _began(self) -> int:
        began = int(self._journal.load_setting("began", 0)) or int(time.time())
        self._journal.save_setting("began", began)
        return began

    async def _flush_often(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            self._flush()

    def _flush(self) -> None:
        for site in self._sites.values():
            site.flush()


def _first_site() -> Site:
    slots = (Slot(PRODUCTION, 0, _FIRST_VERSION), Slot("candidate", 0, _FIRST_VERSION))
    return Site(subscription=SUBSCRIPTION, resource_group=RESOURCE_GROUP, name="shop", slots=slots)


def _free_port() -> int:
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no port from 21000 to 31999 is free on 127.0.0.1")
