"""`python -m local.serve`: ready when it says so, closed to strangers, and unharmed by `kill -9`."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.__main__ import main
from local import stack
from local.interruption import Interruption
from local.stack import StackError, running_stack
from shared.settings import Settings
from tests.functions.api_client import http_triggers
from tests.marked_processes import kill_all, marked_environment, processes_of
from tests.ports import free_port
from tests.sandbox import Control, fetch, wait_until

ROOT = Path(__file__).resolve().parents[2]


class Serve:
    """`make serve` as a process on a folder; it can be killed and started again."""

    def __init__(self, data, *options):
        self.data = data
        self.options = options
        self.port = free_port()
        self.start()

    def start(self):
        self.environment = marked_environment()
        command = [sys.executable, "-m", "local.serve", "--data", str(self.data), "--port", str(self.port)]
        command += self.options
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.ready = self.process.stdout.readline().strip()
        assert self.ready, self.process.communicate()[1]
        self.addresses = json.loads((self.data / "serve.json").read_text())
        self.control = Control(self.addresses["cloud"])

    def ask(self, method, path, body=None, **headers):
        headers = headers or {"X-API-Key": self.addresses["key"]}
        try:
            return fetch(self.addresses["url"] + path, method=method, body=body, headers=headers)
        except OSError as error:
            logs = "\n".join(stack.log_tail(log) for log in sorted(self.data.glob("*.log")))
            raise AssertionError(f"{error}; exit code {self.process.poll()}\n{logs}") from error

    def key_of(self, whom):
        return (self.data / f"{whom}-key").read_text()

    def process_id(self, module):
        return next(pid for pid, command in processes_of(self.environment).items() if module in command)

    def kill_everything(self):
        killed = kill_all(self.environment)
        self.process.communicate()
        return killed

    def stop(self):
        self.process.terminate()
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@pytest.fixture
def serve(tmp_path):
    serve = Serve(tmp_path / "data")
    yield serve
    kill_all(serve.environment)
    serve.process.communicate()


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    serve = Serve(tmp_path_factory.mktemp("serve") / "data")
    yield serve
    assert serve.stop() == (0, "", "")
    assert processes_of(serve.environment) == {}


def _routes():
    """Every HTTP route of the app with each of its methods, names in it filled in."""
    for trigger in http_triggers():
        yield from ((method, _filled_in(trigger.options["route"])) for method in trigger.options["methods"])


def _filled_in(route):
    named = route.replace("{application}", "shop").replace("{source}", "azure-monitor")
    return "/" + re.sub(r"{[^}]+}", "shop-000000000000", named)


ROUTES = sorted(set(_routes()))
CLOSED = [route for route in ROUTES if route != ("GET", "/api/health") and route[0] != "OPTIONS"]


def test_it_says_ready_and_where_to_reach_it(kept):
    assert kept.ready == f"ready http://127.0.0.1:{kept.port}"
    assert set(kept.addresses) == {"url", "key", "cloud", "edge"}
    assert kept.addresses["url"] == f"http://127.0.0.1:{kept.port}"
    assert kept.ask("GET", "/api/applications/shop").status == 200
    assert fetch(kept.addresses["edge"] + "/version").json() == {"version": "1"}
    assert kept.control.call("GET", "health") == {"status": "ok", "sites": ["shop"]}


def test_it_says_where_the_api_the_shop_the_sandbox_and_the_key_are_and_not_the_key(kept):
    lines = [kept.process.stdout.readline() for _ in range(6)]

    told = "".join(lines)
    for name in ("url", "edge", "cloud"):
        assert kept.addresses[name] in told
    assert f"{kept.data}/serve.json" in told
    assert kept.addresses["key"] not in told


def test_a_folder_may_begin_empty_and_a_backup_of_another_one_is_restored_into_it(kept, tmp_path, monkeypatch, capsys):
    def backup(there, *arguments):
        monkeypatch.setenv("SLIPWAY_URL", there.addresses["url"])
        monkeypatch.setenv("SLIPWAY_KEY", there.addresses["key"])
        code = main(["backup", *arguments])
        return code, "".join(capsys.readouterr())

    file = str(tmp_path / "kept.backup")
    assert backup(kept, "export", file)[0] == 0
    empty = Serve(tmp_path / "data", "--empty")
    try:
        assert empty.ask("GET", "/api/applications").json()["applications"] == []
        code, told = backup(empty, "restore", file)
        assert (code, told.startswith("restored, read back and woken: ")) == (0, True)
        assert empty.ask("GET", "/api/applications/shop").json() == kept.ask("GET", "/api/applications/shop").json()
    finally:
        code, _, err = empty.stop()
        assert (code, err) == (0, "")


def test_a_second_operator_and_who_evaluates_flags_have_keys_of_their_own(kept):
    flag = {"key": "tried"}
    assert kept.ask("PUT", "/api/flags/tried", flag, **{"X-API-Key": kept.key_of("second-operator")}).status == 201
    asked = {"context": {"targetingKey": "ann"}}
    evaluator = {"X-API-Key": kept.key_of("evaluation")}
    assert kept.ask("POST", "/ofrep/v1/evaluate/flags/tried", asked, **evaluator).status == 200
    assert kept.ask("PUT", "/api/flags/tried", flag, **evaluator).status in (401, 403)


def test_keys_of_the_environment_are_good_beside_the_stack_s_own(monkeypatch, tmp_path):
    monkeypatch.setenv("SLIPWAY_KEYS", "bob=bobs-key-0123456789;operator=not-this-one-0123456789")
    monkeypatch.setenv("SLIPWAY_SOURCE_KEYS", "hooks/shop=a-key-of-one-application")
    monkeypatch.setenv("SLIPWAY_FLAG_ENVIRONMENTS", "live=1;test")
    monkeypatch.setenv("SLIPWAY_FLAG_KEYS", "test/ci=a-key-for-tests-0123456789")
    env = stack._settings(tmp_path, "own-key-0123456789ab", "http://127.0.0.1:1")
    settings = Settings.from_env(env)

    own = {"operator": "own-key-0123456789ab", "second": (tmp_path / "second-operator-key").read_text()}
    assert settings.operator_keys == {"bob": "bobs-key-0123456789", **own}
    assert set(settings.source_keys) == {"hooks/shop", *stack.KEYED_SOURCES}
    assert settings.flag_keys["live/serve"] == (tmp_path / "evaluation-key").read_text()
    assert settings.flag_keys["test/ci"] == "a-key-for-tests-0123456789"


@pytest.mark.parametrize(
    "name",
    ["serve.json", "operator-key", "azure-monitor-key", "evaluation-key", "store.db", "store.db-wal", "queue.db"],
)
def test_files_with_keys_or_state_and_their_folder_are_for_their_owner_alone(kept, name):
    assert stat.S_IMODE((kept.data / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.data.stat().st_mode) == 0o700


def test_health_needs_no_key(kept):
    assert kept.ask("GET", "/api/health", Accept="*/*").status == 200


def test_the_list_of_routes_is_not_empty():
    assert ("POST", "/api/deployments") in CLOSED
    assert ("POST", "/api/events/azure-monitor") in CLOSED
    assert len(CLOSED) > 8


@pytest.mark.parametrize(("method", "path"), CLOSED)
@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "*/*"},
        {"X-API-Key": "not-the-key-not-the-key"},
        {"Authorization": "Bearer not-the-key-not-the-key"},
        {"Authorization": "Basic b3BlcmF0b3I6"},
        {"X-API-Key": ""},
    ],
    ids=lambda headers: "-".join(headers) + "-" + next(iter(headers.values()))[:6],
)
def test_no_other_route_answers_without_a_valid_key(kept, method, path, headers):
    answer = kept.ask(method, path, **headers)

    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
def test_the_key_is_taken_in_either_header(kept, header):
    value = kept.addresses["key"] if header == "X-API-Key" else f"Bearer {kept.addresses['key']}"

    assert kept.ask("GET", "/api/applications", **{header: value}).status == 200


def test_a_source_s_key_opens_its_own_door_as_code_and_no_other(kept):
    code = (kept.data / "azure-monitor-key").read_text()

    assert kept.ask("POST", f"/api/events/azure-monitor?code={code}", Accept="*/*").status == 400
    assert kept.ask("POST", f"/api/events/another?code={code}", Accept="*/*").status == 403
    assert kept.ask("GET", f"/api/applications?code={code}", Accept="*/*").status == 401
    assert code not in (kept.data / "host.log").read_text()


def test_no_key_is_in_the_logs_or_the_state(kept):
    for path in kept.data.rglob("*"):
        if path.is_file() and path.name not in ("serve.json", "operator-key"):
            assert kept.addresses["key"].encode() not in path.read_bytes(), path


def test_a_taken_port_is_a_clear_error_and_leaves_nothing_running(tmp_path):
    environment = marked_environment()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "local.serve", "--data", str(tmp_path), "--port", str(port)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert f"cannot listen on port {port}" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert processes_of(environment) == {}


def test_a_folder_in_use_is_a_clear_error(kept, monkeypatch):
    monkeypatch.setattr(stack, "LEAVE_SECONDS", 0.3)

    with (
        pytest.raises(StackError, match=f"another stack works in {kept.data}"),
        running_stack(kept.data, Interruption()),
    ):
        pass
    assert kept.ask("GET", "/api/applications/shop").status == 200


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with (
        pytest.raises(StackError, match="the folder of the state cannot be used"),
        running_stack(tmp_path / "file", Interruption()),
    ):
        pass


def test_a_stack_whose_starter_was_killed_makes_room_for_the_next(serve, monkeypatch):
    monkeypatch.setattr(stack, "LEAVE_SECONDS", 0.3)
    addresses, host = serve.addresses, serve.process_id("local.host")
    os.kill(host, signal.SIGSTOP)
    serve.process.kill()
    serve.process.wait()
    with pytest.raises(StackError, match="another stack works in"), running_stack(serve.data, Interruption()):
        pass

    os.kill(host, signal.SIGCONT)
    serve.process.communicate()
    serve.start()

    assert serve.addresses == addresses
    assert serve.ask("GET", "/api/applications/shop").status == 200


def test_a_part_that_dies_ends_the_whole(serve):
    os.kill(serve.process_id("local.host"), signal.SIGKILL)
    _, err = serve.process.communicate(timeout=30)

    assert serve.process.returncode == 1
    assert err == "serve: the Functions host ended with exit code -9\n"
    assert processes_of(serve.environment) == {}


@pytest.mark.slow
def test_kill_9_of_everything_in_the_middle_of_a_rollout_and_a_restart_goes_on_to_the_end(serve):
    serve.control.start_load(rps=100, clients="fresh")
    serve.control.deploy("2")
    rollout = serve.ask("POST", "/api/deployments", {"application": "shop", "version": "2"}).json()["location"]
    wait_until(lambda: serve.ask("GET", rollout).json()["weight"] == 25, within=150)
    seen = serve.ask("GET", f"{rollout}/history").json()["events"]
    met = serve.control.traffic()["2"]["requests"]
    addresses = serve.addresses

    assert serve.kill_everything() >= 5
    time.sleep(1)
    serve.start()

    assert serve.addresses == addresses
    assert serve.ask("GET", rollout).json()["weight"] == 25
    serve.control.start_load(rps=100, clients="fresh")
    wait_until(lambda: serve.ask("GET", rollout).json()["ended"], within=240)
    assert serve.ask("GET", rollout).json()["phase"] == "succeeded"
    events = serve.ask("GET", f"{rollout}/history").json()["events"]
    assert events[: len(seen)] == seen
    numbers = [event["sequence"] for event in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert [event["step"] for event in events if event["type"] == "StepEntered"] == [0, 1, 2, 3]
    assert fetch(serve.addresses["edge"] + "/version").json() == {"version": "2"}
    assert serve.control.traffic()["2"]["requests"] > 0.9 * met
