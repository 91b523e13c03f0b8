"""Hooks that are GitHub workflows: dispatched once for each id, over a real socket."""

import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.adapters.github.api import GithubApi
from shared.adapters.github.workflow_caller import GithubWorkflowCaller
from shared.adapters.github.workflow_runs import Run, read_run
from shared.domain.errors import RejectedError, TryLaterError, UnansweredError
from shared.domain.rollout.hooks import GithubWorkflow, HookState, Webhook
from tests.github_stand_in import LOST, NOT_FOUND, github_stand_in, job
from tests.scripted_server import Drip, HangUp, Say, Silence, closed_port, scripted_server

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
ID = "shop-0123456789ab.1.migrate"
SECRETS = {"SLIPWAY_SECRET_GITHUB": "ghp_t0ken", "SLIPWAY_KEYS": "alice=the-key-of-an-operator", "TEAM": "t3am"}
WORKFLOW = GithubWorkflow(
    repository="octo-org/octo-repo",
    workflow="migrate.yml",
    ref="main",
    token_setting="SLIPWAY_SECRET_GITHUB",
    inputs=(("image", "shop:{version}"), ("options", '{"dry": false, "for": "{nobody}"}'), ("slipway_id", "mine")),
)
BODY = {"rollout": "shop-0123456789ab", "version": "2", "step": 1, "stage": "expand"}
PAYLOADS = Path(__file__).parents[3] / "shared" / "payloads" / "github"
NO_RUNS = Say(200, {"total_count": 0, "workflow_runs": []})


@pytest.fixture
def github():
    with github_stand_in() as github:
        yield github


def caller_of(url, now=NOON):
    return GithubWorkflowCaller(SECRETS.get, base_url=url, allow_http=True, now=lambda: now)


def test_a_workflow_is_dispatched_with_the_id_among_its_inputs_and_its_run_is_known(github):
    started = caller_of(github.server.url).call(WORKFLOW, ID, BODY)

    (asked,) = github.dispatches
    assert asked.path == "/repos/octo-org/octo-repo/actions/workflows/migrate.yml/dispatches"
    assert asked.json() == {
        "ref": "main",
        "inputs": {"image": "shop:2", "options": '{"dry": false, "for": "{nobody}"}', "slipway_id": ID},
        "return_run_details": True,
    }
    assert asked.headers["authorization"] == "Bearer ghp_t0ken"
    assert (asked.headers["accept"], asked.headers["x-github-api-version"], asked.headers["user-agent"]) == (
        "application/vnd.github+json",
        "2022-11-28",
        "Slipway",
    )
    assert started.token == "run:30433642"
    assert started.status.state is HookState.RUNNING
    assert "https://github.com/octo-org/octo-repo/actions/runs/30433642" not in started.status.progress
    assert "https://github.com/octo-org/octo-repo/actions/runs/30433642" in started.status.detail


def test_the_same_id_is_dispatched_once_however_often_it_is_called(github):
    caller = caller_of(github.server.url)

    assert caller.call(WORKFLOW, ID, BODY).token == caller.call(WORKFLOW, ID, BODY).token
    assert len(github.dispatches) == 1


@pytest.mark.parametrize("title", ["{}0", "x{}", "{}-2", "{}.x", "a.{}", "shop", ""])
def test_a_run_whose_name_only_resembles_the_id_is_another(github, title):
    github.add_run(title.format(ID))

    assert caller_of(github.server.url).call(WORKFLOW, ID, BODY).token == "run:30433643"


@pytest.mark.parametrize("title", ["{}", "Migrate ({})", "{}.", "hook:{}, now"])
def test_the_id_is_found_anywhere_in_a_runs_name(github, title):
    github.add_run(title.format(ID))

    assert caller_of(github.server.url).call(WORKFLOW, ID, BODY).token == "run:30433642"
    assert github.dispatches == []


def test_a_run_that_nobody_dispatched_is_not_ours(github):
    github.add_run(ID, event="push")

    assert caller_of(github.server.url).call(WORKFLOW, ID, BODY).token == "run:30433643"


