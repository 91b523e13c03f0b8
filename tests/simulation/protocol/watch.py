"""What is seen of a world from outside its ports, and the laws that hold at every step."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.adapters.memory.dead_letters import MemoryDeadLetters
from shared.application import drive
from shared.application.door import MARKER_GRACE
from shared.application.perform import Performer
from shared.domain.names import CommandId, EffectId, ReleaseId, RolloutId, TargetName
from shared.domain.rollout.calendar import ReleaseAction
from shared.domain.rollout.commands import Override, Tick
from shared.domain.rollout.effects import PublishViews
from shared.domain.rollout.events import Event
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import Place, Target
from shared.domain.rollout.state import Application, OpenEffect, Phase, Rollout
from shared.domain.rollout.weight import ALL, NONE, Weight
from shared.ports.rollout_store import Change
from shared.wire.documents import Envelope, read_envelope, read_event
from shared.wire.release_documents import ReleaseEnvelope, read_release
from tests.simulation.protocol import laws_of_calls as calls
from tests.simulation.protocol.laws import COMMIT_LAWS
from tests.simulation.protocol.laws_of_proof import Proof
from tests.simulation.protocol.patching import replaced
from tests.simulation.protocol.schedule import Fault
from tests.simulation.protocol.seen import Asked, End, Level, Measured, Step
from tests.simulation.protocol.tasks import Task

if TYPE_CHECKING:
    from tests.simulation.protocol.world import World

APPLICATION, RELEASE, FLAG = "application:", "release:", "flag:"
MARKED_FOR = MARKER_GRACE - timedelta(seconds=5)
"""A marker is opened before its fact is stored. Who stands still for longer in between opens it anew."""
TOUCHED = timedelta(minutes=2)
"""So long after somebody else changed a place or a share, what is there is theirs."""
Seen = Callable[[Task | None, Any, Any, Any], None]


class LawBrokenError(BaseException):
    """A law does not hold. Nothing of the application's may catch this."""

    def __init__(self, law: str, told: str) -> None:
        super().__init__(f"{law}: {told}")
        self.law = law
        self.told = told


