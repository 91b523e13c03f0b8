"""What the list of releases promises over every store: the newest first, each once, written late or twice."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.azure_tables.view_index import TableViewIndex
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.view_index import SqliteViewIndex
from shared.application import release_list
from shared.application.release_aggregate import ReleaseAggregate
from shared.application.release_list import ReleaseList
from shared.domain.errors import InvalidError
from shared.domain.names import ReleaseId, release_key
from shared.domain.releases.state import Release, ReleasePhase
from shared.wire.release_documents import ReleaseEnvelope
from shared.wire.views import shard_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def listing(backing):
    return ReleaseList(SqliteViewIndex(backing) if isinstance(backing, Database) else TableViewIndex(backing))


def put(listing, name, requested, *, version=1, phase=ReleasePhase.PROGRESSING):
    release = Release(id=ReleaseId(name), phase=phase, requested=requested)
    envelope = ReleaseEnvelope(release=release, version=version)
    listing.publish(ReleaseAggregate(key=release_key(release.id), etag=None, envelope=envelope))


def names(page) -> list[str]:
    return [line["id"] for line in page["releases"]]


def test_a_list_without_releases_is_an_empty_page(listing):
    assert listing.page(None) == {"releases": [], "next": None}


def test_the_newest_is_first_whatever_its_shard(listing):
    order = [f"release-{number}" for number in range(12)]
    for age, name in enumerate(order):
        put(listing, name, NOON - age * SECOND)

    assert len({shard_of(name) for name in order}) > 1
    assert names(listing.page(None)) == order


def test_paging_visits_each_release_once_from_the_newest_to_the_oldest(listing, monkeypatch):
    monkeypatch.setattr(release_list, "LINES_AT_MOST", 5)
    order = [f"r-{number:02d}" for number in range(17)]
    for age, name in enumerate(order):
        # Three at a time were asked for at the same moment.
        put(listing, name, NOON - (age // 3) * SECOND)
    seen, after, sizes = [], None, []
    while True:
        page = listing.page(after)
        seen += names(page)
        sizes.append(len(page["releases"]))
        after = page["next"]
        if after is None:
            break

    assert (seen, sizes) == (order, [5, 5, 5, 2])


def test_a_release_that_comes_while_somebody_pages_moves_no_line(listing, monkeypatch):
    monkeypatch.setattr(release_list, "LINES_AT_MOST", 2)
    for age, name in enumerate(("c", "b", "a")):
        put(listing, name, NOON - age * SECOND)
    first = listing.page(None)
    put(listing, "d", NOON + SECOND)

    assert names(first) + names(listing.page(first["next"])) == ["c", "b", "a"]


def test_a_line_gives_way_to_a_newer_one_and_never_to_an_older_one(listing):
    put(listing, "autumn", NOON, version=5, phase=ReleasePhase.ROLLING_BACK)
    put(listing, "autumn", NOON, version=4)
    assert listing.page(None)["releases"][0]["phase"] == "rolling-back"

    put(listing, "autumn", NOON, version=6, phase=ReleasePhase.ABORTED)
    put(listing, "autumn", NOON, version=6, phase=ReleasePhase.ABORTED)

    [line] = listing.page(None)["releases"]
    assert line["phase"] == "aborted"
    assert json.loads(json.dumps(line)) == line


@pytest.mark.parametrize("after", ["autumn", "1:autumn", "00:", f"{'9' * 19}:", f"{'9' * 19}:A b", "x" * 900])
def test_what_no_page_ever_said_is_refused(listing, after):
    with pytest.raises(InvalidError, match="`next` of an earlier page"):
        listing.page(after)
