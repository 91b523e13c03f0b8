"""A flag's decision while it is being made: each fact is folded in at once, so the next rule sees it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from shared.domain.effect_ids import next_effect_id
from shared.domain.errors import Problem
from shared.domain.flags.managing.events import SERVED_OTHERWISE, DistributionAsked, FlagEvent
from shared.domain.flags.managing.evolve import evolve
from shared.domain.flags.managing.refusals import UnknownFlagError
from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.model import Flag
from shared.domain.names import EffectId

Check = Callable[[Flag], Sequence[Problem]]
"""Says what is wrong with a flag among the others of its environment."""
Refuse = Callable[[Flag | None], str | None]
"""Says why the environment has no room for a flag, or cannot be without it (None), or nothing."""


class FlagDraft:
    """Collects the facts of one decision; `state` is always the state after them."""

    def __init__(
        self,
        state: FlagState,
        now: datetime,
        approvals: int,
        check: Check,
        refuse: Refuse,
        *,
        distributes: bool = False,
    ) -> None:
        self.state = state
        self.now = now
        self.approvals = approvals
        self.check = check
        self.refuse = refuse
        self.distributes = distributes
        self.events: list[FlagEvent] = []
        self.opened: list[EffectId] = []

    def record(self, event: FlagEvent) -> None:
        """Add a fact, and the effects that it asks for: one row of each, for it is done by what is loaded then."""
        self.state = evolve(self.state, event)
        self.events.append(event)
        is_served_otherwise = isinstance(event, SERVED_OTHERWISE)
        if is_served_otherwise and not self.state.effects:
            row = self._open()
            self.state = replace(self.state, effects=(row,))
        is_asked_for = is_served_otherwise or isinstance(event, DistributionAsked)
        if self.distributes and is_asked_for and not self.state.distributing:
            row = self._open()
            self.state = replace(self.state, distributing=(row,))

    def _open(self) -> EffectId:
        row = next_effect_id(self.state.effects_made)
        self.state = replace(self.state, effects_made=self.state.effects_made + 1)
        self.opened.append(row)
        return row

    def existing(self) -> Flag:
        """Return the flag. Raises `UnknownFlagError` when there is none, or it is archived."""
        flag = self.state.live
        if flag is None:
            archived = " any more: it is archived; restore it first" if self.state.archived else ""
            raise UnknownFlagError(f"there is no flag {self.state.key}{archived}")
        return flag
