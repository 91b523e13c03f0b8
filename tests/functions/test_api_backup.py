"""Backups over HTTP, by the command line as an operator uses it: an account goes into a file, and out of it."""

import json
import re
import threading
import time
from dataclasses import replace

import pytest

from cli.__main__ import main
from cli.archive_file import read_archive
from cli.service import KEY_SETTING, URL_SETTING, Service, ServiceError, service
from shared.adapters.sqlite.database import Database
from shared.domain.archive import Kind
from shared.wire.archive_entries import parse_cursor, parse_entry, write_cursor
from shared.wire.archive_manifest import Tally
from tests.functions.api_client import (
    ALERT_KEY,
    FLAGGER_KEY,
    HOOK_SECRET,
    HOOKS_KEY,
    KEY,
    OTHER_SOURCE_KEY,
    SECOND_KEY,
    SENDERS_KEY,
    SHOP_HOOKS_KEY,
    eventually,
    running_api,
)
from tests.scripted_server import HangUp, Say, Silence, closed_port, scripted_server

DIGEST = "0" * 64
EMPTY = {"format": 1, "schema": 1, "sections": {}, "sha256": DIGEST}
KEYS = (KEY, SECOND_KEY, ALERT_KEY, OTHER_SOURCE_KEY, SENDERS_KEY, FLAGGER_KEY, HOOKS_KEY, SHOP_HOOKS_KEY)


@pytest.fixture
def at(monkeypatch):
    """Run the command line against a running API; return its exit code, with what it wrote."""

    def run(api, *arguments):
        monkeypatch.setenv(URL_SETTING, api.url)
        monkeypatch.setenv(KEY_SETTING, KEY)
        return main(["backup", *map(str, arguments)])

    return run


def every_entry(api):
    found, after = [], ""
    while True:
        page = api.ask("GET", f"/api/backup?after={after}").json()
        found += [parse_entry(each) for each in page["entries"]]
        if page["next"] is None:
            return found
        after = page["next"]


def busy_account(api) -> str:
    """Two applications, a rollout, a flag, an alert that nobody owns; return the address of the rollout."""
    api.register()
    api.register("web")
    location = api.deploy("2", headers={"Idempotency-Key": "run-1"}).location
    flag = {"key": "new-checkout", "default": "on"}
    assert api.ask("PUT", "/api/flags/new-checkout", flag, {"If-None-Match": "*"}).status == 201
    api.put_on_queue(b"garbage")
    eventually(lambda: api.ask("GET", "/api/dead-letters").json()["dead_letters"])
    return location


def test_an_account_is_copied_checked_and_restored_by_the_command_line(tmp_path, at, capsys):
    file = tmp_path / "monday.backup"
    with running_api(tmp_path / "first") as api:
        location = busy_account(api)
        shown = api.ask("GET", location).json()
        assert at(api, "export", file) == 0
        assert "entries (" in capsys.readouterr().out
        assert at(api, "verify", file) == 0
        assert at(api, "restore", file) == 1
        assert "409 The rules do not allow this now: the account is not empty: it holds" in capsys.readouterr().err
    with running_api(tmp_path / "second") as api:
        assert at(api, "restore", file, "--dry-run") == 0
        assert every_entry(api) == []
        capsys.readouterr()
        assert at(api, "restore", file) == 0
        assert "restored, read back and woken" in capsys.readouterr().out

        assert api.ask("GET", location).json() == shown
        assert api.deploy("2", headers={"Idempotency-Key": "run-1"}).location == location
        listed = api.ask("GET", "/api/applications").json()["applications"]
        assert [each["application"] for each in listed] == ["shop", "web"]
        assert api.ask("GET", "/api/flags/new-checkout").status == 200
        assert api.ask("POST", "/ofrep/v1/evaluate/flags/new-checkout", {"context": {"targetingKey": "u"}}).json()[
            "value"
        ]
        assert len(api.ask("GET", "/api/dead-letters").json()["dead_letters"]) == 1
        assert at(api, "restore", file) == 0
        assert "was made of this archive before" in capsys.readouterr().out


