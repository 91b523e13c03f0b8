"""Events of others: parsed by their format, handed to the applications that they are about."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.application.accept import AlertMatch, Intake
from shared.domain.errors import TryLaterError
from shared.domain.rollout.commands import Alert
from shared.ports.alert_queue import AlertQueue
from shared.ports.clock import Clock
from shared.wire.azure_monitor import parse_alert

PUT_OFF = timedelta(seconds=15)
"""When an event is taken again that the store could not keep."""

log = logging.getLogger("slipway.events")

Taker = Callable[[Intake, bytes], AlertMatch]


def take_azure_monitor(intake: Intake, body: bytes) -> AlertMatch:
    """Take Azure Monitor's common alert schema. Raises `InvalidError` for anything else."""
    parsed = parse_alert(body)
    alert = Alert(
        id=parsed.command_id,
        fired=parsed.fired,
        rule=parsed.rule or parsed.alert_id,
        severity=parsed.severity,
        resource=", ".join(parsed.resources)[:1000],
        description=parsed.description,
        at=parsed.at,
    )
    return intake.accept_alert(alert, parsed.resources)


TAKERS: Mapping[str, Taker] = {"azure-monitor": take_azure_monitor}
"""One entry for each source that `/api/events/{source}` knows."""


@dataclass(frozen=True, slots=True)
class ForeignEvents:
    """Takes events of the sources that are known."""

    intake: Intake
    alerts: AlertQueue
    clock: Clock

    def take_queued(self, source: str, body: bytes) -> None:
        """Take an event from its queue; one that cannot be taken in yet goes back there, for later.

        Raises `InvalidError`, and `TryLaterError` only when it could not be put back either.
        """
        try:
            self.take(source, body)
        except TryLaterError as error:
            log.warning("an event of %s is put off: %s", source, error)
            self.alerts.send(body, at=self.clock.now() + PUT_OFF)

    def take(self, source: str, body: bytes) -> AlertMatch | None:
        """Hand the event to its applications; None when the source is unknown. Raises `InvalidError`."""
        taker = TAKERS.get(source)
        return taker(self.intake, body) if taker else None
