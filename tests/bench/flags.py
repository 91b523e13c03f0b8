"""Flags: one evaluation beside those of other products in the same run, and what ten thousand flags cost to load."""

import gc
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from shared.adapters.re2.regexes import Re2Regexes
from shared.domain.flags.compile import Ruleset, compile_flags
from shared.domain.flags.model import (
    WHOLE,
    AnyOf,
    Attribute,
    Clause,
    Flag,
    FlagType,
    Operator,
    Rule,
    Share,
    Split,
    Variant,
)
from shared.domain.names import FlagKey, VariantName
from tests.bench.flag_peers import COUNTRIES, DOMAIN, PEERS, PERCENT, timed_passes
from tests.bench.measurement import Measurement, summarize

HOME = Path(__file__).resolve().parents[2] / ".cache" / "flag-peers"
FLAGS = 10_000
LOADS = 3
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
    yield from _loads()


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


def _loads() -> Iterator[Measurement]:
    flags = [checkout(f"flag-{number}") for number in range(FLAGS)]
    regexes, took = Re2Regexes(), []
    for _ in range(LOADS):
        began = time.perf_counter()
        compile_flags(flags, [], regexes=regexes)
        took.append(time.perf_counter() - began)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    rules = compile_flags(flags, [], regexes=regexes)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    note = f"all of them, as a worker begins; {(after - before) / len(rules) / 1024:.1f} KiB a flag beside its model"
    yield summarize(f"compile {FLAGS:,} flags", took, rate=False, note=note)
    changes, bulk = _changes(flags, rules), _bulk(rules)
    yield summarize("compile them after one changed", changes, rate=False, note="the others are taken over")
    yield summarize(f"evaluate {FLAGS:,} flags for one context", bulk, rate=False, note="as a bulk request does")


def _changes(flags: list[Flag], rules: Ruleset) -> list[float]:
    took = []
    for number in range(10):
        changed = [*flags[:number], checkout(f"flag-{number}"), *flags[number + 1 :]]
        began = time.perf_counter()
        compile_flags(changed, [], regexes=Re2Regexes(), earlier=rules)
        took.append(time.perf_counter() - began)
    return took


def _bulk(rules: Ruleset) -> list[float]:
    context = {"targetingKey": "user-1", "email": "user-1@mail.org", "country": "US"}
    took = []
    for _ in range(10):
        began = time.perf_counter()
        rules.evaluate_all(context, now=0.0, region="westeurope")
        took.append(time.perf_counter() - began)
    return took