@pytest.mark.parametrize("answer", LOST, ids=["broken off", "502", "500", "504"])
def test_after_a_lost_answer_the_run_that_began_is_found_and_none_is_dispatched(github, answer):
    github.lost = [answer]
    caller = caller_of(github.server.url)
    with pytest.raises(UnansweredError):
        caller.call(WORKFLOW, ID, BODY)

    started = caller.call(WORKFLOW, ID, BODY, in_doubt_since=NOON)

    assert started.token == "run:30433642"
    assert len(github.dispatches) == 1


def test_a_run_that_comes_to_light_late_is_found_before_a_person_is_asked(github):
    github.lost = [HangUp()]
    github.hidden = True
    with pytest.raises(UnansweredError):
        caller_of(github.server.url).call(WORKFLOW, ID, BODY)
    with pytest.raises(UnansweredError, match="looking again") as caught:
        caller_of(github.server.url, NOON + timedelta(seconds=179)).call(WORKFLOW, ID, BODY, in_doubt_since=NOON)
    github.hidden = False

    started = caller_of(github.server.url, NOON + timedelta(hours=9)).call(WORKFLOW, ID, BODY, in_doubt_since=NOON)

    assert caught.value.after_seconds == 10
    assert started.token == "run:30433642"
    assert len(github.dispatches) == 1


@pytest.mark.parametrize("run_name", ["Migrate {slipway_id}", "a workflow that names no run"])
def test_when_nothing_comes_to_light_a_person_is_asked_and_nothing_is_dispatched(github, run_name):
    github.run_name = run_name
    github.lost = [HangUp()]
    with pytest.raises(UnansweredError):
        caller_of(github.server.url).call(WORKFLOW, ID, BODY)
    github.hidden = "{" in run_name

    started = caller_of(github.server.url, NOON + timedelta(minutes=3)).call(WORKFLOW, ID, BODY, in_doubt_since=NOON)

    assert (started.token, started.status.state) == ("", HookState.UNKNOWN)
    assert f"nothing with the id {ID}" in started.status.detail
    assert len(github.dispatches) == 1


def test_a_person_who_says_that_it_did_not_run_lets_it_be_dispatched(github):
    caller_of(github.server.url, NOON + timedelta(hours=1)).call(WORKFLOW, ID, BODY, in_doubt_since=NOON)

    caller_of(github.server.url, NOON + timedelta(hours=1)).call(WORKFLOW, ID, BODY)

    assert len(github.dispatches) == 1


def test_a_run_behind_many_newer_ones_is_found(github):
    number = github.add_run(ID)
    for other in range(120):
        github.add_run(f"other {other}")

    started = caller_of(github.server.url).call(WORKFLOW, ID, BODY, in_doubt_since=NOON)

    assert started.token == f"run:{number}"


def test_runs_of_before_the_call_are_not_gone_through(github):
    for other in range(120):
        github.add_run(f"other {other}")

    caller_of(github.server.url, NOON + timedelta(days=2)).call(
        WORKFLOW, ID, BODY, in_doubt_since=NOON + timedelta(days=1)
    )

    assert [asked.query["page"] for asked in github.server.asked] == ["1"]


def test_two_runs_with_one_id_are_for_a_person(github):
    github.add_run(ID)
    github.add_run(ID)

    started = caller_of(github.server.url).call(WORKFLOW, ID, BODY)

    assert started.status.state is HookState.UNKNOWN
    assert "30433643, 30433642 all carry the id" in started.status.detail
    assert github.dispatches == []


def test_an_older_server_that_tells_no_run_is_dispatched_once_and_watched_by_the_id(github):
    github.tells_runs = False
    caller = caller_of(github.server.url)

    started = caller.call(WORKFLOW, ID, BODY)

    assert started.token == "since:2026-11-26T12:00:00+00:00"
    assert len(github.runs) == 1
    assert caller.look(WORKFLOW, started.token, ID).detail.startswith("run 30433642, https://github.com/")


