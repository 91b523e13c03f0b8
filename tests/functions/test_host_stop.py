"""Stopping lets what runs finish, takes nothing new and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tests.functions.sample_app.journal import behaviour, calls
from tests.functions.sample_host import FOLDER, SETTINGS, running_host

ROOT = Path(__file__).parents[2]


def test_a_request_that_runs_is_answered_before_the_host_stops(tmp_path):
    statuses = []
    with running_host(tmp_path) as sample:
        behaviour.set("slow", lambda: time.sleep(0.5))
        client = threading.Thread(target=lambda: statuses.append(sample.ask("GET", "/slow").status))
        client.start()
        calls.wait_for("slow", 1)
        sample.host.stop()
        client.join(5)

    assert statuses == [200]


def test_a_message_that_is_handled_is_completed_before_the_host_stops(tmp_path):
    with running_host(tmp_path) as sample:
        behaviour.set("command", lambda body: time.sleep(0.5))
        sample.send("commands", b"first", session="s")
        sample.send("commands", b"second", session="s")
        calls.wait_for("command", 1)

        sample.host.stop()

        assert sample.broker.depth("commands") == 1
        assert len(calls.of("command")) == 1
        assert sample.broker.accept_next_session("commands", "next") == "s"


def test_a_message_without_a_session_is_completed_before_the_host_stops_too(tmp_path):
    with running_host(tmp_path) as sample:
        behaviour.set("plain", lambda body: time.sleep(0.5))
        sample.send("plain", b"x")
        calls.wait_for("plain", 1)

        sample.host.stop()

        assert sample.broker.depth("plain") == 0


def test_nothing_is_taken_once_the_host_has_stopped(tmp_path):
    with running_host(tmp_path) as sample:
        sample.host.stop()
        sample.send("commands", b"x", session="s")
        time.sleep(0.4)

        assert calls.of("command") == []
        with pytest.raises(ConnectionError):
            sample.ask("GET", "/things/x")


def test_stopping_is_quick_when_nothing_runs_and_safe_to_repeat(tmp_path):
    with running_host(tmp_path) as sample:
        begun = time.monotonic()
        sample.host.stop()
        sample.host.stop()

        assert sample.host.wait(0) is True
        assert time.monotonic() - begun < 1.0


def test_a_stopped_host_leaves_no_thread_but_daemons(tmp_path):
    before = set(threading.enumerate())
    with running_host(tmp_path) as sample:
        sample.ask("GET", "/things/x")
    time.sleep(0.4)

    left = [each for each in threading.enumerate() if each not in before]
    assert [each.name for each in left if not each.daemon] == []
    assert [each.name for each in left] == []


def test_a_function_that_hangs_does_not_keep_the_host_from_stopping(tmp_path):
    release = threading.Event()
    with running_host(tmp_path, stop_grace=0.2) as sample:
        behaviour.set("command", lambda body: release.wait(20))
        sample.send("commands", b"x", session="s")
        calls.wait_for("command", 1)
        begun = time.monotonic()
        sample.host.stop()
        took = time.monotonic() - begun
        release.set()

    assert took < 3.0


class HostProcess:
    """`python -m local.host` with the sample app."""

    def __init__(self, data: Path, *options: str) -> None:
        always = ("--data", data, "--port", "0", "--app", FOLDER, "--stop-grace", "0.5")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local.host", *always, *options],
            cwd=ROOT,
            env=os.environ | SETTINGS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.url = self.process.stdout.readline().removeprefix("ready ").strip()

    def end(self, number: int) -> tuple[int, str]:
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=15)
        return self.process.returncode, errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_runs_an_app_until_a_signal_and_exits_with_0(tmp_path, number):
    host = HostProcess(tmp_path)
    with urlopen(f"{host.url}/things/x", timeout=5) as response:
        assert response.read() == b"thing x"

    code, errors = host.end(number)

    assert (code, "Traceback" in errors) == (0, False)


def test_a_host_with_a_lifeline_ends_when_whoever_started_it_is_gone(tmp_path):
    host = HostProcess(tmp_path, "--lifeline")

    host.process.stdin.close()

    assert host.process.wait(10) == 0


def test_a_function_that_hangs_does_not_keep_the_process_from_ending(tmp_path):
    host = HostProcess(tmp_path)
    client = socket.create_connection(urlsplit(host.url).netloc.split(":"), timeout=5)
    client.sendall(b"GET /pause/60 HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.3)

    code, _ = host.end(signal.SIGTERM)

    client.close()
    assert code == 0


def test_the_command_keeps_its_keys_for_itself_and_over_a_restart(tmp_path):
    HostProcess(tmp_path).end(signal.SIGKILL)
    first = (tmp_path / "host-keys.json").read_text()
    HostProcess(tmp_path).end(signal.SIGTERM)

    assert (tmp_path / "host-keys.json").read_text() == first
    assert (tmp_path / "host-keys.json").stat().st_mode & 0o777 == 0o600


def test_the_command_says_that_its_port_is_taken(tmp_path):
    with running_host(tmp_path) as sample:
        port = sample.host.url.rpartition(":")[2]
        run = subprocess.run(
            [sys.executable, "-m", "local.host", "--data", tmp_path / "other", "--port", port, "--app", FOLDER],
            cwd=ROOT,
            env=os.environ | SETTINGS,
            capture_output=True,
            text=True,
            timeout=20,
        )

    assert run.returncode == 1
    assert f"cannot listen on port {port}" in run.stderr
    assert "Traceback" not in run.stderr
