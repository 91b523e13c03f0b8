"""A Container App at work: its remembered state, and the process behind each active revision."""

import asyncio
import sys
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from local.cloud.app_state import (
    ALL_TO_LATEST,
    Config,
    ContainerApp,
    Mode,
    Provisioning,
    Revision,
    Update,
    UpdatePhase,
)
from local.cloud.background import Background
from local.cloud.instance import Instance, StartError
from local.cloud.journal import Journal
from local.cloud.ledger import Ledger
from local.cloud.live_site import BusyError
from local.cloud.meter import Meter, Tally


class LiveApp:
    """One app. Every change of its state is in the journal before the method that made it returns."""

    def __init__(self, app: ContainerApp, journal: Journal, *, seed: int) -> None:
        self.state = app
        self.random = Random(seed)
        """Deals requests to revisions."""
        self.meters: dict[str, Meter] = {each.name: journal.load_meter(app.name, each.name) for each in app.revisions}
        self.ledger: Ledger = journal.load_ledger(app.name)
        self.traffic: dict[str, Tally] = journal.load_traffic(app.name)
        """What users met at the app's own host, by version."""
        self.instances: dict[str, Instance] = {}
        """The process of each revision that has one."""
        self._journal = journal
        self._seed = seed
        self._background = Background()
        self._retiring: set[Instance] = set()

    async def start(self) -> None:
        """Bring up what was active, and go on with what a kill interrupted. Raises `StartError`."""
        await asyncio.gather(*(self._run(each) for each in self.state.revisions if each.serves))
        for revision in self.state.revisions:
            if revision.active and revision.provisioning is Provisioning.PROVISIONING:
                self._background.begin(self._provision(revision))
        if (update := self.state.running_update()) is not None:
            self._background.begin(self._carry_out(update))

    async def stop(self) -> None:
        """End the processes. A running update stays as it is and goes on at the next start."""
        await self._background.stop()
        await asyncio.gather(*(each.stop() for each in (*self.instances.values(), *self._retiring)))

    async def deploy(self, revision: Revision) -> None:
        """Add a revision. Returns once it serves; at once, if provisioning takes time of its own or is to fail."""
        self._refuse_during_update()
        self.meters[revision.name] = Meter()
        self._save(self.state.with_revision(revision))
        if revision.takes:
            self._background.begin(self._provision(revision))
        else:
            await self._provision(revision)

    def begin_update(self, wanted: Config, *, seconds: float, doomed: bool) -> Update:
        """Begin to bring a configuration about; it is told at once. Raises `BusyError` while another update runs.

        In single mode the traffic that is asked for is taken, and ignored.
        """
        self._refuse_during_update()
        if wanted.mode is Mode.SINGLE:
            wanted = replace(wanted, traffic=ALL_TO_LATEST)
        update = Update(id=str(uuid.uuid4()), seconds=seconds, began=now_text(), doomed=doomed)
        self._save(replace(self.state, wanted=wanted).with_update(update))
        self._background.begin(self._carry_out(update))
        return update

    def set_active(self, name: str, *, active: bool) -> None:
        """Begin to activate a revision, or deactivate it. Raises `BusyError` while an update runs."""
        self._refuse_during_update()
        revision = self._revision(name)
        if active and not revision.active:
            begun = replace(revision, active=True, provisioning=Provisioning.PROVISIONING)
            self._save(self.state.with_revision(begun))
            self._background.begin(self._provision(begun))
        elif not active and revision.active:
            self._deactivate(revision)

    def flush(self) -> None:
        """Write down what was counted since the last flush."""
        self._journal.save_counts(self.state.name, self.meters.items(), self.ledger, self.traffic)

    async def _provision(self, revision: Revision) -> None:
        await asyncio.sleep(revision.takes)
        state = Provisioning.FAILED
        if not revision.doomed:
            try:
                await self._run(revision)
                state = Provisioning.PROVISIONED
            except StartError as error:
                print(f"sandbox: {error}", file=sys.stderr, flush=True)
        self._save(self.state.with_revision(replace(self._revision(revision.name), provisioning=state)))
        self._keep_one()

    async def _carry_out(self, update: Update) -> None:
        await asyncio.sleep(update.seconds)
        phase = UpdatePhase.FAILED if update.doomed else UpdatePhase.DONE
        ended = self.state.with_update(replace(update, phase=phase))
        self._save(ended if update.doomed else replace(ended, in_force=ended.wanted))
        self._keep_one()

    def _keep_one(self) -> None:
        """In single mode: leave only the revision that was ready last, and what is to take over from it."""
        latest = self.state.latest_ready()
        if self.state.in_force.mode is not Mode.SINGLE or latest is None:
            return
        for revision in self.state.revisions[: self.state.revisions.index(latest)]:
            if revision.active:
                self._deactivate(revision)

    def _deactivate(self, revision: Revision) -> None:
        self._save(self.state.with_revision(replace(self._revision(revision.name), active=False)))
        if (instance := self.instances.pop(revision.name, None)) is not None:
            self._background.begin(self._retire(instance))

    async def _retire(self, instance: Instance) -> None:
        self._retiring.add(instance)
        await instance.stop(drain=True)
        self._retiring.discard(instance)

    async def _run(self, revision: Revision) -> None:
        instance = Instance(revision.deployment, seed=self._seed, settings=revision.settings)
        await instance.start()
        self.instances[revision.name] = instance

    def _refuse_during_update(self) -> None:
        if (update := self.state.running_update()) is not None:
            raise BusyError(f"update {update.id} is running")

    def _revision(self, name: str) -> Revision:
        revision = self.state.revision(name)
        if revision is None:
            raise KeyError(f"{self.state.name} has no revision {name}")
        return revision

    def _save(self, state: ContainerApp) -> None:
        self._journal.save_app(state)
        self.state = state


def now_text() -> str:
    """Return the time, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat()
