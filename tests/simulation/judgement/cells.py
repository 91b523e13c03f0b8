"""The cells of the table: a scenario at one traffic, window length, lag and ramp, and what is asked of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tests.simulation.judgement.peers import PEERS
from tests.simulation.judgement.ramps import RAMPS
from tests.simulation.judgement.scenarios import SCENARIOS, Scenario


@dataclass(frozen=True, slots=True)
class Cell:
    """One row. Defaults are the terms of the goals: 50 requests/s, 1-minute windows one window late, 5/10/25/50 %."""

    scenario: str
    base: float = 0.01
    rps: float = 50.0
    window_seconds: int = 60
    lag: int = 1
    ramp: str = "5"
    driver: str = "slipway"
    smallest: float = 0.0
    """The smallest regression to see, which the ramp follows from then."""
    hours: int = 1
    """How long is looked."""

    @property
    def world(self) -> str:
        """Name what a run's random numbers depend on: the same for every driver and ramp."""
        longer = f"/{self.hours}h" if self.hours > 1 else ""
        return f"{self.scenario}/{self.base:g}/{self.rps:g}/{self.window_seconds}/{self.lag}{longer}"

    @property
    def key(self) -> str:
        """Name the cell."""
        return f"{self.world}/{self.ramp_name}/{self.driver}"

    @property
    def ramp_name(self) -> str:
        """Name the ramp: by its first weight in percent, or by what it must see."""
        return f"sees x{self.smallest:g}" if self.smallest else self.ramp

    @property
    def what(self) -> Scenario:
        """Return the scenario itself."""
        return SCENARIOS[self.scenario]


BASES = (0.001, 0.01)
TRAFFICS = (5.0, 50.0, 500.0)
NAMED_HEALTHY = (
    "aa",
    "burst",
    "clusters4",
    "clusters15",
    "ranef",
    "ar1",
    "diurnal",
    "cold2",
    "late",
    "null_edge",
    "null_edge_clusters",
    "null_edge_latency",
)
NAMED_BAD = (
    "x2",
    "x5",
    "p1",
    "p5",
    "total",
    "lat12",
    "lat20x",
    "slow_burn",
    "load_dep",
    "x5_burst",
    "x5_clusters",
)
FURTHER_HEALTHY = (
    "early_burst",
    "bursts",
    "burst_out_of_step",
    "heavy_bursts",
    "heavy_bursts_out_of_step",
    "cold5",
    "cold_again",
    "sticky",
    "late_gaps",
    "revised",
    "wild_client",
    "lost50",
    "lost10",
)
FURTHER_BAD = ("x5_early_burst", "x5_bursts", "crashed", "silent", "tail_p999", "tail_p9995", "x15")
SHORT_WINDOW = 15


def short() -> tuple[Cell, ...]:
    """Return the few cells of `make bench`."""
    return (
        Cell("aa"),
        Cell("clusters15"),
        Cell("null_edge"),
        Cell("total", 0.001, ramp="1", window_seconds=SHORT_WINDOW, lag=0),
        Cell("p5", 0.001),
        Cell("x5"),
        Cell("slow_burn", 0.001),
    )


def quick() -> tuple[Cell, ...]:
    """Return one cell for each scenario of the goals, and those that have goals of their own."""
    return (
        *(Cell(name) for name in NAMED_HEALTHY),
        Cell("clusters4", 0.001),
        Cell("ar1", rps=500),
        Cell("cold2", rps=500),
        Cell("aa", lag=0),
        Cell("aa", 0.001),
        Cell("aa", rps=5),
        Cell("aa", 0.001, window_seconds=SHORT_WINDOW, lag=0),
        *_goals(),
        *(Cell(name) for name in ("x2", "lat12", "lat20x", "load_dep", "x5_burst", "x5_clusters")),
        Cell("x5_clusters", 0.001),
    )


def further() -> tuple[Cell, ...]:
    """Return one cell for each further scenario."""
    return tuple(Cell(name) for name in (*FURTHER_HEALTHY, *FURTHER_BAD))


def full() -> tuple[Cell, ...]:
    """Return the whole table: ours first, then the peers beside ours on the terms of the goals."""
    return tuple(dict.fromkeys((*_ours(), *peers())))


