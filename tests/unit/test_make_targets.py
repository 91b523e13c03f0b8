"""What the programs behind `make` refuse: a run that would look at nothing never says that all is well."""

import importlib
import json
import shlex
import sys
from collections import Counter

import pytest

from tests import command_line
from tests.bench.cost import SIZES, STORIES, Count, plain
from tests.simulation.protocol.defects import search

SIMULATE = "tests.simulation.protocol.__main__"
MODEL = "tests.simulation.model.__main__"
FUZZ = "tests.fuzz.__main__"
FAULTS = "tests.faults.__main__"
NOTHING_TO_DO = [
    (SIMULATE, "--count 0", "N=0: allowed is a whole number from 1 on"),
    (SIMULATE, "--count -5", "N=-5: allowed is a whole number from 1 on"),
    (SIMULATE, "--count many", "N=many: allowed is a whole number from 1 on"),
    (SIMULATE, "--count 3 --shrink", "SHRINK=1 makes one schedule small: say which, such as REPLAY=673"),
    (SIMULATE, "--replay nofile.json", "REPLAY=nofile.json: No such file or directory; allowed is a seed"),
    (SIMULATE, "--replay abc", "REPLAY=abc: No such file or directory; allowed is a seed"),
    (SIMULATE, "--replay pyproject.toml", "REPLAY=pyproject.toml: no schedule stands in it; allowed is a seed"),
    (SIMULATE, "--replay -7", "REPLAY=-7: No such file or directory; allowed is a seed"),
    (MODEL, "--scenario nonsense", "no scenario has 'nonsense' in its name; there are:\n  "),
    (MODEL, "--crashes -1", "CRASHES=-1: allowed is a whole number from 0 on"),
    (MODEL, "--locks -1", "LOCKS=-1: allowed is a whole number from 0 on"),
    (MODEL, "--stalls -1", "STALLS=-1: allowed is a whole number from 0 on"),
    (FUZZ, "--minutes -1", "MINUTES=-1: allowed is a number above 0"),
    (FUZZ, "--minutes 0", "MINUTES=0: allowed is a number above 0"),
    (FUZZ, "--minutes nan", "MINUTES=nan: allowed is a number above 0"),
    (FUZZ, "--mutations -1", "MUTATIONS=-1: allowed is a whole number from 0 on"),
    (FUZZ, "--parser deploiment", "PARSER=deploiment: no parser is named deploiment: is it deployment"),
    (FUZZ, "--parser spec,qqqqqqqq", "no parser is named qqqqqqqq (python -m tests.fuzz --help lists them all)"),
    ("local.serve", "--port 99999", "PORT=99999: allowed is a port, 0 to 65535"),
    ("local.serve", "--port -1", "PORT=-1: allowed is a port, 0 to 65535"),
    (FAULTS, "--kills 0", "KILLS=0: allowed is a whole number from 1 on"),
    (FAULTS, "--kills 5 --rollouts 0", "ROLLOUTS=0: allowed is a whole number from 1 on"),
]


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a program as its module would; return its exit code, with what it wrote."""

    def as_asked(module: str, options: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["", *shlex.split(options)])
        with pytest.raises(SystemExit) as ended:
            command_line.run(importlib.import_module(module).main)
        return ended.value.code, *capsys.readouterr()

    return as_asked


@pytest.mark.parametrize(("module", "options", "says"), NOTHING_TO_DO)
def test_what_asks_for_nothing_is_refused_with_the_name_that_make_knows(run, module, options, says):
    code, out, err = run(module, options)

    assert (code, out) == (2, "")
    assert says in err


def test_who_names_no_scenario_is_told_all_of_them(run):
    from tests.simulation.model.scenarios import SCENARIOS

    told = run(MODEL, "--scenario nonsense")[2]

    assert all(f"  {each.name}\n" in told for each in SCENARIOS.values())


def test_what_was_searched_is_told_to_machines_too(run):
    code, out, err = run(MODEL, "--json --scenario deployed. --states 50")

    (told,) = json.loads(out)
    assert (code, told["scenario"], told["crashes"]) == (0, "it is deployed", 1)
    assert told["verdict"] == "holds so far (not all was searched)"
    assert (told["states"] >= 50, told["is_whole"], told["broken"]) == (True, False, None)
    assert err.startswith("it is deployed (1 crashes")


def test_what_was_kept_from_before_counts_for_no_speed(run, tmp_path, monkeypatch):
    from tests.simulation.protocol import campaign

    monkeypatch.setattr(campaign, "KEPT", tmp_path)
    options = "--count 3 --workers 1"

    first = run(SIMULATE, options)[1]
    again = run(SIMULATE, options)[1]
    told = json.loads(run(SIMULATE, f"{options} --json")[1])

    assert "\n3 schedules (3 run now in " in first
    assert "\n3 schedules (3 kept from before, none run now; " in again
    assert "/s;" not in again
    assert told["kept_from_before"] == 3


def test_a_run_that_is_told_to_end_says_that_the_same_command_goes_on(run, monkeypatch):
    from tests.simulation.protocol import __main__ as simulate

    def ended(*_: object, **__: object) -> None:
        raise SystemExit(143)

    monkeypatch.setattr(simulate, "campaign", ended)

    code, out, err = run(SIMULATE, "--count 3")
    assert (code, out) == (143, "")
    assert err == "\nbroken off: what has run is kept, and the same command goes on from there\n"


def test_who_looks_for_defects_is_told_how_long_it_takes(run):
    code, _, err = run(SIMULATE, '--workers 1 --defects "wake-ups without end"')

    assert code == 0
    assert err.startswith("1 defect: schedules are tried until one finds it, ")
    assert "\n1 of 1: wake-ups without end: " in err


@pytest.mark.parametrize(("done", "says"), [(1, ", about 9 min left"), (10, "")])
def test_what_is_left_is_as_long_as_what_was_done(done, says):
    assert search.left(60.0 * done, done, 10) == says


def test_an_interrupt_ends_a_program_without_a_traceback(capsys):
    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        command_line.run(interrupted)

    assert (ended.value.code, capsys.readouterr().err) == (130, "\nbroken off\n")


@pytest.mark.parametrize(
    "module", [SIMULATE, MODEL, FUZZ, FAULTS, "tests.bench.__main__", "tests.bench.cost", "local.serve"]
)
def test_the_help_has_two_examples(run, module):
    code, out, _ = run(module, "--help")

    assert code == 0
    assert out.partition("examples:\n")[2].count("  make ") == 2


def test_the_help_of_fuzzing_names_all_that_can_be_fuzzed(run):
    from tests.fuzz.runs import NAMES

    told = run(FUZZ, "--help")[1].replace(",", " ").split()

    assert set(NAMES) <= set(told)


def test_what_releases_cost_is_numbers_for_machines():
    """The rows of the page are made of the same, so what is added up here is added up there."""
    count = Count(
        story=STORIES[0],
        hours=1.0,
        reads=10,
        transactions=2,
        rows=5,
        sent=3,
        delivered=4,
        executions=6,
        outside=Counter(read_windows=7, set_share=2),
        kilobytes=8.0,
        a_sweep=1.0,
    )

    told = json.loads(json.dumps(plain((count,))))

    (release,) = told["releases"]
    assert (release["reads"], release["management_calls"], release["questions_for_metrics"]) == (10, 2, 7)
    assert [month["applications"] for month in told["months"]] == [*SIZES]
    for month in told["months"]:
        parts = month["at_most"]
        assert parts["total"] == pytest.approx(sum(parts.values()) - parts["total"])
        assert month["at_least"]["total"] <= parts["total"]
