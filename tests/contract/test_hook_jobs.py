"""Hooks that are Container Apps jobs: started once for each id, through Microsoft's own client over a real socket."""

import logging
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from shared.adapters.container_apps.job_caller import ContainerAppsJobCaller
from shared.domain.errors import RejectedError, TryLaterError, UnansweredError
from shared.domain.rollout.hooks import ContainerAppsJob, HookState, Webhook
from tests.sandbox import RESOURCE_GROUP, SUBSCRIPTION, fetch, running_cloud
from tests.sandbox_sdk import AnyToken
from tests.scripted_server import HangUp, Say, Silence, closed_port, scripted_server

BODY = {"rollout": "shop-0123456789ab", "version": "2", "step": 1, "callback": "https://slipway.example/api"}
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
NUMBERS = count(1)
CONTAINERS = [
    {
        "name": "migrate",
        "image": "registry.example/migrate:7",
        "command": ["/bin/migrate"],
        "args": ["--all"],
        "env": [{"name": "DATABASE", "secretRef": "database"}, {"name": "SLIPWAY_ID", "value": "the job's own"}],
        "resources": {"cpu": 0.5, "memory": "1Gi", "ephemeralStorage": "2Gi"},
        "volumeMounts": [{"volumeName": "files", "mountPath": "/files"}],
        "probes": [],
    },
    {"name": "proxy", "image": "registry.example/proxy:1"},
]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture
def cloud(sandbox):
    yield sandbox
    sandbox.control.clear_faults()


@pytest.fixture
def job(cloud):
    return make_job(cloud, f"job{next(NUMBERS)}")


def make_job(cloud, name, **order):
    made = cloud.control.call("POST", f"jobs/{name}", {"containers": CONTAINERS, "seconds": 3600, **order})
    return ContainerAppsJob(resource=made["resource"])


def change_job(cloud, job, **order):
    return make_job(cloud, job.resource.rpartition("/")[2], **order)


def executions(cloud, job):
    name = job.resource.rpartition("/")[2]
    return cloud.control.call("POST", f"jobs/{name}", {"containers": CONTAINERS, "seconds": 3600})["executions"]


def caller_of(url, now=NOON):
    return ContainerAppsJobCaller(AnyToken(), base_url=url, allow_http=True, now=lambda: now)


def sdk(cloud):
    from azure.mgmt.appcontainers import ContainerAppsAPIClient

    from tests.sandbox_sdk import AllowHttp

    return ContainerAppsAPIClient(
        AnyToken(), SUBSCRIPTION, base_url=cloud.management, per_call_policies=[AllowHttp()], retry_total=0
    )


def environment(container):
    return {variable.name: variable.value or f"secret {variable.secret_ref}" for variable in container.env}


def test_a_job_is_started_with_its_own_containers_and_the_id_in_their_environment(cloud, job):
    started = caller_of(cloud.management).call(job, "shop-1.1.migrate", BODY)

    assert started.status.state is HookState.RUNNING
    name = started.token.removeprefix("execution:")
    template = sdk(cloud).job_execution(RESOURCE_GROUP, job.resource.rpartition("/")[2], name).properties.template
    migrate, proxy = template.containers
    assert (migrate.name, migrate.image, migrate.command, migrate.args) == (
        "migrate",
        "registry.example/migrate:7",
        ["/bin/migrate"],
        ["--all"],
    )
    assert (migrate.resources.cpu, migrate.resources.memory) == (0.5, "1Gi")
    told = {
        "SLIPWAY_ID": "shop-1.1.migrate",
        "SLIPWAY_ROLLOUT": "shop-0123456789ab",
        "SLIPWAY_VERSION": "2",
        "SLIPWAY_STEP": "1",
        "SLIPWAY_CALLBACK": "https://slipway.example/api",
    }
    assert environment(migrate) == {"DATABASE": "secret database", **told}
    assert environment(proxy) == told


