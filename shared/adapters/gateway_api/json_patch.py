"""JSON Patch (RFC 6902), as much of it as is needed to change a route and nothing beside it."""

from collections.abc import Mapping
from typing import Any

Operation = Mapping[str, Any]


def expect(path: str, value: Any) -> Operation:
    """Apply nothing at all unless the value stands there."""
    return {"op": "test", "path": path, "value": value}


def put(path: str, value: Any) -> Operation:
    """Set a member, in place of what may stand there; in a list, put an element before that of this number."""
    return {"op": "add", "path": path, "value": value}


def take_away(path: str) -> Operation:
    """Remove a member or an element."""
    return {"op": "remove", "path": path}


def token(name: str) -> str:
    """Return a member's name as a part of a path."""
    return name.replace("~", "~0").replace("/", "~1")
