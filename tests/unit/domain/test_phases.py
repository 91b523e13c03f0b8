"""Every command in every phase comes to what the table says."""

from collections.abc import Mapping

import pytest

from tests.unit.domain import phase_tables as tables
from tests.unit.domain.phases_page import COMMAND, PAGE, read_table, render
from tests.unit.domain.situations import LIVE, NONE_LIVE, SITUATIONS
from tests.unit.domain.trials import ALERTS, ANSWERS, DEPLOYMENTS, LOOKS, OVERRIDES, Trial


def rows(table: str) -> dict[str, dict[str, str]]:
    return read_table(table)[1]


def come_to(trials: Mapping[str, Trial], name: str, **also: bool) -> dict[str, str]:
    return {column: trial(name, **also) for column, trial in trials.items()}


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_persons_command_comes_to_what_the_table_says(name):
    assert come_to(OVERRIDES, name) == rows(tables.OVERRIDES)[name]


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_persons_command_comes_to_what_the_table_says_while_frozen(name):
    assert come_to(OVERRIDES, name, frozen=True) == rows(tables.OVERRIDES_WHILE_FROZEN)[name]


@pytest.mark.parametrize("name", LIVE)
def test_a_rollout_that_waits_changes_nothing_for_a_persons_command_to_the_live_one(name):
    assert come_to(OVERRIDES, name, pending=True) == rows(tables.OVERRIDES)[name]


@pytest.mark.parametrize("name", NONE_LIVE[1:])
def test_only_abort_unfreeze_and_a_way_back_move_a_rollout_that_waits_for_the_end_of_a_freeze(name):
    assert come_to(OVERRIDES, name, frozen=True, pending=True) == rows(tables.OVERRIDES_FOR_ONE_THAT_WAITS)[name]


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_deployment_comes_to_what_the_table_says(name):
    assert come_to(DEPLOYMENTS, name) == rows(tables.DEPLOYMENTS)[name]


@pytest.mark.parametrize("name", SITUATIONS)
def test_nothing_starts_while_frozen(name):
    expected = {column: cell.removesuffix(", starts") for column, cell in rows(tables.DEPLOYMENTS)[name].items()}
    assert come_to(DEPLOYMENTS, name, frozen=True) == expected


@pytest.mark.parametrize("name", LIVE)
def test_a_rollout_that_waits_gives_way_to_a_newer_one(name):
    assert come_to(DEPLOYMENTS, name, pending=True) == rows(tables.DEPLOYMENTS_BESIDE_ONE_THAT_WAITS)[name]


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("name", SITUATIONS)
def test_an_alert_comes_to_what_the_table_says_frozen_or_not(name, frozen):
    assert come_to(ALERTS, name, frozen=frozen) == rows(tables.ALERTS)[name]


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("name", rows(tables.ANSWERS))
def test_an_answer_of_an_effect_comes_to_what_the_table_says_frozen_or_not(name, frozen):
    assert come_to(ANSWERS, name, frozen=frozen) == rows(tables.ANSWERS)[name]


@pytest.mark.parametrize("name", [name for name in SITUATIONS if name not in rows(tables.ANSWERS)])
def test_an_answer_for_a_row_that_is_not_open_changes_nothing(name):
    assert {cell for cell in come_to(ANSWERS, name).values() if cell} == {"-"}


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_look_comes_to_what_the_table_says(name):
    assert come_to(LOOKS, name) == rows(tables.LOOKS)[name]


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_look_comes_to_what_the_table_says_while_frozen(name):
    assert come_to(LOOKS, name, frozen=True) == rows(tables.LOOKS_WHILE_FROZEN)[name]


@pytest.mark.parametrize("name", LIVE)
def test_a_rollout_that_waits_starts_with_the_look_that_ends_the_live_one(name):
    ends = {column: f"{cell}, starts" if "ends " in cell else cell for column, cell in rows(tables.LOOKS)[name].items()}
    assert come_to(LOOKS, name, pending=True) == ends


def test_the_page_of_commands_and_phases_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == render(), f"run: {COMMAND}"
