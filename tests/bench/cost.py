"""What rollouts ask of Azure, counted on the real adapters, and what that comes to in a month.

`make cost` counts three releases on Table Storage (Azurite) and the embedded queue, and writes docs/cost.md.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from shared.adapters.azure_tables.dead_letters import TableDeadLetters
from shared.adapters.azure_tables.observations import TableObservations
from shared.adapters.azure_tables.open_markers import TableOpenMarkers
from shared.adapters.azure_tables.rollout_store import TableRolloutStore
from shared.adapters.azure_tables.table import Table
from shared.adapters.azure_tables.view_index import TableViewIndex
from shared.bootstrap import Keeping
from shared.domain.names import RolloutId
from shared.domain.rollout.spec import Place
from tests import command_line
from tests.azurite import Azurite, install
from tests.command_line import asked_of
from tests.scenario.world import SPEC, VirtualClock, World

MONTH_HOURS = 730
RELEASES_A_MONTH = 30
"""Of each application: one a day."""
SIZES = (10, 1_000, 100_000)

TABLE_OPERATION = 0.00036 / 10_000
"""Dollars; a row of a transaction counts as an operation of its own."""
TABLE_GIB_MONTH = 0.045
SERVICE_BUS_HOUR = 0.0135
SERVICE_BUS_MILLION = ((13, 0.0), (87, 0.80), (2_400, 0.50), (float("inf"), 0.20))
"""Of operations in a month: how many millions more, and what each million of them costs."""
GIB_SECOND, GIB_SECONDS_FREE = 0.000026, 100_000
EXECUTION, EXECUTIONS_FREE = 0.40 / 1_000_000, 250_000
INSTANCE_GIB = 0.5
LEAST_SECONDS = 1.0
"""An instance that runs is paid for at least so long, however short the execution was; several at once share it."""
AT_ONCE = 10
"""Sessions that one instance handles at once, as host.json says."""
OPERATIONS_A_DELIVERY = 4
"""Of Service Bus: a session accepted, a message received, completed, and the session let go."""
SWEEPS_A_MONTH = MONTH_HOURS * 60
CLUSTER_HOUR = 0.10
"""The Standard tier of AKS."""
NODE_HOUR = 0.096
"""A node of 2 processors and 8 GiB."""
LARGE_NODE_HOUR = 0.252
"""A node of 4 processors and 32 GiB: a controller with 11,000 rollouts needs 11 to 14 GB (argo-rollouts#2855)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A release that is counted."""

    name: str
    spec: str
    error_rate: float = 0.0
    ends: str = "succeeded"


STORIES = (
    Story(name="promoted: 5, 25, 50 %, each baked for two minutes and more", spec=SPEC),
    Story(name="rolled back at 5 %", spec=SPEC, error_rate=0.3, ends="rolled-back"),
    Story(
        name="promoted: the same in an hour each, windows of five minutes",
        spec=SPEC.replace("{min: 2m, max: 30m}", "{min: 1h, max: 2h}").replace("window: 1m", "window: 5m"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What one rollout asked for, from the deployment to the last thing that it left to do."""

    story: Story
    hours: float
    reads: int
    transactions: int
    rows: int
    sent: int
    delivered: int
    executions: int
    outside: Counter[str]
    kilobytes: float
    """What its history and its record stay at."""
    a_sweep: float
    """Requests of each sweep meanwhile, which the rollout did not cause."""

    @property
    def table_operations(self) -> int:
        """Reads, and every row that is written."""
        return self.reads + self.rows

    @property
    def bus_operations(self) -> int:
        """A message is sent, and delivered."""
        return self.sent + OPERATIONS_A_DELIVERY * self.delivered

    @property
    def gib_seconds(self) -> float:
        """Where no two executions run at once, which is the dearest."""
        return self.executions * LEAST_SECONDS * INSTANCE_GIB

    @property
    def management_calls(self) -> int:
        """Of the router, the places and the swaps; numbers of users come from a source of metrics."""
        return self.outside.total() - self.outside["read_windows"] - self.outside["find_faults"]


class CountedTable(Table):
    """Counts requests, and the rows of transactions."""

    counts: Counter[str]

    def transact(self, operations: Any) -> tuple[str, ...]:
        self.counts["transactions"] += 1
        self.counts["rows"] += len(operations)
        return super().transact(operations)

    def _patiently(self, call: Any) -> Any:
        self.counts["requests"] += 1
        return super()._patiently(call)

    def kilobytes(self) -> float:
        """All that stands in it now."""
        rows = self.rows("PartitionKey ne @none", {"none": ""}, a_page=1000)
        return sum(len(text) for row in rows for text in row.properties.values()) / 1000


class CountedQueue:
    """Passes everything on, and counts what is sent."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.sent = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def send(self, *args: Any, **named: Any) -> Any:
        self.sent += 1
        return self._inner.send(*args, **named)


class CountedWorld(World):
    """Counts what is delivered, and sets apart what the sweep asks of the table."""

    delivered = 0
    sweeps = 0

    def __init__(self, folder: Path, spec: str, table: CountedTable) -> None:
        self.table = table
        clock = VirtualClock()
        super().__init__(folder, spec, clock=clock, change=lambda keeping: _in_tables(keeping, table, clock))

    def pass_to_next(self, ends: datetime) -> None:
        before, swept = Counter(self.table.counts), self.swept
        super().pass_to_next(ends)
        if self.swept != swept:
            self.sweeps += 1
            asked = self.table.counts["requests"] - before["requests"]
            self.table.counts.clear()
            self.table.counts.update(before)
            self.table.counts["by sweeps"] += asked

    def rollout(self, rollout: RolloutId) -> dict[str, Any]:
        """Look, without being counted: it is the test that asks."""
        before = Counter(self.table.counts)
        view = super().rollout(rollout)
        self.table.counts.clear()
        self.table.counts.update(before)
        return view

    def deliver_one(self) -> bool:
        did = super().deliver_one()
        self.delivered += did
        return did


def measure(folder: Path) -> Iterator[Count]:
    """Run each story on Table Storage and count. Skips, as tests do, where Azurite cannot be installed."""
    with _azurite(folder) as connection:
        for number, story in enumerate(STORIES):
            yield _count(folder / str(number), story, connection)


def _count(folder: Path, story: Story, connection: str) -> Count:
    folder.mkdir()
    table = CountedTable.from_connection_string(connection, name=f"cost{folder.name}")
    table.counts = Counter()
    world = CountedWorld(folder, story.spec, table)
    world.site.deploy(world.target, Place.CANDIDATE, "2", error_rate=story.error_rate)
    world.settle()
    began, before, queue = world.clock.now(), table.kilobytes(), world.keeping.queue
    queue.sent, world.delivered, world.sweeps = 0, 0, 0  # type: ignore[attr-defined]
    table.counts.clear()
    world.site.calls.clear()
    rollout = world.announce("2")
    assert world.run_to_end(rollout) == story.ends, world.phase(rollout)
    hours = (world.clock.now() - began) / timedelta(hours=1)
    world.settle()
    counts = Counter(table.counts)
    table.close()
    return Count(
        story=story,
        hours=hours,
        reads=counts["requests"] - counts["transactions"],
        transactions=counts["transactions"],
        rows=counts["rows"],
        sent=queue.sent,  # type: ignore[attr-defined]
        delivered=world.delivered,
        executions=world.delivered + 1,
        outside=Counter(call.method for call in world.site.calls),
        kilobytes=table.kilobytes() - before,
        a_sweep=counts["by sweeps"] / max(1, world.sweeps),
    )


def _in_tables(keeping: Keeping, table: Table, clock: VirtualClock) -> Keeping:
    return replace(
        keeping,
        store=TableRolloutStore(table, now=clock.now),
        markers=TableOpenMarkers(table),
        index=TableViewIndex(table),
        letters=TableDeadLetters(table),
        observations=TableObservations(table),
        queue=CountedQueue(keeping.queue),
    )


@contextmanager
def _azurite(folder: Path) -> Iterator[str]:
    install()
    (folder / "azurite").mkdir(parents=True)
    emulator = Azurite(folder / "azurite")
    emulator.start()
    try:
        yield emulator.connection_string
    finally:
        emulator.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Dollars a month."""

    executions: float
    gib_seconds: float
    bus: float
    table: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.executions + self.gib_seconds + self.bus + self.table


def bill(count: Count, applications: int, *, at_once: int = 1) -> Bill:
    """Return what `RELEASES_A_MONTH` such rollouts of each application cost in a month, with what is always there.

    So many executions share an instance at once.
    """
    rollouts = applications * RELEASES_A_MONTH
    executions = rollouts * count.executions + SWEEPS_A_MONTH
    seconds = rollouts * count.gib_seconds / at_once + SWEEPS_A_MONTH * LEAST_SECONDS * INSTANCE_GIB
    operations = rollouts * count.table_operations + SWEEPS_A_MONTH * count.a_sweep
    kept = rollouts * count.kilobytes / 2**20
    return Bill(
        executions=max(0, executions - EXECUTIONS_FREE) * EXECUTION,
        gib_seconds=max(0, seconds - GIB_SECONDS_FREE) * GIB_SECOND,
        bus=SERVICE_BUS_HOUR * MONTH_HOURS + _stepped(rollouts * count.bus_operations / 1_000_000),
        table=operations * TABLE_OPERATION + kept * TABLE_GIB_MONTH,
    )


def _stepped(millions: float) -> float:
    dollars, left = 0.0, millions
    for width, price in SERVICE_BUS_MILLION:
        taken = min(left, width)
        dollars, left = dollars + taken * price, left - taken
    return dollars


def always_on(applications: int) -> float:
    """Return what a controller in a cluster of its own costs in a month."""
    nodes = max(1, -(-applications // 11_000))
    return MONTH_HOURS * (CLUSTER_HOUR + (NODE_HOUR if applications <= 1_000 else nodes * LARGE_NODE_HOUR))


PAGE = """# What it costs

Made by `make cost`: three releases are carried out by the real use cases on Table Storage (Azurite) and on the embedded
queue, and what they ask for is counted, from the deployment to the last thing that is left to do.

{counted}

Reads are requests for a row or a range of rows. A transaction is one request; each of its rows is paid for. An
execution is a message that is handled, or the deployment's own request; a handler takes milliseconds (`make bench`), so
an execution is paid for as the shortest there is: {least:.0f} s of an instance of {instance} GiB. The sweep, once a
minute for all applications together, is not in it: one request, and one more for each application that it wakes.

## A month

Each application is released {releases} times a month, as in the first line.

{monthly}

- Memory is the largest part, because an execution of milliseconds is paid for as a second. Executions that overlap on
  one instance share that second: "at most" has no two at once, "at least" has always ten, as `host.json` allows. Ten
  applications rarely overlap, a hundred thousand nearly always do.
- The sweep runs whether anything is released or not; it and ten applications stay within what is free.
- An application that releases nothing costs what its rows take: nothing that runs. A controller costs the same when
  nothing is released. In a cluster that is there anyway it costs its share of memory and processor instead.
- Not in it: what is logged, queries of metrics that are paid for (Log Analytics), and traffic.

{prices}
"""
PRICES = f"""Prices are list prices of pay-as-you-go in dollars, East US, autumn 2026; look up your own.

- Flex Consumption: ${GIB_SECOND:.6f} a GiB-second above {GIB_SECONDS_FREE:,}, and
  ${EXECUTION * 1e6:.2f} a million executions above {EXECUTIONS_FREE:,}.
- Service Bus Standard: ${SERVICE_BUS_HOUR} an hour, and $0.80 a million operations above 13 million, less above 100
  million. A message is counted as sent, and as {OPERATIONS_A_DELIVERY} operations when it is delivered.
- Table Storage: ${TABLE_OPERATION * 10_000:.5f} for 10,000 operations, ${TABLE_GIB_MONTH} a GiB.
- The controller: a cluster of the Standard tier (${CLUSTER_HOUR:.2f} an hour) with one node for up to 1,000
  applications (${NODE_HOUR} an hour), and a node of 32 GiB (${LARGE_NODE_HOUR} an hour) for every 11,000 above that:
  so many need 11 to 14 GB and a daily restart ([argo-rollouts#2855](https://github.com/argoproj/argo-rollouts/issues/2855))."""


def main() -> int:
    """Count, and write the page."""
    parser = asked_of(
        "cost",
        __doc__,
        "make cost                               # count, and write docs/cost.md",
        "make cost JSON=1 | jq .months  # the numbers alone, nothing is written",
    )
    parser.add_argument("--write", type=Path, help="the page; without it, it is printed")
    parser.add_argument("--json", action="store_true", help="print JSON for machines instead of the page (JSON=1)")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="slipway-cost-") as name:
        counts = tuple(measure(Path(name)))
    if asked.json:
        print(json.dumps(plain(counts), indent=2))
        return 0
    page = PAGE.format(
        counted=_table(COUNTED, (_counted(count) for count in counts)),
        monthly=_table(MONTHLY, (_month(counts[0], size) for size in SIZES)),
        releases=RELEASES_A_MONTH,
        least=LEAST_SECONDS,
        instance=INSTANCE_GIB,
        prices=PRICES,
    )
    if asked.write:
        asked.write.write_text(page)
    else:
        print(page)
    return 0


COUNTED = (
    "release",
    "hours",
    "reads",
    "transactions",
    "rows",
    "messages sent",
    "delivered",
    "executions",
    "GiB-s at most",
    "calls of the management API and of the site",
    "questions for metrics",
    "KB kept",
)
MONTHLY = (
    "applications",
    "executions",
    "memory at most",
    "at least",
    "Service Bus",
    "tables",
    "all, at most",
    "at least",
    "a controller",
)


def plain(counts: tuple[Count, ...]) -> dict[str, Any]:
    """Return the numbers of the page, for machines: dollars a month, and what each release asked for."""
    return {"releases": [_numbers(count) for count in counts], "months": [_bills(counts[0], size) for size in SIZES]}


def _numbers(count: Count) -> dict[str, Any]:
    outside = {"management_calls": count.management_calls, "questions_for_metrics": count.outside["read_windows"]}
    names = ("hours", "reads", "transactions", "rows", "sent", "delivered", "executions", "gib_seconds", "kilobytes")
    return {"release": count.story.name, **{name: round(getattr(count, name), 3) for name in names}, **outside}


def _bills(count: Count, applications: int) -> dict[str, Any]:
    most, least = bill(count, applications), bill(count, applications, at_once=AT_ONCE)
    return {
        "applications": applications,
        "at_most": {**asdict(most), "total": most.total},
        "at_least": {**asdict(least), "total": least.total},
        "controller": always_on(applications),
    }


def _counted(count: Count) -> tuple[str, ...]:
    return (
        count.story.name,
        f"{count.hours:.1f}",
        f"{count.reads:,}",
        f"{count.transactions:,}",
        f"{count.rows:,}",
        f"{count.sent:,}",
        f"{count.delivered:,}",
        f"{count.executions:,}",
        f"{count.gib_seconds:.1f}",
        f"{count.management_calls:,}",
        f"{count.outside['read_windows']:,}",
        f"{count.kilobytes:.0f}",
    )


def _month(count: Count, applications: int) -> tuple[str, ...]:
    most, least = bill(count, applications), bill(count, applications, at_once=AT_ONCE)
    return (
        f"{applications:,}",
        _dollars(most.executions),
        _dollars(most.gib_seconds),
        _dollars(least.gib_seconds),
        _dollars(most.bus),
        _dollars(most.table),
        _dollars(most.total),
        _dollars(least.total),
        _dollars(always_on(applications)),
    )


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}" if amount < 100 else f"${amount:,.0f}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    command_line.run(main)
