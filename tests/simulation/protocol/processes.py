"""The processes that share a long run. They end when it ends, whatever ended it: a signal, an error or `kill -9`."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def processes(number: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of so many processes. What leaves early, an interrupt and SIGTERM too, ends them where they are.

    To be called on the main thread, which is where signals arrive: there they raise SystemExit.
    """
    before = {each: signal.signal(each, _leave) for each in SIGNALS}
    pool = ProcessPoolExecutor(number, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for each in multiprocessing.active_children():
            each.kill()
        raise
    else:
        pool.shutdown()
    finally:
        for each, handler in before.items():
            if signal.getsignal(each) is _leave:
                signal.signal(each, handler)


def _leave(number: int, frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # those who end a group of processes say it several times
    raise SystemExit(128 + number)


def _end_with_parent() -> None:
    """End this process as soon as the one that started it is gone: it may have had no time to say so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt reaches all of a terminal's processes: one answers it
    threading.Thread(target=_watch_parent, daemon=True).start()


def _watch_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