def test_what_only_a_newer_release_can_read_is_copied_byte_for_byte_and_named(tmp_path, at, capsys):
    newer = json.dumps({"schema": 7, "value": {"of": "tomorrow"}}, separators=(",", ":"))
    file = tmp_path / "a.backup"
    with running_api(tmp_path / "data", driven=False) as api:
        busy_account(api)
        with Database(tmp_path / "data" / "store.db").writing() as connection:
            connection.execute("UPDATE dead_letters SET document = ?", (newer,))
        assert at(api, "export", file) == 0
        said = capsys.readouterr().err
        assert at(api, "verify", file, "--json") == 0
        told = json.loads(capsys.readouterr().out)

    found = []
    read_archive(file, found.append)
    (letter,) = [each for each in found if each.kind is Kind.LETTER]
    assert letter.text == newer
    assert "1 of them was written by a newer release of Slipway, in schema 7 (this one reads up to 1): " in said
    assert f"1): letter {letter.name}." in said
    assert "only that release, or a later one, can be restored from it" in said
    assert told["newer"] == [f"letter {letter.name}"]


def test_a_dry_run_says_what_would_be_written_and_what_is_in_the_way(tmp_path, at, capsys):
    file = tmp_path / "monday.backup"
    with running_api(tmp_path / "first") as api:
        busy_account(api)
        assert at(api, "export", file) == 0
        counts = capsys.readouterr().out.removeprefix(f"{file}: ").strip()
        assert at(api, "restore", file, "--dry-run") == 1
        out, err = capsys.readouterr()
        assert at(api, "restore", file, "--dry-run", "--json") == 1
        told = json.loads(capsys.readouterr().out)
    with running_api(tmp_path / "second") as api:
        assert at(api, "restore", file, "--dry-run") == 0
        could = capsys.readouterr().out

    assert out == f"{file} is whole; would write {counts}\n"
    assert err.startswith("cannot be restored there: Slipway answers 409")
    assert "the account is not empty: it holds application:" in err
    assert (told["ok"], "the account is not empty" in told["detail"]) == (False, True)
    assert told["sections"]["state"]["count"] >= 5
    assert could == f"{file} is whole; would write {counts}, and can be restored there\n"


