"""What every view index promises."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.adapters.azure_tables.view_index import TableViewIndex
from shared.adapters.memory.view_index import MemoryViewIndex
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.view_index import SqliteViewIndex
from shared.domain.errors import RejectedError
from shared.ports.view_index import IndexRow, Page


@pytest.fixture
def index(twinned):
    if twinned is None:
        return MemoryViewIndex()
    return SqliteViewIndex(twinned) if isinstance(twinned, Database) else TableViewIndex(twinned)


def rows_of(index, view="applications", group="all") -> tuple[IndexRow, ...]:
    return index.page(view, group, after=None, limit=100).rows


def test_an_empty_view_has_an_empty_page(index):
    assert index.page("applications", "all", after=None, limit=10) == Page((), None)


def test_rows_come_in_the_order_of_their_keys(index):
    for key in ("shop", "billing", "cart"):
        index.put("applications", "all", IndexRow(key, 1, f"{key} document"))
    assert rows_of(index) == tuple(IndexRow(key, 1, f"{key} document") for key in ("billing", "cart", "shop"))


@pytest.mark.parametrize(("version", "stands"), [(4, "old"), (5, "new"), (6, "new")])
def test_a_row_gives_way_to_the_same_or_a_newer_version_only(index, version, stands):
    index.put("applications", "all", IndexRow("shop", 5, "old"))
    index.put("applications", "all", IndexRow("shop", version, "new"))
    assert rows_of(index) == (IndexRow("shop", max(5, version), stands),)


def test_of_many_writers_at_once_the_newest_version_stands_in_the_end(index):
    index.put("applications", "all", IndexRow("shop", 0, "0"))
    with ThreadPoolExecutor(4) as threads:
        list(
            threads.map(
                lambda version: index.put("applications", "all", IndexRow("shop", version, str(version))),
                (3, 1, 4, 2),
            )
        )
    assert rows_of(index) == (IndexRow("shop", 4, "4"),)


def test_paging_visits_each_row_once(index):
    keys = [f"row-{number:02}" for number in range(25)]
    for key in keys:
        index.put("applications", "all", IndexRow(key, 1, key))
    seen, after = [], None
    sizes = []
    while True:
        page = index.page("applications", "all", after=after, limit=10)
        seen += [row.key for row in page.rows]
        sizes.append(len(page.rows))
        after = page.next
        if after is None:
            break
    assert seen == keys
    assert sizes == [10, 10, 5]


def test_a_page_that_ends_with_the_last_row_has_no_next(index):
    for key in "ab":
        index.put("v", "g", IndexRow(key, 1, key))
    assert index.page("v", "g", after=None, limit=2).next is None
    assert index.page("v", "g", after=None, limit=1).next == "a"


def test_a_dropped_row_is_gone_and_dropping_is_safe_to_repeat(index):
    index.put("applications", "all", IndexRow("shop", 5, "x"))
    index.put("applications", "all", IndexRow("cart", 5, "x"))
    index.drop("applications", "all", "shop")
    index.drop("applications", "all", "shop")
    assert [row.key for row in rows_of(index)] == ["cart"]


def test_views_and_groups_are_apart(index):
    index.put("a", "b|c", IndexRow("k", 1, "1"))
    index.put("a|b", "c", IndexRow("k", 1, "2"))
    index.put("a", "b", IndexRow("k", 1, "3"))
    assert [row.document for row in rows_of(index, "a", "b|c")] == ["1"]
    assert [row.document for row in rows_of(index, "a|b", "c")] == ["2"]
    assert [row.document for row in rows_of(index, "a", "b")] == ["3"]


@pytest.mark.parametrize("text", ["🚀 ü", "a\x00\ud800", "a/b\\c#d?e%'", "x" * 40_000], ids=ascii)
def test_any_text_comes_back_unchanged(index, text):
    index.put("v", "g", IndexRow(text[:50], 1, text))
    assert rows_of(index, "v", "g") == (IndexRow(text[:50], 1, text),)
    assert index.page("v", "g", after=text[:50], limit=5) == Page((), None)


@pytest.mark.parametrize(
    ("row", "limit"),
    [
        (IndexRow("k" * 513, 1, "x"), "1 KiB"),
        (IndexRow("k", 1, "x" * 530_000), "1 MiB"),
        (IndexRow("k", 2**63, "x"), "int64"),
        (IndexRow("k", -1, "x"), "int64"),
    ],
    ids=["key", "document", "version", "negative version"],
)
def test_a_row_over_a_limit_is_rejected_by_its_name(index, row, limit):
    with pytest.raises(RejectedError, match=limit):
        index.put("v", "g", row)
