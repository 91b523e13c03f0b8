"""Senders that push what users met: two of them, each once a window, as long as the world goes on."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.application.observed import ObservationIntake
from shared.domain.analysis.measurement import Sample
from shared.domain.errors import SlipwayError, TryLaterError
from shared.domain.names import Version
from shared.domain.rollout.spec import Place, Spec, Target
from shared.wire.observations import Reported
from tests.simulation.protocol.simulated_flags import BLUE, GREEN
from tests.simulation.protocol.tasks import KilledError, Task

if TYPE_CHECKING:
    from tests.simulation.protocol.world import World

SENDERS = {"a": timedelta(seconds=0.5), "b": timedelta(seconds=3)}
"""How long after its end each sender tells of a window."""
LATE = timedelta(seconds=90)
"""So much later than usual a sender may come: after the window was closed without it."""
WINDOW = timedelta(minutes=1)
HISTORY = 5
"""So many windows are told of before the story begins."""
ATTEMPTS = 6
PAUSE = timedelta(seconds=3)


class Senders:
    """Tells what the simulated sites did, of the applications whose recipe says so."""

    def __init__(self, world: "World", began: datetime) -> None:
        self._world = world
        apps = zip(world.specs, world.schedule.apps, strict=True)
        self._specs: list[Spec] = [spec for spec, recipe in apps if recipe.pushed]
        self._next = dict.fromkeys(SENDERS, began)
        """The start of the window that each tells of next."""
        self._silent: set[str] = set()
        self._late: set[str] = set()
        self._began = began

    def set_up(self, intake: ObservationIntake) -> None:
        """Tell of the time before the story, in which everybody had the first version."""
        for spec in self._specs:
            for back in range(HISTORY, 0, -1):
                start = self._began - back * WINDOW
                for sender in SENDERS:
                    said = [_said(spec, target, sender, start, _names(target, "1"), 600, 0) for target in spec.targets]
                    intake.take(said)

    def change(self, sender: str, how: str) -> None:
        """Let a sender fall silent, or be late, from now on; or be as it was."""
        for names, word in ((self._silent, "silent"), (self._late, "late")):
            names.discard(sender)
            if how == word:
                names.add(sender)

    def repeat(self, sender: str) -> None:
        """Let a sender tell of its last window again, with other numbers."""
        self._send(sender, self._next[sender] - WINDOW, factor=7)

    def be_well(self) -> None:
        """Let all of them tell of every window in time."""
        for sender in SENDERS:
            self.change(sender, "well")

    def times(self) -> list[datetime]:
        """Return when each tells of its next window."""
        return [self._due(sender) for sender in SENDERS] if self._specs else []

    def push(self) -> None:
        """Tell of all that is over by now."""
        for sender in SENDERS if self._specs else ():
            while self._due(sender) <= self._world.time:
                start = self._next[sender]
                self._next[sender] = start + WINDOW
                if sender not in self._silent:
                    self._send(sender, start)

    def _due(self, sender: str) -> datetime:
        late = LATE if sender in self._late else timedelta(0)
        return self._next[sender] + WINDOW + SENDERS[sender] + late

    def _send(self, sender: str, start: datetime, *, factor: int = 1) -> None:
        for spec in self._specs:
            said = [each for target in spec.targets for each in self._saw(spec, target, sender, start, factor)]
            self._ask(sender, said, 1)

    def _saw(self, spec: Spec, target: Target, sender: str, start: datetime, factor: int) -> list[Reported]:
        """Return one sender's half of what users of each version met."""
        met: dict[str, tuple[float, float]] = {}
        for place in Place:
            version = self._world.site.peek(target, place)
            sample = self._world.site.peek_sample(target, place, start, start + WINDOW)
            if version is None or not isinstance(sample, Sample):
                continue
            name = _names(target, version, place)
            requests, failures = met.get(name, (0.0, 0.0))
            half = factor / len(SENDERS)
            met[name] = (requests + sample.requests * half, failures + sample.failures * half)
        return [_said(spec, target, sender, start, name, *counts) for name, counts in met.items()]

    def _ask(self, sender: str, said: list[Reported], attempt: int) -> None:
        world, worker = self._world, self._world.next_worker()
        if not said:
            return

        def on_end(error: BaseException | None) -> None:
            if isinstance(error, TryLaterError | KilledError) and attempt < ATTEMPTS:
                world.land(PAUSE.total_seconds(), lambda: self._ask(sender, said, attempt + 1))
            elif error is not None and not isinstance(error, SlipwayError | KilledError):
                world.watch.fail("nothing surprises", f"push of {sender}: {error!r}")

        def run() -> None:
            world.app(worker).observations.take(said).check()

        name = f"push {sender} {said[0].start:%H:%M}"
        world.tasks.add(Task(name, worker, run, on_end, command="push"))


def _names(target: Target, version: str, place: Place = Place.PRODUCTION) -> str:
    """Return how senders call what a place serves: who gets a variant of a flag knows no version."""
    if not target.kind.is_held:
        return version
    return BLUE if place is Place.PRODUCTION else GREEN


def _said(
    spec: Spec, target: Target, sender: str, start: datetime, version: str, requests: float, failures: float
) -> Reported:
    return Reported(
        place="",
        application=spec.application,
        target=target.name,
        version=Version(version),
        start=start,
        length=WINDOW,
        sender=sender,
        sample=Sample(requests=requests, failures=failures, latency_ms=10.0),
    )
