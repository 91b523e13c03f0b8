"""Whether the product outside, to which an environment distributes its flags, has the flag as it was decided."""

from datetime import datetime, timedelta

from shared.domain.errors import RejectedError
from shared.domain.flags.managing import events as e
from shared.domain.flags.managing.commands import Distributed, NotDistributed
from shared.domain.flags.managing.draft import FlagDraft
from shared.domain.flags.managing.state import FlagState

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 900.0
"""Between two tries, where the other side did not ask to be left alone for longer."""
LONGEST_ASKED_SECONDS = 3600.0


def ask(draft: FlagDraft) -> None:
    """Open what brings the flag there once more. Raises `RejectedError` where the environment distributes nowhere.

    It is a fact also while an earlier one is open: who is at it now has loaded an older state, and must see that.
    """
    if draft.state.flag is None:
        draft.existing()
    if not draft.distributes:
        raise RejectedError("flags of this environment are distributed nowhere: SLIPWAY_FLAG_DISTRIBUTION says where")
    draft.record(e.DistributionAsked(at=draft.now))


def distributed(draft: FlagDraft, command: Distributed) -> None:
    """Close all that is open: what was brought there is the state that this is decided on."""
    state = draft.state
    draft.record(
        e.FlagDistributed(at=draft.now, revision=state.revision, effects=state.distributing, notes=command.notes)
    )


def failed(draft: FlagDraft, command: NotDistributed) -> None:
    """Keep why, and try again after a pause that grows; what is final closes all that is open."""
    if command.is_final:
        open_rows = draft.state.distributing
        draft.record(e.DistributionFailed(at=draft.now, why=command.why, again=None, effects=open_rows))
        return
    attempts = draft.state.distribution.attempts if draft.state.distribution is not None else 0
    pause = min(FIRST_PAUSE_SECONDS * 2 ** min(attempts, 20), LONGEST_PAUSE_SECONDS)
    asked = min(command.after_seconds or 0.0, LONGEST_ASKED_SECONDS)
    again = draft.now + timedelta(seconds=max(pause, asked))
    draft.record(e.DistributionFailed(at=draft.now, why=command.why, again=again))


def end(draft: FlagDraft) -> None:
    """Forget that the flag was ever brought anywhere else."""
    if draft.state.distributing or draft.state.distribution is not None:
        draft.record(e.DistributionEnded(at=draft.now))


def is_due(state: FlagState, now: datetime) -> bool:
    """Whether the flag is to be brought there now."""
    again = state.distribution.again if state.distribution is not None else None
    return bool(state.distributing) and (again is None or again <= now)
