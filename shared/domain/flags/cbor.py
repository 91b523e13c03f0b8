"""The little of CBOR (RFC 8949, canonical) that flagd hashes: a text, or a list of texts, or a whole number."""

from collections.abc import Sequence

_UNSIGNED, _NEGATIVE, _TEXT, _LIST = 0, 1, 3, 4


def cbor(value: str | int | Sequence[str]) -> bytes:
    """Return the bytes. Raises OverflowError for a number that does not fit into 64 bits."""
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogatepass")
        return _head(_TEXT, len(data)) + data
    if isinstance(value, int):
        return _head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value)
    return _head(_LIST, len(value)) + b"".join(map(cbor, value))


def _head(major: int, argument: int) -> bytes:
    first = major << 5
    if argument < 24:
        return bytes([first | argument])
    for code, size in ((24, 1), (25, 2), (26, 4)):
        if argument < 1 << (8 * size):
            return bytes([first | code]) + argument.to_bytes(size, "big")
    return bytes([first | 27]) + argument.to_bytes(8, "big")
