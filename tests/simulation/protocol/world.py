"""One simulated world: twins of every port, workers that hold the real application, and a gate before each call."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from shared.adapters.memory.hook_caller import MemoryHookCaller
from shared.adapters.memory.notifier import MemoryNotifier
from shared.adapters.memory.open_markers import MemoryOpenMarkers
from shared.adapters.memory.rollout_store import MemoryRolloutStore
from shared.adapters.memory.view_index import MemoryViewIndex
from shared.adapters.sqlite.alert_queue import SqliteAlertQueue
from shared.adapters.sqlite.command_queue import SqliteCommandQueue
from shared.application.access import Access
from shared.bootstrap import App, Keeping, Outside, build
from shared.domain.names import application_key
from shared.domain.rollout.measuring import ObservationsSource, Source
from shared.domain.rollout.spec import Place, Spec, Target
from shared.domain.rollout.weight import Weight
from tests.simulation.protocol.broker import MemoryBroker
from tests.simulation.protocol.encoding import as_values, each_read_once
from tests.simulation.protocol.faults import LANDS_WITHIN, UNANSWERED
from tests.simulation.protocol.faulty import Faulty
from tests.simulation.protocol.laws_of_flags import FlagBooks
from tests.simulation.protocol.laws_of_pushes import PushBooks
from tests.simulation.protocol.ports import Gated
from tests.simulation.protocol.pushed import MemoryObservations
from tests.simulation.protocol.recipes import spec_of
from tests.simulation.protocol.schedule import Schedule
from tests.simulation.protocol.senders import Senders
from tests.simulation.protocol.simulated_flags import SimulatedFlags
from tests.simulation.protocol.simulated_sites import SimulatedSites
from tests.simulation.protocol.tasks import Task, Tasks
from tests.simulation.protocol.trace import Trace
from tests.simulation.protocol.watch import FLAG, Watch

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMMANDS, ALERTS = "slipway-commands", "slipway-alerts"
LOCK = timedelta(seconds=30)
TESTERS = Weight(3_000)
"""The share of users who bear a mark, or whom testers' cookies keep at the candidate's place."""
NOBODY = -1
"""The worker that is none: nothing goes wrong with its calls, and no turn changes there."""
CALLS_AT_MOST = 10_000
"""A schedule needs some hundred to some thousand port calls: what needs more goes round in circles."""


class SkewedClock:
    """A worker's own clock."""

    def __init__(self, now: Callable[[], datetime], skew: float) -> None:
        self._now = now
        self._skew = timedelta(seconds=skew)

    def now(self) -> datetime:
        return self._now() + self._skew


@dataclass(frozen=True, slots=True)
class Store:
    """The twins of everything that is kept, which outlive every worker."""

    rollouts: MemoryRolloutStore
    markers: MemoryOpenMarkers
    index: MemoryViewIndex
    broker: MemoryBroker