def test_a_live_account_is_copied_while_it_is_being_used(tmp_path, at):
    """Deployments, pauses and specs come in while pages are read; what was copied is a whole account."""
    with running_api(tmp_path / "first", driven=True) as api:
        busy_account(api)
        stop, sent, files = threading.Event(), [], []

        def use() -> None:
            while not stop.is_set():
                number = len(sent)
                sent.append(api.deploy(f"{number}", "web", {"Idempotency-Key": f"web-{number}"}).status)
                api.override("pause" if number % 2 else "resume")
                api.register(f"more-{number}")

        user = threading.Thread(target=use)
        user.start()
        try:
            while len(sent) < 12:
                files.append(tmp_path / f"{len(files)}.backup")
                assert at(api, "export", files[-1]) == 0
        finally:
            stop.set()
            user.join()
    with running_api(tmp_path / "second", driven=True) as api:
        assert at(api, "restore", files[len(files) // 2]) == 0
        entries = every_entry(api)
        known = {entry.name for entry in entries if entry.kind is Kind.ANSWER}
        assert {entry.name for entry in entries if entry.kind is Kind.INBOX} <= known


def test_no_secret_of_the_app_is_in_a_backup(tmp_path, at):
    file = tmp_path / "a.backup"
    with running_api(tmp_path / "first") as api:
        busy_account(api)
        told = {"name": "us", "url": "https://h.example", "topics": ["failed"], "secretSetting": "SLIPWAY_SECRET_HOOKS"}
        assert api.register("signed", notifications=[told]).status == 201
        assert at(api, "export", file) == 0
        text = "".join(entry.text for entry in every_entry(api))

    assert not [secret for secret in (*KEYS, HOOK_SECRET) if secret in text]


def test_a_page_goes_on_where_the_one_before_ended(tmp_path, monkeypatch):
    with running_api(tmp_path) as api:
        busy_account(api)
        whole = every_entry(api)
        monkeypatch.setattr("shared.application.backup.CHARACTERS_A_PAGE", 0)
        first = api.ask("GET", "/api/backup").json()

        assert first["next"] is not None
        assert every_entry(api) == whole


@pytest.mark.parametrize("after", ["x", "bm8", "WyJzdGF0ZSIsImEiLCIiXQ", "!!", "W10"])
def test_a_place_that_no_page_named_is_refused(tmp_path, after):
    with running_api(tmp_path) as api:
        answer = api.ask("GET", f"/api/backup?after={after}")

    assert answer.status == 400
    assert answer.json()["errors"][0]["path"] == "after"


def test_only_an_operator_may_copy_or_restore(tmp_path):
    with running_api(tmp_path) as api:
        for method, path in (
            ("GET", "/api/backup"),
            ("POST", "/api/backup/restore"),
            ("POST", "/api/backup/restore/entries"),
            ("POST", "/api/backup/restore/wake"),
        ):
            assert api.ask(method, path, {} if method == "POST" else None, key=None).status == 401
            assert api.ask(method, path, {} if method == "POST" else None, key=ALERT_KEY).status in (401, 403)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"format": 2}, "format"),
        ({"schema": -1}, "schema"),
        ({"sha256": "x"}, "sha256"),
        ({"sections": []}, "sections"),
        ({"sections": {"states": {"count": 1, "checksum": DIGEST}}}, "sections.states"),
        ({"sections": {"state": {"count": 0, "checksum": DIGEST}}}, "sections.state"),
        ({"more": 1}, "more"),
    ],
)
def test_a_manifest_that_is_none_is_refused_field_by_field(tmp_path, change, path):
    with running_api(tmp_path) as api:
        answer = api.ask("POST", "/api/backup/restore", {**EMPTY, **change})

        assert (answer.status, answer.json()["errors"][0]["path"]) == (400, path)
        assert every_entry(api) == []


ENTRY = {"kind": "inbox", "of": "application:shop", "name": "c", "at": 1, "text": "{}"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"kind": "marker"}, "entries[0].kind"),
        ({"at": None}, "entries[0].at"),
        ({"at": True}, "entries[0].at"),
        ({"at": -1}, "entries[0].at"),
        ({"kind": "outbox"}, "entries[0].at"),
        ({"of": ""}, "entries[0].of"),
        ({"name": ""}, "entries[0].name"),
        ({"text": 7}, "entries[0].text"),
        ({"text": "\\x"}, "entries[0].text"),
        ({"more": 1}, "entries[0].more"),
        ({"kind": "history", "at": None, "name": "0"}, "entries[0].name"),
        ({"kind": "history", "at": None, "name": "x"}, "entries[0].name"),
        ({"kind": "state", "at": None}, "entries[0].name"),
        ({"kind": "observation", "at": None, "of": "a|application!003ashop", "name": "0a"}, "entries[0].name"),
        ({"kind": "base-line", "of": "o|shop|web", "name": "r|1"}, "entries[0].name"),
        ({"kind": "usage", "at": None, "of": "production", "name": "k", "text": "soon"}, "entries[0].text"),
    ],
)
def test_an_entry_that_is_none_is_refused_field_by_field(tmp_path, change, path):
    with running_api(tmp_path) as api:
        api.ask("POST", "/api/backup/restore", EMPTY)
        answer = api.ask("POST", "/api/backup/restore/entries", {"archive": DIGEST, "entries": [{**ENTRY, **change}]})

        assert (answer.status, answer.json()["errors"][0]["path"]) == (400, path)
        assert every_entry(api) == []


