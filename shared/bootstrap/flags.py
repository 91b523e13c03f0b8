"""What serves and changes flags, wired to its ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from shared.application.allowance import FREE, Allowance
from shared.application.flag_environments import FlagEnvironments
from shared.bootstrap.credentials import fixed_token, identity
from shared.bootstrap.on_first_use import BuiltOnFirstUse, OnFirstUse
from shared.domain.names import EnvironmentName
from shared.settings import AppConfigurationStore, LaunchDarklyEnvironment, Settings

if TYPE_CHECKING:
    from shared.application.by_kind import WhatDivides
    from shared.application.evaluations import Evaluations
    from shared.application.flag_chunks import Room
    from shared.application.flag_distribute import Distributions
    from shared.application.flag_drive import FlagDriver
    from shared.application.flag_publish import SnapshotPublisher
    from shared.application.flag_rollouts import FlagsOfRollouts
    from shared.application.flag_serving import FlagServer
    from shared.application.flag_transfer import FlagImports
    from shared.application.flag_turns import Turns
    from shared.application.flag_views import FlagViews
    from shared.application.flags import FlagRules, Flags
    from shared.application.segments import Segments
    from shared.bootstrap.parts import Kept
    from shared.domain.flags.operators import Regexes
    from shared.ports.clock import Clock
    from shared.ports.flag_distribution import FlagDistribution


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagOptions:
    """What the settings say of flags."""

    environments: FlagEnvironments = field(default_factory=FlagEnvironments)
    max_age: timedelta = timedelta(seconds=5)
    region: str = ""
    evaluations_per_second: float = FREE
    web_origins: frozenset[str] = frozenset()
    """Whose pages may evaluate flags from a browser."""
    distributions: Distributions = field(default_factory=dict)


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


class FlagParts:
    """The use cases of flags. What evaluates them is built without what changes them."""

    def __init__(self, keeping: Kept, clock: Clock, options: FlagOptions) -> None:
        self._keeping = keeping
        self._clock = clock
        self._options = options

    @OnFirstUse
    def server(self) -> FlagServer:
        """Serves the flags of each environment from memory."""
        from shared.application.flag_serving import FlagServer

        options = self._options
        return FlagServer(
            self._keeping.snapshots, self._clock, self._regexes, max_age=options.max_age, region=options.region
        )

    @OnFirstUse
    def evaluations(self) -> Evaluations:
        """What contexts get."""
        from shared.application.evaluations import Evaluations
        from shared.application.flag_usage import UsageNotes

        notes, allowance = UsageNotes(self._keeping.usage), Allowance(self._options.evaluations_per_second)
        return Evaluations(self.server, notes, self._clock, allowance)

    @OnFirstUse
    def changes(self) -> Flags:
        """Changes flags."""
        from shared.application.flags import Flags

        kept = self._keeping
        return Flags(
            kept.store,
            kept.store,
            kept.markers,
            kept.queue,
            self._rules,
            self.publisher,
            self._turns,
            self._clock,
        )

    @OnFirstUse
    def segments(self) -> Segments:
        """Changes segments."""
        from shared.application.segments import Segments

        kept = self._keeping
        return Segments(
            kept.store,
            kept.store,
            kept.markers,
            kept.queue,
            self.server,
            self.publisher,
            self._turns,
            self._room,
            self._regexes,
            self._clock,
        )

    @OnFirstUse
    def views(self) -> FlagViews:
        """Shows flags and segments."""
        from shared.application.flag_views import FlagViews

        return FlagViews(self.changes, self.segments, self.server, self._rules, self._keeping.usage, self._clock)

    @OnFirstUse
    def imports(self) -> FlagImports:
        """Takes whole documents in, and gives them out."""
        from shared.application.flag_transfer import FlagImports

        return FlagImports(self._keeping.store, self.changes, self.segments, self._rules, self.server, self._clock)

    @OnFirstUse
    def driver(self) -> FlagDriver:
        """Drives what is due of a flag or a segment."""
        from shared.application.flag_distribute import FlagDistributor
        from shared.application.flag_drive import FlagDriver

        kept = self._keeping
        distributor = FlagDistributor(kept.store, self.server, self._options.distributions, self._clock)
        return FlagDriver(
            kept.store,
            kept.queue,
            kept.markers,
            self._rules,
            self.publisher,
            distributor,
            self._turns,
            self._clock,
        )

    @OnFirstUse
    def driven(self) -> FlagsOfRollouts:
        """The flags that rollouts drive."""
        from shared.application.flag_rollouts import FlagsOfRollouts

        return FlagsOfRollouts(self.changes)

    @OnFirstUse
    def targets(self) -> WhatDivides:
        """What moves users between the variants of a flag."""
        from shared.adapters.flags.places import FlagPlaces, FlagProbe
        from shared.adapters.flags.traffic_router import FlagRouter
        from shared.application.by_kind import WhatDivides

        return WhatDivides(
            router=FlagRouter(self.driven),
            finder=FlagPlaces(self.driven, self._options.max_age),
            probe=FlagProbe(self.driven),
        )

    @OnFirstUse
    def _regexes(self) -> Regexes:
        from shared.adapters.re2.regexes import Re2Regexes

        return Re2Regexes()

    @OnFirstUse
    def _rules(self) -> FlagRules:
        from shared.application.flags import FlagRules

        options = self._options
        return FlagRules(
            self.server,
            options.environments,
            self._regexes,
            self._clock,
            self._room,
            tuple(options.distributions),
        )

    @OnFirstUse
    def _room(self) -> Room:
        from shared.application.flag_chunks import Room

        return Room(self._keeping.snapshots, self._clock)

    @OnFirstUse
    def _turns(self) -> Turns:
        from shared.application.flag_turns import Turns

        return Turns(self._keeping.store, self._keeping.snapshots, self.publisher, self._clock)

    @OnFirstUse
    def publisher(self) -> SnapshotPublisher:
        """Puts what was decided in force."""
        from shared.application.door import Door
        from shared.application.flag_distribute import SegmentFollowers
        from shared.application.flag_publish import SnapshotPublisher
        from shared.application.flag_rollouts import DriversTold

        kept, clock = self._keeping, self._clock
        followers = SegmentFollowers(
            kept.store, self.server, kept.markers, kept.queue, self._options.distributions, clock
        )
        told = DriversTold(Door(kept.store, kept.markers, kept.queue, clock))
        return SnapshotPublisher(
            kept.store,
            kept.snapshots,
            clock,
            followers.follow,
            told.tell,
            followers.concerns,
            kept.usage.forget,
        )
