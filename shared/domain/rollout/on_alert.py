"""An alert about one of the application's resources: do what the spec says."""

from shared.domain.rollout.commands import Action, Alert
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.events import AlertReceived, RollbackBegun, RolloutPaused
from shared.domain.rollout.permissions import refusal
from shared.domain.rollout.spec import AlertAction
from shared.domain.rollout.state import Ending, Phase, Rollout
from shared.domain.rollout.steps import pause_beyond_return
from shared.domain.rollout.timing import REMINDER


def decide_alert(draft: Draft, command: Alert) -> None:
    """Record the alert with what is done about it, and do it."""
    live = draft.state.live
    action = _action(live, command)
    draft.record(
        AlertReceived(
            at=draft.now,
            rollout=live.id if live else None,
            rule=command.rule,
            severity=command.severity,
            resource=command.resource,
            fired=command.fired,
            description=command.description,
            effect=_in_words(live, command, action, draft),
            occurred=command.at,
        )
    )
    if live is None:
        return
    reason = f"alert {command.rule} fired" + (f": {command.description}" if command.description else "")
    if action is AlertAction.ROLLBACK and live.no_return:
        pause_beyond_return(draft, live, reason)
    elif action is AlertAction.ROLLBACK and live.phase is not Phase.ROLLING_BACK:
        ending = Ending(phase=Phase.ROLLED_BACK, reason=reason)
        draft.record(RollbackBegun(at=draft.now, rollout=live.id, ending=ending, by="alert"))
    elif action is AlertAction.PAUSE and refusal(draft.state, Action.PAUSE) is None:
        draft.record(
            RolloutPaused(at=draft.now, rollout=live.id, by="alert", reason=reason, remind_at=draft.now + REMINDER)
        )


def _action(live: Rollout | None, command: Alert) -> AlertAction:
    if live is None or live.spec is None or not command.fired or live.returns:
        return AlertAction.NOTE
    return live.spec.on_alert


def _in_words(live: Rollout | None, command: Alert, action: AlertAction, draft: Draft) -> str:
    if live is None:
        return "noted: no rollout is live"
    if not command.fired:
        return "noted: it was resolved"
    if live.phase is Phase.ROLLING_BACK:
        return "noted: the rollout is rolling back already"
    if live.returns:
        return f"noted: the rollout is going back to {live.version} already"
    if action is AlertAction.ROLLBACK and live.no_return:
        return f"paused: hook {live.no_return} has passed the point of no return"
    if action is AlertAction.PAUSE:
        why = refusal(draft.state, Action.PAUSE)
        return f"noted, not paused: {why}" if why else "paused"
    return {AlertAction.ROLLBACK: "rolled back", AlertAction.NOTE: "noted: the spec says so"}[action]
