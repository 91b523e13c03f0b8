"""Every hook caller keeps the port's promise: one id is begun once, and nothing is begun a second time by guess."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from shared.adapters.container_apps.job_caller import ContainerAppsJobCaller
from shared.adapters.github.workflow_caller import GithubWorkflowCaller
from shared.adapters.memory.hook_caller import MemoryHookCaller
from shared.adapters.webhook.hook_caller import WebhookCaller
from shared.application.hooks_by_kind import HooksByKind
from shared.domain.errors import RejectedError, TryLaterError, UnansweredError
from shared.domain.rollout.hooks import ContainerAppsJob, GithubWorkflow, HookCall, HookState, HookStatus, Webhook
from shared.ports.hook_caller import HookCaller
from tests.github_stand_in import GithubStandIn, github_stand_in
from tests.sandbox import running_cloud
from tests.sandbox_sdk import AnyToken
from tests.scripted_server import HangUp, Say, scripted_server

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
NUMBERS = count(1)
BODY = {"rollout": "shop-0123456789ab", "version": "2"}
WORKFLOW = GithubWorkflow(
    repository="octo-org/octo-repo", workflow="migrate.yml", ref="main", token_setting="SLIPWAY_SECRET_GITHUB"
)


@dataclass
class Hour:
    now: datetime = NOON


@dataclass
class MemoryWorld:
    hook: HookCall
    hour: Hour = field(default_factory=Hour)

    def __post_init__(self):
        self.caller = MemoryHookCaller(lambda: self.hour.now)

    def lose_next_answer(self):
        self.caller.fail(times=1, applied=True)

    def refuse_next(self):
        self.caller.fail(error=TryLaterError("busy"), times=1)

    def end(self, call_id):
        self.caller.finish(call_id, HookStatus(HookState.SUCCEEDED))

    def begun(self):
        return len(self.caller.called)


@dataclass
class WebhookWorld:
    server: Any
    hour: Hour = field(default_factory=Hour)

    def __post_init__(self):
        self.hook = Webhook(url=self.server.url, polls=True)
        self.caller = WebhookCaller({}.get, allow_http=True, now=lambda: self.hour.now)

    def lose_next_answer(self):
        self.server.script.appendleft(HangUp())

    def refuse_next(self):
        self.server.script.appendleft(Say(429))

    def end(self, call_id):
        self.server.script.clear()
        self.server.script.append(Say(200, {"status": "succeeded"}))

    def begun(self):
        # The other side takes the same id for the same call.
        return len({asked.headers["idempotency-key"] for asked in self.server.asked if asked.method == "POST"})


@dataclass
class GithubWorld:
    github: GithubStandIn
    hour: Hour = field(default_factory=Hour)
    hook: HookCall = WORKFLOW

    def __post_init__(self):
        secrets = {"SLIPWAY_SECRET_GITHUB": "t0ken"}
        self.caller = GithubWorkflowCaller(
            secrets.get, base_url=self.github.server.url, allow_http=True, now=lambda: self.hour.now
        )

    def lose_next_answer(self):
        self.github.lost = [HangUp()]

    def refuse_next(self):
        self.github.refused = [Say(429)]

    def end(self, call_id):
        (run,) = (run for run in self.github.runs if call_id in run["display_title"])
        self.github.change_run(run["id"], status="completed", conclusion="success")

    def begun(self):
        return len(self.github.runs)


@dataclass
class JobWorld:
    cloud: Any
    name: str
    hour: Hour = field(default_factory=Hour)

    def __post_init__(self):
        self.hook = ContainerAppsJob(resource=self.order(seconds=3600)["resource"])
        self.caller = ContainerAppsJobCaller(
            AnyToken(), base_url=self.cloud.management, allow_http=True, now=lambda: self.hour.now
        )

    def order(self, **order):
        return self.cloud.control.call("POST", f"jobs/{self.name}", order)

    def lose_next_answer(self):
        self.cloud.control.add_fault(on="management", kind="504", method="POST", count=1, applied=True)

    def refuse_next(self):
        self.cloud.control.add_fault(on="management", kind="429", method="POST", count=1)

    def end(self, call_id):
        self.cloud.control.call("POST", f"jobs/{self.name}/end", {})

    def begun(self):
        return self.order(seconds=3600)["executions"]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


WITH_IDS = ["webhook in memory", "webhook"]
WITHOUT_IDS = ["workflow in memory", "github", "container apps"]


@pytest.fixture(params=WITH_IDS + WITHOUT_IDS)
def world(request):
    match request.param:
        case "webhook in memory":
            yield MemoryWorld(Webhook(url="https://hook.example/"))
        case "workflow in memory":
            yield MemoryWorld(WORKFLOW)
        case "webhook":
            with scripted_server(Say(202, headers={"Location": "/runs/7"})) as server:
                yield WebhookWorld(server)
        case "github":
            with github_stand_in() as github:
                yield GithubWorld(github)
        case "container apps":
            cloud = request.getfixturevalue("sandbox")
            yield JobWorld(cloud, f"job{next(NUMBERS)}")
            cloud.control.clear_faults()


def lose_answer(world, call_id):
    world.lose_next_answer()
    with pytest.raises(UnansweredError):
        world.caller.call(world.hook, call_id, BODY)


def test_a_call_begins_and_is_looked_at_until_it_ends(world):
    started = world.caller.call(world.hook, "shop-1.1.migrate", BODY)
    running = world.caller.look(world.hook, started.token, "shop-1.1.migrate")
    world.end("shop-1.1.migrate")

    assert started.status.state is running.state is HookState.RUNNING
    assert world.caller.look(world.hook, started.token, "shop-1.1.migrate").state is HookState.SUCCEEDED


def test_a_call_made_again_is_the_same_call(world):
    first = world.caller.call(world.hook, "shop-1.2.migrate", BODY)
    again = world.caller.call(world.hook, "shop-1.2.migrate", BODY)

    assert again.token == first.token
    assert world.begun() == 1


def test_after_a_lost_answer_the_call_that_began_is_found(world):
    lose_answer(world, "shop-1.3.migrate")

    started = world.caller.call(world.hook, "shop-1.3.migrate", BODY, in_doubt_since=NOON)

    assert started.status.state is HookState.RUNNING
    assert world.begun() == 1


def test_a_call_that_was_put_off_began_nothing_and_is_made_later(world):
    world.refuse_next()
    with pytest.raises(TryLaterError) as caught:
        world.caller.call(world.hook, "shop-1.4.migrate", BODY)

    started = world.caller.call(world.hook, "shop-1.4.migrate", BODY)

    assert not isinstance(caught.value, UnansweredError)
    assert started.status.state is HookState.RUNNING
    assert world.begun() == 1


@pytest.mark.parametrize("world", WITHOUT_IDS, indirect=True)
def test_in_doubt_a_side_that_knows_no_ids_is_only_looked_at_and_then_a_person_asked(world):
    with pytest.raises(UnansweredError):
        world.caller.call(world.hook, "shop-1.5.migrate", BODY, in_doubt_since=NOON)
    world.hour.now = LATER

    started = world.caller.call(world.hook, "shop-1.5.migrate", BODY, in_doubt_since=NOON)

    assert (started.token, started.status.state) == ("", HookState.UNKNOWN)
    assert started.status.detail.endswith("Look there, then say whether it ran")
    assert world.begun() == 0


@pytest.mark.parametrize("world", WITH_IDS, indirect=True)
def test_in_doubt_a_side_that_knows_ids_is_called_again(world):
    world.hour.now = LATER

    started = world.caller.call(world.hook, "shop-1.5.migrate", BODY, in_doubt_since=NOON)

    assert started.status.state is HookState.RUNNING
    assert world.begun() == 1


def test_each_hook_goes_to_the_caller_of_its_kind_and_others_are_refused(world):
    kinds: dict[type[HookCall], HookCaller] = {type(world.hook): world.caller}
    callers = HooksByKind(kinds)
    other = ContainerAppsJob(resource="x") if isinstance(world.hook, Webhook) else Webhook(url="https://a.example/")

    started = callers.call(world.hook, "shop-1.6.migrate", BODY)

    assert callers.look(world.hook, started.token, "shop-1.6.migrate").state is HookState.RUNNING
    with pytest.raises(RejectedError, match=f"{type(other).__name__} cannot be called here"):
        callers.call(other, "shop-1.6.migrate", BODY)