def test_nothing_is_written_or_woken_before_a_restore_has_begun(tmp_path):
    with running_api(tmp_path) as api:
        for path, more in (("entries", {"entries": [ENTRY]}), ("wake", {})):
            answer = api.ask("POST", f"/api/backup/restore/{path}", {"archive": DIGEST, **more})
            assert answer.status == 409
            assert "begin it first" in answer.json()["detail"]
        assert every_entry(api) == []


def test_an_entry_of_another_one_s_place_is_refused(tmp_path):
    with running_api(tmp_path) as api:
        api.ask("POST", "/api/backup/restore", EMPTY)
        entries = {"archive": DIGEST, "entries": [{**ENTRY, "kind": "record", "at": None}]}
        assert api.ask("POST", "/api/backup/restore/entries", entries).status == 200
        assert api.ask("POST", "/api/backup/restore/entries", entries).status == 200
        entries["entries"][0]["text"] = "other"
        answer = api.ask("POST", "/api/backup/restore/entries", entries)

        assert answer.status == 409
        assert 'record "c" of application:shop: something else stands there' in answer.json()["detail"]


def test_a_service_that_refuses_is_not_asked_again(tmp_path):
    with running_api(tmp_path) as api:
        asked = Service(api.url, KEY, pause_seconds=0.01)
        with pytest.raises(ServiceError, match="401 A valid key is needed"):
            replace(asked, key="no").page("")
        assert asked.page("").entries == ()


def test_a_service_that_is_unwell_is_asked_again_and_who_waits_is_told_what_for(monkeypatch, capsys):
    monkeypatch.setattr("cli.service.TOLD_FROM_SECONDS", 0.02)
    with scripted_server(Say(503, {"title": "A dependency is unwell"})) as server:
        with pytest.raises(ServiceError, match="answers 503 A dependency is unwell; tried 8 times"):
            Service(server.url, KEY, pause_seconds=0.01, wait_seconds=0.01).page("")
        assert len(server.asked) == 8

    waits = capsys.readouterr().err.splitlines()
    assert waits[0] == "Slipway answers 503 A dependency is unwell; trying again in 0.02 s"
    assert len(waits) == 6


def test_a_service_that_has_answered_is_waited_for_when_it_is_started_anew(monkeypatch):
    with scripted_server(Say(body={"entries": [], "next": None}), HangUp()) as server:
        asked = Service(server.url, KEY, pause_seconds=0.0, wait_seconds=0.01)
        assert asked.page("").entries == ()
        with pytest.raises(ServiceError, match="the connection broke off; tried 8 times"):
            asked.page("")


def test_who_never_answers_is_waited_for_a_little_and_named_with_the_port_and_the_question_whether_it_is_right(capsys):
    port = closed_port()
    asked = Service(f"http://127.0.0.1:{port}", KEY, pause_seconds=0.05, wait_seconds=0.3)

    began = time.monotonic()
    with pytest.raises(ServiceError) as refused:
        asked.page("")

    passed = time.monotonic() - began
    assert 0.3 <= passed < 1.5
    nobody = f"no answer from 127.0.0.1:{port}: the connection was refused"
    said, waited, where = re.split(r"; waited (\S+) s\. ", str(refused.value))
    assert (said, float(waited)) == (nobody, pytest.approx(passed, abs=0.1))
    assert where.startswith(f"Is http://127.0.0.1:{port} right (--url, or SLIPWAY_URL")
    assert capsys.readouterr().err == f"{nobody}; waiting for it, at most 0.3 s\n"


def test_who_accepts_and_stays_silent_is_waited_for_no_longer_than_was_said(monkeypatch):
    monkeypatch.setattr("cli.service.LEAST_TIMEOUT_SECONDS", 0.2)
    with scripted_server(Silence()) as server:
        began = time.monotonic()
        with pytest.raises(ServiceError) as refused:
            Service(server.url, KEY, wait_seconds=0.5).page("")
        passed = time.monotonic() - began

    assert 0.5 <= passed < 5
    (waited,) = re.findall(r"; waited (\S+) s\. ", str(refused.value))
    assert float(waited) == pytest.approx(passed, abs=0.1)


