"""What the core asks to see before it decides, and what was seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.analysis.measurement import Window
from shared.domain.names import ApplicationName, TargetName, Version
from shared.domain.rollout.audience import RequestMark
from shared.domain.rollout.hooks import HookCall, HookStatus
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import Located, Place
from shared.domain.rollout.weight import Weight


@dataclass(frozen=True, slots=True)
class ReadVersion:
    """Which version does the place serve?"""

    target: TargetName
    place: Place


@dataclass(frozen=True, slots=True)
class ReadPlaces:
    """Which places behind the target hold the stable version and the candidate?"""

    target: TargetName
    candidate: Version


@dataclass(frozen=True, slots=True)
class ReadHealth:
    """Is the place healthy?"""

    target: TargetName
    place: Place


@dataclass(frozen=True, slots=True)
class ReadShare:
    """Which share of users does the router send to the candidate place?"""

    target: TargetName


@dataclass(frozen=True, slots=True)
class ReadAudience:
    """Which marked requests does the router send to the candidate place?"""

    target: TargetName


@dataclass(frozen=True, slots=True)
class ReadSwap:
    """Is a swap running, and how did the last one of ours end?"""

    target: TargetName
    token: str | None


@dataclass(frozen=True, slots=True)
class ReadPreview:
    """Which swap with preview is pending?"""

    target: TargetName


@dataclass(frozen=True, slots=True)
class ReadStaying:
    """Which settings stay with their place in a swap, and differ?"""

    target: TargetName


@dataclass(frozen=True, slots=True)
class ReadClaim:
    """Which other application divides the target's traffic too?"""

    target: TargetName


@dataclass(frozen=True, slots=True)
class ReadHook:
    """How does a hook's call stand?"""

    call: HookCall
    token: str
    call_id: str


@dataclass(frozen=True, slots=True)
class ReadWindows:
    """What did users meet from `since` to `until`, in windows of `length`? `measured_at` holds the candidate."""

    target: TargetName
    since: datetime
    until: datetime
    length: timedelta
    measured_at: Place
    candidate: Version | None = None
    """The version whose users are the candidate's, for sources that tell versions apart and not places."""
    stable: Version | None = None
    """The stable version; None: whatever is not the candidate."""


@dataclass(frozen=True, slots=True)
class ReadFaults:
    """Is anything wrong with the source's own settings, seen over these windows?"""

    target: TargetName
    since: datetime
    until: datetime
    length: timedelta
    candidate: Version | None = None
    stable: Version | None = None


TargetNeed = (
    ReadPlaces
    | ReadVersion
    | ReadHealth
    | ReadShare
    | ReadAudience
    | ReadSwap
    | ReadPreview
    | ReadStaying
    | ReadClaim
    | ReadWindows
    | ReadFaults
)
Need = ReadHook | TargetNeed


@dataclass(frozen=True, slots=True)
class Trouble:
    """The reading failed. It is a reading too: never a pass, never an exception that loses the command."""

    why: str


@dataclass(frozen=True, slots=True)
class HealthSeen:
    """What a health check found."""

    healthy: bool
    detail: str


@dataclass(frozen=True, slots=True)
class AudienceSeen:
    """Which mark is in force; None: there is no audience."""

    mark: RequestMark | None


@dataclass(frozen=True, slots=True)
class SwapSeen:
    """What the platform says of swaps."""

    running: bool
    failed: str | None = None
    """Why our swap failed, if it did."""


