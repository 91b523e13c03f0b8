"""Bodies as they were before they were compressed, however far they would expand."""

import zlib
from collections.abc import Mapping
from typing import Final

from shared.domain.errors import InvalidError, Problem
from shared.wire.identities import header_of

_HEADER: Final = "content-encoding"
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS


class TooLongError(InvalidError):
    """The body is longer than is read (HTTP 413)."""


def decoded(headers: Mapping[str, str], body: bytes, *, at_most: int) -> bytes:
    """Return the body without its gzip encoding; one that a server before us decoded already is left as it is.

    Raises `TooLongError` as soon as it has more than `at_most` bytes, and `InvalidError` for another encoding or a
    body that is damaged.
    """
    encoding = (header_of(headers, _HEADER) or "identity").strip().lower()
    if encoding not in ("gzip", "x-gzip", "identity"):
        raise InvalidError(Problem("Content-Encoding", f"found {encoding:.40}; allowed is gzip, or none"))
    plain = _inflated(body, at_most) if encoding != "identity" and body.startswith(_GZIP) else body
    if len(plain) > at_most:
        raise TooLongError(Problem("", f"the body has more than {at_most} bytes: send less at once"))
    return plain


def _inflated(body: bytes, at_most: int) -> bytes:
    inflater = zlib.decompressobj(_GZIP_WINDOW)
    try:
        plain = inflater.decompress(body, at_most + 1)
    except zlib.error as error:
        raise InvalidError(Problem("", "the body is not what gzip makes")) from error
    if len(plain) <= at_most and not inflater.eof:
        raise InvalidError(Problem("", "the body ends in the middle of what gzip made"))
    return plain
