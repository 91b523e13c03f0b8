"""Keeping the collector of garbage away from much that is made at once and stays."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_makers = 0
_is_on = False


@contextmanager
def made_to_stay() -> Iterator[None]:
    """Collect no garbage within this, in no thread, and never look through what was made in the first of these.

    Only for what holds itself in no circle: it goes when nobody refers to it any more, and not otherwise. The collector
    would walk ten thousand flags again and again while they are made, which takes two thirds of all the time, and
    several times after that, while a request waits. Only once in a process: what other threads left for the collector
    meanwhile is kept for ever with it, which must not add up with every change of flags.
    """
    global _makers, _is_on
    with _lock:
        if not _makers:
            _is_on = gc.isenabled()
            gc.disable()
        _makers += 1
    try:
        yield
    finally:
        with _lock:
            _makers -= 1
            if not _makers:
                if not gc.get_freeze_count():
                    gc.freeze()
                if _is_on:
                    gc.enable()
