"""Calling the hooks of a release: at least once, always under the same id, and never a second time by guess."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from shared.domain.rollout.hooks import HookCall, HookStatus


@dataclass(frozen=True, slots=True)
class HookStarted:
    """A call that the other side has taken, or of which nobody can tell whether it has (`UNKNOWN`)."""

    token: str
    """What `look` finds the call by. It may hold a key of the other side's: keep it, and show it to nobody."""
    status: HookStatus


class HookCaller(Protocol):
    """Makes the calls and looks at them. No method takes longer than 20 seconds.

    Errors: `RejectedError` when it was refused for good and nothing was begun, `UnansweredError` when it may have been
    begun, any other `TryLaterError` when this attempt began nothing. Once in doubt, a call stays so until `call`
    returns or a person decides: a later attempt that began nothing says nothing of the one before.
    """

    def call(
        self, hook: HookCall, call_id: str, body: Mapping[str, Any], *, in_doubt_since: datetime | None = None
    ) -> HookStarted:
        """Make the call, or find the one that was made. Safe to repeat for the same id.

        `call_id` is letters, digits, `.`, `_` and `-`, at most 128 of them. `body` says what the call is about:
        `rollout`, `application`, `version`, `step`, `stage`, `hook` and `callback` (the address that takes the answer).
        `in_doubt_since` is when the first attempt began of which it is not known whether it reached the other side,
        and None where no attempt can have, or where a person has said that none did. An attempt counts from the
        moment it was written down as begun, so that one whose worker died is in doubt too. In doubt, a side that knows
        no ids is only looked at: `UnansweredError` while the earlier call may still come to light, then `UNKNOWN`.
        """
        ...

    def look(self, hook: HookCall, token: str, call_id: str) -> HookStatus:
        """Return how the call stands. Errors as above; one that cannot be found any more is `UNKNOWN`."""
        ...
