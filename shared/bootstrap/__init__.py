"""The composition root: the only room that names adapters and reads the environment.

Nothing is connected at import. Each worker process builds its object graph on the first call.
"""

import os
from dataclasses import dataclass
from functools import cache, partial

from shared.adapters.system.clock import SystemClock
from shared.application.accept import Intake
from shared.application.access import Access
from shared.application.by_kind import FlagsBeside, WhatDivides
from shared.application.claims import Claims
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
from shared.application.move_target import TargetMover
from shared.application.observed import ObservationIntake
from shared.application.observed_metrics import ObservedMetrics
from shared.application.perform import Performer
from shared.application.plans import Plans
from shared.application.publish import ViewPublisher
from shared.application.read import MetricsSources, Reader
from shared.application.release_commands import MemberCommander
from shared.application.release_drive import ReleaseDriver
from shared.application.release_list import ReleaseList
from shared.application.release_tidings import ReleaseTeller
from shared.application.releases import Releases
from shared.application.segments import Segments
from shared.application.sweep import Sweep
from shared.application.views import Views
from shared.application.wake import WakeUpHandler
from shared.bootstrap.flags import FlagOptions, flag_options, flag_parts
from shared.bootstrap.on_first_use import BuiltOnFirstUse
from shared.bootstrap.outside import azure, metrics_sources
from shared.bootstrap.parts import Keeping, Outside
from shared.bootstrap.stores import embedded_broker, keeping
from shared.domain.errors import InvalidError
from shared.domain.rollout.calendar import ReleaseWindow
from shared.domain.rollout.measuring import ObservationsSource
from shared.ports.clock import Clock
from shared.ports.metrics_source import MetricsSource
from shared.settings import Settings, SettingsError
from shared.telemetry import keep_logs_clean

__all__ = ["App", "FlagOptions", "Keeping", "Outside", "app", "build", "embedded_broker", "metrics_sources"]


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The use cases, ready to be called by triggers."""

    access: Access
    intake: Intake
    events: ForeignEvents
    flagger: FlaggerQuestions
    hook_reports: HookReports
    observations: ObservationIntake
    flag_events: FlagEvents
    wake_ups: WakeUpHandler
    sweep: Sweep
    views: Views
    plans: Plans
    releases: Releases
    flags: FlagServer
    evaluations: Evaluations
    web_origins: frozenset[str]
    """Whose pages may evaluate flags from a browser."""
    flag_changes: Flags
    flag_views: FlagViews
    flag_imports: FlagImports
    flag_environments: FlagEnvironments
    segments: Segments


def build(
    keeping: Keeping,
    outside: Outside,
    access: Access,
    clock: Clock,
    house: tuple[ReleaseWindow, ...] = (),
    flags: FlagOptions | None = None,
) -> App:
    """Wire the use cases to their ports. `house` are the release windows of all applications."""
    observed = keeping.observations
    sources = _and_pushed(outside.metrics, ObservedMetrics(observed, observed, clock))
    claims = Claims(keeping.store, keeping.index, clock)
    options = flags or FlagOptions()
    flagged = flag_parts(keeping, clock, options)
    beside = WhatDivides(router=outside.router, finder=outside.finder, probe=outside.probe)
    targets = FlagsBeside(flagged.targets, beside)
    reader = Reader(
        targets,
        outside.promoter,
        targets,
        sources,
        targets,
        outside.hooks,
        outside.audience,
        claims,
    )
    publisher = ViewPublisher(keeping.index)
    door = Door(keeping.store, keeping.markers, keeping.queue, clock)
    mover = TargetMover(
        store=keeping.store,
        router=targets,
        promoter=outside.promoter,
        probe=targets,
        audience=outside.audience,
        clock=clock,
    )
    performer = Performer(
        store=keeping.store,
        mover=mover,
        notifier=outside.notifier,
        publisher=publisher,
        clock=clock,
        hooks=outside.hooks,
        door=door,
        flags=flagged.driven,
        pinner=outside.pinner,
        address=outside.address,
    )
    driver = Driver(keeping.store, keeping.queue, keeping.markers, reader, performer, clock, house)
    intake = Intake(keeping.store, keeping.store, keeping.markers, keeping.index, keeping.queue, clock, house)
    commander = MemberCommander(keeping.store, door)
    teller, listing = ReleaseTeller(keeping.store, door), ReleaseList(keeping.index)
    releases = ReleaseDriver(keeping.store, keeping.queue, keeping.markers, commander, teller, listing, clock)
    aside = LaidAside(keeping.letters, clock)
    intake_of_observations = ObservationIntake(keeping.store, observed, observed, keeping.queue, clock)
    return App(
        access=access,
        intake=intake,
        events=ForeignEvents(intake, keeping.alerts, aside, clock),
        flagger=FlaggerQuestions(keeping.store, intake, clock),
        hook_reports=HookReports(intake, access, keeping.store, keeping.store, clock, outside.secret_of),
        observations=intake_of_observations,
        flag_events=FlagEvents(
            keeping.store, keeping.index, intake_of_observations, options.environments, flagged.driven
        ),
        wake_ups=WakeUpHandler(driver, releases, flagged.driver, keeping.queue, aside, clock),
        sweep=Sweep(keeping.markers, keeping.queue, clock),
        views=Views(keeping.store, keeping.store, keeping.index, keeping.letters),
        plans=Plans(keeping.store, clock, claims, house, outside.secret_of, flagged.driven, options.environments),
        releases=Releases(keeping.store, keeping.store, door, listing),
        flags=flagged.server,
        evaluations=flagged.evaluations,
        web_origins=options.web_origins,
        flag_changes=flagged.changes,
        flag_views=flagged.views,
        flag_imports=flagged.imports,
        flag_environments=options.environments,
        segments=flagged.segments,
    )


@cache
def app() -> App:
    """Build the object graph on the first call of this worker process, never at import."""
    settings = Settings.from_env(os.environ)
    keep_logs_clean(settings)
    access = Access(settings.operator_keys, settings.source_keys, settings.flag_keys)
    house, flags = house_windows(settings), flag_options(settings, os.environ)
    return build(keeping(settings), azure(settings, os.environ), access, SystemClock(), house, flags)


def house_windows(settings: Settings) -> tuple[ReleaseWindow, ...]:
    """Return the release windows of all applications. Raises `SettingsError` that names what is wrong with them."""
    if not settings.release_windows:
        return ()
    from shared.wire.house_calendar import parse_house_windows

    try:
        return parse_house_windows(settings.release_windows)
    except InvalidError as error:
        raise SettingsError(f"SLIPWAY_RELEASE_WINDOWS: {error}") from error


def _and_pushed(outside: MetricsSources, pushed: MetricsSource) -> MetricsSources:
    """Return the sources outside, and what is pushed in where none of them stands for it."""
    asked = {kind: partial(outside.__getitem__, kind) for kind in outside}
    return BuiltOnFirstUse({ObservationsSource: lambda: pushed, **asked})
