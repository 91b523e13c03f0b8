"""The members of LaunchDarkly's flags and segments, as its SDKs get them: what is absent or null is its default."""

from collections.abc import Mapping
from typing import Any, TypeVar

from shared.domain.errors import InvalidError, Problem
from shared.domain.flags.model import Attribute
from shared.wire.findings import shown

T = TypeVar("T")
D = TypeVar("D")

USER = "user"
"""The kind of a context that says nothing else."""


def refuse(path: str, message: str) -> InvalidError:
    """Return the error of a flag or a segment that is malformed there."""
    return InvalidError(Problem(path, message))


def text(of: Mapping[str, Any], name: str, path: str, default: str = "") -> str:
    """Return a text."""
    return _typed(of, name, path, str, "a text", default)


def boolean(of: Mapping[str, Any], name: str, path: str) -> bool:
    """Return true or false, which is the default."""
    return _typed(of, name, path, bool, "true or false", default=False)


def whole(of: Mapping[str, Any], name: str, path: str) -> int | None:
    """Return a whole number; None where there is none."""
    value = of.get(name)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return _typed(of, name, path, int, "a whole number", None)


def listed(of: Mapping[str, Any], name: str, path: str) -> list[Any]:
    """Return a list."""
    return _typed(of, name, path, list, "a list", [])


def objects(of: Mapping[str, Any], name: str, path: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return a list of objects, each with its path."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    for index, each in enumerate(listed(of, name, path)):
        where = f"{_below(path, name)}[{index}]"
        if not isinstance(each, dict):
            raise refuse(where, f"found {shown(each)}; allowed is an object")
        found.append((where, each))
    return found


def texts(of: Mapping[str, Any], name: str, path: str) -> tuple[str, ...]:
    """Return a list of texts."""
    values = listed(of, name, path)
    for index, each in enumerate(values):
        if not isinstance(each, str):
            raise refuse(f"{_below(path, name)}[{index}]", f"found {shown(each)}; allowed is a text")
    return tuple(values)


def kind_of(of: Mapping[str, Any], name: str, path: str) -> str:
    """Return the kind of context that is meant."""
    return text(of, name, path) or USER


def key_of(kind: str) -> Attribute:
    """Return the attribute that names a context of this kind."""
    return Attribute(("key",), kind)


def attribute(written: str, kind: str | None, path: str) -> Attribute:
    """Return the attribute that a reference means. Raises `InvalidError` for one that is malformed.

    Without a kind it is the name of an attribute, letter by letter; with one it may be a path (`/address/city`, with
    `~0` for a tilde and `~1` for a slash).
    """
    if not written or (kind and written == "/"):
        raise refuse(path, "names no attribute")
    if not kind or not written.startswith("/"):
        return Attribute((written,), kind or USER)
    names = written[1:].split("/")
    if "" in names:
        raise refuse(path, f"found {shown(written)}, which has an empty name in it")
    if any(each.replace("~0", "").replace("~1", "").count("~") for each in names):
        raise refuse(path, f"found {shown(written)}; a tilde is followed by 0 or 1")
    return Attribute(tuple(each.replace("~1", "/").replace("~0", "~") for each in names), kind)


def _typed(of: Mapping[str, Any], name: str, path: str, kind: type[T], allowed: str, default: D) -> T | D:
    value = of.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise refuse(_below(path, name), f"found {shown(value)}; allowed is {allowed}")
    return value


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
