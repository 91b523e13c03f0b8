"""What a hook is told of the release that calls it."""

from shared.domain.names import ApplicationName
from shared.domain.rollout.state import HookRun


def hook_body(application: ApplicationName, run: HookRun, address: str) -> dict[str, object]:
    """Return the body of a call. `callback` is where its result may be posted, empty where this app has no address."""
    callback = f"{address}/api/callbacks/hooks/{application}/{run.call_id}" if address else ""
    return {
        "application": application,
        "rollout": run.rollout,
        "version": run.version,
        "step": run.step,
        "stage": run.hook.at.value,
        "hook": run.hook.name,
        "callback": callback,
    }
