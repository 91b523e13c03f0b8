"""What is shown of a hook's call: never its token, nor more of an address than its host."""

from datetime import datetime
from typing import assert_never
from urllib.parse import urlsplit

from shared.domain.rollout.hooks import ContainerAppsJob, GithubWorkflow, HookCall, Webhook
from shared.domain.rollout.state import HookRun


def hook_view(run: HookRun) -> dict[str, object]:
    """Return a call as it stands."""
    return {
        "id": run.call_id,
        "name": run.hook.name,
        "stage": run.hook.at,
        "calls": whom(run.hook.call),
        "state": run.status.state,
        "detail": run.status.detail,
        "progress": run.status.progress,
        "failed_attempts": run.failed_attempts,
        "since": _time(run.since),
        "deadline": _time(run.deadline),
    }


def whom(call: HookCall) -> str:
    """Return what is called, in words. An address may hold a key in its path, and an input may be one."""
    match call:
        case Webhook():
            return f"webhook of {host_of(call.url)}"
        case GithubWorkflow():
            return f"workflow {call.workflow} of {call.repository}"
        case ContainerAppsJob():
            return f"job {call.resource.rstrip('/').rpartition('/')[2]}"
        case _:
            assert_never(call)


def host_of(address: str) -> str:
    """Return the host of an address; empty where it has none."""
    return urlsplit(address).hostname or ""


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
