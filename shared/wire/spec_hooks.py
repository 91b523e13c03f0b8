"""The hooks and the migration of a release spec: what is called, when, and how long it may take.

An address may hold a key in its path, a value of an input may be one: nothing of either is ever repeated.
"""

import json
from datetime import timedelta
from typing import Any, Final

from shared.domain.analysis.ramp import LATER_WEIGHTS
from shared.domain.errors import RejectedError
from shared.domain.rollout.app_settings import FOR_SPECS, may_be_sent
from shared.domain.rollout.hooks import ContainerAppsJob, GithubWorkflow, HookCall, Webhook
from shared.domain.rollout.spec import IN_PLAN, Canary, Hook, Outcome, Stage, Strategy
from shared.wire.durations import format_duration, parse_duration
from shared.wire.findings import Part, found, refuse_repeats
from shared.wire.job_id import parse_job_id
from shared.wire.spec_measuring import refuse_duration
from shared.wire.spec_notifications import signing_setting
from shared.wire.web_addresses import parse_web_address

LONGEST: Final = timedelta(days=7)
LONGEST_AFTER: Final = timedelta(days=1)
"""For what is called when a rollout is over: until it is, the rollout is kept with the application's state."""
MOST_CHARACTERS_IN_A_PLAN: Final = 40_000
"""All calls before the weights together: a plan names each of them before each weight, and a state holds plans."""
ID_INPUT: Final = "slipway_id"
"""The input that the id of a call goes along in."""

_OF_MIGRATION: Final = (Stage.EXPAND.value, Stage.CONTRACT.value)
_DEFAULT_TIMEOUT: Final = timedelta(minutes=10)


def read_hooks(document: Part) -> tuple[Hook, ...]:
    """Read `hooks` and `migration`: what expands comes first, what contracts last. Names are their own."""
    hooks, migration = document.child("hooks").children(), document.child("migration")
    names = tuple(hook.child("name") for hook in hooks)
    refuse_repeats(names, lambda name: name.value, "allowed is a name that no hook before it has")
    for name in names:
        if name.value in _OF_MIGRATION:
            name.refuse(f"{found(name.path, name.value)}allowed is another name: this is what migration has")
    expand, contract = (_read_migration(migration.child(stage), stage) for stage in (Stage.EXPAND, Stage.CONTRACT))
    return (*expand, *(_read_named(hook) for hook in hooks), *contract)


def refuse_long_plans(part: Part, hooks: tuple[Hook, ...], strategy: Strategy) -> None:
    """Refuse calls before each weight that make a plan longer than a state can hold."""
    fitted = 1 + len(LATER_WEIGHTS)
    weights = 1 + (max(len(strategy.steps), fitted) if isinstance(strategy, Canary) else 0)
    before_each = (hook for hook in hooks if hook.at is Stage.BEFORE_INCREASE)
    calls = sum(len(json.dumps(_named(hook))) for hook in before_each)
    if weights * calls > MOST_CHARACTERS_IN_A_PLAN:
        part.refuse(
            f"those before-increase are called before each of {weights} weights, {weights * calls:,} characters "
            f"together; allowed are {MOST_CHARACTERS_IN_A_PLAN:,}: call fewer, call them before-rollout, or write less"
        )


def render_hooks(hooks: tuple[Hook, ...]) -> dict[str, Any]:
    """Return the members `hooks` and, where there is one, `migration`, with every default written out."""
    migration = {hook.at.value: _hook(hook) for hook in hooks if hook.at.value in _OF_MIGRATION}
    named = [_named(hook) for hook in hooks if hook.at.value not in _OF_MIGRATION]
    return {"hooks": named, **({"migration": migration} if migration else {})}


def _read_migration(part: Part, stage: Stage) -> tuple[Hook, ...]:
    return (_read_hook(part, stage.value, stage),) if part.exists else ()


