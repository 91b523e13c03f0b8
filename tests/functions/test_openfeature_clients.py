"""OpenFeature's own clients for Python and JavaScript, asking the running app for flags."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from openfeature.api import get_client, set_provider_and_wait
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

from tests.functions.api_client import ROOT, Api
from tests.functions.flags_in_use import EVALUATION_KEY, flags_in_use, save

PACKAGES = {"ofrep-provider": "0.1.3", "ofrep-web-provider": "0.4.3", "server-sdk": "1.23.0", "web-sdk": "1.10.0"}
HOME = ROOT / ".cache" / "openfeature"
PROGRAMS = Path(__file__).parent / "openfeature_sdk"
ANN = {"targetingKey": "ann"}
QUESTIONS: tuple[tuple[str, str, Any, dict[str, Any], Any, str, str], ...] = (
    ("boolean", "plain", False, ANN, True, "on", "STATIC"),
    ("string", "text", "-", ANN, "neu – ✓", "new", "STATIC"),
    ("number", "count", 0, ANN, 10_000_000_000, "many", "STATIC"),
    ("number", "ratio", 0.5, ANN, 1.0, "all", "STATIC"),
    ("object", "layout", {}, ANN, {"columns": 3, "names": ["x", None]}, "a", "STATIC"),
    ("boolean", "staff-only", False, {**ANN, "staff": True}, True, "on", "TARGETING_MATCH"),
    ("boolean", "staff-only", True, ANN, False, "off", "UNKNOWN"),
    ("boolean", "stopped", True, ANN, False, "off", "DISABLED"),
    ("boolean", "shop/new-page", False, ANN, True, "on", "STATIC"),
)
"""Sort, flag, fallback and context; value, variant and reason."""
FAILURES = (
    ("boolean", "no-such-flag", True, ANN, "FLAG_NOT_FOUND"),
    ("boolean", "ramp", True, {}, "TARGETING_KEY_MISSING"),
)


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with flags_in_use(tmp_path_factory.mktemp("flags")) as api:
        yield api


@pytest.fixture(scope="module")
def modules() -> Path:
    """Where the clients are installed from npm, on first need; without npm the tests are skipped, with the reason."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("OpenFeature's JavaScript clients need node and npm, which are not installed")
    HOME.mkdir(parents=True, exist_ok=True)
    found = HOME / "node_modules"
    with (HOME / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all((found / "@openfeature" / name / "package.json").exists() for name in PACKAGES):
            wanted = [f"@openfeature/{name}@{version}" for name, version in PACKAGES.items()]
            command = [npm, "install", "--prefix", str(HOME), "--no-audit", "--no-fund", *wanted]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode != 0:
                pytest.skip(f"npm could not install OpenFeature's clients: {done.stderr.strip()[-300:]}")
    return found


def run(program: str, modules: Path, api: Api, asked: Any) -> Any:
    environment = {**os.environ, "NODE_PATH": str(modules), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        ["node", str(PROGRAMS / program), api.url, EVALUATION_KEY],
        input=json.dumps(asked),
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def seen(answer: dict[str, Any]) -> tuple[Any, str | None, str | None]:
    return answer["value"], answer.get("variant"), answer.get("reason")


def questions(of: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [
        {"type": sort, "flag": flag, "fallback": fallback, "context": context}
        for sort, flag, fallback, context, *_ in of
    ]


@pytest.fixture(scope="module")
def python_client(api):
    headers = {"Authorization": f"Bearer {EVALUATION_KEY}"}
    set_provider_and_wait(OFREPProvider(api.url, headers_factory=lambda: headers))
    return get_client()


def ask_python(client: Any, sort: str, flag: str, fallback: Any, context: dict[str, Any]) -> Any:
    """Ask as applications in Python do, where whole numbers and others are two sorts."""
    name = {"number": "float" if isinstance(fallback, float) else "integer"}.get(sort, sort)
    attributes = {key: value for key, value in context.items() if key != "targetingKey"}
    known = EvaluationContext(targeting_key=context.get("targetingKey"), attributes=attributes)
    return getattr(client, f"get_{name}_details")(flag, fallback, known)


@pytest.mark.parametrize(("sort", "flag", "fallback", "context", "value", "variant", "reason"), QUESTIONS)
def test_python_s_client_gets_each_sort_of_flag(python_client, sort, flag, fallback, context, value, variant, reason):
    details = ask_python(python_client, sort, flag, fallback, context)
    assert (details.value, details.variant, str(details.reason)) == (value, variant, reason)
    assert details.error_code is None


@pytest.mark.parametrize(("sort", "flag", "fallback", "context", "code"), FAILURES)
def test_python_s_client_is_told_why_it_got_its_fallback(python_client, sort, flag, fallback, context, code):
    details = ask_python(python_client, sort, flag, fallback, context)
    assert details.value is fallback
    assert details.error_code.value == code


def test_javascript_s_server_client_gets_each_sort_of_flag(api, modules):
    answers = run("server.js", modules, api, questions(QUESTIONS))
    assert [seen(answer) for answer in answers] == [
        (value, variant, reason) for *_, value, variant, reason in QUESTIONS
    ]


def test_javascript_s_server_client_is_told_why_it_got_its_fallback(api, modules):
    answers = run("server.js", modules, api, questions(FAILURES))
    assert [(answer["value"], answer["errorCode"]) for answer in answers] == [(each[2], each[4]) for each in FAILURES]


def test_the_web_client_gets_all_flags_of_each_sort(api, modules):
    asked = {"contexts": [ANN], "questions": questions([each for each in QUESTIONS if each[3] == ANN])}
    (answers,) = run("web.js", modules, api, asked)["answers"]
    wanted = [(value, variant, reason) for *_, context, value, variant, reason in QUESTIONS if context == ANN]
    assert [seen(answer) for answer in answers] == wanted


def test_the_web_client_sees_another_context_of_the_same_user_though_it_sends_its_old_tag(api, modules):
    asked = {
        "contexts": [ANN, {**ANN, "staff": True}, {**ANN, "staff": True, "n": 1}],
        "questions": questions([("boolean", "staff-only", False, ANN)]),
    }
    said = run("web.js", modules, api, asked)
    assert [answers[0]["value"] for answers in said["answers"]] == [False, True, True]
    assert said["statuses"] == [200, 200, 304], "the answer to the last context is the one that it has"


def test_the_web_client_keeps_the_other_flags_where_one_needs_a_targeting_key(api, modules):
    asked = {"contexts": [{}], "questions": questions([("boolean", "plain", False, {}), ("boolean", "ramp", True, {})])}
    ((plain, ramp),) = run("web.js", modules, api, asked)["answers"]
    assert plain["value"] is True
    assert (ramp["value"], ramp["errorCode"]) == (True, "TARGETING_KEY_MISSING")


@pytest.fixture
def by_code(api):
    """A flag whose variant stands for the default that the caller's code has."""
    save(api, {"key": "by-code", "type": "string", "variants": {"code": None, "new": "neu"}, "off": "code"})
    return "by-code"


def test_python_s_client_takes_the_default_of_its_code_for_an_ordinary_answer(python_client, by_code):
    details = ask_python(python_client, "string", by_code, "mine", ANN)
    assert (details.value, details.error_code) == ("mine", None)


def test_javascript_s_server_client_gets_the_default_of_its_code_as_a_failure(api, modules, by_code):
    (answer,) = run("server.js", modules, api, questions([("string", by_code, "mine", ANN)]))
    assert (answer["value"], answer["reason"], answer["errorCode"]) == ("mine", "ERROR", "GENERAL")


def test_the_web_client_gets_the_default_of_its_code(api, modules, by_code):
    asked = {"contexts": [ANN], "questions": questions([("string", by_code, "mine", ANN)])}
    ((answer,),) = run("web.js", modules, api, asked)["answers"]
    assert (answer["value"], answer.get("errorCode")) == ("mine", None)


def test_a_kill_switch_reaches_clients_within_the_stated_time(api, python_client):
    save(api, {"key": "to-kill", "type": "boolean", "default": "on"})
    assert python_client.get_boolean_value("to-kill", False) is True
    assert api.ask("POST", "/api/flags/to-kill", {"action": "kill", "reason": "it hurts"}).status == 200
    assert python_client.get_boolean_details("to-kill", True).value is False
