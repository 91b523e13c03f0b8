"""What serves and changes flags, wired to its ports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from shared.adapters.flags.places import FlagPlaces, FlagProbe
from shared.adapters.flags.traffic_router import FlagRouter
from shared.adapters.re2.regexes import Re2Regexes
from shared.application.allowance import FREE, Allowance
from shared.application.by_kind import WhatDivides
from shared.application.door import Door
from shared.application.evaluations import Evaluations
from shared.application.flag_distribute import Distributions, FlagDistributor, SegmentFollowers
from shared.application.flag_drive import FlagDriver
from shared.application.flag_environments import FlagEnvironments
from shared.application.flag_publish import SnapshotPublisher
from shared.application.flag_rollouts import DriversTold, FlagsOfRollouts
from shared.application.flag_serving import MAX_AGE, FlagServer
from shared.application.flag_transfer import FlagImports
from shared.application.flag_usage import UsageNotes
from shared.application.flag_views import FlagViews
from shared.application.flags import FlagRules, Flags
from shared.application.segments import Segments
from shared.bootstrap.credentials import fixed_token, identity
from shared.bootstrap.on_first_use import BuiltOnFirstUse
from shared.bootstrap.parts import Keeping
from shared.domain.names import EnvironmentName
from shared.ports.clock import Clock
from shared.ports.flag_distribution import FlagDistribution
from shared.settings import AppConfigurationStore, LaunchDarklyEnvironment, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagOptions:
    """What the settings say of flags."""

    environments: FlagEnvironments = field(default_factory=FlagEnvironments)
    max_age: timedelta = MAX_AGE
    region: str = ""
    evaluations_per_second: float = FREE
    web_origins: frozenset[str] = frozenset()
    """Whose pages may evaluate flags from a browser."""
    distributions: Distributions = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagParts:
    """The use cases of flags."""

    server: FlagServer
    evaluations: Evaluations
    changes: Flags
    segments: Segments
    views: FlagViews
    imports: FlagImports
    driver: FlagDriver
    driven: FlagsOfRollouts
    targets: WhatDivides
    """What moves users between the variants of a flag."""


def flag_options(settings: Settings, env: Mapping[str, str]) -> FlagOptions:
    """Return what the settings say of flags."""
    environments = {EnvironmentName(name): count for name, count in settings.flag_environments.items()}
    return FlagOptions(
        environments=FlagEnvironments(environments),
        max_age=timedelta(seconds=settings.flag_max_age),
        region=settings.region,
        evaluations_per_second=settings.evaluations_per_second,
        web_origins=settings.web_origins,
        distributions=distributions(settings, env),
    )


def distributions(settings: Settings, env: Mapping[str, str]) -> Distributions:
    """Return where each environment distributes its flags to; each is built when it is first used."""

    def built(to: AppConfigurationStore | LaunchDarklyEnvironment) -> FlagDistribution:
        if isinstance(to, LaunchDarklyEnvironment):
            from shared.adapters.launchdarkly.flag_distribution import LaunchDarklyFlags

            return LaunchDarklyFlags(to.endpoint, to.project, to.environment, to.token_setting, env.get)
        from shared.adapters.app_configuration.flag_distribution import AppConfigurationFlags

        credential = fixed_token(settings.access_token) if settings.access_token else identity()
        return AppConfigurationFlags(to.endpoint, to.label, credential, allow_http=settings.allow_http)

    named = settings.flag_distribution.items()
    return BuiltOnFirstUse({EnvironmentName(name): partial(built, to) for name, to in named})


def flag_parts(keeping: Keeping, clock: Clock, options: FlagOptions) -> FlagParts:
    """Wire the use cases of flags to their ports."""
    regexes = Re2Regexes()
    server = FlagServer(keeping.snapshots, clock, regexes, max_age=options.max_age, region=options.region)
    distributions = options.distributions
    rules = FlagRules(server, options.environments, regexes, clock, tuple(distributions))
    followers = SegmentFollowers(keeping.store, server, keeping.markers, keeping.queue, distributions, clock)
    told = DriversTold(Door(keeping.store, keeping.markers, keeping.queue, clock))
    publisher = SnapshotPublisher(
        keeping.store, keeping.snapshots, clock, followers.follow, told.tell, followers.concerns
    )
    distributor = FlagDistributor(keeping.store, server, distributions, clock)
    changes = Flags(keeping.store, keeping.store, keeping.markers, keeping.queue, rules, publisher, clock)
    segments = Segments(keeping.store, keeping.store, keeping.markers, keeping.queue, server, publisher, regexes, clock)
    driven = FlagsOfRollouts(changes)
    return FlagParts(
        driven=driven,
        targets=WhatDivides(
            router=FlagRouter(driven), finder=FlagPlaces(driven, options.max_age), probe=FlagProbe(driven)
        ),
        server=server,
        evaluations=Evaluations(server, UsageNotes(keeping.usage), clock, Allowance(options.evaluations_per_second)),
        changes=changes,
        segments=segments,
        imports=FlagImports(keeping.store, changes, segments, rules, server, clock),
        views=FlagViews(changes, segments, server, rules, keeping.usage, clock),
        driver=FlagDriver(keeping.store, keeping.queue, keeping.markers, rules, publisher, distributor, clock),
    )
