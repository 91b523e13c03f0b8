"""Webhooks in memory: what was posted, and trouble on order."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.adapters.memory.trouble import Trouble
from shared.domain.errors import SlipwayError, TryLaterError
from shared.domain.rollout.spec import Notification


@dataclass(frozen=True, slots=True)
class Posted:
    """One message as the other side took it."""

    notification: str
    message_id: str
    body: str


class MemoryNotifier:
    """The `Notifier` that keeps everything; the same message posted twice is there twice."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.posted: list[Posted] = []
        self._trouble = Trouble(now)

    def fail(
        self,
        error: SlipwayError | None = None,
        *,
        times: int | None = None,
        until: datetime | None = None,
        applied: bool = False,
    ) -> None:
        """Let messages be refused: so many times, or before `until`, or until `mend`.

        With `applied` the other side takes the message, and only its answer is lost.
        """
        order = error or TryLaterError("trouble on order")
        self._trouble.fail("notify", order, times=times, until=until, applied=applied)

    def mend(self) -> None:
        """End all trouble that `fail` ordered."""
        self._trouble.mend()

    def notify(self, notification: Notification, message_id: str, body: str) -> None:
        """Keep the message."""
        with self._trouble.meet("notify"):
            self.posted.append(Posted(notification.name, message_id, body))
