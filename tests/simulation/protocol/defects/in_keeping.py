"""Mistakes where things are kept and sent: the store, the inbox, markers and messages."""

import uuid
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared.adapters.memory.rollout_store import MemoryRolloutStore
from shared.adapters.sqlite.command_queue import SqliteCommandQueue
from shared.application import accept, aggregate
from shared.application.accept import Intake
from shared.application.door import Door
from shared.domain.errors import TryLaterError, VersionConflictError
from shared.domain.names import CommandId
from shared.ports.rollout_store import Change, InboxEntry, Loaded, Receipt
from shared.wire.wake_ups import encode_wake_up
from tests.simulation.protocol.defects.defect import defect
from tests.simulation.protocol.defects.in_driving import together
from tests.simulation.protocol.patching import replaced

Patched = AbstractContextManager[object]


@defect("forgotten dedupe", "adapters", "a command that comes again is stored again")
def _forgotten_dedupe() -> Patched:
    real = MemoryRolloutStore.accept

    def accept_again(self: MemoryRolloutStore, key: str, command_id: str, answer: str, entry: Any) -> Receipt:
        if entry is not None:
            self._aggregates.get(key) and self._aggregates[key].answers.pop(command_id, None)
        return real(self, key, command_id, answer, entry)

    return replaced(MemoryRolloutStore, "accept", accept_again)


@defect("missing fence", "adapters", "a commit is written over whatever stands there")
def _missing_fence() -> Patched:
    real = MemoryRolloutStore.commit

    def commit(self: MemoryRolloutStore, change: Change) -> str:
        standing = self._aggregates.get(change.key)
        return real(self, replace(change, etag=standing.etag if standing else None))

    return replaced(MemoryRolloutStore, "commit", commit)


@defect("identities forgotten early", "use cases", "deduplication rows are pruned by the next commit")
def _identities_forgotten_early() -> Patched:
    return replaced(aggregate, "REMEMBERED", timedelta(0))


@defect("answered before it was stored", "use cases", "a store that does not answer is taken for one that took it")
def _answered_before_stored() -> Patched:
    real = Door.accept

    def take_in(self: Door, key: str, command_id: str, document: str, answer: str) -> Receipt:
        try:
            return real(self, key, command_id, document, answer)
        except TryLaterError:
            return Receipt(first=True, answer=answer)

    return replaced(Door, "accept", take_in)


@defect("no marker at the door", "use cases", "a fact is stored before its application is marked open")
def _no_marker_at_the_door() -> Patched:
    def take_in(self: Door, key: str, command_id: str, document: str, answer: str) -> Receipt:
        now = self.clock.now()
        receipt = self.store.accept(key, command_id, answer, InboxEntry(command_id, document, now))
        self.markers.open(key, now + timedelta(minutes=5))
        self.wake(key)
        return receipt

    return replaced(Door, "accept", take_in)


@defect("re-sent message id", "adapters", "a wake-up that is sent again has the id of the first one")
def _resent_message_id() -> Patched:
    def send(self: SqliteCommandQueue, wake_up: Any, *, at: Any = None) -> None:
        message_id = f"{wake_up.key} {wake_up.fence}" if wake_up.fence else str(uuid.uuid4())
        body = encode_wake_up(wake_up)
        self._broker.send(self._queue_name, body, message_id=message_id, session_id=wake_up.key, at=at)

    return replaced(SqliteCommandQueue, "send", send)


@defect("a rollout id of its own for each attempt", "use cases", "who asks again at once is told of another rollout")
def _another_rollout_id() -> Patched:
    real_id, real_accept = accept.rollout_id, Intake._accept
    attempts: Counter[str] = Counter()

    def rollout_id(application: Any, command_id: Any) -> Any:
        attempts[command_id] += 1
        again = f" again {attempts[command_id]}" if attempts[command_id] > 1 else ""
        return real_id(application, CommandId(f"{command_id}{again}"))

    def accept_fact(self: Intake, key: str, command: Any, answer: Any) -> Any:
        real_accept(self, key, command, answer)
        return answer

    return together(replaced(accept, "rollout_id", rollout_id), replaced(Intake, "_accept", accept_fact))


@defect("answers not looked up", "use cases", "a request that comes again is judged anew, as if nobody had answered it")
def _answers_not_looked_up() -> Patched:
    def answer(self: MemoryRolloutStore, key: str, command_id: str) -> None:
        """Nobody knows."""

    return replaced(MemoryRolloutStore, "answer", answer)


@defect("conflict's conclusions kept", "use cases", "what was decided on an old state is written on the new one")
def _conclusions_kept() -> Patched:
    real = aggregate.commit

    def commit(store: Any, current: Any, decision: Any, **options: Any) -> Any:
        try:
            return real(store, current, decision, **options)
        except VersionConflictError:
            loaded: Loaded = store.load(current.key)
            inbox = {entry.command_id for entry in loaded.inbox}
            options["consumed"] = tuple(entry for entry in options.get("consumed", ()) if entry.command_id in inbox)
            closed = {entry.id for entry in loaded.outbox}
            kept = replace(decision, closed=tuple(row for row in decision.closed if row in closed))
            return real(store, replace(current, etag=loaded.etag), kept, **options)

    return replaced(aggregate, "commit", commit)


@defect(
    "a history with a hole", "use cases", "a line that is written in the second of two events has its number twice on"
)
def _history_with_a_hole() -> Patched:
    real = aggregate._history

    def history(sequence: int, decision: Any) -> Any:
        entries = list(real(sequence, decision))
        return [replace(entry, sequence=entry.sequence + (at > 0)) for at, entry in enumerate(entries)]

    return replaced(aggregate, "_history", history)
