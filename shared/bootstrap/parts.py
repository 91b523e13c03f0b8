"""What the use cases are wired to: where things are kept, and what is moved and looked at outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # who evaluates a flag does not load the words of rollouts
    from shared.application.read import MetricsSources
    from shared.ports.alert_queue import AlertQueue
    from shared.ports.archive import Archive
    from shared.ports.audience import Audience
    from shared.ports.command_queue import CommandQueue
    from shared.ports.dead_letters import DeadLetters
    from shared.ports.flag_snapshots import FlagSnapshots
    from shared.ports.flag_usage import FlagUsage
    from shared.ports.hook_caller import HookCaller
    from shared.ports.notifier import Notifier
    from shared.ports.observations import ClosedWindows, Observations
    from shared.ports.open_markers import OpenMarkers
    from shared.ports.place_finder import PlaceFinder
    from shared.ports.place_probe import PlaceProbe
    from shared.ports.promoter import Promoter
    from shared.ports.rollout_store import RolloutArchive, RolloutStore
    from shared.ports.traffic_pinner import TrafficPinner
    from shared.ports.traffic_router import TrafficRouter
    from shared.ports.view_index import ViewIndex

    class StoreAndArchive(RolloutStore, RolloutArchive, Protocol):
        """Both adapters of the store read the archive too."""

    class ObservationsAndWindows(Observations, ClosedWindows, Protocol):
        """Both adapters of observations keep their windows too."""

    class Kept(Protocol):
        """Where things are kept and how aggregates are woken, whether built at once or part by part."""

        @property
        def store(self) -> StoreAndArchive: ...
        @property
        def markers(self) -> OpenMarkers: ...
        @property
        def index(self) -> ViewIndex: ...
        @property
        def letters(self) -> DeadLetters: ...
        @property
        def observations(self) -> ObservationsAndWindows: ...
        @property
        def snapshots(self) -> FlagSnapshots: ...
        @property
        def usage(self) -> FlagUsage: ...
        @property
        def queue(self) -> CommandQueue: ...
        @property
        def alerts(self) -> AlertQueue: ...
        @property
        def archive(self) -> Archive | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Where things are kept and how aggregates are woken, all of it given."""

    store: StoreAndArchive
    markers: OpenMarkers
    index: ViewIndex
    letters: DeadLetters
    observations: ObservationsAndWindows
    snapshots: FlagSnapshots
    usage: FlagUsage
    queue: CommandQueue
    alerts: AlertQueue
    archive: Archive | None = None
    """None where nobody makes a copy of it all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What is moved and looked at."""

    router: TrafficRouter
    audience: Audience
    finder: PlaceFinder
    promoter: Promoter
    probe: PlaceProbe
    metrics: MetricsSources
    notifier: Notifier
    hooks: HookCaller
    pinner: TrafficPinner | None = None
    """None where no target sends users to versions by itself."""
    address: str = ""
    """Where this app is reached from outside; empty where nobody said."""
    secret_of: Callable[[str], str | None] = lambda _name: None
    """Returns the value of an app setting, by which a hook that calls back is known."""
