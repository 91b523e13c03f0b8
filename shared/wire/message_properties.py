"""What the application properties of a queue's message say beside its body."""

from collections.abc import Mapping
from typing import Any, Final

ATTEMPT: Final = "slipway-attempt"
"""How many attempts at this body came to nothing so far."""
HIGHEST_ATTEMPT: Final = 10**6
LONGEST_REASON: Final = 1000

_GIVEN_UP: Final = ("DeadLetterReason", "DeadLetterErrorDescription")
"""Where Service Bus says why a message is a dead letter."""


def of_attempt(attempt: int) -> dict[str, str]:
    """Return the properties of a message that was put back."""
    return {ATTEMPT: str(attempt)}


def attempt_in(properties: Mapping[str, Any] | None) -> int:
    """Return which attempt a message is for, counted from 0; 0 where it does not say, or says it wrongly."""
    text = str((properties or {}).get(ATTEMPT, ""))
    return min(int(text), HIGHEST_ATTEMPT) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def why_given_up(properties: Mapping[str, Any] | None) -> str:
    """Return in words why the broker gave a message up."""
    said = [str(value) for name in _GIVEN_UP if (value := (properties or {}).get(name))]
    return f"the queue gave it up: {': '.join(said) or 'it does not say why'}"[:LONGEST_REASON]


def deliveries_before(delivery_count: int | None) -> int:
    """Return how often a message had been delivered when the broker gave it up, at least once.

    `delivery_count` is that of its delivery from the dead-letter queue, which counts on.
    """
    return max(1, (delivery_count or 1) - 1)
