"""Events of others: Azure Monitor's alerts, over HTTP and over a Service Bus queue."""

import azure.functions as func

from functions.answers import Reply, for_source, missing
from shared.application.foreign_events import TAKERS
from shared.bootstrap import app
from shared.domain.errors import InvalidError, RejectedError

LONGEST_LETTER = 64_000
"""Characters of a body that are laid aside: a letter is one row of the store, however its characters are escaped."""

blueprint = func.Blueprint()


@blueprint.route(route="api/events/{source}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def take_event(req: func.HttpRequest) -> func.HttpResponse:
    """An event of a known source, in the source's own format."""
    return for_source(req, req.route_params["source"], _take_event)


@blueprint.service_bus_queue_trigger(arg_name="message", queue_name="%SLIPWAY_ALERTS_QUEUE%", connection="ServiceBus")
def take_queued_alert(message: func.ServiceBusMessage) -> None:
    """An alert that an action group put on the queue. What is no alert goes to our dead-letter list."""
    body = message.get_body()
    try:
        app().events.take_queued("azure-monitor", body)
    except (InvalidError, RejectedError) as error:
        app().wake_ups.lay_aside("azure-monitor", body.decode(errors="replace")[:LONGEST_LETTER], error)


def _take_event(req: func.HttpRequest, _caller: str) -> Reply:
    source = req.route_params["source"]
    match = app().events.take(source, req.get_body())
    if match is None:
        return missing(f"no events are taken from {source}; known: {', '.join(TAKERS)}")
    ignored = not match.applications
    body = {"applications": list(match.applications), "ignored": ignored}
    return Reply(202, {**body, "reason": match.why_not} if ignored else body)