def test_the_same_id_is_started_once_however_often_it_is_called(cloud, job):
    caller = caller_of(cloud.management)

    first = caller.call(job, "shop-1.1.migrate", BODY)
    again = caller.call(job, "shop-1.1.migrate", BODY)

    assert again.token == first.token
    assert executions(cloud, job) == 1


def test_another_id_is_another_execution_also_where_one_begins_like_the_other(cloud, job):
    caller = caller_of(cloud.management)

    one, ten = (caller.call(job, f"shop-1.{step}", BODY) for step in (1, 10))

    assert one.token != ten.token
    assert executions(cloud, job) == 2


@pytest.mark.parametrize(
    ("end", "state"),
    [
        ("Succeeded", HookState.SUCCEEDED),
        ("Failed", HookState.FAILED),
        ("Stopped", HookState.FAILED),
        ("Degraded", HookState.FAILED),
    ],
)
def test_an_execution_is_running_and_then_ends_as_the_platform_says(cloud, job, end, state):
    caller = caller_of(cloud.management)
    change_job(cloud, job, seconds=0, end=end)
    started = caller.call(job, f"end.{end}", BODY)

    status = caller.look(job, started.token, f"end.{end}")

    assert started.status.state is HookState.RUNNING
    assert status.state is state
    assert started.token.removeprefix("execution:") in status.detail
    assert end != "Failed" or "Job has reached the specified backoff limit" in status.detail


def test_a_running_execution_says_so(cloud, job):
    caller = caller_of(cloud.management)
    started = caller.call(job, "shop-1.1.migrate", BODY)

    status = caller.look(job, started.token, "shop-1.1.migrate")

    assert (status.state, status.progress) == (HookState.RUNNING, "running")


def test_an_execution_whose_end_the_platform_does_not_know_is_looked_at_again(cloud, job):
    caller = caller_of(cloud.management)
    change_job(cloud, job, seconds=0, end="Unknown")
    started = caller.call(job, "shop-1.1.migrate", BODY)

    with pytest.raises(TryLaterError, match="does not know"):
        caller.look(job, started.token, "shop-1.1.migrate")


def test_a_start_that_is_taken_without_a_name_is_found_by_its_id(cloud, job):
    caller = caller_of(cloud.management)
    change_job(cloud, job, accepts=True)

    started = caller.call(job, "shop-1.1.migrate", BODY)

    assert started.token == "since:2026-11-26T12:00:00+00:00"
    assert "execution job" in caller.look(job, started.token, "shop-1.1.migrate").detail


@pytest.mark.parametrize("minutes", [1, 60])
def test_after_a_lost_answer_the_execution_that_began_is_found_and_none_is_started(cloud, job, minutes):
    cloud.control.add_fault(on="management", kind="503", method="POST", count=1, applied=True)
    caller = caller_of(cloud.management, NOON + timedelta(minutes=minutes))
    with pytest.raises(UnansweredError):
        caller.call(job, "shop-1.1.migrate", BODY)

    started = caller.call(job, "shop-1.1.migrate", BODY, in_doubt_since=NOON)

    assert started.token.startswith("execution:")
    assert executions(cloud, job) == 1


def test_after_a_lost_answer_with_nothing_to_be_found_it_is_looked_for_and_then_a_person_asked(cloud, job):
    with pytest.raises(UnansweredError, match="looking again") as caught:
        caller_of(cloud.management, NOON + timedelta(seconds=179)).call(job, "lost.1", BODY, in_doubt_since=NOON)
    started = caller_of(cloud.management, NOON + timedelta(seconds=180)).call(job, "lost.1", BODY, in_doubt_since=NOON)

    assert caught.value.after_seconds == 10
    assert (started.token, started.status.state) == ("", HookState.UNKNOWN)
    assert "nothing with the id lost.1" in started.status.detail
    assert executions(cloud, job) == 0


def test_a_person_who_says_that_it_did_not_run_lets_it_be_started(cloud, job):
    caller_of(cloud.management, NOON + timedelta(hours=1)).call(job, "lost.1", BODY, in_doubt_since=NOON)

    started = caller_of(cloud.management).call(job, "lost.1", BODY)

    assert started.status.state is HookState.RUNNING
    assert executions(cloud, job) == 1


