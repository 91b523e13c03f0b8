"""What a rollout drives was taken from it: it goes back at once, for what it measures from now on says nothing."""

from shared.domain.rollout.commands import TakeBack
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.events import RollbackBegun
from shared.domain.rollout.state import Ending, Phase
from shared.domain.rollout.steps import pause_beyond_return


def take_back(draft: Draft, command: TakeBack) -> None:
    """Go back, if this very rollout is live and forward bound. One that is a way back itself goes on."""
    live = draft.state.live
    if live is None or live.id != command.rollout or live.returns or live.phase is Phase.ROLLING_BACK:
        return
    if live.no_return:
        pause_beyond_return(draft, live, command.reason)
        return
    ending = Ending(phase=Phase.ROLLED_BACK, reason=command.reason)
    draft.record(RollbackBegun(at=draft.now, rollout=live.id, ending=ending, by=command.by, at_once=True))
