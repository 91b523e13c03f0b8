"""The one entry to the rules: a command on a state, with what was read and the time, comes to a decision."""

from datetime import datetime
from typing import assert_never

from shared.domain.rollout.calendar import ReleaseWindow
from shared.domain.rollout.commands import (
    AcceptSpec,
    Alert,
    ClaimEffect,
    Command,
    Deploy,
    EffectOutcome,
    HookReport,
    Override,
    Steer,
    TakeBack,
    TellOfRelease,
    Tick,
)
from shared.domain.rollout.draft import Decision, Draft
from shared.domain.rollout.events import EffectBegun, SpecAccepted
from shared.domain.rollout.on_alert import decide_alert
from shared.domain.rollout.on_deployment import decide_deployment, start_pending
from shared.domain.rollout.on_effect import decide_outcome
from shared.domain.rollout.on_hook import decide_report
from shared.domain.rollout.on_override import decide_override
from shared.domain.rollout.on_release import decide_steer, tell
from shared.domain.rollout.on_taking_back import take_back
from shared.domain.rollout.on_tick import decide_tick
from shared.domain.rollout.readings import NOTHING_READ, Readings
from shared.domain.rollout.state import Application


def decide(
    state: Application,
    command: Command,
    readings: Readings = NOTHING_READ,
    *,
    now: datetime,
    house: tuple[ReleaseWindow, ...] = (),
) -> Decision:
    """Return what the command comes to. Pure: the same arguments give the same decision.

    `readings` holds what `needs(state, command, now)` asked for, `house` are the release windows of all applications.
    Never raises for a command that makes no sense here: what was accepted and cannot be done becomes a fact
    (`CommandRefused`), what is late becomes nothing.
    """
    draft = Draft(state, now, house)
    match command:
        case AcceptSpec():
            draft.record(SpecAccepted(at=now, spec=command.spec, by=command.by))
        case Deploy():
            decide_deployment(draft, command)
        case Steer():
            decide_steer(draft, command)
        case TellOfRelease():
            tell(draft, command)
        case Override():
            decide_override(draft, command)
        case Alert():
            decide_alert(draft, command)
        case Tick():
            decide_tick(draft, command, readings)
        case ClaimEffect():
            if draft.state.open_effect(command.effect) is not None:
                draft.record(EffectBegun(at=now, effect=command.effect))
        case TakeBack():
            take_back(draft, command)
        case HookReport():
            decide_report(draft, command)
        case _ if isinstance(command, EffectOutcome):
            decide_outcome(draft, command)
        case _:
            assert_never(command)
    start_pending(draft)
    return draft.decision()
