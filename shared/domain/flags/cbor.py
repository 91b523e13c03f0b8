"""The little of CBOR (RFC 8949, canonical) that flagd hashes: whatever JSON can say.

Names of an object stand in the order of their bytes, which begin with their length: the shorter ones come first. A
number with a fraction has the fewest bytes that hold it exactly.
"""

import struct

from shared.domain.flags.model import Json

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _TAG = 0, 1, 2, 3, 4, 5, 6
_FALSE, _TRUE, _NULL = b"\xf4", b"\xf5", b"\xf6"
_FLOATS = ((b"\xf9", ">e"), (b"\xfa", ">f"), (b"\xfb", ">d"))
"""Of 2, 4 and 8 bytes."""


def cbor(value: Json) -> bytes:
    """Return the bytes."""
    match value:
        case None:
            return _NULL
        case bool():
            return _TRUE if value else _FALSE
        case str():
            data = value.encode("utf-8", "surrogatepass")
            return _head(_TEXT, len(data)) + data
        case int():
            major, size = (_UNSIGNED, value) if value >= 0 else (_NEGATIVE, -1 - value)
            return _head(major, size) if size < 1 << 64 else _bignum(major, size)
        case float():
            return _float(value)
        case list():
            return _head(_LIST, len(value)) + b"".join(map(cbor, value))
    written = sorted((cbor(name), cbor(each)) for name, each in value.items())
    return _head(_MAP, len(written)) + b"".join(name + each for name, each in written)


def _float(number: float) -> bytes:
    for head, size in _FLOATS:
        try:
            data = struct.pack(size, number)
        except OverflowError:  # greater than these few bytes can say
            continue
        if struct.unpack(size, data) == (number,):
            return head + data
    raise ValueError(f"{number} is no number of JSON")


def _bignum(major: int, size: int) -> bytes:
    """Tag 2 for numbers from 2^64 on, 3 for those as far below zero."""
    data = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return _head(_TAG, 2 + major) + _head(_BYTES, len(data)) + data


def _head(major: int, argument: int) -> bytes:
    first = major << 5
    if argument < 24:
        return bytes([first | argument])
    for code, size in ((24, 1), (25, 2), (26, 4)):
        if argument < 1 << (8 * size):
            return bytes([first | code]) + argument.to_bytes(size, "big")
    return bytes([first | 27]) + argument.to_bytes(8, "big")
