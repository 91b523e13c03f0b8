"""What the core's readings are about: a site with two places, as plain values that a story can change.

On a site whose versions are swapped, production is one place for good. Elsewhere the two take turns, and a rollout
says which one it found to hold its candidate: `production` and `candidate` are the first and the second place then.
It answers readings and does effects the way `shared.application` and its adapters promise to, without I/O.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.domain.analysis.measurement import Lack, Missing, Sample, Window
from shared.domain.names import ApplicationName, RolloutId, TargetName, Version
from shared.domain.rollout.audience import RequestMark
from shared.domain.rollout.commands import (
    AudienceWasSet,
    EffectDone,
    EffectFailed,
    EffectOutcome,
    EffectWaits,
    HookAnswered,
    PreviewWasSet,
    SwapNotNeeded,
    SwapWasBegun,
    TrafficWasPinned,
    WeightWasSet,
)
from shared.domain.rollout.effects import CallHook, LetGo, LevelEffect, PinTraffic, SetAudience, SetPreview, SetWeight
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.readings import (
    AudienceSeen,
    ClaimSeen,
    FaultsSeen,
    HealthSeen,
    Need,
    ReadAudience,
    ReadClaim,
    ReadFaults,
    ReadHealth,
    ReadHook,
    Readings,
    ReadPlaces,
    ReadPreview,
    ReadShare,
    ReadStaying,
    ReadSwap,
    ReadVersion,
    ReadWindows,
    Seen,
    StayingSeen,
    SwapSeen,
    Trouble,
)
from shared.domain.rollout.spec import Located, Place
from shared.domain.rollout.state import Application, OpenEffect, Rollout, Side, TargetState
from shared.domain.rollout.weight import ALL, NONE, Weight, rest

GOOD = Sample(requests=1_000, failures=1, latency_ms=50)
BAD = Sample(requests=1_000, failures=300, latency_ms=50)
IDLE = Sample(requests=0, failures=0)
NOTHING = Missing(Lack.NO_DATA, "no value")
BROKEN = Missing(Lack.ERROR, "NaN")
DONE = HookStatus(HookState.SUCCEEDED)
FIRST, SECOND = "blue", "green"


@dataclass(slots=True)
class Site:
    """One target's site."""

    production: str = "1"
    candidate: str = "2"
    share: int = 0
    """What the router sends to the candidate place, or to the second one, in 1/1000 %."""
    audience: RequestMark | None = None
    """Whose requests the router sends to the candidate place, whatever its share."""
    healthy: bool = True
    healthy_prepared: bool = True
    """Whether the candidate is well with production's settings too."""
    preview: Preview = Preview.NONE
    """Which swap with preview is pending."""
    other: ApplicationName | Trouble | None = None
    """The other application that divides this target's traffic, or why nobody can say."""
    staying: tuple[str, ...] = ()
    """The names of settings that differ and stay with their slot."""
    swapping: str | None = None
    """The token of the swap that runs."""
    failed: str | None = None
    """Why the last swap failed."""
    users_meet: Sample | Missing = GOOD
    """What every window says of the place that holds the candidate."""
    stable_meets: Sample | Missing = GOOD
    faults: tuple[str, ...] = ()
    """What is wrong with the settings of the source."""
    trouble: str | None = None
    """Why nothing can be read, or done, here."""

    def serves(self, place: Place, *, turned: bool = False) -> str:
        """Return the version in the place that is production or the candidate's this time."""
        return self.production if (place is Place.PRODUCTION) is not turned else self.candidate

    def put(self, place: Place, version: str, *, turned: bool = False) -> None:
        if (place is Place.PRODUCTION) is not turned:
            self.production = version
        else:
            self.candidate = version

    def find_places(self) -> Located:
        """Return the two places: who gets most is stable."""
        first_is_stable = self.share <= ALL / 2
        return Located(
            stable=FIRST if first_is_stable else SECOND,
            candidate=SECOND if first_is_stable else FIRST,
        )

    def finish_swap(self) -> None:
        """End the swap that runs: the places have changed their versions."""
        if self.swapping is not None:
            self.production, self.candidate, self.swapping = self.candidate, self.production, None
            self.preview = Preview.NONE

    def fail_swap(self, why: str) -> None:
        if self.swapping is not None:
            self.swapping, self.failed = None, why


def windows(since: datetime, until: datetime, length: timedelta, site: Site) -> tuple[Window, ...]:
    """Return gap-free windows that all say the same."""
    count = (until - since) // length
    return tuple(
        Window(
            start=since + index * length,
            end=since + (index + 1) * length,
            candidate=site.users_meet,
            stable=site.stable_meets,
        )
        for index in range(count)
    )


