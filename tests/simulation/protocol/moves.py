"""What people, CI, alerts and the world outside do: requests that are repeated until they are answered, and changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.application.accept import rollout_id
from shared.bootstrap import App
from shared.domain.errors import RejectedError, SlipwayError, TryLaterError
from shared.domain.flags.managing.commands import Kill, Revive, SaveFlag
from shared.domain.names import CommandId, ReleaseId, Version, application_key
from shared.domain.rollout.commands import Action, Alert, HookReport
from shared.domain.rollout.events import SpecAccepted
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.spec import Place, Spec
from shared.domain.rollout.weight import Weight
from tests.simulation.protocol.recipes import spec_of
from tests.simulation.protocol.schedule import Move
from tests.simulation.protocol.seen import Asked
from tests.simulation.protocol.simulated_flags import LIVE, OTHER, flag_of
from tests.simulation.protocol.tasks import KilledError, Task

if TYPE_CHECKING:
    from tests.simulation.protocol.world import World

ATTEMPTS = 6
"""So often a client sends a request that got no answer; it always says the same id."""
PAUSE = timedelta(seconds=3)


class Moves:
    """Makes the moves of a schedule."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._number = 0
        self._announced: dict[int, tuple[CommandId, str]] = {}
        self.waiting = 0
        """How many requests are not answered yet."""

    def make(self, move: Move) -> None:
        """Make the move: at once, or as a request to some worker."""
        self._number += 1
        self._world.note("move", str(move))
        make: Callable[..., None] = getattr(self, "_" + move.kind.replace(" ", "_"))
        make(move.app % len(self._world.specs), *move.args)

    def _deploy(self, app: int, version: str, error_rate: float = 0.0, healthy: bool = True, asks: bool = True) -> None:
        """CI puts a version into its place, if it may, and announces it."""
        spec = self._world.specs[app]
        if asks and self._world.observer.intake.admission(spec.application, Version(version)) is not None:
            return
        self._world.put(app, version, error_rate=error_rate, healthy=healthy)
        self._announce(app, version)

    def _announce(self, app: int, version: str, again: bool = False) -> None:
        """Say that a version is there; `again` is the newest announcement of this application once more."""
        if again and app in self._announced:
            command, version = self._announced[app]
        else:
            command = CommandId(f"event-{self._number}")
        self._announced[app] = (command, version)
        name = self._world.specs[app].application

        def ask(own: App) -> None:
            accepted = own.intake.accept_deployment(name, Version(version), command, "ci")
            if accepted.is_new:
                self._took_in(command, accepted.rollout)
                self._readable(accepted.rollout)

        token = rollout_id(name, command)
        self._ask(f"deploy {version}", command, application_key(name), "Deploy", ask, token=token)

    def _override(self, app: int, action: str) -> None:
        name, command, by = self._world.specs[app].application, CommandId(f"o-{self._number}"), f"by-{self._number}"

        def ask(own: App) -> None:
            own.intake.accept_override(name, Action(action), reason="", by=by, command_id=command)
            self._took_in(command, by)

        kind, wanted = f"Override {action}", Action(action)
        self._ask(f"{action}", command, application_key(name), kind, ask, token=by, action=wanted)

    def _alert(self, app: int, fired: bool = True) -> None:
        name, command, rule = self._world.specs[app].application, CommandId(f"a-{self._number}"), f"rule-{self._number}"
        alert = Alert(
            id=command, fired=fired, rule=rule, severity="Sev1", resource="", description="", at=self._world.time
        )

        def ask(own: App) -> None:
            own.intake.accept_alert_for(name, alert)
            self._took_in(command, rule)

        self._ask("alert", command, application_key(name), "Alert", ask, token=rule, fires=fired)

    def _respec(self, app: int, when_busy: str, on_alert: str) -> None:
        """The team changes what its spec says of others' commands."""
        recipe = replace(self._world.schedule.apps[app], when_busy=when_busy, on_alert=on_alert)
        spec = spec_of(app, recipe)
        key = application_key(spec.application)
        self._ask("respec", CommandId(f"s-{self._number}"), key, "", lambda own: self._take_in_spec(own, spec))

    def _calendar(self, app: int, windows: str) -> None:
        """The team changes its release windows."""
        spec = spec_of(app, replace(self._world.schedule.apps[app], windows=windows))
        key = application_key(spec.application)
        self._ask("calendar", CommandId(f"c-{self._number}"), key, "", lambda own: self._take_in_spec(own, spec))

    def _take_in_spec(self, own: App, spec: Spec) -> None:
        """A spec that was answered is in history."""
        own.intake.accept_spec(spec, "team")
        history = self._world.watch.history.get(application_key(spec.application), ())
        if not any(isinstance(event, SpecAccepted) and event.spec == spec for event in history):
            self._world.watch.fail("accepted means stored", f"a spec of {spec.application} is in no history")

    def _flag(self, app: int, what: str, patient: bool = True) -> None:
        """Somebody saves, kills or revives the application's flag, or saves another one of the same chunk.

        Who is not patient asks once only.
        """
        flags, by = self._world.flags, f"by-{self._number}"
        key = flag_of(self._world.specs[app].application) if what != "save another" else OTHER
        if key not in flags.keys:
            return

        def ask(own: App) -> None:
            state = own.flag_changes.state(LIVE, key)
            assert state.flag is not None
            wanted = replace(state.flag, owner=by)
            save = SaveFlag(flag=wanted, by=by, why="", expected=state.revision, id=by)
            told = {"kill": Kill(by=by, why=""), "revive": Revive(by=by, why="")}
            own.flag_changes.tell(LIVE, key, told.get(what, save))

        at = application_key(self._world.specs[app].application)
        self._ask(f"flag {what}", CommandId(f"f-{self._number}"), at, "", ask, first=1 if patient else ATTEMPTS)

    def _sender(self, app: int, sender: str, how: str) -> None:
        """Who pushes what users met falls silent, is late, is well again, or says something twice."""
        if how == "repeat":
            self._world.senders.repeat(sender)
        else:
            self._world.senders.change(sender, how)

    def _report(self, app: int, state: str) -> None:
        """The other side of a hook calls back."""
        key = application_key(self._world.specs[app].application)
        application = self._world.watch.state(key)
        runs = (
            ()
            if application is None
            else (*((application.live.hook,) if application.live else ()), *application.duties)
        )
        for run in [run for run in runs if run is not None and not run.is_over][:1]:
            status = HookStatus(HookState(state))
            self._world.hooks.finish(run.call_id, status)
            command = CommandId(f"h-{self._number}")
            report = HookReport(id=command, call_id=run.call_id, status=status)

            def ask(own: App, report: HookReport = report) -> None:
                own.intake.accept_hook_report(self._world.specs[app].application, report)
                self._took_in(report.id, report.id)

            self._ask("report", command, key, "HookReport", ask)

    def _restart(self, app: int, worker: int) -> None:
        """A worker is gone; one that is in the middle of a call, as soon as that call hands its turn over."""
        which = worker % len(self._world.apps)
        if self._world.tasks.current is not None:
            self._world.crashing = which
        else:
            self._world.restart(which)

    def _hooks_end(self, app: int, state: str) -> None:
        """Hooks that run, and those that are called from now on, stand so."""
        status = HookStatus(HookState(state))
        self._world.hooks.answer_at_once(status)
        for called in self._world.hooks.called:
            self._world.hooks.finish(called.call_id, status)

    def _behave(self, app: int, error_rate: float, healthy: bool = True) -> None:
        """The newest version begins to behave so, wherever it is."""
        site = self._world.site
        application = self._world.watch.state(application_key(self._world.specs[app].application))
        live = application.live if application is not None else None
        for target in self._world.specs[app].targets:
            self._world.watch.behaves(target)
            for place in Place:
                version = site.peek(target, place)
                if live is not None and version == live.version:
                    site.deploy(target, place, version, error_rate=error_rate, healthy=healthy)

    def _overwrite(self, app: int, version: str) -> None:
        """CI puts another version into its place without asking."""
        self._world.put(app, version)

    def _move_by_hand(self, app: int, share: int) -> None:
        for target in self._world.specs[app].targets:
            if not target.kind.is_held:
                self._world.site.move_by_hand(target, Weight(share))
                self._world.watch.moved(target)

    def _traffic(self, app: int, requests_per_second: float) -> None:
        for target in self._world.specs[app].targets:
            self._world.site.send(target, requests_per_second)

    def _swap_fails(self, app: int) -> None:
        for target in self._world.specs[app].targets:
            if target.kind.swaps:
                self._world.site.fail_next_swap(target, "the slot did not answer its warm-up")

    def _forget_swaps(self, app: int) -> None:
        for target in self._world.specs[app].targets:
            self._world.site.forget_swaps(target)

    def _release(self, app: int, version: str, minutes: int = 20) -> None:
        """Somebody asks to release a version of all applications as one."""
        world = self._world
        for number in range(len(world.specs)):
            world.put(number, version)
        names = tuple((spec.application, Version(version)) for spec in world.specs)
        release = ReleaseId(f"release-{self._number}")
        self._ask_release(release, names, timedelta(minutes=minutes))

    def _ask_release(self, release: ReleaseId, members: Any, deadline: timedelta) -> None:
        from shared.wire.release_requests import ReleaseRequest

        request = ReleaseRequest(id=release, name="all", members=members, deadline=deadline)
        self._world.watch.releases.append(release)
        command = CommandId(f"release {release}")

        def ask(own: App) -> None:
            own.releases.accept(request, "alice")
            self._took_in(command, command)

        self._ask("release", command, f"release:{release}", "Release", ask)

    def _steer(self, app: int, action: str) -> None:
        from shared.domain.releases.commands import ReleaseAction
        from shared.wire.release_requests import ReleaseOverrideRequest

        releases = self._world.watch.releases
        if not releases:
            return
        request, command = (
            ReleaseOverrideRequest(action=ReleaseAction(action), reason=""),
            CommandId(f"ro-{self._number}"),
        )
        steered = releases[-1]

        def ask(own: App) -> None:
            own.releases.accept_override(steered, request, by="alice", command_id=command)
            self._took_in(command, command)

        self._ask(f"steer {action}", command, f"release:{steered}", "Steer", ask)

    def _took_in(self, command: CommandId, token: str) -> None:
        asked = self._world.watch.asked[command]
        if asked.accepted and asked.token != token:
            self._world.watch.fail("who asks again is told the same", f"{command}: {asked.token}, then {token}")
        asked.accepted, asked.token = True, token
        self._world.watch.is_kept(command)

    def _readable(self, rollout: Any) -> None:
        """What was answered can be read from that moment on."""
        if self._world.observer.views.rollout(rollout) is None:
            self._world.watch.fail("what was accepted can be read", rollout)

    def _ask(
        self,
        name: str,
        command: CommandId,
        key: str,
        kind: str,
        ask: Callable[[App], Any],
        token: str = "",
        first: int = 1,
        action: Action | None = None,
        fires: bool = False,
    ) -> None:
        """Send a request until it is answered, or this was the last of the attempts."""
        watch = self._world.watch
        if kind:
            asked = Asked(key=key, kind=kind, token=token or command, action=action, fires=fires)
            watch.asked.setdefault(command, asked)
        self.waiting += 1
        self._send(name, key, kind or name, self._not_refused_again(command, ask), first)

    def _not_refused_again(self, command: CommandId, ask: Callable[[App], Any]) -> Callable[[App], Any]:
        """Who was not told that a fact was stored is not refused when he asks again."""

        def asking(own: App) -> None:
            was_stored = command in self._world.watch.stored
            try:
                ask(own)
            except RejectedError as error:
                if was_stored:
                    self._world.watch.fail("who asks again is told the same", f"{command} was stored, then {error}")
                raise

        return asking

    def _send(self, name: str, key: str, kind: str, ask: Callable[[App], Any], attempt: int) -> None:
        world, worker = self._world, self._world.next_worker()

        def run() -> None:
            ask(world.app(worker))

        def again() -> None:
            world.land(PAUSE.total_seconds(), lambda: self._send(name, key, kind, ask, attempt + 1))

        def on_end(error: BaseException | None) -> None:
            unanswered = isinstance(error, TryLaterError | KilledError)
            if unanswered and attempt < ATTEMPTS:
                again()
                return
            self.waiting -= 1
            if error is not None and not isinstance(error, SlipwayError | KilledError):
                world.watch.fail("nothing surprises", f"{name}: {error!r}")

        task = Task(f"{name} #{self._number}", worker, run, on_end, command=f"accept {kind}")
        task.phase = world.phase_of(key)
        world.tasks.add(task)