def test_a_dispatch_that_was_taken_and_never_comes_to_light_is_for_a_person(github):
    token = "since:2026-11-26T12:00:00+00:00"

    soon = caller_of(github.server.url, NOON + timedelta(seconds=179)).look(WORKFLOW, token, ID)
    late = caller_of(github.server.url, NOON + timedelta(seconds=180)).look(WORKFLOW, token, ID)
    known_by_nothing = caller_of(github.server.url).look(WORKFLOW, "", ID)

    assert (soon.state, late.state) == (HookState.RUNNING, HookState.UNKNOWN)
    assert known_by_nothing.state is HookState.UNKNOWN


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"workflow_run_id": "7"}', b'{"workflow_run_id": true}', b"x" * 5_000_000]
)
def test_a_dispatch_whose_answer_cannot_be_read_was_taken_all_the_same(body):
    with scripted_server(NO_RUNS, Say(200, body)) as server:
        started = caller_of(server.url).call(WORKFLOW, ID, BODY)

    assert started.token == "since:2026-11-26T12:00:00+00:00"


STEPS = job(
    "migrate",
    ("Set up job", "completed", "success"),
    ("Run migrations", "in_progress", None),
    ("Complete job", "queued", None),
)
FAILED = job("migrate", ("Set up job", "completed", "success"), ("Run migrations", "completed", "failure"))


@pytest.mark.parametrize("status", ["queued", "in_progress", "requested", "waiting", "pending"])
def test_a_run_that_is_not_completed_is_running(github, status):
    number = github.add_run(ID)
    github.change_run(number, status=status)

    told = caller_of(github.server.url).look(WORKFLOW, f"run:{number}", ID)

    assert (told.state, told.progress) == (HookState.RUNNING, status.replace("_", " "))


def test_a_running_run_tells_its_steps(github):
    number = github.add_run(ID)
    github.change_run(number, STEPS, job("later"), status="in_progress")

    told = caller_of(github.server.url).look(WORKFLOW, f"run:{number}", ID)

    assert told.progress == "1 of 3 steps done, at Run migrations"


def test_how_a_run_stands_is_known_also_where_its_steps_are_not_told():
    run = {"id": 7, "status": "in_progress", "conclusion": None}
    with scripted_server(Say(200, run), Say(500)) as server:
        told = caller_of(server.url).look(WORKFLOW, "run:7", ID)

    assert (told.state, told.progress) == (HookState.RUNNING, "in progress")


def test_a_run_that_ended_well_succeeded(github):
    number = github.add_run(ID)
    github.change_run(number, status="completed", conclusion="success")

    assert caller_of(github.server.url).look(WORKFLOW, f"run:{number}", ID).state is HookState.SUCCEEDED


@pytest.mark.parametrize(
    "conclusion",
    ["failure", "cancelled", "timed_out", "startup_failure", "action_required", "stale", "skipped", "neutral", "new"],
)
def test_a_run_that_ended_in_any_other_way_failed(github, conclusion):
    number = github.add_run(ID)
    github.change_run(number, FAILED, status="completed", conclusion=conclusion)

    told = caller_of(github.server.url).look(WORKFLOW, f"run:{number}", ID)

    assert told.state is HookState.FAILED
    assert told.detail == (
        f"{conclusion} at the step 'Run migrations' of the job 'migrate': run {number}, "
        f"https://github.com/octo-org/octo-repo/actions/runs/{number}"
    )


def test_a_run_that_is_completed_without_saying_how_is_looked_at_again(github):
    number = github.add_run(ID, status="completed")

    with pytest.raises(TryLaterError, match="not said how"):
        caller_of(github.server.url).look(WORKFLOW, f"run:{number}", ID)


def test_a_run_that_is_gone_is_for_a_person(github):
    told = caller_of(github.server.url).look(WORKFLOW, "run:7", ID)

    assert told.state is HookState.UNKNOWN
    assert "run 7 is not there any more" in told.detail


@pytest.mark.parametrize("token", ["run:../../x", "run:", "run:7/jobs", "since:noon", "since:2026-11-26", "7"])
def test_a_token_that_is_none_of_its_own_is_refused(github, token):
    with pytest.raises(RejectedError, match="not the token"):
        caller_of(github.server.url).look(WORKFLOW, token, ID)


LIMITS = [
    (Say(429, headers={"Retry-After": "33"}), 33),
    (Say(403, {"message": "API rate limit exceeded"}, {"X-RateLimit-Remaining": "0"}), 60),
    (Say(403, b"", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOON.timestamp()) + 90)}), 90),
    (Say(429, b"", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOON.timestamp()) - 9)}), 1),
    (Say(403, {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}), 60),
    (Say(403, {"message": "You have exceeded a secondary rate limit."}, {"Retry-After": "120"}), 120),
    (Say(429), 60),
]


