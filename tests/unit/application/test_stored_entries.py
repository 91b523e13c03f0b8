"""Entries that are read when they are first needed."""

from threading import Barrier, Thread

import pytest

from shared.application.stored_entries import Parts, StoredEntries
from shared.domain.errors import RejectedError


class Reader:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> list[str]:
        self.texts.append(text)
        if text == "broken":
            raise RejectedError("it is broken")
        return [text]


def test_an_entry_is_read_when_it_is_first_asked_for_and_once():
    read = Reader()
    entries = StoredEntries({"b": "2", "a": "1"}, read)

    assert len(entries) == 2
    assert read.texts == []
    assert entries["b"] is entries["b"]
    assert read.texts == ["2"]
    assert entries == {"a": ["1"], "b": ["2"]}
    assert list(entries) == ["a", "b"]
    assert sorted(read.texts) == ["1", "2"]


def test_what_is_broken_is_as_if_it_were_not_there_and_is_told_once(caplog):
    entries: StoredEntries[str, list[str]] | None = None
    for texts in ({"a": "1", "b": "broken"}, {"b": "broken", "c": "3"}):
        entries = StoredEntries(texts, Reader(), entries)
        assert "b" not in entries
        with pytest.raises(KeyError):
            entries["b"]
        assert "b" not in list(entries)
        assert len(entries) == len(list(entries)) == 1
    assert [record.message for record in caplog.records] == ["b cannot be served: it is broken"]


def test_what_is_the_same_text_is_taken_over_as_far_as_it_was_read():
    read = Reader()
    before = StoredEntries({"a": "1", "b": "2", "c": "3", "d": "4"}, read)
    first = [before[key] for key in ("a", "b", "c")]
    read.texts.clear()

    after = StoredEntries({"a": "1", "b": "new", "d": "4"}, read, before)
    assert after["a"] is first[0]
    assert after == {"a": ["1"], "b": ["new"], "d": ["4"]}
    assert read.texts == ["new", "4"]


def test_threads_that_read_the_same_entry_at_the_same_time_are_given_the_same_one():
    begin = Barrier(2)

    def read(text: str) -> list[str]:
        begin.wait(10)
        return [text]

    entries: StoredEntries[str, list[str]] = StoredEntries({"a": "1"}, read)
    found: list[list[str]] = []
    threads = [Thread(target=lambda: found.append(entries["a"])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] is found[1]


def test_parts_are_taken_of_what_can_be_read():
    parts = Parts(StoredEntries({"a": "1", "b": "broken"}, Reader()), lambda each: each[0])

    assert dict(parts) == {"a": "1"}
    assert parts.get("b") is None
    assert len(parts) == 1
