"""The laws of commands: what people and alerts ask for is done in the commit that takes it, or refused on record."""

from typing import TYPE_CHECKING

from shared.domain.rollout import events as e
from shared.domain.rollout.commands import Action
from shared.domain.rollout.spec import AlertAction
from shared.domain.rollout.state import Phase

if TYPE_CHECKING:
    from tests.simulation.protocol.seen import Asked, Step
    from tests.simulation.protocol.watch import Watch

LAW = "a command does what it asks"
BEGINS = (e.DeploymentAccepted, e.DeploymentRefused)
DOES: dict[Action, tuple[type, ...]] = {
    Action.PAUSE: (e.RolloutPaused,),
    Action.RESUME: (e.RolloutResumed,),
    Action.PROMOTE: (e.StepEntered,),
    Action.SKIP: (e.StepEntered, e.BakeSkipped, e.WindowSkipped),
    Action.APPROVE: (e.GateApproved,),
    Action.REJECT: (e.RollbackBegun,),
    Action.ABORT: (e.RollbackBegun, e.RolloutEnded),
    Action.ROLLBACK: (e.RollbackBegun, *BEGINS),
    Action.RETRY: BEGINS,
    Action.FREEZE: (e.ApplicationFrozen,),
    Action.UNFREEZE: (e.ApplicationUnfrozen,),
}
"""What stands in history where the action was done."""


def a_command_does_what_it_asks(watch: "Watch", step: "Step") -> None:
    for entry in step.change.consumed:
        asked = watch.asked.get(entry.command_id)
        if asked is None:
            continue
        if asked.action is not None:
            _override_does(watch, step, asked, entry.command_id)
        if asked.fires:
            _alert_does(watch, step)


def _override_does(watch: "Watch", step: "Step", asked: "Asked", command: str) -> None:
    action = asked.action
    assert action is not None
    refused = any(isinstance(event, e.CommandRefused) and event.command == command for event in step.events)
    if refused:
        return
    if not any(isinstance(event, DOES[action]) and _is_of(event, asked.token) for event in step.events):
        watch.fail(LAW, f"{action} {command}: {_lines(step)}")
    live = step.new.live
    is_paused = live is not None and live.phase is Phase.PAUSED
    pauses_again = any(isinstance(event, e.RolloutPaused) for event in step.events)
    stands = {
        Action.PAUSE: is_paused,
        Action.RESUME: not is_paused or pauses_again,
        Action.FREEZE: step.new.frozen is not None,
        Action.UNFREEZE: step.new.frozen is None,
    }
    if not stands.get(action, True):
        watch.fail(LAW, f"{action} {command} is in history, and nothing came of it: {live and live.phase}")


def _is_of(event: e.Event, by: str) -> bool:
    """Whether it names who asked: two facts of one commit do not stand for each other."""
    ending = getattr(event, "ending", None)
    names = (*(getattr(event, name, "") for name in ("by", "source", "because", "reason")), ending and ending.reason)
    return any(by in str(name or "") for name in names)


def _alert_does(watch: "Watch", step: "Step") -> None:
    """An alert that fires does what the spec of the rollout says, unless it goes back already.

    A promotion that is under way is not paused: what is half done serves nobody.
    """
    live = step.old.live
    if live is None or live.spec is None or live.returns or live.phase is Phase.ROLLING_BACK:
        return
    back = any(isinstance(event, e.RollbackBegun) for event in step.events)
    paused = live.phase is Phase.PAUSED or any(isinstance(event, e.RolloutPaused) for event in step.events)
    if live.spec.on_alert is AlertAction.ROLLBACK and not (back or (live.no_return and paused)):
        watch.fail(LAW, f"an alert did not take {live.id} back: {_lines(step)}")
    if live.spec.on_alert is AlertAction.PAUSE and not paused and live.phase is not Phase.PROMOTING:
        watch.fail(LAW, f"an alert did not pause {live.id}, which is {live.phase}: {_lines(step)}")


def _lines(step: "Step") -> str:
    return ", ".join(type(event).__name__ for event in step.events) or "nothing"
