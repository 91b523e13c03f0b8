"""Events of others: parsed by their format, handed to the applications that they are about."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.application.accept import AlertMatch, Intake
from shared.application.laid_aside import LaidAside, Poison
from shared.application.publish import owners
from shared.domain.errors import InvalidError, RejectedError, SlipwayError, TryLaterError
from shared.domain.names import application_key
from shared.domain.rollout.commands import Alert
from shared.domain.rollout.timing import backoff
from shared.ports.alert_queue import AlertQueue
from shared.ports.clock import Clock
from shared.wire.azure_monitor import parse_alert

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
RESOURCES: Mapping[str, Callable[[bytes], tuple[str, ...]]] = {
    "azure-monitor": lambda body: parse_alert(body).resources
}
"""Which resources an event of a source names. Raises `InvalidError` for what is no event of it."""


@dataclass(frozen=True, slots=True)
class ForeignEvents:
    """Takes events of the sources that are known."""

    intake: Intake
    alerts: AlertQueue
    aside: LaidAside
    clock: Clock

    def take_queued(self, source: str, body: bytes, attempt: int = 0) -> None:
        """Take an event from its queue, or lay it aside when it is none.

        One that cannot be stored now goes back to its queue, with a pause that grows with `attempt`. Raises
        `TryLaterError` only when that fails too: then the broker must deliver it again.
        """
        try:
            self._take_or_lay_aside(source, body, attempt)
        except TryLaterError as error:
            self._put_off(source, body, attempt, error)

    def take_over(self, source: str, body: bytes, why: str, attempt: int = 0, *, deliveries: int = 1) -> None:
        """Lay aside what the broker gave up after so many deliveries.

        While the list cannot be written, it goes back to its queue for later. Raises `TryLaterError` when that fails.
        """
        try:
            self.aside.add(self._poison(source, body, attempt + deliveries), why)
        except TryLaterError as error:
            self._put_off(source, body, attempt, error)

    def take(self, source: str, body: bytes) -> AlertMatch | None:
        """Hand the event to its applications; None when the source is unknown. Raises `InvalidError`."""
        taker = TAKERS.get(source)
        return taker(self.intake, body) if taker else None

    def _take_or_lay_aside(self, source: str, body: bytes, attempt: int) -> None:
        try:
            self.take(source, body)
        except (InvalidError, RejectedError) as error:
            self.aside.add(self._poison(source, body, attempt + 1), str(error))

    def _poison(self, source: str, body: bytes, attempts: int) -> Poison:
        """Return what is known of an event that was refused."""
        return Poison(source, body, about=self._about(source, body), attempts=attempts)

    def _about(self, source: str, body: bytes) -> tuple[str, ...]:
        """Return the keys of the applications whose resources the event names, as far as that can be read now."""
        read = RESOURCES.get(source)
        try:
            named = read(body) if read else ()
            names = [name for resource in named for name in owners(self.intake.index, resource)]
        except SlipwayError:
            return ()
        return tuple(dict.fromkeys(application_key(name) for name in names))

    def _put_off(self, source: str, body: bytes, attempt: int, error: TryLaterError) -> None:
        """The same body is the same event, however often it comes: its identity is in it."""
        pause = backoff(attempt, error.after_seconds)
        log.warning("an event of %s is put off for %s: %s", source, pause, error)
        self.alerts.send(body, attempt=attempt + 1, at=self.clock.now() + pause)
