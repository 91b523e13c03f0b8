"""MurmurHash3, the 32-bit variant for x86 (Austin Appleby, public domain), seed 0: how flagd places its users."""

from struct import iter_unpack

_WORD = 0xFFFFFFFF
_FIRST, _SECOND = 0xCC9E2D51, 0x1B873593


def murmur3(data: bytes) -> int:
    """Return the hash, from 0 to 2^32 - 1."""
    mixed, whole = 0, len(data) & ~3
    # As `_scrambled` and `_rotated` say, but written out: a context may hold a text of many thousand words.
    for (word,) in iter_unpack("<I", data[:whole]):
        word = word * _FIRST & _WORD
        mixed ^= ((word << 15 | word >> 17) & _WORD) * _SECOND & _WORD
        mixed = ((mixed << 13 | mixed >> 19) * 5 + 0xE6546B64) & _WORD
    if whole < len(data):
        mixed ^= _scrambled(int.from_bytes(data[whole:], "little"))
    return _finished(mixed ^ len(data))


def _scrambled(word: int) -> int:
    return (_rotated((word * _FIRST) & _WORD, 15) * _SECOND) & _WORD


def _rotated(word: int, by: int) -> int:
    return ((word << by) | (word >> (32 - by))) & _WORD


def _finished(word: int) -> int:
    word ^= word >> 16
    word = (word * 0x85EBCA6B) & _WORD
    word ^= word >> 13
    word = (word * 0xC2B2AE35) & _WORD
    return word ^ (word >> 16)
