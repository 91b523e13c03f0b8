"""A call that got no answer, at a side that knows no ids: it is looked for, and never made again by guess.

What a call began may come to light late: the other side may still be working on it, and its lists lag.
"""

import socket
import ssl
from datetime import datetime, timedelta
from typing import Final

from shared.domain.errors import RejectedError, TryLaterError, UnansweredError
from shared.domain.rollout.hooks import HookState, HookStatus

SEEN_WITHIN: Final = timedelta(minutes=3)
"""What is not to be seen this long after the call is not waited for: a person must say whether it ran."""
LOOK_AGAIN_SECONDS: Final = 10.0
_SINCE: Final = "since:"


def unanswered(what: str, error: TryLaterError) -> TryLaterError:
    """Return the error for a call that got no answer: only where no server was reached did it surely begin nothing."""
    not_reached = isinstance(error.__cause__, ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError)
    kind = TryLaterError if not_reached else UnansweredError
    return kind(f"{what}: {error}", after_seconds=error.after_seconds)


def not_to_be_seen(what: str, call_id: str, since: datetime, now: datetime) -> HookStatus:
    """Return that a person must decide. Raises `UnansweredError` while the call may still come to light."""
    if now < since + SEEN_WITHIN:
        raise UnansweredError(
            f"{what}: an earlier call got no answer, and what it began is not to be seen yet: looking again",
            after_seconds=LOOK_AGAIN_SECONDS,
        )
    return unknown(f"{what}: an earlier call got no answer, and nothing with the id {call_id} is to be seen there")


def unknown(why: str) -> HookStatus:
    """Return that it cannot be found out whether a call ran."""
    return HookStatus(HookState.UNKNOWN, f"{why}. Look there, then say whether it ran")


def token_since(taken: datetime) -> str:
    """Return the token of a call that was taken then, and of which nothing else is known."""
    return f"{_SINCE}{taken.isoformat(timespec='seconds')}"


def since_in(token: str) -> datetime | None:
    """Return when the call of such a token was taken; None for another kind of token. Raises `RejectedError`."""
    if not token.startswith(_SINCE):
        return None
    try:
        taken = datetime.fromisoformat(token.removeprefix(_SINCE))
    except ValueError as error:
        raise RejectedError("not the token of a hook's call") from error
    if taken.tzinfo is None:
        raise RejectedError("not the token of a hook's call")
    return taken


def taken_but_unseen(what: str, call_id: str, taken: datetime, now: datetime) -> HookStatus:
    """Return how a call stands that was taken, and of which nothing is to be seen."""
    if now < taken + SEEN_WITHIN:
        return HookStatus(HookState.RUNNING, f"{what}: taken, and not to be seen yet")
    return unknown(f"{what}: the call was taken, and nothing with the id {call_id} is to be seen there")
