"""Mistakes with flags that rollouts drive: what is published, who is told, and whose turn it is."""

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared.application import flag_publish, flag_rollouts, flag_turns
from shared.application.flag_publish import SnapshotPublisher
from shared.application.flag_rollouts import DriversTold, FlagsOfRollouts
from shared.domain.flags.managing import decide as deciding
from shared.domain.flags.model import Split
from tests.simulation.protocol.defects.defect import defect
from tests.simulation.protocol.defects.in_driving import together
from tests.simulation.protocol.patching import replaced

Patched = AbstractContextManager[object]


@defect(
    "a split published the other way round", "use cases", "the two weights of a split are exchanged where it is served"
)
def _other_way_round() -> Patched:
    real = flag_publish.with_flag

    def with_flag(state: Any) -> Any:
        flag = state.live
        if flag is None or not isinstance(flag.default, Split):
            return real(state)
        first, second = flag.default.shares
        shares = (replace(first, weight=second.weight), replace(second, weight=first.weight))
        return real(replace(state, flag=replace(flag, default=replace(flag.default, shares=shares))))

    return replaced(flag_publish, "with_flag", with_flag)


@defect(
    "published before the head was read", "use cases", "a flag is loaded first, and the head that it replaces after it"
)
def _flag_before_head() -> Patched:
    real, publish = SnapshotPublisher.bring_up_flag, SnapshotPublisher._publish_flag

    def late(self: SnapshotPublisher, current: Any, head: Any) -> None:
        publish(self, current, self.snapshots.read_head(current.environment))

    return together(
        replaced(SnapshotPublisher, "bring_up_flag", real), replaced(SnapshotPublisher, "_publish_flag", late)
    )


@defect("a flag that is never let go of", "use cases", "the end of a rollout leaves the flag in its hands")
def _never_let_go() -> Patched:
    def let_go(self: FlagsOfRollouts, split: Any, *ended: Any) -> None:
        """Keep it."""

    return replaced(FlagsOfRollouts, "let_go", let_go)


@defect(
    "a kill that no rollout hears of", "use cases", "the rollouts that drive a flag are not told that it was killed"
)
def _kill_not_told() -> Patched:
    def tell(self: DriversTold, current: Any) -> None:
        """Tell nobody."""

    return replaced(DriversTold, "tell", tell)


@defect("a turn that never lapses", "use cases", "who waits for a turn waits for whoever has it, dead or not")
def _never_lapses() -> Patched:
    return replaced(flag_turns, "LAPSES_AFTER", timedelta(days=365))


@defect(
    "a late write that drives a flag again", "domain", "a write is repeated for ever, also by a rollout that is over"
)
def _drives_again() -> Patched:
    real = deciding.release

    def release(draft: Any, command: Any) -> None:
        if any(driver.rollout == command.rollout for driver in draft.state.drivers):
            real(draft, command)

    return together(replaced(deciding, "release", release), _written_whenever())


@defect("a flag written whenever", "use cases", "a write that others were faster than is repeated however late it is")
def _written_whenever() -> Patched:
    return replaced(flag_rollouts, "LANDS_WITHIN", timedelta(hours=1))
