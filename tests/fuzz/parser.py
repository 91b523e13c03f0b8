"""A parser as fuzzing sees it: bytes in, a value or one of its own refusals out."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.domain.errors import InvalidError, Problem
from shared.wire.json_source import read_json

Read = Callable[[bytes], Any]


class Form(StrEnum):
    """How inputs are laid out, so that they can be changed without breaking everything at once."""

    JSON = "json"
    YAML = "yaml"
    TEXT = "text"
    MESSAGE = "message"
    """Lines of `name: value`, an empty line, and a body in JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parser:
    """One parser, and what it promises."""

    name: str
    read: Read
    refuses: tuple[type[Exception], ...] = (InvalidError,)
    """The errors that its docstring names. Any other is a finding."""
    write: Callable[[Any], bytes] | None = None
    """Turns a value back into an input that reads as the same value, where there is such a thing."""
    form: Form = Form.JSON
    seeds: Callable[[], Sequence[bytes]]
    """Inputs to begin with. At least one of them is taken."""
    asks: bool = False
    """Whether each input goes over a socket, which takes milliseconds."""


def of_text(read: Callable[[str], Any]) -> Read:
    """Return the parser of a text, which reaches it in UTF-8; halves of surrogate pairs too, as rows hold them."""
    return lambda data: read(_text(data))


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def of_document(read: Callable[[Any], Any]) -> Read:
    """Return the parser of a JSON value, which reaches it as this project reads JSON."""
    return lambda data: read(read_json(data, at_most=4 * 1024 * 1024))


def of_answer(read: Callable[[Any], Any]) -> Read:
    """Return the parser of a JSON value that reaches it by the standard library, which takes NaN and surrogates."""

    def reader(data: bytes) -> Any:
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise InvalidError(Problem("", "no JSON")) from error
        return read(document)

    return reader


def of_scalar(read: Callable[[Any], Any]) -> Read:
    """Return the parser of a text or a number, as a document holds one."""

    def reader(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InvalidError(Problem("", "the schema takes a text or a number here"))
        return read(value)

    return of_document(reader)


def of_message(read: Callable[[Mapping[str, str], bytes], Any]) -> Read:
    """Return the parser of headers, or of a query's parameters, with a body."""

    return lambda data: read(*message_parts(data))


def message_parts(data: bytes) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of an input, whatever it is."""
    head, _, body = data.partition(b"\n\n")
    pairs = (line.partition(":") for line in head.decode("utf-8", "replace").split("\n"))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}, body


def message(headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Return headers and body as one input."""
    return "".join(f"{name}: {value}\n" for name, value in headers.items()).encode() + b"\n" + body


def all_of(*reads: Callable[[Any], Any], refuses: tuple[type[Exception], ...] = (ValueError,)) -> Callable[[Any], Any]:
    """Return several small parsers as one: an input is refused when each of them refuses it."""

    def reader(value: Any) -> Any:
        found, refusal = [], None
        for read in reads:
            try:
                found.append(read(value))
            except refuses as error:
                refusal = error
        if not found and refusal is not None:
            raise refusal
        return tuple(found)

    return reader
