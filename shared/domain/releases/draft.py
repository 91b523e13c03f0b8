"""A release's decision while it is being made: each fact is folded in at once, so the next rule sees it."""

from dataclasses import replace
from datetime import datetime

from shared.domain.effect_ids import next_effect_id
from shared.domain.names import ApplicationName, EffectId
from shared.domain.releases.events import ReleaseEvent
from shared.domain.releases.evolve import evolve
from shared.domain.releases.react import react
from shared.domain.releases.state import OpenCommand, OpenListing, OpenRow, OpenTiding, Release
from shared.domain.releases.tidings import LISTED, tiding
from shared.domain.rollout.spec import Topic


class ReleaseDraft:
    """Collects the facts of one decision; `state` is always the state after them."""

    def __init__(self, state: Release, now: datetime) -> None:
        self.state = state
        self.now = now
        self.events: list[ReleaseEvent] = []
        self.opened: list[OpenRow] = []

    def record(self, event: ReleaseEvent) -> None:
        """Add a fact, and what it asks for outside."""
        self.state = evolve(self.state, event)
        self.events.append(event)
        for application in tuple(react(self.state, event)):
            self._command(application)
        news = tiding(self.state, event)
        if news is not None:
            self._tell(*news)
        if isinstance(event, LISTED) and not self.state.listings:
            row = OpenListing(id=self._next_id())
            self.state = replace(self.state, listings=(row,))
            self.opened.append(row)

    def _command(self, application: ApplicationName) -> None:
        row = OpenCommand(id=self._next_id(), application=application)
        self.state = replace(self.state, commands=(*self.state.commands, row))
        self.opened.append(row)

    def _tell(self, topic: Topic, text: str) -> None:
        row = OpenTiding(id=self._next_id(), topic=topic, text=text)
        self.state = replace(self.state, tidings=(*self.state.tidings, row))
        self.opened.append(row)

    def _next_id(self) -> EffectId:
        made = self.state.rows_made
        self.state = replace(self.state, rows_made=made + 1)
        return next_effect_id(made)
