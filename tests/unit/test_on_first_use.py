"""What is built when it is first used is built once, however many threads are the first to use it."""

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from shared import bootstrap
from shared.bootstrap.on_first_use import BuiltOnce, BuiltOnFirstUse, OnFirstUse

THREADS = 8


def build() -> object:
    """Takes so long that every thread comes while it is under way."""
    time.sleep(0.05)
    return object()


class Parts:
    @OnFirstUse
    def part(self) -> object:
        return build()

    @OnFirstUse
    def whole(self) -> tuple[object, ...]:
        return (self.part,)


@BuiltOnce
def built_for(_name: str) -> object:
    return build()


def of_threads(ask: Callable[[], object]) -> list[object]:
    begin = Barrier(THREADS)

    def answer(_: int) -> object:
        begin.wait(10)
        return ask()

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(answer, range(THREADS)))


@pytest.fixture
def in_turns() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_that_are_the_first_at_once_are_given_the_same():
    parts, by_kind = Parts(), BuiltOnFirstUse({"a": build})

    for ask in (lambda: parts.part, lambda: by_kind["a"], lambda: built_for("a")):
        assert len({id(each) for each in of_threads(ask)}) == 1


def test_a_worker_has_one_app_and_one_broker_whoever_asks_first(tmp_path, monkeypatch, in_turns):
    monkeypatch.setenv("SLIPWAY_DATA", str(tmp_path))
    try:
        for ask in (bootstrap.app, lambda: bootstrap.embedded_broker(tmp_path)):
            for function in (bootstrap.app, bootstrap.embedded_broker):
                function.cache_clear()
            assert len({id(each) for each in of_threads(ask)}) == 1
    finally:
        for function in (bootstrap.app, bootstrap.embedded_broker):
            function.cache_clear()


def test_each_owner_and_each_argument_has_its_own():
    one, other = Parts(), Parts()

    assert one.part is one.part is one.whole[0]
    assert one.part is not other.part
    assert built_for("b") is built_for("b")
    assert built_for("b") is not built_for("c")


def test_what_could_not_be_built_is_tried_again():
    tries: list[int] = []

    def fails_once() -> int:
        tries.append(0)
        if len(tries) == 1:
            raise OSError("not yet")
        return len(tries)

    class Owner:
        part = OnFirstUse(lambda _self: fails_once())

    owner, by_kind = Owner(), BuiltOnFirstUse({0: fails_once})
    for ask in (lambda: owner.part, lambda: by_kind[0], BuiltOnce(fails_once)):
        tries.clear()
        with pytest.raises(OSError, match="not yet"):
            ask()
        assert (ask(), ask()) == (2, 2)


def test_what_was_forgotten_is_built_anew():
    before = built_for("d")
    built_for.cache_clear()

    assert built_for("d") is not before