def test_an_execution_among_many_is_found_on_a_later_page(cloud, job):
    caller = caller_of(cloud.management)
    first = caller.call(job, "first", BODY)
    client = sdk(cloud)
    for _ in range(60):
        client.jobs.begin_start(RESOURCE_GROUP, job.resource.rpartition("/")[2], polling=False)

    assert caller.call(job, "first", BODY).token == first.token
    assert executions(cloud, job) == 61


def test_two_executions_with_one_id_are_for_a_person(cloud, job):
    containers = [{"name": "a", "image": "b", "env": [{"name": "SLIPWAY_ID", "value": "twice"}]}]
    for _ in range(2):
        sdk(cloud).jobs.begin_start(
            RESOURCE_GROUP, job.resource.rpartition("/")[2], {"containers": containers}, polling=False
        )

    started = caller_of(cloud.management).call(job, "twice", BODY)

    assert started.status.state is HookState.UNKNOWN
    assert "all carry the id twice" in started.status.detail
    assert executions(cloud, job) == 2


def test_an_execution_that_is_gone_is_for_a_person(cloud, job):
    status = caller_of(cloud.management).look(job, "execution:gone-1", "shop-1.1.migrate")

    assert status.state is HookState.UNKNOWN
    assert "gone-1 is not there any more" in status.detail


def test_a_start_that_was_taken_and_never_comes_to_light_is_for_a_person(cloud, job):
    token = "since:2026-11-26T12:00:00+00:00"

    soon = caller_of(cloud.management, NOON + timedelta(seconds=179)).look(job, token, "lost.1")
    late = caller_of(cloud.management, NOON + timedelta(seconds=180)).look(job, token, "lost.1")

    assert (soon.state, late.state) == (HookState.RUNNING, HookState.UNKNOWN)


@pytest.mark.parametrize("kind", ["500", "502", "503", "504"])
def test_a_start_that_the_platform_breaks_off_may_have_begun(cloud, job, kind):
    cloud.control.add_fault(on="management", kind=kind, method="POST", count=1, retry_after=30)

    with pytest.raises(UnansweredError) as caught:
        caller_of(cloud.management).call(job, "shop-1.1.migrate", BODY)

    assert caught.value.after_seconds == 30


def test_a_start_that_was_throttled_began_nothing(cloud, job):
    cloud.control.add_fault(on="management", kind="429", method="POST", count=1, retry_after=17)

    with pytest.raises(TryLaterError) as caught:
        caller_of(cloud.management).call(job, "shop-1.1.migrate", BODY)

    assert not isinstance(caught.value, UnansweredError)
    assert caught.value.after_seconds == 17
    assert executions(cloud, job) == 0


@pytest.mark.parametrize("kind", ["403", "429", "503"])
def test_where_executions_cannot_be_listed_none_is_started(cloud, job, kind):
    cloud.control.add_fault(on="management", kind=kind, path="executions", method="GET")

    with pytest.raises((RejectedError, TryLaterError)) as caught:
        caller_of(cloud.management).call(job, "shop-1.1.migrate", BODY)

    assert not isinstance(caught.value, UnansweredError)
    assert executions(cloud, job) == 0


def test_a_job_that_is_not_there_is_refused(cloud, job):
    missing = ContainerAppsJob(resource=f"{job.resource}x")

    with pytest.raises(RejectedError, match="404"):
        caller_of(cloud.management).call(missing, "shop-1.1.migrate", BODY)


@pytest.mark.parametrize("resource", ["", "/subscriptions/x", "https://evil.example/", "/../jobs/a"])
def test_what_is_no_jobs_id_is_refused(resource):
    with pytest.raises(RejectedError, match="not the resource id of a Container Apps job"):
        caller_of("http://127.0.0.1:1").call(ContainerAppsJob(resource=resource), "shop-1.1.migrate", BODY)


