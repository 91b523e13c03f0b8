"""Flags: one evaluation beside those of other products in the same run, and what ten thousand flags cost to load."""

import gc
import json
import subprocess
import sys
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from shared.adapters.re2.regexes import Re2Regexes
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.flag_snapshots import SqliteFlagSnapshots
from shared.application.evaluations import Evaluations
from shared.application.flag_chunks import slot_of_flag
from shared.application.flag_serving import MAX_AGE, FlagServer
from shared.application.flag_usage import UsageNotes
from shared.domain.flags.compile import compile_flags
from shared.domain.flags.evaluation import Evaluation
from shared.domain.flags.model import (
    WHOLE,
    AnyOf,
    Attribute,
    Clause,
    Flag,
    FlagType,
    Json,
    Operator,
    Rule,
    Share,
    Split,
    Variant,
)
from shared.domain.names import EnvironmentName, FlagKey, VariantName
from shared.ports.flag_snapshots import Head
from shared.wire.published_flags import (
    Chunk,
    PublishedFlag,
    name_of_chunk,
    write_chunk,
)
from tests.bench.flag_peers import COUNTRIES, DOMAIN, PEERS, PERCENT, timed_passes
from tests.bench.measurement import Measurement, summarize

HOME = Path(__file__).resolve().parents[2] / ".cache" / "flag-peers"
FLAGS, FEW = 10_000, 1_000
LOADS = 3
LIVE = EnvironmentName("production")
CONTEXT: dict[str, Json] = {"targetingKey": "user-1", "email": "user-1@mail.org", "country": "US"}
INSTALL_SECONDS, PEER_SECONDS = 180, 60
ON, OFF = VariantName("on"), VariantName("off")
_USERS = "10,000 users, the context built each time"


def measure() -> Iterator[Measurement]:
    """Ask one flag here, then in each product that can be installed, then here again; then load many."""
    passes = list(_own_passes())
    why_not = _install()
    peers = {} if why_not else {name: _peer(name) for name in PEERS}
    passes += _own_passes()
    silent = why_not or ", ".join(name for name, found in peers.items() if found is None)
    note = f"{_USERS}; with variant, value, reason and rule{f'; could not be asked: {silent}' if silent else ''}"
    yield summarize("evaluate a flag: an address, a country or 20 %", passes, note=note)
    yield from (found for found in peers.values() if found is not None)
    with TemporaryDirectory(prefix="slipway-bench-flags-") as folder:
        yield from _loads(Path(folder))


def checkout(key: str = "checkout") -> Flag:
    """The flag that every product is given."""
    clauses = (
        Clause(attribute=Attribute(("email",)), operator=Operator.ENDS_WITH, values=(DOMAIN,)),
        Clause(attribute=Attribute(("country",)), operator=Operator.IN, values=tuple(COUNTRIES)),
    )
    weight = PERCENT * WHOLE // 100
    return Flag(
        key=FlagKey(key),
        type=FlagType.BOOLEAN,
        variants=(Variant(ON, value=True), Variant(OFF, value=False)),
        off=OFF,
        rules=(Rule(id="known", condition=AnyOf(clauses), serve=ON),),
        default=Split(shares=(Share(ON, weight), Share(OFF, WHOLE - weight)), seed=key),
    )


def _own_passes() -> list[float]:
    evaluate = compile_flags([checkout()], [], regexes=Re2Regexes()).evaluate

    def ask(key: str, email: str, country: str) -> bool:
        context = {"targetingKey": key, "email": email, "country": country}
        return evaluate("checkout", context, now=0.0, region="westeurope").value

    took, share = timed_passes(ask)
    assert 0.42 < share < 0.46, share
    return took


def _install() -> str:
    """Have the products' packages in `.cache/`; return why not, where that cannot be."""
    stamp, wanted = HOME / "installed", "\n".join(PEERS)
    if stamp.is_file() and stamp.read_text() == wanted:
        return ""
    pip = [HOME / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS]
    for command in ([sys.executable, "-m", "venv", HOME], pip):
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            return f"their packages cannot be installed ({type(error).__name__})"
    stamp.write_text(wanted)
    return ""


def _peer(name: str) -> Measurement | None:
    """Return what a product said; None where it does not run here."""
    script = Path(__file__).with_name("flag_peers.py")
    command = [HOME / "bin" / "python", script, name]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PEER_SECONDS, cwd=HOME)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    found = json.loads(done.stdout.splitlines()[-1])  # some say things of their own before
    assert 0.42 < found["share"] < 0.46, (name, found["share"])
    return summarize(f"the same by {name} {found['version']}", found["seconds"], note=_USERS)