@dataclass(slots=True)
class Outside:
    """Every site of the application."""

    sites: dict[TargetName, Site] = field(default_factory=dict)
    swaps: int = 0
    hook: HookStatus = DONE
    """How every call of a hook stands."""
    let_go: set[tuple[RolloutId, TargetName]] = field(default_factory=set)
    """What a rollout lets others write again, and which one."""
    unreadable_versions: bool = False
    """Whether no place says which version it serves."""

    def site(self, name: TargetName) -> Site:
        return self.sites.setdefault(name, Site())

    def read(self, needs: Iterable[Need], state: Application | None = None) -> Readings:
        """Return what was asked for in this state; a site in trouble answers nothing."""
        return Readings({need: self._read(need, state and state.watched) for need in needs})

    def _read(self, need: Need, watched: Rollout | None) -> Seen:
        if isinstance(need, ReadHook):
            return self.hook
        site = self.site(need.target)
        turned = is_turned(watched.target(need.target) if watched else None)
        if site.trouble is not None:
            return Trouble(site.trouble)
        match need:
            case ReadPlaces():
                return site.find_places()
            case ReadVersion() if self.unreadable_versions:
                return Trouble("502")
            case ReadVersion():
                return Version(site.serves(need.place, turned=turned))
            case ReadHealth():
                prepared = site.preview is Preview.PENDING and need.place is Place.CANDIDATE
                healthy = site.healthy and (site.healthy_prepared or not prepared)
                return HealthSeen(healthy, "ok" if healthy else "503")
            case ReadShare():
                return rest(Weight(site.share)) if turned else Weight(site.share)
            case ReadAudience():
                return AudienceSeen(site.audience)
            case ReadSwap():
                return SwapSeen(running=site.swapping is not None, failed=site.failed)
            case ReadPreview():
                return site.preview
            case ReadStaying():
                return StayingSeen(site.staying)
            case ReadClaim():
                return site.other if isinstance(site.other, Trouble) else ClaimSeen(site.other)
            case ReadWindows():
                return windows(need.since, need.until, need.length, site)
            case ReadFaults():
                return FaultsSeen(site.faults)

    def do(self, state: Application, row: OpenEffect) -> EffectOutcome:
        """Do what the row asks for, at the level that is wanted now, and return the answer."""
        effect, live = row.effect, state.watched
        if isinstance(effect, CallHook):
            call = state.call(effect.call_id)
            return EffectDone(row.id) if call is None or call.is_over else HookAnswered(row.id, "token", self.hook)
        if isinstance(effect, PinTraffic):
            return TrafficWasPinned(row.id, "its traffic was pinned to v1, that served it")
        if isinstance(effect, LetGo):
            self.let_go.add((effect.rollout, effect.target))
        if not isinstance(effect, LevelEffect) or live is None or effect.rollout != live.id:
            return EffectDone(row.id)
        site, target = self.site(effect.target), live.target(effect.target)
        if site.trouble is not None:
            return EffectFailed(row.id, site.trouble)
        assert target is not None
        if isinstance(effect, SetWeight):
            share = target.share()
            if site.preview is not Preview.NONE and share != site.share:
                return EffectFailed(row.id, "the site has been prepared for a swap")
            site.share = rest(share) if is_turned(target) else share
            return WeightWasSet(row.id, target.generation, share)
        if isinstance(effect, SetAudience):
            site.audience = target.audience
            return AudienceWasSet(row.id, target.audience_level, target.audience)
        if isinstance(effect, SetPreview):
            if site.swapping is not None:
                return EffectWaits(row.id, "a swap is running", 3)
            if target.prepares is not (site.preview is Preview.PENDING) and site.preview is not Preview.FOREIGN:
                site.preview = Preview.PENDING if target.prepares else Preview.NONE
            return PreviewWasSet(row.id, target.preparing_level, site.preview)
        wanted = live.version if target.wanted_side is Side.CANDIDATE else target.stable_version
        if site.swapping is not None:
            return EffectWaits(row.id, "a swap is running", 3)
        if site.production == wanted:
            return SwapNotNeeded(row.id, target.generation)
        if site.candidate != wanted:
            return EffectFailed(row.id, f"a swap would bring {site.candidate}")
        if site.preview is Preview.FOREIGN:
            return EffectFailed(row.id, "another swap is pending")
        self.swaps += 1
        site.swapping, site.failed = f"swap-{self.swaps}", None
        return SwapWasBegun(row.id, target.generation, site.swapping)

    def is_clean(self) -> bool:
        """Whether no router sends anybody to a candidate place, of sites where versions are swapped."""
        return all(site.share == NONE for site in self.sites.values())

    def share_of_candidate(self, target: TargetState) -> Weight:
        """Return what the router sends to the place where the rollout has its candidate."""
        share = Weight(self.site(target.name).share)
        return rest(share) if is_turned(target) else share


def is_turned(target: TargetState | None) -> bool:
    """Whether the first place holds the candidate this time."""
    return target is not None and target.located is not None and target.located.candidate == FIRST
