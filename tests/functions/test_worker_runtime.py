"""Microsoft's own worker library indexes and calls the functions: a check that is independent of our host.

The library says that it needs Python 3.13; it runs on 3.11 too. It is fetched once into `.cache/`.
"""

import base64
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.host import app_settings
from tests.functions.sample_host import SETTINGS, running_host

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / ".cache" / "worker-runtime" / f"{sys.version_info.major}.{sys.version_info.minor}"
PACKAGES = (
    "azure-functions-runtime==1.3.0",
    "azurefunctions-extensions-base==1.2.0",
    "grpcio-tools==1.85.1",
    "protobuf==7.36.2",
)
RUNNER = ROOT / "tests" / "functions" / "worker_runtime" / "run_app.py"
SAMPLE_APP = ROOT / "tests" / "functions" / "sample_app"


@pytest.fixture(scope="module")
def library():
    LIBRARY.mkdir(parents=True, exist_ok=True)
    complete = LIBRARY / "complete.txt"
    with (LIBRARY / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists() or complete.read_text() != "\n".join(PACKAGES):
            _install()
            complete.write_text("\n".join(PACKAGES))
    return LIBRARY


def _install() -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]
    install = subprocess.run(
        [*command, "--ignore-requires-python", "--no-deps", "--target", LIBRARY, *PACKAGES],
        capture_output=True,
        text=True,
        timeout=180,
    )
    if install.returncode:
        pytest.skip(f"Microsoft's worker library cannot be installed: {install.stderr.strip()[-300:]}")


def run_app(library: Path, folder: Path, settings: dict[str, str], calls: dict | None = None) -> dict:
    run = subprocess.run(
        [sys.executable, RUNNER, folder],
        input=json.dumps(calls or {}),
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env=os.environ | settings | {"PYTHONPATH": f"{library}{os.pathsep}{ROOT}"},
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def sample(library):
    calls = {
        "echo": {"query": {"a": "1,2"}, "headers": {"x-custom": "yes"}, "body": "grüß"},
        "thing_by_name": {"params": {"thing": "x"}},
        "number": {"params": {"number": "12"}},
        "pause": {"params": {"seconds": "0"}},
        "send": {"body": "by output"},
    }
    return run_app(library, SAMPLE_APP, SETTINGS, calls)


def test_every_function_of_the_sample_app_is_called(sample):
    outcomes = {name: result["succeeded"] for name, result in sample["functions"].items()}

    assert {name for name, succeeded in outcomes.items() if not succeeded} == {"broken", "empty"}
    assert len(outcomes) == 18


def test_the_worker_and_our_host_hand_a_function_the_same_request(sample, tmp_path):
    returned = json.loads(base64.b64decode(sample["functions"]["echo"]["returned"]["body"]))

    with running_host(tmp_path) as host:
        answer = host.ask("GET", "/things?a=1&a=2", "grüß".encode(), {"X-Custom": "yes", "Content-Type": "text/plain"})
    ours = json.loads(answer.body)

    assert [ours[part] for part in ("method", "params", "body")] == [
        returned[part] for part in ("method", "params", "body")
    ]
    assert ours["headers"]["x-custom"] == returned["headers"]["x-custom"]


@pytest.mark.parametrize(
    ("function", "path"), [("reply", "/reply"), ("thing_by_name", "/things/x"), ("special_thing", "/things/special")]
)
def test_the_worker_and_our_host_give_the_same_answer(sample, tmp_path, function, path):
    returned = sample["functions"][function]["returned"]

    with running_host(tmp_path) as host:
        answer = host.ask("GET", path)

    if isinstance(returned, str):
        assert answer.body.decode() == returned
    else:
        assert (answer.status, answer.body) == (returned["status"], base64.b64decode(returned["body"]))
        assert answer.headers["content-type"] == returned["headers"]["content-type"]


def test_an_output_bindings_value_comes_back_beside_the_answer(sample):
    assert sample["functions"]["send"]["outputs"] == {"out": "by output"}


def test_an_app_with_two_apps_in_it_is_refused(library, tmp_path):
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func\none = func.FunctionApp()\nother = func.FunctionApp()\n"
    )

    assert run_app(library, tmp_path, {})["indexed"] is False


def test_every_function_of_the_app_is_indexed_and_called(library, tmp_path):
    """On an empty store each call succeeds: what is asked for is unknown, what is sent in is refused, kindly."""
    result = run_app(library, ROOT, app_settings(ROOT, tmp_path))

    assert result["indexed"], result
    functions = result["functions"]
    assert {name: each["error"] for name, each in functions.items() if not each["succeeded"]} == {}
    answers = {name: each["returned"] for name, each in functions.items() if each["trigger"] == "httpTrigger"}
    assert {name: answer for name, answer in answers.items() if answer["status"] >= 500} == {}
    assert {"httpTrigger", "serviceBusTrigger", "timerTrigger"} <= {each["trigger"] for each in functions.values()}
