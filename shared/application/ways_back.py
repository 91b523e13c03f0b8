"""How what was laid aside goes back to the queue that it came from, each time under a fresh message id.

The broker would swallow an id that it has seen within its duplicate window; who gets the message twice knows it by the
command's own id, which is in the body.
"""

from collections.abc import Mapping
from dataclasses import replace

from shared.application.dead_letters import WayBack
from shared.application.wake import SOURCE as COMMANDS
from shared.ports.alert_queue import AlertQueue
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue
from shared.wire.azure_monitor import parse_alert
from shared.wire.wake_ups import parse_wake_up


def ways_back(queue: CommandQueue, alerts: AlertQueue, clock: Clock) -> Mapping[str, WayBack]:
    """Return the way back for each source that has one."""

    def send_wake_up(body: bytes) -> None:
        """Send it as a later attempt: what the first one left half done is taken over."""
        queue.send(replace(parse_wake_up(body), attempt=1, marker=""))

    def send_alert(body: bytes) -> None:
        alerts.send(body, attempt=0, at=clock.now())

    return {
        COMMANDS: WayBack(check=parse_wake_up, send=send_wake_up),
        "azure-monitor": WayBack(check=parse_alert, send=send_alert),
    }
