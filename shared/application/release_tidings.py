"""Telling people of a release, through its members: it has no addresses of its own."""

import logging
from dataclasses import dataclass

from shared.application import aggregate as aggregates
from shared.application import release_aggregate
from shared.application.door import Door
from shared.domain.errors import NewerReleaseError, RejectedError
from shared.domain.names import CommandId, application_key
from shared.domain.releases.commands import RowDone
from shared.domain.releases.state import OpenTiding
from shared.domain.rollout.commands import TellOfRelease
from shared.domain.rollout.spec import Notification
from shared.ports.rollout_store import RolloutStore
from shared.wire.documents import Answer, write_accepted, write_answer

log = logging.getLogger("slipway.drive")


@dataclass(frozen=True, slots=True)
class ReleaseTeller:
    """Hands tidings over to members' inboxes, each once for its outbox row, however often it is tried.

    A member tells those whom its own spec names for the topic, with the retries of every notification. An address that
    several members name hears of it through the first of them. A member whose state cannot be read here, since a newer
    version of Slipway wrote it, is left out: nobody else is kept waiting for it.
    """

    store: RolloutStore
    door: Door

    def tell(self, key: str, row: OpenTiding) -> RowDone:
        """Store the tiding with each member that has somebody to tell. Raises `TryLaterError`: try the row again."""
        release = release_aggregate.load(self.store, key).release
        told: set[str] = set()
        for member in release.members:
            application = application_key(member.application)
            new = _unheard(self._named(application), row, told)
            if not new:
                continue
            told |= {each.url for each in new}
            tell = TellOfRelease(
                id=CommandId(f"release {release.id} {row.id}"),
                rollout=member.rollout,
                topic=row.topic,
                text=row.text,
                notifications=new,
            )
            answer = write_answer(Answer(rollout=member.rollout, version=None, new=False))
            self.door.accept(application, tell.id, write_accepted(tell), answer)
        return RowDone(row.id)

    def _named(self, application: str) -> tuple[Notification, ...]:
        try:
            spec = aggregates.load(self.store, application).application.spec
        except (RejectedError, NewerReleaseError) as error:
            log.warning("those whom %s names are told nothing of its release: %s", application, error)
            return ()
        return spec.notifications if spec else ()


def _unheard(named: tuple[Notification, ...], row: OpenTiding, told: set[str]) -> tuple[Notification, ...]:
    return tuple(each for each in named if row.topic in each.topics and each.url not in told)
