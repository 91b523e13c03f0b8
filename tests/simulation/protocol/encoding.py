"""Documents kept as the values that they are, for the schedules that do not look for faults of the stored form.

All values are frozen, so that a state that is read twice is the same state. Writing gives a name for the value. The
other schedules read what was written, each text once.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

from shared.wire import documents, release_documents
from tests.simulation.protocol.patching import replaced

NAMED = "@"


@contextmanager
def as_values() -> Iterator[None]:
    """Let applications' and releases' documents be names of values instead of JSON, until the end."""
    kept: list[Any] = []

    def write(value: object, kind: Any) -> str:
        kept.append(value)
        return f"{NAMED}{len(kept) - 1}"

    def read(text: str, kind: Any) -> Any:
        return kept[int(text[1:])]

    with ExitStack() as stack:
        for module in (documents, release_documents):
            stack.enter_context(replaced(module, "_write", write))
            stack.enter_context(replaced(module, "_read", read))
        yield


@contextmanager
def each_read_once() -> Iterator[None]:
    """Let a stored text that was read before be the value that it was then, until the end: several read each state."""
    with ExitStack() as stack:
        for module in (documents, release_documents):
            stack.enter_context(replaced(module, "_read", cache(module._read)))
        yield
