"""Calls that change something: begun in time, and told apart when nobody heard what became of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from shared.domain.errors import RejectedError, SlipwayError, TryLaterError, UnansweredError
from shared.domain.rollout.commands import EffectFailed
from shared.domain.rollout.state import OpenEffect

BEGIN_WITHIN = timedelta(seconds=12)
"""A call that would begin later than this after its row was begun could land after `CALL_LIMIT`: it is not made."""


def begin_in_time(row: OpenEffect, now: datetime) -> None:
    """Raise `TryLaterError` where a call that begins now could land after everybody believes that it cannot."""
    if row.begun is None or now - row.begun > BEGIN_WITHIN:
        raise TryLaterError("the look before the call took too long: looking again")


class _InDoubtError(TryLaterError):
    """A call that changes something got no answer."""


@contextmanager
def call_that_may_land() -> Iterator[None]:
    """Tell a change that got no answer from a look that got none: only the change may still happen."""
    try:
        yield
    except UnansweredError as error:
        raise _InDoubtError(str(error), after_seconds=error.after_seconds) from error


def failure(row: OpenEffect, error: SlipwayError) -> EffectFailed:
    """Return the error as the outcome of the effect: for now or for good, and whether its call may still land."""
    return EffectFailed(
        row.id,
        str(error),
        error.after_seconds if isinstance(error, TryLaterError) else None,
        for_good=isinstance(error, RejectedError),
        in_doubt=isinstance(error, _InDoubtError),
    )