def test_what_was_waited_for_a_first_answer_does_not_count_once_it_has_come(monkeypatch, capsys):
    monkeypatch.setattr("cli.service.TOLD_FROM_SECONDS", 0.1)
    unwell = Say(503, {"title": "A dependency is unwell"})
    with scripted_server(*[HangUp()] * 5, unwell) as server:
        with pytest.raises(ServiceError, match="A dependency is unwell; tried 3 times"):
            Service(server.url, KEY, pause_seconds=0.02, tries=3, wait_seconds=30).page("")
        assert len(server.asked) == 5 + 3

    waits = capsys.readouterr().err
    assert "the connection broke off; trying again" in waits
    assert "A dependency is unwell; trying again" not in waits, "the pauses begin anew too"


def test_a_service_that_is_being_started_is_waited_for(monkeypatch, capsys):
    with scripted_server(HangUp(), HangUp(), Say(body={"entries": [], "next": None})) as server:
        assert Service(server.url, KEY, pause_seconds=0.01).page("").entries == ()


def test_how_long_to_wait_is_said_on_the_command_line(monkeypatch, capsys):
    monkeypatch.setenv(URL_SETTING, f"http://localhost:{closed_port()}")
    monkeypatch.setenv(KEY_SETTING, KEY)

    assert main(["dead-letters", "list", "--wait", "0"]) == 1
    assert "waited 0 s. Is http://localhost" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["backup", "export", "x", "--wait", "-1"])
    assert ended.value.code == 2
    assert "found -1; allowed are seconds, 0 or more" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "key", "says"),
    [
        ("", KEY, "--url, or SLIPWAY_URL"),
        ("http://slipway.example", KEY, "allowed is https://HOST"),
        ("slipway.example", KEY, "allowed is https://HOST"),
        ("http://localhost:70710", KEY, "allowed is https://HOST"),
        ("https://slipway.example", "", "an operator's key into SLIPWAY_KEY"),
    ],
)
def test_where_slipway_is_and_who_asks_must_be_said(monkeypatch, url, key, says):
    monkeypatch.setenv(URL_SETTING, url)
    monkeypatch.setenv(KEY_SETTING, key)

    with pytest.raises(ServiceError, match=says):
        service(None)


def test_results_are_json_where_that_is_asked(tmp_path, at, capsys):
    file = tmp_path / "a.backup"
    with running_api(tmp_path / "first") as api:
        busy_account(api)
        assert at(api, "export", file, "--json") == 0
        exported = json.loads(capsys.readouterr().out)
        assert at(api, "export", file, "--json") == 1
        refused = json.loads(capsys.readouterr().out)
        assert at(api, "verify", file, "--json") == 0
        verified = json.loads(capsys.readouterr().out)

    assert exported == verified
    assert exported["newer"] == []
    assert exported["ok"]
    assert exported["sections"]["state"]["count"] >= 5
    assert refused["ok"] is False
    assert "is there already" in refused["detail"]


def test_a_cursor_comes_back_as_it_was():
    text = write_cursor(parse_cursor("WyJoaXN0b3J5IiwiYXBwbGljYXRpb246c2hvcCIsIjUwMCJd"))

    assert text == "WyJoaXN0b3J5IiwiYXBwbGljYXRpb246c2hvcCIsIjUwMCJd"


def test_the_checksum_of_a_section_does_not_rest_on_the_order_of_its_entries():
    entries = [parse_entry({**ENTRY, "name": name}) for name in ("a", "b", "c")]
    one, other = Tally(), Tally()
    for entry in entries:
        one.add(entry)
    for entry in reversed(entries):
        other.add(entry)

    assert one.differences(other) == ()
    other.add(entries[0])
    assert one.differences(other) == ("inbox: 3 here, 4 there",)
    assert one.differences(other, "in the archive", "in the account") == ("inbox: 3 in the archive, 4 in the account",)
