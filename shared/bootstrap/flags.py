"""What serves and changes flags, wired to its ports."""

from dataclasses import dataclass, field
from datetime import timedelta

from shared.adapters.re2.regexes import Re2Regexes
from shared.application.allowance import FREE, Allowance
from shared.application.evaluations import Evaluations
from shared.application.flag_drive import FlagDriver
from shared.application.flag_environments import FlagEnvironments
from shared.application.flag_publish import SnapshotPublisher
from shared.application.flag_serving import MAX_AGE, FlagServer
from shared.application.flag_usage import UsageNotes
from shared.application.flag_views import FlagViews
from shared.application.flags import FlagRules, Flags
from shared.application.segments import Segments
from shared.bootstrap.parts import Keeping
from shared.domain.names import EnvironmentName
from shared.ports.clock import Clock
from shared.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagOptions:
    """What the settings say of flags."""

    environments: FlagEnvironments = field(default_factory=FlagEnvironments)
    max_age: timedelta = MAX_AGE
    region: str = ""
    evaluations_per_second: float = FREE
    web_origins: frozenset[str] = frozenset()
    """Whose pages may evaluate flags from a browser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagParts:
    """The use cases of flags."""

    server: FlagServer
    evaluations: Evaluations
    changes: Flags
    segments: Segments
    views: FlagViews
    driver: FlagDriver


def flag_options(settings: Settings) -> FlagOptions:
    """Return what the settings say of flags."""
    environments = {EnvironmentName(name): count for name, count in settings.flag_environments.items()}
    return FlagOptions(
        environments=FlagEnvironments(environments),
        max_age=timedelta(seconds=settings.flag_max_age),
        region=settings.region,
        evaluations_per_second=settings.evaluations_per_second,
        web_origins=settings.web_origins,
    )


def flag_parts(keeping: Keeping, clock: Clock, options: FlagOptions) -> FlagParts:
    """Wire the use cases of flags to their ports."""
    regexes = Re2Regexes()
    server = FlagServer(keeping.snapshots, clock, regexes, max_age=options.max_age, region=options.region)
    rules = FlagRules(server, options.environments, regexes, clock)
    publisher = SnapshotPublisher(keeping.store, keeping.snapshots, clock)
    changes = Flags(keeping.store, keeping.store, keeping.markers, keeping.queue, rules, publisher, clock)
    segments = Segments(keeping.store, keeping.store, keeping.markers, keeping.queue, server, publisher, regexes, clock)
    return FlagParts(
        server=server,
        evaluations=Evaluations(server, UsageNotes(keeping.usage), clock, Allowance(options.evaluations_per_second)),
        changes=changes,
        segments=segments,
        views=FlagViews(changes, segments, server, rules, keeping.usage, clock),
        driver=FlagDriver(keeping.store, keeping.queue, keeping.markers, rules, publisher, clock),
    )
