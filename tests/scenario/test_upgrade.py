"""A release of Slipway goes on with what the one before left: whole stores of each schema, stopped at a moment.

The files are kept for ever (`tests/golden/record_stores.py` says how they were made) and never written again.
"""

import json
import sqlite3
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.azure_tables.operation import create
from shared.adapters.azure_tables.table import Table
from shared.bootstrap import Keeping
from shared.domain.flags.managing.commands import Revive
from shared.domain.flags.model import Flag
from shared.domain.names import FlagKey, ReleaseId, RolloutId
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.spec import Place, Target
from shared.wire.spec import parse_spec
from shared.wire.table_limits import TableRow
from tests.azurite import azurite
from tests.golden.record_stores import FLAG, FLAG_LATER, FLAGS, FOLDER, IN_TABLES, LIVE, MOMENTS, TOGETHER
from tests.scenario.test_azure_keeping import in_tables
from tests.scenario.world import VirtualClock, World

__all__ = ["azurite"]

SCHEMAS = sorted(FOLDER.glob("schema-*"))
Change = Callable[[Keeping], Keeping]


def files(*names: str) -> list[Any]:
    """The files of these moments, of every schema that has them."""
    paths = [folder / f"{name}.json" for folder in SCHEMAS for name in names]
    return [pytest.param(path, id=f"{path.parent.name}-{path.stem}") for path in paths if path.exists()]


def resumed(path: Path, folder: Path, change: Callable[[VirtualClock], Change] | None = None) -> World:
    """Today's Slipway, started on what a release left, at the moment at which that was stopped."""
    golden = json.loads(path.read_text(encoding="utf-8"))
    for name in ("store", "queue"):
        restored(folder / f"{name}.db", golden[name])
    clock = VirtualClock()
    clock.time = datetime.fromisoformat(golden["site"][0][0])
    first, *others = golden["specs"]
    keep = change(clock) if change else lambda keeping: keeping
    world = World(folder, first, clock=clock, change=keep, deploy_first=False)
    for text in others:
        world.app.intake.accept_spec(parse_spec(text.encode()), "test")
    targets = {target.resource: target for text in golden["specs"] for target in targets_in(text)}
    for at, method, resource, args, kwargs in golden["site"]:
        clock.time = datetime.fromisoformat(at)
        args = [Place(args[0]), *args[1:]] if method == "deploy" else args
        getattr(world.site, method)(targets[resource], *args, **kwargs)
    clock.time = world.swept = datetime.fromisoformat(golden["time"])
    world.followed = golden["followed"]
    return world


def targets_in(text: str) -> tuple[Target, ...]:
    return parse_spec(text.encode(), "application/yaml").targets


def restored(path: Path, dump: list[str]) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("\n".join(dump))
    connection.close()


def in_force(world: World) -> tuple[str, float]:
    return world.production(), world.share()


@pytest.mark.parametrize(
    "path",
    files(
        "accepted-and-not-looked-at",
        "progressing-at-five-percent",
        "promoting-while-a-swap-runs",
        "promoting-and-baking",
    ),
)
def test_a_healthy_rollout_goes_on_to_its_end(path, tmp_path):
    world = resumed(path, tmp_path)
    before = [line["sequence"] for line in world.events(world.followed)]

    assert world.run_to_end(RolloutId(world.followed)) == "succeeded"

    after = [line["sequence"] for line in world.events(world.followed)]
    assert after[: len(before)] == before
    assert len(after) == len(set(after)) > len(before)
    assert in_force(world)[0] == "2"
    assert [call.method for call in world.site.calls].count("begin_swap") == 1
    assert world.letters() == []


@pytest.mark.parametrize("path", files("progressing-with-a-bad-candidate", "rolling-back", "stuck-on-the-way-back"))
def test_a_bad_rollout_is_taken_back_to_its_end(path, tmp_path):
    world = resumed(path, tmp_path)

    assert world.run_to_end(RolloutId(world.followed)) == "rolled-back"
    assert in_force(world) == ("1", 0)


@pytest.mark.parametrize(
    ("path", "action"),
    [
        pytest.param(*each.values, action, id=f"{each.id}-{action}")
        for name, action in (
            ("waits-for-the-unfreeze", "unfreeze"),
            ("waits-at-a-gate", "approve"),
            ("paused-by-a-person", "resume"),
        )
        for each in files(name)
    ],
)
def test_what_waits_for_a_person_goes_on_by_what_the_person_says(path, action, tmp_path):
    world = resumed(path, tmp_path)
    world.settle()
    assert world.rollout(world.followed)["ended"] is None

    world.override(action, "go on")

    assert world.run_to_end(RolloutId(world.followed)) == "succeeded"


