"""Timer: the sweep."""

import azure.functions as func

from shared.bootstrap import app

blueprint = func.Blueprint()


@blueprint.timer_trigger(arg_name="timer", schedule="0 * * * * *", use_monitor=False)
def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the host passes it
    """Wake what a crash left behind."""
    app().sweep.run()