def _ours() -> tuple[Cell, ...]:
    further = (*FURTHER_HEALTHY, *FURTHER_BAD)
    return (
        *named(),
        *(Cell(name, ramp="1") for name in NAMED_HEALTHY),
        *(Cell(name, base, ramp=ramp) for base in BASES for ramp in RAMPS for name in NAMED_BAD),
        *(Cell(name, rps=rps) for rps in (5.0, 500.0) for name in NAMED_BAD),
        *(Cell(name, 0.001, lag=lag) for lag in (0, 3) for name in ("aa", "total", "p5")),
        *(Cell(name, base) for base in BASES for name in further),
        *(Cell(name, rps=500.0) for name in FURTHER_HEALTHY),
        *(Cell(name, rps=1.0) for name in ("aa", "cold2", "clusters4", "null_edge", "x5", "p5", "total", "silent")),
        *(Cell(name, 0.01, 50.0, SHORT_WINDOW, 0) for name in (*NAMED_HEALTHY, *further)),
        *(Cell(name, 0.01, 50.0, SHORT_WINDOW, 0, "1") for name in (*NAMED_HEALTHY, "cold5", "cold_again")),
        *short_against_long(),
        *smallest(),
    )


def named() -> tuple[Cell, ...]:
    """Return what the goals name: every healthy case at each base rate and traffic, and every regression."""
    bad = (Cell(name, base) for base in BASES for name in NAMED_BAD)
    quick_ones = (Cell("aa", lag=0), Cell("aa", 0.001, lag=0), Cell("aa", 0.001, window_seconds=SHORT_WINDOW, lag=0))
    return tuple(dict.fromkeys((*_goals(), *bad, *quick_ones, *healthy())))


def healthy() -> tuple[Cell, ...]:
    """Return every healthy case of the goals at each base rate and traffic."""
    return tuple(Cell(name, base, rps) for base in BASES for rps in TRAFFICS for name in NAMED_HEALTHY)


def peers() -> tuple[Cell, ...]:
    """Return what is said of ours on the terms of the goals, with the peers beside it."""
    cells = (*(Cell(name, base) for base in BASES for name in (*NAMED_HEALTHY, *NAMED_BAD)), Cell("late_gaps"))
    return beside_peers(cells, PEERS)


def short_against_long() -> tuple[Cell, ...]:
    """Return every regression with 15-second windows and with 60-second ones, both without lag."""
    return tuple(
        Cell(name, base, 50.0, seconds, 0, ramp)
        for base, ramp in ((0.001, "1"), (0.01, "5"))
        for name in (*NAMED_BAD, "tail_p999")
        for seconds in (SHORT_WINDOW, 60)
    )


def beside_peers(cells: Iterable[Cell], peers: Iterable[str]) -> tuple[Cell, ...]:
    """Return each cell followed by the same world under each of the peers."""
    drivers = tuple(peers)
    return tuple(each for cell in cells for each in (cell, *(replace(cell, driver=driver) for driver in drivers)))


def _goals() -> tuple[Cell, ...]:
    return (
        Cell("total", 0.001),
        Cell("total", 0.001, ramp="1"),
        Cell("total", 0.001, window_seconds=SHORT_WINDOW, lag=0, ramp="1"),
        Cell("p5", 0.001),
        Cell("p1", 0.001),
        Cell("x5", 0.01),
        Cell("x5", 0.001),
        Cell("slow_burn", 0.001),
    )


def smallest() -> tuple[Cell, ...]:
    """Return what a ramp does that follows from the smallest regression to see, on that regression and on none."""
    asked = ((0.01, "x2", 2.0, 4), (0.01, "x5", 5.0, 2), (0.001, "x5", 5.0, 4))
    return tuple(
        Cell(name, base, smallest=factor, hours=hours) for base, bad, factor, hours in asked for name in (bad, "aa")
    )


CELLS = {
    "short": short,
    "quick": quick,
    "named": named,
    "healthy": healthy,
    "further": further,
    "windows": short_against_long,
    "smallest": smallest,
    "peers": peers,
    "full": full,
}
