"""`python -m cli dead-letters` against the running app."""

import io
import json
import os
import time
from pathlib import Path

import pytest

from cli.__main__ import main
from shared.adapters.sqlite.database import Database
from shared.bootstrap import app
from shared.domain.errors import NewerReleaseError
from shared.wire.dead_letter_requests import parse_letter_query
from shared.wire.problems import problem_of
from tests.functions.alerts import alert
from tests.functions.api_client import ALERTS, KEY, eventually, running_api
from tests.scripted_server import Say, scripted_server

WHY = "the queue gave it up: MaxDeliveryCountExceeded"


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with running_api(tmp_path_factory.mktemp("api")) as api:
        yield api


@pytest.fixture
def cli(api, monkeypatch, capsys):
    monkeypatch.setenv("SLIPWAY_URL", api.url)
    monkeypatch.setenv("SLIPWAY_KEY", KEY)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["dead-letters", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def given_up(number: int) -> str:
    """An alert that the broker gave up; return its letter."""
    body = json.dumps(alert(alert_id=f"given-up-{number}")).encode()
    known = {each["id"] for each in letters()}
    app().events.take_over("azure-monitor", body, f"{WHY} {number}")
    return next(each["id"] for each in letters() if each["id"] not in known)


def letters() -> list[dict]:
    return app().dead_letter_list.page(parse_letter_query({"state": "all"}))["dead_letters"]


def state_of(letter: str) -> str:
    return next(each["state"] for each in letters() if each["id"] == letter)


def test_letters_are_listed_a_line_each_and_as_json(cli):
    letter = given_up(1)

    code, out, err = cli("list", "--reason", f"{WHY} 1")
    (line,) = out.splitlines()
    assert (code, line.startswith(letter), f"azure-monitor: {WHY} 1" in line) == (0, True, True)
    assert err == "1 letter\n"

    code, out, _ = cli("list", "--reason", f"{WHY} 1", "--json")
    assert [each["id"] for each in json.loads(out)["dead_letters"]] == [letter]
    assert cli("list", "--application", "nobody")[1] == ""


def test_a_letter_is_shown_with_its_history_and_its_body(cli):
    letter = given_up(2)

    code, out, _ = cli("show", letter)

    assert code == 0
    assert out.startswith(f"{letter} from azure-monitor: open\nrefused because {WHY} 2\n")
    assert "refused: the queue gave it up" in out
    assert '"schemaId": "azureMonitorCommonAlertSchema"' in out
    assert json.loads(cli("show", letter, "--json")[1])["dead_letter"]["id"] == letter


def test_a_body_that_would_control_the_terminal_is_shown_and_does_nothing(cli):
    known = {each["id"] for each in letters()}
    app().events.take_over("azure-monitor", b"\x1b]0;mine\x07\x9b2J first\r\n\tsecond \xc2\x9bJ", f"{WHY} odd")
    (letter,) = {each["id"] for each in letters()} - known

    code, out, _ = cli("show", letter)

    assert code == 0
    assert "\\x1b]0;mine\\x07" in out
    assert "\tsecond \\x9bJ" in out
    assert all(each.isprintable() or each in "\n\t" for each in out)


def test_a_redrive_is_told_and_asked_twice_it_tells_of_the_first(cli, api):
    letter = given_up(3)

    assert cli("redrive", letter, "--because", "well again")[:2] == (0, f"{letter}: redriven\n")
    code, out, _ = cli("redrive", letter, "--because", "once more")

    assert code == 0
    assert f"{letter}: redriven before, by alice at " in out
    assert out.endswith(": well again\n")
    eventually(lambda: api.broker.depth(ALERTS) == 0)


def test_all_that_a_filter_leaves_are_acted_on_and_a_dry_run_does_nothing(cli):
    chosen, other = [given_up(number) for number in (41, 42)], given_up(5)

    code, out, _ = cli("discard", "--all", "--reason", f"{WHY} 4", "--because", "a test", "--dry-run")
    assert (code, sorted(out.splitlines())) == (0, sorted(f"{each}: would be discarded" for each in chosen))
    assert {state_of(each) for each in chosen} == {"open"}

    code, out, _ = cli("discard", "--all", "--reason", f"{WHY} 4", "--because", "a test", "--json")
    assert code == 0
    assert sorted(each["letter"] for each in json.loads(out)["letters"]) == sorted(chosen)
    assert {state_of(each) for each in chosen} == {"discarded"}
    assert state_of(other) == "open"


def test_one_that_is_refused_keeps_no_other_back_and_makes_the_exit_code_1(cli):
    closed, fine = given_up(6), given_up(7)
    cli("discard", closed, "--because", "no use")

    code, out, err = cli("redrive", closed, fine, "nobody", "--because", "well again")

    assert code == 1
    assert out == f"{fine}: redriven\n"
    assert f"{closed}: Slipway answers 409" in err
    assert "alice discarded it at" in err
    assert "nobody: Slipway answers 404" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("redrive", "--because", "x"),
        ("redrive", "a", "--all", "--because", "x"),
        ("discard", "a", "--application", "shop", "--because", "x"),
    ],
)
def test_letters_are_named_or_chosen_and_never_by_accident(cli, arguments):
    code, _, err = cli(*arguments)

    assert code == 1
    assert "name the letters, or say --all" in err


