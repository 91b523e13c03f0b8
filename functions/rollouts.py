"""Service Bus, one session an application: something is due."""

import azure.functions as func

from shared.bootstrap import app
from shared.domain.errors import InvalidError, NewerReleaseError, RejectedError
from shared.wire.message_properties import attempt_in, deliveries_before, why_given_up
from shared.wire.wake_ups import parse_wake_up

blueprint = func.Blueprint()


@blueprint.service_bus_queue_trigger(
    arg_name="message",
    queue_name="%SLIPWAY_COMMANDS_QUEUE%",
    connection="ServiceBus",
    is_sessions_enabled=True,
)
def wake_up(message: func.ServiceBusMessage) -> None:
    """Look at one application and drive it as far as it goes without waiting."""
    body, attempt = message.get_body(), attempt_in(message.application_properties)
    try:
        parsed = parse_wake_up(body)
    except NewerReleaseError as error:
        app().wake_ups.put_back(body, error, key=message.session_id or "", attempt=attempt)
        return
    except (InvalidError, RejectedError) as error:
        app().wake_ups.refuse(body, error, attempt=attempt)
        return
    app().wake_ups.handle(parsed, redelivered=(message.delivery_count or 1) > 1)


@blueprint.service_bus_queue_trigger(
    arg_name="message", queue_name="%SLIPWAY_COMMANDS_QUEUE%/$DeadLetterQueue", connection="ServiceBus"
)
def take_over_dead_wake_up(message: func.ServiceBusMessage) -> None:
    """A wake-up that the broker gave up goes to our dead-letter list. A dead-letter queue has no sessions."""
    why = why_given_up(message.application_properties)
    app().wake_ups.take_over(message.get_body(), why, deliveries=deliveries_before(message.delivery_count))
