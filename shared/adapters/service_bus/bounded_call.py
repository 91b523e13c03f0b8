"""A call that may never come back, made to come back."""

import threading
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def call_within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """Return what `call` returns, or raise what it raises; raise `TimeoutError` when that takes too long.

    The call runs in a daemon thread, which is left behind when it overruns: it can still take effect later.
    """
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again below, in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, name="bounded-call", daemon=True)
    thread.start()
    thread.join(max(0.0, seconds))
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer within {seconds:.1f} seconds")
    return answers[0]