class World:
    """Runs one schedule. `watch` holds what was seen, and raises where a law is broken."""

    def __init__(self, schedule: Schedule, *, trace: Trace | None = None) -> None:
        self.schedule = schedule
        self.time = NOON
        self.trace = trace
        self.calls = 0
        self.calls_end = CALLS_AT_MOST
        """Which call is one too many; each time that people have decided there may be as many again."""
        self.deliveries = 0
        self.storming = False
        self.tasks = Tasks(self.now)
        self.specs: list[Spec] = [spec_of(number, recipe) for number, recipe in enumerate(schedule.apps)]
        self.store = Store(
            MemoryRolloutStore(now=self.now, checks_limits=schedule.real_wire),
            MemoryOpenMarkers(),
            MemoryViewIndex(),
            MemoryBroker(now=self.now, lock_duration=LOCK),
        )
        self.store.broker.declare(COMMANDS, sessions=True)
        self.site = SimulatedSites(
            self.now, requests_per_second=20.0, swap_time=timedelta(seconds=40), lag=timedelta(seconds=30)
        )
        self.notifier = MemoryNotifier(self.now)
        self.hooks = MemoryHookCaller(self.now)
        self.flags = SimulatedFlags(self)
        self.site.flags = self.flags
        self.books = FlagBooks(self)
        self.observations = MemoryObservations()
        self.senders = Senders(self, NOON)
        self.pushes = PushBooks(self)
        self.watch = Watch(self)
        self.faulty = Faulty(self)
        self.crashing: int | None = None
        self.later: list[tuple[datetime, Callable[[], None]]] = []
        self.apps: list[App] = []
        self.observer = self._app(NOBODY, 0.0)
        for worker in range(len(schedule.skews)):
            self.apps.append(self._app(worker, schedule.skews[worker]))
        self._turns = 0
        self._latency = timedelta(seconds=schedule.latency)

    def now(self) -> datetime:
        """Return the true time."""
        return self.time

    @property
    def seconds(self) -> float:
        """How long the story has gone on."""
        return (self.time - NOON).total_seconds()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have the application's parts watched, and its documents kept as values where the schedule says so."""
        with ExitStack() as stack:
            stack.enter_context(each_read_once() if self.schedule.real_wire else as_values())
            stack.enter_context(self.watch.watching())
            stack.enter_context(self.flags.without_threads())
            stack.enter_context(self.pushes.watching())
            yield

    def set_up(self) -> None:
        """Version 1 of every application serves everyone; the specs are taken in."""
        for number, spec in enumerate(self.specs):
            for target in spec.targets:
                self.site.deploy(target, Place.PRODUCTION, "1")
                self.site.mark(target, TESTERS)
                if self.schedule.apps[number].strategy == "previewed":
                    self.site.pin(target, TESTERS)
                if not target.kind.swaps:
                    self.site.deploy(target, Place.CANDIDATE, "0")
            self.observer.intake.accept_spec(spec, "team")
            self.watch.key_of_app[application_key(spec.application)] = number
        if self.flags.targets:
            self.flags.set_up(self.observer)
        self.senders.set_up(self.observer.observations)
        self.storming = True

    def put(self, app: int, version: str, *, error_rate: float = 0.0, healthy: bool = True) -> None:
        """CI puts a version into the place that most users are not sent to."""
        for target in self.specs[app].targets:
            place = self.free_place(target)
            self.site.deploy(target, place, version, error_rate=error_rate, healthy=healthy)
            self.watch.put(target, version)

    def free_place(self, target: Target) -> Place:
        """Return the place where a new version does not overwrite what serves most users."""
        turned = not target.kind.swaps and self.site.read_share(target) > 50_000
        return Place.PRODUCTION if turned else Place.CANDIDATE

    def app(self, worker: int) -> App:
        """Return the application as this worker has it in memory."""
        return self.apps[worker % len(self.apps)]

    def next_worker(self) -> int:
        """Return whose turn it is to take something in."""
        self._turns += 1
        return self._turns % len(self.apps)

    def restart(self, worker: int) -> None:
        """The worker loses all that it had in memory, and what it was doing."""
        self.note("crash", f"worker {worker} is gone and begins anew")
        self.tasks.kill_of(worker)
        self.apps[worker] = self._app(worker, self.schedule.skews[worker])

    def gate(self, worker: int, method: str, do: Callable[..., Any], args: Any, options: Any) -> Any:
        """Carry out one call of a port's method: turns may change, time may pass, and it may go wrong."""
        task = self.tasks.current
        if task is None:
            return self.carry_out(None, method, do, args, options)
        self.calls += 1
        if method == "store.commit" and args[0].key.startswith(FLAG):
            method = "flags.commit"  # with faults of its own
            task.flags_tried += 1
        self.time += self._latency
        if self.calls > self.calls_end:
            self.watch.fail("it comes to rest", f"{self.calls} port calls and no end")
        self.tasks.let_land()
        if not self.storming:
            return self.carry_out(task, method, do, args, options)
        if method in UNANSWERED:
            task.lands_by = self.time + timedelta(seconds=LANDS_WITHIN)
        try:
            faults, turns_change = self.faulty.at(self.calls, method)
            if turns_change:
                self.tasks.give_way()
            if faults:
                return self.faulty.meet(task, faults, method, do, args, options)
            return self.carry_out(task, method, do, args, options)
        finally:
            task.lands_by = None

    def carry_out(self, task: Task | None, method: str, do: Callable[..., Any], args: Any, options: Any) -> Any:
        """Do it, and see what came of it."""
        if self.trace is None or task is None:
            result = do(*args, **options)
        else:
            result = self.trace.call(self, task, method, do, args, options)
        seen = self.watch.seen.get(method)
        if seen is not None:
            seen(task, args, options, result)
        return result

    def note(self, what: str, told: str) -> None:
        """Write a line of the trace that is no port call."""
        if self.trace is not None:
            self.trace.line(self.seconds, "", what, told)

    def land(self, seconds: float, do: Callable[[], None]) -> None:
        """Let something happen outside, so many seconds from now."""
        self.later.append((self.time + timedelta(seconds=seconds), do))

    def _app(self, worker: int, skew: float) -> App:
        """Build the app anew on the same twins, as a new worker process does."""

        def gated(inner: Any, name: str) -> Any:
            return Gated(inner, name, worker, self.gate)

        site, store = self.site, self.store
        queue = SqliteCommandQueue(store.broker, COMMANDS)  # type: ignore[arg-type]
        keeping = Keeping(
            store=gated(store.rollouts, "store"),
            markers=gated(store.markers, "markers"),
            index=gated(store.index, "index"),
            letters=gated(self.watch.letters, "letters"),
            observations=gated(self.observations, "observations"),
            snapshots=gated(self.flags.snapshots, "snapshots"),
            usage=gated(self.flags.usage, "usage"),
            queue=gated(queue, "queue"),
            alerts=gated(SqliteAlertQueue(store.broker, ALERTS), "alerts"),  # type: ignore[arg-type]
        )
        metrics = gated(site, "metrics")
        outside = Outside(
            router=gated(site, "router"),
            audience=gated(site, "audience"),
            finder=gated(site, "finder"),
            promoter=gated(site, "promoter"),
            probe=gated(site, "probe"),
            metrics=dict.fromkeys((each for each in get_args(Source) if each is not ObservationsSource), metrics),
            notifier=gated(self.notifier, "notifier"),
            hooks=gated(self.hooks, "hooks"),
            address="https://slipway.example",
        )
        return build(keeping, outside, Access({}, {}), SkewedClock(self.now, skew))
