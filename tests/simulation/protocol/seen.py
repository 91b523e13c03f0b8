"""What is written down of a world, for the laws to look at: commits, facts, levels, windows and ends."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.names import Version
from shared.domain.rollout.commands import Action
from shared.domain.rollout.events import Event
from shared.domain.rollout.state import Application, Phase, Rollout
from shared.ports.rollout_store import Change
from shared.wire.documents import Envelope
from tests.simulation.protocol.tasks import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One commit of an application, as the store took it."""

    key: str
    before: Envelope
    after: Envelope
    events: tuple[Event, ...]
    change: Change
    task: Task | None

    @property
    def old(self) -> Application:
        """The rules' state before it."""
        return self.before.application

    @property
    def new(self) -> Application:
        """The rules' state after it."""
        return self.after.application


@dataclass(slots=True, kw_only=True)
class Asked:
    """One fact that somebody asked to be taken in."""

    key: str
    kind: str
    token: str
    """What only the history of this fact says."""
    accepted: bool = False
    consumed: int = 0
    told: int = 0
    """In how many commits history speaks of it first hand."""
    action: Action | None = None
    """What a person asked for."""
    fires: bool = False
    """Whether it is an alert that fires."""


@dataclass(frozen=True, slots=True)
class Level:
    """What one target was to be, since when."""

    at: datetime
    share: int
    production: Version | None
    """What its production place is to serve, as far as that is known; only where places are swapped."""
    stable: Version | None
    """The version that was there before the rollout."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A window of measurements, as it was read."""

    start: datetime
    requests: float
    failures: float


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a rollout ended that had moved somebody."""

    at: datetime
    rollout: Rollout
    """As it was just before."""
    phase: Phase
