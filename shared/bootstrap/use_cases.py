"""The use cases, wired to their ports when they are first asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shared.application.access import Access
from shared.bootstrap.flags import FlagOptions, FlagParts
from shared.bootstrap.on_first_use import BuiltOnFirstUse, OnFirstUse

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.application.accept import Intake
    from shared.application.backup import Backup
    from shared.application.by_kind import FlagsBeside
    from shared.application.claims import Claims
    from shared.application.dead_letter_list import DeadLetterList
    from shared.application.dead_letters import RedriveOrDiscard
    from shared.application.door import Door
    from shared.application.drive import Driver
    from shared.application.evaluations import Evaluations
    from shared.application.flag_environments import FlagEnvironments
    from shared.application.flag_events import FlagEvents
    from shared.application.flag_serving import FlagServer
    from shared.application.flag_transfer import FlagImports
    from shared.application.flag_views import FlagViews
    from shared.application.flagger_questions import FlaggerQuestions
    from shared.application.flags import Flags
    from shared.application.foreign_events import ForeignEvents
    from shared.application.hook_reports import HookReports
    from shared.application.laid_aside import LaidAside
    from shared.application.observed import ObservationIntake
    from shared.application.perform import Performer
    from shared.application.plans import Plans
    from shared.application.read import MetricsSources, Reader
    from shared.application.release_drive import ReleaseDriver
    from shared.application.release_list import ReleaseList
    from shared.application.releases import Releases
    from shared.application.restore import Restore
    from shared.application.segments import Segments
    from shared.application.sweep import Sweep
    from shared.application.views import Views
    from shared.application.wake import WakeUpHandler
    from shared.bootstrap.parts import Kept, Outside
    from shared.domain.rollout.calendar import ReleaseWindow
    from shared.ports.archive import Archive
    from shared.ports.clock import Clock
    from shared.ports.metrics_source import MetricsSource


class App:
    """The use cases, ready to be called by triggers.

    Each is built when a trigger first asks for it: a worker that evaluates flags never loads what drives rollouts.
    """

    def __init__(
        self,
        keeping: Kept,
        outside: Callable[[], Outside],
        access: Access,
        clock: Clock,
        house: tuple[ReleaseWindow, ...] = (),
        options: FlagOptions | None = None,
        hide: Callable[[str], str] = lambda text: text,
    ) -> None:
        """`house` are the release windows of all applications; `hide` hides this app's own secrets in a text.

        Nothing outside is asked for before it is needed.
        """
        self.access = access
        self._keeping = keeping
        self._clock = clock
        self._house = house
        self._options = options or FlagOptions()
        self._connect = outside
        self._own_secrets = hide
        self._flagged = FlagParts(keeping, clock, self._options)

    @OnFirstUse
    def intake(self) -> Intake:
        """Takes in facts about applications."""
        from shared.application.accept import Intake

        kept = self._keeping
        return Intake(kept.store, kept.store, kept.markers, kept.index, kept.queue, self._clock, self._house)

    @OnFirstUse
    def events(self) -> ForeignEvents:
        """Takes in events of others."""
        from shared.application.foreign_events import ForeignEvents

        return ForeignEvents(self.intake, self._keeping.alerts, self._aside, self._clock)

    @OnFirstUse
    def flagger(self) -> FlaggerQuestions:
        """Answers Flagger."""
        from shared.application.flagger_questions import FlaggerQuestions

        return FlaggerQuestions(self._keeping.store, self.intake, self._clock)

    @OnFirstUse
    def hook_reports(self) -> HookReports:
        """Takes in what hooks came to."""
        from shared.application.hook_reports import HookReports

        store, secret_of = self._keeping.store, self._outside.secret_of
        return HookReports(self.intake, self.access, store, store, self._clock, secret_of)

    @OnFirstUse
    def observations(self) -> ObservationIntake:
        """Takes in numbers that are pushed."""
        from shared.application.observed import ObservationIntake

        kept = self._keeping
        return ObservationIntake(kept.store, kept.observations, kept.observations, kept.queue, self._clock)

    @OnFirstUse
    def flag_events(self) -> FlagEvents:
        """Takes in what users of a flag's variants met."""
        from shared.application.flag_events import FlagEvents

        kept = self._keeping
        environments = self._options.environments
        return FlagEvents(kept.store, kept.index, self.observations, environments, self._flagged.driven)

    @OnFirstUse
    def wake_ups(self) -> WakeUpHandler:
        """Drives what is due."""
        from shared.application.wake import WakeUpHandler

        kept, flags = self._keeping, self._flagged.driver
        letters = self.dead_letters
        return WakeUpHandler(self._driver, self._release_driver, flags, letters, kept.queue, self._aside, self._clock)

    @OnFirstUse
    def sweep(self) -> Sweep:
        """Wakes what a crash left behind."""
        from shared.application.sweep import Sweep

        return Sweep(self._keeping.markers, self._keeping.queue, self._clock)

    @OnFirstUse
    def views(self) -> Views:
        """Shows applications and rollouts."""
        from shared.application.views import Views

        kept = self._keeping
        return Views(kept.store, kept.store, kept.index)

    @OnFirstUse
    def dead_letter_list(self) -> DeadLetterList:
        """Shows what could not be handled."""
        from shared.application.dead_letter_list import DeadLetterList

        return DeadLetterList(self._keeping.letters, self._hide)

    @OnFirstUse
    def dead_letters(self) -> RedriveOrDiscard:
        """Has what could not be handled sent again, or closes it."""
        from shared.application.dead_letters import RedriveOrDiscard
        from shared.application.ways_back import ways_back

        kept = self._keeping
        ways = ways_back(kept.queue, kept.alerts, self._clock)
        return RedriveOrDiscard(kept.letters, kept.markers, ways, self._clock)

    @OnFirstUse
    def plans(self) -> Plans:
        """Tells what a release would come to."""
        from shared.application.plans import Plans

        return Plans(
            self._keeping.store,
            self._clock,
            self._claims,
            self._house,
            self._outside.secret_of,
            self._flagged.driven,
            self._options.environments,
        )

    @OnFirstUse
    def releases(self) -> Releases:
        """Takes in, and shows, releases of several applications."""
        from shared.application.releases import Releases

        store = self._keeping.store
        return Releases(store, store, self._door, self._listing)

    @OnFirstUse
    def backup(self) -> Backup:
        """Reads everything that is kept."""
        from shared.application.backup import Backup

        return Backup(self._archive, self._clock)

    @OnFirstUse
    def restore(self) -> Restore:
        """Makes an empty account of a backup."""
        from shared.application.publish import ViewPublisher
        from shared.application.restore import Restore
        from shared.application.revive import Reviver

        kept = self._keeping
        reviver = Reviver(
            archive=self._archive,
            store=kept.store,
            markers=kept.markers,
            letters=kept.letters,
            queue=kept.queue,
            publisher=ViewPublisher(kept.index),
            listing=self._listing,
            flags=self._flagged.publisher,
            clock=self._clock,
        )
        return Restore(self._archive, kept.store, reviver, self._clock)

    @property
    def flags(self) -> FlagServer:
        """Serves flags from memory."""
        return self._flagged.server

    @property
    def evaluations(self) -> Evaluations:
        """What contexts get of flags."""
        return self._flagged.evaluations

    @property
    def flag_changes(self) -> Flags:
        """Changes flags."""
        return self._flagged.changes

    @property
    def flag_views(self) -> FlagViews:
        """Shows flags and segments."""
        return self._flagged.views

    @property
    def flag_imports(self) -> FlagImports:
        """Takes whole documents of flags in, and gives them out."""
        return self._flagged.imports

    @property
    def segments(self) -> Segments:
        """Changes segments."""
        return self._flagged.segments

    @property
    def flag_environments(self) -> FlagEnvironments:
        """The environments that have flags."""
        return self._options.environments

    @property
    def web_origins(self) -> frozenset[str]:
        """Whose pages may evaluate flags from a browser."""
        return self._options.web_origins

    @OnFirstUse
    def _outside(self) -> Outside:
        return self._connect()

    @property
    def _archive(self) -> Archive:
        archive = self._keeping.archive
        assert archive is not None, "who copies it all is given what reads it all"
        return archive

    @OnFirstUse
    def _claims(self) -> Claims:
        from shared.application.claims import Claims

        return Claims(self._keeping.store, self._keeping.index, self._clock)

    @OnFirstUse
    def _door(self) -> Door:
        from shared.application.door import Door

        return Door(self._keeping.store, self._keeping.markers, self._keeping.queue, self._clock)

    @OnFirstUse
    def _aside(self) -> LaidAside:
        from shared.application.laid_aside import LaidAside

        return LaidAside(self._keeping.letters, self._clock)

    def _hide(self, text: str) -> str:
        from shared.wire.secrets_in_text import without_secrets

        return without_secrets(self._own_secrets(text))

    @OnFirstUse
    def _listing(self) -> ReleaseList:
        from shared.application.release_list import ReleaseList

        return ReleaseList(self._keeping.index)

    @OnFirstUse
    def _targets(self) -> FlagsBeside:
        from shared.application.by_kind import FlagsBeside, WhatDivides

        outside = self._outside
        beside = WhatDivides(router=outside.router, finder=outside.finder, probe=outside.probe)
        return FlagsBeside(self._flagged.targets, beside)

    @OnFirstUse
    def _reader(self) -> Reader:
        from shared.application.observed_metrics import ObservedMetrics
        from shared.application.read import Reader

        outside, targets, observed = self._outside, self._targets, self._keeping.observations
        sources = _and_pushed(outside.metrics, ObservedMetrics(observed, observed, self._clock))
        return Reader(
            targets,
            outside.promoter,
            targets,
            sources,
            targets,
            outside.hooks,
            outside.audience,
            self._claims,
        )

    @OnFirstUse
    def _performer(self) -> Performer:
        from shared.application.move_target import TargetMover
        from shared.application.perform import Performer
        from shared.application.publish import ViewPublisher

        kept, outside, clock = self._keeping, self._outside, self._clock
        mover = TargetMover(
            store=kept.store,
            router=self._targets,
            promoter=outside.promoter,
            probe=self._targets,
            audience=outside.audience,
            clock=clock,
        )
        return Performer(
            store=kept.store,
            mover=mover,
            notifier=outside.notifier,
            publisher=ViewPublisher(kept.index),
            clock=clock,
            hooks=outside.hooks,
            door=self._door,
            flags=self._flagged.driven,
            pinner=outside.pinner,
            address=outside.address,
        )

    @OnFirstUse
    def _driver(self) -> Driver:
        from shared.application.drive import Driver

        kept = self._keeping
        return Driver(kept.store, kept.queue, kept.markers, self._reader, self._performer, self._clock, self._house)

    @OnFirstUse
    def _release_driver(self) -> ReleaseDriver:
        from shared.application.release_commands import MemberCommander
        from shared.application.release_drive import ReleaseDriver
        from shared.application.release_tidings import ReleaseTeller

        kept = self._keeping
        commander, teller = MemberCommander(kept.store, self._door), ReleaseTeller(kept.store, self._door)
        return ReleaseDriver(kept.store, kept.queue, kept.markers, commander, teller, self._listing, self._clock)


def _and_pushed(outside: MetricsSources, pushed: MetricsSource) -> MetricsSources:
    """Return the sources outside, and what is pushed in where none of them stands for it."""
    from shared.domain.rollout.measuring import ObservationsSource

    asked = {kind: partial(outside.__getitem__, kind) for kind in outside}
    return BuiltOnFirstUse({ObservationsSource: lambda: pushed, **asked})
