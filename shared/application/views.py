"""Reading for people: an application, the list of them, a rollout, its history."""

import json
import re
from dataclasses import dataclass

from shared.application import aggregate as aggregates
from shared.application.publish import APPLICATIONS
from shared.domain.errors import InvalidError, Problem
from shared.domain.names import ApplicationName, RolloutId, Version, application_key, application_of
from shared.domain.rollout.commands import Deploy, Override
from shared.domain.rollout.permissions import version_begun
from shared.domain.rollout.state import Application, Rollout
from shared.ports.rollout_store import InboxEntry, RolloutArchive, RolloutStore
from shared.ports.view_index import ViewIndex
from shared.wire.documents import read_accepted, read_rollout
from shared.wire.history import history_line
from shared.wire.spec_rendering import render_spec
from shared.wire.views import SHARDS, accepted_view, application_view, rollout_view

LINES_AT_MOST = 200
_PLACE = re.compile(r"([0-9]{2}):([!-~]{0,200})")


@dataclass(frozen=True, slots=True)
class Views:
    """Never scans: each view is a bounded number of reads. Raises `TryLaterError` when the store is unwell."""

    store: RolloutStore
    archive: RolloutArchive
    index: ViewIndex

    def applications(self, after: str | None) -> dict[str, object]:
        """Return a page of the list, shard by shard; `next` is where the next page begins.

        Raises `InvalidError` when `after` is no `next` of ours.
        """
        shard, key = _place(after)
        rows: list[dict[str, object]] = []
        while shard < SHARDS and len(rows) < LINES_AT_MOST:
            page = self.index.page(APPLICATIONS, f"{shard:02d}", after=key, limit=LINES_AT_MOST - len(rows))
            rows += [json.loads(row.document) for row in page.rows]
            shard, key = (shard, page.next) if page.next else (shard + 1, None)
        return {"applications": rows, "next": f"{shard:02d}:{key or ''}" if shard < SHARDS else None}

    def application(self, name: ApplicationName) -> dict[str, object] | None:
        """Return the application, or None when nobody registered it."""
        application = aggregates.load(self.store, application_key(name)).application
        spec = application.spec
        return application_view(application, render_spec(spec)) if spec else None

    def rollout(self, rollout_id: RolloutId) -> dict[str, object] | None:
        """Return the rollout as it stands, from the moment that it was accepted; None when there is none."""
        name = application_of(rollout_id)
        if not name:
            return None
        current = aggregates.load(self.store, application_key(name))
        live = current.application.rollout(rollout_id)
        if live is not None:
            return rollout_view(live, frozen=current.application.frozen is not None)
        for entry in current.inbox:
            view = _accepted(current.application, rollout_id, entry)
            if view is not None:
                return view
        kept = self._kept(rollout_id)
        return rollout_view(kept) if kept else None

    def history(self, rollout_id: RolloutId, after: int) -> dict[str, object] | None:
        """Return lines of the rollout's history with higher numbers than `after`, the oldest first."""
        name = application_of(rollout_id)
        current = aggregates.load(self.store, application_key(name)) if name else None
        if current is None:
            return None
        rollout = current.application.rollout(rollout_id) or self._kept(rollout_id)
        if rollout is None:
            waits = any(_accepted(current.application, rollout_id, entry) for entry in current.inbox)
            return {"rollout": rollout_id, "events": [], "next": None} if waits else None
        return self._lines(rollout, current.key, after)

    def _lines(self, rollout: Rollout, key: str, after: int) -> dict[str, object]:
        """Lines of other rollouts of the application lie between and are left out."""
        first = max(after, rollout.first_sequence - 1)
        entries = self.archive.history(key, after=first, up_to=rollout.last_sequence, limit=LINES_AT_MOST)
        lines = [history_line(entry.sequence, entry.document) for entry in entries]
        more = bool(entries) and entries[-1].sequence < rollout.last_sequence
        return {
            "rollout": rollout.id,
            "events": [line.view for line in lines if line.rollout in (rollout.id, None)],
            "next": entries[-1].sequence if more else None,
        }

    def _kept(self, rollout_id: RolloutId) -> Rollout | None:
        document = self.archive.record(application_key(application_of(rollout_id)), rollout_id)
        return read_rollout(document) if document else None


def _accepted(application: Application, rollout_id: RolloutId, entry: InboxEntry) -> dict[str, object] | None:
    """Return the view of a rollout that an accepted fact will begin."""
    command = read_accepted(entry.document)
    if isinstance(command, Deploy) and command.rollout == rollout_id:
        return accepted_view(application.name, command, entry.accepted)
    if isinstance(command, Override) and command.rollout == rollout_id and command.begins:
        version = version_begun(application, command.action) or Version("")
        deploy = Deploy(id=command.id, rollout=rollout_id, version=version, source=f"{command.action} by {command.by}")
        return accepted_view(application.name, deploy, entry.accepted)
    return None


def _place(after: str | None) -> tuple[int, str | None]:
    """Return the shard and the key that a page begins after. Raises `InvalidError` for what no page ever said."""
    match = _PLACE.fullmatch(after or "00:")
    if match is None or int(match[1]) >= SHARDS:
        raise _no_cursor()
    return int(match[1]), match[2] or None


def _no_cursor() -> InvalidError:
    return InvalidError(Problem("after", "allowed is the `next` of an earlier page, as it was given"))
