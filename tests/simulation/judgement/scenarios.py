"""What can happen to a release: the rates of both arms over time, the noise on them, the faults of the windows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursts:
    """Trouble that both arms share, such as a failing database."""

    errors: float
    """Share of requests that fail, on top of the others."""
    latency: float = 2.0
    minutes: float = 2.0
    per_hour: float = 0.0
    """Bursts an hour, at random times, in history too. 0: just one, in the release."""
    within: float = 20.0
    """The one burst begins in so many minutes from the begin of the release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cold:
    """New instances of the candidate are slow and fail now and then."""

    minutes: float
    errors: float = 0.03
    slow: float = 0.3
    """This share of requests takes `slower` times as long."""
    slower: float = 8.0
    at_every_increase: bool = False
    """Each increase of the weight adds instances: 1 - old weight / new weight of them are cold again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A release and its surroundings. A field left out is calm: the candidate is the stable version again."""

    name: str
    healthy: bool
    """Whether taking the candidate back would be wrong."""

    ratio: float = 1.0
    """The candidate's error rate is `ratio` times the stable's plus `points`."""
    points: float = 0.0
    grows_over: float = 0.0
    """Minutes over which `points` grow from nothing."""
    from_weight: float = 0.0
    """The candidate is only bad at this weight (a fraction) and above."""
    latency: float = 1.0
    """The candidate takes so many times as long."""
    heavier: float = 1.0
    """So many times as many of the candidate's requests take longer than 200 ms."""
    outliers: float = 0.0
    """This share of the candidate's requests takes 5 s."""
    cold: Cold | None = None

    bursts: Bursts | None = None
    cluster: float = 1.0
    """Failures come in clusters (a client that retries) of geometric size with this mean, each in one arm."""
    gamma_cv: float = 0.0
    """Each arm's error rate is multiplied by gamma noise of mean 1 in each minute."""
    ar_rho: float = 0.0
    """Each arm's error rate is multiplied by exp(AR(1)), with this correlation from minute to minute."""
    ar_sd: float = 0.0
    day_and_night: bool = False
    """Over an hour traffic goes from 0.4 to 1.6 times, errors from 0.5 to 2 times."""
    wild_client: bool = False
    """About three times an hour, in history at least once, one client sends 2 s worth of failing requests to stable
    within a minute; and once, in the first ten minutes, to the candidate."""

    late: float = 0.0
    """This share of windows comes `late_minutes` late."""
    late_minutes: float = 3.0
    lost: float = 0.0
    gaps_are_announced: bool = False
    """A window that is late or lost is delivered in time as "no data"."""
    repeated: bool = False
    """Every window is delivered again a window later, with other numbers."""
    out_of_step: int = 0
    """The candidate's clock is so many windows behind."""
    reports: float = 1.0
    """Share of the candidate's requests that are reported at all."""
    silent: bool = False
    """The source has no data for the candidate."""
    sticky_minutes: float = 0.0
    """Clients keep their arm: the real share nears the wanted one with this time constant."""


def _healthy(name: str, **what: object) -> Scenario:
    return Scenario(name=name, healthy=True, **what)  # type: ignore[arg-type]


def _bad(name: str, **what: object) -> Scenario:
    return Scenario(name=name, healthy=False, **what)  # type: ignore[arg-type]


_BURST = Bursts(errors=0.2)
_BURSTS = Bursts(errors=0.2, per_hour=3.0)
_EDGE = {"ratio": 1.25, "points": 0.0005}

_ALL = (
    _healthy("aa"),
    _healthy("burst", bursts=_BURST),
    _healthy("clusters4", cluster=4.0),
    _healthy("clusters15", cluster=15.0),
    _healthy("ranef", gamma_cv=0.4),
    _healthy("ar1", ar_rho=0.8, ar_sd=0.3),
    _healthy("diurnal", day_and_night=True),
    _healthy("cold2", cold=Cold(minutes=2)),
    _healthy("late", late=0.15, lost=0.05),
    _healthy("null_edge", **_EDGE),
    _healthy("null_edge_clusters", cluster=4.0, **_EDGE),
    _healthy("null_edge_latency", heavier=1.29),
    _bad("x2", ratio=2.0),
    _bad("x5", ratio=5.0),
    _bad("p1", points=0.01),
    _bad("p5", points=0.05),
    _bad("total", points=1.0),
    _bad("lat12", latency=1.2),
    _bad("lat20x", latency=2.0),
    _bad("slow_burn", points=0.05, grows_over=30.0),
    _bad("load_dep", points=0.05, from_weight=0.25),
    _bad("x5_burst", ratio=5.0, bursts=_BURST),
    _bad("x5_clusters", ratio=5.0, cluster=4.0),
    _healthy("early_burst", bursts=Bursts(errors=0.2, within=2.0)),
    _bad("x5_early_burst", ratio=5.0, bursts=Bursts(errors=0.2, within=2.0)),
    _healthy("bursts", bursts=_BURSTS),
    _bad("x5_bursts", ratio=5.0, bursts=_BURSTS),
    _healthy("burst_out_of_step", bursts=_BURST, out_of_step=1),
    _healthy("heavy_bursts", bursts=Bursts(errors=0.4, per_hour=3.0)),
    _healthy("heavy_bursts_out_of_step", bursts=Bursts(errors=0.4, per_hour=3.0), out_of_step=1),
    _healthy("cold5", cold=Cold(minutes=5)),
    _healthy("cold_again", cold=Cold(minutes=2, at_every_increase=True)),
    _healthy("sticky", sticky_minutes=3.0),
    _healthy("late_gaps", late=0.15, lost=0.05, gaps_are_announced=True),
    _healthy("revised", repeated=True),
    _healthy("wild_client", wild_client=True),
    _healthy("lost50", reports=0.5),
    _healthy("lost10", reports=0.9),
    _bad("crashed", points=1.0, reports=0.0),
    _bad("silent", points=1.0, silent=True),
    _bad("tail_p999", outliers=0.01),
    _bad("tail_p9995", outliers=0.003),
    _bad("x15", ratio=1.5),
)

SCENARIOS = {scenario.name: scenario for scenario in _ALL}
