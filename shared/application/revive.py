"""What follows from an aggregate is made of it anew: its marker, its rows in views, and what flags are served from.

All of it is level-based and safe to repeat, as all that a worker does with an aggregate that it is woken for.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from shared.application import aggregate as aggregates
from shared.application import release_aggregate
from shared.application.dead_letters import LETTERS
from shared.application.door import MARKER_GRACE
from shared.application.flag_aggregates import FLAGS, SEGMENTS
from shared.application.publish import ViewPublisher
from shared.application.release_aggregate import RELEASES
from shared.application.release_list import ReleaseList
from shared.domain.errors import NewerReleaseError, RejectedError
from shared.domain.names import ApplicationName, application_key
from shared.domain.rollout.on_tick import next_wake
from shared.domain.rollout.state import Application
from shared.ports.archive import Archive
from shared.ports.clock import Clock
from shared.ports.command_queue import CommandQueue, WakeUp
from shared.ports.dead_letters import DeadLetters
from shared.ports.open_markers import OpenMarkers
from shared.ports.rollout_store import Loaded, RolloutStore

APPLICATIONS: Final = application_key(ApplicationName(""))
AT_ONCE: Final = 50
TAKES_OVER: Final = 1
"""The attempt of a wake-up that is sent: who gets it takes over what others began, and schedules anew what was
scheduled, since the messages of before are gone."""

log = logging.getLogger("slipway.restore")


class PublishesAnew(Protocol):
    """Has flags and segments served."""

    def publish_anew(self, key: str) -> bool:
        """Put the flag or segment in force as it stands; return whether something of it is still to be done."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviver:
    """Raises `TryLaterError` when store or queue are unwell: revive it again."""

    archive: Archive
    store: RolloutStore
    markers: OpenMarkers
    letters: DeadLetters
    queue: CommandQueue
    publisher: ViewPublisher
    listing: ReleaseList
    flags: PublishesAnew
    clock: Clock

    def names(self, after: str) -> Iterator[str]:
        """Yield the keys of all aggregates and then of all dead letters that come after this one."""
        if not after.startswith(LETTERS):
            while keys := self.archive.keys(after=after, limit=AT_ONCE):
                yield from keys
                after = keys[-1]
            after = LETTERS
        while letters := self.letters.page(after=after.removeprefix(LETTERS) or None, limit=AT_ONCE):
            yield from (f"{LETTERS}{letter.id}" for letter in letters)
            after = f"{LETTERS}{letters[-1].id}"

    def revive(self, key: str) -> bool:
        """Make anew what follows from what is kept under this key, and wake it if it has open work.

        Returns False for what this release cannot read: it is marked all the same.
        """
        try:
            is_open = self._make_anew(key)
        except (RejectedError, NewerReleaseError) as error:
            log.error("%s was restored and cannot be read: %s", key, error)
            self.markers.open(key, self.clock.now() + MARKER_GRACE)
            return False
        if is_open:
            self.markers.open(key, self.clock.now() + MARKER_GRACE)
        if is_open and not key.startswith(LETTERS):
            self.queue.send(WakeUp(key=key, fence="", attempt=TAKES_OVER))
        return True

    def _make_anew(self, key: str) -> bool:
        """Return whether there is open work."""
        if key.startswith(LETTERS):
            return True  # to be sent, or to be forgotten one day: the sweep finds out
        if key.startswith((FLAGS, SEGMENTS)):
            return self.flags.publish_anew(key)
        loaded = self.store.load(key)
        if loaded.document is None:
            return _has_entries(loaded)
        if key.startswith(RELEASES):
            release = release_aggregate.load(self.store, key)
            self.listing.publish(release)
            return _has_entries(loaded) or not release.release.phase.is_terminal
        if key.startswith(APPLICATIONS):
            application = aggregates.load(self.store, key)
            self.publisher.publish(application)
            return _has_entries(loaded) or _is_under_way(application.application)
        return False


def _is_under_way(state: Application) -> bool:
    return state.live is not None or state.pending is not None or next_wake(state) is not None


def _has_entries(loaded: Loaded) -> bool:
    return bool(loaded.inbox or loaded.outbox)