@dataclass(frozen=True, slots=True)
class StayingSeen:
    """The names of the settings that stay with their place in a swap, and differ."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimSeen:
    """The other application that has the target; None: there is none."""

    other: ApplicationName | None


@dataclass(frozen=True, slots=True)
class FaultsSeen:
    """What is wrong with the settings of a source, each in one sentence; none: nothing."""

    faults: tuple[str, ...]


Seen = (
    Version
    | HookStatus
    | Located
    | HealthSeen
    | Weight
    | AudienceSeen
    | SwapSeen
    | Preview
    | StayingSeen
    | ClaimSeen
    | tuple[Window, ...]
    | FaultsSeen
    | Trouble
)


@dataclass(frozen=True, slots=True)
class Readings:
    """What was read for one decision."""

    seen: Mapping[Need, Seen]

    def version(self, target: TargetName, place: Place) -> str | Trouble:
        """Return the version that the place was seen to serve."""
        seen = self._seen(ReadVersion(target, place))
        return seen if isinstance(seen, str | Trouble) else Trouble("not a version")

    def hook(self, call_id: str) -> HookStatus | Trouble | None:
        """Return how a hook's call stands; None when that was not asked for."""
        for need, seen in self.seen.items():
            if isinstance(need, ReadHook) and need.call_id == call_id:
                return seen if isinstance(seen, HookStatus | Trouble) else Trouble("not a hook's status")
        return None

    def places(self, target: TargetName) -> Located | Trouble | None:
        """Return where the versions are; None when that was not asked for."""
        for need, seen in self.seen.items():
            if isinstance(need, ReadPlaces) and need.target == target:
                return seen if isinstance(seen, Located | Trouble) else Trouble("not places")
        return None

    @property
    def is_check(self) -> bool:
        """Whether it was asked which versions are served, and not only what was measured."""
        return any(isinstance(need, ReadVersion) for need in self.seen)

    def health(self, target: TargetName, place: Place) -> HealthSeen | Trouble:
        """Return how the place answered its health check."""
        seen = self._seen(ReadHealth(target, place))
        return seen if isinstance(seen, HealthSeen | Trouble) else Trouble("not a health check")

    def share(self, target: TargetName) -> Weight | Trouble:
        """Return the share that the router sends to the candidate place."""
        seen = self._seen(ReadShare(target))
        return seen if isinstance(seen, Trouble) else Weight(seen) if isinstance(seen, int) else Trouble("not a share")

    def audience(self, target: TargetName) -> AudienceSeen | Trouble:
        """Return which marked requests the router sends to the candidate place."""
        seen = self._seen(ReadAudience(target))
        return seen if isinstance(seen, AudienceSeen | Trouble) else Trouble("not an audience")

    def swap(self, target: TargetName, token: str | None) -> SwapSeen | Trouble:
        """Return what the platform says of swaps."""
        seen = self._seen(ReadSwap(target, token))
        return seen if isinstance(seen, SwapSeen | Trouble) else Trouble("not a swap")

    def preview(self, target: TargetName) -> Preview | Trouble | None:
        """Return which swap with preview is pending; None when that was not asked for."""
        seen = self.seen.get(ReadPreview(target))
        return seen if seen is None or isinstance(seen, Preview | Trouble) else Trouble("not a preview")

    def staying(self, target: TargetName) -> StayingSeen | Trouble | None:
        """Return which settings stay with their place and differ; None when that was not asked for."""
        seen = self.seen.get(ReadStaying(target))
        return seen if seen is None or isinstance(seen, StayingSeen | Trouble) else Trouble("not settings")

    def claim(self, target: TargetName) -> ClaimSeen | Trouble | None:
        """Return which other application has the target; None when that was not asked for."""
        seen = self.seen.get(ReadClaim(target))
        return seen if seen is None or isinstance(seen, ClaimSeen | Trouble) else Trouble("not a claim")

    def windows(self, target: TargetName) -> tuple[Window, ...] | Trouble:
        """Return the windows that were asked for; none when none were."""
        for need, seen in self.seen.items():
            if isinstance(need, ReadWindows) and need.target == target:
                return seen if isinstance(seen, tuple | Trouble) else Trouble("not windows")
        return ()

    def faults(self, target: TargetName) -> FaultsSeen | Trouble | None:
        """Return what is wrong with the source of a target; None when that was not asked for."""
        for need, seen in self.seen.items():
            if isinstance(need, ReadFaults) and need.target == target:
                return seen if isinstance(seen, FaultsSeen | Trouble) else Trouble("not faults")
        return None

    def _seen(self, need: Need) -> Seen:
        return self.seen.get(need, Trouble("not read"))


NOTHING_READ = Readings({})