def unread(letter: str) -> str:
    """Let a letter be what a newer release would have written."""
    with Database(Path(os.environ["SLIPWAY_DATA"]) / "store.db").writing() as connection:
        newer = json.dumps({"schema": 99, "letter": {}})
        connection.execute("UPDATE dead_letters SET document = ? WHERE position = ?", (newer, letter))
    assert state_of(letter) == "unread"
    return letter


@pytest.mark.parametrize(("what", "number"), [("redrive", 81), ("discard", 82)])
def test_what_only_a_newer_release_can_act_on_is_told_at_once_and_keeps_no_other_back(cli, what, number):
    left, fine = unread(given_up(number)), given_up(number + 10)

    began = time.monotonic()
    code, out, err = cli(what, left, fine, "--because", "w")

    assert time.monotonic() - began < 10
    assert (code, out) == (1, f"{fine}: {'redriven' if what == 'redrive' else 'discarded'}\n")
    assert f"{left}: a document of schema 99 was written by a newer release; this one reads up to 1. " in err
    assert "deploy that release again, then repeat this" in err


def test_an_unread_letter_is_shown_as_far_as_it_is_known_and_no_further(cli):
    letter = unread(given_up(83))
    why = "a document of schema 99 was written by a newer release; this one reads up to 1"

    assert cli("show", letter)[1].splitlines() == [
        f"{letter}: unread",
        f"{why}: its body and its history are kept as they are, and cannot be shown here",
    ]
    line = next(line for line in cli("list", "--state", "unread")[1].splitlines() if line.startswith(letter))
    assert line.endswith(f"  unread     {why}")


def test_all_letters_are_gone_through_though_a_newer_release_wrote_each_of_them_meanwhile(cli, monkeypatch):
    listed = Say(body={"dead_letters": [{"id": "a"}, {"id": "b"}], "next": None})
    newer = Say(*problem_of(NewerReleaseError("a letter of schema 2 was written by a newer release")))
    with scripted_server(listed, newer) as server:
        monkeypatch.setenv("SLIPWAY_URL", server.url)
        code, _, err = cli("discard", "--all", "--because", "w")

    assert (code, len(server.asked)) == (1, 3)
    assert [line.partition(" was written")[0] for line in err.splitlines()] == [
        "a: a letter of schema 2",
        "b: a letter of schema 2",
    ]


def test_who_does_not_say_why_is_not_understood(cli, capsys):
    with pytest.raises(SystemExit) as ended:
        cli("redrive", "--all")
    assert ended.value.code == 2
    assert "--because" in capsys.readouterr().err


def test_help_shows_examples(cli, capsys):
    with pytest.raises(SystemExit):
        cli("--help")
    assert "python -m cli dead-letters redrive --all --application shop" in capsys.readouterr().out


def test_where_slipway_is_not_said_the_fix_is(cli, monkeypatch):
    monkeypatch.delenv("SLIPWAY_URL")

    code, out, _ = cli("list", "--json")

    assert (code, json.loads(out)["ok"]) == (1, False)
    assert "SLIPWAY_URL" in json.loads(out)["detail"]


def test_a_terminal_that_cannot_show_a_letter_is_not_blamed_on_slipway(cli, monkeypatch):
    letter = {"id": "1", "at": None, "state": "open", "about": [], "source": "alerts", "reason": "für niemanden"}
    with scripted_server(Say(body={"dead_letters": [letter], "next": None})) as server:
        monkeypatch.setenv("SLIPWAY_URL", server.url)
        assert "für niemanden" in cli("list")[1]
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
        with pytest.raises(UnicodeEncodeError):
            cli("list")
