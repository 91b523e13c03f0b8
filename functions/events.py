"""Events of others: Azure Monitor's alerts, over HTTP and over a Service Bus queue."""

import azure.functions as func

from functions.answers import Reply, for_source, missing
from shared.bootstrap import app
from shared.wire.message_properties import attempt_in, deliveries_before, why_given_up

QUEUED = "azure-monitor"
"""The source whose events come over the queue."""

blueprint = func.Blueprint()


@blueprint.route(route="api/events/{source}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def take_event(req: func.HttpRequest) -> func.HttpResponse:
    """An event of a known source, in the source's own format."""
    return for_source(req, req.route_params["source"], _take_event)


@blueprint.service_bus_queue_trigger(arg_name="message", queue_name="%SLIPWAY_ALERTS_QUEUE%", connection="ServiceBus")
def take_queued_alert(message: func.ServiceBusMessage) -> None:
    """An alert that an action group put on the queue. What is no alert goes to our dead-letter list."""
    app().events.take_queued(QUEUED, message.get_body(), attempt_in(message.application_properties))


@blueprint.service_bus_queue_trigger(
    arg_name="message", queue_name="%SLIPWAY_ALERTS_QUEUE%/$DeadLetterQueue", connection="ServiceBus"
)
def take_over_dead_alert(message: func.ServiceBusMessage) -> None:
    """An alert that the broker gave up goes to our dead-letter list."""
    properties, deliveries = message.application_properties, deliveries_before(message.delivery_count)
    app().events.take_over(
        QUEUED, message.get_body(), why_given_up(properties), attempt_in(properties), deliveries=deliveries
    )


def _take_event(req: func.HttpRequest, _caller: str) -> Reply:
    source = req.route_params["source"]
    match = app().events.take(source, req.get_body())
    if match is None:
        from shared.application.foreign_events import TAKERS

        return missing(f"no events are taken from {source}; known: {', '.join(TAKERS)}")
    ignored = not match.applications
    body = {"applications": list(match.applications), "ignored": ignored}
    return Reply(202, {**body, "reason": match.why_not} if ignored else body)
