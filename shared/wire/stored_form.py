"""How a value is stored: as JSON text, with the number of the schema that it was written by."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, get_args, get_origin

from shared.domain.errors import NewerReleaseError, RejectedError

SCHEMA = 1
"""Rises when a stored form changes so that an older release could not read it."""


def plain_converter(*, says_where: bool = True) -> Any:
    """Return a new converter between values and what JSON can hold, that knows no unions yet.

    One that does not say where in a document something is wrong reads faster.
    """
    from cattrs.preconf.json import make_converter

    converter = make_converter(detailed_validation=says_where)
    converter.register_unstructure_hook(timedelta, lambda span: span.total_seconds())
    converter.register_structure_hook(timedelta, lambda seconds, _: timedelta(seconds=seconds))
    converter.register_structure_hook_factory(_is_list, lambda kind: _list_reader(converter, get_args(kind)[0]))
    return converter


def _is_list(kind: Any) -> bool:
    """Whether a type is `tuple[X, ...]`."""
    return get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis


def _list_reader(converter: Any, entry_kind: Any) -> Callable[[Any, Any], tuple[Any, ...]]:
    """Return a reader that takes lists alone: by itself a text would be read letter by letter."""

    def read_list(stored: Any, _: Any) -> tuple[Any, ...]:
        if not isinstance(stored, list):
            raise TypeError(f"{stored!r:.40} is no list")
        read = converter.get_structure_hook(entry_kind)
        return tuple(read(each, entry_kind) for each in stored)

    return read_list


def write_stored(value: object, kind: Any, converter: Any) -> str:
    """Return the stored form of a value of this kind."""
    document = {"schema": SCHEMA, "value": converter.unstructure(value, unstructure_as=kind)}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def read_stored(text: str, kind: Any, converter: Any) -> Any:
    """Return the value of this kind.

    Raises `RejectedError` for a document that is broken, and `NewerReleaseError` for one of a newer release.
    """
    return _structured(lambda: converter.structure(checked_value(json.loads(text)), kind))


def read_value(text: str, kind: Any, converter: Any) -> Any:
    """Return the value of a text that says no schema, being a part of a document that does. Raises `RejectedError`."""
    return _structured(lambda: converter.structure(json.loads(text), kind))


def checked_value(document: Any) -> Any:
    """Return what is in a document, before it is read. Raises `NewerReleaseError` where it is of a newer release."""
    _check_schema(document["schema"])
    return document["value"]


def refuse_newer_list(document: Any) -> None:
    """Refuse what stands where this release writes a bare list: a newer one would write an object that says its schema.

    Rows that live for hours are bare lists, for they are many. Raises `NewerReleaseError`, and `RejectedError` for
    anything else that is no list.
    """
    if isinstance(document, list):
        return
    _check_schema(document.get("schema") if isinstance(document, dict) else None)
    raise RejectedError("a stored row is not what this release writes: it is no list")


@contextmanager
def refusing_broken(what: str) -> Iterator[None]:
    """Raise `RejectedError` in place of whatever Python raises where a document is of another shape."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise RejectedError(f"{what} is not what this release writes: {error!r:.300}") from error


def _structured(read: Callable[[], Any]) -> Any:
    from cattrs import BaseValidationError

    with refusing_broken("a stored document"):
        try:
            return read()
        except BaseValidationError as error:
            raise ValueError(f"{error!r:.300}") from error


def _check_schema(schema: object) -> None:
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise RejectedError(f"a stored document is not what this release writes: its schema is {schema!r:.40}")
    if schema > SCHEMA:
        raise NewerReleaseError.of("a document", schema, SCHEMA)
