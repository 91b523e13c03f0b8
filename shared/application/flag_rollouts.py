"""Flags and the rollouts that drive them: what one side has to tell the other."""

from dataclasses import dataclass
from datetime import timedelta

from shared.application.door import Door
from shared.application.flag_aggregates import FlagAggregate
from shared.application.flags import Flags
from shared.domain.flags.managing.commands import Drive, Release
from shared.domain.flags.managing.driving import killed_in_words
from shared.domain.flags.managing.refusals import UnknownFlagError
from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.split_names import SplitName
from shared.domain.names import (
    CommandId,
    RolloutId,
    VariantName,
    Version,
    application_key,
    application_of,
    environment_of,
)
from shared.domain.rollout.commands import TakeBack
from shared.wire.documents import Answer, write_accepted, write_answer

LANDS_WITHIN = timedelta(seconds=20)
"""No call that moves users lands later than this after it was made, wherever they are moved."""


@dataclass(frozen=True, slots=True)
class FlagsOfRollouts:
    """Implements `DrivenFlags` on the aggregates of flags."""

    flags: Flags

    def state(self, split: SplitName) -> FlagState:
        """Return the flag as it was decided; an empty one where there never was any."""
        try:
            return self.flags.state(split.environment, split.flag)
        except UnknownFlagError:
            return FlagState(key=split.flag)

    def drive(
        self,
        split: SplitName,
        weight: int,
        *,
        rollout: RolloutId,
        candidate: VariantName,
        stable: VariantName,
        version: Version | None,
        returns: bool,
    ) -> None:
        """Give the candidate its weight, unless the worker stood still and it is too late for that by now.

        Who stands still exactly at the commit, while nobody writes, still lands: `let_go` undoes that.
        """
        command = Drive(
            rollout=rollout,
            rule=split.rule,
            region=split.region,
            candidate=candidate,
            stable=stable,
            version=version,
            weight=weight,
            returns=returns,
        )
        self.flags.tell(split.environment, split.flag, command, within=LANDS_WITHIN)

    def let_go(self, split: SplitName, rollout: RolloutId, share: int | None = None) -> None:
        """Let others write again what this rollout drives."""
        self.flags.tell(split.environment, split.flag, Release(rollout=rollout, share=share))


@dataclass(frozen=True, slots=True)
class DriversTold:
    """Tells rollouts what became of a flag that they drive. Raises `TryLaterError`: tell them again."""

    door: Door

    def tell(self, current: FlagAggregate) -> None:
        """Have each rollout that drives a killed flag take itself back: once for each time that it is killed."""
        state = current.state
        if state.live is None or not state.live.killed:
            return
        name = f"flag {environment_of(current.key)}/{state.key}"
        for rollout in dict.fromkeys(driver.rollout for driver in state.drivers):
            command = TakeBack(
                id=CommandId(f"{current.key} killed in {state.touched_in('killed')} {rollout}"),
                rollout=rollout,
                reason=f"{name}: {killed_in_words(state)}",
                by=state.killed_by,
            )
            answer = Answer(rollout=rollout, version=None, new=False)
            key = application_key(application_of(rollout))
            self.door.accept(key, command.id, write_accepted(command), write_answer(answer))
