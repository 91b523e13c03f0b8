"""Hooks in memory: what was called, how it stands, and trouble on order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.adapters.memory.trouble import Trouble
from shared.calls.earlier_call import not_to_be_seen, unknown
from shared.domain.errors import SlipwayError, UnansweredError
from shared.domain.rollout.hooks import HookCall, HookState, HookStatus, Webhook
from shared.ports.hook_caller import HookStarted


@dataclass(frozen=True, slots=True)
class Called:
    """One call as the other side began it."""

    hook: HookCall
    call_id: str
    body: Mapping[str, Any]


class MemoryHookCaller:
    """The `HookCaller` that begins each id once. Kinds that know no ids are only looked at when in doubt."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.called: list[Called] = []
        self.asked: list[str] = []
        """The ids of all calls that arrived, those that were begun already too."""
        self._now = now
        self._at_once = HookStatus(HookState.RUNNING)
        self._statuses: dict[str, HookStatus] = {}
        self._trouble = Trouble(now)

    def answer_at_once(self, status: HookStatus) -> None:
        """Let calls that begin from now on stand so."""
        self._at_once = status

    def finish(self, call_id: str, status: HookStatus) -> None:
        """Let a call that was begun stand so from now on."""
        self._statuses[call_id] = status

    def fail(
        self,
        method: str = "call",
        error: SlipwayError | None = None,
        *,
        times: int | None = None,
        until: datetime | None = None,
        applied: bool = False,
    ) -> None:
        """Let a method raise `error`, which is `UnansweredError` unless said: so many times, or until then or `mend`.

        With `applied` the other side takes the call, and only its answer is lost.
        """
        order = error or UnansweredError("trouble on order")
        self._trouble.fail(method, order, times=times, until=until, applied=applied)

    def mend(self) -> None:
        """End all trouble that `fail` ordered."""
        self._trouble.mend()

    def call(
        self, hook: HookCall, call_id: str, body: Mapping[str, Any], *, in_doubt_since: datetime | None = None
    ) -> HookStarted:
        """Begin the call, unless its id was begun before."""
        with self._trouble.meet("call"):
            self.asked.append(call_id)
            if call_id not in self._statuses:
                if in_doubt_since is not None and not isinstance(hook, Webhook):
                    return HookStarted("", not_to_be_seen("memory", call_id, in_doubt_since, self._now()))
                self.called.append(Called(hook, call_id, dict(body)))
                self._statuses[call_id] = self._at_once
            return HookStarted(f"call:{call_id}", self._statuses[call_id])

    def look(self, hook: HookCall, token: str, call_id: str) -> HookStatus:
        """Return how the call stands."""
        del hook, token
        with self._trouble.meet("look"):
            known = self._statuses.get(call_id)
            return known or unknown(f"memory: nothing with the id {call_id} is to be seen")
