"""The whole sandbox: what was remembered brought back to life, and put away again in order."""

import asyncio
import socket
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from local.cloud.app_control import AppControl
from local.cloud.apps import Apps
from local.cloud.arm import ManagementApi
from local.cloud.container_apps import ContainerAppsApi
from local.cloud.control import LAG_SETTING, ControlApi
from local.cloud.edge import DataPlane
from local.cloud.faults import Faults
from local.cloud.jobs import JobsApi
from local.cloud.journal import Journal
from local.cloud.live_site import LiveSite
from local.cloud.load import Loads
from local.cloud.logs import LogsApi
from local.cloud.monitor import MetricsApi
from local.cloud.ports import listen_on, port_of
from local.cloud.server import ManagementPort
from local.cloud.state import PRODUCTION, Deployment, Site, Slot
from local.cloud.traffic_manager.arm import ProfilesApi
from local.cloud.traffic_manager.control import NamesApi
from local.cloud.traffic_manager.profiles import Profiles

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
RESOURCE_GROUP = "sandbox"
_FIRST_VERSION = Deployment("1")
_FLUSH_SECONDS = 0.5
_STOP_LOADS_SECONDS = 3.0


class Cloud:
    """One sandbox in one data folder."""

    def __init__(self, folder: Path, *, port: int, edge_port: int, seed: int, swap_seconds: float) -> None:
        """Open the folder. A port of 0 means: the same as last time, or a free one the first time.

        Raises `FolderInUseError`, or `OSError` when a port is taken.
        """
        self._journal = Journal(folder)
        self._listening = listen_on(port or self._journal.load_setting("port", 0))
        self._journal.save_setting("port", port_of(self._listening))
        self._faults = Faults()
        self._loads = Loads()
        self._seed = seed
        self._sockets: dict[tuple[str, str], socket.socket] = {}
        remembered = self._journal.load_sites() or [_first_site()]
        self._sites = {site.name: self._open(site, edge_port) for site in remembered}
        self._planes = [
            DataPlane(site, {slot.name: self._sockets[name, slot.name] for slot in site.state.slots}, self._faults)
            for name, site in self._sites.items()
        ]
        self._apps = Apps(self._journal, self._faults, seed=seed)
        metrics = MetricsApi(self._sites, began=self._began(), lag_seconds=self._journal.load_setting(LAG_SETTING, 0))
        profiles = Profiles(self._journal, self._sites, seed=seed)
        management = ManagementApi(self._sites, ProfilesApi(profiles), self._faults, swap_seconds=swap_seconds)
        jobs = JobsApi(SUBSCRIPTION, RESOURCE_GROUP)
        control = ControlApi(
            self._sites,
            jobs,
            self._loads,
            self._faults,
            metrics,
            self._journal,
            names=NamesApi(profiles),
            apps=AppControl(self._apps, SUBSCRIPTION, RESOURCE_GROUP),
        )
        logs = LogsApi(self._sites, self._apps.live, metrics)
        container_apps = ContainerAppsApi(self._apps, self._faults)
        self._management = ManagementPort(management, jobs, container_apps, metrics, logs, control, self._faults)
        self._runner: web.ServerRunner | None = None
        self._flusher: asyncio.Task[None] | None = None

    async def start(self) -> dict[str, Any]:
        """Bring everything up and return what the ready line says.

        Raises `StartError` when a version does not come up.
        """
        await asyncio.gather(self._apps.start(), *(site.start() for site in self._sites.values()))
        for plane in self._planes:
            await plane.start()
        self._flusher = asyncio.create_task(self._flush_often())
        self._runner = web.ServerRunner(web.Server(self._management.answer, access_log=None), shutdown_timeout=1.0)
        await self._runner.setup()
        await web.SockSite(self._runner, self._listening).start()
        for site in self._sites.values():
            site.resume_swap()
        return self._describe(port_of(self._listening))

    async def stop(self) -> None:
        """Put everything away; no process of ours is left."""
        self._faults.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._loads.stop(), _STOP_LOADS_SECONDS)
        if self._runner is not None:
            await self._runner.cleanup()
        await asyncio.gather(*(plane.stop() for plane in self._planes))
        await asyncio.gather(self._apps.stop(), *(site.stop() for site in self._sites.values()))
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

    def _open(self, site: Site, edge_port: int) -> LiveSite:
        """Take the ports of a site's slots, new ones where it has none yet, and write them down."""
        slots = []
        for slot in site.slots:
            listening = listen_on((edge_port if slot.name == PRODUCTION else 0) or slot.port)
            self._sockets[site.name, slot.name] = listening
            slots.append(replace(slot, port=port_of(listening)))
        placed = replace(site, slots=tuple(slots))
        self._journal.save_site(placed)
        return LiveSite(placed, self._journal, seed=self._seed)

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
        self._apps.flush()


def _first_site() -> Site:
    slots = (Slot(PRODUCTION, 0, _FIRST_VERSION), Slot("candidate", 0, _FIRST_VERSION))
    return Site(subscription=SUBSCRIPTION, resource_group=RESOURCE_GROUP, name="shop", slots=slots)
