"""The flags of a world: snapshots that users follow, and what was decided and is served, seen from outside."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from shared.application import flag_serving
from shared.application.flag_aggregates import FlagAggregate, load_flag
from shared.application.flag_chunks import slot_of_flag
from shared.application.flag_turns import Turns
from shared.bootstrap import App
from shared.domain.flags.managing.commands import NEW, SaveFlag
from shared.domain.flags.managing.driving import weight_in
from shared.domain.flags.model import Flag, FlagType, Variant
from shared.domain.names import ApplicationName, EnvironmentName, FlagKey, VariantName, key_of_flag
from shared.domain.rollout.spec import Target, TargetKind
from shared.domain.rollout.weight import Weight
from shared.wire.flag_split import parse_flag_split
from shared.wire.published_flags import PublishedFlag, open_chunk, read_published_flag
from tests.simulation.protocol.patching import replaced
from tests.simulation.protocol.snapshots import MemoryFlagSnapshots, MemoryFlagUsage

if TYPE_CHECKING:
    from tests.simulation.protocol.world import World

LIVE = EnvironmentName("production")
BLUE, GREEN = VariantName("blue"), VariantName("green")
"""The variant that everybody has and the new one, by the names that sites in memory have for their two places."""
OTHER = FlagKey("banner")
"""A flag that no rollout drives."""


def flag_of(application: ApplicationName) -> FlagKey:
    """Return the key of an application's flag. All share one chunk: a worker reads several in threads, of which a
    world has none, and who changes one meets who changes another."""
    slot = slot_of_flag(OTHER)
    return next(key for key in (FlagKey(f"{application}-{n}") for n in count()) if slot_of_flag(key) == slot)


def split_of(application: ApplicationName) -> str:
    """Return the split as the resource of a target."""
    return f"flag:{LIVE}/{flag_of(application)}"


class SimulatedFlags:
    """What is kept of flags, which outlives every worker."""

    def __init__(self, world: "World") -> None:
        self.snapshots = MemoryFlagSnapshots()
        self.usage = MemoryFlagUsage()
        self.targets: dict[FlagKey, Target] = {
            parse_flag_split(target.resource).flag: target
            for spec in world.specs
            for target in spec.targets
            if target.kind is TargetKind.FEATURE_FLAG
        }
        self._world = world

    @property
    def keys(self) -> tuple[FlagKey, ...]:
        """The flags of this world; none where no target is one."""
        return (*self.targets, OTHER) if self.targets else ()

    @contextmanager
    def without_threads(self) -> Iterator[None]:
        """Let tasks, and not threads, wait for one another, as long as this world runs."""
        real, kept = Turns.__init__, flag_serving._Kept

        def turns(own: Turns, *args: Any) -> None:
            real(own, *args, pause=self.pause)

        with ExitStack() as stack:
            if self.targets:
                stack.enter_context(replaced(Turns, "__init__", turns))
                made: Callable[[], Any] = lambda: kept(lock=_Lock(self.pause))  # type: ignore[arg-type] # noqa: E731
                stack.enter_context(replaced(flag_serving, "_Kept", made))
            yield

    def pause(self, seconds: float) -> None:
        """Let others have a turn, and time pass."""
        until = self._world.time + timedelta(seconds=seconds)
        if self._world.tasks.current is None:
            self._world.time = until
        else:
            self._world.tasks.stall(until)

    def set_up(self, app: App) -> None:
        """Every flag serves the old variant to everybody."""
        for number, key in enumerate(self.keys):
            variants = (Variant(BLUE, "old"), Variant(GREEN, "new"))
            flag = Flag(key=key, type=FlagType.STRING, variants=variants, default=BLUE, off=BLUE)
            save = SaveFlag(flag=flag, by="team", why="", expected=NEW, id=f"flag-{number}")
            app.flag_changes.tell(LIVE, key, save)
        self.follow()

    def decided(self, key: FlagKey) -> FlagAggregate:
        """Return a flag as it was decided."""
        found = load_flag(self._world.store.rollouts, key_of_flag(LIVE, key))
        assert found is not None
        return found

    def served(self, key: FlagKey) -> PublishedFlag | None:
        """Return a flag as it is served, or None."""
        name = dict(self.snapshots.read_head(LIVE).chunks).get(slot_of_flag(key))
        document = self.snapshots.read_chunk(LIVE, name) if name is not None else None
        line = open_chunk(document).flags.get(key) if document is not None else None
        return None if line is None else read_published_flag(line)

    def follow(self) -> None:
        """Users get what is served from now on."""
        for key, target in self.targets.items():
            published = self.served(key)
            if published is not None:
                self._world.site.move_by_hand(target, Weight(share_of(published.flag, GREEN)))

    def share_decided(self, target: Target) -> Weight:
        """Return the share of the candidate, as it was decided."""
        state = self.decided(parse_flag_split(target.resource).flag).state
        assert state.flag is not None
        variant = GREEN if target.located is None else VariantName(target.located.candidate)
        return Weight(weight_in(state.flag.default, variant))


def share_of(flag: Flag, variant: VariantName) -> int:
    """Return how many of a flag's users get a variant, in 1/100,000."""
    return weight_in(flag.off if flag.killed else flag.default, variant)


def renamed(flag: Flag, owner: str) -> Flag:
    """Return the flag with another owner: what anybody may change while a rollout drives it."""
    return replace(flag, owner=owner)


class _Lock:
    """A lock whose waiters give their turns away."""

    def __init__(self, pause: Callable[[float], None]) -> None:
        self._pause = pause
        self._held = False

    def acquire(self, timeout: float = -1) -> bool:
        waited = 0.0
        while self._held:
            if 0 <= timeout <= waited:
                return False
            self._pause(0.05)
            waited += 0.05
        self._held = True
        return True

    def release(self) -> None:
        self._held = False

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
