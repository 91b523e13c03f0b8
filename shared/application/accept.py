"""Taking in facts: stored before anybody is told that they were accepted, once for each identity."""

import hashlib
from dataclasses import dataclass, replace

from shared.application import aggregate as aggregates
from shared.application.aggregate import Aggregate
from shared.application.claims import Claims, using
from shared.application.door import MARKER_GRACE, Door
from shared.application.publish import RESOURCES
from shared.domain.errors import RejectedError, TryLaterError, UnknownError, VersionConflictError
from shared.domain.names import ApplicationName, CommandId, RolloutId, Version, application_key
from shared.domain.rollout.calendar import ReleaseWindow
from shared.domain.rollout.commands import Accepted, AcceptSpec, Action, Alert, Deploy, HookReport, Override
from shared.domain.rollout.decide import decide
from shared.domain.rollout.permissions import admission_refusal, begins_rollout, bringing, deployment_refusal, refusal
from shared.domain.rollout.spec import Spec
from shared.domain.rollout.state import Application
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue
from shared.ports.open_markers import OpenMarkers
from shared.ports.rollout_store import RolloutArchive, RolloutStore
from shared.ports.view_index import ViewIndex
from shared.wire.documents import Answer, read_answer, write_accepted, write_answer
from shared.wire.resources import normal_resource, resource_group

CONFLICTS_AT_MOST = 10
MATCHES_AT_MOST = 100
WAITING_AT_MOST = 20
"""Facts that may wait to be decided before a deployment is asked to come back: a load holds the oldest 20."""

NO_ROLLOUT = Answer(rollout=None, version=None, new=False)


class UnknownApplicationError(UnknownError):
    """Nobody registered an application of this name (HTTP 404)."""


@dataclass(frozen=True, slots=True)
class AcceptedDeployment:
    """What a deployment came to: `is_new` False says that `rollout` brings, or brought, that version already."""

    rollout: RolloutId
    is_new: bool


