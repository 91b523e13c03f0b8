"""Reads JSON without trust: whatever the bytes are, the answer is a plain value or `InvalidError`."""

import json
import math
import re
from typing import Any, Final, NoReturn

from shared.domain.errors import InvalidError, Problem

MAX_BODY_BYTES: Final = 256 * 1024
"""The longest body that is read, in any format; also the most that Azure Monitor sends."""

MAX_DEPTH: Final = 64
"""How deep lists and objects may lie in one another."""

MAX_DIGITS: Final = 100
"""The longest whole number."""

BOM: Final = "\ufeff"
SURROGATE: Final = re.compile("[\ud800-\udfff]")
NOT_JSON: Final = "the body is not JSON"
"""How the problem of a text begins that breaks the syntax."""


def read_text(body: bytes, *, at_most: int = MAX_BODY_BYTES) -> str:
    """Return the UTF-8 text of a body, without a byte order mark. Raises `InvalidError`, also when it is too long."""
    if len(body) > at_most:
        refuse(f"the body has {len(body)} bytes, at most {at_most} are read")
    try:
        return body.decode("utf-8").removeprefix(BOM)
    except UnicodeDecodeError as error:
        is_wide = body.startswith((b"\xff\xfe", b"\xfe\xff"))
        refuse(f"the body must be UTF-8 text, {'this is UTF-16' if is_wide else f'byte {error.start} is not'}")


def read_json(body: bytes, *, at_most: int = MAX_BODY_BYTES) -> Any:
    """Return the one JSON value (RFC 8259) in a body.

    Raises `InvalidError` for anything else: other encodings than UTF-8, over `at_most` bytes, a repeated key, NaN
    and infinity, numbers too great for a double or over `MAX_DIGITS` long, halves of surrogate pairs, text after
    the value, nesting beyond `MAX_DEPTH`.
    """
    text = read_text(body, at_most=at_most)
    if not text.strip():
        refuse("the body is empty, it must be JSON")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=finite,
            parse_int=whole,
        )
    except json.JSONDecodeError as error:
        refuse(f"{NOT_JSON}: {error.msg} at column {error.colno}", line=error.lineno)
    except RecursionError:
        refuse(f"the body nests deeper than {MAX_DEPTH} levels")
    _check(value)
    return value


def finite(text: str) -> float:
    """Return the number. Raises `InvalidError` when no double is as great."""
    number = float(text)
    if not math.isfinite(number):
        refuse(f"{text:.40} is not a finite number")
    return number


def whole(text: str) -> int:
    """Return the whole number. Raises `InvalidError` when it has more than `MAX_DIGITS` digits."""
    if len(text) > MAX_DIGITS:
        refuse(f"{text[:20]}... is a number of {len(text)} digits, at most {MAX_DIGITS} are read")
    return int(text)


def refuse(message: str, *, line: int | None = None) -> NoReturn:
    """Raise `InvalidError` for the whole document."""
    raise InvalidError(Problem("", message, line)) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            refuse(f"the key {json.dumps(key)[:60]} stands twice in one object")
        members[key] = value
    return members


def _constant(text: str) -> NoReturn:
    refuse(f"{text} is not JSON: numbers are finite")


def _check(value: Any) -> None:
    level, depth = [value], 0
    while level:
        for each in level:
            _check_texts(each)
        depth += any(isinstance(each, dict | list) for each in level)
        if depth > MAX_DEPTH:
            refuse(f"the body nests deeper than {MAX_DEPTH} levels")
        level = [inner for each in level for inner in _inside(each)]


def _inside(value: Any) -> list[Any]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []


def _check_texts(value: Any) -> None:
    texts = [value] if isinstance(value, str) else value if isinstance(value, dict) else ()
    if any(SURROGATE.search(text) for text in texts):
        refuse("a text holds half a surrogate pair (\\ud800 to \\udfff), which is no character")
