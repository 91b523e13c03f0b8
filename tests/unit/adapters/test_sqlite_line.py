"""The line before the embedded store: writers of one process are served in the order in which they came."""

import signal
import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.line import Line
from shared.domain.errors import TryLaterError

LONG = 10.0


def wait_until(true) -> None:
    deadline = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_whoever_lets_go_and_comes_again_stands_behind_those_who_wait():
    line, served = Line(), []

    def come(name: str) -> None:
        assert line.enter(LONG)
        served.append(name)
        line.leave()

    assert line.enter(LONG)
    others = []
    for name in ("first", "second", "third"):
        others.append(threading.Thread(target=come, args=(name,)))
        others[-1].start()
        wait_until(lambda: len(line._waiting) == len(others))
    line.leave()
    come("again")
    for other in others:
        other.join(LONG)
    assert served == ["first", "second", "third", "again"]


def test_a_turn_that_does_not_come_in_time_is_given_up_and_holds_up_nobody():
    line = Line()
    assert line.enter(LONG)
    assert not line.enter(0.01)
    line.leave()
    assert line.enter(0.01)


def test_a_writer_gets_its_turn_beside_one_that_never_pauses(tmp_path):
    database, over, writes = Database(tmp_path / "store.db", patience=timedelta(seconds=2)), threading.Event(), []
    database.require("CREATE TABLE IF NOT EXISTS written (number INTEGER)")

    def write_on() -> None:
        while not over.is_set():
            with database.writing():
                writes.append(1)
                time.sleep(0.01)

    busy = threading.Thread(target=write_on)
    busy.start()
    wait_until(lambda: writes)
    waited = []
    for _ in range(10):
        before = len(writes)
        with database.writing():
            waited.append(len(writes) - before)
    over.set()
    busy.join(LONG)
    database.close()
    assert max(waited) <= 2, "the one that was writing, and at most one that came before"


def test_one_that_writes_for_too_long_is_said_to_be_waited_for_and_then_done_with(tmp_path):
    database = Database(tmp_path / "store.db", patience=timedelta(seconds=0.1))
    with database.writing(), pytest.raises(TryLaterError, match="wait to write"), database.writing():
        pass
    with suppress(ZeroDivisionError), database.writing():
        _ = 1 / 0
    with database.writing():
        pass
    database.close()


@pytest.mark.parametrize("turn_has_come", [False, True])
def test_one_that_a_signal_takes_out_of_the_line_holds_up_nobody(turn_has_come):
    line = Line()
    assert line.enter(LONG)

    def strike(*_: object) -> None:
        if turn_has_come:
            line.leave()
        raise InterruptedError

    def strike_who_waits() -> None:
        wait_until(lambda: line._waiting)
        time.sleep(0.05)  # it has let go of what guards the line itself by then
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, strike)
    striking = threading.Thread(target=strike_who_waits)
    striking.start()
    try:
        with pytest.raises(InterruptedError):
            line.enter(LONG)
    finally:
        striking.join(LONG)
        signal.signal(signal.SIGUSR1, before)
    if not turn_has_come:
        line.leave()
    assert line.enter(0.01)
