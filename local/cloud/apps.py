"""All Container Apps of the sandbox: remembered, made on order, and each with its doors open."""

import asyncio
import socket

from local.cloud.app_edge import AppPlane
from local.cloud.app_state import Config, ContainerApp, Revision
from local.cloud.faults import Faults
from local.cloud.instance import Settings
from local.cloud.journal import Journal
from local.cloud.live_app import LiveApp, now_text
from local.cloud.live_site import BusyError
from local.cloud.ports import listen_on, port_of
from local.cloud.state import Deployment


class Apps:
    """The apps by name, in lower case."""

    def __init__(self, journal: Journal, faults: Faults, *, seed: int) -> None:
        """Take the ports of the remembered apps. Raises `OSError` when one is taken."""
        self.live: dict[str, LiveApp] = {}
        self._planes: dict[str, AppPlane] = {}
        self._sockets: dict[tuple[str, str | None], socket.socket] = {}
        self._journal = journal
        self._faults = faults
        self._seed = seed
        for app in journal.load_apps():
            self._sockets[app.name, None] = listen_on(app.port)
            for revision in app.revisions:
                self._sockets[app.name, revision.name] = listen_on(revision.port)
            self._add(app)

    async def start(self) -> None:
        """Bring up the remembered apps. Raises `StartError`."""
        await asyncio.gather(*(app.start() for app in self.live.values()))
        for (name, revision), listening in self._sockets.items():
            await self._planes[name].open(revision, listening)

    async def stop(self) -> None:
        """Close the doors and end the processes."""
        await asyncio.gather(*(plane.close() for plane in self._planes.values()))
        await asyncio.gather(*(app.stop() for app in self.live.values()))

    def flush(self) -> None:
        """Write down what was counted since the last flush."""
        for app in self.live.values():
            app.flush()

    async def create(self, subscription: str, group: str, name: str, config: Config, first: Deployment) -> LiveApp:
        """Make an app whose first revision serves a version. Raises `BusyError` when there is one of that name."""
        if name in self.live:
            raise BusyError(f"there is an app {name} already")
        listening = listen_on(0)
        app = self._add(
            ContainerApp(
                subscription=subscription,
                resource_group=group,
                name=name,
                port=port_of(listening),
                wanted=config,
                in_force=config,
            )
        )
        await self._planes[name].open(None, listening)
        await self.deploy(app, first)
        return app

    async def deploy(
        self,
        app: LiveApp,
        deployment: Deployment,
        *,
        suffix: str = "",
        image: str = "",
        takes: float = 0.0,
        doomed: bool = False,
        settings: Settings = (),
    ) -> Revision:
        """Give an app a new revision and return it. Raises `BusyError` for a name that it has had."""
        name = f"{app.state.name}--{suffix or f'{len(app.state.revisions):07}'}"
        if app.state.revision(name) is not None:
            raise BusyError(f"there is a revision {name} already")
        listening = listen_on(0)
        revision = Revision(
            name=name,
            port=port_of(listening),
            deployment=deployment,
            image=image or f"registry.example/{app.state.name}:{deployment.version}",
            created=now_text(),
            takes=takes,
            doomed=doomed,
            settings=settings,
        )
        try:
            await app.deploy(revision)
        finally:
            if app.state.revision(name) is None:
                listening.close()
            else:
                await self._planes[app.state.name].open(name, listening)
        made = app.state.revision(name)
        assert made is not None
        return made

    def _add(self, app: ContainerApp) -> LiveApp:
        self._journal.save_app(app)
        live = self.live[app.name] = LiveApp(app, self._journal, seed=self._seed)
        self._planes[app.name] = AppPlane(live, self._faults)
        return live
