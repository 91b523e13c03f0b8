"""The laws of flags that rollouts drive: what is decided of them, what is served, and that nobody is kept waiting."""

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.application.flag_aggregates import is_over
from shared.domain.errors import SlipwayError
from shared.domain.flags.managing import events as e
from shared.domain.flags.managing.commands import SaveFlag
from shared.domain.flags.managing.decide import next_look
from shared.domain.flags.managing.state import Driver
from shared.domain.names import FlagKey, RolloutId, Version, application_key, application_of
from shared.domain.rollout.spec import Mover, Target
from shared.domain.rollout.state import Phase
from shared.domain.rollout.weight import Weight
from shared.ports.rollout_store import Change
from shared.wire.flag_documents import read_flag_event
from tests.simulation.protocol import laws_of_calls as calls
from tests.simulation.protocol.simulated_flags import LIVE, renamed, share_of

if TYPE_CHECKING:
    from tests.simulation.protocol.seen import Step
    from tests.simulation.protocol.watch import Watch
    from tests.simulation.protocol.world import World


class FlagBooks:
    """What was seen of flags."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.drivers: dict[RolloutId, Driver] = {}
        self.last: dict[FlagKey, RolloutId] = {}
        """The rollout that drove each flag last."""
        self.proven: dict[RolloutId, int] = {}
        """The greatest share that was ever proven of a rollout's flag."""

    def committed(self, change: Change) -> None:
        """A flag is told only what is wanted, or was until a moment ago; and nothing after an end."""
        key = FlagKey(change.key.partition("/")[2])
        target = self._world.flags.targets.get(key)
        for entry in change.history:
            event = read_flag_event(entry.document)
            if isinstance(event, e.DriveBegun):
                self.drivers[event.driver.rollout] = event.driver
                self.last[key] = event.driver.rollout
            if isinstance(event, e.FlagDriven) and target is not None:
                self._world.watch.share_set[target.resource.lower()] = self._world.time
            if isinstance(event, e.FlagDriven) and target is not None and not self._stood_still():
                calls.share_was_decided(self._world.watch, moved_for(target, event.rollout), Weight(event.weight))

    def _stood_still(self) -> bool:
        """Whether a worker lands late that stood still exactly before its write, and nobody else wrote meanwhile.

        Nothing can keep it from that; it is put right when the rollout lets go. A second try must not be late.
        """
        task = self._world.tasks.current
        if task is None or task.performing_since is None or task.flags_tried > 1:
            return False
        return self._world.time - task.performing_since > calls.STALE_CALL

    def head_moved(self) -> None:
        """Users follow what is served: nobody is given more of the candidate than was proven."""
        flags, watch = self._world.flags, self._world.watch
        flags.follow()
        for key in flags.targets:
            published = flags.served(key)
            driver = self.drivers.get(published.driven_by) if published and published.driven_by else None
            if published is None or driver is None:
                continue
            share, proven = share_of(published.flag, driver.candidate), self.proven.get(driver.rollout, 0)
            if share > proven:
                told = f"{driver.rollout}: {key} gives {driver.candidate} to {share}, {proven} proven"
                watch.fail("no flag gives more than was proven", told)

    def at_rest(self) -> None:
        """What is served is what was decided; who drives is live; and who comes next gets a turn."""
        for key in self._world.flags.keys:
            self._is_served_as_decided(key)
            self._is_driven_by_who_is_live(key)
            self._came_to_its_end(key)
        for key in self._world.flags.keys:
            self._gives_a_turn(key)

    def _is_served_as_decided(self, key: FlagKey) -> None:
        watch, decided, served = self._world.watch, self._world.flags.decided(key), self._world.flags.served(key)
        state = decided.state
        if state.effects or self._world.store.rollouts.load(decided.key).outbox:
            watch.fail("every effect is done", f"{decided.key}: {state.effects}")
        if served is None or served.flag != state.live:
            watch.fail("a flag is served as it was decided", f"{key}: {served and served.flag} for {state.live}")
        marker = self._world.store.markers.find(decided.key)
        if marker is not None and next_look(state) is None:
            watch.fail("every marker is closed", f"{decided.key} is due {marker.due:%H:%M:%S} and has no work")

    def _is_driven_by_who_is_live(self, key: FlagKey) -> None:
        watch, state = self._world.watch, self._world.flags.decided(key).state
        for driver in state.drivers:
            application = watch.state(application_key(application_of(driver.rollout)))
            live = application.live if application is not None else None
            if live is None or live.id != driver.rollout:
                watch.fail("a flag is let go of when its rollout ends", f"{key} is driven by {driver.rollout}")
                return
            waits = live.no_return or live.stuck is not None or live.phase is Phase.ROLLING_BACK or live.returns
            if state.flag is not None and state.flag.killed and not waits:
                watch.fail("a kill takes the rollout back", f"{key} is killed, and {live.id} is {live.phase}")

    def _came_to_its_end(self, key: FlagKey) -> None:
        """After a way back everybody has the variant from before, after a success the new one."""
        watch, state, rollout = self._world.watch, self._world.flags.decided(key).state, self.last.get(key)
        ended, driver = watch.over.get(rollout or RolloutId("")), self.drivers.get(rollout or RolloutId(""))
        if state.flag is None or driver is None or ended is None or state.drivers:
            return
        has = driver.candidate if ended == Phase.SUCCEEDED else driver.stable
        if state.flag.default != has:
            watch.fail("an end is true", f"{rollout} {ended}: {key} serves {state.flag.default}, not {has}")

    def _gives_a_turn(self, key: FlagKey) -> None:
        app, watch = self._world.observer, self._world.watch
        flag = self._world.flags.decided(key).state.flag
        assert flag is not None
        change = SaveFlag(
            flag=renamed(flag, "the last one"), by="last", why="", expected=self._revision(key), id="last"
        )
        try:
            app.flag_changes.tell(LIVE, key, change)
        except SlipwayError as error:
            watch.fail("a turn is never left for good", f"{key}: {error}")
        turn = self._world.flags.snapshots.read_head(LIVE).turn
        if turn is not None and not is_over(turn, self._world.flags.decided(FlagKey(turn.name))):
            watch.fail("a turn is never left for good", f"{turn.key} has it since {turn.at:%H:%M:%S}")

    def _revision(self, key: FlagKey) -> int:
        return self._world.flags.decided(key).state.revision


def what_flags_may_give(watch: "Watch", step: "Step") -> None:
    """Keep in the books what was proven of the flags that rollouts drive."""
    books, live = watch.world.books, step.new.live
    if live is None or live.spec is None:
        return
    for target in live.targets:
        if live.spec.target(target.name).kind.is_held:
            books.proven[live.id] = max(books.proven.get(live.id, 0), watch.proofs[live.id].allows(live.plan))


def moved_for(target: Target, rollout: RolloutId) -> Target:
    """Return the target as the rollout moves it."""
    return replace(target, mover=Mover(rollout=rollout, version=Version(""), returns=False))