def test_another_kind_of_hook_is_refused():
    with pytest.raises(RejectedError, match="Webhook is no Container Apps job"):
        caller_of("http://127.0.0.1:1").call(Webhook(url="https://a.example/"), "shop-1.1.migrate", BODY)


@pytest.mark.parametrize("token", ["execution:../../jobs/other", "execution:", "since:noon", "since:2026-11-26", "x"])
def test_a_token_that_is_none_of_its_own_is_refused(cloud, job, token):
    with pytest.raises(RejectedError, match="not the token"):
        caller_of(cloud.management).look(job, token, "shop-1.1.migrate")


JOB = ContainerAppsJob(
    resource=f"/subscriptions/{SUBSCRIPTION}/resourceGroups/sandbox/providers/Microsoft.App/jobs/migrate"
)
NONE = Say(200, {"value": []})
TOLD = Say(200, {"properties": {"template": {"containers": [{"name": "a", "image": "b"}]}}})


@pytest.mark.parametrize("answer", [Silence(), HangUp()], ids=["silence", "hang-up"])
def test_no_answer_to_a_start_leaves_it_in_doubt_and_is_not_repeated(monkeypatch, answer):
    monkeypatch.setattr("shared.calls.azure_calls.READ_SECONDS", 0.3)
    with scripted_server(NONE, TOLD, answer) as server:
        with pytest.raises(UnansweredError):
            caller_of(server.url).call(JOB, "shop-1.1.migrate", BODY)

        assert [asked.method for asked in server.asked] == ["GET", "GET", "POST"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"name": 7}', b'{"name": "../x"}', b""])
def test_a_start_whose_answer_cannot_be_read_is_watched_by_its_id(body):
    with scripted_server(NONE, TOLD, Say(200, body)) as server:
        started = caller_of(server.url).call(JOB, "shop-1.1.migrate", BODY)

    assert started.token == "since:2026-11-26T12:00:00+00:00"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"value": 7}', b'{"value": [7]}'])
def test_a_list_that_cannot_be_read_is_not_an_empty_one(body):
    with scripted_server(Say(200, body)) as server:
        with pytest.raises(TryLaterError):
            caller_of(server.url).call(JOB, "shop-1.1.migrate", BODY)

        assert {asked.method for asked in server.asked} == {"GET"}


def test_a_job_without_containers_is_refused():
    with (
        scripted_server(NONE, Say(200, {"properties": {"template": None}})) as server,
        pytest.raises(RejectedError, match="it has no containers"),
    ):
        caller_of(server.url).call(JOB, "shop-1.1.migrate", BODY)


def test_a_platform_that_is_not_there_is_for_later():
    with pytest.raises(TryLaterError):
        caller_of(f"http://127.0.0.1:{closed_port()}").call(JOB, "shop-1.1.migrate", BODY)


def test_the_access_token_reaches_no_error_and_no_log(caplog):
    caplog.set_level(logging.INFO)
    refusal = Say(400, {"error": {"code": "Bad", "message": "no"}})
    with scripted_server(NONE, TOLD, refusal) as server, pytest.raises(RejectedError) as caught:
        caller_of(server.url).call(JOB, "shop-1.1.migrate", BODY)

    assert "Bearer sandbox" not in f"{caught.value}{caught.value.__cause__}{caplog.text}"


def test_the_sandbox_begins_no_execution_without_an_image(cloud, job):
    from azure.core.exceptions import HttpResponseError

    with pytest.raises(HttpResponseError, match="image is required"):
        sdk(cloud).jobs.begin_start(
            RESOURCE_GROUP, job.resource.rpartition("/")[2], {"containers": [{"name": "a"}]}, polling=False
        )


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("jobs/x", {"end": "Maybe"}, 400),
        ("jobs/x", {"sooner": 1}, 400),
        ("jobs/nobody/end", {}, 404),
        ("jobs", {}, 404),
    ],
)
def test_the_sandbox_refuses_what_it_cannot_set_up(cloud, path, body, status):
    assert fetch(f"{cloud.management}/sandbox/{path}", method="POST", body=body).status == status
