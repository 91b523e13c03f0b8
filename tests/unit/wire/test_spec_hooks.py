"""Hooks and migrations in a release spec: read, rendered and stored; what could not be called is refused by path."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from shared.domain.names import ApplicationName
from shared.domain.rollout.hooks import ContainerAppsJob, GithubWorkflow, Webhook
from shared.domain.rollout.plan import RunHook, compile_plan
from shared.domain.rollout.spec import Hook, Outcome, Spec, Stage
from shared.domain.rollout.state import Application
from shared.wire.documents import Envelope, read_envelope, write_envelope
from shared.wire.spec import parse_spec
from shared.wire.spec_rendering import render_spec
from shared.wire.yaml_source import read_yaml
from tests.unit.wire.spec_documents import SMALLEST, body_of, changed, refused, spec_documents
from tests.unit.wire.spec_hook_documents import AFTER, CALLS, JOB, WAITED_FOR, WORKFLOW

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "hooks.md"
WEBHOOK: dict[str, Any] = {"webhook": CALLS["webhook"]}
SECRET = "s3cr3t-0123456789"


def read(*hooks: dict[str, Any]) -> tuple[Hook, ...]:
    return parse_spec(body_of(changed("hooks", list(hooks)))).hooks


def smoke(**fields: Any) -> dict[str, Any]:
    """A hook of this name with one call, a webhook unless it is another one."""
    return {"name": "smoke", "at": "before-rollout"} | (fields or WEBHOOK)


def calling(kind: str, **fields: Any) -> dict[str, Any]:
    return smoke(**{kind: CALLS[kind] | fields})


def test_a_spec_without_hooks_has_none():
    assert parse_spec(body_of(SMALLEST)).hooks == ()
    assert render_spec(parse_spec(body_of(SMALLEST)))["hooks"] == []


def test_a_hook_that_says_little_has_the_defaults():
    assert read(smoke()) == (
        Hook(
            name="smoke",
            at=Stage.BEFORE_ROLLOUT,
            call=Webhook(url="https://hooks.example.org/smoke"),
            timeout=timedelta(minutes=10),
            otherwise=Outcome.ROLLBACK,
            no_return=False,
        ),
    )


def test_each_kind_of_call_is_read():
    signed = calling("webhook", secretSetting="SLIPWAY_SECRET_SMOKE", polls=True)
    dispatched = calling("github", inputs={"version": "{version}", "dry": "no"}) | {"name": "flow"}
    started = calling("containerAppsJob") | {"name": "job"}

    assert [hook.call for hook in read(signed, dispatched, started)] == [
        Webhook(url="https://hooks.example.org/smoke", secret_setting="SLIPWAY_SECRET_SMOKE", polls=True),
        GithubWorkflow(
            repository="contoso/shop",
            workflow="migrate.yml",
            ref="main",
            token_setting="SLIPWAY_SECRET_GITHUB",
            inputs=(("dry", "no"), ("version", "{version}")),
        ),
        ContainerAppsJob(resource=JOB),
    ]


def test_what_a_hook_says_of_its_time_and_its_failure_is_kept():
    [hook] = read(smoke() | {"timeout": "2h", "otherwise": "pause", "pointOfNoReturn": True})

    assert (hook.timeout, hook.otherwise, hook.no_return) == (timedelta(hours=2), Outcome.PAUSE, True)


def test_a_migration_is_the_first_hook_and_the_last():
    document = changed("hooks", [smoke()]) | {
        "migration": {"contract": WEBHOOK, "expand": WEBHOOK | {"otherwise": "pause", "pointOfNoReturn": True}}
    }

    hooks = parse_spec(body_of(document)).hooks

    assert [(hook.name, hook.at) for hook in hooks] == [
        ("expand", Stage.EXPAND),
        ("smoke", Stage.BEFORE_ROLLOUT),
        ("contract", Stage.CONTRACT),
    ]
    assert (hooks[0].otherwise, hooks[0].no_return) == (Outcome.PAUSE, True)


def test_what_was_read_is_rendered_with_every_default():
    document = changed("hooks", [smoke(), smoke() | {"name": "after", "at": "after-promotion"}])
    document |= {"migration": {"expand": WEBHOOK, "contract": {"github": WORKFLOW}}}

    rendered = render_spec(parse_spec(body_of(document)))

    webhook = {"webhook": {"url": "https://hooks.example.org/smoke", "polls": False}, "timeout": "10m"}
    waited_for = {"otherwise": "rollback", "pointOfNoReturn": False}
    assert rendered["hooks"] == [
        {"name": "smoke", "at": "before-rollout", **webhook, **waited_for},
        {"name": "after", "at": "after-promotion", **webhook},
    ]
    assert rendered["migration"] == {
        "expand": webhook | waited_for,
        "contract": {"github": WORKFLOW, "timeout": "10m"},
    }


@settings(max_examples=40, deadline=None)
@given(spec_documents())
def test_hooks_come_back_the_same_from_their_document_and_from_the_store(document):
    spec = parse_spec(body_of(document))

    assert parse_spec(body_of(render_spec(spec))).hooks == spec.hooks
    stored = Envelope(application=Application(name=ApplicationName("shop"), spec=spec))
    assert read_envelope(write_envelope(stored)).application.spec == spec


ABOUT_A_HOOK = [
    ({"name": "smoke"} | WEBHOOK, ".at", "is missing"),
    ({"name": "smoke", "at": "before-rollout"}, "", "one call: webhook, github or containerAppsJob"),
    (smoke() | {"containerAppsJob": CALLS["containerAppsJob"]}, "", "one call, not several"),
    (smoke() | {"github": WORKFLOW}, "", "one call, not several"),
    (smoke() | {"at": "expand"}, ".at", "before-rollout or before-increase"),
    (smoke() | {"at": "sometimes"}, ".at", "before-rollout or before-increase"),
    (smoke() | {"name": "expand"}, ".name", "this is what migration has"),
    (smoke() | {"name": "contract"}, ".name", "this is what migration has"),
    (smoke() | {"name": "Smoke"}, ".name", "lower-case letters"),
    (smoke() | {"timeout": "0s"}, ".timeout", "a duration of at least 1s"),
    (smoke() | {"timeout": "169h"}, ".timeout", "at most 7d for a hook before-rollout"),
    (smoke() | {"timeout": 600}, ".timeout", "a duration"),
    (smoke() | {"otherwise": "promote"}, ".otherwise", "rollback or pause"),
    (smoke() | {"pointOfNoReturn": "yes"}, ".pointOfNoReturn", "allowed is"),
    (smoke() | {"retries": 3}, ".retries", "is not a field"),
    (smoke(webhook={}), ".webhook.url", "is missing"),
    (calling("webhook", method="GET"), ".webhook.method", "is not a field"),
    (calling("webhook", polls="yes"), ".webhook.polls", "allowed is"),
    (calling("webhook", secretSetting="SLIPWAY_KEYS"), ".webhook.secretSetting", "an app setting of your own"),
    (calling("github", repository="shop"), ".github.repository", "owner/name"),
    (calling("github", repository="contoso/.."), ".github.repository", "owner/name"),
    (calling("github", repository="contoso/a/b"), ".github.repository", "owner/name"),
    (calling("github", repository="con?toso/a"), ".github.repository", "owner/name"),
    (calling("github", workflow="../x.yml"), ".github.workflow", "the workflow's file name"),
    (calling("github", workflow=161335), ".github.workflow", "its number in quotes"),
    (calling("github", ref="a b"), ".github.ref", "a branch or tag"),
    (calling("github", ref=""), ".github.ref", "a branch or tag"),
    (calling("github", tokenSetting="GITHUB_TOKEN"), ".github.tokenSetting", "begins with SLIPWAY_SECRET_"),
    (calling("github", inputs={"n": 5}), ".github.inputs.n", "in quotes"),
    (calling("github", inputs={"n": "x" * 1001}), ".github.inputs.n", "at most 1000 characters"),
    (calling("github", inputs={"n": "a\x00b"}), ".github.inputs.n", "without control characters"),
    (calling("github", inputs={"a b": "c"}), ".github.inputs", "a name of letters"),
    (calling("github", inputs={"slipway_id": "1"}), ".github.inputs.slipway_id", "the id of the call"),
    (calling("github", inputs={f"n{n}": "" for n in range(25)}), ".github.inputs", "at most 24"),
    (
        calling("containerAppsJob", resource=JOB.replace("jobs", "containerApps")),
        ".containerAppsJob.resource",
        "/jobs/",
    ),
    (calling("containerAppsJob", resource=f"{JOB}/"), ".containerAppsJob.resource", "/jobs/"),
    (calling("containerAppsJob", image="x"), ".containerAppsJob.image", "is not a field"),
]


@pytest.mark.parametrize(("hook", "path", "reason"), ABOUT_A_HOOK)
def test_what_could_not_be_called_is_refused_by_its_path(hook, path, reason):
    [problem] = refused(changed("hooks", [hook]))

    assert problem.path == f"hooks[0]{path}"
    assert reason in problem.message


@pytest.mark.parametrize("missing", ["repository", "workflow", "ref", "tokenSetting"])
def test_a_workflow_must_be_named_in_full(missing):
    said = {name: value for name, value in WORKFLOW.items() if name != missing}

    [problem] = refused(changed("hooks", [smoke(github=said)]))

    assert (problem.path, problem.message) == (f"hooks[0].github.{missing}", "is missing")


@pytest.mark.parametrize("stage", AFTER)
@pytest.mark.parametrize(("field", "value"), [("otherwise", "pause"), ("pointOfNoReturn", True)])
def test_where_nothing_waits_for_a_hook_it_decides_nothing(stage, field, value):
    [problem] = refused(changed("hooks", [smoke() | {"at": stage, field: value}]))

    assert problem.path == f"hooks[0].{field}"
    assert f"nothing waits for a hook {stage}" in problem.message


@pytest.mark.parametrize("stage", [*WAITED_FOR, *AFTER])
def test_a_hook_may_take_a_week_and_a_day_when_the_rollout_is_over(stage):
    longest, longer = ("24h", "24h1s") if stage in AFTER else ("7d", "168h1s")

    assert read(smoke() | {"at": stage, "timeout": longest})
    [problem] = refused(changed("hooks", [smoke() | {"at": stage, "timeout": longer}]))
    assert problem.path == "hooks[0].timeout"


def test_names_of_hooks_are_their_own():
    [problem] = refused(changed("hooks", [smoke(), smoke() | {"at": "on-rollback"}]))

    assert problem.path == "hooks[1].name"


@pytest.mark.parametrize(
    ("migration", "path", "reason"),
    [
        ({}, "", "expand, contract or both"),
        ([], "", "an object"),
        ({"expand": {}}, ".expand", "one call"),
        ({"contract": WEBHOOK | {"github": WORKFLOW}}, ".contract", "one call, not several"),
        ({"contract": WEBHOOK | {"otherwise": "pause"}}, ".contract.otherwise", "is not a field"),
        ({"contract": WEBHOOK | {"pointOfNoReturn": True}}, ".contract.pointOfNoReturn", "is not a field"),
        ({"expand": WEBHOOK | {"name": "x"}}, ".expand.name", "is not a field"),
        ({"expand": WEBHOOK | {"timeout": "8d"}}, ".expand.timeout", "at most 7d"),
        ({"grow": WEBHOOK, "expand": WEBHOOK}, ".grow", "is not a field"),
    ],
)
def test_a_migration_that_could_not_be_made_is_refused_by_its_path(migration, path, reason):
    [problem] = refused(changed("migration", migration))

    assert problem.path == f"migration{path}"
    assert reason in problem.message


@pytest.mark.parametrize(
    "hook",
    [
        smoke(webhook=f"https://hooks.example.org/{SECRET}"),
        smoke(webhook={"url": f"http://hooks.example.org/?key={SECRET}"}),
        smoke(webhook={"url": f"https://user:{SECRET}@hooks.example.org/"}),
        smoke(webhook={"url": f"https://hooks.example.org/{SECRET} x"}),
        smoke(webhook=CALLS["webhook"] | {"secretSetting": f"{SECRET}=="}),
        smoke(webhook=CALLS["webhook"] | {"polls": SECRET}),
        calling("github", tokenSetting=SECRET),
        calling("github", inputs={"password": f"{SECRET}\x00"}),
        calling("github", inputs=SECRET),
        calling("github", inputs={"password": [SECRET]}),
    ],
)
def test_what_may_be_a_secret_is_never_repeated(hook):
    problems = refused(changed("hooks", [hook]))

    assert problems
    assert SECRET not in str(problems)


def test_what_the_guide_to_hooks_shows_is_taken_in_a_release_spec():
    shown = [read_yaml(text.encode()).value for text in re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)]
    parts = [part for part in shown if {"hooks", "migration"} & part.keys()]

    assert len(parts) == 2
    for part in parts:
        assert parse_spec(body_of(SMALLEST | part)).hooks


def test_more_than_twenty_hooks_are_refused():
    hooks = [smoke() | {"name": f"h{n}"} for n in range(20)]

    assert len(read(*hooks)) == 20
    [problem] = refused(changed("hooks", [*hooks, smoke()]))
    assert (problem.path, problem.message) == ("hooks", "has 21 entries; allowed are at most 20")


def before_each_weight(length: int, weights: int) -> dict[str, Any]:
    """A spec whose one hook is called before each weight, at an address of this length."""
    address = "https://hooks.example.org/".ljust(length, "x")
    steps = [number / 10 for number in range(1, weights)]
    return changed("strategy/canary/steps", steps) | {
        "hooks": [{"name": "check", "at": "before-increase", "webhook": {"url": address}}]
    }


def test_a_plan_that_a_state_could_not_hold_is_refused():
    assert called(parse_spec(body_of(before_each_weight(600, 51)))) == 51
    [problem] = refused(before_each_weight(700, 51))

    assert problem.path == "hooks"
    assert "before each of 51 weights" in problem.message
    assert "allowed are 40,000" in problem.message
    assert called(parse_spec(body_of(before_each_weight(700, 40)))) == 40


def called(spec: Spec) -> int:
    return sum(isinstance(step, RunHook) for step in compile_plan(spec))
