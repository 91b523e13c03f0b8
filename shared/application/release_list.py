"""The list of releases, the newest first: a line for each, written after the fact, so that reading it scans nothing."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Final

from shared.application.release_aggregate import ReleaseAggregate
from shared.domain.errors import InvalidError, Problem
from shared.domain.names import ReleaseId
from shared.ports.view_index import IndexRow, ViewIndex
from shared.wire.release_views import release_summary
from shared.wire.table_keys import INT64_MAX, micros, padded
from shared.wire.views import SHARDS, shard_of

RELEASES: Final = "releases"
LINES_AT_MOST: Final = 50
"""A page reads as many lines of each shard, since the newest may all be in one."""
_CURSOR: Final = re.compile(r"[0-9]{19}:[a-z0-9-]{1,63}")


@dataclass(frozen=True, slots=True)
class ReleaseList:
    """Lines in shards by hash of the release's id, each in the order of time.

    Every method raises `TryLaterError` when the store is unwell.
    """

    index: ViewIndex

    def publish(self, current: ReleaseAggregate) -> None:
        """Write the release's line. Safe to repeat, and a late write never replaces a newer one."""
        release = current.release
        if release.requested is None:
            return
        line = json.dumps(release_summary(release))
        row = IndexRow(_key(release.id, release.requested), current.envelope.version, line)
        self.index.put(RELEASES, shard_of(release.id), row)

    def page(self, after: str | None) -> dict[str, object]:
        """Return a page of the list; `next` is where the next page begins, None at the end.

        Raises `InvalidError` when `after` is no `next` of ours.
        """
        if after and not _CURSOR.fullmatch(after):
            raise InvalidError(Problem("after", "allowed is the `next` of an earlier page, as it was given"))
        pages = [
            self.index.page(RELEASES, f"{shard:02d}", after=after or None, limit=LINES_AT_MOST + 1)
            for shard in range(SHARDS)
        ]
        newest = list(islice(merge(*(page.rows for page in pages), key=lambda row: row.key), LINES_AT_MOST + 1))
        lines = newest[:LINES_AT_MOST]
        return {
            "releases": [json.loads(row.document) for row in lines],
            "next": lines[-1].key if len(newest) > LINES_AT_MOST else None,
        }


def _key(release: ReleaseId, requested: datetime) -> str:
    """Return a key that sorts before those of older releases."""
    return f"{padded(INT64_MAX - micros(requested), 'the time')}:{release}"
