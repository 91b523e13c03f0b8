"""Hooks of every kind behind one port: each call goes to the adapter of the hook's kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.errors import RejectedError
from shared.domain.rollout.hooks import HookCall, HookStatus
from shared.ports.hook_caller import HookCaller, HookStarted


@dataclass(frozen=True, slots=True)
class HooksByKind:
    """The `HookCaller` of all kinds. A kind without an adapter is refused."""

    kinds: Mapping[type[HookCall], HookCaller]

    def call(
        self, hook: HookCall, call_id: str, body: Mapping[str, Any], *, in_doubt_since: datetime | None = None
    ) -> HookStarted:
        """Make the call, or find the one that was made."""
        return self._of(hook).call(hook, call_id, body, in_doubt_since=in_doubt_since)

    def look(self, hook: HookCall, token: str, call_id: str) -> HookStatus:
        """Return how the call stands."""
        return self._of(hook).look(hook, token, call_id)

    def _of(self, hook: HookCall) -> HookCaller:
        found = self.kinds.get(type(hook))
        if found is None:
            raise RejectedError(f"a hook of the kind {type(hook).__name__} cannot be called here")
        return found
