"""A release's decision while it is being made: each fact is folded in at once, so the next rule sees it."""

from dataclasses import replace
from datetime import datetime

from shared.domain.releases.events import ReleaseEvent
from shared.domain.releases.evolve import evolve
from shared.domain.releases.react import react
from shared.domain.releases.state import OpenCommand, Release
from shared.domain.rollout.folds.outbox import next_effect_id


class ReleaseDraft:
    """Collects the facts of one decision; `state` is always the state after them."""

    def __init__(self, state: Release, now: datetime) -> None:
        self.state = state
        self.now = now
        self.events: list[ReleaseEvent] = []
        self.opened: list[OpenCommand] = []

    def record(self, event: ReleaseEvent) -> None:
        """Add a fact, and the commands that it asks for."""
        self.state = evolve(self.state, event)
        self.events.append(event)
        for application in tuple(react(self.state, event)):
            row = OpenCommand(id=next_effect_id(self.state.commands_made), application=application)
            commands = (*self.state.commands, row)
            self.state = replace(self.state, commands=commands, commands_made=self.state.commands_made + 1)
            self.opened.append(row)
