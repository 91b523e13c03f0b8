"""A flag as a target on the virtual clock: real aggregates, and users in memory who follow what is published."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shared.bootstrap import FlagOptions, Keeping
from shared.domain.flags.managing.commands import NEW, Kill, SaveFlag, Unread
from shared.domain.flags.managing.rolling_out import share_in
from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.model import Flag, FlagType, Variant
from shared.domain.names import EnvironmentName, FlagKey, VariantName, key_of_flag
from shared.domain.rollout.spec import Target, TargetKind
from shared.domain.rollout.weight import NONE, Weight
from shared.ports.flag_snapshots import FlagSnapshots, Head
from shared.wire.flag_documents import read_flag_state
from shared.wire.flag_split import parse_flag_split
from tests.scenario.world import World

LIVE = EnvironmentName("production")
KEY = FlagKey("new-checkout")
SPLIT = f"flag:{LIVE}/{KEY}"
BLUE, GREEN = VariantName("blue"), VariantName("green")
"""The stable variant and the new one, by the names that sites in memory have for their two places."""


def checkout(**changes: Any) -> Flag:
    """A flag that serves the stable variant to everybody."""
    plain = Flag(
        key=KEY,
        type=FlagType.STRING,
        variants=(Variant(BLUE, "old"), Variant(GREEN, "new")),
        default=BLUE,
        off=BLUE,
    )
    return replace(plain, **changes)


@dataclass(frozen=True, slots=True)
class Followed:
    """Snapshots that tell when what is served has changed."""

    snapshots: FlagSnapshots
    follow: Callable[[], None]

    def move_head(self, environment: EnvironmentName, head: Head) -> str:
        etag = self.snapshots.move_head(environment, head)
        self.follow()
        return etag

    def __getattr__(self, name: str) -> Any:
        return getattr(self.snapshots, name)


class FlagWorld(World):
    """A world where the targets of kind `feature-flag` have users who get what is published."""

    def __init__(self, folder: Path, spec: str, *, flag: Flag | None = None, **options: Any) -> None:
        more = options.pop("change", lambda keeping: keeping)
        super().__init__(folder, spec, change=lambda keeping: self._followed(more(keeping)), **options)
        if flag is not None or flag_targets(self):
            self.save(flag or checkout(), NEW)

    def save(self, flag: Flag, expected: Any = Unread.ANY, by: str = "alice") -> FlagState:
        """Save the flag as a person would."""
        command = SaveFlag(flag=flag, by=by, why="as agreed", expected=expected, id=f"c{self.clock.now()}")
        return self.app.flag_changes.tell(LIVE, flag.key, command)

    def kill(self, by: str = "alice", why: str = "") -> None:
        """Throw the kill switch."""
        self.app.flag_changes.tell(LIVE, KEY, Kill(by=by, why=why))

    @property
    def state(self) -> FlagState:
        """The flag as it was decided."""
        return self.app.flag_changes.state(LIVE, KEY)

    @property
    def flag(self) -> Flag:
        """The flag by itself."""
        flag = self.state.flag
        assert flag is not None
        return flag

    def _followed(self, keeping: Keeping) -> Keeping:
        def follow() -> None:
            document = keeping.store.load(key_of_flag(LIVE, KEY)).document
            if document is None:
                return
            state = read_flag_state(document).state
            for target in flag_targets(self):
                share = share_in(state, parse_flag_split(target.resource), GREEN)
                serves = state.live is not None and state.live.enabled and not state.live.killed
                self.site.move_by_hand(target, Weight(share) if serves else NONE)
                self.site.after_set_share(share)

        return replace(keeping, snapshots=Followed(keeping.snapshots, follow))


def flag_targets(world: World) -> tuple[Target, ...]:
    """The targets that are flags; none while the world is being made."""
    spec = getattr(world, "spec", None)
    return tuple(target for target in spec.targets if target.kind is TargetKind.FEATURE_FLAG) if spec else ()


__all__ = ["BLUE", "GREEN", "KEY", "LIVE", "SPLIT", "FlagOptions", "FlagWorld", "checkout", "flag_targets"]
