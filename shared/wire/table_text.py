"""Long text as Table Storage takes it: pieces of at most 32,000 UTF-16 code units, `d0`, `d1` and so on.

The service counts a string in UTF-16 (64 KiB at most) and holds only well-formed text. What is not well-formed
(lone surrogates, control characters, noncharacters) is stored as a JSON string behind a backslash, and comes
back unchanged.
"""

import json
import re
from collections.abc import Iterator, Mapping

PIECE = 32_000
"""UTF-16 code units a piece, somewhat under the service's 32,768."""
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_MARK = "\\"


def pack(text: str) -> str:
    """Return well-formed text that `unpack` turns back."""
    if text.startswith(_MARK) or _ODD.search(text):
        return _MARK + json.dumps(text)
    return text


def unpack(packed: str) -> str:
    """Return what `pack` was given. Raises ValueError for what it never returned."""
    if not packed.startswith(_MARK):
        return packed
    try:
        text = json.loads(packed[len(_MARK) :])
    except RecursionError as error:
        raise ValueError("nested, and no text") from error
    if not isinstance(text, str):
        raise ValueError("no text")
    return text


def split(text: str) -> dict[str, str]:
    """Return the text as properties `d0`, `d1`, ...; there is always a `d0`. `join` turns it back."""
    return {f"d{number}": piece for number, piece in enumerate(_pieces(pack(text)))}


def join(properties: Mapping[str, str]) -> str:
    """Return the text that `split` was given; other properties may stand beside its own.

    Raises ValueError as `unpack` does.
    """
    return unpack("".join(_numbered(properties)))


def utf16_length(text: str) -> int:
    """Return how many UTF-16 code units the text has."""
    if text.isascii():
        return len(text)
    return len(text) + sum(character > "\uffff" for character in text)


def _pieces(text: str) -> Iterator[str]:
    if utf16_length(text) == len(text):
        yield from (text[at : at + PIECE] for at in range(0, len(text) or 1, PIECE))
        return
    start = 0
    while start < len(text):
        end = _end_of_piece(text, start)
        yield text[start:end]
        start = end


def _end_of_piece(text: str, start: int) -> int:
    """A slice of code points never cuts a surrogate pair, so only its length in code units needs care."""
    piece = text[start : start + PIECE]
    excess = utf16_length(piece) - PIECE
    while excess > 0:
        piece = piece[: -((excess + 1) // 2)]
        excess = utf16_length(piece) - PIECE
    return start + len(piece)


def _numbered(properties: Mapping[str, str]) -> Iterator[str]:
    number = 0
    while (piece := properties.get(f"d{number}")) is not None:
        yield piece
        number += 1