def _read_named(part: Part) -> Hook:
    at = part.child("at")
    stage = at.read(Stage, Stage.BEFORE_ROLLOUT)
    if at.exists and at.is_sound and stage not in IN_PLAN:
        for field in ("otherwise", "pointOfNoReturn"):
            given = part.child(field)
            if given.exists:
                given.refuse(
                    f"{found(given.path, given.value)}nothing waits for a hook {stage}; allowed is to leave this out"
                )
    return _read_hook(part, part.child("name").read(str, ""), stage)


def _read_hook(part: Part, name: str, stage: Stage) -> Hook:
    return Hook(
        name=name,
        at=stage,
        call=_read_call(part),
        timeout=_read_timeout(part.child("timeout"), stage),
        otherwise=part.child("otherwise").read(Outcome, Outcome.ROLLBACK),
        no_return=part.says("pointOfNoReturn"),
    )


def _read_timeout(part: Part, stage: Stage) -> timedelta:
    timeout = part.read(parse_duration, _DEFAULT_TIMEOUT)
    longest = LONGEST_AFTER if stage in (Stage.AFTER_PROMOTION, Stage.ON_ROLLBACK) else LONGEST
    if timeout > longest:
        refuse_duration(part, timeout, f"allowed is at most {format_duration(longest)} for a hook {stage}")
    return timeout


def _read_call(part: Part) -> HookCall:
    """Read the one call of a hook. The schema has seen to it that there is one."""
    if part.child("github").exists:
        return _read_workflow(part.child("github"))
    if part.child("containerAppsJob").exists:
        return ContainerAppsJob(resource=part.child("containerAppsJob").child("resource").read(_job, ""))
    return _read_webhook(part.child("webhook"))


def _read_webhook(part: Part) -> Webhook:
    secret = part.child("secretSetting")
    return Webhook(
        url=part.child("url").read(parse_web_address, ""),
        secret_setting=secret.read(signing_setting, "") if secret.exists else None,
        polls=part.says("polls"),
    )


def _read_workflow(part: Part) -> GithubWorkflow:
    inputs = part.child("inputs")
    names = sorted(inputs.value) if isinstance(inputs.value, dict) and inputs.is_sound else []
    if ID_INPUT in names:
        inputs.child(ID_INPUT).refuse("is filled with the id of the call; allowed is to leave it out")
    return GithubWorkflow(
        repository=part.child("repository").read(str, ""),
        workflow=part.child("workflow").read(str, ""),
        ref=part.child("ref").read(str, ""),
        token_setting=part.child("tokenSetting").read(_sent_setting, ""),
        inputs=tuple((name, inputs.child(name).read(str, "")) for name in names),
    )


def _sent_setting(name: str) -> str:
    if not may_be_sent(name):
        raise ValueError(f"allowed is an app setting whose name begins with {FOR_SPECS}: no other leaves for GitHub")
    return name


def _job(text: str) -> str:
    try:
        parse_job_id(text)
    except RejectedError as error:
        raise ValueError(_JOB) from error
    if text.endswith("/"):
        raise ValueError(_JOB)
    return text


_JOB: Final = "allowed is /subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.App/jobs/<name>"


def _named(hook: Hook) -> dict[str, Any]:
    return {"name": hook.name, "at": hook.at.value, **_hook(hook)}


def _hook(hook: Hook) -> dict[str, Any]:
    waited_for = {"otherwise": hook.otherwise.value, "pointOfNoReturn": hook.no_return} if hook.at in IN_PLAN else {}
    return {**_call(hook.call), "timeout": format_duration(hook.timeout), **waited_for}


def _call(call: HookCall) -> dict[str, Any]:
    match call:
        case Webhook():
            secret = {"secretSetting": call.secret_setting} if call.secret_setting is not None else {}
            return {"webhook": {"url": call.url, **secret, "polls": call.polls}}
        case GithubWorkflow():
            return {
                "github": {
                    "repository": call.repository,
                    "workflow": call.workflow,
                    "ref": call.ref,
                    "tokenSetting": call.token_setting,
                    **({"inputs": dict(call.inputs)} if call.inputs else {}),
                }
            }
        case ContainerAppsJob():
            return {"containerAppsJob": {"resource": call.resource}}
