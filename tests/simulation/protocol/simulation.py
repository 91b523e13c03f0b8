"""The loop of one world: who has a turn, what is delivered, how time passes; the storm, the calm after it, the end."""

from collections.abc import Callable
from datetime import datetime, timedelta

from shared.adapters.sqlite.deliveries import Delivery, LockLostError
from shared.domain.errors import InvalidError, RejectedError, SlipwayError
from shared.wire.wake_ups import parse_wake_up
from tests.simulation.protocol import rest
from tests.simulation.protocol.moves import Moves
from tests.simulation.protocol.schedule import Schedule
from tests.simulation.protocol.tasks import KilledError, Task
from tests.simulation.protocol.trace import Trace
from tests.simulation.protocol.watch import LawBrokenError
from tests.simulation.protocol.world import COMMANDS, NOON, World

SWEEP = timedelta(minutes=1)
RENEWED_BEFORE = timedelta(seconds=10)
"""A host renews a lock so long before it runs out."""
LANES = 2
"""How many messages one worker handles at once."""


class Simulation(World):
    """A world that runs its schedule."""

    def __init__(self, schedule: Schedule, *, trace: Trace | None = None) -> None:
        super().__init__(schedule, trace=trace)
        self.moves = Moves(self)
        timed = (move for move in schedule.moves if move.call is None and not move.before)
        self._timed = [(NOON + timedelta(seconds=move.at), move) for move in sorted(timed, key=lambda move: move.at)]
        self._swept = NOON
        self._sweeping = False
        self._owners = 0

    def run(self) -> None:
        """Run the whole story. Raises `LawBrokenError` where a law does not hold."""
        with self.running():
            self.set_up()
            self._go_on(lambda: False, NOON + timedelta(seconds=self.schedule.storm))
            self.storming = False
            rest.clear_up(self)
            rest.come_to_rest(self)

    def until(self, span: timedelta, done: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass, at most so long, until `done` says so; return whether it did."""
        return self._go_on(done, self.time + span)

    def phase_of(self, key: str) -> str:
        """Return how an application's rollout stands, for the coverage."""
        state = self.watch.state(key)
        rollout = state.live or state.pending if state is not None else None
        return rollout.phase.value if rollout is not None else "no rollout"

    def _go_on(self, done: Callable[[], bool], ends: datetime) -> bool:
        while True:
            self._let_things_happen()
            if self.tasks.turn():
                self._bury()
                continue
            if done():
                return True
            if self.time >= ends:
                return False
            self.time = max(self.time, min(ends, self._next()))

    def _let_things_happen(self) -> None:
        """Begin all that is due now."""
        for at, land in [each for each in self.later if each[0] <= self.time]:
            self.later.remove((at, land))
            land()
        while self._timed and self._timed[0][0] <= self.time:
            self.moves.make(self._timed.pop(0)[1])
        self.senders.push()
        self._renew()
        if self.time >= self._swept + SWEEP:
            self._swept += SWEEP * ((self.time - self._swept) // SWEEP)
            self._sweep()
        self.deliver()

    def deliver(self) -> None:
        """Hand out what is due to the workers that have a lane free."""
        if not self.store.broker.has_due(COMMANDS, in_sessions=self.schedule.sessions):
            return
        for worker in range(len(self.apps)):
            busy = sum(task.worker == worker and task.delivery is not None for task in self.tasks.alive)
            for _ in range(LANES - busy):
                self._owners += 1
                owner = f"{worker}-{self._owners}"
                delivery = self._receive(owner)
                if delivery is None:
                    break
                self._handle(worker, delivery, owner)

    def _receive(self, owner: str) -> Delivery | None:
        broker = self.store.broker
        if not self.schedule.sessions:
            for message in broker.messages(COMMANDS):
                if message.due > self.time:
                    return None
                if message.lock_token is None:
                    return broker.lend(COMMANDS, message)
            return None
        session = broker.accept_next_session(COMMANDS, owner)
        return None if session is None else broker.receive(COMMANDS, session=session, owner=owner)

    def _handle(self, worker: int, delivery: Delivery, owner: str) -> None:
        """Do with a message what the trigger and its host do."""
        self.deliveries += 1
        name = f"w{worker} message {delivery.sequence}.{delivery.delivery_count}"

        def run() -> None:
            app = self.apps[worker]
            try:
                wake_up = parse_wake_up(delivery.body)
            except (InvalidError, RejectedError) as error:
                app.wake_ups.refuse(delivery.body, error)
            else:
                app.wake_ups.handle(wake_up, redelivered=delivery.delivery_count > 1)
            self.gate(worker, "host.complete", self._complete, (delivery,), {})

        def on_end(error: BaseException | None) -> None:
            if isinstance(error, KilledError):
                return  # its locks run out
            if error is not None and not isinstance(error, SlipwayError):
                self.watch.fail("nothing surprises", f"{name}: {error!r}")
            self._settle(delivery, owner, error)

        task = Task(name, worker, run, on_end, delivery=delivery, command="delivery")
        task.phase = self.phase_of(str(delivery.session_id))
        self.tasks.add(task)

    def _complete(self, delivery: Delivery) -> None:
        try:
            self.store.broker.complete(delivery)
        except LockLostError:
            self.note("host", f"message {delivery.sequence} comes again: its lock was lost")

    def _settle(self, delivery: Delivery, owner: str, error: BaseException | None) -> None:
        """Give the message back where it was not handled, and its session in any case."""
        broker = self.store.broker
        if error is not None:
            try:
                broker.abandon(delivery)
            except LockLostError:
                self.note("host", f"message {delivery.sequence} comes again: its lock was lost")
        if delivery.session_id is not None:
            broker.release_session(COMMANDS, delivery.session_id, owner)

    def _sweep(self) -> None:
        """The timer: on some worker, one at a time, and not where it would find nothing."""
        if self._sweeping or not self.store.markers.overdue(self.time + timedelta(seconds=5), limit=1):
            return
        self._sweeping = True
        worker = self.next_worker()

        def on_end(error: BaseException | None) -> None:
            self._sweeping = False
            if error is not None and not isinstance(error, SlipwayError | KilledError):
                self.watch.fail("nothing surprises", f"sweep: {error!r}")

        task = Task("sweep", worker, lambda: void(self.apps[worker].sweep.run()), on_end, command="sweep")
        self.tasks.add(task)

    def _renew(self) -> None:
        """Hosts hold the locks of what they are handling, unless they are frozen."""
        for task in self.tasks.alive:
            delivery = task.delivery
            if delivery is None or task.frozen or delivery.locked_until - self.time > RENEWED_BEFORE:
                continue
            try:
                task.delivery = self.store.broker.renew(delivery)
            except LockLostError:
                continue

    def _bury(self) -> None:
        """End what a worker was doing that has crashed, and begin it anew."""
        if self.crashing is not None:
            worker, self.crashing = self.crashing, None
            self.restart(worker)

    def _next(self) -> datetime:
        """Return when something happens next by itself."""
        times = [self._swept + SWEEP]
        times += [at for at, _ in self.later]
        times += [at for at, _ in self._timed[:1]]
        times += self.senders.times()
        times += [task.wakes for task in self.tasks.stalled if task.wakes is not None]
        held = [task.delivery for task in self.tasks.alive if task.delivery is not None and not task.frozen]
        times += [delivery.locked_until - RENEWED_BEFORE for delivery in held]
        due = self.store.broker.next_event(COMMANDS)
        times += [due] if due is not None else []
        return min(at for at in times if at > self.time)


def void(_: object) -> None:
    """Leave a result alone."""


__all__ = ["LawBrokenError", "Simulation"]
