"""Documents of flags that take longer than a request may, and flags that a rollout drives."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.application.flag_environments import FlagEnvironments
from shared.application.flag_transfer import TIME
from shared.bootstrap import FlagOptions
from shared.domain.flags.managing.commands import NEW, Drive, SaveFlag
from shared.domain.flags.model import Flag, Prerequisite
from shared.domain.names import EnvironmentName, FlagKey
from shared.wire.flag_transfer import FlagFormat, ImportRequest, ImportResult, Outcome
from shared.wire.flags.notes import Imported
from tests.scenario.world import World
from tests.unit.domain.flags.managing.tale import EVERYONE, KEY, OFF, ON, ROLLOUT, flag

LIVE = EnvironmentName("production")


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path, deploy_first=False, flags=FlagOptions(environments=FlagEnvironments({LIVE: 0})))


def send(world: World, *flags: Flag, overwrite: bool = False, dry_run: bool = False) -> ImportResult:
    request = ImportRequest(
        format=FlagFormat.SLIPWAY, imported=Imported(flags=flags), dry_run=dry_run, overwrite=overwrite, reason=""
    )
    result: ImportResult = world.app.flag_imports.run(LIVE, request, by="alice", change_id="i1")
    return result


def outcomes(result: ImportResult) -> dict[str, Outcome]:
    return {each.key: each.outcome for each in result.flags}


def test_what_there_was_no_time_for_is_postponed_and_done_by_the_same_document_again(world):
    many = tuple(replace(flag(), key=FlagKey(f"flag-{number}")) for number in range(3))
    now = world.clock.now
    looks: list[Any] = []

    def slow() -> Any:
        looks.append(None)
        return now() + (TIME if len(looks) > 12 else timedelta(0))

    world.clock.now = slow
    first = send(world, *many)
    world.clock.now = now

    assert set(outcomes(first).values()) == {Outcome.CREATED, Outcome.POSTPONED}
    again = send(world, *many)
    done = [key for key, outcome in outcomes(first).items() if outcome is Outcome.CREATED]
    assert outcomes(again) == {each.key: Outcome.UNCHANGED if each.key in done else Outcome.CREATED for each in many}


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_a_rollout_drives_is_refused_though_overwriting_was_asked_for(world, dry_run):
    world.app.flag_changes.tell(LIVE, KEY, SaveFlag(flag=flag(), by="a", why="", expected=NEW, id="c"))
    world.app.flag_changes.tell(
        LIVE, KEY, Drive(rollout=ROLLOUT, rule="everyone", candidate=ON, stable=OFF, weight=5_000)
    )
    other = replace(EVERYONE, serve=ON)

    [line] = send(world, flag(rules=(other,)), overwrite=True, dry_run=dry_run).flags

    assert line.outcome is Outcome.REFUSED
    assert ROLLOUT in line.reasons[0].message


def test_flags_that_need_each_other_in_a_long_row_are_all_saved(world):
    row = tuple(
        replace(
            flag(),
            key=FlagKey(f"flag-{number}"),
            prerequisites=(Prerequisite(FlagKey(f"flag-{number + 1}"), (ON,)),) if number < 9 else (),
        )
        for number in range(10)
    )

    assert set(outcomes(send(world, *row)).values()) == {Outcome.CREATED}


def test_flags_that_need_each_other_in_a_circle_are_refused_and_end(world):
    pair = tuple(
        replace(flag(), key=FlagKey(key), prerequisites=(Prerequisite(FlagKey(other), (ON,)),))
        for key, other in (("a", "b"), ("b", "a"))
    )

    assert outcomes(send(world, *pair)) == {"a": Outcome.REFUSED, "b": Outcome.REFUSED}
    assert outcomes(send(world, *pair, dry_run=True)) == {"a": Outcome.REFUSED, "b": Outcome.REFUSED}
    for dry_run in (False, True):
        [first, second] = send(world, *pair, dry_run=dry_run).flags
        assert first.reasons[0].message == "the prerequisites need one another in a circle: a -> b -> a"
        assert second.reasons[0].message == "the prerequisites need one another in a circle: b -> a -> b"
