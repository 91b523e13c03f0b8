"""What is taken from the inbox is done, or refused: it is not only said to have come."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from shared.domain.rollout.commands import Action, Steer
from shared.domain.rollout.phases import Doing, Phase
from shared.domain.rollout.spec import AlertAction
from shared.domain.rollout.state import Application, Rollout
from tests.simulation.model.kept import Kept
from tests.simulation.model.lines import Line, application_in, first, line_of
from tests.simulation.model.wiring import Alarmed, Asked, Request, Told

UNPAUSED = (Doing.SWAPPING, Doing.CLEARING, Doing.RELEASING)
"""A swap that is under way, and what follows it, cannot be paused."""


class Deed(NamedTuple):
    """What a person's command comes to."""

    says: tuple[str, ...]
    """The kinds of events of which one says that it is done."""
    is_so: Callable[[Application], bool]
    """What is so after it."""
    must: Callable[[Application], bool]
    """Where it cannot be refused."""


def _is(phase: Phase) -> Callable[[Application], bool]:
    return lambda state: state.live is not None and state.live.phase is phase


def _never(_state: Application) -> bool:
    return False


def _is_on_its_way(live: Rollout | None) -> bool:
    """Whether a rollout brings the candidate, and nothing takes that back yet."""
    return live is not None and not live.returns and live.phase is not Phase.ROLLING_BACK


def _can_be_aborted(state: Application) -> bool:
    live = state.live
    return live is not None and _is_on_its_way(live) and not live.has_begun_promotion and not live.no_return


def _can_be_paused(state: Application) -> bool:
    live = state.live
    if live is None or live.phase in (Phase.PAUSED, Phase.ROLLING_BACK):
        return False
    return live.doing not in UNPAUSED


DEEDS = {
    Action.ROLLBACK: Deed(("RollbackBegun",), _is(Phase.ROLLING_BACK), lambda state: _is_on_its_way(state.live)),
    Action.ABORT: Deed(("RollbackBegun",), _is(Phase.ROLLING_BACK), _can_be_aborted),
    Action.PAUSE: Deed(("RolloutPaused",), _is(Phase.PAUSED), _can_be_paused),
    Action.RESUME: Deed(("RolloutResumed",), lambda state: not _is(Phase.PAUSED)(state), _is(Phase.PAUSED)),
    Action.SKIP: Deed(("StepEntered", "BakeSkipped"), lambda state: not _is(Phase.PAUSED)(state), _never),
    Action.FREEZE: Deed(
        ("ApplicationFrozen",), lambda state: state.frozen is not None, lambda state: state.frozen is None
    ),
}
"""Of each command that a scenario gives."""


def left_undone(before: Kept, after: Kept, requests: Mapping[str, Request]) -> str | None:
    """Return which command a commit takes from the inbox without doing or refusing it."""
    old, new = application_in(before), application_in(after)
    taken = [entry.command_id for entry in before.inbox if entry not in after.inbox]
    if old is None or new is None or not taken:
        return None
    lines = [line_of(entry) for entry in after.history[len(before.history) :]]
    return first(*(_undone(requests[each], old, new, lines) for each in taken if each in requests))


def _undone(request: Request, old: Application, new: Application, lines: list[Line]) -> str | None:
    match request:
        case Alarmed(fired=True) if old.live is not None and _is_on_its_way(old.live):
            return _undone_alert(request, old.live, new, lines)
        case Asked():
            return _undone_command(request, old, new, lines)
        case Told(command=Steer(back=why)) if why:
            return _undone_return(request, new, lines)
    return None


def _undone_alert(alert: Alarmed, live: Rollout, new: Application, lines: list[Line]) -> str | None:
    """Beyond the point of no return it stops, and a person is called; before it everyone goes back."""
    assert live.spec is None or live.spec.on_alert is AlertAction.ROLLBACK, "no scenario asks for anything else"
    kinds = {line["type"] for line in lines if line.get("rollout") == live.id}
    if live.no_return:
        is_done = _is(Phase.PAUSED)(new)
    else:
        is_done = "RollbackBegun" in kinds and (new.live is None or new.live.phase is Phase.ROLLING_BACK)
    return None if is_done else f"{alert.id} fired while {live.id} was live, and it goes on"


def _undone_command(asked: Asked, old: Application, new: Application, lines: list[Line]) -> str | None:
    deed = DEEDS[asked.action]
    if any(line["type"] == "CommandRefused" and line["command"] == asked.id for line in lines):
        return f"{asked.action} of {asked.id} is refused, and could be done" if deed.must(old) else None
    is_said = any(line["type"] in deed.says and line["by"] == asked.id for line in lines)
    return None if is_said and deed.is_so(new) else f"{asked.action} of {asked.id} is taken in, and not done"


def _undone_return(told: Told, new: Application, lines: list[Line]) -> str | None:
    """Who is to go back does, or is over, or says why not."""
    member = member_in(new, told.command)
    is_refused = any(line["type"] == "NotTakenBack" for line in lines)
    if member is None or member.returns or member.phase is Phase.ROLLING_BACK or is_refused:
        return None
    return f"the release takes {member.id} back by {told.id}, and it goes on"


def member_in(state: Application | None, command: object) -> Rollout | None:
    """Return the rollout that a release speaks of, while it is live or waits its turn."""
    if state is None or not isinstance(command, Steer):
        return None
    told = (each for each in (state.live, state.pending) if each is not None and each.member is not None)
    return next((each for each in told if each.member and each.member.membership == command.membership), None)
