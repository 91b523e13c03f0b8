"""A site at work: its remembered state, and the process behind each slot."""

import asyncio
import sys
import time
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from local.cloud.background import Background
from local.cloud.instance import Instance, Settings, StartError
from local.cloud.journal import Journal
from local.cloud.keep_alive import KeepAliveClient, encode_request
from local.cloud.ledger import Ledger
from local.cloud.meter import Meter, Tally
from local.cloud.state import Deployment, Prepared, RoutingRule, Site, Slot, Swap, SwapPhase

_WARM_UP_SECONDS = 20.0
_PING_SECONDS = 5.0
_PREPARED = "The slot cannot be changed because its configuration settings have been prepared for swap."


class BusyError(Exception):
    """Another operation on this site is under way; nothing was begun."""


class PreparedError(BusyError):
    """A swap with preview is pending on this site, and what was asked for has to wait for its end."""


class LiveSite:
    """One site. Every change of its state is in the journal before the method that made it returns."""

    def __init__(self, site: Site, journal: Journal, *, seed: int) -> None:
        self.state = site
        self.random = Random(seed)
        """Deals new clients to slots."""
        self.meters: dict[str, Meter] = {slot.name: journal.load_meter(site.name, slot.name) for slot in site.slots}
        self.ledger: Ledger = journal.load_ledger(site.name)
        """Who answered which requests how fast, probes among them."""
        self.traffic: dict[str, Tally] = journal.load_traffic(site.name)
        """What users met at the edge, by version."""
        self.instances: dict[str, Instance] = {}
        self._journal = journal
        self._seed = seed
        self._deploying = asyncio.Lock()
        self._background = Background()
        self._retiring: list[Instance] = []

    async def start(self) -> None:
        """Bring up what was deployed. Raises `StartError`."""
        fresh = {
            slot.name: self._new_instance(slot.deployment, self.state.settings_in(slot.name))
            for slot in self.state.slots
        }
        self.instances = fresh
        await asyncio.gather(*(instance.start() for instance in fresh.values()))

    def resume_swap(self) -> None:
        """Go on with a swap that a kill interrupted: it begins anew, under the same id, and finishes."""
        if (swap := self.state.running_swap()) is not None:
            self._spawn_swap(swap)

    async def stop(self) -> None:
        """End the processes. A running swap stays as it is and goes on at the next start."""
        await self._background.stop()
        await asyncio.gather(*(instance.stop() for instance in (*self.instances.values(), *self._retiring)))

    async def deploy(self, slot_name: str, deployment: Deployment) -> None:
        """Replace what a slot serves, once the new version answers its health check; no request is lost.

        Raises `BusyError` while a swap runs, `StartError` when the version does not come up: the old one stays.
        """
        async with self._deploying:
            self._refuse_during_swap()
            instance = self._new_instance(deployment, self.state.settings_in(self._slot(slot_name).name))
            await instance.start()
            if self.state.running_swap() is not None:
                await instance.stop()
                self._refuse_during_swap()
            slot = self._slot(slot_name)
            self._save(self.state.with_slot(replace(slot, deployment=deployment)))
            replaced, self.instances[slot.name] = self.instances[slot.name], instance
            self._background.begin(self._retire(replaced))

    def set_rules(self, rules: Iterable[RoutingRule]) -> None:
        """Divide production's new clients in this way from now on. Raises `BusyError` once a swap is prepared."""
        self._refuse_once_prepared(self.state.slots[0].name)
        self._save(replace(self.state, rules=tuple(rules)))

    def set_running(self, slot_name: str, *, running: bool) -> None:
        """Start or stop a slot. A stopped one answers 403 to everybody, as in App Service."""
        self._save(self.state.with_slot(replace(self._slot(slot_name), running=running)))

    def set_settings(self, slot_name: str, settings: Settings) -> None:
        """Give a slot these app settings; its app restarts with them. Raises `BusyError` once it is prepared."""
        slot = self._slot(slot_name)
        self._refuse_once_prepared(slot.name)
        self._save(self.state.with_slot(replace(slot, settings=tuple(sorted(settings)))))
        self._background.begin(self._run_with(slot.name, self.state.settings_in(slot.name)))

    def set_sticky(self, names: Iterable[str]) -> None:
        """Say which settings stay with their slot. Raises `BusyError` once a swap is prepared."""
        self._refuse_once_prepared(self.state.slots[0].name)
        self._save(replace(self.state, sticky=tuple(sorted(names))))

    def prepare(self, source: str, destination: str) -> None:
        """Let a slot's app restart with the settings that it would have in another. Raises `BusyError`."""
        self._refuse_during_swap()
        for name in (source, destination):
            if (partner := self.state.partner(name)) is not None:
                raise PreparedError(
                    f"Cannot apply configuration from slot '{name}' because this slot has already been prepared "
                    f"for swap with slot '{partner}'."
                )
        self._save(replace(self.state, prepared=Prepared(source, destination)))
        self._background.begin(self._run_with(source, self.state.settings_in(source)))

    def reset(self, slot_name: str) -> None:
        """Cancel the swap that a slot is prepared for, if any; the app restarts with its own settings."""
        self._refuse_during_swap()
        prepared = self.state.prepared
        if prepared is None or self.state.partner(slot_name) is None:
            return
        self._save(replace(self.state, prepared=None))
        self._background.begin(self._run_with(prepared.source, self.state.settings_in(prepared.source)))

    def begin_swap(self, source: str, destination: str, *, seconds: float, doomed: bool) -> Swap:
        """Begin to exchange what two slots serve. Raises `BusyError` when a swap runs, or another one is prepared."""
        self._refuse_during_swap()
        if self.state.prepared not in (None, Prepared(source, destination)):
            raise PreparedError(_PREPARED)
        swap = Swap(id=str(uuid.uuid4()), source=source, destination=destination, seconds=seconds, doomed=doomed)
        self._save(self.state.with_swap(swap))
        self._spawn_swap(swap)
        return swap

    def flush(self) -> None:
        """Write down what was counted since the last flush."""
        self._journal.save_counts(self.state.name, self.meters.items(), self.ledger, self.traffic)

    async def _retire(self, instance: Instance) -> None:
        self._retiring.append(instance)
        await instance.stop(drain=True)
        self._retiring.remove(instance)

    def _spawn_swap(self, swap: Swap) -> None:
        self._background.begin(self._run_swap(swap))

    async def _run_swap(self, swap: Swap) -> None:
        ends = time.monotonic() + swap.seconds
        settings = self.state.settings_for(swap.source, swap.destination)
        await self._run_with(swap.source, settings)
        warm = await self._warm_up(self._slot(swap.source)) and self.instances[swap.source].settings == settings
        await asyncio.sleep(max(ends - time.monotonic(), 0.0))
        if swap.doomed:
            self._fail_swap(swap, f"Cannot swap site slots for site '{self.state.name}': an ordered fault.")
        elif not warm:
            self._fail_swap(
                swap,
                f"Cannot swap site slots for site '{self.state.name}' "
                f"because the '{swap.source}' slot did not respond to http ping.",
            )
        else:
            self._exchange(swap)
        # The version that left production, or whose swap failed, is given the settings of the place where it is.
        await self._run_with(swap.source, self.state.settings_in(swap.source))

    async def _run_with(self, slot_name: str, settings: Settings) -> None:
        """Let a slot's app run with these settings: restarted where they are others, well or not."""
        async with self._deploying:
            replaced = self.instances[slot_name]
            if replaced.settings == settings:
                return
            instance = Instance(replaced.deployment, seed=self._seed, settings=settings, must_be_well=False)
            try:
                await instance.start()
            except StartError as error:
                print(f"sandbox: {error}", file=sys.stderr, flush=True)
                return
            if self.instances[slot_name] is not replaced:
                await instance.stop()
                return
            self.instances[slot_name] = instance
            self._background.begin(self._retire(replaced))

    def _exchange(self, swap: Swap) -> None:
        done = replace(swap, phase=SwapPhase.DONE, ended=_now())
        exchanged = self.state.exchanged(swap.source, swap.destination)
        self._save(replace(exchanged.with_swap(done), prepared=None))
        # Both processes live on, so a request in flight is finished by the version that began it.
        held = self.instances
        held[swap.source], held[swap.destination] = held[swap.destination], held[swap.source]

    def _fail_swap(self, swap: Swap, why: str) -> None:
        self._save(self.state.with_swap(replace(swap, phase=SwapPhase.FAILED, ended=_now(), why=why)))

    async def _warm_up(self, slot: Slot) -> bool:
        """Say whether the slot answers a request on its own host name, with whatever status, in time."""
        # The query keeps production's edge from dealing this request to another slot.
        ping = encode_request("GET", "/?x-ms-routing-name=self", [("Host", slot.host_name)])
        client = KeepAliveClient(slot.port, timeout=_PING_SECONDS)
        deadline = time.monotonic() + _WARM_UP_SECONDS
        try:
            while time.monotonic() < deadline:
                try:
                    if (await client.exchange(ping)).status < 500:
                        return slot.running
                except OSError as error:
                    print(f"sandbox: warm-up of {slot.name}: {error}", file=sys.stderr, flush=True)
                await asyncio.sleep(0.2)
            return False
        finally:
            client.close()

    def _refuse_during_swap(self) -> None:
        if (swap := self.state.running_swap()) is not None:
            raise BusyError(f"swap {swap.id} of {swap.source} with {swap.destination} is running")

    def _refuse_once_prepared(self, slot_name: str) -> None:
        if self.state.partner(slot_name) is not None:
            raise PreparedError(_PREPARED)

    def _new_instance(self, deployment: Deployment, settings: Settings) -> Instance:
        return Instance(deployment, seed=self._seed, settings=settings)

    def _slot(self, name: str) -> Slot:
        slot = self.state.slot(name)
        if slot is None:
            raise KeyError(f"{self.state.name} has no slot {name}")
        return slot

    def _save(self, state: Site) -> None:
        self._journal.save_site(state)
        self.state = state


def _now() -> str:
    return datetime.now(UTC).isoformat()
