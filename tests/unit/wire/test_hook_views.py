"""What is shown of hooks: how each call stands, and never a token, more of an address than its host, or an input."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.names import RolloutId, Version
from shared.domain.rollout.events import HookBegun, RolloutStarted, SpecAccepted
from shared.domain.rollout.hooks import ContainerAppsJob, GithubWorkflow, HookState, HookStatus, Webhook
from shared.domain.rollout.plan import compile_plan
from shared.domain.rollout.spec import Hook, Stage
from shared.domain.rollout.state import Application, HookRun, Serving, Warm
from shared.wire.documents import write_event
from shared.wire.history import event_view, history_line
from shared.wire.hook_views import hook_view, whom
from shared.wire.spec import parse_spec
from shared.wire.spec_rendering import render_spec
from shared.wire.views import application_view, rollout_view
from tests.unit.domain.specs import NOON, SHOP
from tests.unit.domain.states import baking
from tests.unit.wire.spec_documents import SMALLEST, body_of
from tests.unit.wire.spec_hook_documents import JOB, WORKFLOW

SECRET = "s3cr3t"
WEBHOOK = Webhook(url=f"https://hooks.example.org:8443/{SECRET}?key={SECRET}", secret_setting="SLIPWAY_SECRET_X")
GITHUB = GithubWorkflow(
    repository="contoso/shop",
    workflow="migrate.yml",
    ref="main",
    token_setting="SLIPWAY_SECRET_GITHUB",
    inputs=(("password", SECRET),),
)
RUN = HookRun(
    hook=Hook(name="smoke", at=Stage.BEFORE_ROLLOUT, call=WEBHOOK),
    call_id="shop-1.0.smoke",
    rollout=RolloutId("shop-1"),
    version=Version("2"),
    step=0,
    since=NOON,
    deadline=NOON + timedelta(minutes=10),
    status=HookStatus(HookState.RUNNING, "as it should", "3 of 9"),
    token=f"/jobs/{SECRET}",
    look_at=NOON,
    failed_attempts=2,
)
SHOWN = {
    "id": "shop-1.0.smoke",
    "name": "smoke",
    "stage": "before-rollout",
    "calls": "webhook of hooks.example.org",
    "state": "running",
    "detail": "as it should",
    "progress": "3 of 9",
    "failed_attempts": 2,
    "since": "2026-11-23T12:00:00Z",
    "deadline": "2026-11-23T12:10:00Z",
}


def test_a_call_is_shown_as_it_stands_and_without_its_token():
    assert hook_view(RUN) == SHOWN


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (WEBHOOK, "webhook of hooks.example.org"),
        (GITHUB, "workflow migrate.yml of contoso/shop"),
        (ContainerAppsJob(resource=JOB), "job migrate"),
    ],
)
def test_whom_a_hook_calls_is_said_without_what_may_be_a_key(call, words):
    assert whom(call) == words


def test_a_rollout_shows_the_hook_that_it_waits_for_and_another_none():
    live = baking().live

    assert rollout_view(live)["hook"] is None
    assert rollout_view(replace(live, hook=RUN))["hook"] == SHOWN


def test_an_application_shows_its_duties_and_until_when_the_version_before_is_kept_warm():
    warm = Warm(rollout=RolloutId("shop-1"), version=Version("1"), serving=Version("2"), until=NOON)
    serving = Serving(version=Version("2"), rollout=RolloutId("shop-1"))
    idle = application_view(Application(name=SHOP), {})
    busy = application_view(Application(name=SHOP, warm=warm, serving=serving, duties=(RUN,)), {})

    assert (idle["warm"], idle["duties"]) == (None, [])
    assert busy["warm"] == {"version": "1", "until": "2026-11-23T12:00:00Z"}
    assert busy["duties"] == [{"rollout": "shop-1", **SHOWN}]
    assert SECRET not in json.dumps(busy)


def test_history_tells_of_a_call_what_a_rollout_shows():
    line = history_line(3, write_event(HookBegun(at=NOON, rollout=RolloutId("shop-1"), run=RUN)))

    assert line.view["run"] == SHOWN
    assert SECRET not in json.dumps(line.view)


def test_history_shows_a_spec_without_what_may_be_a_key_in_it():
    address = f"https://hooks.example.org/{SECRET}?key={SECRET}"
    spec = parse_spec(
        body_of(
            SMALLEST
            | {
                "hooks": [
                    {"name": "smoke", "at": "before-rollout", "webhook": {"url": address}},
                    {"name": "flow", "at": "before-rollout", "github": WORKFLOW | {"inputs": {"password": SECRET}}},
                ],
                "migration": {"contract": {"webhook": {"url": address}}},
                "notifications": [{"name": "ops", "url": address}],
            }
        )
    )
    rendered = render_spec(spec)

    for event in (
        SpecAccepted(at=NOON, spec=spec, by="a"),
        RolloutStarted(at=NOON, rollout=RolloutId("shop-1"), spec=spec, plan=compile_plan(spec)),
    ):
        view = event_view(event)
        shown = view["spec"]
        assert SECRET not in json.dumps(view)
        assert shown["hooks"][0]["webhook"]["url"] == "https://hooks.example.org/..."
        assert shown["notifications"][0]["url"] == "https://hooks.example.org/..."
        assert shown["hooks"][1]["github"]["inputs"] == {"password": "..."}
        assert shown["strategy"] == rendered["strategy"]
    assert render_spec(spec) == rendered
