"""The whole control plane on a virtual clock: real use cases, real embedded store and queue, sites in memory.

Time passes only when nothing is due: a rollout of hours takes milliseconds, and every run is the same.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

from shared.adapters.memory.hook_caller import MemoryHookCaller
from shared.adapters.memory.notifier import MemoryNotifier
from shared.adapters.sqlite.alert_queue import SqliteAlertQueue
from shared.adapters.sqlite.archive import SqliteArchive
from shared.adapters.sqlite.broker import SqliteBroker
from shared.adapters.sqlite.command_queue import SqliteCommandQueue
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.dead_letters import SqliteDeadLetters
from shared.adapters.sqlite.flag_snapshots import SqliteFlagSnapshots
from shared.adapters.sqlite.flag_usage import SqliteFlagUsage
from shared.adapters.sqlite.observations import SqliteObservations
from shared.adapters.sqlite.open_markers import SqliteOpenMarkers
from shared.adapters.sqlite.rollout_store import SqliteRolloutStore
from shared.adapters.sqlite.view_index import SqliteViewIndex
from shared.application.access import Access
from shared.bootstrap import FlagOptions, Keeping, Outside, build
from shared.domain.errors import SlipwayError
from shared.domain.names import ApplicationName, CommandId, RolloutId, Version
from shared.domain.rollout.calendar import ReleaseWindow
from shared.domain.rollout.commands import Action, Alert
from shared.domain.rollout.measuring import Source
from shared.domain.rollout.spec import Place, Spec
from shared.wire.dead_letter_requests import parse_letter_query
from shared.wire.spec import parse_spec
from shared.wire.wake_ups import parse_wake_up
from tests.scenario.kills import HookedSite, KilledError

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHOP = ApplicationName("shop")
SITE = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Web/sites/shop"
QUEUE = "slipway-commands"
ALERTS = "slipway-alerts"
SPEC = """
application: shop
targets:
  - {name: web, kind: app-service-slot, resource: SITE, slot: candidate}
strategy:
  canary:
    steps: [5, 25, 50]
    bake: {min: 2m, max: 30m}
metrics: {window: 1m, lag: 2m}
guards:
  - {name: errors, metric: error-rate, max: 5%, over: 5m, minimumRequests: 20}
  - {name: compared, metric: error-rate, ratio: {max: 1.5, slack: 1%}, over: 5m, minimumRequests: 20}
""".replace("SITE", SITE)


class VirtualClock:
    """Stands still unless it is told to pass."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


