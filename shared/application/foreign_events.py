"""Events of others: parsed by their format, handed to the applications that they are about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.application.accept import AlertMatch, Intake
from shared.domain.rollout.commands import Alert
from shared.wire.azure_monitor import parse_alert

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

    def take(self, source: str, body: bytes) -> AlertMatch | None:
        """Hand the event to its applications; None when the source is unknown. Raises `InvalidError`."""
        taker = TAKERS.get(source)
        return taker(self.intake, body) if taker else None