@pytest.mark.parametrize("path", files("paused-by-a-person", "waits-at-a-gate"))
def test_what_waits_can_be_taken_back_too(path, tmp_path):
    world = resumed(path, tmp_path)
    world.override("rollback", "no")

    assert world.run_to_end(RolloutId(world.followed)) == "rolled-back"
    assert in_force(world) == ("1", 0)


@pytest.mark.parametrize("path", files("waits-for-a-hook"))
def test_a_hook_that_was_called_before_is_waited_for_and_not_called_again(path, tmp_path):
    world = resumed(path, tmp_path)
    world.hooks.finish(world.rollout(world.followed)["hook"]["id"], HookStatus(HookState.SUCCEEDED))

    assert world.run_to_end(RolloutId(world.followed)) == "succeeded"
    assert world.hooks.called == []


@pytest.mark.parametrize("path", files("rolling-back-with-a-newer-one-waiting"))
def test_a_newer_one_that_waited_takes_its_turn_after_the_older_is_taken_back(path, tmp_path):
    world = resumed(path, tmp_path)
    newer = world.app.views.application(world.spec.application)["pending"]["id"]
    world.run_to_end(RolloutId(world.followed))
    world.site.deploy(world.target, Place.CANDIDATE, "3")

    assert world.run_to_end(newer) == "succeeded"
    assert world.production() == "3"


@pytest.mark.parametrize("path", files("succeeded-and-kept-warm"))
def test_a_success_of_before_is_returned_from_in_one_hop(path, tmp_path):
    world = resumed(path, tmp_path)
    back = world.override("rollback", "after all not")

    assert world.run_to_end(back) == "succeeded"
    assert world.production() == "1"


@pytest.mark.parametrize("path", files(TOGETHER))
def test_a_release_of_several_applications_goes_on_together(path, tmp_path):
    world = resumed(path, tmp_path)
    release = ReleaseId(world.followed)

    world.run_until(lambda: world.app.releases.view(release)["ended"] is not None)

    view = world.app.releases.view(release)
    assert view["phase"] == "succeeded", view
    assert {member["version"] for member in view["members"]} == {"2"}


@pytest.mark.parametrize("path", files(*(f"tables-{name}" for name in IN_TABLES)))
def test_what_stands_in_table_storage_is_gone_on_with(path, tmp_path, azurite):
    table = Table.from_connection_string(azurite.connection_string, name=f"t{uuid.uuid4().hex}")
    for partition, key, properties in json.loads(path.read_text(encoding="utf-8"))["rows"]:
        table.transact([create(TableRow(partition, key, properties))])

    world = resumed(path, tmp_path, lambda clock: in_tables(table, clock))

    ends = "rolled-back" if path.stem == "tables-rolling-back" else "succeeded"
    assert world.run_to_end(RolloutId(world.followed)) == ends
    assert in_force(world)[0] == ("1" if ends == "rolled-back" else "2")
    table.close()


@pytest.mark.parametrize("path", files(FLAGS))
def test_flags_are_served_as_they_were_and_changed_when_it_was_agreed(path, tmp_path):
    world = resumed(path, tmp_path)

    def served() -> dict[str, Flag]:
        world.start()
        return {key: each.flag for key, each in world.app.flags.served(LIVE).content.flags.items()}

    assert served()[FLAG.key] == FLAG
    assert served()["killed"].killed
    world.run_for(timedelta(hours=3))

    assert served()[FLAG.key] == FLAG_LATER
    events = world.app.flag_views.flag_history(LIVE, FLAG.key, 0)["events"]
    assert [line["sequence"] for line in events] == list(range(1, len(events) + 1))
    assert len(events) == 3
    world.app.flag_changes.tell(LIVE, FlagKey("killed"), Revive(by="bob", why="mended"))
    assert not served()["killed"].killed


def test_every_moment_has_its_file_in_the_newest_schema():
    kept = {path.stem for path in SCHEMAS[-1].glob("*.json")}

    assert kept == {*MOMENTS, TOGETHER, FLAGS, *(f"tables-{name}" for name in IN_TABLES)}
