"""JSON pointers (RFC 6901)."""

import re
from typing import Any

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


def resolve_pointer(document: Any, pointer: str) -> Any:
    """Return the value that the pointer names. Raises LookupError when there is none, ValueError for no pointer."""
    if pointer and not pointer.startswith("/"):
        raise ValueError(f"'{pointer}' is not a JSON pointer: it must be empty or begin with '/'")
    found = document
    for part in pointer.split("/")[1:]:
        found = _step(found, part.replace("~1", "/").replace("~0", "~"))
    return found


def _step(value: Any, name: str) -> Any:
    match value:
        case dict():
            return value[name]
        case list() if _INDEX.fullmatch(name):
            return value[int(name)]
        case _:
            raise LookupError(f"no member '{name[:60]}'")