class World:
    """One application `shop`; version 1 is live, its candidate place is free to deploy to."""

    def __init__(
        self,
        folder: Path,
        spec: str = SPEC,
        *,
        clock: Any = None,
        change: Callable[[Keeping], Keeping] = lambda keeping: keeping,
        deploy_first: bool = True,
        house: tuple[ReleaseWindow, ...] = (),
        flags: FlagOptions | None = None,
    ) -> None:
        """`change` puts another store or queue, or faults before them, where the embedded ones are."""
        self.folder = folder
        self.clock = clock or VirtualClock()
        self.site = HookedSite(
            self.clock.now,
            requests_per_second=20.0,
            swap_time=timedelta(seconds=90),
            lag=timedelta(minutes=2),
        )
        self.notifier = MemoryNotifier(self.clock.now)
        self.hooks = MemoryHookCaller(self.clock.now)
        self.broker = SqliteBroker(folder / "queue.db", now=self.clock.now)
        self.change = change
        self.house = house
        self.flags = flags
        self.start()
        self.spec: Spec = parse_spec(spec.encode(), "application/yaml")
        self.target = self.spec.targets[0]
        if deploy_first:
            self.site.deploy(self.target, Place.PRODUCTION, "1")
        self.app.intake.accept_spec(self.spec, "test")
        self.swept = self.clock.now()
        self.failures: list[Exception] = []

    def start(self) -> None:
        """Build the app anew on the same files, as a new worker process does; `change` may put faults before a port."""
        database = Database(self.folder / "store.db")
        self.keeping = self.change(
            Keeping(
                store=SqliteRolloutStore(database, now=self.clock.now),
                markers=SqliteOpenMarkers(database),
                index=SqliteViewIndex(database),
                letters=SqliteDeadLetters(database),
                observations=SqliteObservations(database),
                snapshots=SqliteFlagSnapshots(database),
                usage=SqliteFlagUsage(database),
                queue=SqliteCommandQueue(self.broker, QUEUE),
                alerts=SqliteAlertQueue(self.broker, ALERTS),
                archive=SqliteArchive(database),
            )
        )
        site = self.site
        outside = Outside(
            router=site,
            audience=site,
            finder=site,
            promoter=site,
            probe=site,
            metrics=dict.fromkeys(get_args(Source), site),
            notifier=self.notifier,
            hooks=self.hooks,
            address="https://slipway.example",
        )
        self.app = build(self.keeping, outside, Access({}, {}), self.clock, self.house, self.flags)

    def deploy(self, version: str, *, error_rate: float = 0.0, event: str | None = None, **options) -> RolloutId:
        """CI puts a version into the candidate's place and says so."""
        self.site.deploy(self.target, Place.CANDIDATE, version, error_rate=error_rate, **options)
        return self.announce(version, event)

    def announce(self, version: str, event: str | None = None) -> RolloutId:
        accepted = self.app.intake.accept_deployment(SHOP, Version(version), CommandId(event or uuid4().hex), "ci")
        return accepted.rollout

    def override(self, action: str, reason: str = "") -> RolloutId | None:
        return self.app.intake.accept_override(
            SHOP, Action(action), reason=reason, by="alice", command_id=CommandId(uuid4().hex)
        )

    def alert(self, alert_id: str = "a1", *, fired: bool = True, resource: str = SITE) -> None:
        alert = Alert(
            id=CommandId(alert_id),
            fired=fired,
            rule="errors-high",
            severity="Sev1",
            resource=resource,
            description="",
            at=self.clock.now(),
        )
        named = resource if resource.startswith("flag:") else resource.upper()
        self.app.intake.accept_alert(alert, (named,))

    def rollout(self, rollout: RolloutId) -> dict:
        view = self.app.views.rollout(rollout)
        assert view is not None, rollout
        return view

    def phase(self, rollout: RolloutId) -> str:
        return self.rollout(rollout)["phase"]

    def events(self, rollout: RolloutId) -> list[dict]:
        lines, after = [], 0
        while True:
            page = self.app.views.history(rollout, after)
            assert page is not None
            lines += page["events"]
            if page["next"] is None:
                return lines
            after = page["next"]

    def letters(self, **query: str) -> list[dict]:
        """The first page of the open dead letters, or of those that the query asks for."""
        page: Any = self.app.dead_letter_list.page(parse_letter_query(query))
        return page["dead_letters"]

    def happened(self, rollout: RolloutId) -> list[str]:
        return [line["type"] for line in self.events(rollout)]

    def share(self) -> float:
        return self.site.read_share(self.target) / 1000

    def production(self) -> str:
        return self.site.read_version(self.target, Place.PRODUCTION)

    def run_until(self, done: Callable[[], bool], limit: timedelta = timedelta(hours=8)) -> None:
        """Deliver what is due and let time pass, until `done`; fails after `limit`."""
        ends = self.clock.time + limit
        while not done():
            if not self.deliver_one():
                self.pass_to_next(ends)
                assert self.clock.time < ends, f"still not done after {limit}"

    def run_for(self, span: timedelta) -> None:
        """Let exactly this time pass, delivering everything when it is due."""
        ends = self.clock.time + span
        while True:
            if self.deliver_one():
                continue
            if self.clock.time >= ends:
                return
            self.pass_to_next(ends)

    def run_to_end(self, rollout: RolloutId) -> str:
        self.run_until(lambda: self.rollout(rollout)["ended"] is not None)
        return self.phase(rollout)

    def settle(self) -> None:
        """Deliver everything that is due now."""
        while self.deliver_one():
            pass

    def deliver_one(self) -> bool:
        """Deliver one message as the trigger would; an exception means that it comes again."""
        session = self.broker.accept_next_session(QUEUE, "host")
        if session is None:
            return False
        try:
            delivery = self.broker.receive(QUEUE, session=session, owner="host")
            if delivery is None:
                return False
            try:
                wake_up = parse_wake_up(delivery.body)
                self.app.wake_ups.handle(wake_up, redelivered=delivery.delivery_count > 1)
            except (SlipwayError, KilledError) as error:
                self.failures.append(error)
                self.broker.abandon(delivery)
                self.start()
                return True
            self.broker.complete(delivery)
            return True
        finally:
            self.broker.release_session(QUEUE, session, "host")

    def pass_to_next(self, ends: datetime) -> None:
        """Let time pass to the next message or the next sweep."""
        sweep_at = self.swept + timedelta(minutes=1)
        due = self.broker.next_due(QUEUE)
        self.clock.time = max(self.clock.time, min(ends, sweep_at, *((due,) if due else ())))
        if self.clock.time >= sweep_at:
            self.swept = self.clock.time
            try:
                self.app.sweep.run()
            except (SlipwayError, KilledError) as error:
                self.failures.append(error)
                self.start()

    def respec(self, **changes) -> None:
        """Change the spec, by fields of `Spec`."""
        self.spec = replace(self.spec, **changes)
        self.app.intake.accept_spec(self.spec, "test")
