"""The little of CBOR (RFC 8949, canonical) that flagd hashes: a text, a list of texts, a whole number of any size."""

from collections.abc import Sequence

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _TAG = 0, 1, 2, 3, 4, 6


def cbor(value: str | int | Sequence[str]) -> bytes:
    """Return the bytes."""
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogatepass")
        return _head(_TEXT, len(data)) + data
    if isinstance(value, int):
        major, size = (_UNSIGNED, value) if value >= 0 else (_NEGATIVE, -1 - value)
        return _head(major, size) if size < 1 << 64 else _bignum(major, size)
    return _head(_LIST, len(value)) + b"".join(map(cbor, value))


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