@dataclass(frozen=True, slots=True)
class AlertMatch:
    """The applications that an alert was handed to, or why there was none."""

    applications: tuple[ApplicationName, ...]
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Intake:
    """The only door for facts. Every method raises `TryLaterError` when the store is unwell: nothing was accepted."""

    store: RolloutStore
    archive: RolloutArchive
    markers: OpenMarkers
    index: ViewIndex
    queue: CommandQueue
    clock: Clock
    house: tuple[ReleaseWindow, ...] = ()
    """The release windows of all applications."""

    def accept_spec(self, spec: Spec, by: str) -> bool:
        """Store the spec, in force from the next rollout on; return whether the application is new.

        Raises `RejectedError`, naming the field, where a target of it is another application's.
        """
        key = application_key(spec.application)
        self.markers.open(key, self.clock.now() + MARKER_GRACE)
        for _ in range(CONFLICTS_AT_MOST):
            current = aggregates.load(self.store, key)
            self._claims.take(current.application, spec)
            if current.application.spec == spec:
                return False
            left = self._claims.dropped(current.application, spec)
            now = self.clock.now()
            decision = decide(current.application, AcceptSpec(spec=spec, by=by), now=now, house=self.house)
            try:
                aggregates.commit(self.store, current, decision, alarms=current.envelope.alarms, now=now)
            except VersionConflictError:
                continue
            self._claims.give_back(left)
            self._wake(key)
            return current.application.spec is None
        raise TryLaterError("the application is changing too fast to take its spec now", after_seconds=1)

    def accept_deployment(
        self, application: ApplicationName, version: Version, command_id: CommandId, source: str
    ) -> AcceptedDeployment:
        """Store the deployment; the rollout can be read at once.

        Raises `UnknownApplicationError`, and `RejectedError` when the spec says to reject it.
        """
        current = self._known(application)
        before = self.archive.answer(current.key, command_id)
        if before is not None:
            self._wake(current.key)
            return _accepted_as(read_answer(before), version)
        brought_by = bringing(current.application, version)
        if brought_by is not None:
            known = Answer(rollout=brought_by, version=version, new=False)
            receipt = self.store.accept(current.key, command_id, write_answer(known), None)
            return _accepted_as(read_answer(receipt.answer), version)
        refused = deployment_refusal(current.application, version)
        if refused is not None:
            raise RejectedError(refused)
        if len(current.inbox) >= WAITING_AT_MOST:
            raise TryLaterError(f"{len(current.inbox)} facts wait to be decided for {application}", after_seconds=5)
        rollout = rollout_id(application, command_id)
        deploy = Deploy(id=command_id, rollout=rollout, version=version, source=source)
        answer = self._accept(current.key, deploy, Answer(rollout=rollout, version=version, new=True))
        return _accepted_as(answer, version)

    def accept_override(
        self,
        application: ApplicationName,
        action: Action,
        *,
        reason: str,
        by: str,
        command_id: CommandId,
        step: int | None = None,
    ) -> RolloutId | None:
        """Store a person's command; return the rollout that it is about.

        Raises `RejectedError` when, on a fresh load, it cannot be done.
        """
        current = self._known(application)
        before = self.archive.answer(current.key, command_id)
        if before is not None:
            self._wake(current.key)
            return read_answer(before).rollout
        state = current.application
        why_not = refusal(state, action, step)
        if why_not is not None:
            raise RejectedError(f"{action} is not possible: {why_not}")
        new = rollout_id(application, command_id)
        override = Override(id=command_id, action=action, reason=reason, by=by, rollout=new, step=step)
        override = replace(override, begins=begins_rollout(state, override))
        live = state.live or state.pending
        about = override.rollout if override.begins else live.id if live else None
        return self._accept(current.key, override, Answer(rollout=about, version=None, new=override.begins)).rollout

    def accept_alert(self, alert: Alert, resources: tuple[str, ...]) -> AlertMatch:
        """Store the alert with each application that one of its resources belongs to."""
        matches: list[ApplicationName] = []
        for resource in resources:
            for name in self._owners(resource):
                current = aggregates.load(self.store, application_key(name))
                if name not in matches and _is_about(current.application, resource):
                    self._accept(current.key, alert, NO_ROLLOUT)
                    matches.append(name)
        if not resources:
            return AlertMatch((), "the alert names no resource")
        named = ", ".join(resources)
        nobody = f"no application has a target on {named}, or names it in alerts.resources"
        return AlertMatch(tuple(matches), "" if matches else nobody[:500])

    def accept_alert_for(self, application: ApplicationName, alert: Alert) -> None:
        """Store the alert with this application. Raises `UnknownApplicationError`."""
        self._accept(self._known(application).key, alert, NO_ROLLOUT)

    def accept_hook_report(self, application: ApplicationName, report: HookReport) -> None:
        """Store what the other side of a hook called back.

        Raises `UnknownApplicationError`, and `RejectedError` when no such call is under way.
        """
        current = self._known(application)
        if self.archive.answer(current.key, report.id) is not None:
            self._wake(current.key)
            return
        run = current.application.call(report.call_id)
        if run is None or run.is_over:
            raise RejectedError(f"no call {report.call_id} is under way: it is over, or was never made")
        self._accept(current.key, report, Answer(rollout=run.rollout, version=None, new=False))

    def admission(self, application: ApplicationName, version: Version | None = None) -> str | None:
        """Say why CI should wait before it overwrites the candidate's place (with `version`), or None when it may."""
        return admission_refusal(self._known(application).application, version)

    def _known(self, application: ApplicationName) -> Aggregate:
        current = aggregates.load(self.store, application_key(application))
        if current.application.spec is None:
            raise UnknownApplicationError(f"there is no application {application}: PUT its release spec first")
        return current

    def _owners(self, resource: str) -> tuple[ApplicationName, ...]:
        page = self.index.page(RESOURCES, resource_group(resource), after=None, limit=MATCHES_AT_MOST)
        return tuple(ApplicationName(row.key) for row in page.rows)

    def _accept(self, key: str, command: Accepted, answer: Answer) -> Answer:
        """Store the fact and wake the application; return what was answered first."""
        receipt = self._door.accept(key, command.id, write_accepted(command), write_answer(answer))
        return read_answer(receipt.answer)

    def _wake(self, key: str) -> None:
        self._door.wake(key)

    @property
    def _claims(self) -> Claims:
        return Claims(self.store, self.index, self.clock)

    @property
    def _door(self) -> Door:
        return Door(self.store, self.markers, self.queue, self.clock)


def _is_about(state: Application, resource: str) -> bool:
    """Whether an alert about this resource is about the application."""
    specs = (state.spec, state.live.spec if state.live else None)
    named = {normal_resource(each) for spec in specs if spec is not None for each in spec.alert_resources}
    return using(state, resource) is not None or normal_resource(resource) in named


def rollout_id(application: ApplicationName, command_id: CommandId) -> RolloutId:
    """Return the id of the rollout that a command asks for: the same command names the same rollout."""
    digest = hashlib.sha256(f"{application}\n{command_id}".encode()).hexdigest()
    return RolloutId(f"{application}-{digest[:12]}")


def _accepted_as(answer: Answer, version: Version) -> AcceptedDeployment:
    """An identity stands for one request: refuse another one that comes under it."""
    if answer.rollout is None or answer.version != version:
        raise RejectedError(f"this event id or Idempotency-Key was used for version {answer.version}, not {version}")
    return AcceptedDeployment(answer.rollout, is_new=answer.new)
