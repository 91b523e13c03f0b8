"""What a run left behind, looked at from the outside: by the API, in the files, in the sandbox, at the hooks' side."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tests.faults.hook_side import HookSide
from tests.faults.host_process import HostProcess
from tests.faults.shop_run import ENDS, HOOKS, Story, Told
from tests.sandbox import Control

Events = dict[str, list[dict[str, Any]]]
"""The history of each rollout."""
_REFUSALS: Final = ("CommandRefused", "DeploymentRefused")


@dataclass(frozen=True, slots=True)
class Check:
    """One promise: how much was looked at, and what was wrong."""

    promise: str
    looked: int
    wrong: tuple[str, ...]


def histories(host: HostProcess, run: Sequence[Told]) -> Events:
    """Return the history of each rollout, all pages of it, as the API shows it."""
    return {told.rollout: _history(host, told.rollout) for told in run}


def check_rollouts(run: Sequence[Told], events: Events) -> list[Check]:
    """Check what the API says of the rollouts."""
    lines = [line for told in run for line in events[told.rollout]]
    numbers = Counter(line["sequence"] for line in lines)
    return [
        _check(
            "each rollout ends as its story asks, once",
            len(run),
            (
                f"{told.version} ({told.story}) ended {told.phase}: {_types(events, told).count('RolloutEnded')} ends"
                for told in run
                if told.phase != ENDS[told.story] or _types(events, told).count("RolloutEnded") != 1
            ),
        ),
        _check(
            "each accepted command is in history exactly once, and none was refused",
            sum(len(told.commands) for told in run),
            (
                f"{told.version}: {command} stands {_types(events, told).count(command)} times"
                for told in run
                for command in (*told.commands, *_REFUSALS)
                if _types(events, told).count(command) != (0 if command in _REFUSALS else told.commands.count(command))
            ),
        ),
        _check(
            "the same command sent again is answered the same",
            sum(len(told.commands) for told in run),
            (f"{told.version}: {each}" for told in run for each in told.answered_otherwise),
        ),
        _check(
            "no line of history stands twice, or goes back in time",
            len(lines),
            (
                *(f"line {number} stands {times} times" for number, times in numbers.items() if times > 1),
                *(
                    f"{told.version}: {earlier['at']} before {later['at']}"
                    for told in run
                    for earlier, later in zip(events[told.rollout], events[told.rollout][1:], strict=False)
                    if earlier["sequence"] >= later["sequence"] or _at(earlier) > _at(later)
                ),
            ),
        ),
        _check(
            "each step is entered once and passed once, in their order",
            sum(len(_steps(events, told, "StepEntered")) for told in run),
            (
                f"{told.version}: entered {entered}, passed {passed}"
                for told in run
                for entered, passed in [(_steps(events, told, "StepEntered"), _steps(events, told, "StepPassed"))]
                if entered != list(range(len(entered)))
                or passed != entered[1 : len(passed) + 1]  # the first step is a hook, which ends and passes nothing
                or (told.phase == "succeeded" and len(passed) != len(entered) - 1)
            ),
        ),
    ]


def check_hooks(run: Sequence[Told], events: Events, side: HookSide) -> list[Check]:
    """Check what the other side of the hooks was called for."""
    called = {told.rollout: _hooks_of(told, events) for told in run}
    wanted = Counter(f"{rollout} {hook}" for rollout, hooks in called.items() for hook in hooks)
    got = Counter(f"{call.split('.')[0]} {call.split('.')[-1]}" for call in side.calls)
    # Whoever aborts a rollout does not wait for the hook that it is at, nor takes its end.
    aborted = {told.rollout for told in run if told.phase == "aborted"}
    waited = [
        (told, hook) for told in run for hook in called[told.rollout] if (told.phase, hook) != ("aborted", "smoke")
    ]
    return [
        _check(
            "each hook has one stable id, however often it is called",
            sum(wanted.values()),
            (f"{hook}: {got[hook]} ids, not {wanted[hook]}" for hook in {*wanted, *got} if got[hook] != wanted[hook]),
        ),
        _check(
            "each hook's end is in history exactly once, and was heard",
            len(waited),
            (
                *(f"{told.version}: {hook} ended {ended} times" for told, hook, ended in _ended(events, waited)),
                *(f"nobody took the end of {call}" for call in side.unheard if call.split(".")[0] not in aborted),
            ),
        ),
    ]


def check_sandbox(run: Sequence[Told], control: Control) -> list[Check]:
    """Check what users were served, and are served now."""
    site = control.site()
    good = [told.version for told in run if told.phase == "succeeded"]
    served = {slot["slot"]: slot["version"] for slot in site["slots"]}
    bad = {told.version for told in run if told.story is Story.BAD}
    traffic = control.traffic()
    return [
        _check(
            "in the end nobody is sent to a candidate, and production serves the last good version",
            1,
            (
                *(f"a rule stands: {rule}" for rule in site["rules"]),
                *([f"production serves {served['production']}"] if served["production"] != (good or ["1"])[-1] else []),
            ),
        ),
        _check(
            "no request failed because of anything but a bad version",
            sum(met["requests"] for met in traffic.values()),
            (f"{met['failures']} by {v}" for v, met in traffic.items() if v not in bad and met["failures"]),
        ),
    ]


def check_swaps(run: Sequence[Told], cloud: Path) -> list[Check]:
    """Check the journal of the sandbox, which must have ended, for swaps."""
    with closing(sqlite3.connect(cloud / "cloud.sqlite")) as journal:
        (body,) = journal.execute("SELECT body FROM document WHERE id = 'site:shop'").fetchone()
    swaps = [swap["phase"] for swap in json.loads(body)["swaps"]]
    good = sum(told.phase == "succeeded" for told in run)
    wrong = [] if swaps == ["done"] * good else [f"{good} promotions, and swaps {Counter(swaps)}"]
    return [_check("each promotion swapped once, as the sandbox's journal says", len(swaps), wrong)]


def check_files(data: Path, *, with_markers: bool) -> list[Check]:
    """Check the files of the host, which must have ended. `with_markers`: also that the sweep has closed them all."""
    with closing(sqlite3.connect(data / "store.db")) as store, closing(sqlite3.connect(data / "queue.db")) as queue:
        found = [row[0] for db in (store, queue) for row in db.execute("PRAGMA integrity_check")]
        numbers = [row[0] for row in store.execute("SELECT sequence FROM history ORDER BY sequence")]
        letters = store.execute("SELECT document FROM dead_letters").fetchall()
        dead = queue.execute(
            "SELECT queue, body FROM broker_messages WHERE lower(queue) LIKE '%/$deadletterqueue'"
        ).fetchall()
    checks = [
        _check("both files are intact", len(found), (each for each in found if each != "ok")),
        _check(
            "the application's history has no gap",
            len(numbers),
            [] if numbers == list(range(1, len(numbers) + 1)) else [f"{numbers}"],
        ),
        _check("inbox and outbox are empty", 2, rows_left(data, "inbox", "outbox")),
        _check("no dead letters, in our list or the broker's", 2, (f"{each}" for each in (*letters, *dead))),
    ]
    if with_markers:
        checks.append(_check("no application is marked open", 1, rows_left(data, "open_markers")))
    return checks


def rows_left(data: Path, *tables: str) -> list[str]:
    """Return a line for each row that stands in these tables of the store."""
    with closing(sqlite3.connect(f"file:{data / 'store.db'}?mode=ro", uri=True)) as store:
        return [f"{name}: {row}" for name in tables for row in store.execute(f"SELECT * FROM {name}")]


def _check(promise: str, looked: int, wrong: Iterable[str]) -> Check:
    return Check(promise, looked, tuple(wrong))


def _history(host: HostProcess, rollout: str) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        page = host.insist("GET", f"/api/rollouts/{rollout}/history?after={after}").json()
        lines += page["events"]
        after = page["next"]
    return lines


def _at(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["at"])


def _types(events: Events, told: Told) -> list[str]:
    return [line["type"] for line in events[told.rollout]]


def _hooks_of(told: Told, events: Events) -> tuple[str, ...]:
    """Return the hooks that are called: none where it was aborted before the first, for nothing had begun then."""
    return HOOKS[told.phase] if "HookBegun" in _types(events, told) else ()


def _steps(events: Events, told: Told, kind: str) -> list[int]:
    return [line["step"] for line in events[told.rollout] if line["type"] == kind]


def _ended(events: Events, waited: Iterable[tuple[Told, str]]) -> Iterable[tuple[Told, str, int]]:
    """Yield the hooks that did not end exactly once, and how often they did."""
    for told, hook in waited:
        lines = events[told.rollout]
        ended = sum(line["type"] == "HookEnded" and line["hook"] == hook for line in lines)
        if ended != 1:
            yield told, hook, ended