@pytest.mark.parametrize(("answer", "seconds"), LIMITS)
@pytest.mark.parametrize("earlier", [(), (NO_RUNS,)], ids=["while looking", "at the dispatch"])
def test_a_limit_began_nothing_and_is_waited_out(answer, seconds, earlier):
    with scripted_server(*earlier, answer) as server, pytest.raises(TryLaterError) as caught:
        caller_of(server.url).call(WORKFLOW, ID, BODY)

    assert not isinstance(caught.value, UnansweredError)
    assert caught.value.after_seconds == seconds


REFUSALS = [
    (Say(401, {"message": "Bad credentials"}), "401, Bad credentials: the token is wrong or has expired"),
    (Say(403, {"message": "Resource not accessible by personal access token"}), "needs Actions read and write"),
    (NOT_FOUND, "404, Not Found: it is not there, or the token may not see it"),
    (Say(422, {"message": "Required input 'x' not provided"}), "422, Required input 'x' not provided"),
    (Say(422, {"message": "Validation Failed", "errors": [{"message": "No ref found for: main"}]}), "No ref found"),
    (Say(422, {"message": "Workflow does not have 'workflow_dispatch' trigger"}), "does not have 'workflow_dispatch'"),
    (Say(400, b"<html>"), "answered 400"),
    (Say(410), "answered 410"),
]


@pytest.mark.parametrize(("answer", "words"), REFUSALS)
@pytest.mark.parametrize("earlier", [(), (NO_RUNS,)], ids=["while looking", "at the dispatch"])
def test_a_refusal_began_nothing_and_is_told_in_githubs_words(answer, words, earlier):
    with scripted_server(*earlier, answer) as server:
        with pytest.raises(RejectedError) as caught:
            caller_of(server.url).call(WORKFLOW, ID, BODY)

        assert len(server.asked) == len(earlier) + 1
    assert words in str(caught.value)
    assert str(caught.value).startswith("workflow migrate.yml of octo-org/octo-repo: 127.0.0.1 answered")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("earlier", [(), (NO_RUNS,)], ids=["while looking", "at the dispatch"])
def test_no_redirect_is_followed_so_the_token_goes_nowhere_else(status, earlier):
    with scripted_server(Say(200)) as elsewhere:
        answer = Say(status, {"message": "Moved Permanently"}, {"Location": f"{elsewhere.url}/repositories/1"})
        with scripted_server(*earlier, answer) as server, pytest.raises(RejectedError, match="another name now"):
            caller_of(server.url).call(WORKFLOW, ID, BODY)

        assert elsewhere.asked == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b'{"workflow_runs": 7}', b"x" * 5_000_000])
def test_a_list_that_cannot_be_read_is_not_an_empty_one(body):
    with scripted_server(Say(200, body)) as server:
        with pytest.raises(TryLaterError, match="cannot be read"):
            caller_of(server.url).call(WORKFLOW, ID, BODY)

        assert {asked.method for asked in server.asked} == {"GET"}


@pytest.mark.parametrize("answer", [Silence(), Drip(), HangUp()], ids=["silence", "drip", "hang-up"])
def test_no_answer_while_looking_began_nothing(monkeypatch, answer):
    monkeypatch.setattr("shared.adapters.github.api._SECONDS", 0.5)
    with scripted_server(answer) as server:
        with pytest.raises(TryLaterError) as caught:
            caller_of(server.url).call(WORKFLOW, ID, BODY)

        assert {asked.method for asked in server.asked} == {"GET"}
    assert not isinstance(caught.value, UnansweredError)


@pytest.mark.parametrize("answer", [Silence(), Drip(), HangUp()], ids=["silence", "drip", "hang-up"])
def test_no_answer_to_a_request_that_changes_something_leaves_it_in_doubt(monkeypatch, answer):
    monkeypatch.setattr("shared.adapters.github.api._SECONDS", 0.5)
    with scripted_server(answer) as server:
        api = GithubApi(SECRETS.get, base_url=server.url, allow_http=True, now=lambda: NOON)
        with pytest.raises(UnansweredError, match="a dispatch"):
            api.open("a dispatch", "SLIPWAY_SECRET_GITHUB").post("/dispatches", {})

        assert len(server.asked) == 1


