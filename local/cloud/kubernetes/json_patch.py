"""JSON Patch as RFC 6902 has it: all operations or none."""

import copy
from collections.abc import Callable
from typing import Any


class PatchError(Exception):
    """An operation does not apply, or a `test` failed."""


class MalformedPatchError(Exception):
    """Not a JSON Patch."""


def apply_patch(document: Any, patch: Any) -> Any:
    """Return a changed copy. Raises `PatchError` or `MalformedPatchError`; the document stays as it is."""
    if not isinstance(patch, list):
        raise MalformedPatchError("a patch must be a list of operations")
    changed = copy.deepcopy(document)
    for operation in patch:
        if not isinstance(operation, dict):
            raise MalformedPatchError("an operation must be an object")
        kind = operation.get("op", "")
        act = _ACTS.get(kind) if isinstance(kind, str) else None
        if act is None:
            raise MalformedPatchError(f"Unexpected kind: {str(kind)[:100]}")
        changed = act(changed, operation)
    return changed


def _test(document: Any, operation: dict[str, Any]) -> Any:
    path = _member(operation, "path")
    try:
        found = _find(document, path)
    except PatchError as error:
        raise PatchError(f"testing path {path} failed: {error}") from error
    if not _equal(found, operation.get("value")):
        raise PatchError(f"testing value {path} failed: test failed")
    return document


def _add(document: Any, operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise MalformedPatchError("add without a value")
    return _insert(document, _member(operation, "path"), copy.deepcopy(operation["value"]))


def _remove(document: Any, operation: dict[str, Any]) -> Any:
    return _delete(document, _member(operation, "path"))


def _replace(document: Any, operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise MalformedPatchError("replace without a value")
    path = _member(operation, "path")
    return _insert(_delete(document, path), path, copy.deepcopy(operation["value"]))


def _move(document: Any, operation: dict[str, Any]) -> Any:
    origin, path = _member(operation, "from"), _member(operation, "path")
    if path.startswith(f"{origin}/"):
        raise PatchError(f"cannot move {origin} into itself")
    found = _find(document, origin)
    return _insert(_delete(document, origin), path, found)


def _copy(document: Any, operation: dict[str, Any]) -> Any:
    found = copy.deepcopy(_find(document, _member(operation, "from")))
    return _insert(document, _member(operation, "path"), found)


_ACTS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "test": _test,
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
}


def _member(operation: dict[str, Any], name: str) -> str:
    value = operation.get(name)
    if not isinstance(value, str) or (value and not value.startswith("/")):
        raise MalformedPatchError(f"{name} is no JSON pointer")
    return value


def _tokens(path: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _find(document: Any, path: str) -> Any:
    for token in _tokens(path):
        document = _step(document, token, path)
    return document


def _step(parent: Any, token: str, path: str) -> Any:
    match parent:
        case dict() if token in parent:
            return parent[token]
        case list():
            return parent[_index(token, len(parent) - 1, path)]
        case _:
            raise PatchError(f"doc is missing path: {path}")


def _insert(document: Any, path: str, value: Any) -> Any:
    if not path:
        return value
    *parents, last = _tokens(path)
    parent = document
    for token in parents:
        parent = _step(parent, token, path)
    match parent:
        case dict():
            parent[last] = value
        case list():
            parent.insert(len(parent) if last == "-" else _index(last, len(parent), path), value)
        case _:
            raise PatchError(f"doc is missing path: {path}")
    return document


def _delete(document: Any, path: str) -> Any:
    if not path:
        return None
    *parents, last = _tokens(path)
    parent = document
    for token in parents:
        parent = _step(parent, token, path)
    _step(parent, last, path)
    if isinstance(parent, list):
        del parent[int(last)]
    else:
        del parent[last]
    return document


def _index(text: str, most: int, path: str) -> int:
    if not (text.isascii() and text.isdigit()) or (text != "0" and text.startswith("0")) or int(text) > most:
        raise PatchError(f"invalid index in {path}")
    return int(text)


def _equal(one: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1, but 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)
