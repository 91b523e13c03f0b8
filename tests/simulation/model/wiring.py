"""The real use cases on the model's ports, and what workers do with them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, get_args

from shared.application.access import Access
from shared.application.door import Door
from shared.bootstrap import App, Keeping, Outside, build
from shared.domain.names import ApplicationName, CommandId, Version, application_key
from shared.domain.rollout.commands import Action, Alert, Deploy, Steer
from shared.domain.rollout.measuring import Source
from shared.domain.wake_up import WakeUp
from shared.wire.documents import Answer, write_accepted, write_answer
from shared.wire.spec import parse_spec
from tests.simulation.model.workers import Port, WorkersClock

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAME = ApplicationName("shop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """CI says that it deployed a version."""

    version: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A person's command. Each is by a person of its own, so that history says whose it was."""

    action: Action
    id: str
    step: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarmed:
    """An alert about the application fired, or was resolved."""

    id: str
    fired: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A release of several applications commands its member."""

    command: Deploy | Steer

    @property
    def id(self) -> str:
        """The command's id."""
        return self.command.id


Request = Deployed | Asked | Alarmed | Told


class Handled(NamedTuple):
    """A delivery of a wake-up."""

    wake_up: WakeUp
    redelivered: bool


class Swept(NamedTuple):
    """One run of the sweep."""


class Registered(NamedTuple):
    """The release spec is registered, before anything else."""

    spec: str


Job = Handled | Swept | Registered | Request


def build_app() -> App:
    """Wire the use cases to ports whose calls the search answers."""
    store, site = Port("store"), Port("site")
    keeping = Keeping(
        store=store,
        markers=Port("markers"),
        index=Port("index"),
        letters=Port("letters"),
        observations=Port("observations"),
        snapshots=Port("snapshots"),
        usage=Port("usage"),
        queue=Port("queue"),
        alerts=Port("alerts"),
    )
    outside = Outside(
        router=site,
        audience=site,
        finder=site,
        promoter=site,
        probe=site,
        metrics=dict.fromkeys(get_args(Source), site),
        notifier=Port("notifier"),
        hooks=Port("hooks"),
    )
    return build(keeping, outside, Access({}, {}), WorkersClock())


def work(app: App) -> Callable[[Job], Callable[[], Any]]:
    """Return what makes a job's code."""

    def code(job: Job) -> Callable[[], Any]:
        return lambda: _do(app, job)

    return code


def _do(app: App, job: Job) -> Any:
    match job:
        case Handled(wake_up, redelivered):
            return app.wake_ups.handle(wake_up, redelivered=redelivered)
        case Swept():
            return app.sweep.run()
        case Registered(spec):
            return app.intake.accept_spec(parse_spec(spec.encode(), "application/yaml"), "team")
        case Deployed():
            return app.intake.accept_deployment(NAME, Version(job.version), CommandId(job.id), "ci")
        case Asked():
            return app.intake.accept_override(
                NAME, job.action, reason="as agreed", by=job.id, command_id=CommandId(job.id), step=job.step
            )
        case Told(command=command):
            answer = write_answer(Answer(rollout=None, version=None, new=False))
            door = Door(Port("store"), Port("markers"), Port("queue"), WorkersClock())
            return door.accept(application_key(NAME), command.id, write_accepted(command), answer)
        case Alarmed():
            alert = Alert(
                id=CommandId(job.id),
                fired=job.fired,
                rule=job.id,
                severity="Sev1",
                resource="/sites/shop",
                description="",
                at=NOON,
            )
            return app.intake.accept_alert_for(NAME, alert)
