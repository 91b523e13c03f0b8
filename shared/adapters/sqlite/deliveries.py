"""What the broker hands out: messages on loan, and messages given up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.domain.errors import SlipwayError

DEAD_LETTER_SUFFIX: Final = "/$DeadLetterQueue"
"""`<queue>/$DeadLetterQueue` is a queue of its own, without sessions, that can be received from."""

REASON_PROPERTY: Final = "DeadLetterReason"
DESCRIPTION_PROPERTY: Final = "DeadLetterErrorDescription"
"""Where a dead letter says why it is one, as on Service Bus."""


def is_dead_letter_queue(queue: str) -> bool:
    """Whether this names the dead-letter queue of a queue, in any case."""
    return queue.lower().endswith(DEAD_LETTER_SUFFIX.lower())


class LockLostError(SlipwayError):
    """The lock of a message or session ran out or was taken back: the message will be delivered again.

    Whoever held it has nothing left to settle; what was done with it may be done once more.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message on loan until `locked_until`."""

    queue: str
    sequence: int
    message_id: str
    session_id: str | None
    body: bytes
    properties: Mapping[str, str]
    delivery_count: int
    """1 on the first delivery, as Azure Functions counts."""
    enqueued: datetime
    """When the message became available for the first time."""
    lock_token: str
    locked_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetteredMessage:
    """A message that was given up, with the reason why."""

    sequence: int
    message_id: str
    session_id: str | None
    body: bytes
    properties: Mapping[str, str]
    delivery_count: int
    """How often it had been delivered."""

    @property
    def reason(self) -> str:
        """A word for programs, such as `MaxDeliveryCountExceeded`."""
        return self.properties.get(REASON_PROPERTY, "")

    @property
    def description(self) -> str:
        """A sentence for people."""
        return self.properties.get(DESCRIPTION_PROPERTY, "")
