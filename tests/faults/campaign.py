"""The host is killed again and again over a run of rollouts; then everything is looked at from the outside."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.hook_side import HookSide, answering
from tests.faults.host_process import HostProcess, settings_for
from tests.faults.killer import Kill, Killer
from tests.faults.outside import (
    Check,
    check_files,
    check_hooks,
    check_rollouts,
    check_sandbox,
    check_swaps,
    histories,
    rows_left,
)
from tests.faults.shop_run import ShopRun, Told
from tests.ports import free_port
from tests.sandbox import running_cloud, wait_until

SWEPT_SECONDS = 480.0
"""Markers are looked at by the sweep, five minutes after the application should have moved."""
QUIET_SECONDS = 60.0


@dataclass(slots=True)
class Result:
    """What a campaign came to."""

    kills: list[Kill] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    hook_calls: int = 0
    """How often hooks were called, repetitions among them."""
    seconds: float = 0.0

    @property
    def wrong(self) -> list[str]:
        """Everything that was not as promised; and each promise for which there was nothing to look at."""
        return [
            f"{check.promise}: {each}"
            for check in self.checks
            for each in (*check.wrong, *([] if check.looked else ["nothing was looked at"]))
        ]


def run_campaign(
    folder: Path,
    *,
    kills: int,
    rollouts: int,
    seed: int,
    until_swept: bool,
    say: Callable[[str], None] = lambda _: None,
) -> Result:
    """Kill the host so often while it releases so many versions, and check. `until_swept` waits for the last sweep."""
    chance = random.Random(seed)
    result, side = Result(), HookSide()
    began = time.monotonic()
    data = folder / "data"
    data.mkdir()
    with running_cloud(folder / "cloud", seed=seed) as cloud, answering(side):
        host = HostProcess(data, settings_for(cloud.management), log=folder / "host.log", port=free_port())
        killer = Killer(host, random.Random(f"{seed} kills"))
        killer.start()
        try:
            run = ShopRun(host, cloud.control, side.url, chance, killer.provoke)
            run.begin()
            for number in range(rollouts):
                killer.allow(kills * (number + 1) // rollouts)
                before = len(killer.kills)
                told = run.tell(number)
                say(
                    f"{number + 1:3}/{rollouts}  version {told.version:3} {told.story:19} {told.phase:12}"
                    f"{told.seconds:5.0f} s, {len(killer.kills) - before:2} kills, so far {len(killer.kills)}"
                )
            wait_until(lambda: len(killer.kills) >= kills, within=kills * 10 + 60)
            killer.stop()
            _wait_for(lambda: not rows_left(data, "inbox", "outbox"), QUIET_SECONDS)
            if until_swept:
                say("all rollouts have ended: waiting for the sweep to find nothing open")
                _wait_for(lambda: not rows_left(data, "open_markers"), SWEPT_SECONDS)
            events = histories(host, run.told)
            result.checks += [
                Check("the host never ended by itself", len(killer.kills), tuple(killer.troubles)),
                *check_rollouts(run.told, events),
                *check_hooks(run.told, events, side),
                *check_sandbox(run.told, cloud.control),
            ]
        finally:
            killer.stop()
            host.kill()
    result.checks += [*check_swaps(run.told, folder / "cloud"), *check_files(data, with_markers=until_swept)]
    result.kills, result.told = killer.kills, run.told
    result.hook_calls = side.calls.total()
    result.seconds = time.monotonic() - began
    return result


def _wait_for(condition: Callable[[], bool], within: float) -> None:
    """Return once it holds, or when it is too late: the checks tell then."""
    ends = time.monotonic() + within
    while not condition() and time.monotonic() < ends:
        time.sleep(0.5)