class Watch:
    """Sees every call that matters, keeps the books, and lets the laws judge each step."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.letters = MemoryDeadLetters()
        self.envelopes: dict[str, Envelope] = {}
        self.history: dict[str, list[Event]] = {}
        self.asked: dict[str, Asked] = {}
        self.stored: set[str] = set()
        """The ids of facts that the store has taken in, whether anybody was told so or not."""
        self.key_of_app: dict[str, int] = {}
        self.over: dict[RolloutId, str] = {}
        """The phase in which each rollout ended."""
        self.ended: dict[str, End] = {}
        """How the last rollout of each application ended, until the next one begins."""
        self.proofs: dict[RolloutId, Proof] = {}
        """What the laws' own book says of each rollout."""
        self.levels: dict[tuple[RolloutId, TargetName], list[Level]] = {}
        self.windows: dict[tuple[str, TargetName], dict[datetime, Measured]] = {}
        """The windows that were read and have something to say, by resource and target, and by their start."""
        self.begun_by: dict[tuple[str, str], Task | None] = {}
        self.calls_begun: Counter[str] = Counter()
        self.calls_ended: Counter[str] = Counter()
        self.calls_again: Counter[str] = Counter()
        """How often a person had a hook called again."""
        self.hooks_called: Counter[str] = Counter()
        self.approved: set[tuple[RolloutId, int]] = set()
        self.windows_passed: dict[RolloutId, ReleaseAction] = {}
        """What a person has let each rollout do against its windows, until it has done it."""
        self.hand_moved: dict[str, datetime] = {}
        """When somebody else last moved the share of a resource."""
        self.share_set: dict[str, datetime] = {}
        """When a router of a resource was last told a share."""
        self.shares: dict[str, Weight] = {}
        """What the router of each resource was last told, by whomever."""
        self.behaved_at: dict[str, datetime] = {}
        """When what serves at a resource last began to behave otherwise."""
        self.put_at: dict[str, datetime] = {}
        """When CI last put something at a resource."""
        self.coverage: Counter[tuple[str, str, str]] = Counter()
        self.releases: list[ReleaseId] = []
        """What was asked for of several applications, the newest last."""
        self.notified: set[str] = set()
        """The ids of the messages that webhooks have taken, or said so."""
        self.calm_since: datetime | None = None
        self.release_states: dict[str, ReleaseEnvelope] = {}
        self.commits = 0
        self.seen: dict[str, Seen] = {
            "store.commit": self._committed,
            "flags.commit": self._committed,
            "store.accept": self._accepted,
            "markers.close": lambda task, args, options, result: calls.open_work_is_marked(self, args[0]),
            "router.set_share": self._share_set,
            "observations.add": lambda task, args, options, result: self.world.pushes.added(args[0], args[1], result),
            "observations.told": lambda task, args, options, result: self.world.pushes.read(task, result),
            "observations.close": lambda task, args, options, result: self.world.pushes.closed(task, *args, result),
            "snapshots.move_head": lambda task, args, options, result: self.world.books.head_moved(),
            "promoter.begin_swap": lambda task, args, options, result: calls.swap_was_decided(self, args[0]),
            "metrics.read_windows": self._windows_read,
            "hooks.call": lambda task, args, options, result: calls.hook_is_called_once(self, args, options),
            "notifier.notify": lambda task, args, options, result: self.notified.add(args[1]),
            "queue.send": lambda task, args, options, result: calls.no_message_is_swallowed(self),
        }

    def fail(self, law: str, told: str) -> None:
        """Say that a law is broken."""
        self.world.note("BROKEN", f"{law}: {told}")
        raise LawBrokenError(law, told)

    def state(self, key: str) -> Application | None:
        """Return an application as the store has it."""
        envelope = self.envelopes.get(key)
        return envelope.application if envelope else None

    def asked_of(self, key: str) -> list[Asked]:
        """Return what was asked of an application."""
        return [asked for asked in self.asked.values() if asked.key == key]

    def is_kept(self, command: CommandId) -> None:
        """What was answered is stored by then."""
        asked = self.asked[command]
        entries = self.world.store.rollouts.load(asked.key).inbox
        if not asked.consumed and all(entry.command_id != command for entry in entries):
            self.fail("accepted means stored", f"{asked.kind} {command} was accepted and is in no inbox")

    def ends(self, key: str, live: Rollout, phase: Phase) -> None:
        """Keep how the last rollout of an application ended."""
        self.ended[key] = End(at=self.world.time, rollout=live, phase=phase)

    def world_of(self, end: "End", name: TargetName) -> str:
        """Say what is not as the end of a rollout says, at one target; empty where it is."""
        live, phase, site = end.rollout, end.phase, self.world.site
        target, state = live.at(name), live.target(name)
        assert state is not None
        wanted = NONE if phase is not Phase.SUCCEEDED or target.kind.swaps else ALL
        share = site.peek_share(target)
        if share != wanted and not self._touched(self.hand_moved, target, end):
            return f"{name} sends {share} to the candidate place"
        if site.read_audience(target) is not None:
            return f"{name} still sends marked requests to the candidate"
        if site.read_preview(target) is Preview.PENDING:
            return f"a swap with preview of {name} is left"
        version = state.stable_version if phase is not Phase.SUCCEEDED else live.version
        at = Place.CANDIDATE if phase is Phase.SUCCEEDED and not target.kind.swaps else Place.PRODUCTION
        serves = site.peek(target, at)
        is_another = version is not None and serves != version and target.kind.holds_versions
        if is_another and not self._touched(self.put_at, target, end):
            return f"{name} serves {serves} where {version} should be"
        if target.kind.swaps and site.is_swapping(target):
            return f"a swap of {name} is running"
        return ""

    def _touched(self, when: dict[str, datetime], target: Target, end: "End") -> bool:
        """Whether somebody else changed it after the end, or so shortly before that nobody could see it."""
        at = when.get(target.resource.lower())
        return at is not None and at > end.at - TOUCHED

    def put(self, target: Target, version: str) -> None:
        """CI has put a version somewhere."""
        self.put_at[target.resource.lower()] = self.world.time

    def behaves(self, target: Target) -> None:
        """What serves somewhere behaves otherwise from now on."""
        self.behaved_at[target.resource.lower()] = self.world.time

    def moved(self, target: Target) -> None:
        """Somebody else has moved a share."""
        self.hand_moved[target.resource.lower()] = self.world.time
        self.shares[target.resource.lower()] = self.world.site.peek_share(target)

    def met(self, task: Task, fault: Fault) -> None:
        """A fault has hit a task."""
        self.coverage[task.phase or "no rollout", task.command or task.name.split()[0], fault.kind] += 1

    @contextmanager
    def watching(self) -> Iterator[None]:
        """See what is decided and performed, too."""
        with ExitStack() as stack:
            stack.enter_context(replaced(drive, "decide", self._deciding(drive.decide)))
            stack.enter_context(replaced(Performer, "perform", self._performing(Performer.perform)))
            yield

    def _deciding(self, decide: Callable[..., Any]) -> Callable[..., Any]:
        def deciding(state: Application, command: Any, *args: Any, **options: Any) -> Any:
            task = self.world.tasks.current
            if task is not None:
                rollout = state.live or state.pending
                task.phase = rollout.phase.value if rollout is not None else "no rollout"
                task.command, task.decided = type(command).__name__, command
                if isinstance(command, Override):
                    task.command = f"Override {command.action}"
                self.coverage[task.phase, task.command, "none"] += 1
                if isinstance(command, Tick):
                    calls.what_is_due_is_looked_at_in_time(self, state)
            return decide(state, command, *args, **options)

        return deciding

    def _performing(self, perform: Callable[..., Any]) -> Callable[..., Any]:
        def performing(performer: Performer, key: str, row: OpenEffect) -> Any:
            task = self.world.tasks.current
            if not isinstance(row.effect, PublishViews) and task is not None and row.id not in task.began:
                self.fail("who performs a row has begun it", f"{task.name} performs {row.id} without a claim")
            if task is not None:
                task.performing_since, task.flags_tried = self.world.time, 0
            outcome = perform(performer, key, row)
            if task is not None:
                task.performed[row.id] = outcome
            return outcome

        return performing

    def _committed(self, task: Task | None, args: Any, options: Any, result: Any) -> None:
        change: Change = args[0]
        self.commits += 1
        if change.key.startswith(RELEASE):
            self._release_committed(change)
        if change.key.startswith(FLAG):
            self.world.books.committed(change)
        if not change.key.startswith(APPLICATION):
            return
        after = read_envelope(change.document)
        before = self.envelopes.get(change.key) or Envelope(application=Application(name=after.application.name))
        events = tuple(read_event(entry.document) for entry in change.history)
        step = Step(key=change.key, before=before, after=after, events=events, change=change, task=task)
        if self.world.trace is not None:
            for event in events:
                self.world.trace.event(self.world.seconds, event)
        for row in after.application.effects:
            known = before.application.open_effect(row.id)
            if row.begun is not None and (known is None or known.begun != row.begun):
                self._begun(change.key, row.id, task)
        for law in COMMIT_LAWS:
            law(self, step)
        self.envelopes[change.key] = after
        self.history.setdefault(change.key, []).extend(events)
        self._note_levels(after.application)

    def _begun(self, key: str, row: EffectId, task: Task | None) -> None:
        self.begun_by[key, row] = task
        if task is not None:
            task.began.add(row)

    def _release_committed(self, change: Change) -> None:
        before, after = self.release_states.get(change.key), read_release(change.document)
        self.release_states[change.key] = after
        first = 1 if before is None else before.release.sequence + 1
        if [entry.sequence for entry in change.history] != list(range(first, after.release.sequence + 1)):
            self.fail("history has no gaps", f"{change.key}: {len(change.history)} lines after {first - 1}")
        for entry in change.consumed:
            asked = self.asked.get(entry.command_id)
            if asked is not None:
                asked.consumed += 1
                if asked.consumed > 1:
                    self.fail("each fact is decided once", entry.command_id)
        if before is not None and before.release.phase.is_terminal and after.release.phase is not before.release.phase:
            self.fail("an end is for good", f"{change.key} {before.release.phase}, then {after.release.phase}")

    def _note_levels(self, state: Application) -> None:
        watched = state.watched
        for target in watched.targets if watched is not None else ():
            production = None
            if target.swaps:
                candidate = target.wanted_side.value == "candidate"
                production = watched.version if candidate and watched is not None else target.stable_version
            level = Level(self.world.time, target.share(), production, target.stable_version)
            levels = self.levels.setdefault((watched.id, target.name), []) if watched is not None else []
            if not levels or (levels[-1].share, levels[-1].production) != (level.share, level.production):
                levels.append(level)

    def levels_of(self, target: Target, within: timedelta) -> list[Level]:
        """Return what a target is to be, and what it was to be until so long ago."""
        assert target.mover is not None
        levels = self.levels.get((target.mover.rollout, target.name), [])
        since = self.world.time - within
        ended = [following.at for following in levels[1:]]
        return [level for level, end in zip(levels, [*ended, None], strict=True) if end is None or end >= since]

    def _share_set(self, task: Task | None, args: Any, options: Any, result: Any) -> None:
        self.share_set[args[0].resource.lower()] = self.world.time
        calls.share_was_decided(self, *args)

    def _accepted(self, task: Task | None, args: Any, options: Any, result: Any) -> None:
        self.stored.add(args[1])
        stood_still = self.world.time - args[3].accepted > MARKED_FOR if args[3] is not None else False
        if args[0].startswith(APPLICATION) and args[3] is not None and not stood_still:
            calls.open_work_is_marked(self, args[0])

    def _windows_read(self, task: Task | None, args: Any, options: Any, result: Any) -> None:
        target = args[0].target
        read = self.windows.setdefault((target.resource.lower(), target.name), {})
        for window in result:
            if calls.says_something(window.candidate):
                read[window.start] = Measured(window.start, window.candidate.requests, window.candidate.failures)
