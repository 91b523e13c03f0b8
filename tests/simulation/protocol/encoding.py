"""Documents kept as the values that they are, for the schedules that do not look for faults of the stored form.

All values are frozen, so that a state that is read twice is the same state. Writing gives a name for the value.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.wire import documents

NAMED = "@"


@contextmanager
def as_values() -> Iterator[None]:
    """Let `shared.wire.documents` hand out names of values instead of JSON, until the end."""
    kept: list[Any] = []
    real_write, real_read = documents._write, documents._read

    def write(value: object, kind: Any) -> str:
        kept.append(value)
        return f"{NAMED}{len(kept) - 1}"

    def read(text: str, kind: Any) -> Any:
        return kept[int(text[1:])] if text.startswith(NAMED) else real_read(text, kind)

    documents._write, documents._read = write, read
    try:
        yield
    finally:
        documents._write, documents._read = real_write, real_read