def test_a_server_that_is_not_there_began_nothing():
    with pytest.raises(TryLaterError, match="the connection was refused") as caught:
        caller_of(f"http://127.0.0.1:{closed_port()}").call(WORKFLOW, ID, BODY)

    assert not isinstance(caught.value, UnansweredError)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("TEAM", "does not begin with SLIPWAY_SECRET_"),
        ("SLIPWAY_KEYS", "does not begin with SLIPWAY_SECRET_"),
        ("SLIPWAY_SECRET_OTHER", "the app setting SLIPWAY_SECRET_OTHER is not there"),
    ],
)
def test_no_other_setting_is_sent_and_nothing_without_a_token(github, setting, words):
    workflow = GithubWorkflow(
        repository="octo-org/octo-repo", workflow="migrate.yml", ref="main", token_setting=setting
    )

    with pytest.raises(RejectedError, match=words) as caught:
        caller_of(github.server.url).call(workflow, ID, BODY)

    assert github.server.asked == []
    assert not any(secret in str(caught.value) for secret in SECRETS.values())


@pytest.mark.parametrize(
    "repository", ["octo-repo", "a/b/c", "octo-org/..", "octo-org/.", "../x", "a/b?c", "", "a/b\n"]
)
def test_what_is_no_repository_is_refused(github, repository):
    workflow = GithubWorkflow(
        repository=repository, workflow="migrate.yml", ref="main", token_setting="SLIPWAY_SECRET_GITHUB"
    )

    with pytest.raises(RejectedError, match="write it as owner/name"):
        caller_of(github.server.url).call(workflow, ID, BODY)

    assert github.server.asked == []


@pytest.mark.parametrize("name", ["", "../x", "..", ".github/workflows/a.yml", "a?b", "a\n"])
def test_what_is_no_workflow_is_refused(github, name):
    workflow = GithubWorkflow(
        repository="octo-org/octo-repo", workflow=name, ref="main", token_setting="SLIPWAY_SECRET_GITHUB"
    )

    with pytest.raises(RejectedError, match="is not a workflow"):
        caller_of(github.server.url).call(workflow, ID, BODY)

    assert github.server.asked == []


def test_a_plain_http_api_is_given_no_token(github):
    with pytest.raises(RejectedError, match="SLIPWAY_GITHUB_URL: the URL must be https"):
        GithubWorkflowCaller(SECRETS.get, base_url=github.server.url).call(WORKFLOW, ID, BODY)

    assert github.server.asked == []


def test_another_kind_of_hook_is_refused():
    with pytest.raises(RejectedError, match="Webhook is no workflow"):
        caller_of("http://127.0.0.1:1").call(Webhook(url="https://a.example/"), ID, BODY)


@pytest.mark.parametrize("answer", [Say(401, {"message": "Bad credentials"}), Say(500), HangUp(), Say(200, b"{")])
def test_the_token_reaches_no_error_and_no_log(caplog, answer):
    caplog.set_level(logging.DEBUG)
    with scripted_server(answer) as server, pytest.raises((RejectedError, TryLaterError)) as caught:
        caller_of(server.url).call(WORKFLOW, ID, BODY)

    assert "ghp_t0ken" not in f"{caught.value} {caught.value.__cause__} {caplog.text}"


@pytest.mark.skipif(not PAYLOADS.exists(), reason="GitHub's sample payloads are not here")
def test_runs_and_jobs_as_github_really_tells_them_are_read(github):
    run = json.loads((PAYLOADS / "workflow_run" / "completed.payload.json").read_text())["workflow_run"]
    told = json.loads((PAYLOADS / "workflow_job" / "completed.failure.with-organization.payload.json").read_text())
    github.add_run(ID, **{**run, "conclusion": "failure"})
    github.jobs[run["id"]] = [told["workflow_job"]]

    assert read_run(run) == Run(run["id"], "completed", "success", run["html_url"])
    assert "at the step 'Run yarn run format-check' of the job 'linters'" in (
        caller_of(github.server.url).look(WORKFLOW, f"run:{run['id']}", ID).detail
    )
