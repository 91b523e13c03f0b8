"""What the other sides of hooks call back: who may say it, of which call, and the same answer once."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.application import aggregate as aggregates
from shared.application.accept import Intake
from shared.application.access import Access
from shared.application.aggregate import Aggregate
from shared.domain.errors import UnknownError
from shared.domain.names import ApplicationName, CommandId, RolloutId, application_key
from shared.domain.rollout.app_settings import may_sign
from shared.domain.rollout.commands import HookReport
from shared.domain.rollout.hooks import HookState, HookStatus, Webhook
from shared.domain.rollout.spec import Hook, Spec
from shared.ports.clock import Clock
from shared.ports.rollout_store import RolloutArchive, RolloutStore
from shared.wire.documents import read_rollout
from shared.wire.hook_signature import has_signature, is_signed
from shared.wire.identities import identity

HOOKS = "hooks"
"""The source whose key is good for the hooks of all applications; `hooks/{application}` is one application's."""


class UnknownCallError(UnknownError):
    """No rollout of the application has such a hook (HTTP 404)."""


@dataclass(frozen=True, slots=True)
class HookReports:
    """The door for answers. Every method raises `TryLaterError` when the store is unwell: nothing was accepted."""

    intake: Intake
    access: Access
    store: RolloutStore
    archive: RolloutArchive
    clock: Clock
    secret_of: Callable[[str], str | None]
    """Returns the value of an app setting, or None where there is none."""

    def caller(
        self, application: ApplicationName | None, call_id: str | None, headers: Mapping[str, str], body: bytes
    ) -> str | None:
        """Return who calls back, or None for nobody who may.

        An operator may always. Where a webhook's calls are signed, else only who signs with the same key may; for
        all other calls a key of the source `hooks/{application}` or `hooks` is good. To who has neither key nor
        signature nothing is told, and nothing is read for it.
        """
        operator = self.access.operator(headers)
        if operator is not None or application is None:
            return operator
        key_of = self._source(application, headers)
        if call_id is None or (key_of is None and not has_signature(headers)):
            return key_of
        hook = self._hook(self._load(application), call_id)
        setting = hook.call.secret_setting if hook is not None and isinstance(hook.call, Webhook) else None
        if setting is None:
            return key_of
        secret = (self.secret_of(setting) if may_sign(setting) else None) or ""
        return hook.name if hook and is_signed(headers, secret, call_id, body, self.clock.now()) else None

    def take(
        self, application: ApplicationName, call_id: str, status: HookStatus, body: bytes, named: CommandId | None
    ) -> None:
        """Store the answer. The same one again is the same: by the name that its sender gave it, else by its body.

        Raises `UnknownApplicationError`, `UnknownCallError`, and `RejectedError` when the call is over.
        """
        current = self._load(application)
        if current.application.spec is not None and self._hook(current, call_id) is None:
            raise UnknownCallError(f"{application} has made no call {call_id}: post to the callback that a call names")
        report_id = named or self._identity(current, application, call_id, status, body)
        self.intake.accept_hook_report(application, HookReport(id=report_id, call_id=call_id, status=status))

    def _source(self, application: ApplicationName, headers: Mapping[str, str]) -> str | None:
        own = self.access.source(f"{HOOKS}/{application}", headers, None)
        return own or self.access.source(HOOKS, headers, None)

    def _load(self, application: ApplicationName) -> Aggregate:
        return aggregates.load(self.store, application_key(application))

    def _hook(self, current: Aggregate, call_id: str) -> Hook | None:
        """Return the hook that a call is of, also when the call is over; None when no rollout here has such a hook."""
        run = current.application.call(call_id)
        if run is not None:
            return run.hook
        rollout_id, _, name = _parts(call_id)
        spec = self._spec(current, RolloutId(rollout_id)) if rollout_id else None
        return next((hook for hook in spec.hooks if hook.name == name), None) if spec is not None else None

    def _spec(self, current: Aggregate, rollout_id: RolloutId) -> Spec | None:
        state = current.application
        kept = (state.live, *state.over)
        found = next((rollout for rollout in kept if rollout is not None and rollout.id == rollout_id), None)
        if found is None:
            document = self.archive.record(current.key, rollout_id)
            found = read_rollout(document) if document else None
        return found.spec if found is not None else None

    def _identity(
        self, current: Aggregate, application: ApplicationName, call_id: str, status: HookStatus, body: bytes
    ) -> CommandId:
        """Name an answer by its body. A hook that a person had called again may come to the same a second time."""
        plain = identity("hook report", application, call_id, hashlib.sha256(body).hexdigest())
        run = current.application.call(call_id)
        is_open = run is not None and not run.is_over and status.state is not HookState.RUNNING
        waits = any(entry.command_id == plain for entry in current.inbox)
        if run is None or not is_open or waits or self.archive.answer(current.key, plain) is None:
            return plain
        return identity("hook report", application, call_id, plain, run.since.isoformat())


def _parts(call_id: str) -> tuple[str, str, str]:
    """Return the rollout, the step and the hook that a call's id is made of; empty texts where it is none of ours."""
    before, _, hook = call_id.rpartition(".")
    rollout, _, step = before.rpartition(".")
    return (rollout, step, hook) if step.isascii() and step.isdigit() else ("", "", "")
