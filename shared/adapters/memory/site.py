"""Sites in memory: places that serve versions, a share, swaps that take their time, windows that follow exactly.

One object stands for the router, the promoter, the probe and the metrics of any number of targets.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import RLock

from shared.adapters.memory.simulated_site import SimulatedSite
from shared.adapters.memory.timeline import Deployed, Era
from shared.adapters.memory.trouble import Trouble
from shared.domain.analysis.measurement import Histogram, Lack, Missing, Sample, Window
from shared.domain.errors import RejectedError, SlipwayError, TryLaterError
from shared.domain.names import TargetName, Version
from shared.domain.rollout.audience import RequestMark
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import Located, Place, Target
from shared.domain.rollout.weight import ALL, NONE, Weight, rest
from shared.ports.metrics_source import WindowQuestion
from shared.ports.place_probe import Health
from shared.ports.promoter import SwapStatus

PLACES = ("blue", "green")
"""The names of a site's two places, where they take turns; the controls call them production and candidate."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a port's method, as it came in, also when it failed."""

    at: datetime
    method: str
    target: TargetName
    detail: str
    """What was asked: a share, a place, a token, a span of time; empty for `read_share` and `begin_swap`."""


class MemorySite:
    """Implements the ports of targets, places and metrics, and the controls of a scenario.

    Targets with the same resource share one site. Safe to use from several threads.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        requests_per_second: float = 10.0,
        swap_time: timedelta = timedelta(seconds=30),
        lag: timedelta = timedelta(0),
    ) -> None:
        """`lag` is how long after its end a window has values; `requests_per_second` goes to each site."""
        self.calls: list[Call] = []
        """What was asked, in order."""
        self.faults: dict[TargetName, tuple[str, ...]] = {}
        """What `find_faults` says of a target; nothing unless it is set."""
        self.slow_clients = (timedelta(0), timedelta(0))
        """How long clients take to follow a change of weight, and how long they stay with a place at weight 0."""
        self.staying: tuple[str, ...] = ()
        """The names of the settings that stay with their place in a swap and differ."""
        self.swap_time = swap_time
        self.lag = lag
        self._now = now
        self._rate = requests_per_second
        self._trouble = Trouble(now)
        self._sites: dict[str, SimulatedSite] = {}
        self._lock = RLock()

    def deploy(
        self,
        target: Target,
        place: Place,
        version: str,
        *,
        error_rate: float = 0.0,
        latency_ms: float = 10.0,
        healthy: bool = True,
        healthy_prepared: bool = True,
        latencies: Histogram | None = None,
        values: Mapping[str, float] | None = None,
    ) -> None:
        """Let a place serve a version from now on.

        `latencies` divides the requests by response time, in whatever total. `values` are by name: how many a request
        of a counter, the level of a gauge.
        """
        deployed = Deployed(
            version=Version(version),
            error_rate=error_rate,
            latency_ms=latency_ms,
            healthy=healthy,
            healthy_prepared=healthy_prepared,
            latencies=latencies,
            values=tuple((values or {}).items()),
        )
        if place is Place.PRODUCTION:
            self._change(target, lambda era: replace(era, production=deployed))
        else:
            self._change(target, lambda era: replace(era, candidate=deployed))

    def move_by_hand(self, target: Target, share: Weight) -> None:
        """Set the share as somebody else would: without a trace in `calls`."""
        self._change(target, lambda era: replace(era, share=share))

    def pin(self, target: Target, pinned: Weight) -> None:
        """Keep a share of the users at the candidate's place, whatever the rule says."""
        self._change(target, lambda era: replace(era, pinned=pinned))

    def mark(self, target: Target, marked: Weight) -> None:
        """Let so many users bear the mark of an audience, if there is one."""
        self._change(target, lambda era: replace(era, marked=marked))

    def send(self, target: Target, requests_per_second: float) -> None:
        """Change the traffic of a site from now on."""
        self._change(target, lambda era: replace(era, rate=requests_per_second))

    def preview_by_hand(self, target: Target, preview: Preview) -> None:
        """Begin or cancel a swap with preview as somebody else would: without a trace in `calls`."""
        with self._lock:
            self._site(target).preview = preview

    def fail_next_swap(self, target: Target, why: str) -> None:
        """Let the next swap be accepted and end as a failure that says `why`."""
        with self._lock:
            self._site(target).doom = why

    def forget_swaps(self, target: Target) -> None:
        """Forget the swaps that have ended, as Azure does after a while."""
        with self._lock:
            self._site(target).forget_swaps()

    def fail(
        self,
        method: str,
        error: SlipwayError | None = None,
        *,
        times: int | None = None,
        until: datetime | None = None,
        applied: bool = False,
    ) -> None:
        """Let calls of a port's method raise `error`, by default a `TryLaterError`.

        So many times, or before `until`, or until `mend`. With `applied` the call is carried out, and only its answer
        is lost. Raises ValueError for no port's method.
        """
        if method not in _METHODS:
            raise ValueError(f"{method} is not one of {', '.join(_METHODS)}")
        with self._lock:
            self._trouble.fail(
                method,
                error or TryLaterError(f"{method}: trouble on order"),
                times=times,
                until=until,
                applied=applied,
            )

    def mend(self) -> None:
        """End all trouble that `fail` ordered."""
        with self._lock:
            self._trouble.mend()

    def set_share(self, target: Target, share: Weight) -> None:
        """Send `share` of the target's traffic to the candidate place."""
        with self._called("set_share", target, str(share)):
            if not NONE <= share <= ALL:
                raise RejectedError(f"{share} is not a share")
            to_second = rest(share) if _is_turned(target) else share
            if self._site(target).era().share != to_second:
                if self._site(target).read_preview() is not Preview.NONE:
                    raise TryLaterError("the site cannot be changed: its settings have been prepared for a swap")
                self._change(target, lambda era: replace(era, share=to_second))

    def read_share(self, target: Target) -> Weight:
        """Return the share in force."""
        with self._called("read_share", target):
            to_second = self._site(target).era().share
            return rest(to_second) if _is_turned(target) else to_second

    def set_audience(self, target: Target, mark: RequestMark | None) -> None:
        """Send requests with this mark to the candidate place."""
        with self._called("set_audience", target, mark.name if mark else ""):
            at = turned(target, Place.CANDIDATE)
            self._change(target, lambda era: replace(era, audience=mark, audience_at=at))

    def read_audience(self, target: Target) -> RequestMark | None:
        """Return the mark in force."""
        with self._called("read_audience", target):
            return self._site(target).era().audience

    def find_places(self, target: Target, candidate: Version) -> Located:
        """Return the two places: who gets most is stable. `settles` and `pins` are what `slow_clients` says."""
        with self._called("find_places", target, candidate):
            settles, pins = self.slow_clients
            first, second = PLACES if self._site(target).era().share <= ALL / 2 else PLACES[::-1]
            return Located(stable=first, candidate=second, settles=settles, pins=pins)

    def begin_swap(self, target: Target) -> str:
        """Begin a swap that ends `swap_time` from now."""
        with self._called("begin_swap", target):
            return self._site(target).begin_swap(self.swap_time)

    def read_swap(self, target: Target, token: str | None) -> SwapStatus:
        """Return how far the swap is; without a token, whether any runs."""
        with self._called("read_swap", target, token or ""):
            return self._site(target).read_swap(token)

    def apply_preview(self, target: Target) -> None:
        """Let the candidate's place run with production's settings, from now on."""
        with self._called("apply_preview", target):
            self._site(target).apply_preview()

    def reset_preview(self, target: Target) -> None:
        """Let the candidate's place run with its own settings again."""
        with self._called("reset_preview", target):
            self._site(target).reset_preview()

    def read_preview(self, target: Target) -> Preview:
        """Return which swap with preview is pending."""
        with self._called("read_preview", target):
            return self._site(target).read_preview()

    def read_staying(self, target: Target) -> tuple[str, ...]:
        """Return `staying`."""
        with self._called("read_staying", target):
            return self.staying

    def read_version(self, target: Target, place: Place) -> Version:
        """Return the version that the place serves right now."""
        with self._called("read_version", target, place):
            return self._deployed(target, place).version

    def read_health(self, target: Target, place: Place) -> Health:
        """Ask the place whether it is well."""
        with self._called("read_health", target, place):
            deployed = self._deployed(target, place)
            is_prepared = place is Place.CANDIDATE and self._site(target).read_preview() is Preview.PENDING
            healthy = deployed.healthy and (deployed.healthy_prepared or not is_prepared)
            return Health(healthy, f"GET {target.health.path} answered {200 if healthy else 503}")

    def read_windows(self, question: WindowQuestion) -> tuple[Window, ...]:
        """Return what each arm's place met, whatever version it held, ascending, gap-free."""
        span = f"{question.since:%H:%M:%S}-{question.until:%H:%M:%S}"
        with self._called("read_windows", question.target, span):
            assert (question.since - _EPOCH) % question.length == timedelta(0)
            assert (question.until - _EPOCH) % question.length == timedelta(0)
            return tuple(
                Window(
                    start=start,
                    end=start + question.length,
                    candidate=self._sample(question, question.candidate.place, start),
                    stable=self._sample(question, question.stable.place, start),
                )
                for start in question.starts()
            )

    def find_faults(self, question: WindowQuestion) -> tuple[str, ...]:
        """Return the target's `faults`."""
        with self._called("find_faults", question.target):
            return self.faults.get(question.target.name, ())

    def _sample(self, question: WindowQuestion, place: Place, start: datetime) -> Sample | Missing:
        end = start + question.length
        if end + self.lag > self._now():
            return Missing(Lack.NO_DATA, "this window has no values yet")
        return self._site(question.target).sample(turned(question.target, place), start, end, question.values)

    def _deployed(self, target: Target, place: Place) -> Deployed:
        deployed = self._site(target).era().at(turned(target, place))
        if deployed is None:
            raise TryLaterError(f"target {target.name}: nothing answers at its {place} place")
        return deployed

    def _site(self, target: Target) -> SimulatedSite:
        key = target.resource.lower()
        if key not in self._sites:
            self._sites[key] = SimulatedSite(self._now, self._rate)
        return self._sites[key]

    def _change(self, target: Target, change: Callable[[Era], Era]) -> None:
        with self._lock:
            self._site(target).change(change)

    @contextmanager
    def _called(self, method: str, target: Target, detail: str = "") -> Iterator[None]:
        with self._lock:
            self.calls.append(Call(self._now(), method, target.name, detail))
            with self._trouble.meet(method):
                yield


def _is_turned(target: Target) -> bool:
    """Whether the first place holds the candidate this time: the two take turns where nothing is swapped."""
    return target.located is not None and target.located.candidate == PLACES[0]


def turned(target: Target, place: Place) -> Place:
    """Return which of the two places is meant: where nothing is swapped they take turns."""
    if not _is_turned(target):
        return place
    return Place.CANDIDATE if place is Place.PRODUCTION else Place.PRODUCTION


_METHODS = (
    "find_places",
    "set_share",
    "read_share",
    "set_audience",
    "read_audience",
    "begin_swap",
    "read_swap",
    "apply_preview",
    "reset_preview",
    "read_preview",
    "read_staying",
    "read_version",
    "read_health",
    "read_windows",
    "find_faults",
)