def _loads(folder: Path) -> Iterator[Measurement]:
    """Be a worker that begins, several times; each loads all flags, is asked for one, and then for all of them."""
    store = _published(folder / "all", FLAGS)
    loads, first, bulks, again, after_change = zip(*(_worker(store, number) for number in range(LOADS)), strict=True)
    begun, asked = _kilobytes(_published(folder / "some", FEW))
    note = f"CPU time, chunks read from SQLite; the goal is under 300 ms; {begun:.1f} KiB a flag"
    yield summarize(f"load {FLAGS:,} flags, as a worker begins", loads, rate=False, note=note)
    yield summarize("ask for one of them first", first, rate=False, note="read and compiled then, and once")
    note = f"all are read and compiled; {asked:.1f} KiB a flag after it"
    yield summarize(f"ask for all {FLAGS:,} first", bulks, rate=False, note=note)
    yield summarize(f"ask for all {FLAGS:,} again", again, rate=False, note="as a bulk request does")
    note = "the others stay as they were, read and compiled"
    yield summarize("load them after one changed", after_change, rate=False, note=note)


def _worker(store: SqliteFlagSnapshots, number: int) -> tuple[float, ...]:
    """Return what each step of a worker's life takes, until one flag changed."""
    gc.collect()
    clock = _Clock()
    server = FlagServer(store, clock, Re2Regexes())
    load = _cpu(lambda: server.served(LIVE))
    ruleset = server.served(LIVE).ruleset
    first = _cpu(lambda: ruleset.evaluate("flag-7", CONTEXT, now=0.0, region=""))
    evaluations = Evaluations(server, UsageNotes(_NoUsage()), clock)
    bulk, again = (_cpu(lambda: evaluations.all(LIVE, CONTEXT)) for _ in range(2))
    _publish(store, [checkout(f"flag-{each}") for each in range(FLAGS)], changed=number)
    clock.time += MAX_AGE
    return load, first, bulk, again, _cpu(lambda: server.served(LIVE))


class _NoUsage:
    """What notes who asks costs the store, not this."""

    def mark(self, environment: EnvironmentName, key: FlagKey, day: date) -> None:
        pass

    def last_days(self, environment: EnvironmentName, keys: Collection[FlagKey]) -> Mapping[FlagKey, date]:
        return {}


class _Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


def _published(folder: Path, count: int) -> SqliteFlagSnapshots:
    """Return a store that holds so many flags, in chunks as they are published."""
    folder.mkdir()
    store = SqliteFlagSnapshots(Database(folder / "store.db"))
    _publish(store, [checkout(f"flag-{number}") for number in range(count)])
    return store


def _publish(store: SqliteFlagSnapshots, flags: list[Flag], *, changed: int | None = None) -> None:
    now, slots = _Clock().now(), defaultdict(list)
    for number, flag in enumerate(flags):
        revision = 2 + number if number == changed else 1
        published = PublishedFlag(flag=flag, revision=revision, changed=now, changed_by="bench")
        slots[slot_of_flag(flag.key)].append(published)
    head = store.read_head(LIVE)
    named = {}
    for slot, listed in slots.items():
        document = write_chunk(Chunk(flags=tuple(listed)))
        named[slot] = name_of_chunk(document)
        store.write_chunk(LIVE, named[slot], document, now)
    store.move_head(LIVE, Head(head.etag, tuple(sorted(named.items()))))


def _cpu(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def _kilobytes(store: SqliteFlagSnapshots) -> tuple[float, float]:
    """Return what a flag takes in memory once it is loaded, and once it was asked for."""
    tracemalloc.start()
    server, took = FlagServer(store, _Clock(), Re2Regexes()), []
    before, _ = tracemalloc.get_traced_memory()
    for call in (lambda: len(server.served(LIVE).ruleset), lambda: len(_asked_for_all(server))):
        count = call()
        gc.collect()
        took.append((tracemalloc.get_traced_memory()[0] - before) / count / 1024)
    tracemalloc.stop()
    return took[0], took[1]


def _asked_for_all(server: FlagServer) -> tuple[Evaluation, ...]:
    return server.served(LIVE).ruleset.evaluate_all(CONTEXT, now=0.0, region="")
