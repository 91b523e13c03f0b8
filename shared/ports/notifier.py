"""Telling the outside what happened."""

from typing import Protocol

from shared.domain.rollout.spec import Notification


class Notifier(Protocol):
    """Delivers a message to a webhook, at least once, always under the same id."""

    def notify(self, notification: Notification, message_id: str, body: str) -> None:
        """Post the JSON body. Raises `TryLaterError` when it was not taken, `RejectedError` when it never will be."""
        ...
