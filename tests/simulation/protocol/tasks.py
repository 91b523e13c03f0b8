"""Tasks that take turns: each is a greenlet that goes on until a port call hands the turn to another one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from greenlet import getcurrent, greenlet

from shared.adapters.sqlite.deliveries import Delivery
from tests.scenario.kills import KilledError

__all__ = ["KilledError", "Task", "Tasks"]


@dataclass(slots=True, eq=False)
class Task:
    """One call of a function of one worker's: a message, a request, a timer."""

    name: str
    worker: int
    run: Callable[[], None]
    on_end: Callable[[BaseException | None], None]
    """Told how it ended: None, an error, or that its worker was killed."""
    delivery: Delivery | None = None
    wakes: datetime | None = None
    """Until when it is stalled."""
    frozen: bool = False
    """Whether its host does nothing for it either meanwhile: its lock is not renewed."""
    lands_by: datetime | None = None
    """When the call that it is about to make must have landed, whatever the call meets and whoever has a turn."""
    killed: bool = False
    over: bool = False
    command: str = ""
    """What it decided last, for the coverage."""
    decided: Any = None
    phase: str = ""
    performing_since: datetime | None = None
    """When it began to perform the outbox row that it performs, or performed last."""
    flags_tried: int = 0
    """How often it has tried to write a flag since."""
    began: set[str] = field(default_factory=set)
    """The outbox rows that it has begun."""
    performed: dict[str, Any] = field(default_factory=dict)
    """What came of the outbox rows that it performed, by their ids."""
    _greenlet: greenlet | None = None

    def switch(self) -> None:
        """Go on until the task gives the turn back, or ends."""
        if self._greenlet is None:
            self._greenlet = _IDLE.pop() if _IDLE else greenlet(_one_after_another)
            self._greenlet.switch(self._body)
        else:
            self._greenlet.switch()

    def kill(self) -> None:
        """End it where it stands, as `kill -9` does. One that is having its turn ends at its next port call."""
        self.killed = True
        if self.over or self._greenlet is getcurrent():
            return
        if self._greenlet is None:
            self.over = True
            self.on_end(KilledError(self.name))
        else:
            self._greenlet.throw(KilledError(self.name))

    def _body(self) -> None:
        ended: BaseException | None = None
        try:
            self.run()
        except (Exception, KilledError) as error:  # noqa: BLE001 - the world judges what may come out of a function
            ended = error
        self.over = True
        self.on_end(ended)


_IDLE: list[greenlet] = []
"""Greenlets whose task is over. To go on in one costs a tenth of making one, which takes memory of its own."""


def _one_after_another(body: Callable[[], None] | None) -> None:
    """Carry out the task, then whichever is given next."""
    own = getcurrent()
    while body is not None:
        body()
        body = None  # an idle greenlet keeps no world alive
        _IDLE.append(own)
        assert own.parent is not None
        body = own.parent.switch()


class Tasks:
    """The tasks that are ready, in the order of their turns, and those that are stalled."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.current: Task | None = None
        self.ready: list[Task] = []
        self.stalled: list[Task] = []
        self._now = now

    @property
    def alive(self) -> tuple[Task, ...]:
        """Every task that has not ended."""
        current = (self.current,) if self.current is not None else ()
        return (*current, *self.ready, *self.stalled)

    def add(self, task: Task) -> None:
        """Let it have a turn."""
        self.ready.append(task)

    def give_way(self) -> None:
        """Hand the turn of the current task over, if another one is ready; it goes on after those."""
        task = self.current
        assert task is not None
        self._hand_back(task, self.ready)

    def let_land(self) -> None:
        """Let those go first whose calls must have landed by now: no turns of others make a call take longer."""
        now = self._now()
        while True:
            late = next((task for task in (*self.ready, *self.stalled) if task.lands_by and task.lands_by <= now), None)
            if late is None:
                return
            where = self.ready if late in self.ready else self.stalled
            where.remove(late)
            current = self.current
            assert current is not None
            self.ready.insert(0, late)
            self.ready.insert(1, current)
            self._give_turn_back(current)

    def stall(self, until: datetime, *, frozen: bool = False) -> None:
        """Let the current task stand still until then."""
        task = self.current
        assert task is not None
        task.wakes, task.frozen = until, frozen
        self._hand_back(task, self.stalled)
        task.frozen = False

    def turn(self) -> bool:
        """Let the next task that is ready have its turn; False when there is none."""
        self.wake()
        if not self.ready:
            return False
        self.current = task = self.ready.pop(0)
        task.switch()
        self.current = None
        return True

    def wake(self) -> None:
        """Make ready what has been stalled for long enough, in the order of their times."""
        if not self.stalled:
            return
        now = self._now()
        woken = sorted((task for task in self.stalled if task.wakes and task.wakes <= now), key=_by_time)
        for task in woken:
            self.stalled.remove(task)
            self.ready.append(task)

    def kill_of(self, worker: int) -> None:
        """End every task of a worker's."""
        doomed = [task for task in self.alive if task.worker == worker]
        self.ready = [task for task in self.ready if task.worker != worker]
        self.stalled = [task for task in self.stalled if task.worker != worker]
        for task in doomed:
            task.kill()

    def _hand_back(self, task: Task, where: list[Task]) -> None:
        where.append(task)
        self._give_turn_back(task)

    def _give_turn_back(self, task: Task) -> None:
        parent = getcurrent().parent
        assert parent is not None
        parent.switch()
        self.current = task


def _by_time(task: Task) -> datetime:
    assert task.wakes is not None
    return task.wakes
