"""Records whole stores, stopped at a moment of a release: `python -m tests.golden.record_stores`.

A file holds the tables of the store and the queue as they stood, and what had been done to the sites until then, so
that a later release of Slipway can be started on it and go on. Some moments are recorded from Table Storage too, on
Azurite. As with the other golden files, one that exists is never written again.
"""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from shared.adapters.azure_tables.table import Table
from shared.bootstrap import Keeping
from shared.domain.flags.managing.commands import NEW, Kill, SaveFlag, ScheduleChange, Unread
from shared.domain.names import EnvironmentName, FlagKey, ReleaseId, RolloutId
from shared.domain.rollout.spec import Place, Target
from shared.wire.stored_form import SCHEMA
from tests.azurite import Azurite, install
from tests.scenario.test_azure_keeping import in_tables
from tests.scenario.together_world import TogetherWorld
from tests.scenario.world import SPEC, VirtualClock, World
from tests.unit.domain.flags.managing.tale import EVERYONE
from tests.unit.domain.flags.managing.tale import flag as a_flag

FOLDER: Final = Path(__file__).parent / "stores"
GATED: Final = SPEC.replace("50]", "{weight: 50, gate: {name: qa, timeout: 4h}}]")
HOOKED: Final = f"""{SPEC}
hooks:
  - {{name: smoke, at: before-rollout, webhook: {{url: "https://smoke.example/run"}}, timeout: 1h}}
"""
SITE_CALLS: Final = ("deploy", "set_share", "begin_swap")
LIVE: Final = EnvironmentName("production")
FLAG: Final = a_flag()
FLAG_LATER: Final = a_flag(rules=(EVERYONE,))
Change = Callable[[Keeping], Keeping]
Listen = Callable[[World], None]


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a release: how it is come to (the answer says which rollout is meant), and with which spec."""

    reach: Callable[[World], str]
    spec: str = SPEC


def _at(weight: float, **candidate: Any) -> Callable[[World], RolloutId]:
    def reach(world: World) -> RolloutId:
        rollout = world.deploy("2", **candidate)
        world.run_until(lambda: world.share() == weight)
        return rollout

    return reach


def _paused(world: World) -> RolloutId:
    rollout = _at(25)(world)
    world.override("pause", "a look at the logs")
    world.settle()
    return rollout


def _swapping(world: World) -> RolloutId:
    rollout = world.deploy("2")
    world.run_until(lambda: any(call.method == "begin_swap" for call in world.site.calls))
    return rollout


def _baking_after_promotion(world: World) -> RolloutId:
    rollout = world.deploy("2")
    world.run_until(lambda: world.phase(rollout) == "promoting" and world.production() == "2")
    world.settle()
    return rollout


def _going_back(world: World, until: str = "rolling-back") -> RolloutId:
    rollout = _at(25)(world)
    world.site.fail("set_share")
    world.override("rollback", "errors on checkout")
    world.run_until(lambda: world.phase(rollout) == until)
    world.settle()
    return rollout


def _superseded(world: World) -> RolloutId:
    rollout = _going_back(world)
    world.announce("3")
    world.settle()
    return rollout


def _frozen(world: World) -> RolloutId:
    world.override("freeze", "holidays")
    world.settle()
    rollout = world.deploy("2")
    world.settle()
    return rollout


def _waiting(world: World) -> RolloutId:
    rollout = world.deploy("2")
    world.run_until(lambda: world.phase(rollout) == "waiting")
    world.settle()
    return rollout


def _succeeded(world: World) -> RolloutId:
    rollout = world.deploy("2")
    world.run_to_end(rollout)
    world.settle()
    return rollout


MOMENTS: Final = {
    "accepted-and-not-looked-at": Moment(lambda world: world.deploy("2")),
    "waits-for-the-unfreeze": Moment(_frozen),
    "progressing-at-five-percent": Moment(_at(5)),
    "progressing-with-a-bad-candidate": Moment(_at(5, error_rate=0.4)),
    "waits-at-a-gate": Moment(_waiting, GATED),
    "waits-for-a-hook": Moment(_waiting, HOOKED),
    "paused-by-a-person": Moment(_paused),
    "promoting-while-a-swap-runs": Moment(_swapping),
    "promoting-and-baking": Moment(_baking_after_promotion),
    "rolling-back": Moment(_going_back),
    "rolling-back-with-a-newer-one-waiting": Moment(_superseded),
    "stuck-on-the-way-back": Moment(lambda world: _going_back(world, "stuck")),
    "succeeded-and-kept-warm": Moment(_succeeded),
}
IN_TABLES: Final = ("progressing-at-five-percent", "promoting-while-a-swap-runs", "rolling-back")
"""Recorded from Table Storage too; the others differ from these only in what the documents say."""
TOGETHER: Final = "two-applications-half-way"
FLAGS: Final = "flags-served-and-to-be-changed"


def record(schema: int = SCHEMA) -> None:
    """Record each moment of which there is no file yet."""
    for name, moment in MOMENTS.items():
        _keep(schema, name, lambda folder, it=moment: _recorded(folder, it))
    _keep(schema, TOGETHER, _recorded_together)
    _keep(schema, FLAGS, _recorded_flags)
    if all(_path(schema, f"tables-{name}").exists() for name in IN_TABLES):
        return
    install()
    for name in IN_TABLES:
        _keep(schema, f"tables-{name}", lambda folder, it=MOMENTS[name]: _recorded_in_tables(folder, it))


def _path(schema: int, name: str) -> Path:
    return FOLDER / f"schema-{schema}" / f"{name}.json"


def _keep(schema: int, name: str, recorded: Callable[[Path], dict[str, Any]]) -> None:
    path = _path(schema, name)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        path.write_text(json.dumps(recorded(Path(folder)), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


def _recorded(folder: Path, moment: Moment, clock: VirtualClock | None = None, change: Change = lambda it: it) -> Any:
    world = World(folder, moment.spec, clock=clock, change=change, deploy_first=False)
    done = _listen(world)
    world.site.deploy(world.target, Place.PRODUCTION, "1")
    rollout = moment.reach(world)
    return _stopped(world, folder, [moment.spec], rollout, done)


def _recorded_together(folder: Path) -> dict[str, Any]:
    from shared.wire.spec_rendering import render_spec

    world = TogetherWorld(folder, "db", "api")
    done: list[Any] = [
        [world.clock.now().isoformat(), "deploy", world.target_of(name).resource, [place, version], {}]
        for name in world.names
        for place, version in ((Place.PRODUCTION, "1"), (Place.CANDIDATE, "2"))
    ]
    _listen(world, done)
    release: ReleaseId = world.release()
    world.run_until(lambda: all(share > 0 for share in world.shares().values()))
    world.settle()
    specs = [json.dumps(render_spec(spec)) for spec in world.specs.values()]
    return _stopped(world, folder, specs, release, done)


def _recorded_flags(folder: Path) -> dict[str, Any]:
    """A flag is served, and everybody is to get another variant in two hours; a second one is killed."""
    world = World(folder, deploy_first=False)
    done = _listen(world)
    world.site.deploy(world.target, Place.PRODUCTION, "1")
    changes, key = world.app.flag_changes, FlagKey("killed")
    for flag in (FLAG, replace(FLAG, key=key)):
        changes.tell(LIVE, flag.key, SaveFlag(flag=flag, by="alice", why="as agreed", expected=NEW, id="c-1"))
    changes.tell(LIVE, key, Kill(by="bob", why="it hurts"))
    later = ScheduleChange(
        flag=FLAG_LATER,
        by="alice",
        why="on Monday",
        at=world.clock.now() + timedelta(hours=2),
        expected=Unread.ANY,
        id="c-2",
    )
    changes.tell(LIVE, FLAG.key, later)
    world.settle()
    return _stopped(world, folder, [SPEC], FLAG.key, done)


def _recorded_in_tables(folder: Path, moment: Moment) -> dict[str, Any]:
    azurite = Azurite(folder / "azurite")
    azurite.start()
    table = Table.from_connection_string(azurite.connection_string, name="golden")
    try:
        clock = VirtualClock()
        recorded = _recorded(folder, moment, clock, in_tables(table, clock))
        rows = table.rows("PartitionKey ge @low", {"low": ""}, a_page=500)
        return {**recorded, "rows": [[row.partition, row.key, dict(row.properties)] for row in rows]}
    finally:
        table.close()
        azurite.stop()


def _stopped(world: World, folder: Path, specs: list[str], followed: str, done: list[Any]) -> dict[str, Any]:
    return {
        "time": world.clock.now().isoformat(),
        "specs": specs,
        "followed": followed,
        "site": done,
        "store": _dump(folder / "store.db"),
        "queue": _dump(folder / "queue.db"),
    }


def _listen(world: World, done: list[Any] | None = None) -> list[Any]:
    """Note what is done to the sites, and when, from now on."""
    noted = done if done is not None else []

    def listened(name: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        def call(target: Target, *args: Any, **kwargs: Any) -> Any:
            answer = inner(target, *args, **kwargs)
            noted.append([world.clock.now().isoformat(), name, target.resource, list(args), kwargs])
            return answer

        return call

    for name in SITE_CALLS:
        setattr(world.site, name, listened(name, getattr(world.site, name)))
    return noted


def _dump(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


if __name__ == "__main__":
    record()
